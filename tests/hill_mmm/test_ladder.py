from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hill_mmm import (
    Fit,
    GateThresholds,
    LiftTest,
    ModelSpec,
    Panel,
    Progress,
    Rung,
    SamplerError,
    SamplerSettings,
    choose_components,
    climb,
)
from hill_mmm import _ladder as ladder
from hill_mmm._cross_validation import FutureScores
from hill_mmm._ladder import verdicts
from hill_mmm.checks import Check, gate, parameter_summary

InventFit = Callable[..., Fit]

SAMPLER = SamplerSettings(chains=2, warmup=300, draws=400, target_accept=0.9, seed=5)
THRESHOLDS = GateThresholds()
R_HAT = Check("max_r_hat", "fail", 1.234, 1.01, True, "Worst R-hat.")
ESS = Check("min_ess", "fail", 12.0, 400.0, True, "Least ESS.")


@dataclass
class Rungs:
    """A ladder without sampling: made-up draws, and checks that fail as told.

    Attributes:
        passes: the rungs that pass, by number of components and of draws.
        errors: the message of the sampler's error by number of components and of draws.
        calls: what `fit` was asked for.
    """

    invent_fit: InventFit
    passes: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)

    def fit(self, panel: Panel, spec: ModelSpec, sampler: SamplerSettings, **rest: Any) -> Fit:
        self.calls.append({"panel": panel, "spec": spec, "sampler": sampler, **rest})
        rung = (spec.components, sampler.draws)
        if rung in self.errors:
            raise SamplerError(self.errors[rung])
        return self.invent_fit(panel, spec, draws=sampler.draws)

    def verdicts(self, fit: Fit, _: GateThresholds) -> tuple[Check, ...]:
        rung = (fit.spec.components, fit.draws["weights"].shape[1])
        return () if rung in self.passes else (R_HAT, ESS)

    @property
    def tried(self) -> list[tuple[int, int, int]]:
        """Components, warm-up and draws of every rung."""
        return [
            (call["spec"].components, call["sampler"].warmup, call["sampler"].draws)
            for call in self.calls
        ]


@pytest.fixture
def rungs(monkeypatch: pytest.MonkeyPatch, invent_fit: InventFit) -> Rungs:
    made_up = Rungs(invent_fit)
    monkeypatch.setattr(ladder, "fit", made_up.fit)
    monkeypatch.setattr(ladder, "verdicts", made_up.verdicts)
    return made_up


def test_a_model_that_passes_is_the_only_rung(rungs: Rungs, market: Panel) -> None:
    rungs.passes = {(3, 400)}
    found = climb(market, ModelSpec(components=3), SAMPLER, THRESHOLDS)
    assert rungs.tried == [(3, 300, 400)]
    assert found.has_passed
    assert found.fit is not None
    assert found.fit.spec.components == 3
    assert found.reason == "K = 3, 300 + 400 draws: passed"


def test_the_rungs_are_longer_then_fewer_components(rungs: Rungs, market: Panel) -> None:
    heard: list[Rung] = []
    found = climb(market, ModelSpec(components=3), SAMPLER, THRESHOLDS, on_rung=heard.append)
    assert rungs.tried == [(3, 300, 400), (3, 600, 800), (2, 300, 400), (1, 300, 400)]
    # Half the way from 0.9 to 1, on the longer rung alone.
    accept = [call["sampler"].target_accept for call in rungs.calls]
    assert accept == pytest.approx([0.9, 0.95, 0.9, 0.9])
    # And from other places: the chains of an equal seed would start where these did.
    assert [call["sampler"].seed for call in rungs.calls] == [5, 6, 5, 5]
    assert tuple(heard) == found.rungs
    assert not found.has_passed
    # The last that has draws, to be looked at.
    assert found.fit is not None
    assert found.fit.spec.components == 1


