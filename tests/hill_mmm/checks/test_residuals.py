"""Residual checks: each statistic against another writing, and worlds that are right or wrong.

Most posteriors are exact ones of a linear model, so that hundreds cost seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, kstest, spearmanr
from scipy.stats import t as student_t

from hill_mmm import Fit, ModelSpec, Panel, SamplerSettings, fit, simulate_national_market
from hill_mmm._checks import residuals as module
from hill_mmm._checks.gate import Check
from hill_mmm._checks.residuals import (
    LEAST_P,
    MOST_NEGATIVE,
    Residuals,
    drift,
    extremes,
    lag_one,
    ljung_box,
    max_t,
    residual_checks,
    residuals,
    season,
    spread,
    verdicts,
    weekly_change,
)
from hill_mmm._model.design import fourier_terms
from hill_mmm._results.decompose import Decomposition, decompose
from hill_mmm.panel import Floats
from tests.hill_mmm.conftest import TRAIN_WEEKS, InventFit

WEEKS = np.datetime64("2021-01-04") + 7 * np.arange(156)
TIME = (np.arange(156) - 77.5) / 45.0
SEVEN = (
    "residual_autocorrelation",
    "residual_ljung_box",
    "residual_weekly_change",
    "residual_extremes",
    "residual_spread",
    "residual_season",
    "effect_drift",
)

PLAIN = ModelSpec(trend="linear", fourier_order=2)
Noise = Callable[[np.random.Generator, Floats, Floats], Floats]


@pytest.fixture(scope="module")
def of_2000(invent_fit: InventFit, market: Panel) -> Fit:
    """A fit for its number of draws and its likelihood."""
    return invent_fit(market.head(TRAIN_WEEKS), ModelSpec(), chains=4, draws=500)


def white(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    return rng.normal(size=len(expected))


def linear_market(seed: int, noise: Noise = white, *, name: str = "a") -> Decomposition:
    """2,000 draws of the exact posterior of a linear model, for an outcome with this noise."""
    rng = np.random.default_rng(seed)
    on_air = np.repeat(np.arange(60) % 2, rng.integers(3, 9, 60))[:156]
    shapes = np.column_stack([on_air, np.ones(156), rng.random(156) < 0.8])
    media = 2.0 * shapes * rng.gamma(4.0, 0.25, (156, 3))
    price = np.cumsum(rng.normal(0.0, 0.15, 156))
    promotion = (rng.random(156) < 0.1).astype(float)
    baseline = np.column_stack([TIME, fourier_terms(WEEKS, (1, 2)), price, promotion])
    matrix = np.column_stack([media, np.ones(156), baseline])
    truth = np.concatenate([np.ones(3), [20.0], rng.normal(0.0, 1.5, 7)])
    expected = matrix @ truth
    outcome = expected + noise(rng, expected, media)
    coefficients, rss, *_ = np.linalg.lstsq(matrix, outcome, rcond=None)
    sigma = np.sqrt(rss[0] / rng.chisquare(156 - 11, (2000, 1)))
    factor = np.linalg.cholesky(np.linalg.inv(matrix.T @ matrix))
    draws = coefficients + sigma * rng.normal(size=(2000, 11)) @ factor.T
    by_medium = draws[:, None, :3] * media
    rest = (draws[:, 3:] @ matrix[:, 3:].T)[:, :, None]
    mean = draws @ matrix.T
    return Decomposition(
        series=name,
        weeks=WEEKS,
        outcome=outcome,
        spend=media,
        channels=("tv", "search", "social"),
        media_names=("tv", "search", "social"),
        n_fitted=156,
        media=by_medium,
        carried_in=np.zeros_like(media),
        unseen=np.zeros_like(media),
        media_gain=by_medium,
        baseline=rest,
        baseline_parts=(("baseline", "baseline"),),
        predicted=rng.normal(mean, sigma),
        predicted_mean=mean,
        log_likelihood=np.zeros_like(mean),
        information=np.eye(3),
        unexplained=np.array(156.0),
    )


def design(part: Decomposition, coefficients: int = 11) -> Floats:
    """Orthonormal columns of what a linear market's model can follow."""
    basis, _, _ = np.linalg.svd((part.expected - part.expected.mean(axis=0)).T, full_matrices=False)
    return basis[:, :coefficients]


