"""Returns under other priors, where the posterior is Normal and the answer known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hill_mmm import Fit, ModelSpec, Panel, RoiPrior
from hill_mmm._results.decompose import decompose
from hill_mmm._results.prior_sensitivity import ALL_MEDIA, TRUST, means_by_trust, prior_sensitivity
from tests.hill_mmm.conftest import InventFit

PRIOR = RoiPrior(2.0, 0.5)
LEVEL = 0.9


def with_posterior(fit: Fit, mean: float, sd: float) -> tuple[Fit, pd.DataFrame]:
    """Log ROIs of all media are Normal, and mROI is a tenth of ROI."""
    shape = fit.draws["log_effect"].shape
    log_effect = np.random.default_rng(0).normal(mean, sd, shape)
    fit = replace(fit, draws=fit.draws | {"log_effect": log_effect})
    (part,) = decompose(fit)
    roi = np.exp(log_effect.reshape(-1, shape[2]))
    return fit, prior_sensitivity(fit, part, {"roi": roi, "mroi": roi / 10.0}, LEVEL)


@pytest.fixture(scope="module")
def narrow(market: Panel, invent_fit: InventFit) -> Fit:
    priors = dict.fromkeys(market.media_names, PRIOR)
    spec = ModelSpec(fourier_order=1, channel_priors=priors)
    return invent_fit(market.head(91), spec, chains=4, draws=2000)


@pytest.mark.parametrize("trust", list(TRUST))
@pytest.mark.parametrize("whose", [ALL_MEDIA, "tv"])
def test_a_normal_posterior_moves_as_its_algebra_says(narrow: Fit, whose: str, trust: str) -> None:
    mean, sd = 0.2, 0.3
    _, rows = with_posterior(narrow, mean, sd)
    more = (TRUST[trust] - 1.0) / PRIOR.sd_log**2
    precision = sd**-2 + more
    centre = (mean / sd**2 + more * np.log(PRIOR.median)) / precision
    is_wanted = (rows["prior_of"] == whose) & (rows["trust"] == trust) & (rows["channel"] == "tv")
    row = rows[is_wanted].set_index("metric")
    expected = np.exp(centre + 0.5 / precision)
    before = np.exp(mean + 0.5 * sd**2)
    assert row.loc["roi", "mean"] == pytest.approx(before, rel=0.02)
    assert row.loc["roi", "scaled_mean"] == pytest.approx(expected, rel=0.03)
    assert row.loc["mroi", "scaled_mean"] == pytest.approx(expected / 10.0, rel=0.03)
    limits = np.exp(centre + np.array([-1.645, 1.645]) / np.sqrt(precision))
    found = row.loc["roi", ["scaled_ci_lo", "scaled_ci_hi"]].to_numpy(float)
    np.testing.assert_allclose(found, limits, rtol=0.04)
    moved = (expected - before) / (before * np.sqrt(np.expm1(sd**2)))
    assert row.loc["roi", "shift_sd"] == pytest.approx(moved, abs=0.1)
    assert row.loc["roi", "pareto_k"] < 0.7


def test_a_figure_of_some_draws_moves_as_that_of_all(narrow: Fit) -> None:
    fit, rows = with_posterior(narrow, 0.2, 0.3)
    is_wanted = (rows["prior_of"] == ALL_MEDIA) & (rows["channel"] == "tv")
    by_all = rows[is_wanted & (rows["metric"] == "roi")].set_index("trust")
    chosen = fit.evenly_spaced(4000)
    roi = np.exp(fit.draws["log_effect"].reshape(fit.n_draws, -1)[chosen, 0])
    by_some = means_by_trust(fit, chosen, roi)
    for trust in TRUST:
        moved = by_some[trust] - roi.mean()
        of_all = by_all.loc[trust, "scaled_mean"] - by_all.loc[trust, "mean"]
        assert moved == pytest.approx(of_all, rel=0.25)
    seed = replace(fit, spec=replace(fit.spec, amplitude_prior="seed", channel_priors={}))
    assert np.isnan(list(means_by_trust(seed, chosen, roi).values())).all()


def test_each_prior_is_shown_where_it_bears(narrow: Fit) -> None:
    _, rows = with_posterior(narrow, 0.2, 0.3)
    media = len(narrow.panel.media_names)
    key = ["prior_of", "trust", "channel", "metric"]
    assert not rows.duplicated(key).any()
    # Of all priors every figure, of each prior that medium's two and the sum of all.
    assert len(rows) == 2 * (2 * media + 1) + 2 * media * 3
    assert set(rows.loc[rows["channel"] == ALL_MEDIA, "metric"]) == {"contribution"}


def test_a_posterior_out_of_reach_is_not_known(narrow: Fit) -> None:
    # Wider than the prior: with half of the trust in it there is no end to the weights' tail.
    _, rows = with_posterior(narrow, 0.2, 1.5)
    half = rows[(rows["trust"] == "half") & (rows["prior_of"] == ALL_MEDIA)]
    assert (half["pareto_k"] > 0.7).all()
    assert half[["scaled_mean", "scaled_ci_lo", "scaled_ci_hi", "shift_sd"]].isna().all(axis=None)
    assert half[["mean", "sd"]].notna().all(axis=None)


def test_without_a_prior_on_effects_there_are_no_rows(fitted: Fit) -> None:
    (part,) = decompose(fitted)
    nothing = np.full((fitted.n_draws, len(part.media_names)), np.nan)
    returns = {"roi": nothing, "mroi": nothing}
    seed = replace(fitted, spec=replace(fitted.spec, amplitude_prior="seed"))
    older = {name: values for name, values in fitted.draws.items() if name != "log_effect"}
    for fit in (seed, replace(fitted, draws=older)):
        rows = prior_sensitivity(fit, part, returns, LEVEL)
        assert rows.empty and "scaled_mean" in rows
    # Media without a return are shown by what they bring.
    rows = prior_sensitivity(fitted, part, returns, LEVEL)
    assert set(rows["metric"]) == {"contribution"}
    assert set(rows["channel"]) == {ALL_MEDIA, *part.media_names}
