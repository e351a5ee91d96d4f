from dataclasses import replace
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from hill_mmm import (
    LiftTest,
    ModelSpec,
    Panel,
    Scales,
    Truth,
    simulate_geo_market,
    simulate_lift_test,
    simulate_seed_benchmark,
)
from hill_mmm._model.adstock import adstock
from hill_mmm._model.curves import Curves
from hill_mmm._model.data import model_data
from hill_mmm._model.lift import LiftData, log_density_of_lift
from hill_mmm._model.lift import modelled_lift as eager_modelled_lift

Market = tuple[Panel, Truth, Scales]
modelled_lift = jax.jit(eager_modelled_lift, static_argnums=2)
EXACT = 1e-12


def expected_lift(lift: LiftData, curves: Curves, kind: str) -> jax.Array:
    """Of a single curve, whose weeks have no regimes to tell apart."""
    weeks, series = len(lift.weeks), len(curves.amplitude)
    found = modelled_lift(lift, curves, kind, jnp.ones((weeks, series, 1)), None)
    assert not np.any(found.variance)
    return found.mean


def with_scales(panel: Panel, truth: Truth) -> Market:
    return panel, truth, Scales.of(panel, ModelSpec())


@pytest.fixture(scope="module")
def geo() -> Market:
    return with_scales(*simulate_geo_market(5, series=4, weeks=80))


def true_curves(truth: Truth, scales: Scales) -> Curves:
    """The simulator's parameters on the model's scales."""
    half_saturation = truth.half_saturation / scales.spend[:, :, None]
    # Shared by the series, as the model has it.
    np.testing.assert_allclose(
        half_saturation, np.broadcast_to(half_saturation[:1], half_saturation.shape), rtol=1e-12
    )
    return Curves(
        adstock=jnp.asarray(truth.alpha[:, None]),
        carry_in=jnp.zeros(len(truth.alpha)),
        weights=jnp.asarray(truth.weights),
        amplitude=jnp.asarray(truth.amplitude / scales.outcome[:, None, None]),
        half_saturation=jnp.asarray(half_saturation[0]),
        slope=jnp.asarray(truth.slope),
    )


def lift_of(panel: Panel, scales: Scales, *tests: LiftTest) -> LiftData:
    return model_data(panel, ModelSpec(), scales, tests).lift


def lift_test(**changes: object) -> LiftTest:
    test = LiftTest("tv", "2022-02-07", "2022-02-28", 1e5, 2e4)
    return replace(test, **changes)  # pyright: ignore[reportArgumentType]


def test_at_the_true_parameters_it_is_the_simulators(geo: Market) -> None:
    panel, truth, scales = geo
    tests = [
        simulate_lift_test(panel, truth, "tv", 40, 4, EXACT, 0),
        simulate_lift_test(panel, truth, "search", 30, 1, EXACT, 0, series="region_02"),
        simulate_lift_test(panel, truth, "radio", 20, 12, EXACT, 0, series="region_04"),
        # To the last week, and before a region's start: it adds nothing.
        simulate_lift_test(panel, truth, "social", 10, 70, EXACT, 0),
    ]
    lift = expected_lift(lift_of(panel, scales, *tests), true_curves(truth, scales), "geometric")
    np.testing.assert_allclose(lift, [test.lift for test in tests], rtol=1e-9)


Mixture = tuple[Panel, Truth, Scales, LiftTest]


@pytest.fixture(scope="module")
def mixture() -> Mixture:
    """Three regimes, and a test of five weeks that were in two of them."""
    panel, truth, scales = with_scales(*simulate_seed_benchmark("mixture_k3", 1))
    test = simulate_lift_test(panel, truth, "media", 100, 5, EXACT, 0)
    assert len(set(truth.regime[100:105, 0])) > 1
    return panel, truth, scales, test


def lift_by_regime(panel: Panel, truth: Truth) -> np.ndarray:
    """Of weeks 100 to 104 in each regime, by hand, `(weeks, components)`."""
    without = panel.spend.copy()
    without[100:105] = 0.0

    def effect(spend: np.ndarray) -> np.ndarray:
        risen = np.asarray(adstock("geometric", jnp.asarray(spend), jnp.array([[0.5]])))[:, 0]
        risen = risen ** truth.slope[0]
        return (
            truth.amplitude[0, 0] * risen / (truth.half_saturation[0, 0] ** truth.slope[0] + risen)
        )

    return (effect(panel.spend) - effect(without))[100:105]


def test_in_known_regimes_it_is_the_lift_of_these(mixture: Mixture) -> None:
    panel, truth, scales, test = mixture
    lift = lift_of(panel, scales, test)
    known = np.zeros((len(lift.weeks), 1, 3))
    np.put_along_axis(known[:200], truth.regime[:, :, None], 1.0, axis=2)
    found = modelled_lift(lift, true_curves(truth, scales), "geometric", jnp.asarray(known), None)
    np.testing.assert_allclose(found.mean, [test.lift], rtol=1e-9)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-12)


