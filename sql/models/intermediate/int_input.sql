{% set daily = var('grain') == 'daily' -%}
{% set period_start = 'observed_on' if daily else week_start('observed_on') -%}
with

table_rows as (

    select
        input_number,
        model_key,
        series_key,
        observed_on,
        variable,
        role,
        raw_value,
        value
    from {{ ref('stg_input') }}
    where observed_on is not null and series_key is not null and model_key is not null

),

reported_spend as (

    select * from {{ ref('int_reported_spend') }}

),

ends_of_reports as (

    select
        feed,
        min(observed_on) as first_day,
        max(observed_on) as last_day
    from {{ ref('stg_reports') }}
    group by feed

),

reported_weekdays as (

    select distinct
        feed,
        cast(extract(isodow from observed_on) as integer) as day_of_week
    from {{ ref('stg_reports') }}
    where observed_on is not null

),

-- Reports that never have a row on a Saturday hold a Saturday that follows their last Friday.
reported_days as (

    select
        ends_of_reports.feed,
        ends_of_reports.first_day,
        ends_of_reports.last_day,
        ends_of_reports.first_day - min(
            (
                cast(extract(isodow from ends_of_reports.first_day) as integer)
                - reported_weekdays.day_of_week + 6
            ) % 7
        ) as held_from,
        ends_of_reports.last_day + min(
            (
                reported_weekdays.day_of_week
                - cast(extract(isodow from ends_of_reports.last_day) as integer) + 6
            ) % 7
        ) as held_until
    from ends_of_reports
    inner join reported_weekdays on ends_of_reports.feed = reported_weekdays.feed
    group by ends_of_reports.feed, ends_of_reports.first_day, ends_of_reports.last_day

),

periods as (

    select
        input_number,
        model_key,
        series_key,
        observed_on,
        {{ period_start }} as period_start,
        {{ period_start }}{{ ' + 6' if not daily }} as period_end
    from table_rows
    -- Every raw row has exactly one outcome.
    where role = 'outcome'

),

channels as (

    {%- for input in var('inputs') %}
    {%- set input_number = loop.index %}
    {%- for channel in (input.reports or {'channels': []}).channels %}

    select
        {{ input_number }} as input_number,
        {{ text_literal(input.reports.schema ~ '.' ~ input.reports.table) }} as feed,
        {{ text_literal(channel.name) }} as variable,
        {{ text_literal(channel.text) }} as channel

    union all
    {%- endfor %}
    {%- endfor %}

    -- For inputs without reports, and the end of the list above.
    select
        0 as input_number,
        cast(null as varchar) as feed,
        cast(null as varchar) as variable,
        cast(null as varchar) as channel
    where 1 = 0

),

report_rows as (

    select
        periods.model_key,
        periods.series_key,
        periods.observed_on,
        channels.variable,
        cast('spend' as varchar) as role,
        case
            when
                reported_days.held_from <= periods.period_start
                and periods.period_end <= reported_days.held_until
                then reported_spend.unreadable_value
            else
                'reports from ' || cast(reported_days.first_day as varchar)
                || ' to ' || cast(reported_days.last_day as varchar) || ' alone'
        end as raw_value,
        -- Within the days of the reports, no row is no spend; beyond them, nobody knows.
        case
            when
                reported_days.held_from <= periods.period_start
                and periods.period_end <= reported_days.held_until
                and reported_spend.unreadable_value is null
                then coalesce(reported_spend.spend, 0)
        end as value
    from periods
    inner join channels on periods.input_number = channels.input_number
    left join reported_days on channels.feed = reported_days.feed
    left join reported_spend
        on periods.model_key = reported_spend.model_key
        and periods.series_key = reported_spend.series_key
        and periods.period_start = reported_spend.period_start
        and channels.channel = reported_spend.channel

)

select
    model_key,
    series_key,
    observed_on,
    variable,
    role,
    raw_value,
    value
from table_rows

union all

select * from report_rows
