import numpy as np
import pytest

from hill_mmm import Panel, Truth, simulate_national_market, simulate_seed_benchmark

DGPS = ["single", "mixture_k2", "mixture_k3", "mixture_k5"]


def by_hand(panel: Panel, truth: Truth) -> np.ndarray:
    """Effect by week, channel and component, from the truth's parameters."""
    carried = np.zeros(len(panel.channels))
    effects = []
    for spent in panel.spend:
        carried = spent + truth.alpha * carried
        risen = ((1 - truth.alpha) * carried)[:, None] ** truth.slope
        effects.append(truth.amplitude * risen / (truth.half_saturation**truth.slope + risen))
    return np.array(effects)


def test_equal_seeds_give_equal_markets() -> None:
    (first, truth), (again, _), (other, _) = map(simulate_national_market, (4, 4, 5))
    np.testing.assert_array_equal(first.outcome, again.outcome)
    np.testing.assert_array_equal(first.spend, again.spend)
    assert (first.outcome != other.outcome).all()
    assert truth.expected.shape == (156,)


def test_equal_seeds_give_equal_benchmarks() -> None:
    first, again, other = (simulate_seed_benchmark("mixture_k2", seed)[0] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.outcome, again.outcome)
    assert (first.outcome != other.outcome).all()


@pytest.mark.parametrize("dgp", DGPS)
def test_truth_of_the_benchmark_is_consistent(dgp: str) -> None:
    panel, truth = simulate_seed_benchmark(dgp, 1)
    effects = by_hand(panel, truth)
    np.testing.assert_allclose(truth.contribution, effects @ truth.weights, rtol=1e-10)
    time = np.arange(200)
    baseline = 50 + 2 * (time - 99.5) / time.std()
    np.testing.assert_allclose(
        truth.expected, baseline + truth.contribution.sum(axis=1), rtol=1e-10
    )


def test_truth_of_the_market_is_consistent() -> None:
    panel, truth = simulate_national_market(2)
    np.testing.assert_allclose(
        truth.contribution, by_hand(panel, truth)[:, :, 0], rtol=1e-10, atol=1e-6
    )
    # What is left of the expectation is trend, season and controls: linear in them.
    baseline = truth.expected - truth.contribution.sum(axis=1)
    time = np.arange(156)
    year = 2 * np.pi * time / 52.18
    regressors = np.column_stack([np.ones(156), time, np.sin(year), np.cos(year), panel.controls])
    coefficients, *_ = np.linalg.lstsq(regressors, baseline, rcond=None)
    np.testing.assert_allclose(regressors @ coefficients, baseline, rtol=1e-10)
    np.testing.assert_allclose(coefficients[1:] / 1000, [0.8, 90.0, -60.0, 45.0, 120.0], rtol=1e-8)


def test_noise_is_sigmas() -> None:
    panel, truth = simulate_seed_benchmark("single", 0, weeks=2000)
    noise = panel.outcome - truth.expected
    # The standard error of an sd of n normal draws is sd / sqrt(2 n); 4 of those.
    assert noise.std() == pytest.approx(3.0, abs=4 * 3.0 / np.sqrt(2 * 2000))
    assert noise.mean() == pytest.approx(0.0, abs=4 * 3.0 / np.sqrt(2000))

    panel, truth = simulate_national_market(0, weeks=2000)
    noise = (panel.outcome - truth.expected) / 1000
    assert noise.std() == pytest.approx(35.0, abs=4 * 35.0 / np.sqrt(2 * 2000))


def test_mixture_noise_has_the_regimes_in_it() -> None:
    panel, truth = simulate_seed_benchmark("mixture_k2", 0, weeks=4000)
    effects = by_hand(panel, truth)[:, 0]
    between = (effects - truth.contribution) ** 2 @ truth.weights
    z = (panel.outcome - truth.expected) / np.sqrt(between + 9.0)
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
    assert (len(panel), truth.sigma, truth.alpha) == (200, 3.0, [0.5])
    assert panel.control_names == ()
    np.testing.assert_array_equal(truth.weights, weights)
    np.testing.assert_array_equal(truth.amplitude, [amplitude])
    np.testing.assert_array_equal(truth.slope, [slope])
    carried, adstocked = 0.0, []
    for spent in panel.spend[:, 0]:
        carried = spent + 0.5 * carried
        adstocked.append(0.5 * carried)
    np.testing.assert_allclose(
        truth.half_saturation[0] / np.median(adstocked), relative_k, rtol=1e-12
    )


def test_benchmark_spend_is_log_normal() -> None:
    log_spend = np.log(simulate_seed_benchmark("single", 0, weeks=4000)[0].spend)
    assert log_spend.mean() == pytest.approx(1.5, abs=4 * 0.6 / np.sqrt(4000))
    assert log_spend.std() == pytest.approx(0.6, abs=4 * 0.6 / np.sqrt(8000))


def test_roi_of_the_market_runs_from_under_one_to_about_four() -> None:
    for seed in range(4):
        panel, truth = simulate_national_market(seed)
        roi = truth.contribution.sum(axis=0) / panel.spend.sum(axis=0)
        assert 0.5 < roi.min() < 2.0
        assert 2.0 < roi.max() < 5.0
