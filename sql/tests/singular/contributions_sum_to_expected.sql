{{ config(meta={'dagster': {'ref': {'name': 'contribution_latest'}}}) }}

with

contributions as (

    select
        model_key,
        series_key,
        week_start,
        sum(contribution_mean) as total
    from {{ ref('contribution_latest') }}
    group by model_key, series_key, week_start

),

fit as (

    select
        model_key,
        series_key,
        week_start,
        expected_mean
    from {{ ref('model_fit_latest') }}
    where evaluation_set = 'train'

)

select *
from contributions
full outer join fit using (model_key, series_key, week_start)
where
    total is null
    or expected_mean is null
    or abs(total - expected_mean) > 1e-6 * abs(expected_mean)
