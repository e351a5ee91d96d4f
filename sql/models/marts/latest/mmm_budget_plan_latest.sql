{{ published('mmm_budget_plan') }}
