from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from hill_mmm import Fit, ModelSpec, Panel, simulate_seed_benchmark
from hill_mmm._model.design import baseline_design
from hill_mmm._model.scales import Scales
from hill_mmm._posterior import flatten
from hill_mmm._results.decompose import total, with_total
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import Decomposition, decompose
from tests.hill_mmm.conftest import InventFit

EVERY_ARRAY = (
    *("media", "media_gain", "baseline", "expected"),
    *("predicted", "predicted_mean", "log_likelihood"),
)


def with_spend(fit: Fit, channel: int, factor: float) -> Panel:
    spend = fit.panel.spend.copy()
    spend[:, :, channel] *= factor
    return replace(fit.panel, spend=spend)


def whole_panel(fit: Fit, market: Panel, regions: Panel) -> Panel:
    """The panel that the fit's is the head of."""
    return regions if len(fit.panel.series) > 1 else market


def effects_by_hand(fit: Fit, series: int, draw: int) -> np.ndarray:
    """Effect of each medium in each regime, scaled, `(weeks, media, components)`."""
    site = {name: flatten(values)[draw] for name, values in fit.draws.items()}
    alpha, k, n = site["adstock"][:, 0], site["half_saturation"], site["slope"]
    media = fit.panel.media[:, series] / fit.scales.spend[series]
    first = fit.panel.media_starts[series]
    # What steady spend has piled up before the first week known.
    carried = site["carry_in"] * media[first : first + 8].mean(axis=0) / (1 - alpha)
    effects = [np.zeros_like(site["amplitude"][series])] * first
    for week in media[first:]:
        carried = week + alpha * carried
        risen = ((1 - alpha) * carried)[:, None] ** n
        effects.append(site["amplitude"][series] * risen / (k**n + risen))
    if "log_multiplier" not in site:
        return np.array(effects)
    knots = 26.0 * np.arange(len(site["log_multiplier"]))
    logarithms = [np.interp(np.arange(len(media)), knots, at) for at in site["log_multiplier"].T]
    return np.array(effects) * np.exp(np.stack(logarithms, axis=1))[:, :, None]


def baseline_by_hand(fit: Fit, series: int, draw: int) -> np.ndarray:
    """Baseline, scaled, `(weeks,)`."""
    design = baseline_design(fit.panel, fit.spec, fit.scales)
    site = {name: flatten(values)[draw] for name, values in fit.draws.items()}
    baseline = design.matrix[:, series] @ site["coefficients"][series]
    if "signed_coefficients" in site:
        signed = design.directions * site["signed_coefficients"]
        baseline += design.signed[:, series] @ signed
    return baseline


@pytest.mark.parametrize("draw", [0, 30])
def test_parts_and_density_are_the_ones_written_by_hand(mixture: Fit, draw: int) -> None:
    assert_written_by_hand(mixture, draw)


def test_parts_and_density_follow_effects_that_move(
    market: Panel, invent_fit: Callable[..., Fit]
) -> None:
    spec = ModelSpec(components=2, fourier_order=1, moving_effects=("tv", "search"))
    assert_written_by_hand(invent_fit(market.head(91), spec), draw=3)


