"""What several tests share: two small markets, a real fit of each, and fits of made-up draws."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from hill_mmm import (
    Fit,
    LiftTest,
    ModelSpec,
    Panel,
    SamplerSettings,
    fit,
    simulate_geo_market,
    simulate_national_market,
)
from hill_mmm._model.adstock import PARAMETERS
from hill_mmm._model.design import baseline_design
from hill_mmm._model.moving import knot_weights
from hill_mmm._model.scales import Scales
from hill_mmm._sampling.nuts import ChainStats

TRAIN_WEEKS = 91
REGIONAL_SPEC = ModelSpec(
    components=2,
    likelihood="student_t",
    fourier_order=1,
    events={"strike": ("2021-06-14", "2022-03-02")},
    control_signs={"competitor_price": "positive"},
)

InventFit = Callable[..., Fit]


@pytest.fixture(scope="session")
def market() -> Panel:
    """Two years of the national market, with a channel too small for its ROI to be learned."""
    panel, _ = simulate_national_market(seed=1, weeks=104)
    # A thousandth of the noise a week: whatever its ROI, the outcome does not show it.
    leaflets = np.random.default_rng(1).gamma(4.0, 10.0, size=(len(panel), 1, 1))
    return replace(
        panel,
        spend=np.concatenate([panel.spend, leaflets], axis=2),
        channels=(*panel.channels, "leaflets"),
    )


@pytest.fixture(scope="session")
def regions() -> Panel:
    """Four regions: one has no radio, one starts late; newsletters cost nothing anywhere."""
    panel, _ = simulate_geo_market(seed=1, series=4, weeks=104)
    spend = panel.spend.copy()
    spend[:, 1, panel.channels.index("radio")] = 0.0
    newsletters = np.random.default_rng(2).poisson(3.0, size=panel.outcome.shape)
    return replace(
        panel,
        spend=spend,
        organic=(newsletters * panel.observed)[:, :, None].astype(np.float64),
        organic_names=("newsletter",),
    )


@pytest.fixture(scope="session")
def fitted(market: Panel) -> Fit:
    """A real fit of the market's first 91 weeks; too short to publish, long enough to compute."""
    settings = SamplerSettings(chains=2, warmup=200, draws=200, seed=3)
    return fit(market.head(TRAIN_WEEKS), ModelSpec(fourier_order=1), settings)


@pytest.fixture(scope="session")
def regional_fit(regions: Panel) -> Fit:
    """A real fit of the regions' first 91 weeks with all that a model can have, still shorter."""
    tests = (
        LiftTest("tv", "2022-02-07", "2022-02-28", 1.5e5, 3e4),
        LiftTest("search", "2022-05-02", "2022-05-23", 4e4, 8e3, series="region_03"),
    )
    settings = SamplerSettings(chains=2, warmup=80, draws=60, max_tree_depth=5, seed=4)
    return fit(regions.head(TRAIN_WEEKS), REGIONAL_SPEC, settings, lift_tests=tests)


@pytest.fixture(scope="session")
def national_mixture(market: Panel) -> Fit:
    """Made-up draws of a mixture on the market's first 91 weeks."""
    return _invent_fit(market.head(TRAIN_WEEKS), ModelSpec(components=2, fourier_order=1))


@pytest.fixture(scope="session")
def regional_mixture(regions: Panel) -> Fit:
    """Made-up draws of the model of `regional_fit`."""
    return _invent_fit(regions.head(TRAIN_WEEKS), REGIONAL_SPEC)


@pytest.fixture(params=["national", "regional"])
def mixture(request: pytest.FixtureRequest, national_mixture: Fit, regional_mixture: Fit) -> Fit:
    """Both of them, one after the other."""
    return {"national": national_mixture, "regional": regional_mixture}[request.param]


@pytest.fixture(scope="session")
def invent_fit() -> InventFit:
    """Makes a fit of independent draws, for what holds in any draw or needs chains that agree."""
    return _invent_fit


def _random_walks(
    panel: Panel,
    spec: ModelSpec,
    scales: Scales,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """Logarithms of multipliers that are 1 on average over the weeks fitted to."""
    at = knot_weights(panel, scales, len(panel))
    walks = rng.normal(0.0, 0.3, (*shape, at.shape[1], len(panel.media_names))).cumsum(axis=2)
    observed = panel.observed.sum(axis=1) / panel.observed.sum()
    mean = np.einsum("t,cdtm->cdm", observed, np.exp(at @ walks))
    moves = np.isin(panel.media_names, spec.moving_effects)
    return (walks - np.log(mean)[:, :, None]) * moves


def _invent_fit(
    panel: Panel, spec: ModelSpec, *, chains: int = 2, draws: int = 25, seed: int = 0
) -> Fit:
    rng = np.random.default_rng(seed)
    scales = Scales.of(panel, spec)
    design = baseline_design(panel, spec, scales)
    shape = (chains, draws)
    by_series = (*shape, len(panel.series))
    curve = (len(panel.media_names), spec.components)
    is_active = (panel.media > 0).any(axis=0)[:, :, None]
    parameters = (*shape, curve[0], len(PARAMETERS[spec.adstock]))
    sites = {
        "adstock": rng.beta(2.0, 2.0, parameters),
        "weights": rng.dirichlet(np.ones(spec.components), shape),
        "amplitude": rng.lognormal(-2.0, 0.5, (*by_series, *curve)) * is_active,
        "half_saturation": rng.lognormal(0.0, 0.7, (*shape, *curve)),
        "slope": rng.lognormal(0.4, 0.3, (*shape, *curve)),
        "coefficients": rng.normal(
            design.prior_mean, 0.1 * design.prior_sd, (*by_series, len(design.prior_mean))
        ),
        "sigma": 0.03 * rng.lognormal(0.0, 0.05, by_series),
    }
    sites["carry_in"] = rng.gamma(2.0, 0.5, (*shape, len(panel.media_names)))
    if spec.moving_effects:
        sites["log_multiplier"] = _random_walks(panel, spec, scales, shape, rng)
    if spec.control_signs:
        size = np.abs(rng.normal(size=(*shape, len(spec.control_signs))))
        sites["signed_coefficients"] = 0.1 * design.signed_prior_sd * size
    if spec.learned_scales:
        sites["baseline_scale"] = rng.lognormal(-1.0, 0.3, (*shape, len(spec.learned_scales)))
    if spec.likelihood == "student_t":
        sites["degrees_of_freedom"] = 2.0 + rng.gamma(2.0, 10.0, shape)
    if spec.amplitude_prior != "seed":
        sites["log_effect"] = rng.normal(0.0, 0.5, (*shape, curve[0]))
    return Fit(
        panel=panel,
        spec=spec,
        sampler=SamplerSettings(chains=chains, draws=draws, seed=seed),
        lift_tests=(),
        scales=scales,
        draws=sites,
        stats=ChainStats(
            diverging=np.zeros(shape, dtype=bool),
            energy=rng.normal(size=shape),
            steps=np.full(shape, 7),
            moved=np.zeros(chains, dtype=bool),
        ),
        cpu_seconds=1.5,
        wall_seconds=1.0,
        peak_rss_mb=100.0,
    )
