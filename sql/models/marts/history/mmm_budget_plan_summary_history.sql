{{ every_publication('mmm_budget_plan_summary') }}
