"""The rows that one fitted run writes, table by table."""

from dataclasses import asdict, replace
from datetime import datetime

import numpy as np
import pandas as pd
import sqlalchemy as sa

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.fitting.delta_rows import delta_rows, history_verdict
from dagster_mmm.fitting.version import code_version
from dagster_mmm.inputs import fingerprint, input_advice
from dagster_mmm.schedule.due import fresh_until
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.runs import PublishedFit
from hill_mmm import Fit, Panel
from hill_mmm.checks import Check
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import Estimates, LiftWithoutTest


def started_run(
    run_id: str,
    started_at: datetime,
    settings: Settings,
    model_version: str,
    run_type: str = "refit",
) -> pd.DataFrame:
    """The `mmm_run` row of a run that has just started to fit."""
    row = dict.fromkeys(tables.RUN.columns.keys())
    row |= {
        "run_id": run_id,
        "model_key": settings.model_key,
        "run_type": run_type,
        "fit_run_id": run_id,
        "status": "running",
        "started_at": pd.Timestamp(started_at),
        "currency": settings.currency,
        "outcome_kind": settings.outcome.kind,
        "value_per_unit": settings.outcome.value_per_unit,
        "components_requested": str(settings.model.components),
        "config_fingerprint": settings.fingerprint(),
        "model_version": model_version,
        "code_version": code_version(),
        "seed": settings.sampler.seed,
        "draws": settings.sampler.draws,
        "warmup": settings.sampler.warmup,
        "chains": settings.sampler.chains,
    }
    return pd.DataFrame([row])


def result_frames(
    run: FittedRun, previous: PublishedFit | None = None
) -> dict[sa.Table, pd.DataFrame]:
    """All rows of a run by table: the estimands, the verdicts, the input, and the run itself.

    Args:
        run: the run.
        previous: the refit that readers see before it, or None before the first publication.
    """
    ci_level = run.settings.evaluation.ci_level
    without_test = [LiftWithoutTest(**lift) for lift in run.record.without_test]
    estimates = hill_mmm.results.estimates(run.fit, ci_level, without_test)
    parameters = hill_mmm.checks.parameter_summary(run.fit)
    information = hill_mmm.results.information_rows(run.fit)
    fitted = [estimates.model_fit]
    accuracy = [
        hill_mmm.results.accuracy(hill_mmm.results.with_total(run.fit), ci_level),
        information,
    ]
    checks = _checks(run, estimates, parameters, information)
    obstacle = _obstacle_to_holdout(run)
    if obstacle is not None:
        checks.append(hill_mmm.checks.missing_holdout(obstacle))
    elif run.holdout is not None:
        held_out, held_out_accuracy = _held_out(run.holdout, run.fit.panel, ci_level)
        checks += hill_mmm.checks.holdout_checks(
            overall(held_out_accuracy), ci_level, len(overall(held_out))
        )
        fitted.append(held_out)
        accuracy.append(held_out_accuracy)
    delta = delta_rows(run, previous, ci_level)
    checks += history_verdict(run, previous, delta)
    frames = {
        tables.RUN: _finished_run(run),
        tables.CHANNEL_SUMMARY: estimates.channel_summary,
        tables.CONTRIBUTION: estimates.contribution,
        tables.RESPONSE_CURVE: estimates.response_curve,
        tables.RESPONSE_DRAW: hill_mmm.results.response_draws(
            run.fit, run.settings.evaluation.response_draws
        ),
        tables.ADSTOCK_DECAY: estimates.adstock_decay.replace(
            {"half_life_weeks": {np.inf: np.nan}}
        ),
        tables.COMPONENT: estimates.component,
        tables.LIFT_TEST: _lift_test_rows(run, estimates.lift_test),
        tables.PRIOR_SENSITIVITY: estimates.prior_sensitivity,
        tables.MODEL_FIT: pd.concat(fitted, ignore_index=True),
        tables.FORECAST: forecast_rows(run.fit, run.settings, run.input.snapshot),
        tables.RUN_DELTA: delta,
        tables.RUN_DELTA_CAUSE: pd.DataFrame(columns=tables.RUN_DELTA_CAUSE.columns.keys()),
        tables.ACCURACY: pd.concat(accuracy, ignore_index=True),
        tables.DIAGNOSTIC: pd.DataFrame([asdict(check) for check in checks]),
        tables.PARAMETER_SUMMARY: parameters,
        tables.INPUT_SNAPSHOT: run.input.snapshot,
    }
    keys = {"run_id": run.run_id, "model_key": run.settings.model_key}
    return {table: frame.assign(**keys) for table, frame in frames.items()}


def forecast_rows(
    fit: Fit, settings: Settings, snapshot: pd.DataFrame, panel: Panel | None = None
) -> pd.DataFrame:
    """The rows of `mmm_forecast`, with the controls of weeks to come that the input gives."""
    return hill_mmm.results.forecast(
        fit,
        settings.evaluation.forecast_weeks,
        panel,
        continues={c.name: c.continues for c in settings.controls if c.continues is not None},
        planned=snapshot[snapshot["role"] == "control"],
    )


def _lift_test_rows(run: FittedRun, lift_test: pd.DataFrame) -> pd.DataFrame:
    """One row a test that the fit knew, numbered as in the settings, which may hold others."""
    asked = enumerate(run.settings.lift_tests)
    numbers = [next(n for n, test in asked if test == known) for known in run.fit.lift_tests]
    return lift_test.assign(lift_test_index=np.array(numbers, dtype=np.int64))


