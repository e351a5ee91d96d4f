"""What a plan brings, draw by draw, as a function of its weekly spend.

Adstock is linear in spend. So each week's adstock is what comes without the plan, plus the plan's
weekly spend times what a unit of it leaves in that week: only the Hill curve is left to compute.
A cell is one channel of one series; cells add up, in every draw.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hill_mmm._model.adstock import Media, adstock, adstocked_media
from hill_mmm._model.curves import Curves
from hill_mmm._model.media import media_data
from hill_mmm._model.worth import present_unit_value
from hill_mmm._posterior import Posterior, flatten, over_draws
from hill_mmm._results.learned import learned_range, settled_range
from hill_mmm._results.returns import WEEKS_AFTER
from hill_mmm.panel import Floats, Integers, Panel
from hill_mmm.spec import AdstockKind, PlanRequest, Timing

YEAR = 52


class PlanError(ValueError):
    """The scenario cannot be planned for: its limits contradict each other, or the data.

    Attributes:
        best_reachable: of a target beyond reach, the highest ROI or mROI within the limits.
    """

    def __init__(self, reason: str, best_reachable: float | None = None) -> None:
        super().__init__(reason)
        self.best_reachable = best_reachable


class PlanResponse(NamedTuple):
    """The curves of all cells over the horizon and the weeks after it, by draw.

    Attributes:
        without: scaled adstock of each week without the plan, `(draws, weeks, cells)`.
        per_unit: scaled adstock of each week by a unit of weekly spend, `(draws, weeks, cells)`.
        curves: of each cell as of a medium, `Curves.weighted`, amplitudes in the outcome's unit:
            that of the mean value, if they differ between series (see `relative_value`). Of an
            effect that moves, as it is since the last week.
    """

    without: jax.Array
    per_unit: jax.Array
    curves: Curves


@dataclass(frozen=True)
class CurrentSpend:
    """What is spent today, how a plan's weeks follow from its mean week, what is known; by cell.

    Attributes:
        weekly: mean weekly spend in currency, `(cells,)`.
        usual: the same of all weeks of the panel, `(cells,)`.
        rhythm: each week's spend over the mean week's, `(weeks, cells)`; its mean is 1.
        highest: the most ever spent in a week, `(cells,)`.
        lowest_learned: mean weekly spend below which the data have seen no week on air, `(cells,)`.
        lowest_seen: mean weekly spend below which a plan is extrapolated, `(cells,)`: 0 if the
            channel was off for long enough.
        highest_learned: mean weekly spend beyond which a plan is extrapolated (see
            `learned_range`), `(cells,)`.
    """

    weekly: Floats
    usual: Floats
    rhythm: Floats
    highest: Floats
    lowest_learned: Floats
    lowest_seen: Floats
    highest_learned: Floats


def current_spend(posterior: Posterior, request: PlanRequest) -> CurrentSpend:
    """The weeks that a plan is compared with: the last ones, or those a year before it.

    Raises:
        PlanError: if a series has not got those weeks.
    """
    panel, weeks = posterior.panel, request.horizon_weeks
    before = YEAR if request.timing == "last_year" else weeks
    late = [
        name
        for name, start in zip(panel.series, panel.starts, strict=True)
        if len(panel) - start < before
    ]
    if late:
        raise PlanError(f"{', '.join(late)}: fewer than the {before} weeks that a plan looks back")
    first = len(panel) - before
    spend = panel.spend.reshape(len(panel), -1)
    weekly = spend[first : first + weeks].mean(axis=0)
    rhythm = _rhythm(spend[first : first + weeks], request.timing)
    learned = [learned_range(posterior, series) for series in range(len(panel.series))]
    lowest = np.concatenate([one.lowest for one in learned])
    highest = np.concatenate([one.highest for one in learned])
    if request.timing == "last_year":
        # Spend in a rhythm moves about its mean: its peaks and troughs must have been seen.
        pattern = rhythm.reshape(weeks, *panel.spend.shape[1:])
        trough, peak = (each.ravel() for each in settled_range(posterior, pattern))
        highest = highest / peak
        always = np.where(lowest > 0, weekly, 0.0)
        lowest = np.divide(lowest, trough, out=always, where=trough > 0)
    return CurrentSpend(
        weekly=weekly,
        usual=panel.spend.mean(axis=0, where=panel.observed[:, :, None]).ravel(),
        rhythm=rhythm,
        highest=spend.max(axis=0),
        lowest_learned=np.concatenate([one.lowest_on_air for one in learned]),
        # What is spent today has been, whatever the carry-over.
        lowest_seen=np.minimum(lowest, weekly),
        highest_learned=np.maximum(highest, weekly),
    )


def _rhythm(spend: Floats, timing: Timing) -> Floats:
    """Even, too, where nothing was spent that could have a rhythm."""
    mean = spend.mean(axis=0)
    if timing == "even":
        return np.ones_like(spend)
    return np.where(mean > 0, spend / np.where(mean > 0, mean, 1.0), 1.0)


def plan_response(posterior: Posterior, current: CurrentSpend, draws: int) -> PlanResponse:
    """The response of the posterior's cells, on at most so many draws, evenly spaced.

    Before the horizon stands what was spent; after it, what is spent today, whatever the plan: two
    plans differ in the horizon alone, and in what they carry over into the weeks after it.
    """
    panel, scales = posterior.panel, posterior.scales
    paid, series = len(panel.channels), len(panel.series)
    chosen = posterior.evenly_spaced(draws)
    parameters = jnp.asarray(
        np.tile(flatten(posterior.draws["adstock"])[chosen, :paid], (1, series, 1))
    )
    scale = scales.spend[:, :paid].reshape(-1)
    spend, unit = _without_and_per_unit(posterior, current)
    media = Media(
        spend=jnp.asarray(spend / scale),
        before=media_data(panel, scales).before[:, :paid].reshape(-1),
        week=jnp.asarray(_weeks_of_cells(panel, len(spend))),
    )
    carry_in = jnp.asarray(
        np.tile(flatten(posterior.draws["carry_in"])[chosen, :paid], (1, series))
    )
    without, per_unit = _adstocked(
        media, jnp.asarray(unit / scale), parameters, carry_in, posterior.spec.adstock
    )
    weights = flatten(posterior.draws["weights"])[chosen]
    amplitude = flatten(posterior.draws["amplitude"])[chosen, :, :paid] * weights[:, None, None]
    amplitude = amplitude * (scales.outcome * relative_value(posterior))[:, None, None]
    amplitude = amplitude * posterior.current_multiplier[chosen, None, :paid, None]

    def of_each_series(name: str) -> jax.Array:
        return jnp.asarray(np.tile(flatten(posterior.draws[name])[chosen, :paid], (1, series, 1)))

    return PlanResponse(
        without=without,
        per_unit=per_unit,
        curves=Curves(
            adstock=parameters,
            # All that came before the horizon is in `without`.
            carry_in=jnp.zeros(parameters.shape[:2]),
            weights=jnp.asarray(weights),
            amplitude=jnp.asarray(amplitude.reshape(len(chosen), series * paid, -1)),
            half_saturation=of_each_series("half_saturation"),
            slope=of_each_series("slope"),
        ),
    )


def unit_value(posterior: Posterior) -> float:
    """Money that a unit of the outcome is worth today, the mean of the panel's units; or NaN."""
    by_series = present_unit_value(posterior.panel, posterior.spec)
    return float(np.average(by_series, weights=posterior.scales.outcome))


