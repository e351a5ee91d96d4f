with

runs as (

    select * from {{ source('mmm_results', 'mmm_run') }}

),

published as (

    select * from {{ ref('mmm_int_published_run') }}

)

-- The pointer's published_at stands in for the run's: after a rollback, the two differ.
select
    runs.run_id,
    runs.model_key,
    runs.run_type,
    runs.fit_run_id,
    runs.status,
    runs.started_at,
    runs.currency,
    runs.outcome_kind,
    runs.value_per_unit,
    runs.as_of_week,
    runs.window_start,
    runs.window_end,
    runs.fresh_until,
    runs.n_weeks,
    runs.n_series,
    runs.components_requested,
    runs.components_selected,
    runs.gate_reason,
    runs.config_fingerprint,
    runs.data_fingerprint,
    runs.model_version,
    runs.code_version,
    runs.seed,
    runs.draws,
    runs.warmup,
    runs.chains,
    runs.cpu_seconds,
    runs.wall_seconds,
    runs.peak_rss_mb,
    published.published_at
from runs
inner join published
    on runs.model_key = published.model_key
    and runs.run_id = published.run_id
