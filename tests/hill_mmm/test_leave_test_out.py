"""Tests that a posterior has absorbed, against the model without them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import (
    Fit,
    LiftTest,
    ModelSpec,
    Panel,
    SamplerError,
    SamplerSettings,
    _leave_test_out,
    fit,
)
from hill_mmm._results.lift_tests import lift_test, modelled_lift
from hill_mmm.checks import lift_test_checks
from hill_mmm.results import leave_test_out

InventFit = Callable[..., Fit]
WEEKS = ("2022-02-07", "2022-02-28")


@pytest.fixture(scope="module")
def absorbed(market: Panel, invent_fit: InventFit) -> Fit:
    """A posterior whose lift without the test is Normal(40,000; 12,000), by Gaussian algebra.

    The test says 60,000 with an error of 15,000.
    """
    test = LiftTest("tv", *WEEKS, 6e4, 1.5e4)
    made = invent_fit(market.head(91), ModelSpec(), chains=4, draws=1000)
    precision = 1 / 1.2e4**2 + 1 / test.standard_error**2
    mean = (4e4 / 1.2e4**2 + test.lift / test.standard_error**2) / precision
    wanted = np.random.default_rng(0).normal(mean, precision**-0.5, made.n_draws)
    factor = (wanted / modelled_lift(made, (test,)).mean[:, 0]).reshape(4, 1000, 1, 1, 1)
    draws = made.draws | {"amplitude": made.draws["amplitude"] * factor}
    return replace(made, draws=draws, lift_tests=(test,))


def test_weights_undo_what_the_test_has_done(absorbed: Fit) -> None:
    (without,) = leave_test_out(absorbed)
    assert without.method == "psis"
    assert without.pareto_k < 0.7
    # 4,000 draws, of which the weights leave about a half.
    assert without.mean == pytest.approx(4e4, abs=1e3)
    assert without.sd == pytest.approx(1.2e4, rel=0.08)
    row = lift_test(absorbed, 0.9).iloc[0]
    assert row["z_score"] == pytest.approx(-2e4 / np.hypot(1.2e4, 1.5e4), abs=0.07)
    assert row["prior_probability"] > 0.05


@pytest.fixture(scope="module")
def in_thousands(market: Panel) -> Fit:
    """A fit that a test of about 80,000 has told 80."""
    # What it says is so far from the other data that 200 iterations do not get there.
    settings = SamplerSettings(chains=2, warmup=500, draws=200, seed=3)
    test = LiftTest("tv", *WEEKS, 80.0, 16.0)
    return fit(
        market.head(91), ModelSpec(trend="linear", fourier_order=1), settings, lift_tests=(test,)
    )


def test_a_test_in_thousands_is_left_out_by_a_refit(in_thousands: Fit, fitted: Fit) -> None:
    with_it = modelled_lift(in_thousands, in_thousands.lift_tests).mean[:, 0]
    # The posterior agrees with what it was told.
    assert abs(with_it.mean() - 80.0) < 2 * np.hypot(with_it.std(), 16.0)
    without = leave_test_out(in_thousands)
    assert without[0].method == "refit"
    alone = modelled_lift(fitted, in_thousands.lift_tests).mean
    assert without[0].mean == pytest.approx(alone.mean(), abs=alone.std())
    disagreement, size = lift_test_checks(lift_test(in_thousands, 0.9, without))
    assert (disagreement.status, size.status) == ("warn", "warn")
    assert disagreement.value > 3.0
    assert size.value < 1e-3


def test_a_refit_without_draws_leaves_the_weights_and_a_warning(
    in_thousands: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_fit(*_: object, **__: object) -> Fit:
        raise SamplerError("no finite density")

    monkeypatch.setattr(_leave_test_out, "fit", no_fit)
    (without,) = leave_test_out(in_thousands)
    assert without.method == "psis"
    assert without.pareto_k > 0.7
    check, _ = lift_test_checks(lift_test(in_thousands, 0.9, (without,)))
    assert check.status == "warn"
    assert "Not known of tv from 2022-02-07" in check.description
