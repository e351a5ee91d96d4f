with

contributions as (

    select * from {{ ref('mmm_contribution_latest') }}

),

summaries as (

    select * from {{ ref('mmm_channel_summary_latest') }}

),

distinct_weeks as (

    select distinct
        run_id,
        series_key,
        week_start
    from contributions

),

weeks as (

    select
        *,
        row_number() over (
            partition by run_id, series_key
            order by week_start desc
        ) as weeks_back,
        count(*) over (partition by run_id, series_key) as n_weeks
    from distinct_weeks

),

periods as (

    select
        'all' as period,
        0 as first_weeks,
        1000000 as last_weeks

    union all

    -- Only of series that have a week before the period: see mmm_channel_summary_latest.
    select
        'last_52_weeks' as period,
        52 as first_weeks,
        52 as last_weeks

    union all

    select
        'last_13_weeks' as period,
        13 as first_weeks,
        13 as last_weeks

),

parts as (

    select
        contributions.run_id,
        contributions.model_key,
        contributions.series_key,
        periods.period,
        contributions.component_type,
        contributions.component,
        contributions.published_at,
        sum(contributions.contribution_mean) as contribution_mean
    from contributions
    inner join weeks
        on contributions.run_id = weeks.run_id
        and contributions.series_key = weeks.series_key
        and contributions.week_start = weeks.week_start
    inner join periods
        on weeks.weeks_back <= periods.last_weeks
        and weeks.n_weeks > periods.first_weeks
    group by
        contributions.run_id,
        contributions.model_key,
        contributions.series_key,
        periods.period,
        contributions.component_type,
        contributions.component,
        contributions.published_at

),

steps as (

    select
        *,
        row_number() over (
            partition by run_id, series_key, period
            order by
                case component_type
                    when 'baseline' then 0
                    when 'trend' then 1
                    when 'seasonality' then 2
                    when 'holiday' then 3
                    when 'event' then 4
                    when 'control' then 5
                    when 'organic' then 6
                    else 7
                end,
                contribution_mean desc,
                component asc
        ) as step
    from parts

),

running as (

    select
        *,
        sum(contribution_mean) over (
            partition by run_id, series_key, period
            order by step
            rows between unbounded preceding and current row
        ) as ends_at
    from steps

),

total as (

    select
        run_id,
        model_key,
        series_key,
        period,
        published_at,
        sum(contribution_mean) as contribution_mean,
        max(step) + 1 as step
    from steps
    group by run_id, model_key, series_key, period, published_at

),

every_step as (

    select
        run_id,
        model_key,
        series_key,
        period,
        step,
        component_type,
        component,
        contribution_mean,
        ends_at - contribution_mean as starts_at,
        ends_at,
        published_at
    from running

    union all

    select
        run_id,
        model_key,
        series_key,
        period,
        step,
        'expected' as component_type,
        'expected' as component,
        contribution_mean,
        0 as starts_at,
        contribution_mean as ends_at,
        published_at
    from total

)

select
    every_step.run_id,
    every_step.model_key,
    every_step.series_key,
    every_step.period,
    every_step.step,
    every_step.component_type,
    every_step.component,
    every_step.contribution_mean,
    summaries.contribution_ci_lo,
    summaries.contribution_ci_hi,
    summaries.ci_level,
    every_step.starts_at,
    every_step.ends_at,
    every_step.published_at
from every_step
left join summaries
    on every_step.run_id = summaries.run_id
    and every_step.series_key = summaries.series_key
    and every_step.period = summaries.period
    and every_step.component = summaries.channel
    and every_step.component_type in ('channel', 'organic')