def test_in_unknown_regimes_it_is_a_mixture_of_all_sequences(mixture: Mixture) -> None:
    panel, truth, scales, test = mixture
    rng = np.random.default_rng(0)
    probability = rng.dirichlet(np.ones(3), (224, 1))
    lift = lift_of(panel, scales, replace(test, standard_error=8.0))
    found = modelled_lift(
        lift, true_curves(truth, scales), "geometric", jnp.asarray(probability), None
    )
    by_regime = lift_by_regime(panel, truth)
    # The 243 sequences of regimes of the five weeks, each with its probability and lift.
    sequences = list(product(range(3), repeat=5))
    weight = [np.prod([probability[100 + t, 0, k] for t, k in enumerate(ks)]) for ks in sequences]
    total = np.array([sum(by_regime[t, k] for t, k in enumerate(ks)) for ks in sequences])
    mean = np.dot(weight, total)
    np.testing.assert_allclose(found.mean, [mean], rtol=1e-8)
    np.testing.assert_allclose(found.variance, [np.dot(weight, (total - mean) ** 2)], rtol=1e-8)
    written = stats.norm.logpdf(test.lift, mean, np.sqrt(64.0 + float(found.variance[0])))
    assert float(log_density_of_lift(lift, found)[0]) == pytest.approx(written, rel=1e-8)


def test_of_all_series_it_is_the_sum_over_them(geo: Market) -> None:
    panel, truth, scales = geo
    tests = [lift_test(), *(lift_test(series=name) for name in panel.series)]
    lift = expected_lift(lift_of(panel, scales, *tests), true_curves(truth, scales), "geometric")
    assert lift.shape == (5,)
    assert float(lift[0]) == pytest.approx(float(lift[1:].sum()), rel=1e-12)


def test_carry_over_from_before_is_not_the_tests() -> None:
    """One week's spend of two, half carried over: the second week's lift by hand."""
    panel, truth, _ = with_scales(*simulate_seed_benchmark("single", 0, weeks=60))
    spend = np.zeros_like(panel.spend)
    spend[40:42] = 6.0
    panel, truth, scales = with_scales(replace(panel, spend=spend), truth)
    curves = true_curves(truth, scales)
    test = lift_test(channel="media", start=str(panel.weeks[41]), end=str(panel.weeks[41]))

    def hill(spent: float) -> float:
        k, n = truth.half_saturation[0, 0, 0], truth.slope[0, 0]
        return truth.amplitude[0, 0, 0] * spent**n / (k**n + spent**n)

    lift = expected_lift(lift_of(panel, scales, test), curves, "geometric")
    # Adstocked: 0.5 * (6 + 0.5 * 6) with the week's spend, 0.5 * (0.5 * 6) without.
    assert float(lift[0]) == pytest.approx(hill(4.5) - hill(1.5), rel=1e-10)


def test_other_kinds_of_adstock_are_carried_too(geo: Market) -> None:
    panel, truth, scales = geo
    parameters = jnp.array([[0.6, 2.0]] * 5)
    curves = true_curves(truth, scales)._replace(adstock=parameters)
    test = lift_test(series="region_01")
    lift = expected_lift(lift_of(panel, scales, test), curves, "delayed")

    def effect(spend: np.ndarray) -> np.ndarray:
        adstocked = np.asarray(adstock("delayed", jnp.asarray(spend), parameters))
        risen = adstocked ** truth.slope[:, 0]
        k = truth.half_saturation[0, :, 0] ** truth.slope[:, 0]
        return truth.amplitude[0, :, 0] * risen / (k + risen)

    first = panel.weeks.tolist().index(np.datetime64(test.start).item())
    without = panel.spend[:, 0].copy()
    without[first : first + 4, 0] = 0.0
    expected = (effect(panel.spend[:, 0]) - effect(without))[first : first + 4, 0].sum()
    assert float(lift[0]) == pytest.approx(expected, rel=1e-9)


def test_without_tests_there_is_nothing_to_agree_with(geo: Market) -> None:
    panel, truth, scales = geo
    lift = lift_of(panel, scales)
    assert lift.lift.shape == (0,)
    assert lift.media.spend.shape == (96, 0)
    assert expected_lift(lift, true_curves(truth, scales), "geometric").shape == (0,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channel": "cinema"}, r"names 'cinema', not among \('tv', 'search'"),
        ({"series": "region_09"}, r"names series 'region_09', not among \('region_01'"),
        ({"start": "2022-02-08"}, "of tv from 2022-02-08 to 2022-02-28 must start and end on"),
        ({"end": "2022-07-18"}, "first days of weeks between 2021-01-04 and 2022-07-11"),
        ({"start": "2020-12-28"}, "first days of weeks between 2021-01-04 and 2022-07-11"),
        (
            {"series": "region_04", "start": "2021-02-01", "end": "2021-02-08"},
            "of tv from 2021-02-01 to 2021-02-08 has no spend of tv in the panel: check",
        ),
    ],
)
def test_a_test_that_the_panel_does_not_know_is_refused(
    geo: Market, changes: dict[str, str], message: str
) -> None:
    panel, _, scales = geo
    with pytest.raises(ValueError, match=message):
        lift_of(panel, scales, lift_test(), lift_test(**changes))


def test_organic_media_are_not_tested(regions: Panel) -> None:
    with pytest.raises(ValueError, match="names 'newsletter', not among"):
        lift_of(regions, Scales.of(regions, ModelSpec()), lift_test(channel="newsletter"))
