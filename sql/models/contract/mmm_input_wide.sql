-- The columns are of the variables found when dbt runs: a new channel is one after the next build.
select
    model_key,
    series_key,
    week_start{{ value_of_each_variable(ref('mmm_input', v=1)) }}
from {{ ref('mmm_input', v=1) }}
group by model_key, series_key, week_start
