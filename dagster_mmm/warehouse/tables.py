"""The result tables, defined once: the DDL, the dbt source docs and the UI's column docs.

Every table starts with `run_id, model_key`; a statistic stands as `_mean, _median, _sd, _ci_lo,
_ci_hi` with `ci_level` for its interval; shares are 0-1; money is in the model's currency.
"""

from typing import Any

import sqlalchemy as sa

from hill_mmm.spec import FORECAST_LEVELS, quantile_name

SCHEMA = "mmm"
STATISTICS = {
    "mean": "posterior mean",
    "median": "posterior median",
    "sd": "posterior standard deviation",
    "ci_lo": "lower end of the equal-tailed interval of level ci_level",
    "ci_hi": "upper end of the equal-tailed interval of level ci_level",
}
METADATA = sa.MetaData(schema=SCHEMA)


def _key(name: str, kind: type[sa.types.TypeEngine[Any]], comment: str) -> sa.Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, comment=comment)


def _text(name: str, comment: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String, nullable=nullable, comment=comment)


def _number(name: str, comment: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Double, nullable=nullable, comment=comment)


def _count(name: str, comment: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger, nullable=nullable, comment=comment)


def _date(name: str, comment: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Date, nullable=nullable, comment=comment)


def _effect_as_of() -> sa.Column:
    return _date(
        "effect_as_of",
        "The week whose effect of the channel is meant, if the channel has a moving_effect; null "
        "if its effect is the same in all weeks.",
        nullable=True,
    )


def _flag(name: str, comment: str) -> sa.Column:
    return sa.Column(name, sa.Boolean, nullable=False, comment=comment)


def _statistics(name: str, comment: str, *, nullable: bool = False) -> list[sa.Column]:
    return [
        _number(f"{name}_{key}", f"{comment}: {what}", nullable=nullable)
        for key, what in STATISTICS.items()
    ]


def _compared(run: str, comment: str) -> list[sa.Column]:
    keys = ("mean", "sd", "ci_lo", "ci_hi")
    return [_number(f"{run}_{key}", f"{comment}: {STATISTICS[key]}") for key in keys]


def _table(name: str, comment: str, *columns: sa.Column) -> sa.Table:
    return sa.Table(
        name,
        METADATA,
        _key("run_id", sa.String, "The fit that the row belongs to."),
        _text("model_key", "The configured model, as in the settings file."),
        *columns,
        comment=comment,
    )


def _series() -> sa.Column:
    return _key("series_key", sa.String, "The series (geo, brand) modelled.")


def _series_or_all() -> sa.Column:
    comment = "The series (geo, brand); 'all' is the sum over them, where there are several."
    return _key("series_key", sa.String, comment)


def _week() -> sa.Column:
    return _key("week_start", sa.Date, "First day of the week.")


def _scenario() -> sa.Column:
    return _key("scenario", sa.String, "The plan, as named in the settings' plans.")


def _channel() -> sa.Column:
    return _key("channel", sa.String, "Channel or organic medium, as named in the settings.")


def _ci_level() -> sa.Column:
    return _number("ci_level", "Level of the intervals, such as 0.9.")


