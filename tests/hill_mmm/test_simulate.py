import numpy as np
import pytest

from hill_mmm import (
    Panel,
    Truth,
    simulate_geo_market,
    simulate_lift_test,
    simulate_national_market,
    simulate_seed_benchmark,
)

DGPS = ["single", "mixture_k2", "mixture_k3", "mixture_k5"]


def by_hand(spend: np.ndarray, truth: Truth) -> np.ndarray:
    """Effect by week, series, channel and component, from the truth's parameters."""
    carried = np.zeros(spend.shape[1:])
    effects = []
    for spent in spend:
        carried = spent + truth.alpha * carried
        risen = ((1 - truth.alpha) * carried)[..., None] ** truth.slope
        effects.append(truth.amplitude * risen / (truth.half_saturation**truth.slope + risen))
    return np.array(effects)


@pytest.mark.parametrize(
    ("simulate", "shape"),
    [
        (simulate_national_market, (156, 1)),
        (simulate_geo_market, (104, 8)),
        (lambda seed: simulate_seed_benchmark("mixture_k2", seed), (200, 1)),
    ],
    ids=["national", "geo", "seed"],
)
def test_equal_seeds_give_equal_markets(simulate, shape: tuple[int, int]) -> None:
    (first, truth), (again, _), (other, _) = map(simulate, (4, 4, 5))
    np.testing.assert_array_equal(first.outcome, again.outcome)
    np.testing.assert_array_equal(first.spend, again.spend)
    assert (first.outcome != other.outcome).all()
    assert truth.expected.shape == first.outcome.shape == shape


@pytest.mark.parametrize("dgp", DGPS)
def test_truth_of_the_benchmark_is_consistent(dgp: str) -> None:
    panel, truth = simulate_seed_benchmark(dgp, 1)
    effects = by_hand(panel.spend, truth)
    realised = np.take_along_axis(effects, truth.regime[:, :, None, None], axis=3)[..., 0]
    np.testing.assert_allclose(truth.contribution, realised, rtol=1e-10)
    time = np.arange(200)
    baseline = 50 + 2 * (time - 99.5) / time.std()
    mean_effect = (effects @ truth.weights)[:, 0, 0]
    np.testing.assert_allclose(truth.expected[:, 0], baseline + mean_effect, rtol=1e-10)
    # In the regime of each week, only the noise is left.
    noise = panel.outcome[:, 0] - baseline - truth.contribution[:, 0, 0]
    assert noise.std() == pytest.approx(3.0, abs=4 * 3.0 / np.sqrt(2 * 200))


def test_truth_of_the_market_is_consistent() -> None:
    panel, truth = simulate_national_market(2)
    np.testing.assert_allclose(
        truth.contribution, by_hand(panel.spend, truth)[..., 0], rtol=1e-10, atol=1e-6
    )
    coefficients = baseline_coefficients(panel, truth, 0)
    np.testing.assert_allclose(coefficients[1:] / 1000, [0.8, 90.0, -60.0, 45.0, 120.0], rtol=1e-8)


def test_truth_of_the_regions_is_consistent() -> None:
    panel, truth = simulate_geo_market(2, series=5)
    np.testing.assert_allclose(
        truth.contribution, by_hand(panel.spend, truth)[..., 0], rtol=1e-10, atol=1e-6
    )
    np.testing.assert_array_equal(np.isnan(truth.expected), ~panel.observed)
    for region in range(5):
        level, trend, sine, cosine, price = baseline_coefficients(panel, truth, region)
        # Drawn by region about 1000, 0.8, 90, -60 and 45, with these spreads: within 4 of each.
        assert trend / level == pytest.approx(0.0008, abs=4 * 0.0004)
        assert sine / level == pytest.approx(0.09, abs=4 * 0.022)
        assert cosine / level == pytest.approx(-0.06, abs=4 * 0.021)
        assert price / level == pytest.approx(0.045, abs=4 * 0.011)


