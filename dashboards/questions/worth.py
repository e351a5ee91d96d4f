"""What is each channel worth, and at the margin? ROI, mROI and response curves."""

import streamlit as st

from dashboards import charts
from dashboards.data import ask
from dashboards.published import PERIODS, choose_period, opened
from dashboards.tables import NUMBER, PERCENT, say_what_has_no_return, show

RETURNS = """
select
    channel, spend, spend_share, contribution_mean, contribution_ci_lo, contribution_ci_hi,
    incremental_outcome_mean, incremental_outcome_ci_lo, incremental_outcome_ci_hi,
    roi_mean, roi_ci_lo, roi_ci_hi, mroi_mean, mroi_ci_lo, mroi_ci_hi, prob_roi_gt_1,
    no_return_reason, roi_learned, unseen_share, prob_effect, no_prob_effect_reason,
    roi_hidden_driver_r2, mroi_hidden_driver_r2, ci_level
from mmm.mmm_channel_summary_latest
where run_id = :run_id and series_key = :series_key and period = :period and is_paid
order by roi_mean desc nulls last, channel
"""
CURVES = """
select
    channel, grid_index, spend_multiplier, weekly_spend, contribution_mean, contribution_ci_lo,
    contribution_ci_hi, mroi_mean, mroi_ci_lo, mroi_ci_hi, is_extrapolated, ci_level
from mmm.mmm_response_curve_latest
where run_id = :run_id and series_key = :series_key and basis = 'steady_state'
order by channel, grid_index
"""

run = opened("What is each channel worth, and at the margin?")
period = choose_period()
returns = ask(RETURNS, **run.keys, period=period)
level = returns.rows["ci_level"].max()
spent = returns.rows.dropna(subset=["roi_mean"])
if not spent.empty:
    left, right = st.columns(2)
    with left:
        st.subheader("On average: ROI")
        st.altair_chart(
            charts.intervals(spent, "roi", f"ROI, {run.per_unit}", reference=1), key="roi chart"
        )
    with right:
        st.subheader("At the margin: mROI")
        st.altair_chart(
            charts.intervals(spent, "mroi", f"mROI, {run.per_unit}", reference=1), key="mroi chart"
        )
    st.caption(
        f"Posterior means with {level:.0%} intervals, {PERIODS[period].lower()}. ROI is what the "
        "period's spend brings, in the period and the 26 weeks after it (incremental_outcome), per "
        f"{run.currency}; mROI what a little more would bring. The dashed line is one "
        f"{run.per_unit}. contribution is what came in the period's weeks, by earlier spend too."
    )
say_what_has_no_return(returns.rows)
show(
    returns,
    "returns",
    dict.fromkeys(
        ["spend"]
        + [
            f"{name}_{end}"
            for name in ("contribution", "incremental_outcome")
            for end in charts.ENDS
        ],
        NUMBER,
    )
    | dict.fromkeys(["spend_share", "prob_roi_gt_1", "roi_learned", "ci_level"], PERCENT)
    | dict.fromkeys(["roi_hidden_driver_r2", "mroi_hidden_driver_r2"], PERCENT)
    | dict.fromkeys(["unseen_share", "prob_effect"], PERCENT)
    | dict.fromkeys([f"{name}_{end}" for name in ("roi", "mroi") for end in charts.ENDS], NUMBER),
)
st.caption(
    "roi_learned is the share of the prior's variance that the data removed: near 0 % the ROI is "
    "the prior's, however narrow its interval looks. What lies below the least adstock of any week "
    "(unseen_share) is not counted as learned. prob_effect is the probability that the channel has "
    "any effect, if before the data that was as likely as not: under 25 % it may well have none."
)
st.caption(
    "ROI is causal only if budgets do not follow what is not in the model, such as demand. "
    + " ".join(
        f"A hidden driver that explains {row.mroi_hidden_driver_r2:.0%} of what is left in "
        f"{run.outcome} and of {row.channel}'s spend would move its mROI across 1."
        for row in spent.astype({"mroi_hidden_driver_r2": float})
        .nsmallest(1, "mroi_hidden_driver_r2")
        .itertuples()
    )
    + " roi_hidden_driver_r2 and mroi_hidden_driver_r2 are these shares: near 0 %, a weak driver "
    "would do. Whether one shows is among the checks (spend_follows_demand)."
)

st.subheader("Response curves")
curves = ask(CURVES, **run.keys)
st.caption(
    f"{run.outcome} a week against a steady weekly spend, carry-over settled, with the {level:.0%} "
    "interval. Shaded: spends that the data have seen. Dashed: the mean weekly spend."
)
channels = sorted(curves.rows["channel"].unique())
for first in range(0, len(channels), 2):
    for column, channel in zip(st.columns(2), channels[first : first + 2], strict=False):
        of_channel = curves.rows[curves.rows["channel"] == channel]
        column.altair_chart(
            charts.response_curve(of_channel, channel, run.outcome, run.currency),
            key=f"curve of {channel}",
        )
show(
    curves,
    "response_curves",
    dict.fromkeys(
        ["weekly_spend", "contribution_mean", "contribution_ci_lo", "contribution_ci_hi"], NUMBER
    )
    | dict.fromkeys(["spend_multiplier", "mroi_mean", "mroi_ci_lo", "mroi_ci_hi"], NUMBER)
    | {"ci_level": PERCENT},
)
