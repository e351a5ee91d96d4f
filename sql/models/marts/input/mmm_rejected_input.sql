with

raw_rows as (

    select
        cast('table' as {{ text_type() }}) as origin,
        model_key,
        series_key,
        raw_date,
        observed_on
    from {{ ref('mmm_stg_input') }}
    -- Every raw row has exactly one outcome: this counts raw rows, not variables.
    where role = 'outcome'

    union all

    select
        cast('reports' as {{ text_type() }}) as origin,
        model_key,
        series_key,
        raw_date,
        observed_on
    from {{ ref('mmm_stg_reports') }}

)

select
    origin,
    model_key,
    series_key,
    raw_date,
    observed_on,
    case
        when model_key is null then 'no model'
        when series_key is null then 'no series'
        else 'no date'
    end as reason,
    count(*) as n_rows,
    {{ text_literal(var('mmm_settings_file', '')) }} as settings_file
from raw_rows
where observed_on is null or series_key is null or model_key is null
group by origin, model_key, series_key, raw_date, observed_on

{{ rows_of_other_settings(
    "select model_key from " ~ ref('mmm_weekly_input')
    ~ " where settings_file = " ~ text_literal(var('mmm_settings_file', ''))
) }}