def relative_value(posterior: Posterior) -> Floats:
    """What a unit of each series is worth over the mean of all, `(series,)`.

    A plan weighs series by it: a unit of outcome counts by its money. All are 1 if no value is
    known or it is the same everywhere.
    """
    by_series = present_unit_value(posterior.panel, posterior.spec)
    mean = unit_value(posterior)
    return np.ones_like(by_series) if np.isnan(mean) else by_series / mean


def _without_and_per_unit(posterior: Posterior, current: CurrentSpend) -> tuple[Floats, Floats]:
    """Spend without the plan from the panel's first week on, and a unit of it from its own first.

    Shapes `(weeks, cells)`; the last weeks of both are those after the horizon.
    """
    before = posterior.panel.spend.reshape(len(posterior.panel), -1)
    after = np.tile(current.weekly, (WEEKS_AFTER, 1))
    without = np.concatenate([before, np.zeros_like(current.rhythm), after])
    return without, np.concatenate([current.rhythm, np.zeros_like(after)])


@partial(jax.jit, static_argnums=4)
def _adstocked(
    media: Media, unit: jax.Array, parameters: jax.Array, carry_in: jax.Array, kind: AdstockKind
) -> tuple[jax.Array, jax.Array]:
    """Both from the horizon's first week on: of earlier weeks, what they carry over is all."""
    first = len(media.spend) - len(unit)

    def one(draw: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        return adstocked_media(kind, media, *draw)[first:], adstock(kind, unit, draw[0])

    return over_draws(one, (parameters, carry_in))


def _weeks_of_cells(panel: Panel, weeks: int) -> Integers:
    """Number of each week since the first known of each cell's series, `(weeks, cells)`."""
    starts = np.repeat(panel.media_starts, len(panel.channels))
    return np.arange(weeks)[:, None] - starts


def effect(response: PlanResponse, weekly: jax.Array) -> jax.Array:
    """Outcome of each cell over the horizon and after it, `(draws, cells)`.

    Args:
        response: of the cells.
        weekly: mean weekly spend in currency, `(cells,)`.
    """

    def one(draw: PlanResponse) -> jax.Array:
        adstocked = draw.without + draw.per_unit * weekly
        return draw.curves.effect(adstocked, None).sum(axis=(0, 2))

    return over_draws(one, response)


compiled_effect = jax.jit(effect)


def effect_and_marginal(response: PlanResponse, weekly: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Outcome of each cell, and that of the next unit of its weekly spend, `(draws, cells)` each.

    Cells do not act on each other, so that one tangent has the derivative of all; and unlike a
    gradient in reverse it keeps nothing of the weeks.
    """
    return jax.jvp(lambda spend: effect(response, spend), (weekly,), (jnp.ones_like(weekly),))


@jax.jit
def marginal(response: PlanResponse, weekly: jax.Array) -> jax.Array:
    """Outcome of each cell by the next unit of money, `(draws, cells)`."""
    return effect_and_marginal(response, weekly)[1]


def within_horizon(response: PlanResponse, weeks: int) -> PlanResponse:
    """The same without the weeks after the horizon, and so without what is carried into them."""
    return response._replace(
        without=response.without[:, :weeks], per_unit=response.per_unit[:, :weeks]
    )