RUN = _table(
    "mmm_run",
    "One row per fit: what was fitted, on which data, with what verdict and cost.",
    _text(
        "run_type",
        "refit: sampled anew; score: the posterior of an earlier fit on weeks that came since; "
        "vintage: sampled as of a past week, and never published by itself.",
    ),
    _text("fit_run_id", "The run that sampled the posterior: itself, but for a score."),
    _text(
        "status", "running, rejected, fitted (and not published), published, superseded, expired."
    ),
    sa.Column("started_at", sa.DateTime, nullable=False, comment="Start of the fit, UTC."),
    sa.Column("published_at", sa.DateTime, nullable=True, comment="First publication, UTC."),
    _text("currency", "Currency of all money columns, ISO 4217."),
    _text(
        "outcome_kind",
        "money: the outcome, and all contributions, are in the currency; count: they are in units "
        "of their own, such as orders. Null for runs of earlier versions.",
        nullable=True,
    ),
    _number(
        "value_per_unit",
        "Money that a unit of a count is worth, by which its ROI and mROI are in money; of an "
        "outcome.value_column, the mean over the weeks used, where each week has its own; null for "
        "money, and for a count without one, which has neither.",
        nullable=True,
    ),
    _date("as_of_week", "Last week of data used.", nullable=True),
    _date("window_start", "First week of data used.", nullable=True),
    _date("window_end", "Last week of data used.", nullable=True),
    _date(
        "fresh_until",
        "Last day on which the run is not outdated: the end of its last week, the weeks held back, "
        "and input.freshness.error_days; null in runs of earlier versions.",
        nullable=True,
    ),
    _count("n_weeks", "Weeks of data used.", nullable=True),
    _count("n_series", "Series modelled.", nullable=True),
    _text("components_requested", "Mixture components K asked for: a number, or auto."),
    _count("components_selected", "Mixture components K fitted.", nullable=True),
    _text(
        "gate_reason",
        "Why the run was rejected, with every fit that was tried; null otherwise.",
        nullable=True,
    ),
    _text("config_fingerprint", "SHA-256 of the settings that matter to the fit."),
    _text("data_fingerprint", "SHA-256 of the input values used.", nullable=True),
    _text(
        "model_version",
        "Fingerprint of what fixes the meaning of the fit's numbers; runs of one version are "
        "fitted on the scales of its first published run.",
        nullable=True,
    ),
    _text("code_version", "Version of the code that fitted."),
    _count("seed", "Random seed asked for; a fit of the ladder's second rung has the next one."),
    _count("draws", "Draws per chain."),
    _count("warmup", "Warm-up draws per chain."),
    _count("chains", "Chains."),
    _number("cpu_seconds", "CPU time of all its fits, in seconds.", nullable=True),
    _number("wall_seconds", "Elapsed time of all its fits, in seconds.", nullable=True),
    _number("peak_rss_mb", "Peak memory of the fitting process, in MB.", nullable=True),
)
# What an earlier version called a column.
FORMER_NAMES = {RUN.c.config_fingerprint: "config_hash"}

