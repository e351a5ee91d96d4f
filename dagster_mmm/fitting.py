"""From a panel to its fits: K chosen, the ladder climbed, the holdout fitted."""

import logging
import time
from dataclasses import dataclass
from typing import Any

import hill_mmm
from dagster_mmm.artefacts import FitRecord
from dagster_mmm.request import gate_thresholds, lift_tests, model_spec, sampler_settings
from dagster_mmm.settings import Settings
from hill_mmm import Attempt, Choice, Climb, Fit, ModelSpec, Panel, Progress, SamplerError, Scales

# Weeks on which numbers of components are compared where the settings hold none out.
COMPARED_WEEKS = 13


@dataclass(frozen=True)
class FittedPanel:
    """What came of fitting a panel.

    Attributes:
        climb: the ladder on all weeks.
        choice: how the number of components was chosen, or None where the settings name it.
        holdout: the posterior on the weeks before the holdout, or None without one.
        no_holdout: why there is none although the settings ask for it, or None.
        cpu_seconds: CPU time of all fits.
        wall_seconds: elapsed time of all fits.
    """

    climb: Climb
    choice: Choice | None
    holdout: Fit | None
    no_holdout: str | None
    cpu_seconds: float
    wall_seconds: float

    def record(self, model_version: str, scales_of: str | None) -> FitRecord:
        """How the run came to its fit, to be kept beside it."""
        return FitRecord(
            model_version=model_version,
            scales_of=scales_of,
            ladder=[_rung(attempt) for attempt in self.climb.attempts],
            choice=None if self.choice is None else _scores(self.choice),
            refusal=None if self.climb.has_passed else self.climb.reason,
            no_holdout=self.no_holdout,
            cpu_seconds=self.cpu_seconds,
            wall_seconds=self.wall_seconds,
        )


def _rung(attempt: Attempt) -> dict[str, Any]:
    return {
        "components": attempt.components,
        "warmup": attempt.sampler.warmup,
        "draws": attempt.sampler.draws,
        "target_accept": attempt.sampler.target_accept,
        "has_passed": attempt.has_passed,
        "reason": attempt.reason,
    }


def _scores(choice: Choice) -> dict[str, Any]:
    return {
        "components": choice.components,
        # JSON's keys are text.
        "scores": {str(k): {"elpd": s.elpd, "crps": s.crps} for k, s in choice.scores.items()},
        "left_out": {str(k): reason for k, reason in choice.left_out.items()},
    }


def fit_panel(
    panel: Panel, settings: Settings, scales: Scales | None, log: logging.Logger
) -> FittedPanel:
    """Fit as the settings ask, as far down the ladder as it takes, and before the holdout.

    Args:
        panel: all weeks.
        settings: the model's settings.
        scales: of an earlier fit of the same model version, or None for those of the panel.
        log: told about progress, every rung, and what cannot be done.
    """
    cpu, wall = time.process_time(), time.monotonic()
    components, choice = _components(panel, settings, log)
    climb = hill_mmm.climb(
        panel,
        model_spec(settings, panel.media_names, components),
        sampler_settings(settings),
        gate_thresholds(settings),
        lift_tests=lift_tests(settings),
        scales=scales,
        on_progress=_ProgressLog(log, f"fit on {len(panel)} weeks"),
        on_attempt=lambda attempt: _log_attempt(attempt, log),
    )
    holdout, no_holdout = _holdout(panel, settings, climb, choice, log)
    return FittedPanel(
        climb,
        choice,
        holdout,
        no_holdout,
        cpu_seconds=time.process_time() - cpu,
        wall_seconds=time.monotonic() - wall,
    )


def _components(panel: Panel, settings: Settings, log: logging.Logger) -> tuple[int, Choice | None]:
    """The number of components to start from, and how it was chosen if it was."""
    asked = settings.model.components
    if asked != "auto":
        return asked, None
    horizon = settings.evaluation.holdout_weeks or COMPARED_WEEKS
    obstacle = hill_mmm.obstacle_to_training(panel.head(max(len(panel) - horizon, 0)))
    if obstacle is not None:
        log.warning(f"components: auto compares nothing and takes K = 1: {obstacle}")
        return 1, None
    choice = hill_mmm.choose_components(
        panel,
        model_spec(settings, panel.media_names, components=1),
        sampler_settings(settings),
        gate_thresholds(settings),
        horizon=horizon,
        lift_tests=lift_tests(settings),
        on_progress=_ProgressLog(log, f"comparison on the last {horizon} weeks"),
    )
    for components, score in choice.scores.items():
        log.info(f"K = {components}: elpd {score.elpd:.2f}, CRPS {score.crps:.4g} a week")
    for components, reason in choice.left_out.items():
        log.warning(f"K = {components} is not compared: {reason}")
    log.info(f"components: auto takes K = {choice.components}")
    return choice.components, choice


def _holdout(
    panel: Panel, settings: Settings, climb: Climb, choice: Choice | None, log: logging.Logger
) -> tuple[Fit | None, str | None]:
    """The fit before the holdout, and why there is none where it is asked for."""
    weeks = settings.evaluation.holdout_weeks
    if not weeks or climb.fit is None:
        return None, None
    spec = climb.fit.spec
    if choice is not None and spec.components in choice.scores:
        return choice.scores[spec.components].fits[0], None
    if not climb.has_passed:
        return None, "the fit on all weeks has not converged"
    train = panel.head(max(len(panel) - weeks, 0))
    obstacle = hill_mmm.obstacle_to_training(train)
    if obstacle is not None:
        return None, obstacle
    return _fit_before_holdout(train, settings, spec, log)


def _fit_before_holdout(
    train: Panel, settings: Settings, spec: ModelSpec, log: logging.Logger
) -> tuple[Fit | None, str | None]:
    try:
        fitted = hill_mmm.fit(
            train,
            spec,
            sampler_settings(settings),
            lift_tests=hill_mmm.known_tests(lift_tests(settings), train),
            on_progress=_ProgressLog(log, f"holdout fit on {len(train)} weeks"),
        )
    except SamplerError as error:
        return None, str(error)
    return fitted, None


def _log_attempt(attempt: Attempt, log: logging.Logger) -> None:
    if attempt.has_passed:
        log.info(attempt.reason)
    else:
        log.warning(f"not converged, {attempt.reason}")


class _ProgressLog:
    """Logs every fifth part of a fit: one line a block would bury the rest of the log."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._fifth = 0

    def __call__(self, progress: Progress) -> None:
        fifth = 5 * progress.done // progress.total
        # It falls when the next fit begins.
        is_due, self._fifth = fifth > self._fifth, fifth
        if is_due:
            self._log.info(
                f"{self._what}: {progress.done} of {progress.total} iterations, "
                f"{progress.divergences} divergences, "
                f"about {progress.remaining_seconds:.0f} s left"
            )
