{% set daily = var('mmm_grain') == 'daily' -%}
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
        value,
        cast(null as date) as silent_since,
        false as is_beyond_reports
    from {{ ref('mmm_stg_input') }}
    where observed_on is not null and series_key is not null and model_key is not null

),

reported_spend as (

    select * from {{ ref('mmm_int_reported_spend') }}

),

report_days as (

    select * from {{ ref('mmm_int_report_days') }}

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

    {%- for input in var('mmm_inputs') %}
    {%- set input_number = loop.index %}
    {%- for channel in (input.reports or {'channels': []}).channels %}

    select
        {{ input_number }} as input_number,
        {{ text_literal(input.reports.schema ~ '.' ~ input.reports.table) }} as feed,
        {{ text_literal(channel.name) }} as variable,
        {{ text_literal(channel.text) }} as channel,
        {{ "date '" ~ channel.ended ~ "'" if channel.ended else 'cast(null as date)' }} as ended

    union all
    {%- endfor %}
    {%- endfor %}

    -- For inputs without reports, and the end of the list above.
    select
        0 as input_number,
        cast(null as {{ text_type() }}) as feed,
        cast(null as {{ text_type() }}) as variable,
        cast(null as {{ text_type() }}) as channel,
        cast(null as date) as ended
    from (select 1 as one) as one_row
    where one = 0

),

report_rows as (

    select
        periods.model_key,
        periods.series_key,
        periods.observed_on,
        channels.variable,
        reported_spend.spend,
        reported_spend.unreadable_value,
        feeds.first_day,
        feeds.last_day,
        coalesce(
            feeds.known_from <= periods.period_start
            and periods.period_end <= feeds.known_until,
            false
        ) as is_in_feed,
        -- A platform that was regular is missing after its last row, until it has ended.
        case
            when
                periods.period_end > platforms.known_until
                and (
                    channels.ended is null
                    -- It has begun again since.
                    or channels.ended < platforms.last_day
                    or greatest(periods.period_start, platforms.known_until + 1) < channels.ended
                )
                then platforms.last_day + 1
        end as silent_since
    from periods
    inner join channels on periods.input_number = channels.input_number
    left join report_days as feeds
        on channels.feed = feeds.feed
        and feeds.channel is null
    left join report_days as platforms
        on channels.feed = platforms.feed
        and periods.model_key = platforms.model_key
        and channels.channel = platforms.channel
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
    value,
    silent_since,
    is_beyond_reports
from table_rows

union all

select
    model_key,
    series_key,
    observed_on,
    variable,
    cast('spend' as {{ text_type() }}) as role,
    case
        when not is_in_feed
            then
                'reports from ' || cast(first_day as {{ text_type() }})
                || ' to ' || cast(last_day as {{ text_type() }}) || ' alone'
        when silent_since is not null
            then 'no row from ' || cast(silent_since as {{ text_type() }}) || ' on'
        else unreadable_value
    end as raw_value,
    -- Within the days of the reports, no row is no spend; beyond them, nobody knows.
    case
        when is_in_feed and silent_since is null and unreadable_value is null
            then coalesce(spend, 0)
    end as value,
    case when is_in_feed then silent_since end as silent_since,
    not is_in_feed as is_beyond_reports
from report_rows