CHANNEL_SUMMARY = _table(
    "mmm_channel_summary",
    "One row per run, series, medium and period: spend, contribution and return. contribution is "
    "what came in the weeks of the period, whenever it was paid for, and adds up over weeks and "
    "with the baseline; incremental_outcome is what the spend of the period brings, whenever it "
    "comes, and is what roi divides by spend.",
    _series_or_all(),
    _channel(),
    _key(
        "period",
        sa.String,
        "The weeks summed over: all, last_52_weeks or last_13_weeks of those fitted to; or of the "
        "calendar, such as 2025, 2025-Q3 or 2025-07, to which a week belongs with most of its "
        "days.",
    ),
    _date("period_start", "First day of the period's weeks that the series has.", nullable=True),
    _date("period_end", "Last day of the period's weeks.", nullable=True),
    _flag("is_paid", "False for organic media, which have no spend and no return."),
    _number("spend", "Spend over the period; 0 for organic media."),
    _number("spend_share", "Share of the spend of all channels, 0-1.", nullable=True),
    *_statistics(
        "contribution",
        "Outcome that the medium brought in the weeks of the period, by spend of earlier weeks too",
    ),
    *_statistics("contribution_share", "Contribution as a share of the expected outcome, 0-1"),
    _number(
        "carried_in_share",
        "Share of the contribution that rests on spend assumed before the first week known, 0-1; "
        "null of a medium that brings nothing.",
        nullable=True,
    ),
    _number(
        "unseen_share",
        "Share of the contribution that the least adstock of any week fitted to brings by itself, "
        "0-1: the curve below it has met no data. Near 0 if the channel was off for long enough; "
        "null of a medium that brings nothing.",
        nullable=True,
    ),
    *_statistics(
        "incremental_outcome",
        "Outcome that the period's spend brings, in the period and the 26 weeks after it, where "
        "every medium goes on at its mean of the last 13 weeks; of an organic medium, its "
        "exposures",
        nullable=True,
    ),
    *_statistics(
        "roi",
        "incremental_outcome divided by spend, both in money; null with a no_return_reason",
        nullable=True,
    ),
    *_statistics(
        "mroi",
        "Money gained per unit of money by a small uniform increase of the period's spend, in "
        "the period and the 26 weeks after it; null with a no_return_reason",
        nullable=True,
    ),
    _number(
        "cpik_median",
        "Spend per unit of incremental_outcome, for an outcome that is not money: posterior "
        "median; null with a no_return_reason.",
        nullable=True,
    ),
    _number(
        "prob_roi_gt_1",
        "Posterior probability that ROI exceeds 1; null with a no_return_reason.",
        nullable=True,
    ),
    _number(
        "roi_hidden_driver_r2",
        "How strong a driver outside the model would have to be to move the mean ROI across 1: the "
        "share, 0-1, that it explains of what the model leaves over in the outcome, and as much of "
        "what nothing else in the model explains in the medium's contribution by week (Cinelli and "
        "Hazlett 2020, at the mean curves). Near 0, a weak one would do. Of a count without a "
        "value per unit, to move incremental_outcome to 0; else null with a no_return_reason.",
        nullable=True,
    ),
    _number(
        "mroi_hidden_driver_r2",
        "The same of mROI.",
        nullable=True,
    ),
    _text(
        "no_return_reason",
        "Why there is no return: organic, no spend, or so little spend in the weeks with any "
        "(under 5 % of the mean of all weeks with spend) that the data say next to nothing of its "
        "return; or a count without a value per unit; null where there is one.",
        nullable=True,
    ),
    _number(
        "roi_learned",
        "Share of the prior variance of the medium's log effect (its log ROI) that the data "
        "removed, times the share of the contribution that is not unseen, 0-1; null where the "
        "prior is the seed's, or the series lacks the medium.",
        nullable=True,
    ),
    _number(
        "prob_effect",
        "Probability that the medium has any effect, if before the data that was as likely as not: "
        "under 0.25 the data are better explained without it, near 0.5 they do not say. Of all "
        "weeks, in the rows of every period; null with a no_prob_effect_reason.",
        nullable=True,
    ),
    _text(
        "no_prob_effect_reason",
        "Why prob_effect is not known: several series, a mixture of curves, Student-t noise, the "
        "seed's amplitude prior, or weights that say nothing; null where it is known.",
        nullable=True,
    ),
    _ci_level(),
)

CONTRIBUTION = _table(
    "mmm_contribution",
    "One row per run, series, week and component: the parts that the expected outcome sums from. "
    "Media, holidays and events count from none, and so do controls that are 0 and 1 or 0 in most "
    "weeks; trend and seasonality are deviations from their mean, and other controls from theirs "
    "over the window or from their reference in the settings, which stands in the baseline.",
    _series_or_all(),
    _week(),
    _key(
        "component_type",
        sa.String,
        "channel, organic, baseline, trend, seasonality, holiday, event or control.",
    ),
    _key(
        "component",
        sa.String,
        "The medium, holiday, event or control, or the component type's own name.",
    ),
    *_statistics("contribution", "Part of the expected outcome of the week"),
    _ci_level(),
)

RESPONSE_CURVE = _table(
    "mmm_response_curve",
    "One row per run, series, paid channel, basis and grid point: weekly outcome against weekly "
    "spend.",
    _series_or_all(),
    _channel(),
    _key(
        "basis",
        sa.String,
        "steady_state: the same spend every week, carry-over settled; historical_pattern: the "
        "weeks as they were, all multiplied.",
    ),
    _key("grid_index", sa.BigInteger, "Position on the curve of its basis, from 0."),
    _number("spend_multiplier", "Weekly spend as a multiple of the mean weekly spend."),
    _number("weekly_spend", "Mean weekly spend at that multiple."),
    *_statistics("contribution", "Mean weekly incremental outcome at that spend"),
    *_statistics(
        "mroi",
        "Slope of the curve, in money: outcome per further unit of spend; null for a count without "
        "a value per unit",
        nullable=True,
    ),
    _flag(
        "is_extrapolated",
        "True if some week's adstock is more than all that the data have seen; or less, of a "
        "channel that was never off.",
    ),
    _effect_as_of(),
    _ci_level(),
)