def baseline_coefficients(panel: Panel, truth: Truth, series: int) -> np.ndarray:
    """What of the expectation is no channel's is linear in level, trend, season and controls."""
    observed = panel.observed[:, series]
    baseline = (truth.expected - truth.contribution.sum(axis=2))[observed, series]
    time = np.flatnonzero(observed)
    year = 2 * np.pi * time / 52.18
    regressors = np.column_stack(
        [np.ones(len(time)), time, np.sin(year), np.cos(year), panel.controls[observed, series]]
    )
    coefficients, *_ = np.linalg.lstsq(regressors, baseline, rcond=None)
    np.testing.assert_allclose(regressors @ coefficients, baseline, rtol=1e-10)
    return coefficients


def test_noise_is_sigmas() -> None:
    panel, truth = simulate_seed_benchmark("single", 0, weeks=2000)
    noise = panel.outcome - truth.expected
    # The standard error of an sd of n normal draws is sd / sqrt(2 n); 4 of those.
    assert noise.std() == pytest.approx(3.0, abs=4 * 3.0 / np.sqrt(2 * 2000))
    assert noise.mean() == pytest.approx(0.0, abs=4 * 3.0 / np.sqrt(2000))

    panel, truth = simulate_national_market(0, weeks=2000)
    noise = (panel.outcome - truth.expected) / 1000
    assert noise.std() == pytest.approx(35.0, abs=4 * 35.0 / np.sqrt(2 * 2000))

    panel, truth = simulate_geo_market(0, series=3, weeks=2000)
    spread = (panel.outcome - truth.expected).std(axis=0)
    np.testing.assert_allclose(spread / truth.sigma, 1.0, atol=4 / np.sqrt(2 * 2000))


def test_mixture_noise_has_the_regimes_in_it() -> None:
    panel, truth = simulate_seed_benchmark("mixture_k2", 0, weeks=4000)
    effects = by_hand(panel.spend, truth)[:, 0, 0]
    between = (effects - (effects @ truth.weights)[:, None]) ** 2 @ truth.weights
    z = (panel.outcome - truth.expected)[:, 0] / np.sqrt(between + 9.0)
    # z**2 of a two-point mixture with noise has a variance below the Normal's 2.
    assert (z**2).mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / 4000))


@pytest.mark.parametrize(
    ("dgp", "weights", "amplitude", "relative_k", "slope"),
    [
        ("single", [1], [30], [1], [1.5]),
        ("mixture_k2", [0.6, 0.4], [20, 40], [0.7, 1.3], [2, 1.2]),
        ("mixture_k3", [0.4, 0.3, 0.3], [15, 30, 60], [0.5, 1, 1.2], [2, 1.5, 1]),
        (
            "mixture_k5",
            [0.3, 0.25, 0.2, 0.15, 0.1],
            [10, 20, 35, 50, 70],
            [0.4, 0.7, 1, 1.3, 1.6],
            [2.5, 2, 1.5, 1.2, 1],
        ),
    ],
)
def test_benchmark_is_the_designs(
    dgp: str,
    weights: list[float],
    amplitude: list[float],
    relative_k: list[float],
    slope: list[float],
) -> None:
    panel, truth = simulate_seed_benchmark(dgp, 3)
    assert (len(panel), truth.sigma, truth.alpha) == (200, [3.0], [0.5])
    assert panel.control_names == ()
    np.testing.assert_array_equal(truth.weights, weights)
    np.testing.assert_array_equal(truth.amplitude, [[amplitude]])
    np.testing.assert_array_equal(truth.slope, [slope])
    carried, adstocked = 0.0, []
    for spent in panel.spend[:, 0, 0]:
        carried = spent + 0.5 * carried
        adstocked.append(0.5 * carried)
    np.testing.assert_allclose(
        truth.half_saturation[0, 0] / np.median(adstocked), relative_k, rtol=1e-12
    )


def test_benchmark_spend_is_log_normal() -> None:
    log_spend = np.log(simulate_seed_benchmark("single", 0, weeks=4000)[0].spend)
    assert log_spend.mean() == pytest.approx(1.5, abs=4 * 0.6 / np.sqrt(4000))
    assert log_spend.std() == pytest.approx(0.6, abs=4 * 0.6 / np.sqrt(8000))


