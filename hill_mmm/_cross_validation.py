"""Leave-future-out: the score of forecasts from origins within the panel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hill_mmm._fit import Fit, fit
from hill_mmm._results.accuracy import log_predictive_density, obstacle_to_training
from hill_mmm._results.decompose import decompose
from hill_mmm._results.predictive_scores import crps
from hill_mmm._sampling.progress import ProgressCallback
from hill_mmm.panel import Floats, Integers, Panel
from hill_mmm.spec import LiftTest, ModelSpec, SamplerSettings

HORIZON = 13


@dataclass(frozen=True)
class FutureScores:
    """Scores of forecasts of the weeks after each origin.

    Attributes:
        origins: number of weeks fitted to, by origin, the latest first.
        fits: the posterior of each origin.
        pointwise_elpd: log predictive density of each week and series, on the model's scale; all
            origins in one array.
        pointwise_crps: CRPS of each week and series, in the outcome's unit, likewise.
        origin: index among `origins` of each of these scores.
    """

    origins: tuple[int, ...]
    fits: tuple[Fit, ...]
    pointwise_elpd: Floats
    pointwise_crps: Floats
    origin: Integers

    @classmethod
    def joined(cls, parts: Sequence["FutureScores"]) -> "FutureScores":
        """The scores of several sets of origins as one."""
        before = np.cumsum([0, *(len(part.origins) for part in parts)])
        return cls(
            origins=tuple(origin for part in parts for origin in part.origins),
            fits=tuple(fit for part in parts for fit in part.fits),
            pointwise_elpd=np.concatenate([part.pointwise_elpd for part in parts]),
            pointwise_crps=np.concatenate([part.pointwise_crps for part in parts]),
            origin=np.concatenate(
                [part.origin + first for part, first in zip(parts, before, strict=False)]
            ),
        )

    @property
    def elpd_by_origin(self) -> Floats:
        """Log predictive density of all weeks and series after each origin, `(origins,)`."""
        numbers = range(len(self.origins))
        return np.array([self.pointwise_elpd[self.origin == number].sum() for number in numbers])

    @property
    def elpd(self) -> float:
        """Total log predictive density: higher is better."""
        return float(self.pointwise_elpd.sum())

    @property
    def crps(self) -> float:
        """Mean CRPS: less is better."""
        return float(self.pointwise_crps.mean())


def leave_future_out(
    panel: Panel,
    spec: ModelSpec | None = None,
    sampler: SamplerSettings | None = None,
    *,
    horizon: int = HORIZON,
    origins: int = 1,
    lift_tests: tuple[LiftTest, ...] = (),
    on_progress: ProgressCallback | None = None,
) -> FutureScores:
    """Fit before each origin and score the forecast of the `horizon` weeks after it.

    The origins are `horizon` weeks apart, the last of them `horizon` weeks before the panel's end,
    so that no week is scored twice. Spend and controls of the scored weeks are taken as known.
    Bürkner, Gabry and Vehtari 2020, with exact refits.

    Args:
        panel: the weeks.
        spec: the model.
        sampler: of every refit.
        horizon: weeks scored after each origin.
        origins: number of origins.
        lift_tests: experiments; an origin knows those that were over before it.
        on_progress: see `fit`.

    Raises:
        ValueError: if too few weeks are left before the earliest origin.
    """
    ends = [len(panel) - horizon * back for back in range(origins)]
    # All of them before the first is fitted: an obstacle is not worth waiting for.
    trains = [_training_panel(panel, end - horizon) for end in ends]
    fits: list[Fit] = []
    elpd: list[Floats] = []
    score: list[Floats] = []
    origin: list[Integers] = []
    for number, (end, train) in enumerate(zip(ends, trains, strict=True)):
        known = known_tests(lift_tests, train)
        fits.append(fit(train, spec, sampler, lift_tests=known, on_progress=on_progress))
        for part in decompose(fits[-1], panel.head(end).only(train.series)):
            elpd.append(log_predictive_density(part)[part.n_fitted :])
            score.append(crps(part.predicted, part.outcome)[part.n_fitted :])
            origin.append(np.full(len(elpd[-1]), number))
    return FutureScores(
        tuple(end - horizon for end in ends),
        tuple(fits),
        np.concatenate(elpd),
        np.concatenate(score),
        np.concatenate(origin),
    )


def possible_origins(panel: Panel, horizon: int, at_most: int) -> int:
    """How many origins, `horizon` weeks apart, leave weeks enough before them to be fitted."""
    for number in range(at_most):
        weeks = len(panel) - horizon * (number + 1)
        if obstacle_to_training(panel.head(max(weeks, 0))) is not None:
            return number
    return at_most


def _training_panel(panel: Panel, weeks: int) -> Panel:
    train = panel.head(max(weeks, 0))
    obstacle = obstacle_to_training(train)
    if obstacle is not None:
        raise ValueError(f"an origin at week {weeks} cannot be fitted: {obstacle}")
    return train


def known_tests(lift_tests: tuple[LiftTest, ...], train: Panel) -> tuple[LiftTest, ...]:
    """The tests that are over, in series that have started, by the end of the training weeks."""
    return tuple(
        test
        for test in lift_tests
        if np.datetime64(test.end) <= train.weeks[-1]
        and (test.series is None or test.series in train.series)
    )


def shorter(sampler: SamplerSettings) -> SamplerSettings:
    """Settings for a comparison of models, which needs fewer draws than a publication."""
    return replace(sampler, warmup=min(sampler.warmup, 500), draws=min(sampler.draws, 500))
