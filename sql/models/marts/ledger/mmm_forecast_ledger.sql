with

forecasts as (

    select * from {{ source('mmm_results', 'mmm_forecast') }}

),

-- What readers saw; and past weeks fitted as of then, which are a back-test.
runs as (

    select * from {{ source('mmm_results', 'mmm_run') }}
    where published_at is not null or (run_type = 'vintage' and gate_reason is null)

),

-- Of two runs on the same weeks, what the later one said.
made as (

    select
        forecasts.*,
        runs.run_type,
        runs.as_of_week,
        row_number() over (
            partition by
                forecasts.model_key, runs.run_type, forecasts.series_key, runs.as_of_week,
                forecasts.week_start
            order by runs.started_at desc
        ) as place
    from forecasts
    inner join runs
        on forecasts.run_id = runs.run_id

),

snapshot as (

    select * from {{ source('mmm_results', 'mmm_input_snapshot') }}

),

published as (

    select * from {{ ref('mmm_int_published_run') }}

),

-- As the published run knows them, restatements included.
by_series as (

    select
        snapshot.model_key,
        snapshot.series_key,
        snapshot.week_start,
        sum(case when snapshot.role = 'outcome' then snapshot.value end) as outcome,
        sum(case when snapshot.role = 'spend' then snapshot.value else 0 end) as spend
    from snapshot
    inner join published
        on snapshot.run_id = published.run_id
    where snapshot.is_used
    group by snapshot.model_key, snapshot.series_key, snapshot.week_start

),

of_all as (

    select
        model_key,
        cast('all' as {{ text_type() }}) as series_key,
        week_start,
        sum(outcome) as outcome,
        sum(spend) as spend
    from by_series
    group by model_key, week_start

),

actuals as (

    select * from by_series

    union all

    select * from of_all

),

beside as (

    select
        made.*,
        actuals.outcome as actual,
        actuals.spend as actual_spend,
        year_before.outcome as naive
    from made
    left join actuals
        on made.model_key = actuals.model_key
        and made.series_key = actuals.series_key
        and made.week_start = actuals.week_start
    left join actuals as year_before
        on made.model_key = year_before.model_key
        and made.series_key = year_before.series_key
        and made.week_start - 364 = year_before.week_start
    where made.place = 1

)

select
    run_id,
    model_key,
    run_type,
    series_key,
    as_of_week,
    week_start,
    horizon,
    planned_spend,
    actual_spend,
    outcome_mean,
    outcome_q05,
    outcome_q50,
    outcome_q95,
    actual,
    naive,
    abs(actual - outcome_q50) as absolute_error,
    abs(actual - naive) as naive_absolute_error,
    {{ crps_of_quantiles('actual') }} as crps,
    actual between outcome_q05 and outcome_q95 as is_within_90,
    actual between outcome_q25 and outcome_q75 as is_within_50
from beside