def test_roi_of_the_market_runs_from_under_one_to_about_four() -> None:
    for seed in range(4):
        panel, truth = simulate_national_market(seed)
        roi = truth.contribution.sum(axis=(0, 1)) / panel.spend.sum(axis=(0, 1))
        assert 0.5 < roi.min() < 2.0
        assert 2.0 < roi.max() < 5.0


def test_roi_of_the_regions_scatters_about_a_common_one() -> None:
    panel, truth = simulate_geo_market(0, series=200)
    log_roi = np.log(truth.contribution.sum(axis=0) / panel.spend.sum(axis=0))
    # 4 standard errors of 200 Normal draws with sd 0.3.
    np.testing.assert_allclose(
        log_roi.mean(axis=0), np.log([1.8, 2.6, 2.0, 0.8, 1.2]), atol=4 * 0.3 / np.sqrt(200)
    )
    np.testing.assert_allclose(log_roi.std(axis=0), 0.3, atol=4 * 0.3 / np.sqrt(400))


def test_regions_share_their_curves_on_the_scale_of_their_own_spend() -> None:
    panel, truth = simulate_geo_market(1)
    on_air = panel.spend.sum(axis=0) / (panel.spend > 0).sum(axis=0)
    relative = truth.half_saturation[:, :, 0] / on_air
    np.testing.assert_allclose(relative, np.tile([1.2, 1.0, 0.9, 1.1, 0.8], (8, 1)), rtol=1e-12)
    assert np.ptp(on_air[:, 0]) > 0.5 * on_air[:, 0].mean()


def test_every_fourth_region_starts_half_a_year_late() -> None:
    panel, truth = simulate_geo_market(0, series=9)
    assert panel.starts.tolist() == [0, 0, 0, 26, 0, 0, 0, 26, 0]
    np.testing.assert_array_equal(np.isnan(panel.outcome), ~panel.observed)
    assert not panel.spend[~panel.observed].any()
    assert not panel.controls[~panel.observed].any()
    assert not truth.contribution[~panel.observed].any()


def test_lift_is_what_the_spend_of_its_weeks_brought_in_them() -> None:
    panel, truth = simulate_geo_market(0, series=3, weeks=60)
    without = panel.spend.copy()
    without[40:44, :, 1] = 0.0
    brought = (by_hand(panel.spend, truth) - by_hand(without, truth))[40:44, :, :, 0].sum(axis=2)
    one = simulate_lift_test(panel, truth, "search", 40, 4, 1e-12, seed=0, series="region_02")
    assert one.lift == pytest.approx(brought[:, 1].sum(), rel=1e-10)
    assert (one.channel, one.series) == ("search", "region_02")
    assert (one.start, one.end) == ("2021-10-11", "2021-11-01")
    together = simulate_lift_test(panel, truth, "search", 40, 4, 1e-12, seed=0)
    assert together.lift == pytest.approx(brought.sum(), rel=1e-10)
    assert together.series is None


def test_lift_is_measured_with_its_standard_error() -> None:
    panel, truth = simulate_national_market(0, weeks=60)
    tests = [simulate_lift_test(panel, truth, "tv", 40, 4, 0.2, seed) for seed in range(400)]
    (error,) = {test.standard_error for test in tests}
    exact = error / 0.2
    z = np.array([(test.lift - exact) / error for test in tests])
    assert z.mean() == pytest.approx(0.0, abs=4 / np.sqrt(400))
    assert z.std() == pytest.approx(1.0, abs=4 / np.sqrt(800))
    assert simulate_lift_test(panel, truth, "tv", 40, 4, 0.2, seed=7) == tests[7]


def test_a_lift_test_without_spend_is_refused() -> None:
    panel, truth = simulate_geo_market(0, series=4, weeks=60)
    with pytest.raises(ValueError, match=r"standard_error: found 0\.0; allowed: greater than 0"):
        simulate_lift_test(panel, truth, "tv", 10, 4, 0.2, seed=0, series="region_04")
