"""The density of the log effects, against SciPy's, and against what the model samples."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from hill_mmm import Fit, ModelSpec, RoiPrior
from hill_mmm._model.effect_prior import EffectPrior, effect_prior
from hill_mmm._posterior import flatten
from hill_mmm._results.decompose import decompose

MEDIA = 4


@pytest.fixture
def correlated() -> EffectPrior:
    root = np.random.default_rng(0).normal(size=(MEDIA, MEDIA))
    return EffectPrior(
        np.zeros((1, MEDIA)), np.arange(MEDIA) / 10.0, root @ root.T + 0.1 * np.eye(MEDIA)
    )


def test_the_joint_density(correlated: EffectPrior) -> None:
    draws = np.random.default_rng(1).normal(size=(30, MEDIA))
    wanted = multivariate_normal(correlated.loc, correlated.covariance).logpdf(draws)
    np.testing.assert_allclose(correlated.log_density(draws), wanted, rtol=1e-9)
    of_each = norm.logpdf(draws, correlated.loc, np.sqrt(np.diag(correlated.covariance)))
    np.testing.assert_allclose(correlated.log_density_of_each(draws), of_each, rtol=1e-12)


@pytest.mark.parametrize("medium", range(MEDIA))
def test_a_medium_given_the_others(correlated: EffectPrior, medium: int) -> None:
    """The joint density is that of the others times that of the medium given them."""
    draws = np.random.default_rng(2).normal(size=(30, MEDIA))
    mean, sd = correlated.given_the_others(draws, medium)
    others = np.delete(np.arange(MEDIA), medium)
    of_others = multivariate_normal(
        correlated.loc[others], correlated.covariance[np.ix_(others, others)]
    )
    product = of_others.logpdf(draws[:, others]) + norm.logpdf(draws[:, medium], mean, sd)
    np.testing.assert_allclose(correlated.log_density(draws), product, rtol=1e-9)


def test_the_prior_is_that_of_the_specification(fitted: Fit) -> None:
    spec = ModelSpec(channel_priors={"tv": RoiPrior(2.0, 0.3)})
    prior = effect_prior(fitted.panel, spec, fitted.scales)
    assert prior.loc[0] == pytest.approx(np.log(2.0))
    sd = np.sqrt(np.diag(prior.covariance))
    np.testing.assert_allclose(sd, [0.3, *[0.9] * (len(sd) - 1)])


def test_a_fit_records_what_the_prior_speaks_of(fitted: Fit) -> None:
    (part,) = decompose(fitted)
    unit = effect_prior(fitted.panel, fitted.spec, fitted.scales).unit
    effect = part.media.mean(axis=1) / fitted.scales.outcome[0]
    log_effect = flatten(fitted.draws["log_effect"])
    np.testing.assert_allclose(np.log(effect) - unit[0], log_effect, rtol=1e-9, atol=1e-9)
