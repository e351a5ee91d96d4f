"""Where should the next unit of money go? Channels by mROI, and the budget plan."""

import streamlit as st

from dashboards import charts
from dashboards.data import ask, exists
from dashboards.published import PERIODS, choose_period, opened
from dashboards.tables import MONEY, PERCENT, TWO, missing, show

RANKING = """
select
    channel, mroi_mean, mroi_ci_lo, mroi_ci_hi, roi_mean, roi_ci_lo, roi_ci_hi, spend,
    spend_share, roi_learned, ci_level
from mmm.channel_summary_latest
where
    run_id = :run_id and series_key = :series_key and period = :period
    and is_paid and mroi_mean is not null
order by mroi_mean desc, channel
"""

run = opened("Where should the next unit of money go?")
st.subheader("Channels by what the next unit brings")
period = choose_period("last_13_weeks")
ranking = ask(RANKING, **run.keys, period=period)
level = ranking.rows["ci_level"].max()
st.altair_chart(
    charts.intervals(ranking.rows, "mroi", f"mROI, {run.per_unit}", reference=1), key="mroi chart"
)
st.caption(
    f"Outcome of the next {run.currency} at the spend of the {PERIODS[period].lower()}, mean and "
    f"{level:.0%} interval. Where intervals overlap widely the order is not settled: move money in "
    "small steps, or test. A low roi_learned means that the prior speaks, not the data."
)
show(
    ranking,
    "mroi_ranking",
    dict.fromkeys([f"{name}_{end}" for name in ("roi", "mroi") for end in charts.ENDS], TWO)
    | {"spend": MONEY}
    | dict.fromkeys(["spend_share", "roi_learned", "ci_level"], PERCENT),
)

st.subheader("The plan")
if exists("budget_plan_latest"):
    plan = ask("select * from mmm.budget_plan_latest where run_id = :run_id", run_id=run.run_id)
    if plan.rows.empty:
        missing("budget_plan_latest", "A budget plan")
    else:
        show(plan, "budget_plan")
else:
    missing("budget_plan_latest", "A budget plan")
