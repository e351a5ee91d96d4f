{{ config(meta={'dagster': {'ref': {'name': 'mmm_waterfall_latest'}}}) }}

with

waterfall as (

    select
        model_key,
        series_key,
        period,
        component as channel,
        contribution_mean as of_weeks
    from {{ ref('mmm_waterfall_latest') }}
    where component_type in ('channel', 'organic')

),

summary as (

    select
        model_key,
        series_key,
        period,
        channel,
        contribution_mean as of_period
    from {{ ref('mmm_channel_summary_latest') }}
    -- Waterfalls are of the last weeks, not of the calendar.
    where period in ('all', 'last_52_weeks', 'last_13_weeks')

)

select
    model_key,
    series_key,
    period,
    channel,
    waterfall.of_weeks,
    summary.of_period
from waterfall
full outer join summary using (model_key, series_key, period, channel)
where
    waterfall.of_weeks is null
    or summary.of_period is null
    or abs(waterfall.of_weeks - summary.of_period) > 1e-6 * abs(summary.of_period)
