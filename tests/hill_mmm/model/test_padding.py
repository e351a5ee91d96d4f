"""Padded weeks change no number, and spare the compilation of every week's new length."""

from collections.abc import Iterator
from dataclasses import fields

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from numpyro.infer.util import potential_energy

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from hill_mmm import (
    Fit,
    GateThresholds,
    LiftTest,
    ModelSpec,
    Panel,
    SamplerSettings,
    Scales,
    simulate_national_market,
)
from hill_mmm._model import padding
from hill_mmm._model.data import model_data
from hill_mmm._model.density import hill_mixture
from hill_mmm._sampling.program import compiler_options, zeros_by_site

COMPILATION = "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compilations() -> Iterator[list[float]]:
    """Seconds of every compilation from here on."""
    seconds: list[float] = []

    def listen(event: str, duration: float, **_: str | int) -> None:
        if event == COMPILATION:
            seconds.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield seconds
    jax.monitoring.clear_event_listeners()


def test_zeros_fill_the_last_bucket_of_weeks() -> None:
    values = np.ones((2, 33))
    assert padding.padded(values, axis=1).shape == (2, 64)
    assert padding.padded(values, axis=1).sum() == 66
    np.testing.assert_array_equal(padding.padded(np.ones(32)), np.ones(32))


def test_the_density_is_that_of_the_weeks_without_padding(
    regions: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, spec = regions.head(91), ModelSpec(trend="linear", fourier_order=1)
    tests = [LiftTest("tv", "2022-02-07", "2022-02-28", 1e5, 2e4)]

    def density() -> tuple[int, np.ndarray]:
        data = model_data(train, spec, Scales.of(train, spec), tests)
        flat, unravel = ravel_pytree(zeros_by_site(hill_mixture, data, spec.structure))
        points = np.random.default_rng(0).normal(0.0, 0.5, (3, len(flat)))
        potential = jax.jit(
            lambda flat: potential_energy(hill_mixture, (data, spec.structure), {}, unravel(flat)),
            compiler_options=compiler_options() | {"xla_backend_optimization_level": 0},
        )
        return len(data.outcome), np.array([potential(point) for point in points])

    weeks, padded = density()
    monkeypatch.setattr(padding, "PADDING", 1)
    own_weeks, own = density()
    assert (weeks, own_weeks) == (96, 91)
    np.testing.assert_allclose(padded, own, rtol=1e-10, atol=1e-10)


def test_estimands_are_those_of_the_weeks_without_padding(
    mixture: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    padded = mixture.estimates()
    monkeypatch.setattr(padding, "PADDING", 1)
    own = mixture.estimates()
    for table in fields(own):
        left, right = (getattr(tables, table.name) for tables in (padded, own))
        assert len(left) == len(right)
        numbers = right.select_dtypes("number").columns
        np.testing.assert_allclose(left[numbers], right[numbers], rtol=1e-9, atol=1e-12)
        assert left.drop(columns=numbers).equals(right.drop(columns=numbers))


def test_next_weeks_refit_compiles_nothing(compilations: list[float]) -> None:
    panel, _ = simulate_national_market(5, weeks=94)
    spec = ModelSpec(trend="linear", fourier_order=1)
    settings = SamplerSettings(chains=2, warmup=30, draws=30)

    def refit(weeks: int) -> None:
        fitted = hill_mmm.fit(panel.head(weeks), spec, settings)
        fitted.estimates()
        hill_mmm.checks.gate(hill_mmm.checks.parameter_summary(fitted), fitted, GateThresholds())
        # Scores the weeks up to the end, as after a holdout.
        hill_mmm.results.accuracy(hill_mmm.results.decompose(fitted, panel), 0.9)

    refit(80)
    assert compilations
    compilations.clear()
    refit(81)
    assert not compilations
