"""Where did sales come from? The parts of the expected outcome, by week and over a period."""

import streamlit as st

from dashboards import charts
from dashboards.data import ask
from dashboards.published import PERIODS, choose_period, opened
from dashboards.tables import NUMBER, PERCENT, show

WATERFALL = """
select
    step, component_type, component, contribution_mean, contribution_ci_lo, contribution_ci_hi,
    ci_level, starts_at, ends_at,
    starts_at + contribution_ci_lo as interval_starts_at,
    starts_at + contribution_ci_hi as interval_ends_at
from mmm.mmm_waterfall_latest
where run_id = :run_id and series_key = :series_key and period = :period
order by step
"""
WEEKS = """
select
    week_start,
    case when component_type in ('channel', 'organic') then component else 'without media' end
        as part,
    sum(contribution_mean) as contribution
from mmm.mmm_contribution_latest
where run_id = :run_id and series_key = :series_key
group by 1, 2
order by 1, 2
"""
ACTUAL = """
select week_start, actual
from mmm.mmm_model_fit_latest
where run_id = :run_id and series_key = :series_key and evaluation_set = 'train'
order by week_start
"""

run = opened("Where did sales come from?")
st.subheader("Over a period")
period = choose_period()
waterfall = ask(WATERFALL, **run.keys, period=period)
level = waterfall.rows["ci_level"].max()
st.altair_chart(charts.waterfall(waterfall.rows, run.outcome))
st.caption(
    f"Posterior means in {run.outcome}, {PERIODS[period].lower()}; each medium with its own "
    f"{level:.0%} interval. Other parts have none here, since intervals of weeks do not add up. "
    "Trend, seasonality, events and controls are deviations from their mean over all weeks."
)
show(
    waterfall,
    "waterfall",
    dict.fromkeys(
        [
            "contribution_mean",
            "contribution_ci_lo",
            "contribution_ci_hi",
            "starts_at",
            "ends_at",
            "interval_starts_at",
            "interval_ends_at",
        ],
        NUMBER,
    )
    | {"ci_level": PERCENT},
)

st.subheader("Week by week")
weeks = ask(WEEKS, **run.keys)
st.altair_chart(charts.weekly_parts(weeks.rows, ask(ACTUAL, **run.keys).rows, run.outcome))
st.caption(f"Line: {run.outcome} as it was. Areas: posterior means of its parts, which sum up.")
st.altair_chart(charts.weekly_media(weeks.rows, run.outcome))
st.caption("The media alone, on a scale of their own.")
show(weeks, "weeks", {"contribution": NUMBER})
