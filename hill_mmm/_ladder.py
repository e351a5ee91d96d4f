"""From the model asked for down to one that converges, or a reasoned refusal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from hill_mmm._checks.gate import Check, gate
from hill_mmm._checks.parameter_summary import parameter_summary
from hill_mmm._cross_validation import (
    FutureScores,
    leave_future_out,
    possible_origins,
    shorter,
)
from hill_mmm._fit import Fit, fit
from hill_mmm._model.scales import Scales
from hill_mmm._results.predictive_scores import simplest_within_one_se
from hill_mmm._sampling.nuts import SamplerError
from hill_mmm._sampling.progress import ProgressCallback
from hill_mmm.panel import Panel
from hill_mmm.spec import GateThresholds, LiftTest, ModelSpec, SamplerSettings

# Numbers of components that `auto` compares.
CANDIDATES = (1, 2, 3)
# Of their forecasts: a year in quarters. Two origins have a difference between them, and no spread.
MAX_ORIGINS = 4
MIN_ORIGINS = 3


@dataclass(frozen=True)
class Rung:
    """One rung of the ladder.

    Attributes:
        components: number of Hill curves.
        sampler: settings it ran with.
        checks: the gate's verdicts; empty where it gave no draws.
        error: why it gave no draws at all, or None.
    """

    components: int
    sampler: SamplerSettings
    checks: tuple[Check, ...]
    error: str | None = None

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that it failed; empty where it passed."""
        return tuple(check for check in self.checks if check.status == "fail")

    @property
    def has_passed(self) -> bool:
        """Whether the fit may be published."""
        return not self.failed and self.error is None

    @property
    def reason(self) -> str:
        """What happened, for a person."""
        ran = f"K = {self.components}, {self.sampler.warmup} + {self.sampler.draws} draws"
        if self.error is not None:
            return f"{ran}: {self.error}"
        verdicts = ", ".join(
            f"{check.check_name} {check.value:.4g} (limit {check.threshold:g})"
            for check in self.failed
        )
        return f"{ran}: {verdicts or 'passed'}"


@dataclass(frozen=True)
class Climb:
    """What came of the ladder.

    Attributes:
        fit: the first fit that passed; where none did, the last that has draws, or None.
        rungs: every rung tried, in order.
    """

    fit: Fit | None
    rungs: tuple[Rung, ...]

    @property
    def has_passed(self) -> bool:
        """Whether `fit` may be published."""
        return self.rungs[-1].has_passed

    @property
    def checks(self) -> tuple[Check, ...]:
        """The gate's verdicts on `fit`; empty where there is none."""
        return next((rung.checks for rung in reversed(self.rungs) if rung.checks), ())

    @property
    def reason(self) -> str:
        """Every rung and what it failed at, for a person."""
        return "; ".join(rung.reason for rung in self.rungs)


@dataclass(frozen=True)
class Choice:
    """The number of components that `auto` settles on.

    Attributes:
        components: the choice.
        scores: of each candidate whose fits converged, the latest origin first. Of a candidate that
            was left alone they end with the origin at which it was.
        left_out: reason by candidate that could not be compared.
    """

    components: int
    scores: dict[int, FutureScores]
    left_out: dict[int, str]


def climb(
    panel: Panel,
    spec: ModelSpec,
    sampler: SamplerSettings,
    thresholds: GateThresholds,
    *,
    lift_tests: Sequence[LiftTest] = (),
    scales: Scales | None = None,
    on_progress: ProgressCallback | None = None,
    on_rung: Callable[[Rung], None] | None = None,
) -> Climb:
    """Fit the model asked for; where it does not pass the gate, step down.

    The rungs: as asked for; twice as long with a higher acceptance, from other places with another
    seed; one component less, and so on to K = 1. A fit that passes ends it.

    Args:
        panel: the data.
        spec: the model asked for.
        sampler: the settings asked for.
        thresholds: of the gate.
        lift_tests: see `fit`.
        scales: see `fit`.
        on_progress: see `fit`.
        on_rung: called after every rung.
    """
    rungs: list[Rung] = []
    last: Fit | None = None
    for rung_spec, rung_sampler in _rungs(spec, sampler, len(panel.series)):
        try:
            fitted = fit(
                panel,
                rung_spec,
                rung_sampler,
                lift_tests=lift_tests,
                scales=scales,
                on_progress=on_progress,
            )
        except SamplerError as error:
            rungs.append(Rung(rung_spec.components, rung_sampler, (), str(error)))
        else:
            last = fitted
            checks = verdicts(fitted, thresholds)
            rungs.append(Rung(rung_spec.components, rung_sampler, checks))
        if on_rung:
            on_rung(rungs[-1])
        if rungs[-1].has_passed:
            break
    return Climb(last, tuple(rungs))


