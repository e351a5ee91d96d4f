{{ believed('mmm_budget_plan') }}