def test_the_longer_rung_accepts_more_than_the_models_own_default(
    rungs: Rungs, market: Panel
) -> None:
    climb(market, ModelSpec(components=2), SamplerSettings(draws=400), THRESHOLDS)
    accept = [call["sampler"].target_accept for call in rungs.calls]
    # Where the caller leaves it to the model, the shorter rungs do too.
    assert accept == [None, pytest.approx(0.99), None]


def test_a_single_curve_has_two_rungs(rungs: Rungs, market: Panel) -> None:
    climb(market, ModelSpec(components=1), SAMPLER, THRESHOLDS)
    assert rungs.tried == [(1, 300, 400), (1, 600, 800)]


def test_a_pass_ends_the_climb(rungs: Rungs, market: Panel) -> None:
    rungs.passes = {(2, 400)}
    found = climb(market, ModelSpec(components=3), SAMPLER, THRESHOLDS)
    assert rungs.tried == [(3, 300, 400), (3, 600, 800), (2, 300, 400)]
    assert found.has_passed
    assert found.fit is not None
    assert found.fit.spec.components == 2
    assert [rung.has_passed for rung in found.rungs] == [False, False, True]


def test_the_reason_names_every_rung_and_what_it_failed_at(rungs: Rungs, market: Panel) -> None:
    found = climb(market, ModelSpec(components=2), SAMPLER, THRESHOLDS)
    verdict = "max_r_hat 1.234 (limit 1.01), min_ess 12 (limit 400)"
    assert found.reason == (
        f"K = 2, 300 + 400 draws: {verdict}; "
        f"K = 2, 600 + 800 draws: {verdict}; "
        f"K = 1, 300 + 400 draws: {verdict}"
    )
    assert found.rungs[0].failed == (R_HAT, ESS)


def test_a_sampler_without_a_start_is_an_attempt(rungs: Rungs, market: Panel) -> None:
    rungs.errors = {(2, 400): "no finite density", (2, 800): "no finite density"}
    rungs.passes = {(1, 400)}
    found = climb(market, ModelSpec(components=2), SAMPLER, THRESHOLDS)
    assert [rung.error for rung in found.rungs] == [*["no finite density"] * 2, None]
    assert [rung.has_passed for rung in found.rungs] == [False, False, True]
    assert found.has_passed
    assert found.reason.startswith("K = 2, 300 + 400 draws: no finite density; K = 2, 600")


def test_without_any_draws_there_is_no_fit_but_a_reason(rungs: Rungs, market: Panel) -> None:
    rungs.errors = {(1, 400): "no finite density", (1, 800): "none here either"}
    found = climb(market, ModelSpec(components=1), SAMPLER, THRESHOLDS)
    assert found.fit is None
    assert not found.has_passed
    assert found.reason == (
        "K = 1, 300 + 400 draws: no finite density; K = 1, 600 + 800 draws: none here either"
    )


def test_the_last_fit_that_has_draws_is_kept(rungs: Rungs, market: Panel) -> None:
    rungs.errors = {(1, 400): "no finite density"}
    found = climb(market, ModelSpec(components=2), SAMPLER, THRESHOLDS)
    assert not found.has_passed
    assert found.fit is not None
    assert found.fit.draws["weights"].shape == (2, 800, 2)


def test_every_rung_asks_the_same_question(
    rungs: Rungs, market: Panel, national_mixture: Fit
) -> None:
    test = LiftTest("tv", "2022-02-07", "2022-02-28", 1.5e5, 3e4)
    scales = national_mixture.scales
    spec = ModelSpec(components=2, trend="none", fourier_order=1)
    climb(market, spec, SAMPLER, THRESHOLDS, lift_tests=(test,), scales=scales)
    assert len(rungs.calls) == 3
    for call in rungs.calls:
        assert call["panel"] is market
        assert (call["spec"].trend, call["spec"].fourier_order) == ("none", 1)
        assert call["lift_tests"] == (test,)
        assert call["scales"] is scales


