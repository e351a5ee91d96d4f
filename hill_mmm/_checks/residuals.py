"""Advisory verdicts on what a fit leaves over: would its own noise look like that?

Residuals of a fit are not the noise: the fit has followed part of it. So each statistic is compared
with its values in outcomes that the fit itself would generate, each after a refit. The refit is
linearised: an outcome that is `e` from the posterior mean moves it by `cov(f) score(e)`, with the
posterior covariance of the expected outcome `f` and the derivative of the noise's log-density; for
a Normal likelihood, the smoother matrix `cov(f) / sigma^2`, exact where the model is linear.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from hill_mmm._checks.gate import Check, at_least, at_most
from hill_mmm._model.design import fourier_terms
from hill_mmm._posterior import Posterior, flatten
from hill_mmm._results.decompose import Decomposition, decompose
from hill_mmm.panel import Floats, Weeks
from hill_mmm.spec import ModelOptions, Trend

# Seven tests together warn of 3.5 % of right models at most; what is left to the 5 % allowed is for
# the refit being linearised.
LEAST_P = 0.005
# Outcomes that each statistic is compared with: a p of LEAST_P rests on 10 of them.
REPLICATES = 2000
# Of the Ljung-Box statistic; fewer where there are few weeks.
LAGS = 10
# Harmonics beyond the model's order.
MORE_HARMONICS = 4
# A season is told from a single event by its second year.
SEASON_WEEKS = 104
# Posterior probability of a baseline below 0 that is no longer put down to chance.
MOST_NEGATIVE = 0.2


class Residuals(NamedTuple):
    """Residuals of one series, in noise standard deviations.

    Attributes:
        series: its name.
        weeks: of the residuals, `(weeks,)`.
        actual: outcome less its posterior mean, `(weeks,)`.
        replicated: the same of outcomes from the model, after a refit, `(replicates, weeks)`.
        expected: posterior mean of the outcome that is predicted, `(weeks,)`.
        media: posterior mean contribution by medium, `(weeks, media)`.
        media_names: their names.
        refit: what is left of an outcome after a refit, `(weeks, weeks)`.
        negative: posterior probability of a baseline below 0, `(weeks,)`.
    """

    series: str
    weeks: Weeks
    actual: Floats
    replicated: Floats
    expected: Floats
    media: Floats
    media_names: tuple[str, ...]
    refit: Floats
    negative: Floats

    @property
    def both(self) -> Floats:
        """The actual residuals and, below them, the replicated."""
        return np.vstack([self.actual, self.replicated])


class Test(NamedTuple):
    """A statistic of each series that is large if the model is wrong.

    Attributes:
        name: of the check.
        statistic: of residuals, first the actual and then the replicated, `(1 + replicates,)`; None
            of a series that it cannot be had of.
        says: what it is, for a person.
        points_at: what of the series stands out, or nothing.
        means: what follows for ROI, and the setting that mends it.
    """

    name: str
    statistic: Callable[[Residuals], Floats | None]
    says: str
    points_at: Callable[[Residuals], str]
    means: str


def residual_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdicts on the residuals of every series, and on its baseline.

    The value is the p of the worst series, corrected for the number of series by the distribution
    of the worst one's statistic (max-T, Westfall and Young 1993). All tests together warn of 5 % of
    right models at most.

    Args:
        posterior: the fit.

    Returns:
        A check for each test, without the season's where no series has two years.
    """
    found = [residuals(posterior, part) for part in decompose(posterior)]
    return verdicts(found, posterior.spec)


def verdicts(found: Sequence[Residuals], options: ModelOptions) -> list[Check]:
    """The verdicts of `residual_checks` on the residuals of every series."""
    checks = [_check(test, found) for test in _tests(options)]
    return [*(check for check in checks if check), negative_baseline(found)]


