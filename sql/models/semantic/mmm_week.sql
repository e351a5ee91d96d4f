with

parts as (

    select * from {{ ref('mmm_contribution_latest') }}

),

runs as (

    select * from {{ ref('mmm_run_latest') }}

),

-- Of values that were left out of the fit, the summaries know nothing either.
spend as (

    select
        run_id,
        series_key,
        week_start,
        variable as channel,
        value as spend
    from {{ ref('mmm_input_snapshot_latest') }}
    where role = 'spend' and is_used

)

select
    parts.run_id,
    parts.model_key,
    parts.series_key,
    parts.week_start,
    parts.component_type,
    parts.component,
    case when parts.component_type = 'channel' then coalesce(spend.spend, 0) else 0 end as spend,
    parts.contribution_mean
from parts
inner join runs on parts.run_id = runs.run_id
left join spend
    on parts.run_id = spend.run_id
    and parts.series_key = spend.series_key
    and parts.week_start = spend.week_start
    and parts.component = spend.channel
-- The rows that are the sum of several series would count everything twice.
where runs.n_series = 1 or parts.series_key <> 'all'
