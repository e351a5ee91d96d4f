{% set daily = var('mmm_grain') == 'daily' -%}
with

reports as (

    select * from {{ ref('mmm_stg_reports') }}
    where observed_on is not null and series_key is not null and model_key is not null

),

dated as (

    select
        *,
        {{ 'observed_on' if daily else week_start('observed_on') }} as period_start
    from reports

)

select
    model_key,
    series_key,
    channel,
    period_start,
    -- A sum over the readable rows alone would pass for all spend.
    case when count(value) = count(*) then sum(value) end as spend,
    max(case when value is null then coalesce(raw_value, '') end) as unreadable_value
from dated
group by model_key, series_key, channel, period_start
