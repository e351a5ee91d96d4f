{% set next_day -%}
    lead(observed_on) over (
        partition by feed, model_key, channel
        order by observed_on
    )
{%- endset -%}
with

days as (

    select distinct
        feed,
        model_key,
        channel,
        observed_on
    from {{ ref('mmm_stg_reports') }}
    where observed_on is not null

),

platform_days as (

    select * from days
    where model_key is not null and channel is not null

),

silences as (

    select
        *,
        {{ days_between('observed_on', next_day) }} as silence
    from platform_days

),

longest_first as (

    select
        feed,
        model_key,
        channel,
        observed_on,
        row_number() over (
            partition by feed, model_key, channel
            order by silence desc nulls last, observed_on asc
        ) as n_longest,
        sum(silence) over (
            partition by feed, model_key, channel
            order by silence desc nulls last, observed_on asc
            rows between unbounded preceding and current row
        ) as days_of_longest,
        sum(silence) over (partition by feed, model_key, channel) as days_of_all
    from silences

),

platforms as (

    select
        feed,
        model_key,
        channel,
        min(observed_on) as first_day,
        max(observed_on) as last_day,
        cast(greatest({{ usual_silence(0.01) }}, 0) as integer) as silence,
        {{ usual_silence(0.05) }} < 7 as is_regular
    from longest_first
    group by feed, model_key, channel

),

ends_of_feeds as (

    select
        feed,
        min(observed_on) as first_day,
        max(observed_on) as last_day
    from days
    group by feed

),

weekdays as (

    select distinct
        feed,
        {{ weekday_of('observed_on') }} as day_of_week
    from days

)

select
    feed,
    model_key,
    channel,
    first_day,
    last_day,
    cast(null as date) as known_from,
    -- Silent for four weeks, it has stopped, whatever it did before. In less than a quarter, nobody
    -- can tell a habit from a campaign.
    case
        when is_regular and {{ days_between('first_day', 'last_day') }} >= 91
            then {{ days_after('last_day', 'least(silence, 27)') }}
    end as known_until
from platforms

union all

-- Reports that never have a row on a Saturday hold a Saturday that follows their last Friday.
select
    ends_of_feeds.feed,
    cast(null as {{ text_type() }}) as model_key,
    cast(null as {{ text_type() }}) as channel,
    ends_of_feeds.first_day,
    ends_of_feeds.last_day,
    {{ days_after(
        'ends_of_feeds.first_day',
        '-min(mod(' ~ weekday_of('ends_of_feeds.first_day') ~ ' - weekdays.day_of_week + 6, 7))'
    ) }} as known_from,
    {{ days_after(
        'ends_of_feeds.last_day',
        'min(mod(weekdays.day_of_week - ' ~ weekday_of('ends_of_feeds.last_day') ~ ' + 6, 7))'
    ) }} as known_until
from ends_of_feeds
inner join weekdays on ends_of_feeds.feed = weekdays.feed
group by ends_of_feeds.feed, ends_of_feeds.first_day, ends_of_feeds.last_day
