with

input as (

    select * from {{ ref('stg_input') }}

)

select
    series_key,
    raw_date,
    observed_on,
    count(*) as n_rows
from input
where
    (observed_on is null or series_key is null)
    -- Every raw row has exactly one outcome: this counts raw rows, not variables.
    and role = 'outcome'
group by series_key, raw_date, observed_on
