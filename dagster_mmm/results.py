"""The rows that one fitted run writes, table by table."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict
from importlib.metadata import version

import pandas as pd
import sqlalchemy as sa

import hill_mmm
from dagster_mmm.artefacts import FittedRun
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from hill_mmm import (
    AmplitudePrior,
    Check,
    Fit,
    GateThresholds,
    LiftTest,
    ModelSpec,
    SamplerSettings,
)


def model_spec(settings: Settings, media: Collection[str], components: int) -> ModelSpec:
    """The model that the settings ask for.

    Args:
        settings: the model's settings.
        media: the paid channels and organic media that the panel has.
        components: number of Hill curves; where the settings say auto, or a larger one has not
            converged, it is not in the settings.
    """
    model = settings.model.model_dump(exclude={"version", "components"})
    return ModelSpec(
        components=components,
        channel_priors={
            medium.name: AmplitudePrior(prior.kind, prior.median, prior.sd_log)
            for medium in (*settings.channels, *settings.organic)
            if medium.name in media and (prior := medium.amplitude_prior) is not None
        },
        events={
            name: tuple(day.isoformat() for day in days) for name, days in settings.events.items()
        },
        control_signs={c.name: c.sign for c in settings.controls if c.sign is not None},
        **model,
    )


def lift_tests(settings: Settings) -> tuple[LiftTest, ...]:
    """The experiments that the settings list."""
    return tuple(
        LiftTest(
            channel=test.channel,
            start=test.start.isoformat(),
            end=test.end.isoformat(),
            lift=test.lift,
            standard_error=test.standard_error,
            series=test.series,
        )
        for test in settings.lift_tests
    )


def sampler_settings(settings: Settings) -> SamplerSettings:
    """How the settings ask to sample."""
    return SamplerSettings(**settings.sampler.model_dump())


def started_run(run_id: str, started_at: pd.Timestamp, settings: Settings) -> pd.DataFrame:
    """The `mmm_run` row of a run that has just started."""
    row = dict.fromkeys(tables.RUN.columns.keys())
    row |= {
        "run_id": run_id,
        "model_key": settings.model_key,
        "status": "running",
        "started_at": started_at,
        "currency": settings.currency,
        "components_requested": settings.model.components,
        "config_hash": settings.fingerprint(),
        "code_version": version("hill-mixture-mmm"),
        **settings.sampler.model_dump(include={"seed", "draws", "warmup", "chains"}),
    }
    return pd.DataFrame([row])


def result_frames(run: FittedRun) -> dict[sa.Table, pd.DataFrame]:
    """All rows of a run by table: the estimands, the verdicts, the input, and the run itself."""
    ci_level = run.settings.evaluation.ci_level
    decomposition = hill_mmm.decompose(run.fit)
    summary = hill_mmm.channel_summary(run.fit, decomposition, ci_level)
    parameters = hill_mmm.parameter_summary(run.fit, decomposition)
    fitted = hill_mmm.model_fit(run.fit, decomposition, ci_level)
    accuracy = hill_mmm.accuracy(fitted, run.fit.panel)
    checks = hill_mmm.gate(parameters, run.fit, _thresholds(run.settings))
    checks += hill_mmm.prior_checks(summary)
    obstacle = _obstacle_to_holdout(run)
    if obstacle is not None:
        checks.append(hill_mmm.missing_holdout(obstacle))
    elif run.holdout is not None:
        held_out = hill_mmm.holdout_model_fit(run.holdout, run.fit.panel, ci_level)
        held_out_accuracy = hill_mmm.accuracy(held_out, run.fit.panel)
        checks += hill_mmm.holdout_checks(held_out_accuracy, ci_level, len(held_out))
        fitted = pd.concat([fitted, held_out], ignore_index=True)
        accuracy = pd.concat([accuracy, held_out_accuracy], ignore_index=True)
    frames = {
        tables.RUN: _finished_run(run, checks),
        tables.CHANNEL_SUMMARY: summary,
        tables.CONTRIBUTION: hill_mmm.contribution(decomposition, ci_level),
        tables.RESPONSE_CURVE: hill_mmm.response_curve(run.fit, ci_level),
        tables.MODEL_FIT: fitted,
        tables.ACCURACY: accuracy,
        tables.DIAGNOSTIC: pd.DataFrame([asdict(check) for check in checks]),
        tables.PARAMETER_SUMMARY: parameters,
        tables.INPUT_SNAPSHOT: run.snapshot,
    }
    keys = {"run_id": run.run_id, "model_key": run.settings.model_key}
    return {table: frame.assign(**keys) for table, frame in frames.items()}


def failed_run(row: pd.DataFrame, error: Exception) -> pd.DataFrame:
    """The `mmm_run` row of a run whose fit stopped with an error."""
    reason = f"the fit stopped with {type(error).__name__}: {error}"
    return row.assign(status="rejected", gate_reason=reason)


def _obstacle_to_holdout(run: FittedRun) -> str | None:
    """Why the holdout's rows are left out; one that has not converged is not shown either."""
    if run.holdout is None:
        return run.no_holdout
    parameters = hill_mmm.parameter_summary(run.holdout, hill_mmm.decompose(run.holdout))
    checks = hill_mmm.gate(parameters, run.holdout, _thresholds(run.settings))
    failed = [check.check_name for check in checks if check.status == "fail"]
    return f"the fit before it has not converged ({', '.join(failed)})" if failed else None


def _thresholds(settings: Settings) -> GateThresholds:
    return GateThresholds(**settings.gate.model_dump())


def _finished_run(run: FittedRun, checks: list[Check]) -> pd.DataFrame:
    failed = [check for check in checks if check.is_blocking and check.status == "fail"]
    reasons = [f"{c.check_name} {c.value:.4g} (allowed {c.threshold:.4g})" for c in failed]
    fits = [fit for fit in (run.fit, run.holdout) if fit is not None]
    first, last = run.fit.panel.weeks[[0, -1]].astype("datetime64[s]")
    return started_run(run.run_id, pd.Timestamp(run.started_at), run.settings).assign(
        status="rejected" if failed else "running",
        gate_reason="; ".join(reasons) or None,
        as_of_week=last,
        window_start=first,
        window_end=last,
        n_weeks=len(run.fit.panel),
        n_series=1,
        components_selected=run.fit.spec.components,
        data_fingerprint=_data_fingerprint(run.snapshot),
        model_version=_model_version(run.fit),
        cpu_seconds=sum(fit.cpu_seconds for fit in fits),
        wall_seconds=sum(fit.wall_seconds for fit in fits),
        peak_rss_mb=max(fit.peak_rss_mb for fit in fits),
    )


def _data_fingerprint(snapshot: pd.DataFrame) -> str:
    used = snapshot[snapshot["is_used"]].sort_values(["series_key", "week_start", "variable"])
    values = used[["series_key", "week_start", "variable", "role", "value"]]
    return hashlib.sha256(values.to_csv(index=False).encode()).hexdigest()


def _model_version(fit: Fit) -> str:
    frozen = json.dumps([fit.scales.as_dict(), asdict(fit.spec)], sort_keys=True)
    return hashlib.sha256(frozen.encode()).hexdigest()
