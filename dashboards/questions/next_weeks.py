"""What comes next, and were earlier forecasts right? The forecast, and the ledger of the past."""

import streamlit as st

from dashboards import charts
from dashboards.data import ask
from dashboards.numbers import written
from dashboards.published import opened
from dashboards.tables import NUMBER, PERCENT, missing, show

FORECAST = """
select
    week_start, horizon, outcome_mean, outcome_q05, outcome_q25, outcome_q50, outcome_q75,
    outcome_q95, planned_spend, spend_assumption, control_assumption
from mmm.mmm_forecast_latest
where run_id = :run_id and series_key = :series_key
order by week_start
"""
PAST = """
select week_start, actual
from mmm.mmm_model_fit_latest
where run_id = :run_id and series_key = :series_key and evaluation_set <> 'holdout'
order by week_start desc
limit 52
"""
SUM = """
select
    count(*) as n_weeks, sum(outcome_mean) as outcome_mean, sum(planned_spend) as planned_spend
from mmm.mmm_forecast_latest
where run_id = :run_id and series_key = :series_key
"""
LEDGER = """
select
    week_start, horizon, as_of_week, outcome_q05, outcome_q50, outcome_q95, actual, naive,
    is_within_90, crps, absolute_error, naive_absolute_error, planned_spend, actual_spend
from mmm.mmm_forecast_ledger
where
    model_key = :model_key and series_key = :series_key and run_type = 'refit'
    and actual is not null
order by week_start desc, horizon
limit 260
"""
CALIBRATION = """
select
    horizon, n_weeks, coverage_90, coverage_50, mean_error, crps, naive_absolute_error,
    crps_vs_naive, week_start as until_week
from mmm.mmm_forecast_calibration
where
    model_key = :model_key and series_key = :series_key and run_type = 'refit' and is_current
order by horizon
"""
ASSUMED = {
    "last_year": "media as in the same weeks a year before",
    "recent_mean": "media at the mean of the weeks that were fitted",
}

run = opened("What comes next, and were earlier forecasts right?")
forecast = ask(FORECAST, **run.keys)
if forecast.rows.empty:
    missing("mmm_forecast_latest", "The forecast")
else:
    of_sum = ask(SUM, **run.keys)
    total = of_sum.rows.iloc[0]
    left, right = st.columns(2)
    left.metric(
        f"{run.outcome} of the next {total['n_weeks']:.0f} weeks", written(total["outcome_mean"])
    )
    right.metric(f"Spend assumed, {run.currency}", written(total["planned_spend"]))
    past = ask(PAST, **run.keys)
    st.altair_chart(charts.forecast(past.rows, forecast.rows, run.outcome))
    assumed = " and ".join(
        ASSUMED.get(kind, kind) for kind in map(str, forecast.rows["spend_assumption"].unique())
    )
    controls = forecast.rows["control_assumption"].dropna().unique()
    if len(controls):
        st.caption(f"Controls are assumed to go on, not known. {'; '.join(controls)}.")
    st.caption(
        f"{run.outcome} a week. Line: as it was, and the median forecast. Bands: 50 % and 90 % "
        f"of what may come, noise included, with {assumed}. Weeks are not independent: their "
        "intervals do not add up to that of the sum."
    )
    quantiles = [name for name in map(str, forecast.rows) if name.startswith("outcome_")]
    show(forecast, "forecast", dict.fromkeys([*quantiles, "planned_spend"], NUMBER))
    show(of_sum, "forecast_sum", dict.fromkeys(["outcome_mean", "planned_spend"], NUMBER))

of_model = {"model_key": run.model_key, "series_key": run.series_key}
st.subheader("Were earlier forecasts right?")
calibration = ask(CALIBRATION, **of_model)
if calibration.rows.empty:
    st.info("No forecast has been scored yet: each is, when its weeks have come and are loaded.")
else:
    st.caption(
        "By weeks ahead, over the last 26 weeks scored. coverage_90 should be near 90 %; "
        "crps_vs_naive below 1 is better than the same weeks of the year before."
    )
    show(
        calibration,
        "calibration",
        dict.fromkeys(["coverage_90", "coverage_50"], PERCENT)
        | dict.fromkeys(["mean_error", "crps", "naive_absolute_error"], NUMBER)
        | {"crps_vs_naive": NUMBER},
    )
    numbers = [
        "outcome_q05",
        "outcome_q50",
        "outcome_q95",
        "actual",
        "naive",
        "crps",
        "absolute_error",
        "naive_absolute_error",
        "planned_spend",
        "actual_spend",
    ]
    show(ask(LEDGER, **of_model), "ledger", dict.fromkeys(numbers, NUMBER))
