"""Can I trust it, and what changed since last week? Checks, accuracy, age, shifts, experiments."""

import pandas as pd
import streamlit as st

from dashboards import charts
from dashboards.data import ask, exists
from dashboards.published import opened
from dashboards.tables import NUMBER, PERCENT, missing, show

TRUST = """
select
    case when verdict <> 'fail' and current_date > fresh_until then 'outdated' else verdict end
        as verdict,
    n_checks, n_warnings, n_failures, data_until, fresh_until,
    current_date - data_until as data_age_days,
    holdout_coverage, holdout_wmape, holdout_rmse_vs_naive, n_lift_tests, max_abs_z_score,
    last_attempt_at, last_attempt_status, last_attempt_reason, n_rejected_since
from mmm.mmm_trust_latest
where run_id = :run_id
"""
CHECKS = """
select check_name, status, value, threshold, is_blocking, description
from mmm.mmm_diagnostic_latest
where run_id = :run_id
order by case status when 'fail' then 0 when 'warn' then 1 else 2 end, check_name
"""
FIT = """
select
    week_start, evaluation_set, actual, expected_mean, predicted_ci_lo, predicted_ci_hi, residual,
    ci_level
from mmm.mmm_model_fit_latest
where run_id = :run_id and series_key = :series_key
order by evaluation_set, week_start
"""
ACCURACY = """
select evaluation_set, metric, value
from mmm.mmm_accuracy_latest
where run_id = :run_id and series_key = :series_key
order by evaluation_set, metric
"""
DELTA = """
select
    channel, metric, previous_mean, previous_ci_lo, previous_ci_hi, current_mean, current_ci_lo,
    current_ci_hi, shift_sd, interval_overlap, cause, changed, previous_run_id
from mmm.mmm_run_delta_latest
where run_id = :run_id and series_key = :series_key
order by abs(shift_sd) desc nulls last, channel, metric
"""
DELTA_STATES = """
select
    channel, 'published before' as state, previous_mean as mean, previous_ci_lo as ci_lo,
    previous_ci_hi as ci_hi
from mmm.mmm_run_delta_latest
where run_id = :run_id and series_key = :series_key and metric = :metric
union all
select
    channel, 'now' as state, current_mean as mean, current_ci_lo as ci_lo, current_ci_hi as ci_hi
from mmm.mmm_run_delta_latest
where run_id = :run_id and series_key = :series_key and metric = :metric
order by channel, state
"""
CAUSES = """
select
    channel, metric, step_index, cause, shift_sd, shift, previous_mean, current_mean, has_passed,
    previous_run_id
from mmm.mmm_run_delta_cause_latest
where run_id = :run_id and series_key = :series_key
order by
    sum(abs(shift_sd)) over (partition by channel, metric) desc nulls last,
    channel, metric, step_index
"""
LIFT_TESTS = """
select
    channel, series_key, start_week, end_week, lift, standard_error, modelled_lift_mean,
    modelled_lift_ci_lo, modelled_lift_ci_hi, lift_without_test_mean, lift_without_test_sd,
    without_test_method, z_score, ci_level
from mmm.mmm_lift_test_latest
where run_id = :run_id
order by abs(z_score) desc, lift_test_index
"""
SENSITIVITY = """
select
    prior_of, trust, channel, metric, mean, scaled_mean, scaled_ci_lo, scaled_ci_hi, shift_sd,
    pareto_k, ci_level
from mmm.mmm_prior_sensitivity_latest
where run_id = :run_id
order by abs(shift_sd) desc nulls last, prior_of, trust, channel, metric
"""
RUNS = """
select
    started_at, status, published_at, is_published, window_end, n_weeks, components_selected,
    gate_reason, cpu_seconds, run_id
from mmm.mmm_run_history
where model_key = :model_key
order by started_at desc
limit 26
"""

run = opened("Can I trust it, and what changed since last week?")
trust = ask(TRUST, run_id=run.run_id)
row = trust.rows.iloc[0]
cells = st.columns(4)
cells[0].metric("Age of the data", f"{int(row['data_age_days']):,} days")
cells[1].metric("Checks that warn", int(row["n_warnings"] + row["n_failures"]))
held_out = pd.notna(row["holdout_coverage"])
cells[2].metric("Held-out weeks inside", f"{row['holdout_coverage']:.0%}" if held_out else "none")
cells[3].metric(
    "Error against last year",
    f"{row['holdout_rmse_vs_naive']:.2f}" if pd.notna(row["holdout_rmse_vs_naive"]) else "none",
    help="RMSE of the forecast of held-out weeks over that of last year's same weeks; below 1 is "
    "better than last year's numbers.",
)
if row["n_rejected_since"]:
    st.warning(
        f"{row['n_rejected_since']} newer run(s) were rejected; the published one stays. Last "
        f"attempt, {row['last_attempt_at']:%Y-%m-%d %H:%M} UTC: {row['last_attempt_status']}. "
        f"{row['last_attempt_reason'] or ''}"
    )
