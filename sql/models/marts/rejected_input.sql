with

raw_rows as (

    select
        cast('table' as varchar) as origin,
        series_key,
        raw_date,
        observed_on
    from {{ ref('stg_input') }}
    -- Every raw row has exactly one outcome: this counts raw rows, not variables.
    where role = 'outcome'

    union all

    select
        cast('reports' as varchar) as origin,
        series_key,
        raw_date,
        observed_on
    from {{ ref('stg_reports') }}

)

select
    origin,
    series_key,
    raw_date,
    observed_on,
    count(*) as n_rows
from raw_rows
where observed_on is null or series_key is null
group by origin, series_key, raw_date, observed_on
