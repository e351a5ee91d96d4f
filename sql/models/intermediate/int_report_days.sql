with

days as (

    select distinct
        feed,
        model_key,
        channel,
        observed_on
    from {{ ref('stg_reports') }}
    where observed_on is not null

),

-- The feed as a whole, whatever its rows are of, and each platform of each model.
of_each as (

    select distinct
        feed,
        cast(null as varchar) as model_key,
        cast(null as varchar) as channel,
        observed_on
    from days

    union all

    select
        feed,
        model_key,
        channel,
        observed_on
    from days
    where model_key is not null and channel is not null

),

silences as (

    select
        *,
        lead(observed_on) over (
            partition by feed, model_key, channel
            order by observed_on
        ) - observed_on as silence
    from of_each

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

habits as (

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

)

select
    feed,
    model_key,
    channel,
    first_day,
    last_day,
    case
        when channel is null then last_day + case when is_regular then least(silence, 6) else 0 end
        -- Silent for four weeks, it has stopped, whatever it did before. In less than a quarter,
        -- nobody can tell a habit from a campaign.
        when is_regular and last_day - first_day >= 91 then last_day + least(silence, 27)
    end as known_until
from habits
