"""From a panel to its fits: K chosen, the ladder climbed, the holdout fitted."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import hill_mmm
import hill_mmm.results
from dagster_mmm.fitting.artefacts import FitRecord
from dagster_mmm.fitting.version import model_spec
from dagster_mmm.settings import Settings, narrowed
from hill_mmm import (
    Choice,
    Climb,
    Fit,
    ModelSpec,
    Panel,
    Progress,
    Rung,
    SamplerError,
    SamplerSettings,
    Scales,
)
from hill_mmm.results import LiftWithoutTest

# Weeks on which numbers of components are compared where the settings hold none out.
COMPARED_WEEKS = 13

# Told which fit it is, and where that stands.
Observer = Callable[[str, Progress], None]


class OverBudgetError(RuntimeError):
    """The fits of a run have taken longer than the settings allow."""


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
        without_test: what the model says without each lift test; empty without tests, and where
            there was no time for it.
    """

    climb: Climb
    choice: Choice | None
    holdout: Fit | None
    no_holdout: str | None
    cpu_seconds: float
    wall_seconds: float
    without_test: tuple[LiftWithoutTest, ...]

    def record(self, model_version: str, scales_of: str | None) -> FitRecord:
        """How the run came to its fit, to be kept beside it."""
        return FitRecord(
            model_version=model_version,
            scales_of=scales_of,
            ladder=[_rung_as_json(rung) for rung in self.climb.rungs],
            choice=None if self.choice is None else _choice_as_json(self.choice),
            refusal=None if self.climb.has_passed else self.climb.reason,
            no_holdout=self.no_holdout,
            cpu_seconds=self.cpu_seconds,
            wall_seconds=self.wall_seconds,
            without_test=[asdict(lift) for lift in self.without_test],
        )


def _rung_as_json(rung: Rung) -> dict[str, Any]:
    return {
        "components": rung.components,
        "warmup": rung.sampler.warmup,
        "draws": rung.sampler.draws,
        "target_accept": rung.sampler.target_accept,
        "has_passed": rung.has_passed,
        "reason": rung.reason,
    }


def _choice_as_json(choice: Choice) -> dict[str, Any]:
    return {
        "components": choice.components,
        # JSON's keys are text.
        "scores": {
            str(k): {
                "elpd": s.elpd,
                "crps": s.crps,
                "origins": s.origins,
                "elpd_by_origin": s.elpd_by_origin.tolist(),
            }
            for k, s in choice.scores.items()
        },
        "left_out": {str(k): reason for k, reason in choice.left_out.items()},
    }


def fit_panel(
    panel: Panel,
    settings: Settings,
    scales: Scales | None,
    log: logging.Logger,
    observe: Observer,
) -> FittedPanel:
    """Fit as the settings ask, as far down the ladder as it takes, and before the holdout.

    Args:
        panel: all weeks.
        settings: the model's settings.
        scales: of an earlier fit of the same model version, or None for those of the panel.
        log: told about progress, every rung, and what cannot be done.
        observe: told about progress, whenever a fifth of a fit is done.

    Raises:
        OverBudgetError: if `sampler.max_minutes` have passed before a fit has passed the gate; the
            message names what was tried. Where only the holdout is left, that is left out.
    """
    cpu, wall = time.process_time(), time.monotonic()
    watch = _Watch(log, observe, settings.sampler.max_minutes)
    components, choice = _components(panel, settings, watch)
    climb = hill_mmm.climb(
        panel,
        model_spec(settings, panel.media_names, components),
        narrowed(settings.sampler, SamplerSettings),
        settings.gate,
        lift_tests=settings.lift_tests,
        scales=scales,
        on_progress=watch.callback_for(f"fit on {len(panel)} weeks"),
        on_rung=watch.log_rung,
    )
    holdout, no_holdout = _holdout(panel, settings, climb, choice, watch)
    without_test = _without_test(climb, watch)
    return FittedPanel(
        climb,
        choice,
        holdout,
        no_holdout,
        cpu_seconds=time.process_time() - cpu,
        wall_seconds=time.monotonic() - wall,
        without_test=without_test,
    )