RESPONSE_DRAW = _table(
    "mmm_response_draw",
    "One row per run, paid channel, basis, grid point and posterior draw: the response curves of "
    "all series together, draw by draw. Sum channels within a draw_index, then take quantiles, for "
    "the interval of any sum. The points are those of mmm_response_curve.",
    _series_or_all(),
    _channel(),
    _key("basis", sa.String, "steady_state or historical_pattern, as in mmm_response_curve."),
    _key("grid_index", sa.BigInteger, "Position on the curve of its basis, from 0."),
    _key("draw_index", sa.BigInteger, "The draw, from 0: the same one for all channels."),
    _number("contribution", "Mean weekly incremental outcome at that spend by that draw."),
)

ADSTOCK_DECAY = _table(
    "mmm_adstock_decay",
    "One row per run, medium and lag: how the effect of a week's spend is spread over the weeks "
    "after it.",
    _channel(),
    _key("lag", sa.BigInteger, "Weeks since the spend; 0 is its own week."),
    *_statistics("weight", "Share of the effect that comes in that week, 0-1"),
    _number(
        "half_life_weeks",
        "Weeks, that of the spend included, in which half of the effect has come: posterior "
        "median; null where it is beyond the lags shown.",
        nullable=True,
    ),
    _ci_level(),
)

COMPONENT = _table(
    "mmm_component",
    "One row per run, series, medium and component of the mixture, in the order of their effect; a "
    "finding only where is_reportable.",
    _series(),
    _channel(),
    _key("component", sa.BigInteger, "The Hill curve, from 0, by total effect at mean spend."),
    *_statistics("weight", "Share of the weeks that follow the component, 0-1"),
    *_statistics("amplitude", "Weekly outcome at saturation"),
    *_statistics("half_saturation", "Weekly spend, or exposure, with half of that effect"),
    *_statistics("slope", "Hill exponent, without unit"),
    _flag(
        "is_reportable",
        "True where the component has converged by itself and differs from its neighbours.",
    ),
    _ci_level(),
)

LIFT_TEST = _table(
    "mmm_lift_test",
    "One row per run and lift test: the experiment beside the model's own counterfactual.",
    _key("lift_test_index", sa.BigInteger, "Position in the settings' lift_tests, from 0."),
    _text("channel", "The paid channel tested."),
    _text("series_key", "The series tested; 'all' for all of them together."),
    _date("start_week", "First day of the test's first week."),
    _date("end_week", "First day of the test's last week."),
    _number("lift", "Incremental outcome measured in these weeks."),
    _number("standard_error", "Standard error of the lift, in the same unit."),
    *_statistics("modelled_lift", "Incremental outcome of these weeks by the fit"),
    _number(
        "lift_without_test_mean",
        "Incremental outcome of these weeks by the model that has not seen this test: mean; null "
        "for runs of earlier versions.",
        nullable=True,
    ),
    _number("lift_without_test_sd", "The same: standard deviation.", nullable=True),
    _text(
        "without_test_method",
        "Where the last two are from: psis, the fit's draws by importance weights; or refit, where "
        "their Pareto k is over 0.7.",
        nullable=True,
    ),
    _number(
        "pareto_k",
        "Of the importance weights: over 0.7 they are not to be trusted, and a refit is; null "
        "where it is undefined.",
        nullable=True,
    ),
    _number(
        "z_score",
        "Lift without the test minus measured lift, over the root of both variances.",
    ),
    _number(
        "prior_probability",
        "Prior probability of a lift as far out as the measured one: next to nothing where its "
        "unit is wrong; null under the seed's amplitudes.",
        nullable=True,
    ),
    _ci_level(),
)

MODEL_FIT = _table(
    "mmm_model_fit",
    "One row per run, series and week: actual against expected outcome. Of a mixture, a week "
    "fitted to is expected in the regimes that its outcome speaks for, and a week after them over "
    "all regimes by their weights. mmm_accuracy is measured with the weights in all weeks.",
    _series_or_all(),
    _week(),
    _number("actual", "Observed outcome."),
    *_statistics("expected", "Expected outcome"),
    _number("baseline_mean", "Posterior mean of the expected outcome without media."),
    _number("residual", "Actual minus expected mean."),
    _number("predicted_ci_lo", "Lower end of the predictive interval of the outcome."),
    _number("predicted_ci_hi", "Upper end of the predictive interval of the outcome."),
    _key(
        "evaluation_set",
        sa.String,
        "train: fitted to; holdout: predicted by an earlier fit; scored: came after the fit.",
    ),
    _ci_level(),
)

