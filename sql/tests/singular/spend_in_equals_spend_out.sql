{{ config(meta={'dagster': {'ref': {'name': 'channel_summary_latest'}}}) }}

with

spend_in as (

    select
        model_key,
        series_key,
        variable as channel,
        sum(value) as total
    from {{ ref('input_snapshot_latest') }}
    where is_used and role = 'spend'
    group by model_key, series_key, variable

),

spend_out as (

    select
        model_key,
        series_key,
        channel,
        spend
    from {{ ref('channel_summary_latest') }}
    where period = 'all'

)

select *
from spend_in
full outer join spend_out using (model_key, series_key, channel)
where
    total is null
    or spend is null
    or abs(total - spend) > 1e-6 * abs(spend)
