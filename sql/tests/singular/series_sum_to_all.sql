{{ config(meta={'dagster': {'ref': {'name': 'mmm_contribution_latest'}}}) }}

with

means as (

    select
        model_key,
        series_key,
        'contribution ' || week_start || ' ' || component_type || ' ' || component as figure,
        contribution_mean as value
    from {{ ref('mmm_contribution_latest') }}

    union all

    select
        model_key,
        series_key,
        'expected ' || week_start as figure,
        expected_mean as value
    from {{ ref('mmm_model_fit_latest') }}
    -- A holdout that one series alone had started before has no sum.
    where evaluation_set = 'train'

    union all

    -- The later periods are not those of a series that has no week before them.
    select
        model_key,
        series_key,
        'summary ' || channel as figure,
        contribution_mean as value
    from {{ ref('mmm_channel_summary_latest') }}
    where period = 'all'

    union all

    select
        model_key,
        series_key,
        'response ' || channel || ' ' || basis || ' ' || grid_index as figure,
        contribution_mean as value
    from {{ ref('mmm_response_curve_latest') }}

),

several as (

    select model_key
    from {{ ref('mmm_run_latest') }}
    where n_series > 1

),

compared as (

    select
        means.model_key,
        means.figure,
        sum(case when means.series_key <> 'all' then means.value end) as of_series,
        sum(case when means.series_key = 'all' then means.value end) as of_all,
        sum(abs(means.value)) as size
    from means
    inner join several on means.model_key = several.model_key
    group by means.model_key, means.figure

)

select *
from compared
where
    of_series is null
    or of_all is null
    or abs(of_series - of_all) > 1e-6 * size
