{{ config(meta={'dagster': {'ref': {'name': 'mmm_channel_summary_latest'}}}) }}

with

media_by_series as (

    select
        model_key,
        series_key,
        variable as channel,
        -- Exposures of organic media are no money.
        sum(case when role = 'spend' then value else 0 end) as total
    from {{ ref('mmm_input_snapshot_latest') }}
    where is_used and role in ('spend', 'organic')
    group by model_key, series_key, variable

),

spend_in as (

    select * from media_by_series

    union all

    select
        model_key,
        'all' as series_key,
        channel,
        sum(total) as total
    from media_by_series
    group by model_key, channel
    having count(*) > 1

),

spend_out as (

    select
        model_key,
        series_key,
        channel,
        spend
    from {{ ref('mmm_channel_summary_latest') }}
    where period = 'all'

)

select
    model_key,
    series_key,
    channel,
    spend_in.total,
    spend_out.spend
from spend_in
full outer join spend_out using (model_key, series_key, channel)
where
    spend_in.total is null
    or spend_out.spend is null
    or abs(spend_in.total - spend_out.spend) > 1e-6 * abs(spend_out.spend)
