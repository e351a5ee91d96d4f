"""Lift tests: experiments whose results the posterior has to agree with."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from hill_mmm._model.adstock import Media
from hill_mmm._model.curves import Curves
from hill_mmm._model.media import media_data
from hill_mmm._model.padding import padded
from hill_mmm._model.scales import Scales
from hill_mmm.panel import Floats, Integers, Panel
from hill_mmm.spec import AdstockKind, LiftTest


class LiftData(NamedTuple):
    """Lift tests as arrays; a test of all series together is one cell for each series.

    Attributes:
        lift: total incremental outcome of each test, `(tests,)`.
        standard_error: `(tests,)`.
        test: the test of each cell, `(cells,)`.
        series: the series of each cell, `(cells,)`.
        medium: the medium of each cell, `(cells,)`.
        scale: outcome scale of each cell's series, `(cells,)`.
        media: scaled spend of the cell's series and medium, `(weeks, cells)`.
        without: the same without the spend of the test's weeks.
        weeks: 1 in the test's weeks, `(weeks, cells)`.
    """

    lift: jax.Array
    standard_error: jax.Array
    test: jax.Array
    series: jax.Array
    medium: jax.Array
    scale: jax.Array
    media: Media
    without: jax.Array
    weeks: jax.Array


def lift_data(panel: Panel, scales: Scales, tests: Sequence[LiftTest]) -> LiftData:
    """Lift tests on the scales of a model version, their weeks padded.

    Raises:
        ValueError: if a test names a channel or series that is not there, lies outside the
            panel's weeks or before a series' start, or has no spend in its weeks.
    """
    tested = [
        (number, series, _tested_channel(panel, test))
        for number, test in enumerate(tests)
        for series in _tested_series(panel, test)
    ]
    test, series, medium = np.array(tested, dtype=np.int64).reshape(-1, 3).T
    weeks = np.zeros((len(panel), len(tested)))
    for cell, number in enumerate(test):
        weeks[_tested_weeks(panel, tests[number]), cell] = 1.0
    media = media_data(panel, scales)
    cells = Media(
        media.spend[:, series, medium], media.before[series, medium], media.week[:, series, 0]
    )
    weeks = padded(weeks)
    _require_spend(panel, tests, test, np.asarray((cells.spend * weeks).sum(axis=0)))
    arrays: dict[str, Any] = {
        "lift": np.array([test.lift for test in tests]),
        "standard_error": np.array([test.standard_error for test in tests]),
        "test": test,
        "series": series,
        "medium": medium,
        "scale": scales.outcome[series],
        "without": cells.spend * (1.0 - weeks),
        "weeks": weeks,
    }
    return LiftData(media=cells, **jax.tree.map(jnp.asarray, arrays))


class ModelledLift(NamedTuple):
    """The model's own counterfactual of each test, `(tests,)`, in the outcome's unit.

    Attributes:
        mean: over the regimes that the test's weeks may have been in.
        variance: over these regimes; 0 of a single curve.
    """

    mean: jax.Array
    variance: jax.Array


def modelled_lift(
    lift: LiftData,
    curves: Curves,
    kind: AdstockKind,
    regimes: jax.Array,
    at: jax.Array | None,
) -> ModelledLift:
    """The model's own counterfactual of each test, in the regimes that its weeks were in.

    Outcome in the test's weeks with the spend as it was, minus outcome had the channel spent
    nothing in them: carry-over from earlier weeks is in both, carry-over beyond the test in
    neither. Both are of the same regime, week by week.

    Args:
        lift: the tests.
        curves: of one draw.
        kind: of the adstock.
        regimes: probability of each regime, `(weeks, series, components)`: given the week's outcome
            where the draw knows it.
        at: weights of the multipliers' knots, `(weeks, knots)`; None if no effect moves.
    """
    cells = Curves(
        adstock=curves.adstock[lift.medium],
        carry_in=curves.carry_in[lift.medium],
        weights=curves.weights,
        amplitude=curves.amplitude[lift.series, lift.medium],
        half_saturation=curves.half_saturation[lift.medium],
        slope=curves.slope[lift.medium],
        log_multiplier=(
            None if curves.log_multiplier is None else curves.log_multiplier[:, lift.medium]
        ),
    )

    def effect(spend: jax.Array) -> jax.Array:
        return cells.effect(cells.adstocked(kind, lift.media._replace(spend=spend)), at)

    probability = regimes[:, lift.series]
    by_regime = effect(lift.media.spend) - effect(lift.without)
    mean = jnp.einsum("tik,tik->ti", probability, by_regime)
    variance = jnp.einsum("tik,tik->ti", probability, (by_regime - mean[:, :, None]) ** 2)

    def over_tests(by_week: jax.Array, scale: jax.Array) -> jax.Array:
        by_cell = scale * jnp.einsum("ti,ti->i", by_week, lift.weeks)
        return jnp.zeros_like(lift.lift).at[lift.test].add(by_cell)

    return ModelledLift(over_tests(mean, lift.scale), over_tests(variance, lift.scale**2))


def log_density_of_lift(lift: LiftData, modelled: ModelledLift) -> jax.Array:
    """Log density of each test's result given the outcome of its weeks, `(tests,)`.

    Given the outcome, the weeks' regimes are independent, and the lift is a sum over them. Its
    distribution is a mixture with a term for every sequence of regimes; a Normal of the same mean
    and variance stands for it. That is exact for a single curve, and for a mixture wherever the
    outcome tells the regimes apart. Tests that share weeks count as independent.
    """
    scale = jnp.sqrt(lift.standard_error**2 + modelled.variance)
    return dist.Normal(modelled.mean, scale).log_prob(lift.lift)


def _tested_channel(panel: Panel, test: LiftTest) -> int:
    if test.channel not in panel.channels:
        raise ValueError(f"a lift test names {test.channel!r}, not among {panel.channels}")
    return panel.channels.index(test.channel)


def _tested_series(panel: Panel, test: LiftTest) -> Sequence[int]:
    if test.series is None:
        return range(len(panel.series))
    if test.series not in panel.series:
        raise ValueError(f"a lift test names series {test.series!r}, not among {panel.series}")
    return [panel.series.index(test.series)]


def _tested_weeks(panel: Panel, test: LiftTest) -> slice:
    start, end = np.datetime64(test.start, "D"), np.datetime64(test.end, "D")
    if not (start in panel.weeks and end in panel.weeks):
        raise ValueError(
            f"the lift test of {test.channel} from {test.start} to {test.end} must start and end "
            f"on first days of weeks between {panel.weeks[0]} and {panel.weeks[-1]}"
        )
    first, last = np.searchsorted(panel.weeks, [start, end])
    return slice(int(first), int(last) + 1)


def _require_spend(panel: Panel, tests: Sequence[LiftTest], test: Integers, spend: Floats) -> None:
    for number, lift_test in enumerate(tests):
        if not (spend[test == number] > 0).any():
            raise ValueError(
                f"the lift test of {lift_test.channel} from {lift_test.start} to {lift_test.end} "
                f"has no spend of {lift_test.channel} in the panel: check its channel and dates"
            )