FORECAST = _table(
    "mmm_forecast",
    "One row per run, series and week to come: the outcome forecast, with its distribution.",
    _series_or_all(),
    _week(),
    _count("horizon", "Weeks ahead of the last week known: 1 for the first to come."),
    _number("planned_spend", "Spend of all channels that the forecast assumes in the week."),
    _text(
        "spend_assumption",
        "last_year: media as 52 weeks before; recent_mean: the mean of the last 8 weeks, where a "
        "medium had not begun by then; mixed: media differ.",
    ),
    _text(
        "control_assumption",
        "How each control was taken to go on, such as price: trend, strike: absent. last_value: as "
        "in the last week; seasonal: as 52 weeks before; trend: as then, moved by how far the last "
        "13 weeks are from those a year before; recent_mean: the mean of the last 8 weeks, "
        "where the series is too short for these; absent: 0; given: by the input's rows of weeks "
        "to come. Null without controls.",
        nullable=True,
    ),
    _date(
        "effect_as_of",
        "The week whose effects of the media go on, if a channel has a moving_effect; null without "
        "one.",
        nullable=True,
    ),
    _number("outcome_mean", "Outcome forecast: mean."),
    _number("outcome_sd", "Outcome forecast: standard deviation, noise included."),
    *(
        _number(quantile_name(level), f"Outcome forecast: {100 * level:.0f} % quantile.")
        for level in FORECAST_LEVELS
    ),
)

RUN_DELTA = _table(
    "mmm_run_delta",
    "One row per run, series, medium and metric: what the run says of the weeks of the refit that "
    "was published before it, beside what that one said.",
    _series_or_all(),
    _channel(),
    _key(
        "metric",
        sa.String,
        "contribution, roi or mroi over the weeks of the run before; contribution only where both "
        "runs begin with the same week.",
    ),
    _text("previous_run_id", "The refit that was published before."),
    *_compared("previous", "What that run said"),
    *_compared("current", "What this run says of the same weeks"),
    _number(
        "shift_sd",
        "Current minus previous mean, in standard deviations of the previous; null where that has "
        "none.",
        nullable=True,
    ),
    _number(
        "interval_overlap",
        "Length that both intervals share, over the length that they cover together, 0-1; null "
        "where they have none.",
        nullable=True,
    ),
    _text(
        "cause",
        "What differs between the runs: new_weeks, restated_weeks, configuration, code or seed; "
        "several where more than one does, none where nothing does.",
    ),
    _text("changed", "All that differs, in this order, with commas; empty where nothing does."),
)

RUN_DELTA_CAUSE = _table(
    "mmm_run_delta_cause",
    "One row per run, series, medium, metric and step: the moves of mmm_run_delta split into "
    "causes, which sum to them. Written by `mmm changes` alone, which refits what lies between the "
    "runs; none where nobody has asked. A score has those of its fit.",
    _series_or_all(),
    _channel(),
    _key("metric", sa.String, "contribution, roi or mroi over the weeks of the run before."),
    _key("step_index", sa.BigInteger, "Order of the steps, from 0."),
    _text(
        "cause",
        "What the step lets in: code (of another version), seed, restated_weeks, new_weeks or "
        "configuration (settings, and the rung of the ladder).",
    ),
    _text("previous_run_id", "The refit that was published before, from which the steps start."),
    _number("previous_mean", "Posterior mean before the step."),
    _number("current_mean", "Posterior mean after it; after the last step, the run's own."),
    _number("shift", "Their difference, in the metric's unit."),
    _number(
        "shift_sd",
        "The same in standard deviations of the run before; null where that has none. Up to about "
        "0.1 may be the error of sampling.",
        nullable=True,
    ),
    _flag("has_passed", "False where the fit at the end of the step has not passed the gate."),
)