def _components(panel: Panel, settings: Settings, watch: "_Watch") -> tuple[int, Choice | None]:
    """The number of components to start from, and how it was chosen if it was."""
    asked = settings.model.components
    if asked != "auto":
        return asked, None
    horizon = settings.evaluation.holdout_weeks or COMPARED_WEEKS
    obstacle = hill_mmm.results.obstacle_to_training(panel.head(max(len(panel) - horizon, 0)))
    if obstacle is not None:
        watch.log.warning(f"components: auto compares nothing and takes K = 1: {obstacle}")
        return 1, None
    choice = hill_mmm.choose_components(
        panel,
        model_spec(settings, panel.media_names, components=1),
        narrowed(settings.sampler, SamplerSettings),
        settings.gate,
        horizon=horizon,
        lift_tests=settings.lift_tests,
        on_fit=lambda fit: watch.callback_for(f"comparison of forecasts, {fit}"),
    )
    for components, score in choice.scores.items():
        by_origin = ", ".join(f"{elpd:.2f}" for elpd in score.elpd_by_origin)
        watch.log.info(
            f"K = {components}: elpd {score.elpd:.2f} (by origin, latest first: {by_origin}), "
            f"CRPS {score.crps:.4g} a week"
        )
    for components, reason in choice.left_out.items():
        watch.log.warning(f"K = {components} is not compared: {reason}")
    watch.log.info(f"components: auto takes K = {choice.components}")
    return choice.components, choice


def _holdout(
    panel: Panel, settings: Settings, climb: Climb, choice: Choice | None, watch: "_Watch"
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
    obstacle = hill_mmm.results.obstacle_to_training(train)
    if obstacle is not None:
        return None, obstacle
    return _fit_before_holdout(train, settings, spec, watch)


def _fit_before_holdout(
    train: Panel, settings: Settings, spec: ModelSpec, watch: "_Watch"
) -> tuple[Fit | None, str | None]:
    try:
        fitted = hill_mmm.fit(
            train,
            spec,
            narrowed(settings.sampler, SamplerSettings),
            lift_tests=hill_mmm.known_tests(settings.lift_tests, train),
            on_progress=watch.callback_for(f"holdout fit on {len(train)} weeks"),
        )
    except (SamplerError, OverBudgetError) as error:
        # The fit on all weeks is good without it.
        return None, str(error)
    return fitted, None


def _without_test(climb: Climb, watch: "_Watch") -> tuple[LiftWithoutTest, ...]:
    """What the model says without each test; a fit that is not published is not asked."""
    if climb.fit is None or not climb.has_passed:
        return ()
    try:
        return hill_mmm.results.leave_test_out(
            climb.fit, on_progress=watch.callback_for("fit without a lift test")
        )
    except OverBudgetError as error:
        # The fit is good without it; the check on its tests says that it is unsure.
        watch.log.warning(str(error))
        return ()


class _Watch:
    """Follows the fits of a run: tells of every fifth of each, and stops one over the budget."""

    def __init__(self, log: logging.Logger, observe: Observer, max_minutes: float | None) -> None:
        self.log = log
        self._observe = observe
        self._max_minutes = max_minutes
        self._started = time.monotonic()
        self._rungs: list[str] = []

    def log_rung(self, rung: Rung) -> None:
        """Tell of a rung of the ladder."""
        self._rungs.append(rung.reason)
        if rung.has_passed:
            self.log.info(rung.reason)
        else:
            self.log.warning(f"not converged, {rung.reason}")

    def callback_for(self, label: str) -> Callable[[Progress], None]:
        """What one fit, or several one after the other, is to call with its progress."""
        fifths_logged = 0

        def follow(progress: Progress) -> None:
            nonlocal fifths_logged
            self._stop_over_budget(label, progress)
            fifth = 5 * progress.done // progress.total
            # It falls when the next fit begins. One line a block would bury the rest of the log.
            is_new_fifth, fifths_logged = fifth > fifths_logged, fifth
            if is_new_fifth:
                self.log.info(
                    f"{label}: {progress.done} of {progress.total} iterations, "
                    f"{progress.divergences} divergences, "
                    f"about {progress.remaining_seconds:.0f} s left"
                )
                self._observe(label, progress)

        return follow

    def _stop_over_budget(self, label: str, progress: Progress) -> None:
        minutes = (time.monotonic() - self._started) / 60
        # Each chain calls, and each is stopped.
        if self._max_minutes is not None and minutes > self._max_minutes:
            stopped = (
                f"stopped after {minutes:.1f} minutes at {progress.done / progress.total:.0%} of "
                f"the {label}, as sampler.max_minutes is {self._max_minutes:g}. Raise it, or lower "
                "sampler.draws, sampler.warmup or model.components"
            )
            raise OverBudgetError("; ".join([*self._rungs, stopped]))
