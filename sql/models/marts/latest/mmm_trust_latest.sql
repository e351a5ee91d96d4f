with

runs as (

    -- Runs of earlier versions do not say: as by today's input.freshness.error_days.
    select
        run_id,
        model_key,
        started_at,
        currency,
        outcome_kind,
        window_start,
        window_end,
        coalesce(fresh_until, window_end + 7 + {{ var('mmm_freshness').error_days }})
            as fresh_until,
        n_weeks,
        n_series,
        published_at
    from {{ ref('mmm_run_latest') }}

),

outcomes as (

    select
        run_id,
        max(variable) as outcome
    from {{ ref('mmm_input_snapshot_latest') }}
    where role = 'outcome'
    group by run_id

),

checks as (

    select
        run_id,
        count(*) as n_checks,
        sum(case when status = 'warn' then 1 else 0 end) as n_warnings,
        sum(case when status = 'fail' then 1 else 0 end) as n_failures
    from {{ ref('mmm_diagnostic_latest') }}
    group by run_id

),

-- Of all series together, where there are several.
accuracies as (

    select
        accuracy.run_id,
        max(case when accuracy.metric = 'coverage' then accuracy.value end) as holdout_coverage,
        max(case when accuracy.metric = 'wmape' then accuracy.value end) as holdout_wmape,
        max(case when accuracy.metric = 'rmse_vs_naive' then accuracy.value end)
            as holdout_rmse_vs_naive
    from {{ ref('mmm_accuracy_latest') }} as accuracy
    inner join runs on accuracy.run_id = runs.run_id
    where
        accuracy.evaluation_set = 'holdout'
        and (runs.n_series = 1 or accuracy.series_key = 'all')
    group by accuracy.run_id

),

lift_tests as (

    select
        run_id,
        count(*) as n_lift_tests,
        max(abs(z_score)) as max_abs_z_score
    from {{ ref('mmm_lift_test_latest') }}
    group by run_id

),

attempts as (

    select
        model_key,
        started_at,
        status,
        gate_reason,
        row_number() over (
            partition by model_key
            order by started_at desc, run_id asc
        ) as attempts_back
    from {{ ref('mmm_run_history') }}
    where run_type <> 'vintage'

),

rejections as (

    select
        runs.run_id,
        count(*) as n_rejected_since
    from runs
    inner join attempts on runs.model_key = attempts.model_key
    where attempts.started_at > runs.started_at and attempts.status = 'rejected'
    group by runs.run_id

)

select
    runs.run_id,
    runs.model_key,
    case
        when checks.n_failures > 0 then 'fail'
        -- A check says nothing of the weeks since.
        when current_date > runs.fresh_until then 'outdated'
        when checks.n_warnings > 0 then 'warn'
        when checks.n_checks > 0 then 'pass'
    end as verdict,
    cast(coalesce(checks.n_checks, 0) as bigint) as n_checks,
    cast(coalesce(checks.n_warnings, 0) as bigint) as n_warnings,
    cast(coalesce(checks.n_failures, 0) as bigint) as n_failures,
    outcomes.outcome,
    runs.outcome_kind,
    runs.currency,
    runs.window_start,
    runs.window_end,
    runs.window_end + 7 as data_until,
    runs.fresh_until,
    runs.n_weeks,
    runs.n_series,
    accuracies.holdout_coverage,
    accuracies.holdout_wmape,
    accuracies.holdout_rmse_vs_naive,
    cast(coalesce(lift_tests.n_lift_tests, 0) as bigint) as n_lift_tests,
    lift_tests.max_abs_z_score,
    attempts.started_at as last_attempt_at,
    attempts.status as last_attempt_status,
    attempts.gate_reason as last_attempt_reason,
    cast(coalesce(rejections.n_rejected_since, 0) as bigint) as n_rejected_since,
    runs.published_at
from runs
left join checks on runs.run_id = checks.run_id
left join outcomes on runs.run_id = outcomes.run_id
left join accuracies on runs.run_id = accuracies.run_id
left join lift_tests on runs.run_id = lift_tests.run_id
left join rejections on runs.run_id = rejections.run_id
left join attempts
    on runs.model_key = attempts.model_key
    and attempts.attempts_back = 1