def residuals(posterior: Posterior, part: Decomposition) -> Residuals:
    """The residuals of one series, and those that its own model would leave."""
    known = np.flatnonzero(np.isfinite(part.outcome[: part.n_fitted]))
    chosen = posterior.evenly_spaced(REPLICATES)
    # Without knowledge of a week's regime, as the replicates are drawn.
    expected, predicted = part.predicted_mean[:, known], part.predicted[chosen][:, known]
    mean = expected.mean(axis=0)
    scale, score = _noise(posterior, part, predicted - expected[chosen])
    moved = _within_one(np.cov(expected, rowvar=False) / np.outer(scale, scale))
    error = (predicted - mean) / scale
    return Residuals(
        series=part.series,
        weeks=part.weeks[known],
        actual=(part.outcome[known] - mean) / scale,
        replicated=error - score(error) @ moved,
        expected=mean,
        media=part.media[:, known].mean(axis=0),
        media_names=part.media_names,
        refit=np.eye(len(known)) - moved,
        negative=(part.baseline[:, known].sum(axis=2) < 0).mean(axis=0),
    )


def _noise(
    posterior: Posterior, part: Decomposition, noise: Floats
) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Scale of each week's noise by its Fisher information, and the score on that scale."""
    if posterior.spec.likelihood == "normal":
        # By week: where media are on air, regimes differ by more.
        return noise.std(axis=0), lambda error: error
    series = posterior.panel.series.index(part.series)
    degrees = float(flatten(posterior.draws["degrees_of_freedom"]).mean())
    sigma = float(flatten(posterior.draws["sigma"])[:, series].mean())
    sigma *= float(posterior.scales.outcome[series])
    # Of Student's t: information (nu + 1) / ((nu + 3) sigma^2).
    ratio = (degrees + 3.0) / (degrees + 1.0)
    scale = np.full(noise.shape[1], sigma * np.sqrt(ratio))
    return scale, lambda error: error * (degrees + 3.0) / (degrees + ratio * error**2)


def _within_one(covariance: Floats) -> Floats:
    """A refit follows an outcome at most wholly: what exceeds that is Monte Carlo error."""
    if not np.isfinite(covariance).all():
        return np.full_like(covariance, np.nan)
    size, direction = np.linalg.eigh(covariance)
    return (direction * np.clip(size, 0.0, 1.0)) @ direction.T


def _check(test: Test, found: Sequence[Residuals]) -> Check | None:
    of_series = [(series, test.statistic(series)) for series in found]
    tested = [(series, values) for series, values in of_series if values is not None]
    if not tested:
        return None
    values = np.array([values for _, values in tested])
    p, worst = max_t(values)
    series, limit = tested[worst][0], float(np.quantile(values[worst, 1:], 0.95))
    where = f" of {series.series}" if len(found) > 1 else ""
    among = f", as the worst of {len(tested)} series" if len(tested) > 1 else ""
    description = (
        f"{test.says}{where}: {values[worst, 0]:.3g}; of the model's own noise, 95 % stay below "
        f"{limit:.3g}. The value is the chance of so much by noise alone{among}. "
        f"{test.points_at(series)}{test.means}"
    )
    return at_least(test.name, p, LEAST_P, description, blocking=False)


