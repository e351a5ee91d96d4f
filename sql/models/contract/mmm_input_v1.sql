{% set mart = var('mmm_input_mart', none) or 'mmm_input_mart' -%}
select
    cast(model_key as {{ text_type() }}) as model_key,
    cast(series_key as {{ text_type() }}) as series_key,
    cast(week_start as date) as week_start,
    cast(variable as {{ text_type() }}) as variable,
    cast(role as {{ text_type() }}) as role,
    cast(value as {{ double_type() }}) as value
from {{ ref(project_name, mart) }}
