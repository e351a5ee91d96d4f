"""Where should the next unit of money go? Channels by mROI, and the budget plan."""

import pandas as pd
import streamlit as st

from dashboards import charts
from dashboards.data import ask, exists
from dashboards.numbers import written
from dashboards.published import PERIODS, Published, choose_period, opened
from dashboards.tables import NUMBER, PERCENT, missing, say_what_has_no_return, show

RANKING = """
select
    channel, mroi_mean, mroi_ci_lo, mroi_ci_hi, roi_mean, roi_ci_lo, roi_ci_hi, spend,
    spend_share, no_return_reason, roi_learned, ci_level
from mmm.mmm_channel_summary_latest
where
    run_id = :run_id and series_key = :series_key and period = :period and is_paid
order by mroi_mean desc nulls last, channel
"""

PLANS = """
select
    scenario, status, reason, objective, utility, horizon_start, horizon_end, horizon_weeks,
    reference_spend, planned_spend, gain_mean, gain_ci_lo, gain_ci_hi, prob_gain, utility_gain,
    has_converged, constraint_residual, is_extrapolated, ci_level
from mmm.mmm_budget_plan_summary_latest
where run_id = :run_id
order by scenario
"""
PLAN = """
select
    channel, series_key, current_weekly_spend, reference_weekly_spend, planned_weekly_spend,
    lower_bound, upper_bound, contribution_change_mean, contribution_change_ci_lo,
    contribution_change_ci_hi, is_extrapolated, ci_level
from mmm.mmm_budget_plan_latest
where
    run_id = :run_id and scenario = :scenario
    and (:series_key = 'all' or series_key = :series_key)
order by channel, series_key
"""
# Of a plan that has rows: what its status says beyond that it is planned.
STATUSES = {
    "unsure": "The interval of its gain holds 0: it may bring less than the reference. Move in "
    "small steps, or test.",
    "worse": "The limits forbid the reference, and nothing that they allow is as good.",
    "kept": "Nothing better than the reference was found, so that it is the plan.",
}
MOVES = """
select
    channel,
    sum(current_weekly_spend) as current_weekly_spend,
    sum(planned_weekly_spend) as planned_weekly_spend
from mmm.mmm_budget_plan_latest
where
    run_id = :run_id and scenario = :scenario
    and (:series_key = 'all' or series_key = :series_key)
group by channel
order by channel
"""


def in_words(plan: pd.Series, run: Published) -> str:
    """What a plan is expected to bring, and how far to believe it."""
    gain, low, high = (
        written(plan[f"gain_{end}"], is_signed=True) for end in ("mean", "ci_lo", "ci_hi")
    )
    return (
        f"**{gain} {run.outcome} in {plan['horizon_weeks']:.0f} weeks**, over the reference, is "
        f"expected of the plan; with {plan['ci_level']:.0%} probability it is between {low} and "
        f"{high}, and over 0 with {plan['prob_gain']:.0%}. This holds if the model does: it does "
        "not count what a warning of the checks says, such as of a budget that follows demand."
    )


def show_plans(run: Published) -> None:
    """Each plan's gain, and of one of them what to spend where."""
    plans = ask(PLANS, run_id=run.run_id)
    if plans.rows.empty:
        missing("mmm_budget_plan_summary_latest", "A budget plan")
        return
    money = ["reference_spend", "planned_spend", "gain_mean", "gain_ci_lo", "gain_ci_hi"]
    money += ["utility_gain"]
    percent = dict.fromkeys(["prob_gain", "ci_level"], PERCENT)
    show(plans, "plans", dict.fromkeys(money, NUMBER) | percent | {"constraint_residual": NUMBER})
    st.caption(
        f"gain is what the plan brings over the reference in its weeks, in {run.outcome}, with its "
        "interval; prob_gain the probability that it is over 0; utility_gain what was maximised, "
        "by default the mean less half a standard deviation."
    )
    scenario = str(st.selectbox("Plan", list(plans.rows["scenario"])))
    moves = ask(MOVES, **run.keys, scenario=scenario)
    if moves.rows.empty:
        reason = plans.rows.set_index("scenario").loc[scenario, "reason"]
        st.info(f"The plan {scenario} moves nothing: {reason or 'it has no rows of this series'}.")
        return
    chosen = plans.rows[plans.rows["scenario"] == scenario].iloc[0]
    status = str(chosen["status"])
    if status in STATUSES:
        st.warning(f"The plan {scenario} is {status}. {STATUSES[status]}")
    st.markdown(in_words(chosen, run))
    st.altair_chart(charts.moves(moves.rows, run.currency))
    show(moves, "moves", dict.fromkeys(["current_weekly_spend", "planned_weekly_spend"], NUMBER))
    plan = ask(PLAN, **run.keys, scenario=scenario)
    numbers = [
        name for name in map(str, plan.rows) if name.endswith(("spend", "bound", *charts.ENDS))
    ]
    show(plan, "plan", dict.fromkeys(numbers, NUMBER) | {"ci_level": PERCENT})


run = opened("Where should the next unit of money go?")
st.subheader("Channels by what the next unit brings")
period = choose_period("last_13_weeks")
ranking = ask(RANKING, **run.keys, period=period)
level = ranking.rows["ci_level"].max()
known = ranking.rows.dropna(subset=["mroi_mean"])
if not known.empty:
    st.altair_chart(
        charts.intervals(known, "mroi", f"mROI, {run.per_unit}", reference=1), key="mroi chart"
    )
say_what_has_no_return(ranking.rows)
st.caption(
    f"Outcome of the next {run.currency} at the spend of the {PERIODS[period].lower()}, mean and "
    f"{level:.0%} interval. Where intervals overlap widely the order is not settled: move money in "
    "small steps, or test. A low roi_learned means that the prior speaks, not the data."
)
show(
    ranking,
    "mroi_ranking",
    dict.fromkeys([f"{name}_{end}" for name in ("roi", "mroi") for end in charts.ENDS], NUMBER)
    | {"spend": NUMBER}
    | dict.fromkeys(["spend_share", "roi_learned", "ci_level"], PERCENT),
)

st.subheader("The plan")
if exists("mmm_budget_plan_summary_latest"):
    show_plans(run)
else:
    missing("mmm_budget_plan_summary_latest", "A budget plan")
