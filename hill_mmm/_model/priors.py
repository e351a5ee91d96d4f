"""The priors of the model that no setting changes.

The seed has that of `mu_log_A` (docs/seed.md, section 6.2). The others are ours. Those that a user
may set, and the rest of the seed's, are in `hill_mmm.spec`: `AmplitudePrior`, `CurvePrior` and
`ComponentPrior`. `mu_log_A`'s location comes from the data (`Scales.amplitude_loc`); k's prior is
in multiples of the median adstocked spend (`Scales.log_half_saturation`).
"""

from typing import NamedTuple

import jax
import numpyro.distributions as dist

from hill_mmm.spec import Hyperprior

# Weeks after the spend at which the delayed adstock works most.
PEAK = dist.HalfNormal(2.0)
# Of the Weibull adstock: a shape over 1 peaks late, and the scale is in weeks.
WEIBULL_SHAPE = dist.LogNormal(0.4, 0.4)
WEIBULL_SCALE = dist.LogNormal(0.7, 0.5)
# Spend before the first week, over the steady level of the first weeks: as much on average, from
# next to nothing (a campaign had just begun) to more than twice (one had just ended).
CARRY_IN = dist.Gamma(2.0, 2.0)

MU_LOG_A_SD = 0.5


class ComponentScales(NamedTuple):
    """Priors of the standard deviations between components: of log amplitude and log slope."""

    log_amplitude: dist.Distribution
    log_slope: dist.Distribution


def component_scales(
    hyperprior: Hyperprior, log_amplitude: jax.Array, log_slope: jax.Array
) -> ComponentScales:
    """Of the three families that the seed compares (docs/seed.md, section 3), one.

    Args:
        hyperprior: the seed settles on `lognormal`.
        log_amplitude: location and scale of the LogNormal, `(2,)`.
        log_slope: the same.
    """
    if hyperprior == "lognormal":
        return ComponentScales(dist.LogNormal(*log_amplitude), dist.LogNormal(*log_slope))
    if hyperprior == "halfnormal":
        return ComponentScales(dist.HalfNormal(0.1), dist.HalfNormal(0.1))
    return ComponentScales(dist.InverseGamma(3.0, 1.0), dist.InverseGamma(4.0, 1.0))


# Correlation of two channels' log ROI that have the default prior: each ROI has the prior that is
# written, and what all bring together is as uncertain as a market is. Of channels that are
# independent the prior of the sum is so narrow that five weak ones were read as strong ones.
SHARED_EFFECT = 0.5
# Of a channel over its weeks, beside the prior on its effect. Amplitude is the effect divided by
# the mean saturation: without this, a curve that one peak week alone has climbed has no mean
# amplitude, and its response beyond that week no mean. Under the seed's prior it is not needed. It
# moves log k by -0.3 (K = 1) or -0.1 (K = 3), under half of its sd, and not the hyperpriors: log k
# is symmetric about its location, where the mean saturation is near 1/2 whatever the slope.
MEAN_SATURATION = dist.Beta(2.0, 1.0)
# Standard deviation between series: of a channel's log effect, of a baseline coefficient over its
# own prior scale, and of log noise. The family that the seed found free of funnels.
SERIES_SCALE = dist.LogNormal(-1.0, 0.5)
# Scale of baseline columns that share one: how far the level walks in a year, and the size of the
# season's finer harmonics, over the outcome's standard deviation. It reaches 0, where such columns
# are not there.
LEARNED_SCALE = dist.HalfNormal(1.0)
# Degrees of freedom of the robust likelihood (Juarez and Steel 2010); over 2, so that outcomes
# have a variance.
DEGREES_OF_FREEDOM = dist.Gamma(2.0, 0.1)
MIN_DEGREES_OF_FREEDOM = 2.0
# Of the log multiplier of an effect that moves, from one half-year to the next. In markets of five
# channels whose curves are known, 90 % intervals of the last quarter's effect covered 86 % with
# effects that double or halve in three years, 94 % with 1.4 x, and 95 % where nothing moves, 1.3
# times as wide as of a constant effect, which covered 54, 78 and 92 %. A step of 0.15 covered 82 %
# of the first, and a scale that is learned, HalfNormal(0.2) or LogNormal about 0.15, 83 %: five
# steps say little of it.
MOVING_STEP_SD = 0.2