ACCURACY = _table(
    "mmm_accuracy",
    "One row per run, series, evaluation set and metric.",
    _series_or_all(),
    _key("evaluation_set", sa.String, "train, holdout or scored."),
    _key(
        "metric",
        sa.String,
        "r2, rmse, mape, wmape, coverage, crps, rmse_vs_naive; of holdout and scored weeks also "
        "elpd; of train elpd_loo, elpd_loo_se, p_loo, max_pareto_k, share_pareto_k_over_0_7, "
        "elpd_waic, elpd_waic_se and p_waic.",
    ),
    _number("value", "Value: rmse and crps in the outcome's unit, elpd in nats, coverage 0-1."),
)

DIAGNOSTIC = _table(
    "mmm_diagnostic",
    "One row per run and check: the verdicts that publication rests on.",
    _key("check_name", sa.String, "The check, such as max_r_hat."),
    _text("status", "pass, warn or fail."),
    _number("value", "The value found; null where it is undefined.", nullable=True),
    _number("threshold", "What it is compared with; null without a value.", nullable=True),
    _flag("is_blocking", "True where a fail keeps the run from being published."),
    _text("description", "What the check means and what to do when it fails."),
)

PARAMETER_SUMMARY = _table(
    "mmm_parameter_summary",
    "One row per run, parameter and index: posterior and convergence of each quantity.",
    _key(
        "parameter",
        sa.String,
        "The quantity, such as contribution or alpha. effect_multiplier: the effect of a medium "
        "with a moving_effect, over its mean of all weeks.",
    ),
    _key(
        "index",
        sa.String,
        "Its medium, control or component, after its series where there are several; empty for a "
        "single number. Of effect_multiplier the medium, @ and the week.",
    ),
    _flag(
        "is_judged",
        "True where the gate judges it; mixture components' own are not.",
    ),
    _number("mean", "Posterior mean."),
    _number("sd", "Posterior standard deviation."),
    _number("q05", "5 % quantile."),
    _number("q50", "Median."),
    _number("q95", "95 % quantile."),
    _number("r_hat", "Rank-normalised split R-hat; null where undefined.", nullable=True),
    _number(
        "r_hat_by_chance",
        "The R-hat that chance explains at its ESS: a right sampler exceeds it in any judged "
        "quantity in 2 % of fits. Null where is_judged is false, or R-hat is undefined.",
        nullable=True,
    ),
    _number("ess_bulk", "Bulk effective sample size.", nullable=True),
    _number("ess_tail", "Tail effective sample size.", nullable=True),
    _number("mcse_mean", "Monte-Carlo standard error of the mean.", nullable=True),
)

INPUT_SNAPSHOT = _table(
    "mmm_input_snapshot",
    "One row per run, series, week and variable: the exact input, and what was repaired in it.",
    _series(),
    _week(),
    _key("variable", sa.String, "Outcome, channel, organic medium or control, as in the settings."),
    _text("role", "outcome, value, spend, organic or control."),
    _number("value", "The value used, or found where is_used is false.", nullable=True),
    _flag("is_used", "False for a value left out of the fit; reason says why."),
    _flag("is_repaired", "True where the input was changed or left out."),
    _text("reason", "What was repaired and why; null otherwise.", nullable=True),
    _flag("is_restated", "True where the run published before used another value."),
    _number("previous_value", "The value that it used; null where not restated.", nullable=True),
)