def assert_written_by_hand(mixture: Fit, draw: int) -> None:
    weights = flatten(mixture.draws["weights"])[draw]
    for series, part in enumerate(decompose(mixture)):
        start, scale = mixture.panel.starts[series], mixture.scales.outcome[series]
        effects = effects_by_hand(mixture, series, draw)[start:]
        baseline = baseline_by_hand(mixture, series, draw)[start:]
        np.testing.assert_allclose(part.baseline[draw].sum(axis=1), baseline * scale, rtol=1e-9)
        mean = baseline[:, None] + effects.sum(axis=1)
        np.testing.assert_allclose(part.predicted_mean[draw], mean @ weights * scale, rtol=1e-9)

        sigma = flatten(mixture.draws["sigma"])[draw, series]
        noise = stats.norm(mean, sigma)
        if mixture.spec.likelihood == "student_t":
            noise = stats.t(flatten(mixture.draws["degrees_of_freedom"])[draw], mean, sigma)
        density = noise.logpdf((part.outcome / scale)[:, None])
        np.testing.assert_allclose(
            part.log_likelihood[draw], logsumexp(density, b=weights, axis=1), rtol=1e-9, atol=1e-9
        )
        # Bayes' rule: which regime the week was in, given its outcome.
        joint = weights * np.exp(density)
        regime = joint / joint.sum(axis=1, keepdims=True)
        assert np.abs(regime - weights).max() > 0.1
        media = np.einsum("tmk,tk->tm", effects, regime)
        np.testing.assert_allclose(part.media[draw], media * scale, rtol=1e-8)
        expected = (mean * regime).sum(axis=1)
        np.testing.assert_allclose(part.expected[draw], expected * scale, rtol=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_at_the_true_parameters_the_weekly_split_is_the_regimes(
    invent_fit: Callable[..., Fit], seed: int
) -> None:
    panel, truth = simulate_seed_benchmark("mixture_k2", seed)
    spec = ModelSpec(components=2, amplitude_prior="seed", trend="linear", fourier_order=0)
    fit = invent_fit(panel, spec, chains=1, draws=1)
    outcome, spend = fit.scales.outcome[0], fit.scales.spend[0, 0]
    true = {
        "adstock": truth.alpha[:, None],
        "carry_in": np.zeros(1),
        "weights": truth.weights,
        "amplitude": truth.amplitude / outcome,
        "half_saturation": truth.half_saturation[0] / spend,
        "slope": truth.slope,
        "coefficients": np.array([[50.0, 2.0]]) / outcome,
        "sigma": truth.sigma / outcome,
    }
    (part,) = decompose(replace(fit, draws={name: v[None, None] for name, v in true.items()}))

    def r_squared(found: np.ndarray) -> float:
        error = found - truth.contribution[:, 0, 0]
        return 1.0 - error.var() / truth.contribution[:, 0, 0].var()

    by_weights = part.predicted_mean[0] - part.baseline[0].sum(axis=1)
    assert 1.0 - r_squared(part.media[0, :, 0]) < 0.8 * (1.0 - r_squared(by_weights))
    total = part.media[0, :, 0].sum() / truth.contribution.sum()
    assert total == pytest.approx(1.0, abs=0.05)


def test_only_the_outcome_of_weeks_fitted_to_tells_their_regime(
    mixture: Fit, market: Panel, regions: Panel
) -> None:
    whole = whole_panel(mixture, market, regions)
    fitted = len(mixture.panel)
    # What came after the fit, and what the table says today of a week fitted to, tell it nothing.
    other = whole.outcome.copy()
    other[fitted:] *= 3.0
    other[:5] *= 1.5
    for part, told in zip(
        decompose(mixture, whole), decompose(mixture, replace(whole, outcome=other)), strict=True
    ):
        np.testing.assert_array_equal(part.expected, told.expected)
        ahead = slice(part.n_fitted, None)
        np.testing.assert_allclose(
            part.expected[:, ahead], part.predicted_mean[:, ahead], rtol=1e-12
        )
        before = slice(0, part.n_fitted)
        moved = np.abs(part.expected[:, before] / part.predicted_mean[:, before] - 1.0)
        assert moved.max() > 0.05
    refitted = decompose(replace(mixture, panel=replace(whole, outcome=other)))
    for part, told in zip(decompose(mixture, whole), refitted, strict=True):
        assert (part.expected != told.expected).any(axis=0).sum() > 5


def test_draws_of_the_prior_know_no_outcome(mixture: Fit) -> None:
    for part in decompose(replace(mixture, prior_only=True)):
        np.testing.assert_allclose(part.expected, part.predicted_mean, rtol=1e-12)


@pytest.mark.parametrize("channel", [0, 3])
def test_contribution_is_the_outcome_with_the_channel_minus_without(
    mixture: Fit, channel: int
) -> None:
    without = decompose(mixture, with_spend(mixture, channel, 0.0))
    for with_it, gone in zip(decompose(mixture), without, strict=True):
        np.testing.assert_allclose(
            with_it.expected - gone.expected,
            with_it.media[:, :, channel],
            rtol=1e-6,
            atol=1e-9 * with_it.outcome.mean(),
        )
        assert not gone.media[:, :, channel].any()


def test_an_organic_mediums_contribution_is_counterfactual_too(regional_mixture: Fit) -> None:
    panel = regional_mixture.panel
    without = decompose(regional_mixture, replace(panel, organic=np.zeros_like(panel.organic)))
    for with_it, gone in zip(decompose(regional_mixture), without, strict=True):
        assert (with_it.media[:, :, 5].sum(axis=1) > 0).all()
        np.testing.assert_allclose(
            with_it.expected - gone.expected,
            with_it.media[:, :, 5],
            rtol=1e-6,
            atol=1e-9 * with_it.outcome.mean(),
        )


@pytest.mark.parametrize("channel", [0, 3])
def test_media_gain_is_the_derivative_by_relative_spend(mixture: Fit, channel: int) -> None:
    step = 1e-5
    up, down = (decompose(mixture, with_spend(mixture, channel, 1 + s)) for s in (step, -step))
    for part, more, less in zip(decompose(mixture), up, down, strict=True):
        np.testing.assert_allclose(
            part.media_gain[:, :, channel],
            (more.expected - less.expected) / (2 * step),
            rtol=1e-6,
            atol=1e-9 * part.outcome.mean(),
        )


def test_carry_over_goes_on_through_the_boundary(
    mixture: Fit, market: Panel, regions: Panel
) -> None:
    whole = whole_panel(mixture, market, regions)
    # Of the prior, which no outcome tells a regime, on either side of the boundary.
    mixture = replace(mixture, prior_only=True)
    # The same draws, fitted to all weeks: there is no boundary.
    unbroken = decompose(replace(mixture, panel=whole))
    for before, continued, at_once in zip(
        decompose(mixture), decompose(mixture, whole), unbroken, strict=True
    ):
        assert continued.n_fitted == before.n_fitted == len(before.weeks)
        assert len(continued.weeks) == before.n_fitted + len(whole) - len(mixture.panel)
        for name in EVERY_ARRAY:
            np.testing.assert_array_equal(getattr(continued, name), getattr(at_once, name))
        for name in ("media", "media_gain", "baseline", "log_likelihood"):
            np.testing.assert_allclose(
                getattr(continued, name)[:, : before.n_fitted], getattr(before, name), rtol=1e-9
            )


def test_spend_before_the_boundary_works_after_it(mixture: Fit, market: Panel, regions: Panel):
    whole = whole_panel(mixture, market, regions)
    silent = whole.spend.copy()
    silent[len(mixture.panel) :, :, 0] = 0.0
    for part in decompose(mixture, replace(whole, spend=silent)):
        assert (part.media[:, part.n_fitted, 0] > 0).all()


def test_weeks_to_come_have_an_expectation_and_no_density(mixture: Fit) -> None:
    panel = mixture.panel
    outcome = panel.outcome.copy()
    outcome[-3:] = np.nan
    for part in decompose(mixture, replace(panel, outcome=outcome)):
        assert np.isfinite(part.expected).all()
        assert np.isfinite(part.predicted).all()
        assert np.isnan(part.log_likelihood[:, -3:]).all()
        assert np.isfinite(part.log_likelihood[:, :-3]).all()


def test_parts_of_the_baseline_are_named_once(national_mixture: Fit, regional_mixture: Fit) -> None:
    (national,) = decompose(national_mixture)
    assert national.baseline_parts == (
        ("baseline", "baseline"),
        ("trend", "trend"),
        ("seasonality", "seasonality"),
        ("control", "competitor_price"),
        ("control", "promotion"),
    )
    for part in decompose(regional_mixture):
        assert part.baseline_parts == (
            ("baseline", "baseline"),
            ("trend", "trend"),
            ("seasonality", "seasonality"),
            ("event", "strike"),
            ("control", "competitor_price"),
        )
        assert part.baseline.shape[2] == 5


def test_a_signed_controls_effect_rises_with_it(regional_mixture: Fit) -> None:
    for series, part in enumerate(decompose(regional_mixture)):
        start = regional_mixture.panel.starts[series]
        price = regional_mixture.panel.controls[start:, series, 0]
        effect = part.baseline[:, :, 4]
        assert (np.diff(effect[:, np.argsort(price)], axis=1) >= 0).all()


def test_a_series_begins_with_its_own_first_week(regional_mixture: Fit) -> None:
    panel = regional_mixture.panel
    parts = list(decompose(regional_mixture))
    assert [part.series for part in parts] == list(panel.series)
    assert [part.n_fitted for part in parts] == [91, 91, 91, 65]
    late = parts[3]
    np.testing.assert_array_equal(late.weeks, panel.weeks[26:])
    np.testing.assert_array_equal(late.outcome, panel.outcome[26:, 3])
    np.testing.assert_array_equal(late.spend, panel.spend[26:, 3])
    assert late.media.shape == (50, 65, 6)


def test_the_series_add_up_to_all(regional_mixture: Fit) -> None:
    *parts, everything = with_total(regional_mixture)
    assert (everything.series, everything.n_fitted) == (ALL_SERIES, 91)
    np.testing.assert_array_equal(everything.weeks, regional_mixture.panel.weeks)
    for name in EVERY_ARRAY:
        by_hand = np.zeros_like(getattr(everything, name))
        for part in parts:
            by_hand[:, len(by_hand[0]) - len(part.weeks) :] += getattr(part, name)
        np.testing.assert_allclose(getattr(everything, name), by_hand, rtol=1e-12, atol=1e-12)
    outcome = np.nansum(regional_mixture.panel.outcome, axis=1)
    np.testing.assert_allclose(everything.outcome, outcome, rtol=1e-12)
    spend = regional_mixture.panel.spend.sum(axis=1)
    np.testing.assert_allclose(everything.spend, spend, rtol=1e-12)


def test_adding_up_leaves_the_series_as_they_are(regional_mixture: Fit) -> None:
    parts = list(decompose(regional_mixture))
    total(parts, regional_mixture.panel.weeks)
    for part, again in zip(parts, decompose(regional_mixture), strict=True):
        for name in EVERY_ARRAY:
            np.testing.assert_array_equal(getattr(part, name), getattr(again, name))


def test_one_series_has_no_sum(national_mixture: Fit) -> None:
    assert [part.series for part in with_total(national_mixture)] == ["national"]


@pytest.mark.parametrize("likelihood", ["normal", "student_t"])
def test_predictive_draws_have_the_mixtures_mean_and_variance(
    market: Panel, invent_fit: Callable[..., Fit], likelihood: str
) -> None:
    spec = ModelSpec(components=2, likelihood=likelihood, trend="linear", fourier_order=1)  # pyright: ignore[reportArgumentType]
    fit = invent_fit(market.head(91), spec, chains=4, draws=1000)
    # Every draw the same, so that only regime and noise differ.
    same = {site: np.broadcast_to(v[:1, :1], v.shape) for site, v in fit.draws.items()}
    # Ten degrees of freedom: a fourth moment, so that the variance is known.
    same |= {"degrees_of_freedom": np.full((4, 1000), 10.0)} if likelihood == "student_t" else {}
    fit = replace(fit, draws=same)
    (part,) = decompose(fit)

    weights, scale = same["weights"][0, 0], fit.scales.outcome[0]
    by_regime = effects_by_hand(fit, 0, 0).sum(axis=1) * scale
    between = (by_regime - (by_regime @ weights)[:, None]) ** 2 @ weights
    noise = (same["sigma"][0, 0, 0] * scale) ** 2
    kurtosis = 3.0
    if likelihood == "student_t":
        noise, kurtosis = noise * 10 / 8, 3.0 + 6 / (10 - 4)
    variance = between + noise
    z = (part.predicted.mean(axis=0) - part.predicted_mean[0]) / np.sqrt(variance / 4000)
    # 91 weeks, 4000 draws each: the largest of 91 normal deviates stays below 4.5.
    assert np.abs(z).max() < 4.5
    ratio = part.predicted.var(axis=0) / variance
    # The noise's sample variance has this relative sd; a mixture of two points has less.
    assert np.abs(ratio - 1).max() < 4.5 * np.sqrt((kurtosis - 1) / 4000)


def test_predictive_draws_are_reproducible_and_each_seriess_own(regional_mixture: Fit) -> None:
    parts, again = list(decompose(regional_mixture)), list(decompose(regional_mixture))
    for part, same in zip(parts, again, strict=True):
        np.testing.assert_array_equal(part.predicted, same.predicted)

    def noise(part: Decomposition, series: int) -> np.ndarray:
        scaled = (part.predicted - part.predicted_mean) / regional_mixture.scales.outcome[series]
        return scaled[:, -60:].ravel()

    # Regimes and noise drawn apart: 3000 pairs without correlation, 4 standard errors.
    correlation = np.corrcoef(noise(parts[0], 0), noise(parts[1], 1))[0, 1]
    assert abs(correlation) < 4 / np.sqrt(3000)


def test_a_panel_that_starts_elsewhere_is_refused(national_mixture: Fit, market: Panel) -> None:
    later = replace(market, weeks=market.weeks + np.timedelta64(7, "D"))
    with pytest.raises(ValueError, match="starts at 2021-01-11, the fit at 2021-01-04"):
        list(decompose(national_mixture, later))


@pytest.mark.parametrize(
    ("field", "name"),
    [("channels", "media"), ("control_names", "controls"), ("series", "series")],
)
def test_a_panel_of_other_variables_is_refused(
    national_mixture: Fit, market: Panel, field: str, name: str
) -> None:
    renamed = replace(market, **{field: tuple(f"{old}2" for old in getattr(market, field))})
    with pytest.raises(ValueError, match=f"the panel's {name} are"):
        list(decompose(national_mixture, renamed))


def effect_of(fit: Fit, name: tuple[str, str]) -> np.ndarray:
    """A baseline part of the first series, `(draws, weeks)`."""
    part = next(decompose(fit))
    return part.baseline[:, :, part.baseline_parts.index(name)]


def test_an_event_brings_what_it_brings_where_it_is(market: Panel, invent_fit: InventFit) -> None:
    """A dummy of four weeks, one of a strike and days of a sale: 0 where they are not."""
    panel = market.head(91)
    flag, days = np.zeros((2, len(panel)))
    flag[[20, 21, 72, 73]] = 1.0
    days[30:60] = np.arange(30) % 8
    controls = np.stack([flag, days], axis=1)[:, None, :]
    panel = replace(panel, controls=controls, control_names=("black_friday", "sale_days"))
    events = {"strike": (str(panel.weeks[40]),)}
    fit = invent_fit(panel, ModelSpec(trend="linear", fourier_order=1, events=events))
    column = list(baseline_design(panel, fit.spec, fit.scales).parts).index(
        ("control", "black_friday")
    )
    for name, regressor in (
        (("control", "black_friday"), flag),
        (("control", "sale_days"), days),
        (("event", "strike"), np.arange(len(panel)) == 40),
    ):
        effect = effect_of(fit, name)
        np.testing.assert_allclose(effect[:, regressor == 0], 0.0, atol=1e-9)
        assert (np.abs(effect[:, regressor > 0]) > 0).all()
    per_week = flatten(fit.draws["coefficients"])[:, 0, column] / fit.scales.control_sd[0, 0]
    total = effect_of(fit, ("control", "black_friday")).sum(axis=1)
    np.testing.assert_allclose(total, 4 * per_week * fit.scales.outcome[0], rtol=1e-9)


def test_a_price_counts_from_its_mean_or_its_reference(
    regions: Panel, invent_fit: InventFit
) -> None:
    panel = regions.head(91)
    name = ("control", "competitor_price")
    spec = ModelSpec(
        trend="linear", fourier_order=1, control_signs={"competitor_price": "positive"}
    )
    fit = invent_fit(panel, spec)
    effect = effect_of(fit, name)
    np.testing.assert_allclose(effect.mean(axis=1), 0.0, atol=1e-8)
    price = panel.controls[:, 0, panel.control_names.index("competitor_price")]
    regular = float(price[7])
    moved = replace(fit, spec=replace(spec, control_references={"competitor_price": regular}))
    from_regular = effect_of(moved, name)
    np.testing.assert_allclose(from_regular[:, 7], 0.0, atol=1e-8)
    np.testing.assert_allclose(
        from_regular - effect, np.broadcast_to(-effect[:, [7]], effect.shape), atol=1e-8
    )
    for one, other in zip(decompose(fit), decompose(moved), strict=True):
        np.testing.assert_allclose(one.expected, other.expected, rtol=1e-12)
        np.testing.assert_allclose(one.predicted, other.predicted, rtol=1e-12)


def test_a_reference_is_of_a_control_that_is_there(market: Panel) -> None:
    spec = ModelSpec(control_references={"prize": 1.0})
    with pytest.raises(ValueError, match="control_references name"):
        baseline_design(market, spec, Scales.of(market, spec))
