{{ config(meta={'dagster': {'ref': {'name': 'waterfall_latest'}}}) }}

with

waterfall as (

    select
        model_key,
        series_key,
        period,
        component as channel,
        contribution_mean as of_weeks
    from {{ ref('waterfall_latest') }}
    where component_type in ('channel', 'organic')

),

summary as (

    select
        model_key,
        series_key,
        period,
        channel,
        contribution_mean as of_period
    from {{ ref('channel_summary_latest') }}

)

select *
from waterfall
full outer join summary using (model_key, series_key, period, channel)
where
    of_weeks is null
    or of_period is null
    or abs(of_weeks - of_period) > 1e-6 * abs(of_period)
