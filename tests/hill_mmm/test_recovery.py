"""Does the model find what is known to be there? Minutes of sampling, hence marked slow."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from hill_mmm import (
    ModelSpec,
    SamplerSettings,
    Truth,
    decompose,
    fit,
    model_fit,
    parameter_summary,
    simulate_national_market,
    simulate_seed_benchmark,
)

pytestmark = pytest.mark.slow

TRAIN_WEEKS = 150


@dataclass(frozen=True)
class Benchmark:
    """A fit of the seed's `single` data, seed 0, and its 50 held-out weeks."""

    truth: Truth
    held_out: pd.DataFrame
    summary: pd.DataFrame


@pytest.fixture(scope="module", params=[1, 3], ids=["k1", "k3"])
def benchmark(request: pytest.FixtureRequest) -> Benchmark:
    panel, truth = simulate_seed_benchmark("single", 0)
    spec = ModelSpec(components=request.param, amplitude_prior="seed", fourier_order=0)
    train = fit(panel.head(TRAIN_WEEKS), spec)
    (forecast,) = (model_fit(part, 0.9) for part in decompose(train, panel))
    held_out = forecast[forecast["evaluation_set"] == "holdout"].reset_index(drop=True)
    return Benchmark(truth, held_out, parameter_summary(train))


def test_holdout_error_is_the_truths(benchmark: Benchmark) -> None:
    rows = benchmark.held_out
    truths_error = rows["actual"] - benchmark.truth.expected[TRAIN_WEEKS:, 0]
    ratio = np.sqrt((rows["residual"] ** 2).mean() / (truths_error**2).mean())
    print(f"RMSE {np.sqrt((rows['residual'] ** 2).mean()):.3f}, over the truth's {ratio:.4f}")
    assert ratio < 1.03


def test_holdout_coverage(benchmark: Benchmark) -> None:
    rows = benchmark.held_out
    inside = rows["actual"].between(rows["predicted_ci_lo"], rows["predicted_ci_hi"])
    print(f"coverage {inside.mean():.3f}")
    # 42 of 50 weeks: a model that covers 90 % has fewer in 6 % of holdouts; ours is one fixed set.
    assert inside.mean() >= 0.84


def test_published_quantities_converge(benchmark: Benchmark) -> None:
    published = benchmark.summary[benchmark.summary["is_judged"]]
    least = published[["ess_bulk", "ess_tail"]].min().min()
    print(f"max R-hat {published['r_hat'].max():.4f}, min ESS {least:.0f}")
    assert published["r_hat"].max() <= 1.01
    assert least >= 400


@pytest.mark.parametrize(("parameter", "true"), [("alpha", 0.5), ("sigma", 3.0)])
def test_parameter_lies_in_its_interval(benchmark: Benchmark, parameter: str, true: float) -> None:
    row = benchmark.summary.set_index("parameter").loc[parameter]
    print(f"{parameter} {row['mean']:.3f} [{row['q05']:.3f}, {row['q95']:.3f}]")
    assert row["q05"] <= true <= row["q95"]


def test_roi_intervals_of_national_markets_cover_the_truth() -> None:
    covered: list[bool] = []
    for seed in range(4):
        panel, truth = simulate_national_market(seed)
        fitted = fit(panel, sampler=SamplerSettings(warmup=500, draws=500, seed=seed))
        summary = fitted.summary().query("period == 'all'")
        roi = (truth.contribution.sum(axis=0) / panel.spend.sum(axis=0))[0]
        covered += list((summary["roi_ci_lo"] <= roi) & (roi <= summary["roi_ci_hi"]))
    print(f"{sum(covered)} of {len(covered)} true ROIs covered")
    # Of 20 independent 90 % intervals fewer than 14 cover in 0.24 % of cases (binomial).
    assert sum(covered) >= 14
