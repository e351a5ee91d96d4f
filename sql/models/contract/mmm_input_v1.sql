{% set mart = var('mmm_input_mart', none) or 'mmm_input_mart' -%}
select
    cast(model_key as varchar) as model_key,
    cast(series_key as varchar) as series_key,
    cast(week_start as date) as week_start,
    cast(variable as varchar) as variable,
    cast(role as varchar) as role,
    cast(value as double precision) as value
from {{ ref(project_name, mart) }}