@pytest.fixture(scope="module")
def one(of_2000: Fit) -> Residuals:
    return residuals(of_2000, linear_market(0))


def test_residuals_are_the_outcome_less_its_mean_in_noise_sds(of_2000: Fit) -> None:
    part = linear_market(0)
    found = residuals(of_2000, part)
    left = part.outcome - part.expected.mean(axis=0)
    # 11 coefficients are spent on them.
    sigma = np.sqrt((left**2).sum() / 145)
    np.testing.assert_allclose(found.actual, left / sigma, rtol=0.06, atol=0.01)


def test_replicates_are_what_a_refit_leaves(of_2000: Fit) -> None:
    part = linear_market(0)
    found = residuals(of_2000, part)
    basis = design(part)
    projection = basis @ basis.T
    np.testing.assert_allclose(found.refit, np.eye(156) - projection, atol=0.06)
    # Least squares on each outcome itself, exactly.
    error = part.predicted - part.expected.mean(axis=0)
    left = (error - error @ projection) / part.predicted.std()
    for replicate in (0, 7, 1999):
        assert np.corrcoef(found.replicated[replicate], left[replicate])[0, 1] > 0.99
    ours, exact = found.replicated.std(axis=0), (np.eye(156) - projection).diagonal() ** 0.5
    np.testing.assert_allclose(ours, exact, rtol=0.12)


def test_autocorrelation_is_the_plain_sum(one: Residuals) -> None:
    for row in (0, 5):
        r = one.both[row]
        by_lag = [sum(r[i] * r[i - lag] for i in range(lag, 156)) / (r @ r) for lag in range(1, 11)]
        assert lag_one(one)[row] == pytest.approx(by_lag[0])
        expected = 156 * 158 * sum(c**2 / (156 - k) for k, c in enumerate(by_lag, start=1))
        assert ljung_box(one)[row] == pytest.approx(expected)


def test_change_and_extremes_are_plain_ratios(one: Residuals) -> None:
    r = one.both[3]
    change = sum(abs(r[i] - r[i - 1]) for i in range(1, 156)) / 155
    assert weekly_change(one)[3] == pytest.approx(change / np.mean(np.abs(r)))
    assert extremes(one)[3] == pytest.approx(max(abs(r)) / np.sqrt(np.mean(r**2)))


def test_spread_is_spearmans_correlation(one: Residuals) -> None:
    for row in (0, 9):
        expected = abs(spearmanr(np.abs(one.both[row]), one.expected).statistic)
        assert spread(one)[row] == pytest.approx(expected)


def test_season_is_the_f_test_of_nested_regressions(of_2000: Fit) -> None:
    part = linear_market(0)
    found = residuals(of_2000, part)
    basis = design(part)
    harmonics = fourier_terms(WEEKS, (3, 4, 5, 6))
    ours = season(found, (3, 4, 5, 6))
    left = [
        np.linalg.lstsq(columns, part.outcome, rcond=None)[1][0]
        for columns in (basis, np.column_stack([basis, harmonics]))
    ]
    assert ours is not None
    assert ours[0] == pytest.approx(1.0 - left[1] / left[0], abs=0.01)


def test_drift_is_a_mean_of_squared_correlations_by_the_size_of_the_effects(of_2000: Fit) -> None:
    part = linear_market(0)
    basis = np.linalg.qr(design(part))[0]
    by_time = part.media.mean(axis=0) * TIME[:, None]
    outcome, *media = (x - basis @ (basis.T @ x) for x in (part.outcome, *by_time.T))
    correlations = [np.corrcoef(outcome, medium)[0, 1] ** 2 for medium in media]
    expected = np.average(correlations, weights=[medium @ medium for medium in media])
    assert drift(residuals(of_2000, part))[0] == pytest.approx(expected, rel=0.05)


def test_the_chance_of_one_statistic_is_its_rank() -> None:
    values = np.arange(100.0)[None]
    values[0, 0] = 97.5
    assert max_t(values) == (0.03, 0)


