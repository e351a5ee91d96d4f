with

weekly_values as (

    select * from {{ ref('int_weekly_values') }}

),

span as (

    select
        min(week_start) as first_week,
        max(week_start) as last_week
    from weekly_values

),

weeks as (

    select {{ weeks_between('first_week', 'last_week') }} as week_start
    from span

),

-- A raw row holds every variable, so the ones seen are all that are configured.
variables as (

    select distinct
        variable,
        role
    from weekly_values

)

select
    {{ text_literal(var('input').series_key) }} as series_key,
    weeks.week_start,
    variables.variable,
    variables.role
from weeks
cross join variables