BUDGET_PLAN = _table(
    "mmm_budget_plan",
    "One row per run, plan, series and paid channel: what to spend in the weeks after the data.",
    _scenario(),
    _series(),
    _channel(),
    _number("current_weekly_spend", "Mean spend a week of the weeks that the plan starts from."),
    _number(
        "reference_weekly_spend",
        "What the plan is compared with: today's spend, or today's split of another budget.",
    ),
    _number("planned_weekly_spend", "Mean spend a week that is planned."),
    _number("lower_bound", "The least that the plan may spend a week."),
    _number("upper_bound", "The most that the plan may spend a week."),
    _number("highest_weekly_spend", "The most ever spent in a week."),
    _number(
        "lowest_learned_spend",
        "Weekly spend whose adstock is the least that the data have seen on air.",
        nullable=True,
    ),
    _number(
        "highest_learned_spend",
        "Mean weekly spend whose adstock is the most that the data have seen.",
        nullable=True,
    ),
    _flag(
        "is_extrapolated",
        "True if the plan goes beyond highest_learned_spend, or below all that was seen of a "
        "channel that was never off: the meaning of mmm_response_curve.",
    ),
    *_statistics(
        "contribution", "Incremental outcome of the plan's spend, carry-over after it included"
    ),
    *_statistics("contribution_change", "That, minus the same of the reference"),
    _number(
        "roi_mean",
        "Contribution per unit of money; null without value, and where the spend is under 5 % of "
        "the channel's usual week.",
        nullable=True,
    ),
    _number("mroi_mean", "Outcome of the next unit of money; null like roi_mean.", nullable=True),
    _effect_as_of(),
    _ci_level(),
)

BUDGET_PLAN_SUMMARY = _table(
    "mmm_budget_plan_summary",
    "One row per run and plan: all series and channels together, and how sure the gain is.",
    _scenario(),
    _text(
        "status",
        "planned; unsure: planned, but the interval of its gain holds 0; worse: the limits forbid "
        "the reference, and nothing that they allow is as good; kept: nothing better than the "
        "reference was found, so it is the plan; or impossible. A plan for target_roi may cost "
        "outcome and is planned whatever its gain.",
    ),
    _text("reason", "Why the plan is impossible; null otherwise.", nullable=True),
    _number(
        "best_reachable",
        "Of a target beyond reach: the highest expected ROI or mROI within the limits.",
        nullable=True,
    ),
    _text("objective", "fixed_budget, target_roi, target_mroi or flexible."),
    _text(
        "utility",
        "What of the gain is maximised: mean, quantile with its level, or mean_minus_sd with its "
        "weight.",
    ),
    _date("horizon_start", "First day of the first week planned."),
    _date("horizon_end", "First day of the last week planned."),
    _count("horizon_weeks", "Weeks planned."),
    _number("budget", "Money over the horizon that may be spent; null for any.", nullable=True),
    _number("current_spend", "Spend over as many weeks as today.", nullable=True),
    _number("reference_spend", "Spend of the reference over the horizon.", nullable=True),
    _number("planned_spend", "Spend of the plan over the horizon.", nullable=True),
    *_statistics(
        "contribution",
        "Incremental outcome of the plan's spend, carry-over after it included",
        nullable=True,
    ),
    *_statistics(
        "gain",
        "What the plan brings over the reference, in the outcome's unit; of target_mroi and "
        "flexible less what the money has to bring",
        nullable=True,
    ),
    *[
        _number(
            f"gain_mean_{trust}_trust",
            "gain_mean of the same plan if the priors on ROI or share of all media were trusted "
            f"{times} as much; null if that cannot be known from this fit.",
            nullable=True,
        )
        for trust, times in (("half", "half"), ("double", "twice"))
    ],
    _number("prob_gain", "Posterior probability that the gain is over 0.", nullable=True),
    _number(
        "utility_gain",
        "Utility of the gain: a careful figure to count on, if the model holds; 0 is no change.",
        nullable=True,
    ),
    _number("roi_mean", "Contribution per unit of money; null without value.", nullable=True),
    sa.Column(
        "has_converged", sa.Boolean, nullable=True, comment="True where the search has ended."
    ),
    _number(
        "constraint_residual",
        "By what share the plan breaks its limits, its budget or its target ROI; 0 for none.",
        nullable=True,
    ),
    _number(
        "unspent",
        "Of a fixed budget: what round amounts, steps and limits leave over, in money.",
        nullable=True,
    ),
    sa.Column(
        "is_extrapolated",
        sa.Boolean,
        nullable=True,
        comment="True if a channel of the plan has more, or less, adstock than the data have seen.",
    ),
    _count("draws_searched", "Posterior draws of the search for the best plan.", nullable=True),
    _count("draws_judged", "Posterior draws of its improvement and these figures.", nullable=True),
    _ci_level(),
)