def test_of_many_right_series_the_worst_is_no_surprise() -> None:
    rng = np.random.default_rng(0)
    # Skewed ones too: 30 series, half of them chi-squared.
    p = []
    for _ in range(400):
        values = rng.normal(size=(30, 500))
        values[::2] = rng.chisquare(3, (15, 500))
        p.append(max_t(values)[0])
    assert kstest(p, "uniform").pvalue > 0.001


@pytest.mark.slow
def test_right_models_warn_as_seldom_as_they_should(of_2000: Fit) -> None:
    markets = 150
    checks = [checks_of(of_2000, linear_market(seed)) for seed in range(markets)]
    warned = sum(any(check.status == "warn" for check in found) for found in checks)
    assert warned <= binom.ppf(0.999, markets, 0.05)
    for position, name in enumerate(SEVEN):
        p = [found[position].value for found in checks]
        assert kstest(p, "uniform").pvalue > 1e-4, name


def checks_of(posterior: Fit, *parts: Decomposition) -> list[Check]:
    return verdicts([residuals(posterior, part) for part in parts], PLAIN)


def warnings_of(posterior: Fit, *parts: Decomposition) -> dict[str, Check]:
    found = checks_of(posterior, *parts)
    return {check.check_name: check for check in found if check.status == "warn"}