show(trust, "trust", {"holdout_coverage": PERCENT, "holdout_wmape": PERCENT})

st.subheader("Checks")
checks = ask(CHECKS, run_id=run.run_id)
for check in checks.rows[checks.rows["status"] != "pass"].itertuples():
    st.warning(f"**{check.check_name}** ({check.status}): {check.description}")
show(checks, "checks", {"value": NUMBER, "threshold": NUMBER})

st.subheader("Accuracy")
fit = ask(FIT, **run.keys)
st.altair_chart(charts.fit_against_actual(fit.rows, run.outcome))
st.caption(
    f"Points: actual {run.outcome} a week. Band: the {fit.rows['ci_level'].max():.0%} predictive "
    "interval, which that share of the points should lie in. Held-out weeks were forecast by a "
    "fit that had not seen them."
)
show(
    fit,
    "fit",
    dict.fromkeys(
        ["actual", "expected_mean", "predicted_ci_lo", "predicted_ci_hi", "residual"], NUMBER
    )
    | {"ci_level": PERCENT},
)
show(ask(ACCURACY, **run.keys), "accuracy", {"value": NUMBER})

st.subheader("What changed since the last published run")
delta = ask(DELTA, **run.keys) if exists("mmm_run_delta_latest") else None
if delta is None or delta.rows.empty:
    missing("mmm_run_delta_latest", "The comparison with the run published before")
else:
    # Only the contribution is compared where the runs do not begin with the same week.
    held = set(delta.rows["metric"])
    metric = "roi" if "roi" in held else "contribution"
    states = ask(DELTA_STATES, **run.keys, metric=metric)
    unit = f"ROI, {run.per_unit}" if metric == "roi" else run.outcome
    st.altair_chart(charts.before_after(states.rows, unit, ("published before", "now")))
    st.caption(
        f"The same weeks by the run published before and by this one. What differs between the "
        f"runs: {delta.rows['changed'].iloc[0] or 'nothing'}. shift_sd is the change in standard "
        "deviations of the earlier posterior."
    )
    numbers = [name for name in map(str, delta.rows) if name.endswith(charts.ENDS)]
    show(delta, "delta", dict.fromkeys([*numbers, "shift_sd", "interval_overlap"], NUMBER))
    causes = ask(CAUSES, **run.keys) if exists("mmm_run_delta_cause_latest") else None
    if causes is None or causes.rows.empty:
        st.caption(
            f"How much of it each cause has: `mmm changes {run.run_id}` refits what lies between "
            "the runs. Its table stands here once the job `mmm_dashboards` has run."
        )
    else:
        st.caption(
            f"The move from run `{causes.rows['previous_run_id'].iloc[0]}` by cause, each let in "
            "after those before it; the steps of a channel and metric sum to its move. Up to about "
            "0.1 in shift_sd may be the error of sampling; do not trust a step without has_passed."
        )
        steps = ["shift_sd", "shift", "previous_mean", "current_mean"]
        show(causes, "causes", dict.fromkeys(steps, NUMBER))

st.subheader("Agreement with experiments")
tests = ask(LIFT_TESTS, run_id=run.run_id)
if tests.rows.empty:
    st.info("No lift tests: the settings of this model name none. An experiment is the best check.")
else:
    st.caption("z_score: modelled minus measured lift, in standard deviations of both together.")
    show(tests, "lift_tests", {"z_score": NUMBER, "ci_level": PERCENT})

st.subheader("How much is the prior's?")
has_sensitivity = exists("mmm_prior_sensitivity_latest")
sensitivity = ask(SENSITIVITY, run_id=run.run_id) if has_sensitivity else None
if sensitivity is None or sensitivity.rows.empty:
    missing("mmm_prior_sensitivity_latest", "What returns would read under other priors")
else:
    st.caption(
        "What a figure over all weeks and series would read (scaled_mean) if the priors on ROI or "
        "share were trusted half or twice as much, those of all media or of one. shift_sd is the "
        "move in standard deviations; an empty scaled_mean is not known (pareto_k over 0.7)."
    )
    figures = ["mean", "scaled_mean", "scaled_ci_lo", "scaled_ci_hi", "shift_sd", "pareto_k"]
    show(sensitivity, "sensitivity", dict.fromkeys(figures, NUMBER) | {"ci_level": PERCENT})

st.subheader("Runs of this model")
show(ask(RUNS, model_key=run.model_key), "runs", {"cpu_seconds": NUMBER})
