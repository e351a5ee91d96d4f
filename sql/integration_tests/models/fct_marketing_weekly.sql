-- The input of the job, from the report of the ad-reporting packages and the shop's own orders.
with

reports as (

    select * from {{ ref('ad_reporting__account_report') }}

),

orders as (

    select * from {{ ref('orders') }}

),

spend_by_week as (

    select
        cast(date_trunc('week', date_day) as date) as week_start,
        platform as variable,
        sum(spend) as value
    from reports
    group by 1, 2

),

revenue_by_week as (

    select
        cast(date_trunc('week', ordered_on) as date) as week_start,
        sum(revenue) as value
    from orders
    group by 1

),

platforms as (

    select distinct platform as variable from reports

),

-- A week without a row of a platform is a week without spend, as long as the reports go on: every week
-- up to their last whole one has a row.
last_whole_week as (

    select cast(date_trunc('week', max(date_day) + 1) as date) - 7 as week_start from reports

),

weeks as (

    select revenue_by_week.week_start
    from revenue_by_week
    cross join last_whole_week
    where revenue_by_week.week_start <= last_whole_week.week_start

),

spend as (

    select
        weeks.week_start,
        platforms.variable,
        'spend' as role,
        coalesce(spend_by_week.value, 0) as value
    from weeks
    cross join platforms
    left join spend_by_week
        on weeks.week_start = spend_by_week.week_start
        and platforms.variable = spend_by_week.variable

),

revenue as (

    select
        weeks.week_start,
        'revenue' as variable,
        'outcome' as role,
        revenue_by_week.value
    from weeks
    left join revenue_by_week on weeks.week_start = revenue_by_week.week_start

),

every_variable as (

    select * from spend

    union all

    select * from revenue

)

select
    'shop' as model_key,
    'national' as series_key,
    week_start,
    variable,
    role,
    value
from every_variable