def lasting(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    noise = rng.normal(size=len(expected))
    for week in range(1, len(noise)):
        noise[week] += 0.6 * noise[week - 1]
    return noise


def returning(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    noise = rng.normal(size=len(expected))
    noise[4:] += 0.9 * noise[:-4]
    return noise


def booked_late(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    moved = rng.normal(size=len(expected) + 1)
    return moved[1:] - 0.8 * moved[:-1]


def wild(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    return rng.standard_t(2.0, len(expected))


def uneven(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    level = (expected - expected.mean()) / expected.std()
    return rng.normal(size=len(expected)) * np.exp(0.6 * level)


def peaked(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    from_peak = np.abs((np.arange(len(expected)) - 50 + 26) % 52.18 - 26)
    return white(rng, expected, media) + 4.0 * np.exp(-0.5 * (from_peak / 2.0) ** 2)


def growing(rng: np.random.Generator, expected: Floats, media: Floats) -> Floats:
    return white(rng, expected, media) + 0.5 * media[:, 0] * TIME


@pytest.mark.parametrize(
    ("noise", "name", "setting"),
    [
        (lasting, "residual_autocorrelation", "model.trend: smooth; if it still warns, add"),
        (lasting, "residual_ljung_box", "model.trend: smooth; if it still warns, add"),
        (returning, "residual_ljung_box", "add the control"),
        (booked_late, "residual_weekly_change", "the same days of a week"),
        (wild, "residual_extremes", "model.likelihood: student_t"),
        (uneven, "residual_spread", "model.likelihood: student_t"),
        (peaked, "residual_season", "model.fourier_order: 6"),
        (growing, "effect_drift", "that of tv grown"),
    ],
)
def test_a_wrong_world_warns_and_names_what_mends_it(
    of_2000: Fit, noise: Noise, name: str, setting: str
) -> None:
    found = [warnings_of(of_2000, linear_market(seed, noise)) for seed in range(8)]
    named = [warnings[name] for warnings in found if name in warnings]
    assert len(named) >= 7
    assert all(setting in check.description for check in named)
    assert not any(check.is_blocking for check in named)


def test_the_worst_of_many_series_is_named(of_2000: Fit) -> None:
    parts = [linear_market(seed, name=f"r{seed}") for seed in range(11)]
    right = checks_of(of_2000, *parts)
    assert [check.status for check in right] == ["pass"] * 8
    wrong = warnings_of(of_2000, *parts, linear_market(11, lasting, name="north"))
    check = wrong["residual_autocorrelation"]
    assert "of north" in check.description
    assert "as the worst of 12 series" in check.description


def test_less_than_two_years_have_no_season_to_judge(fitted: Fit) -> None:
    names = [check.check_name for check in residual_checks(fitted)]
    assert names == [*(name for name in SEVEN if name != "residual_season"), "negative_baseline"]


def test_every_likelihood_and_late_series_have_their_checks(regional_fit: Fit) -> None:
    checks = residual_checks(regional_fit)
    assert all(np.isfinite(check.value) and not check.is_blocking for check in checks)


def test_a_mixtures_residuals_are_from_what_was_predicted_without_the_weeks_outcome(
    national_mixture: Fit,
) -> None:
    (part,) = decompose(national_mixture)
    assert not np.allclose(part.expected, part.predicted_mean)
    found = residuals(national_mixture, part)
    np.testing.assert_allclose(found.expected, part.predicted_mean.mean(axis=0))
    noise = (part.predicted - part.predicted_mean).std(axis=0)
    np.testing.assert_allclose(found.actual, (part.outcome - found.expected) / noise)


def test_draws_that_are_not_numbers_warn(fitted: Fit) -> None:
    broken = fitted.draws["coefficients"].copy()
    broken[0, 0] = np.nan
    checks = residual_checks(replace(fitted, draws=fitted.draws | {"coefficients": broken}))
    assert {check.status for check in checks[:-1]} == {"warn"}
    assert all(np.isnan(check.value) for check in checks[:-1])


def test_the_score_of_heavy_tails_is_their_log_densitys_slope(regional_fit: Fit) -> None:
    posterior = replace(regional_fit, draws=dict(regional_fit.draws))
    posterior.draws["degrees_of_freedom"] = np.full((2, 60), 4.0)
    posterior.draws["sigma"] = np.full((2, 60, 4), 0.05)
    part = replace(linear_market(0), series=posterior.panel.series[1])
    scale, score = module._noise(posterior, part, np.zeros((3, 156)))
    sigma = 0.05 * posterior.scales.outcome[1]

    def slope(error: float) -> float:
        step = 1e-5 * sigma
        above, below = student_t.logpdf([error + step, error - step], 4.0, scale=sigma)
        return (below - above) / (2.0 * step)

    # The scale is the one on which the Fisher information is 1.
    information, _ = quad(
        lambda x: (sigma * slope(sigma * x)) ** 2 * student_t.pdf(x, 4.0), -40.0, 40.0
    )
    assert scale[0] == pytest.approx(sigma / np.sqrt(information), rel=1e-3)
    for error in (0.3 * sigma, -2.0 * sigma, 8.0 * sigma):
        assert score(np.array(error / scale[0])) == pytest.approx(slope(error) * scale[0], rel=1e-5)


def test_a_baseline_below_zero_warns(of_2000: Fit) -> None:
    part = linear_market(0)
    sunk = part.baseline.copy()
    sunk[:600, 40] = -1.0
    (check,) = [
        check
        for check in checks_of(of_2000, replace(part, baseline=sunk))
        if check.check_name == "negative_baseline"
    ]
    assert (check.status, check.value, check.threshold) == ("warn", 0.3, MOST_NEGATIVE)
    assert f"{WEEKS[40]}" in check.description


@pytest.fixture(scope="module")
def real_fits() -> Iterator[tuple[Fit, Fit]]:
    """One market as a model whose level does not walk, and the same with one that wanders."""
    panel, _ = simulate_national_market(seed=2)
    wander = np.cumsum(np.random.default_rng(5).normal(0.0, 20.0 * 1000.0, (156, 1)), axis=0)
    settings = SamplerSettings(chains=2, warmup=300, draws=300)
    wanders = replace(panel, outcome=panel.outcome + wander)
    still = ModelSpec(trend="linear")
    yield fit(panel, still, settings), fit(wanders, still, settings)


@pytest.mark.slow
def test_a_real_fit_of_a_wandering_level_warns(real_fits: tuple[Fit, Fit]) -> None:
    right, wrong = (residual_checks(found) for found in real_fits)
    assert {check.status for check in right} == {"pass"}
    (check,) = [check for check in wrong if check.check_name == "residual_autocorrelation"]
    assert (check.status, check.threshold) == ("warn", LEAST_P)
