"""The figures of docs/seed.md, section 5.1: the true parameters under the seed's own evaluation.

Written in numpy alone: nothing of it rests on our model.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

WEEKS, TRAIN, ALPHA, SIGMA = 200, 150, 0.5, 3.0


def adstock(spend: NDArray[np.float64]) -> NDArray[np.float64]:
    carried, weeks = 0.0, []
    for spent in spend:
        carried = spent + ALPHA * carried
        weeks.append(carried)
    return np.array(weeks)


def standardised(weeks: NDArray[np.float64]) -> NDArray[np.float64]:
    return (weeks - weeks.mean()) / weeks.std()


@pytest.mark.parametrize(
    ("adstock_starts_over", "time_starts_over", "rmse", "coverage"),
    [
        (False, False, 2.74, 0.96),
        (True, False, 2.97, None),
        (False, True, 4.55, None),
        (True, True, 5.05, 0.66),
    ],
)
def test_the_true_parameters_do_as_badly_as_the_seed_reports(
    adstock_starts_over: bool, time_starts_over: bool, rmse: float, coverage: float | None
) -> None:
    rng = np.random.default_rng(0)
    spend, noise = rng.lognormal(1.5, 0.6, WEEKS), rng.normal(0.0, SIGMA, WEEKS)
    half_saturation = np.median(adstock(spend))

    def effect(adstocked: NDArray[np.float64]) -> NDArray[np.float64]:
        return 30.0 * adstocked**1.5 / (half_saturation**1.5 + adstocked**1.5)

    week = np.arange(float(WEEKS))
    outcome = 50.0 + 2.0 * standardised(week) + effect(adstock(spend)) + noise

    # The same trend, on the time index standardised over the training weeks, as a fit has it.
    mean, sd = week[:TRAIN].mean(), week[:TRAIN].std()
    intercept = 50.0 + 2.0 * (mean - week.mean()) / week.std()
    slope = 2.0 * sd / week.std()
    time = (week - mean) / sd
    test_time = standardised(week[TRAIN:]) if time_starts_over else time[TRAIN:]
    adstocked = adstock(spend[TRAIN:]) if adstock_starts_over else adstock(spend)[TRAIN:]
    error = outcome[TRAIN:] - intercept - slope * test_time - effect(adstocked)

    assert np.sqrt((error**2).mean()) == pytest.approx(rmse, abs=0.005)
    if coverage is not None:
        # The 90 % interval of a Normal.
        assert (np.abs(error) <= 1.6449 * SIGMA).mean() == pytest.approx(coverage)
