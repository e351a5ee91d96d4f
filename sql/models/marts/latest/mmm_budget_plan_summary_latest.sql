{{ published('mmm_budget_plan_summary') }}