def verdicts(fitted: Fit, thresholds: GateThresholds) -> tuple[Check, ...]:
    """The gate's blocking verdicts on a fit."""
    return tuple(gate(parameter_summary(fitted), fitted, thresholds))


def _rungs(
    spec: ModelSpec, sampler: SamplerSettings, series: int
) -> Iterator[tuple[ModelSpec, SamplerSettings]]:
    longer = replace(
        sampler,
        warmup=2 * sampler.warmup,
        draws=2 * sampler.draws,
        target_accept=1.0 - (1.0 - sampler.acceptance(spec, series)) / 2.0,
        # The same start would lead the same chains to the same places.
        seed=sampler.seed + 1,
    )
    yield spec, sampler
    yield spec, longer
    for components in range(spec.components - 1, 0, -1):
        yield replace(spec, components=components), sampler


def choose_components(
    panel: Panel,
    spec: ModelSpec,
    sampler: SamplerSettings,
    thresholds: GateThresholds,
    *,
    horizon: int,
    candidates: Sequence[int] = CANDIDATES,
    lift_tests: tuple[LiftTest, ...] = (),
    on_fit: Callable[[str], ProgressCallback] | None = None,
) -> Choice:
    """Choose K by leave-future-out score: the simplest within one standard error of the best.

    The candidates forecast the `horizon` weeks after each of up to four origins, the latest first;
    the standard error is that between origins (`simplest_within_one_se`). A candidate with a fit
    that does not pass the gate (with the fewer draws of a comparison: half the ESS) is left out,
    and not fitted at earlier origins; nor is anything once a single candidate is left. Where none
    passes, or the panel is too short for three origins, the choice is the least of the candidates
    and the ladder judges.

    Args:
        panel: the data.
        spec: the model, whose number of components is replaced.
        sampler: the settings asked for, of which a comparison takes fewer draws (`shorter`).
        thresholds: of the gate.
        horizon: weeks scored after each origin.
        candidates: numbers of components.
        lift_tests: see `leave_future_out`.
        on_fit: given a fit in words, what it is to call with its progress.
    """
    origins = possible_origins(panel, horizon, MAX_ORIGINS)
    if origins < MIN_ORIGINS:
        reason = (
            f"a comparison takes forecasts of {horizon} weeks from {MIN_ORIGINS} origins, and the "
            f"{len(panel)} weeks allow a fit before {origins} of them"
        )
        return Choice(min(candidates), {}, dict.fromkeys(sorted(candidates)[1:], reason))
    lenient = replace(thresholds, min_ess=thresholds.min_ess / 2.0)
    scores: dict[int, list[FutureScores]] = {components: [] for components in candidates}
    left_out: dict[int, str] = {}
    for number in range(origins):
        known = panel.head(len(panel) - horizon * number)
        for components in list(scores):
            try:
                score = leave_future_out(
                    known,
                    replace(spec, components=components),
                    shorter(sampler),
                    horizon=horizon,
                    lift_tests=lift_tests,
                    on_progress=on_fit
                    and on_fit(f"K = {components}, origin {number + 1} of {origins}"),
                )
            except SamplerError as error:
                obstacle = str(error)
            else:
                scores[components].append(score)
                obstacle = _not_converged(score, lenient)
            if obstacle:
                weeks = len(known) - horizon
                left_out[components] = f"before week {weeks + 1}: {obstacle}"
                del scores[components]
        if len(scores) < 2:
            break
    joined = {components: FutureScores.joined(parts) for components, parts in scores.items()}
    by_origin = {components: score.elpd_by_origin for components, score in joined.items()}
    chosen = simplest_within_one_se(by_origin) if len(joined) > 1 else min(joined or candidates)
    return Choice(chosen, joined, left_out)


def _not_converged(score: FutureScores, thresholds: GateThresholds) -> str:
    """The names of the checks that a fit of these scores failed; empty if none did."""
    checks = [check for fitted in score.fits for check in verdicts(fitted, thresholds)]
    return ", ".join(sorted({check.check_name for check in checks if check.status == "fail"}))
