from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hill_mmm import (
    ContributionSharePrior,
    Fit,
    ModelSpec,
    Panel,
    RoiPrior,
    SamplerSettings,
    prior_predictive,
)
from hill_mmm import _prior_predictive as module
from hill_mmm.panel import ALL_SERIES
from hill_mmm.results import with_total

SPEC = ModelSpec(
    trend="linear",
    fourier_order=1,
    channel_priors={
        "radio": RoiPrior(3.0, 0.3),
        "display": ContributionSharePrior(0.02, 0.5),
    },
)
SAMPLER = SamplerSettings(chains=2, warmup=200, draws=500, seed=2)
# Of 1000 draws, at the least; seen: 500 in the tails and 1400 in the middle.
EFFECTIVE_DRAWS = 500
QUANTILES = {"ci_lo": 0.05, "median": 0.5, "ci_hi": 0.95}


def quantile_error(quantile: float, sd: float) -> float:
    """Standard error of a Normal's estimated quantile."""
    density = stats.norm.pdf(stats.norm.ppf(quantile)) / sd
    return float(np.sqrt(quantile * (1 - quantile) / EFFECTIVE_DRAWS) / density)


def roi_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["quantity"] == "roi"].set_index("channel")


@pytest.fixture(scope="module")
def train(market: Panel) -> Panel:
    return market.head(91)


@pytest.fixture(scope="module")
def believed(train: Panel) -> pd.DataFrame:
    return prior_predictive(train, SPEC, SAMPLER)


@pytest.fixture(scope="module")
def believed_of_another_order(train: Panel) -> pd.DataFrame:
    """The prior where the weeks have exchanged their outcomes."""
    shuffled = np.random.default_rng(0).permutation(train.outcome)
    return prior_predictive(replace(train, outcome=shuffled), SPEC, SAMPLER)


@pytest.mark.parametrize("channel", ["tv", "search", "social", "leaflets", "radio", "display"])
def test_roi_is_the_prior_that_was_asked_for(
    believed: pd.DataFrame, train: Panel, channel: str
) -> None:
    median, sd = {"radio": (3.0, 0.3), "display": (0.02, 0.5)}.get(channel, (np.exp(0.2), 0.9))
    if channel == "display":
        # A share of the outcome, per unit of spend.
        position = train.channels.index(channel)
        median *= train.outcome.sum() / train.spend[:, :, position].sum()
    row = roi_of(believed).loc[channel]
    for column, quantile in QUANTILES.items():
        expected = np.log(median) + sd * stats.norm.ppf(quantile)
        assert np.log(row[column]) == pytest.approx(expected, abs=4 * quantile_error(quantile, sd))


def test_the_pattern_of_the_outcome_is_not_looked_at(
    believed: pd.DataFrame, believed_of_another_order: pd.DataFrame
) -> None:
    found, other = roi_of(believed), roi_of(believed_of_another_order)
    for channel, sd in (("tv", 0.9), ("leaflets", 0.9), ("radio", 0.3)):
        for column, quantile in QUANTILES.items():
            error = np.sqrt(2) * quantile_error(quantile, sd)
            apart = np.log(found.loc[channel, column] / other.loc[channel, column])
            assert apart == pytest.approx(0.0, abs=4 * error)


def test_rows_stand_beside_what_was_observed(believed: pd.DataFrame, train: Panel) -> None:
    assert list(believed.columns) == [
        *("series_key", "quantity", "channel", "median", "mean", "ci_lo", "ci_hi", "observed")
    ]
    assert set(believed["series_key"]) == {"national"}
    rows = believed.groupby("quantity").size().to_dict()
    assert rows == {"roi": 6, "contribution_share": 6, "outcome_mean": 1, "outcome_sd": 1}
    outcome = believed.set_index("quantity").loc[["outcome_mean", "outcome_sd"]]
    assert outcome["observed"].tolist() == pytest.approx(
        [train.outcome.mean(), train.outcome.std()]
    )
    assert outcome["channel"].isna().all()
    mean = outcome.loc["outcome_mean"]
    assert mean["ci_lo"] < mean["observed"] < mean["ci_hi"]


def test_every_series_and_their_sum_have_rows(
    monkeypatch: pytest.MonkeyPatch, regional_mixture: Fit
) -> None:
    monkeypatch.setattr(module, "sample_prior", lambda *_: regional_mixture)
    frame = prior_predictive(regional_mixture.panel)
    assert set(frame["series_key"]) == {*regional_mixture.panel.series, ALL_SERIES}
    assert not frame.duplicated(["series_key", "quantity", "channel"]).any()
    shares = frame[frame["quantity"] == "contribution_share"]
    assert (shares.groupby("series_key").size() == 6).all()
    # Newsletters cost nothing anywhere, and the second region has no radio.
    roi = frame[frame["quantity"] == "roi"].groupby("series_key")["channel"].agg(set)
    assert roi[ALL_SERIES] == {"tv", "search", "social", "display", "radio"}
    assert roi["region_02"] == {"tv", "search", "social", "display"}
    sums = frame[frame["quantity"] == "outcome_sd"].set_index("series_key")
    for part in with_total(regional_mixture):
        assert sums.loc[part.series, "observed"] == pytest.approx(part.outcome.std())
        by_hand = np.median(part.predicted.std(axis=1))
        assert sums.loc[part.series, "median"] == pytest.approx(by_hand)
