with

summaries as (

    select * from {{ ref('mmm_channel_summary_latest') }}

),

runs as (

    select * from {{ ref('mmm_run_latest') }}

)

select
    summaries.run_id,
    summaries.model_key,
    summaries.series_key,
    summaries.channel,
    summaries.period,
    summaries.period_end,
    summaries.spend,
    summaries.roi_mean,
    summaries.roi_ci_lo,
    summaries.roi_ci_hi,
    summaries.mroi_mean,
    summaries.mroi_ci_lo,
    summaries.mroi_ci_hi,
    summaries.contribution_ci_lo,
    summaries.contribution_ci_hi,
    summaries.ci_level,
    -- Spend is known, so that the mean return is the mean outcome in money over it.
    summaries.roi_mean * summaries.spend as incremental_value,
    case when summaries.roi_mean is not null then summaries.spend end as spend_with_return
from summaries
inner join runs on summaries.run_id = runs.run_id
where
    summaries.is_paid
    -- The rows that are the sum of several series would count everything twice.
    and (runs.n_series = 1 or summaries.series_key <> 'all')