def test_verdicts_are_the_gates(national_mixture: Fit) -> None:
    found = verdicts(national_mixture, THRESHOLDS)
    assert found == tuple(gate(parameter_summary(national_mixture), national_mixture, THRESHOLDS))
    # 50 draws cannot have an ESS of 400.
    assert "min_ess" in {check.check_name for check in found if check.status == "fail"}
    lenient = GateThresholds(max_r_hat=9.0, min_ess=1.0, min_bfmi=1e-9)
    assert all(check.status == "pass" for check in verdicts(national_mixture, lenient))


def test_a_sampler_that_cannot_converge_is_refused_with_its_reasons(market: Panel) -> None:
    hopeless = SamplerSettings(chains=2, warmup=5, draws=10, target_accept=0.95)
    found = climb(market.head(91), ModelSpec(trend="linear", fourier_order=1), hopeless, THRESHOLDS)
    assert not found.has_passed
    assert [rung.components for rung in found.rungs] == [1, 1]
    assert all(rung.failed for rung in found.rungs)
    assert found.reason.startswith("K = 1, 5 + 10 draws: ")
    assert "; K = 1, 10 + 20 draws: " in found.reason
    assert found.reason.count("min_ess") == 2
    assert found.reason.count("(limit 400)") == 2


@dataclass
class Scored:
    """`leave_future_out` without fitting: given scores of ten weeks by number of components.

    Attributes:
        fits: of each candidate.
        totals: after each origin, the latest first, or the message of the sampler's error there.
        calls: what was asked for.
    """

    fits: dict[int, Fit]
    totals: dict[int, list[float | str]]
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self, panel: Panel, spec: ModelSpec, sampler: SamplerSettings, **rest: Any
    ) -> FutureScores:
        self.calls.append({"panel": panel, "spec": spec, "sampler": sampler, **rest})
        found = self.totals[spec.components][(104 - len(panel)) // 13]
        if isinstance(found, str):
            raise SamplerError(found)
        weeks = np.full(10, found / 10)
        fits = (self.fits[spec.components],)
        return FutureScores((len(panel) - 13,), fits, weeks, np.ones(10), np.zeros(10, dtype=int))

    @property
    def asked(self) -> list[tuple[int, int]]:
        """Weeks of the panel and components of each call."""
        return [(len(call["panel"]), call["spec"].components) for call in self.calls]


@pytest.fixture
def scored(
    monkeypatch: pytest.MonkeyPatch, rungs: Rungs, market: Panel, invent_fit: InventFit
) -> Scored:
    """K = 3 is the best, K = 2 within one standard error of it, K = 1 far below."""
    fits = {k: invent_fit(market.head(91), ModelSpec(components=k), draws=40) for k in (1, 2, 3)}
    rungs.passes = {(1, 40), (2, 40), (3, 40)}
    # Differences to K = 3: 20 with an error of 1.2, and 1 with one of 11.5.
    totals: dict[int, list[float | str]] = {
        1: [-5.5, -4.5, -5.5, -4.5],
        2: [4.75, -5.25, 4.75, -5.25],
        3: [0.0, 0.0, 0.0, 0.0],
    }
    made_up = Scored(fits, totals)
    monkeypatch.setattr(ladder, "leave_future_out", made_up)
    return made_up


def choose(market: Panel, **rest: Any) -> ladder.Choice:
    return choose_components(
        market, ModelSpec(components=2), SAMPLER, THRESHOLDS, **{"horizon": 13} | rest
    )


def test_the_simplest_within_one_standard_error_is_chosen(scored: Scored, market: Panel) -> None:
    found = choose(market)
    assert found.components == 2
    assert set(found.scores) == {1, 2, 3}
    assert found.left_out == {}
    assert scored.asked == [(weeks, k) for weeks in (104, 91, 78, 65) for k in (1, 2, 3)]
    assert found.scores[2].origins == (91, 78, 65, 52)
    np.testing.assert_allclose(found.scores[2].elpd_by_origin, scored.totals[2])


def test_a_better_model_is_chosen_over_a_simpler_one(scored: Scored, market: Panel) -> None:
    scored.totals[2] = scored.totals[1]
    assert choose(market).components == 3


def test_one_good_stretch_does_not_make_a_better_model(scored: Scored, market: Panel) -> None:
    """After the latest origin alone K = 3 is far better; from one origin to the next it is not."""
    scored.totals[2] = scored.totals[1] = [-9.0, 5.0, -3.0, 4.0]
    assert choose(market).components == 1


def test_the_comparison_is_of_the_same_forecasts(scored: Scored, market: Panel) -> None:
    test = LiftTest("tv", "2021-02-08", "2021-03-01", 1.5e5, 3e4)
    choose(market, lift_tests=(test,), candidates=(1, 3))
    assert [call["spec"].components for call in scored.calls] == 4 * [1, 3]
    for call in scored.calls:
        known = len(call["panel"])
        np.testing.assert_array_equal(call["panel"].outcome, market.outcome[:known])
        assert (call["horizon"], call["lift_tests"]) == (13, (test,))
        assert call["sampler"] == SAMPLER


def test_a_candidate_that_has_not_converged_is_left_out(
    scored: Scored, rungs: Rungs, market: Panel
) -> None:
    rungs.passes = {(1, 40), (2, 40)}
    scored.totals[2] = [-50.0, -40.0, -50.0, -40.0]
    found = choose(market)
    assert found.components == 1
    assert found.left_out == {3: "before week 92: max_r_hat, min_ess"}
    assert set(found.scores) == {1, 2}
    # It is not tried again at earlier origins.
    assert [k for _, k in scored.asked] == [1, 2, 3, 1, 2, 1, 2, 1, 2]


def test_a_candidate_without_draws_is_left_out(scored: Scored, market: Panel) -> None:
    scored.totals[3][1] = "no finite density"
    found = choose(market)
    assert found.left_out == {3: "before week 79: no finite density"}
    assert set(found.scores) == {1, 2}


def test_a_candidate_that_is_left_alone_is_the_choice(
    scored: Scored, rungs: Rungs, market: Panel
) -> None:
    rungs.passes = {(2, 40)}
    found = choose(market)
    assert found.components == 2
    assert set(found.left_out) == {1, 3}
    # Nothing is left to compare it with: earlier origins are not fitted.
    assert [weeks for weeks, _ in scored.asked] == [104, 104, 104]
    assert found.scores[2].origins == (91,)


def test_where_none_converges_the_ladder_is_left_to_judge(
    scored: Scored, rungs: Rungs, market: Panel
) -> None:
    rungs.passes = set()
    found = choose(market)
    assert (found.components, found.scores) == (1, {})
    assert set(found.left_out) == {1, 2, 3}


def test_too_few_origins_compare_nothing(scored: Scored, market: Panel) -> None:
    found = choose(market, horizon=26)
    assert (found.components, found.scores, scored.calls) == (1, {}, [])
    assert set(found.left_out) == {2, 3}
    assert "26 weeks from 3 origins, and the 104 weeks allow a fit before 2" in found.left_out[2]


def test_every_fit_of_a_comparison_reports_its_own_progress(scored: Scored, market: Panel) -> None:
    told: list[str] = []

    def on_fit(fit: str) -> Callable[[Progress], None]:
        told.append(fit)
        return lambda progress: None

    choose(market, candidates=(1, 2), on_fit=on_fit)
    assert told[:3] == ["K = 1, origin 1 of 4", "K = 2, origin 1 of 4", "K = 1, origin 2 of 4"]
    assert len(told) == len(scored.calls) == 8
    assert all(callable(call["on_progress"]) for call in scored.calls)


def test_a_comparison_asks_for_half_the_effective_draws(
    scored: Scored, monkeypatch: pytest.MonkeyPatch, market: Panel
) -> None:
    asked: list[GateThresholds] = []

    def note(_: Fit, thresholds: GateThresholds) -> tuple[Check, ...]:
        asked.append(thresholds)
        return ()

    monkeypatch.setattr(ladder, "verdicts", note)
    choose(market)
    assert {thresholds.min_ess for thresholds in asked} == {200.0}
    assert {thresholds.max_r_hat for thresholds in asked} == {1.005}
