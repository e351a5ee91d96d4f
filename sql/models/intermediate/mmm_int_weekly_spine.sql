{% set week_after = days_after(
    'first_weeks.first_week', '7 * (cast(numbers.generated_number as integer) - 1)'
) -%}
with

weekly_values as (

    select * from {{ ref('mmm_int_weekly_values') }}

),

first_weeks as (

    select
        model_key,
        series_key,
        min(week_start) as first_week
    from weekly_values
    group by model_key, series_key

),

-- A series may start late, but all of a model have to end together: what one of them lacks there is
-- a row.
last_weeks as (

    select
        model_key,
        max(week_start) as last_week
    from weekly_values
    group by model_key

),

numbers as (

    {{ week_numbers() | indent(4) }}

),

weeks as (

    select
        first_weeks.model_key,
        first_weeks.series_key,
        {{ week_after }} as week_start
    from first_weeks
    inner join last_weeks on first_weeks.model_key = last_weeks.model_key
    inner join numbers
        on {{ week_after }} <= last_weeks.last_week

),

-- A raw row holds every variable, so the ones seen are all that are configured.
variables as (

    select distinct
        model_key,
        variable,
        role
    from weekly_values

)

select
    weeks.model_key,
    weeks.series_key,
    weeks.week_start,
    variables.variable,
    variables.role
from weeks
inner join variables on weeks.model_key = variables.model_key
