"""Posterior of the expected outcome's parts, draw by draw, in the outcome's unit.

All sums are exact by construction: the parts of a week add up to its expected outcome in every
draw, so they do in every mean; and the series add up to their total. One series is in memory at a
time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from hill_mmm._model.adstock import Media, adstock
from hill_mmm._model.curves import Curves
from hill_mmm._model.density import log_density_by_regime
from hill_mmm._model.design import BASELINE, Design, baseline_design, control_references
from hill_mmm._model.media import media_data
from hill_mmm._model.padding import padded
from hill_mmm._posterior import Posterior, flatten, over_draws
from hill_mmm._results.baseline_prior import learned_prior_sd
from hill_mmm._results.confounding import multiplier_information
from hill_mmm._results.regimes import week_regimes
from hill_mmm.panel import ALL_SERIES, Floats, Panel, Weeks
from hill_mmm.spec import AdstockKind


@dataclass(frozen=True)
class Decomposition:
    """The expected outcome of every week of one series taken apart; draws are flattened.

    Attributes:
        series: its name, or `ALL_SERIES` for the sum over all.
        weeks: first day of each week since the series started, `(weeks,)`.
        outcome: what was observed, `(weeks,)`; NaN in weeks to come.
        spend: of the paid channels, `(weeks, channels)`.
        channels: names of the paid channels.
        media_names: of the paid channels, then the organic media.
        n_fitted: number of weeks, from the first, that the posterior was fitted to.
        media: contribution by medium, `(draws, weeks, media)`.
        carried_in: posterior mean of the part of `media` that rests on spend assumed before the
            first week known, `(weeks, media)`.
        unseen: posterior mean of the part of `media` that the least adstock of the weeks fitted to
            brings in every week, `(weeks, media)`. No week has shown what is below it.
        media_gain: derivative of `media` by a uniform relative increase of that medium in all
            weeks, `(draws, weeks, media)`.
        baseline: the other parts, `(draws, weeks, parts)`; a control counts from its reference (see
            `control_references`), and what it has there stands in the first.
        baseline_parts: `(component_type, component)` of each part of `baseline`.
        predicted: one draw of the outcome itself for each draw, `(draws, weeks)`, without knowledge
            of the week's outcome.
        predicted_mean: what `predicted` is expected to be, `(draws, weeks)`. It is the measure of
            a prediction; `expected` knows more of the weeks fitted to.
        log_likelihood: of the outcome on its scale in the model, `(draws, weeks)`; NaN in weeks
            to come.
        information: of the weeks fitted to on a multiplier of each medium's mean contribution,
            `(media, media)`, see `multiplier_information`.
        unexplained: their squared residuals over the variance of noise and baseline together,
            `()`.
    """

    series: str
    weeks: Weeks
    outcome: Floats
    spend: Floats
    channels: tuple[str, ...]
    media_names: tuple[str, ...]
    n_fitted: int
    media: Floats
    carried_in: Floats
    unseen: Floats
    media_gain: Floats
    baseline: Floats
    baseline_parts: tuple[tuple[str, str], ...]
    predicted: Floats
    predicted_mean: Floats
    log_likelihood: Floats
    information: Floats
    unexplained: Floats

    @property
    def expected(self) -> Floats:
        """Expected outcome, `(draws, weeks)`: the sum of its parts.

        Of a mixture, in the regimes that the weeks fitted to were in as far as their outcome tells;
        in weeks after them `predicted_mean`.
        """
        return self.media.sum(axis=2) + self.baseline.sum(axis=2)


# Tells the generator of the steps to come from those of the series' noise.
WALK = 1
# What adds up over series, by its axis of weeks: the first, or that after the draws.
_BY_WEEK = ("outcome", "spend", "carried_in", "unseen")
_BY_DRAW = ("media", "media_gain", "baseline", "predicted", "predicted_mean", "log_likelihood")

_AT_ONCE = ("information", "unexplained")


def decompose(posterior: Posterior, panel: Panel | None = None) -> Iterator[Decomposition]:
    """Take the expected outcome of every week apart, series by series.

    Contributions are counterfactual: outcome with the medium minus outcome without it in any week
    of the panel or before it, carry-over included. The mixture's effect is its mean over the
    regimes: in the weeks fitted to by their probability given the week's outcome as the fit knew
    it, in weeks after them, whose outcome the fit did not know, by the mixture's weights (see
    `week_regimes`).

    Args:
        posterior: the fit.
        panel: the weeks, by default those fitted to. It must start at the fit's first week, so
            that carry-over runs on through any boundary; weeks to come have an outcome of NaN.

    Raises:
        ValueError: if the panel starts elsewhere or has other series, media or controls.
    """
    panel = panel or posterior.panel
    if panel.weeks[0] != posterior.panel.weeks[0]:
        raise ValueError(
            f"the panel starts at {panel.weeks[0]}, the fit at {posterior.panel.weeks[0]}: "
            "give all weeks from the fit's start, so that carry-over is complete"
        )
    posterior.scales.require_same_variables(panel)
    design = baseline_design(panel, posterior.spec, posterior.scales)
    probabilities = week_regimes(posterior, len(padded(panel.outcome)))
    for series, probability in enumerate(probabilities):
        yield _decompose_series(posterior, panel, design, probability, series)


def with_total(posterior: Posterior, panel: Panel | None = None) -> Iterator[Decomposition]:
    """The decomposition of each series and, where there are several, of their sum."""
    panel = panel or posterior.panel
    running: Decomposition | None = None
    for part in decompose(posterior, panel):
        yield part
        if len(panel.series) > 1:
            parts = [part] if running is None else [running, part]
            running = total(parts, panel.outcome_weeks)
    if running is not None:
        yield running


def overall_name(panel: Panel) -> str:
    """The `series_key` of what concerns all series: that of their sum, or of the only one."""
    return panel.series[0] if len(panel.series) == 1 else ALL_SERIES


def total(parts: Iterable[Decomposition], weeks: Weeks) -> Decomposition:
    """The sum over series, in the calendar of all: a series counts 0 before its start."""
    on_calendar = (_on_calendar(part, weeks) for part in parts)
    first = next(on_calendar)
    summed = {name: getattr(first, name).copy() for name in (*_BY_WEEK, *_BY_DRAW, *_AT_ONCE)}
    for part in on_calendar:
        for name, values in summed.items():
            values += getattr(part, name)
    return replace(first, series=ALL_SERIES, **summed)


def _on_calendar(part: Decomposition, weeks: Weeks) -> Decomposition:
    missing = len(weeks) - len(part.weeks)

    def pad(values: Floats, axis: int) -> Floats:
        widths = [(missing if dim == axis else 0, 0) for dim in range(values.ndim)]
        return np.pad(values, widths)

    padded_parts = {name: pad(getattr(part, name), 0) for name in _BY_WEEK}
    padded_parts |= {name: pad(getattr(part, name), 1) for name in _BY_DRAW}
    return replace(part, weeks=weeks, n_fitted=part.n_fitted + missing, **padded_parts)


def _decompose_series(
    posterior: Posterior, panel: Panel, design: Design, probability: jax.Array, series: int
) -> Decomposition:
    scale = float(posterior.scales.outcome[series])
    start = int(panel.starts[series])
    media = media_data(panel, posterior.scales, series)
    curves = series_curves(posterior, series)
    seen = np.zeros(len(media.spend), dtype=bool)
    seen[: len(posterior.panel)] = posterior.panel.observed[:, series]
    at = posterior.knot_weights(len(media.spend))
    effects = _effects(media, jnp.asarray(seen), curves, probability, at, posterior.spec.adstock)
    own = slice(start, len(panel))
    contribution, carried_in, unseen, gain, regimes = (
        np.asarray(effect)[:, own] for effect in effects
    )
    baseline, parts = _baseline_effects(posterior, design, series, start)
    by_weight = np.einsum("dtk,dk->dt", regimes, flatten(posterior.draws["weights"]))
    outcome = panel.outcome[start:, series]
    fitted = slice(start, len(posterior.panel))
    information, unexplained = _evidence(posterior, design, series, fitted, contribution)
    return Decomposition(
        series=panel.series[series],
        weeks=panel.weeks[start:],
        outcome=outcome,
        spend=panel.spend[start:, series],
        channels=panel.channels,
        media_names=panel.media_names,
        n_fitted=len(posterior.panel) - start,
        media=contribution * scale,
        carried_in=carried_in.mean(axis=0) * scale,
        unseen=unseen.mean(axis=0) * scale,
        media_gain=gain * scale,
        baseline=baseline * scale,
        baseline_parts=parts,
        predicted=_predicted(posterior, series, baseline.sum(axis=2), regimes) * scale,
        predicted_mean=(baseline.sum(axis=2) + by_weight) * scale,
        log_likelihood=_log_likelihood(
            posterior, series, outcome / scale, baseline.sum(axis=2), regimes
        ),
        information=information,
        unexplained=unexplained,
    )


def _evidence(
    posterior: Posterior, design: Design, series: int, weeks: slice, media: Floats
) -> tuple[Floats, Floats]:
    """`information` and `unexplained` of one series, of its weeks fitted to."""
    noise = flatten(posterior.draws["sigma"])[:, series].mean()
    outcome = posterior.panel.outcome[weeks, series] / posterior.scales.outcome[series]
    known = np.flatnonzero(np.isfinite(outcome))
    effect, matrix = media[:, known].mean(axis=0), design.matrix[weeks, series][known]
    rest = outcome[known] - effect.sum(axis=1) - matrix @ design.prior_mean
    both = multiplier_information(
        np.column_stack([effect, rest]) / noise,
        np.concatenate([matrix, design.signed[weeks, series][known]], axis=1) / noise,
        np.append(learned_prior_sd(posterior, design), design.signed_prior_sd),
    )
    return both[:-1, :-1], np.array(both[-1, -1])


def series_curves(posterior: Posterior, series: int) -> Curves:
    """The curves of one series, with its amplitudes `(draws, media, components)`."""
    curves = posterior.curves
    return curves._replace(amplitude=curves.amplitude[:, series])


def current_curves(posterior: Posterior, series: int) -> Curves:
    """The same with the effects as they are since the last week fitted to, and constant."""
    multiplier = jnp.asarray(posterior.current_multiplier)[:, :, None]
    curves = series_curves(posterior, series)
    return curves._replace(amplitude=curves.amplitude * multiplier, log_multiplier=None)


@partial(jax.jit, static_argnums=5)
def _effects(
    media: Media,
    seen: jax.Array,
    curves: Curves,
    probabilities: jax.Array,
    at: jax.Array | None,
    kind: AdstockKind,
) -> tuple[jax.Array, ...]:
    """Scaled: by medium the effect, what of it is carried in and unseen, and the gain; by regime.

    The first four are means over the regimes by their `probabilities (draws, weeks, components)`;
    the last is of all media together. `seen` are the weeks fitted to, `(weeks,)`.
    """

    def one(given: tuple[Curves, jax.Array]) -> tuple[jax.Array, ...]:
        draw, probability = given
        adstocked = draw.adstocked(kind, media)
        effect, gain = draw.effect(adstocked, at), draw.gain(adstocked, at)
        alone = draw.effect(adstock(kind, media.spend, draw.adstock), at)
        lowest = jnp.where(seen[:, None], adstocked, jnp.inf).min(axis=0)
        least = draw.effect(jnp.broadcast_to(lowest, adstocked.shape), at)

        def mean(by_regime: jax.Array) -> jax.Array:
            return jnp.einsum("tmk,tk->tm", by_regime, probability)

        unseen = mean(jnp.minimum(least, effect))
        return mean(effect), mean(effect - alone), unseen, mean(gain), effect.sum(axis=1)

    return over_draws(one, (curves, probabilities))


def _baseline_effects(
    posterior: Posterior, design: Design, series: int, start: int
) -> tuple[Floats, tuple[tuple[str, str], ...]]:
    matrix, labels = design.matrix[start:, series], list(design.parts)
    coefficients = _continued_coefficients(posterior, design, series)
    if design.signed_parts:
        signed = flatten(posterior.draws["signed_coefficients"]) * design.directions
        coefficients = np.concatenate([coefficients, signed], axis=1)
        matrix = np.concatenate([matrix, design.signed[start:, series]], axis=1)
        labels += design.signed_parts
    parts = tuple(dict.fromkeys(labels))
    # A control counts from its reference; what it has there stands in the baseline.
    references = _column_references(posterior, series, labels)
    effects = [
        coefficients[:, columns] @ (matrix[:, columns] - references[columns]).T
        for columns in (
            [column for column, label in enumerate(labels) if label == part] for part in parts
        )
    ]
    effects[parts.index(BASELINE)] += (coefficients @ references)[:, None]
    return np.stack(effects, axis=2), parts


def _continued_coefficients(posterior: Posterior, design: Design, series: int) -> Floats:
    """Coefficients of a design that may go on after the fit's, `(draws, columns)`.

    A random walk of the level goes on: its steps to come are drawn, each by the draw's own scale,
    from the fit's own seed. They are the same for every series and however many are asked for.
    """
    known = flatten(posterior.draws["coefficients"])[:, series, : design.matrix.shape[2]]
    to_come = design.matrix.shape[2] - known.shape[1]
    if not to_come:
        return known
    rng = np.random.default_rng([posterior.sampler.seed, 0, WALK])
    scale = flatten(posterior.draws["baseline_scale"])[:, -1]
    steps = rng.standard_normal((to_come, len(known))).T * scale[:, None]
    return np.concatenate([known, steps * design.prior_sd[-to_come:]], axis=1)


def _column_references(
    posterior: Posterior, series: int, labels: Sequence[tuple[str, str]]
) -> Floats:
    """The value of each regressor from which its effect counts; 0 of all but controls."""
    panel = posterior.panel
    references = control_references(panel, posterior.spec, posterior.scales)[series]
    by_label = {
        ("control", name): value
        for name, value in zip(panel.control_names, references, strict=True)
    }
    return np.array([by_label.get(label, 0.0) for label in labels])


def _predicted(posterior: Posterior, series: int, baseline: Floats, regimes: Floats) -> Floats:
    """One draw of every week's outcome for each posterior draw, scaled.

    Regime and noise are drawn anew for each week, from the fit's own seed.
    """
    rng = np.random.default_rng([posterior.sampler.seed, series])
    cumulative = np.cumsum(flatten(posterior.draws["weights"]), axis=1)[:, None, :-1]
    chosen = (rng.random((*regimes.shape[:2], 1)) > cumulative).sum(axis=2)
    mean = baseline + np.take_along_axis(regimes, chosen[:, :, None], axis=2)[:, :, 0]
    sigma = flatten(posterior.draws["sigma"])[:, [series]]
    if posterior.spec.likelihood == "normal":
        return rng.normal(mean, sigma)
    degrees_of_freedom = flatten(posterior.draws["degrees_of_freedom"])[:, None]
    return mean + sigma * rng.standard_t(degrees_of_freedom, size=mean.shape)


def _log_likelihood(
    posterior: Posterior, series: int, outcome: Floats, baseline: Floats, regimes: Floats
) -> Floats:
    sigma = flatten(posterior.draws["sigma"])[:, [series]]
    degrees_of_freedom = None
    if posterior.spec.likelihood == "student_t":
        degrees_of_freedom = jnp.asarray(flatten(posterior.draws["degrees_of_freedom"]))[
            :, None, None
        ]
    known = np.isfinite(outcome)
    by_week = _compiled_log_likelihood(
        jnp.asarray(padded(np.where(known, outcome, 0.0))[None]),
        jnp.asarray(padded(baseline, axis=1)),
        jnp.asarray(padded(regimes, axis=1)),
        jnp.asarray(flatten(posterior.draws["weights"]))[:, None],
        jnp.asarray(sigma),
        degrees_of_freedom,
    )
    return np.where(known, np.asarray(by_week)[:, : len(outcome)], np.nan)


# One program instead of an operation at a time. A draw that is not a number stays one, for the gate
# to refuse; by itself NumPyro would raise an error.
_compiled_log_likelihood = jax.jit(
    lambda *of_weeks: jax.nn.logsumexp(log_density_by_regime(*of_weeks), axis=-1)
)
