"""Draws from the whole prior have the priors that are written.

A density of a slope or an effect that is not normalised would be a further prior on what it depends
on, once for every slope or effect, so that it shows with many media and components.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hill_mmm import ModelSpec, SamplerSettings, Scales, simulate_national_market
from hill_mmm._arviz import array_stats
from hill_mmm._model.data import model_data
from hill_mmm._model.density import dense_sites, hill_mixture
from hill_mmm._sampling.nuts import run_nuts

MEDIA, COMPONENTS = 10, 3
SAMPLER = SamplerSettings(chains=2, warmup=250, draws=500, target_accept=0.9, seed=1)
LEVELS = (0.1, 0.5, 0.9)

Draws = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def drawn() -> Draws:
    """Recorded sites, `(chains, draws, ...)`, under the default prior on ROI."""
    panel, _ = simulate_national_market(0, weeks=60)
    many = replace(
        panel,
        spend=np.concatenate([panel.spend, panel.spend], axis=2),
        channels=tuple(f"channel_{number}" for number in range(MEDIA)),
    )
    spec = ModelSpec(components=COMPONENTS, fourier_order=0, trend="none")
    data = model_data(many, spec, Scales.of(many, spec), prior_only=True)
    sites, _ = run_nuts(hill_mixture, data, spec.structure, dense_sites(spec.structure, 1), SAMPLER)
    return sites


@pytest.mark.parametrize(
    ("site", "written"),
    [
        ("sigma_log_n", stats.lognorm(0.5, scale=np.exp(-1.5))),
        ("sigma_log_A", stats.lognorm(0.5, scale=np.exp(-1.0))),
    ],
)
def test_the_hyperprior_is_the_one_written(
    drawn: Draws, site: str, written: stats.rv_continuous
) -> None:
    effective = array_stats.ess(drawn[site], chain_axis=0, draw_axis=1, method="bulk")
    assert effective > 200
    # As levels of what is written: uniform if it is what was drawn.
    levels = np.quantile(written.cdf(drawn[site]), LEVELS)
    print(f"{site}: median {np.median(drawn[site]):.3f}, written {written.median():.3f}")
    errors = np.sqrt(np.array(LEVELS) * (1.0 - np.array(LEVELS)) / effective)
    np.testing.assert_array_less(np.abs(levels - LEVELS), 4.0 * errors)


def test_slopes_are_kept_from_steps(drawn: Draws) -> None:
    """Each has its own prior, however unlike the components of a medium are."""
    slope = drawn["slope"]
    assert slope.shape[2:] == (MEDIA, COMPONENTS)
    written = stats.lognorm(0.5, scale=1.2)
    for unlike in (drawn["sigma_log_n"] < 0.22, drawn["sigma_log_n"] > 0.22):
        levels = np.quantile(written.cdf(slope[unlike]), LEVELS)
        # Draws of ten media, each of an ESS of some hundreds.
        np.testing.assert_allclose(levels, LEVELS, atol=0.03)


def test_components_are_as_alike_as_the_hierarchy_says(drawn: Draws) -> None:
    between = np.log(drawn["slope"]).std(axis=3, ddof=1).mean(axis=2)
    alike, unlike = drawn["sigma_log_n"] < 0.15, drawn["sigma_log_n"] > 0.35
    assert between[unlike].mean() > 2.0 * between[alike].mean()


def test_two_channels_share_half_of_their_prior_and_the_sum_is_uncertain(drawn: Draws) -> None:
    effect = np.log((drawn["amplitude"] * drawn["weights"][:, :, None, None, :]).sum(axis=4))
    flat = effect.reshape(-1, MEDIA)
    correlation = np.corrcoef(flat.T)[np.triu_indices(MEDIA, 1)].mean()
    # Amplitudes are effects over mean saturations, which are independent and dilute it.
    assert 0.2 < correlation < 0.5
