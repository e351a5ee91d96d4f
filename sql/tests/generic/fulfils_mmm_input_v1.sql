{# What keeps rows from being an input of version 1, in words. Use it on a mart of your own:
   `data_tests: [mmm.fulfils_mmm_input_v1]`. #}
{% test fulfils_mmm_input_v1(model) %}

{# In another project's test, the package's defaults and macros are not seen by themselves. #}
{% set week_starts_on = var('mmm_week_starts_on', 'monday') %}

with

input as (

    select
        model_key,
        series_key,
        week_start,
        variable,
        role,
        value
    from {{ model }}

),

series as (

    select
        model_key,
        series_key,
        min(week_start) as first_week
    from input
    group by model_key, series_key

),

models as (

    select
        model_key,
        max(week_start) as last_week,
        count(distinct case when role = 'outcome' then variable end) as n_outcomes
    from input
    group by model_key

),

variables as (

    select
        model_key,
        variable,
        count(distinct role) as n_roles
    from input
    group by model_key, variable

),

weeks as (

    select
        model_key,
        series_key,
        variable,
        count(distinct week_start) as n_weeks
    from input
    group by model_key, series_key, variable

),

problems as (

    select
        'a key is blank' as problem,
        model_key,
        series_key,
        week_start,
        variable
    from input
    where
        week_start is null
        or coalesce(trim(model_key), '') = ''
        or coalesce(trim(series_key), '') = ''
        or coalesce(trim(variable), '') = ''

    union all

    select
        'role is not outcome, value, spend, organic or control' as problem,
        model_key,
        series_key,
        week_start,
        variable
    from input
    where
        role is null
        or role not in ('outcome', 'value', 'spend', 'organic', 'control')

    union all

    select
        'variable has the name of a key' as problem,
        model_key,
        series_key,
        week_start,
        variable
    from input
    where lower(variable) in ('model_key', 'series_key', 'week_start')

    union all

    select
        'week_start is no {{ week_starts_on }}' as problem,
        model_key,
        series_key,
        week_start,
        variable
    from input
    where {{ mmm.weekday_of('week_start') }} <> {{ mmm.iso_weekday(week_starts_on) }}

    union all

    select
        'value is missing or not finite' as problem,
        model_key,
        series_key,
        week_start,
        variable
    from input
    where
        (value is null and role not in ('outcome', 'value'))
        -- Neither infinity nor NaN less itself is 0.
        or value - value <> 0

    union all

    select
        'spend is below 0' as problem,
        model_key,
        series_key,
        week_start,
        variable
    from input
    where role = 'spend' and value < 0

    union all

    select
        'more than one row of a week' as problem,
        model_key,
        series_key,
        week_start,
        variable
    from input
    group by model_key, series_key, week_start, variable
    having count(*) > 1

    union all

    select
        'variable has several roles' as problem,
        model_key,
        cast(null as {{ mmm.text_type() }}) as series_key,
        cast(null as date) as week_start,
        variable
    from variables
    where n_roles > 1

    union all

    select
        'model has no outcome, or several' as problem,
        model_key,
        cast(null as {{ mmm.text_type() }}) as series_key,
        cast(null as date) as week_start,
        cast(null as {{ mmm.text_type() }}) as variable
    from models
    where n_outcomes <> 1

    union all

    select
        'variable lacks weeks: a week without spend is a row of 0' as problem,
        series.model_key,
        series.series_key,
        cast(null as date) as week_start,
        variables.variable
    from series
    inner join models on series.model_key = models.model_key
    inner join variables on series.model_key = variables.model_key
    left join weeks
        on series.model_key = weeks.model_key
        and series.series_key = weeks.series_key
        and variables.variable = weeks.variable
    where
        coalesce(weeks.n_weeks, 0) <> (models.last_week - series.first_week) / 7 + 1

)

select * from problems

{% endtest %}
