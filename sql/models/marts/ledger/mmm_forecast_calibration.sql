{# A window clause would do, where Snowflake has none. #}
{% set half_year -%}
    partition by model_key, run_type, series_key, horizon
    order by week_start
    rows between 25 preceding and current row
{%- endset -%}
with

ledger as (

    select * from {{ ref('mmm_forecast_ledger') }}
    where actual is not null

)

select
    model_key,
    run_type,
    series_key,
    horizon,
    week_start,
    count(*) over ({{ half_year }}) as n_weeks,
    cast(
        avg(case when is_within_90 then 1 else 0 end) over ({{ half_year }}) as {{ double_type() }}
    ) as coverage_90,
    cast(
        avg(case when is_within_50 then 1 else 0 end) over ({{ half_year }}) as {{ double_type() }}
    ) as coverage_50,
    avg(actual - outcome_mean) over ({{ half_year }}) as mean_error,
    avg(crps) over ({{ half_year }}) as crps,
    avg(naive_absolute_error) over ({{ half_year }}) as naive_absolute_error,
    -- Of the weeks that both forecasts have.
    avg(case when naive is not null then crps end) over ({{ half_year }})
    / nullif(avg(naive_absolute_error) over ({{ half_year }}), 0) as crps_vs_naive,
    row_number() over (
        partition by model_key, run_type, series_key, horizon
        order by week_start desc
    ) = 1 as is_current
from ledger
