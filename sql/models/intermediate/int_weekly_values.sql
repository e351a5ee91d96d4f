with

input as (

    select
        *,
        {{ week_start('observed_on') }} as week_start
    from {{ ref('stg_input') }}
    where observed_on is not null and series_key is not null

)

select
    series_key,
    week_start,
    variable,
    role,
    case
        -- A sum over the readable days alone would pass for a complete week.
        when count(value) < count(*) then null
        when role = 'control' then avg(value)
        else sum(value)
    end as value,
    count(*) as n_rows,
    count(distinct observed_on) as n_days,
    count(*) - count(value) as n_unreadable,
    max(case when value is null then raw_value end) as unreadable_value,
    min(observed_on) as first_date,
    max(observed_on) as last_date
from input
group by series_key, week_start, variable, role
