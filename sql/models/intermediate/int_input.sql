{% set reports = var('input').reports -%}
{% set daily = var('input').grain == 'daily' -%}
with

table_rows as (

    select
        series_key,
        observed_on,
        variable,
        role,
        raw_value,
        value
    from {{ ref('stg_input') }}
    where observed_on is not null and series_key is not null

),

reported_spend as (

    select * from {{ ref('int_reported_spend') }}

),

reported_days as (

    select
        min(observed_on) as first_day,
        max(observed_on) as last_day
    from {{ ref('stg_reports') }}

),

periods as (

    select
        series_key,
        observed_on,
        {% if daily -%}
            observed_on as period_start,
            observed_on as period_end
        {%- else -%}
            {{ week_start('observed_on') }} as period_start,
            {{ week_start('observed_on') }} + 6 as period_end
        {%- endif %}
    from table_rows
    -- Every raw row has exactly one outcome.
    where role = 'outcome'

),

channels as (

    {% for channel in reports.channels if reports -%}
    select
        {{ text_literal(channel.name) }} as variable,
        {{ text_literal(channel.text) }} as channel

    {%- if not loop.last %}
    union all
    {% endif %}
    {%- else -%}
    select
        cast(null as varchar) as variable,
        cast(null as varchar) as channel
    where 1 = 0
    {%- endfor %}

),

report_rows as (

    select
        periods.series_key,
        periods.observed_on,
        channels.variable,
        cast('spend' as varchar) as role,
        case
            when reported_days.first_day <= periods.period_start
                and periods.period_end <= reported_days.last_day
                then reported_spend.unreadable_value
            else 'reports from ' || cast(reported_days.first_day as varchar)
                || ' to ' || cast(reported_days.last_day as varchar) || ' alone'
        end as raw_value,
        -- Within the days of the reports, no row is no spend; beyond them, nobody knows.
        case
            when reported_days.first_day <= periods.period_start
                and periods.period_end <= reported_days.last_day
                and reported_spend.unreadable_value is null
                then coalesce(reported_spend.spend, 0)
        end as value
    from periods
    cross join channels
    cross join reported_days
    left join reported_spend
        on periods.series_key = reported_spend.series_key
        and periods.period_start = reported_spend.period_start
        and channels.channel = reported_spend.channel

)

select * from table_rows

union all

select * from report_rows
