with

input as (

    select * from {{ ref('mmm_int_input') }}

),

-- By day first: to count a week's distinct dates in one step takes ten times as long.
days as (

    select
        model_key,
        series_key,
        observed_on,
        variable,
        role,
        sum(value) as total,
        count(*) as n_rows,
        count(value) as n_readable,
        max(case when value is null then raw_value end) as unreadable_value,
        max(silent_since) as silent_since,
        {{ dbt.bool_or('is_beyond_reports') }} as is_beyond_reports
    from input
    group by model_key, series_key, observed_on, variable, role

),

dated as (

    select
        *,
        {{ week_start('observed_on') }} as week_start
    from days

)

select
    model_key,
    series_key,
    week_start,
    variable,
    role,
    case
        -- A sum over the readable days alone would pass for a complete week.
        when sum(n_readable) < sum(n_rows) then null
        when role = 'control' then sum(total) / sum(n_rows)
        else sum(total)
    end as value,
    cast(sum(n_rows) as bigint) as n_rows,
    count(*) as n_days,
    cast(sum(n_rows) - sum(n_readable) as bigint) as n_unreadable,
    max(unreadable_value) as unreadable_value,
    min(observed_on) as first_date,
    max(observed_on) as last_date,
    max(silent_since) as silent_since,
    {{ dbt.bool_or('is_beyond_reports') }} as is_beyond_reports
from dated
group by model_key, series_key, week_start, variable, role
