"""What several tests share: one small market, one real fit of it, and fits made up of any draws."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import Fit, ModelSpec, Panel, SamplerSettings, fit, simulate_national_market
from hill_mmm._design import Scales, baseline_design
from hill_mmm._sampler import ChainStats

TRAIN_WEEKS = 91

InventFit = Callable[..., Fit]


@pytest.fixture(scope="session")
def market() -> Panel:
    """Two years of the national market, with a channel too small for its ROI to be learned."""
    panel, _ = simulate_national_market(seed=1, weeks=104)
    # A thousandth of the noise a week: whatever its ROI, the outcome does not show it.
    leaflets = np.random.default_rng(1).gamma(4.0, 10.0, size=(len(panel), 1))
    return replace(
        panel,
        spend=np.hstack([panel.spend, leaflets]),
        channels=(*panel.channels, "leaflets"),
    )


@pytest.fixture(scope="session")
def fitted(market: Panel) -> Fit:
    """A real fit of the market's first 91 weeks; too short to publish, long enough to compute."""
    settings = SamplerSettings(chains=2, warmup=200, draws=200, seed=3)
    return fit(market.head(TRAIN_WEEKS), ModelSpec(fourier_order=1), settings)


@pytest.fixture(scope="session")
def invent_fit() -> InventFit:
    """Makes a fit of independent draws, for what holds in any draw or needs chains that agree."""
    return _invent_fit


def _invent_fit(
    panel: Panel, spec: ModelSpec, *, chains: int = 2, draws: int = 25, seed: int = 0
) -> Fit:
    rng = np.random.default_rng(seed)
    scales = Scales.of(panel)
    shape = (chains, draws)
    curve = (*shape, len(panel.channels), spec.components)
    design = baseline_design(panel, spec, scales)
    return Fit(
        panel=panel,
        spec=spec,
        sampler=SamplerSettings(chains=chains, draws=draws, seed=seed),
        scales=scales,
        draws={
            "alpha": rng.beta(2.0, 2.0, curve[:3]),
            "weights": rng.dirichlet(np.ones(spec.components), shape),
            "amplitude": rng.lognormal(-2.0, 0.5, curve),
            "half_saturation": rng.lognormal(0.0, 0.7, curve),
            "slope": rng.lognormal(0.4, 0.3, curve),
            "coefficients": rng.normal(
                design.prior_mean, 0.1 * design.prior_sd, (*shape, len(design.prior_mean))
            ),
            "sigma": 0.03 * rng.lognormal(0.0, 0.05, shape),
            "log_likelihood": rng.normal(1.0, 0.1, (*shape, len(panel))),
        },
        stats=ChainStats(
            diverging=np.zeros(shape, dtype=bool),
            energy=rng.normal(size=shape),
            steps=np.full(shape, 7),
        ),
        cpu_seconds=1.5,
        wall_seconds=1.0,
        peak_rss_mb=100.0,
    )