def overall(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of all series together: of their sum where there are several, of the one if not."""
    is_total = rows["series_key"] == ALL_SERIES
    return rows[is_total] if is_total.any() else rows


def returns(channel_summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of the paid channels over all weeks and series: what each is worth."""
    rows = overall(channel_summary)
    return rows[(rows["period"] == "all") & rows["is_paid"]]


def _checks(
    run: FittedRun, estimates: Estimates, parameters: pd.DataFrame, information: pd.DataFrame
) -> list[Check]:
    """The gate, and the advice on what else the fit rests on."""
    return [
        *hill_mmm.checks.gate(parameters, run.fit, run.settings.gate),
        *hill_mmm.checks.additivity_checks(estimates.contribution, estimates.model_fit),
        *hill_mmm.checks.prior_checks(estimates.channel_summary),
        *hill_mmm.checks.carry_in_checks(estimates.channel_summary),
        *hill_mmm.checks.unseen_checks(estimates.channel_summary),
        *hill_mmm.checks.effect_checks(estimates.channel_summary),
        *hill_mmm.checks.sensitivity_checks(estimates.prior_sensitivity),
        *hill_mmm.checks.conflict_checks(run.fit, estimates.channel_summary),
        *hill_mmm.checks.warmup_checks(run.fit),
        *hill_mmm.checks.mixture_checks(run.fit),
        *hill_mmm.checks.score_checks(information),
        *hill_mmm.checks.residual_checks(run.fit),
        *hill_mmm.checks.level_checks(run.fit),
        *hill_mmm.checks.confounding_checks(run.fit),
        *hill_mmm.checks.lift_test_checks(estimates.lift_test),
        _input_check(run),
    ]


def _input_check(run: FittedRun) -> Check:
    """What of the input asks for a second look, beside the figures that rest on it."""
    points = input_advice(run.input.snapshot)
    advice = [*run.input.notes, *(point.message for point in points)]
    return Check(
        check_name="implausible_input",
        status="warn" if advice else "pass",
        value=float(len(advice)),
        threshold=0.0,
        is_blocking=False,
        description="; ".join(advice)
        or "No value of the input stands out, and no channel lacks what its return is learnt from.",
    )


def _obstacle_to_holdout(run: FittedRun) -> str | None:
    """Why the holdout's rows are left out; one that has not converged is not shown either."""
    if run.holdout is None:
        return run.record.no_holdout
    # The fit may come from the comparison of components, which takes fewer draws; to judge a
    # forecast, half of those that a table asks for are enough.
    thresholds = run.settings.gate
    thresholds = replace(thresholds, min_ess=thresholds.min_ess / 2)
    checks = hill_mmm.checks.gate(
        hill_mmm.checks.parameter_summary(run.holdout), run.holdout, thresholds
    )
    failed = [check.check_name for check in checks if check.status == "fail"]
    return f"the fit before it has not converged ({', '.join(failed)})" if failed else None


def _held_out(holdout: Fit, panel: Panel, ci_level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of `mmm_model_fit` and `mmm_accuracy` of the weeks after those fitted to.

    A series that had not started by then is left out, and the sum is that of the others.
    """
    known = panel.only(holdout.panel.series)
    rows = pd.concat(
        [
            hill_mmm.results.model_fit(part, ci_level)
            for part in hill_mmm.results.with_total(holdout, known)
        ],
        ignore_index=True,
    )
    accuracy = hill_mmm.results.accuracy(hill_mmm.results.with_total(holdout, known), ci_level)
    return rows[rows["evaluation_set"] == "holdout"], accuracy


def fresh_until_of(settings: Settings, last_week: np.datetime64) -> np.datetime64:
    """The last day on which a run up to a week is not outdated, by the settings."""
    source = settings.input
    day = last_week.astype("datetime64[D]").item()
    until = fresh_until(day, source.immature_weeks, source.freshness.error_days)
    return np.datetime64(until, "s")


def unit_value_of(settings: Settings, panel: Panel) -> float | None:
    """Money that a unit of a count is worth, by the settings or on average by the panel."""
    return settings.outcome.value_per_unit if panel.unit_value is None else panel.unit_value


def _finished_run(run: FittedRun) -> pd.DataFrame:
    fits = [fit for fit in (run.fit, run.holdout) if fit is not None]
    panel, record = run.fit.panel, run.record
    first, last = panel.outcome_weeks[[0, -1]].astype("datetime64[s]")
    row = started_run(
        run.run_id,
        run.started_at,
        run.settings,
        record.model_version,
        run.input.run_type,
    )
    return row.assign(
        status="fitted" if record.refusal is None else "rejected",
        gate_reason=record.refusal,
        as_of_week=last,
        window_start=first,
        window_end=last,
        fresh_until=fresh_until_of(run.settings, last),
        value_per_unit=unit_value_of(run.settings, panel),
        n_weeks=len(panel.outcome_weeks),
        n_series=len(panel.series),
        components_selected=run.fit.spec.components,
        data_fingerprint=fingerprint(run.input.snapshot),
        cpu_seconds=record.cpu_seconds,
        wall_seconds=record.wall_seconds,
        peak_rss_mb=max(fit.peak_rss_mb for fit in fits),
    )