PUBLICATION = sa.Table(
    "mmm_publication",
    METADATA,
    _key("publication_id", sa.BigInteger, "Order of publication; the latest row of a model wins."),
    _text("model_key", "The configured model."),
    _text("run_id", "The run that readers see from then on."),
    sa.Column("published_at", sa.DateTime, nullable=False, comment="When, UTC."),
    comment="The publish pointer, append-only: the last row of a model is the published run.",
)

RETIREMENT = sa.Table(
    "mmm_retirement",
    METADATA,
    _key("model_key", sa.String, "The model."),
    _key("retired_at", sa.DateTime, "When it was retired, UTC."),
    _text("reason", "Why, with what brings it back."),
    comment="One row per model and time that it was retired, as it stood in neither settings nor "
    "data. What was published of it stays readable.",
)

EXPERIMENT_VALUE = _table(
    "mmm_experiment_value",
    "One row per run, plan and paid channel that is on air: what a lift test of it would add to "
    "the plan's expected gain.",
    _scenario(),
    _channel(),
    _count("rank", "Order of value, from 1."),
    _number("standard_error", "Of the test that is imagined, in the outcome's unit."),
    _number(
        "lift_mean",
        "Outcome that the channel brings in the horizon's weeks at today's spend, without what "
        "carries over beyond them, as of a lift test: mean.",
    ),
    _number("lift_sd", "The same: posterior standard deviation."),
    _number(
        "value",
        "Gain that the test adds on average over the horizon, in the outcome's unit; about 0, or "
        "slightly below, if it is worth nothing.",
    ),
    _number(
        "value_mcse",
        "Monte-Carlo standard error of value: ranks are settled where values differ by several.",
        nullable=True,
    ),
    _number("value_of_certainty", "Gain that knowing all curves adds; the same for all channels."),
    _number(
        "least_effective_draws",
        "Draws that agree with the most surprising result; where they are few, what is chosen then "
        "rests on the regression alone.",
    ),
)

PRIOR_SENSITIVITY = _table(
    "mmm_prior_sensitivity",
    "One row per run, prior, trust in it, medium and metric: what the figure over all weeks and "
    "series would read if the priors on ROI or share were trusted half or twice as much. Twice the "
    "trust is a prior with sd_log divided by the root of 2.",
    _key(
        "prior_of",
        sa.String,
        "Whose prior is trusted otherwise: that of all media, together; or of one medium by "
        "itself, shown for its own figures and for what all media bring.",
    ),
    _key("trust", sa.String, "half or double."),
    _key("channel", sa.String, "The medium whose figure it is; or all media."),
    _key(
        "metric",
        sa.String,
        "roi and mroi of a medium, or contribution of one without a ROI and of all media.",
    ),
    *[_number(name, f"The figure as published: {STATISTICS[name]}.") for name in ("mean", "sd")],
    *[
        _number(
            f"scaled_{name}",
            f"The figure under the other prior: {STATISTICS[name]}; null if not known.",
            nullable=True,
        )
        for name in ("mean", "ci_lo", "ci_hi")
    ],
    _number(
        "shift_sd",
        "The move of the mean in standard deviations of the published posterior; null if not "
        "known.",
        nullable=True,
    ),
    _number(
        "pareto_k",
        "Pareto k of the draws' weights: over 0.7 the posterior under the other prior is too far "
        "away to be known without a fit; null if there is none.",
        nullable=True,
    ),
    _ci_level(),
)

# Made of a fit by the planner; the others are what the fit says itself.
PLAN_TABLES = (BUDGET_PLAN, BUDGET_PLAN_SUMMARY, EXPERIMENT_VALUE)

# What one fit writes, replaced as a whole whenever the same run is written again.
RESULT_TABLES = (
    RUN,
    CHANNEL_SUMMARY,
    CONTRIBUTION,
    RESPONSE_CURVE,
    RESPONSE_DRAW,
    ADSTOCK_DECAY,
    COMPONENT,
    LIFT_TEST,
    PRIOR_SENSITIVITY,
    MODEL_FIT,
    FORECAST,
    RUN_DELTA,
    RUN_DELTA_CAUSE,
    ACCURACY,
    DIAGNOSTIC,
    PARAMETER_SUMMARY,
    INPUT_SNAPSHOT,
    *PLAN_TABLES,
)
