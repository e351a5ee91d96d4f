with

weekly_values as (

    select * from {{ ref('int_weekly_values') }}

),

first_weeks as (

    select
        series_key,
        min(week_start) as first_week
    from weekly_values
    group by series_key

),

-- A series may start late, but all have to end together: what one of them lacks there is a row.
last_week as (

    select max(week_start) as last_week
    from weekly_values

),

weeks as (

    select
        first_weeks.series_key,
        {{ weeks_between('first_weeks.first_week', 'last_week.last_week') }} as week_start
    from first_weeks
    cross join last_week

),

-- A raw row holds every variable, so the ones seen are all that are configured.
variables as (

    select distinct
        variable,
        role
    from weekly_values

)

select
    weeks.series_key,
    weeks.week_start,
    variables.variable,
    variables.role
from weeks
cross join variables
