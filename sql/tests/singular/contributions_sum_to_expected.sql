{{ config(meta={'dagster': {'ref': {'name': 'mmm_contribution_latest'}}}) }}

with

contributions as (

    select
        model_key,
        series_key,
        week_start,
        sum(contribution_mean) as total
    from {{ ref('mmm_contribution_latest') }}
    group by model_key, series_key, week_start

),

fit as (

    select
        model_key,
        series_key,
        week_start,
        expected_mean
    from {{ ref('mmm_model_fit_latest') }}
    where evaluation_set = 'train'

)

select
    model_key,
    series_key,
    week_start,
    contributions.total,
    fit.expected_mean
from contributions
full outer join fit using (model_key, series_key, week_start)
where
    contributions.total is null
    or fit.expected_mean is null
    or abs(contributions.total - fit.expected_mean) > 1e-6 * abs(fit.expected_mean)
