from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hill_mmm import Fit, LiftTest, ModelSpec, Panel, SamplerSettings, known_tests, leave_future_out
from hill_mmm import _cross_validation as future
from hill_mmm._cross_validation import FutureScores, possible_origins, shorter
from hill_mmm._results.accuracy import log_predictive_density
from hill_mmm._results.predictive_scores import crps
from hill_mmm.results import decompose

InventFit = Callable[..., Fit]
SPEC = ModelSpec(trend="linear", fourier_order=1)


@pytest.fixture
def fitted_to(monkeypatch: pytest.MonkeyPatch, invent_fit: InventFit) -> list[dict[str, Any]]:
    """What `fit` was asked for, which gives made-up draws instead of sampling."""
    calls: list[dict[str, Any]] = []

    def fit(panel: Panel, spec: ModelSpec, sampler: SamplerSettings, **rest: Any) -> Fit:
        calls.append({"panel": panel, "spec": spec, "sampler": sampler, **rest})
        return invent_fit(panel, spec)

    monkeypatch.setattr(future, "fit", fit)
    return calls


def scored_by_hand(fit: Fit, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Density and CRPS of the weeks of `panel` after those fitted to, series by series."""
    parts = list(decompose(fit, panel))
    density = [log_predictive_density(part)[part.n_fitted :] for part in parts]
    score = [crps(part.predicted, part.outcome)[part.n_fitted :] for part in parts]
    return np.concatenate(density), np.concatenate(score)


def test_every_origin_is_fitted_to_what_it_knew(
    market: Panel, fitted_to: list[dict[str, Any]]
) -> None:
    sampler = SamplerSettings(seed=7)
    scores = leave_future_out(market, SPEC, sampler, horizon=13, origins=3)
    assert scores.origins == (91, 78, 65)
    assert [len(call["panel"]) for call in fitted_to] == [91, 78, 65]
    for call in fitted_to:
        assert (call["spec"], call["sampler"], call["lift_tests"]) == (SPEC, sampler, ())
        np.testing.assert_array_equal(call["panel"].outcome, market.outcome[: len(call["panel"])])
    assert len(scores.fits) == 3


def test_no_week_is_scored_twice(market: Panel, fitted_to: list[dict[str, Any]]) -> None:
    scores = leave_future_out(market, SPEC, horizon=13, origins=3)
    by_hand = [
        scored_by_hand(fit, market.head(end))
        for fit, end in zip(scores.fits, (104, 91, 78), strict=True)
    ]
    assert scores.pointwise_elpd.shape == scores.pointwise_crps.shape == (39,)
    elpd = np.concatenate([density for density, _ in by_hand])
    score = np.concatenate([score for _, score in by_hand])
    np.testing.assert_allclose(scores.pointwise_elpd, elpd, rtol=1e-12)
    np.testing.assert_allclose(scores.pointwise_crps, score, rtol=1e-12)
    assert scores.elpd == pytest.approx(elpd.sum())
    by_origin = [density.sum() for density, _ in by_hand]
    np.testing.assert_allclose(scores.elpd_by_origin, by_origin, rtol=1e-12)
    assert scores.crps == pytest.approx(score.mean())


def test_series_that_had_not_started_are_not_forecast(
    regions: Panel, fitted_to: list[dict[str, Any]]
) -> None:
    two = regions.only(["region_01", "region_04"])
    unknown = (np.arange(104)[:, None] < 80) & np.array([False, True])
    late = replace(
        two,
        starts=np.array([0, 80]),
        media_starts=np.array([0, 80]),
        outcome=np.where(unknown, np.nan, two.outcome),
    )
    scores = leave_future_out(late, SPEC, horizon=13, origins=2)
    assert [call["panel"].series for call in fitted_to] == [
        ("region_01", "region_04"),
        ("region_01",),
    ]
    # Two series after the later origin, one after the earlier.
    assert scores.pointwise_elpd.shape == (13 + 13 + 13,)
    assert list(scores.origin) == [0] * 26 + [1] * 13
    assert np.isfinite(scores.pointwise_elpd).all()


def test_origins_one_by_one_are_the_same_as_together(
    market: Panel, fitted_to: list[dict[str, Any]]
) -> None:
    together = leave_future_out(market, SPEC, horizon=13, origins=3)
    single = [leave_future_out(market.head(104 - 13 * n), SPEC, horizon=13) for n in range(3)]
    joined = FutureScores.joined(single)
    assert joined.origins == together.origins
    assert len(joined.fits) == 3
    for name in ("pointwise_elpd", "pointwise_crps", "origin", "elpd_by_origin"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(together, name))


@pytest.mark.parametrize(
    ("horizon", "at_most", "origins"), [(13, 4, 4), (13, 6, 4), (13, 2, 2), (52, 4, 1), (53, 4, 0)]
)
def test_an_origin_needs_weeks_to_fit_before_it(
    market: Panel, horizon: int, at_most: int, origins: int
) -> None:
    assert possible_origins(market, horizon, at_most) == origins


def lift_test(end: str, series: str | None = None) -> LiftTest:
    return LiftTest("tv", "2021-09-06", end, 1e5, 1e4, series)


def test_an_origin_knows_the_tests_that_were_over(
    regions: Panel, fitted_to: list[dict[str, Any]]
) -> None:
    over, open_ = lift_test(str(regions.weeks[77])), lift_test(str(regions.weeks[78]))
    leave_future_out(regions, SPEC, horizon=13, origins=2, lift_tests=(over, open_))
    assert [call["lift_tests"] for call in fitted_to] == [(over, open_), (over,)]


def test_a_test_of_a_series_to_come_is_not_known(regions: Panel) -> None:
    of_all, of_late = lift_test("2021-09-13"), lift_test("2021-09-13", "region_04")
    assert known_tests((of_all, of_late), regions.head(60)) == (of_all, of_late)
    assert known_tests((of_all, of_late), regions.only(["region_01"])) == (of_all,)


@pytest.mark.parametrize(
    ("horizon", "origins", "message"),
    [
        (13, 5, "an origin at week 39 cannot be fitted: only 39 weeks are left"),
        (53, 1, "an origin at week 51 cannot be fitted: only 51 weeks are left"),
        (52, 3, "an origin at week 0 cannot be fitted: only 0 weeks are left"),
        (110, 1, "an origin at week -6 cannot be fitted: only 0 weeks are left"),
    ],
)
def test_too_few_weeks_are_said_before_anything_is_fitted(
    market: Panel,
    fitted_to: list[dict[str, Any]],
    horizon: int,
    origins: int,
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        leave_future_out(market, SPEC, horizon=horizon, origins=origins)
    assert fitted_to == []


def test_a_comparison_takes_no_more_draws_than_it_needs() -> None:
    long = SamplerSettings(warmup=2000, draws=4000, seed=3)
    assert shorter(long) == SamplerSettings(warmup=500, draws=500, seed=3)
    brief = SamplerSettings(warmup=100, draws=200)
    assert shorter(brief) == brief