def max_t(values: Floats) -> tuple[float, int]:
    """Chance that the worst of several statistics stands out so far, and which it is.

    Each is put on the mean and spread of its replicates, and the largest compared with the largest
    of each replicate: Westfall and Young 1993. The p is (1 + exceeding) / (1 + replicates), never
    0: Davison and Hinkley 1997, section 4.2.

    Args:
        values: of the statistics, the actual first: `(statistics, 1 + replicates)`.
    """
    replicated = values[:, 1:]
    spread = replicated.std(axis=1, keepdims=True)
    apart = (values - replicated.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
    worst = apart.max(axis=0)
    # A statistic that is not a number is as bad as can be, and no p.
    p = np.mean(worst >= worst[0]) if np.isfinite(worst).all() else np.nan
    return float(p), int(apart[:, 0].argmax())


def negative_baseline(found: Sequence[Residuals]) -> Check:
    """Advisory verdict on whether media are credited with more than all of a week's outcome."""
    worst = max(found, key=lambda series: float(series.negative.max()))
    week = worst.weeks[int(worst.negative.argmax())]
    return at_most(
        "negative_baseline",
        float(worst.negative.max()),
        MOST_NEGATIVE,
        f"Posterior probability of a baseline below 0, in the worst week: that of {week} of "
        f"{worst.series}. There, media are credited with more than all that was sold, so that "
        "their ROI is too high: lower the medians of model.channel_priors, or add the control "
        "that media go along with.",
        blocking=False,
    )


def _tests(options: ModelOptions) -> list[Test]:
    first, last = options.fourier_order + 1, options.fourier_order + MORE_HARMONICS
    moving_level = _moving_level(options.trend)
    return [
        Test(
            "residual_autocorrelation",
            lag_one,
            "Correlation of a week's residual with that of the week before",
            _nothing,
            "Something that lasts for weeks is not in the model: intervals of ROI are too narrow, "
            f"and media that go along with it take its credit. {moving_level}",
        ),
        Test(
            "residual_ljung_box",
            ljung_box,
            f"Ljung-Box statistic of the residuals, up to lag {LAGS},",
            _nothing,
            "Something that lasts for weeks or comes back is not in the model: intervals of ROI "
            f"are too narrow, and media that go along with it take its credit. {moving_level}",
        ),
        Test(
            "residual_weekly_change",
            weekly_change,
            "Mean change of the residual from week to week, over its mean size,",
            _nothing,
            "High weeks are followed by low ones: outcome is booked in a neighbouring week, or "
            "promotions bring sales forward, and the effect of short campaigns is told wrongly. "
            "See that outcome and media count the same days of a week, and give promotions a "
            "control for their weeks and one for the week after.",
        ),
        Test(
            "residual_extremes",
            extremes,
            "Largest residual, over their root mean square,",
            _largest,
            "It sways the ROI of what was on air. Name its reason under model.events or "
            "model.holidays, correct the input, or take model.likelihood: student_t.",
        ),
        Test(
            "residual_spread",
            spread,
            "Rank correlation of the residuals' size with the expected outcome",
            _nothing,
            "Noise is not the same in high and low weeks: the noisy ones count for too much, and "
            "intervals of ROI hold less than they say. Take model.likelihood: student_t, or add "
            "the control that moves the noisy weeks.",
        ),
        Test(
            "residual_season",
            lambda series: season(series, range(first, last + 1)),
            f"Share of the residuals' variance in yearly harmonics {first} to {last}",
            _nothing,
            "The season is sharper than the model's: media whose budgets follow it take its "
            f"credit. Set model.fourier_order: {last}, or name the peak under model.holidays or "
            "model.events.",
        ),
        Test(
            "effect_drift",
            drift,
            "Mean squared correlation of the residuals with effects that change over time",
            _drifting,
            "As it is, ROI is a mean over the years: that of today, the plan and the forecast are "
            "off. If moving_effect is set already, start the panel later.",
        ),
    ]


def _moving_level(trend: Trend) -> str:
    remedy = "Add" if trend == "smooth" else "Set model.trend: smooth; if it still warns, add"
    return (
        f"{remedy} the control that moves the level (price, distribution, demand, a competitor), "
        "and until then take ROI intervals for too narrow."
    )


def lag_one(series: Residuals) -> Floats:
    """Correlation with the week before, `(1 + replicates,)`."""
    return _autocorrelation(series.both, 1)[:, 0]


def ljung_box(series: Residuals) -> Floats:
    """Ljung and Box 1978, `(1 + replicates,)`."""
    weeks = len(series.weeks)
    lags = min(LAGS, weeks // 5)
    correlation = _autocorrelation(series.both, lags)
    return weeks * (weeks + 2) * (correlation**2 / (weeks - np.arange(1, lags + 1))).sum(axis=1)


def _autocorrelation(values: Floats, lags: int) -> Floats:
    """By lag from 1, about 0, as residuals are: `(rows, lags)`."""
    products = [(values[:, lag:] * values[:, :-lag]).sum(axis=1) for lag in range(1, lags + 1)]
    return np.array(products).T / (values**2).sum(axis=1, keepdims=True)


def weekly_change(series: Residuals) -> Floats:
    """Mean absolute change over mean absolute residual, `(1 + replicates,)`."""
    both = series.both
    return np.abs(np.diff(both, axis=1)).mean(axis=1) / np.abs(both).mean(axis=1)


def extremes(series: Residuals) -> Floats:
    """Largest absolute residual over the root mean square, `(1 + replicates,)`."""
    both = series.both
    return np.abs(both).max(axis=1) / np.sqrt((both**2).mean(axis=1))


def spread(series: Residuals) -> Floats:
    """Absolute rank correlation of size and expected outcome, `(1 + replicates,)`."""
    size = rankdata(np.abs(series.both), axis=1)
    level = rankdata(series.expected)
    size, level = size - size.mean(axis=1, keepdims=True), level - level.mean()
    length = np.linalg.norm(size, axis=1) * np.linalg.norm(level)
    return np.abs(size @ level) / np.where(length > 0, length, 1.0)


def season(series: Residuals, harmonics: Sequence[int]) -> Floats | None:
    """Share of the residuals in these harmonics, a monotone function of their F-test's F."""
    if len(series.weeks) < SEASON_WEEKS:
        return None
    return _share(series, fourier_terms(series.weeks, harmonics))


def drift(series: Residuals) -> Floats:
    """Mean over the media of the squared correlation of the residuals with contribution x time.

    A medium counts in it by the square of its effect. Against drifts of the media that are
    independent and as large, relative to each effect, it is the score test of their variance (Lin
    1997, Variance component testing in generalised linear models with random effects), the
    strongest one if they are small.
    """
    both = series.both
    left = series.refit @ _by_time(series)
    size = (left**2).sum()
    # A series may be without media.
    return ((both @ left) ** 2).sum(axis=1) / (both**2).sum(axis=1) / np.where(size > 0, size, 1.0)


def _by_time(series: Residuals) -> Floats:
    time = (series.weeks - series.weeks[0]).astype(np.float64)
    return series.media * (time - time.mean())[:, None]


def _share(series: Residuals, columns: Floats) -> Floats:
    """R^2 of the residuals on what a refit leaves of the columns, `(1 + replicates,)`."""
    both = series.both
    length = np.linalg.norm(columns, axis=0)
    left = series.refit @ (columns / np.where(length > 0, length, 1.0))
    if not np.isfinite(left).all():
        return np.full(len(both), np.nan)
    basis, size, _ = np.linalg.svd(left, full_matrices=False)
    along = both @ basis[:, size > 1e-6]
    return (along**2).sum(axis=1) / (both**2).sum(axis=1)


def _nothing(series: Residuals) -> str:
    return ""


def _largest(series: Residuals) -> str:
    worst = int(np.abs(series.actual).argmax())
    side = "above" if series.actual[worst] > 0 else "below"
    return f"The week of {series.weeks[worst]} is far {side} what the model expects. "


def _drifting(series: Residuals) -> str:
    """The media that stand out by themselves, by the distribution of the one that does most."""
    along = series.both @ (series.refit @ _by_time(series))
    size = along[1:].std(axis=0)
    apart = along / np.where(size > 0, size, 1.0)
    most = np.abs(apart).max(axis=1)
    named = np.flatnonzero(np.abs(apart[0]) >= min(most[0], np.quantile(most[1:], 0.95)))
    ways = ", ".join(
        f"that of {series.media_names[medium]} {'grown' if apart[0, medium] > 0 else 'fallen'}"
        for medium in named
    )
    names = ", ".join(series.media_names[medium] for medium in named)
    return (
        f"It seems that the effect has changed: {ways}. Set moving_effect of {names} (in Python, "
        "moving_effects of the ModelSpec). "
    )
