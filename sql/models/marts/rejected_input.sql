with

input as (

    select * from {{ ref('stg_input') }}

)

select
    raw_date,
    count(*) as n_rows
from input
where
    observed_on is null
    -- Every raw row has exactly one outcome: this counts raw rows, not variables.
    and role = 'outcome'
group by raw_date
