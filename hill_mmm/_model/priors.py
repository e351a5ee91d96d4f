"""Every prior of the model, stated once.

The seed has those of `mu_log_A`, `sigma_log_A`, `mu_log_n`, `sigma_log_n` and the raw coordinates;
the code behind it those of alpha and log k (docs/seed.md, section 6.2). The others are ours.

`mu_log_A`'s location comes from the data (`Scales.amplitude_loc`); the location of log k is the
log median adstocked spend (`Scales.log_half_saturation`); the priors on ROI and contribution share
are the user's (`AmplitudePrior`).
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpyro.distributions as dist

from hill_mmm.spec import Hyperprior

# Retention a week, of the geometric and the delayed adstock.
ALPHA = dist.Beta(2.0, 2.0)
# Weeks after the spend at which the delayed adstock works most.
PEAK = dist.HalfNormal(2.0)
# Of the Weibull adstock: a shape over 1 peaks late, and the scale is in weeks.
WEIBULL_SHAPE = dist.LogNormal(0.4, 0.4)
WEIBULL_SCALE = dist.LogNormal(0.7, 0.5)
# Spend before the first week, over the steady level of the first weeks: as much on average, from
# next to nothing (a campaign had just begun) to more than twice (one had just ended).
CARRY_IN = dist.Gamma(2.0, 2.0)

MU_LOG_A_SD = 0.5
MU_LOG_N = dist.Normal(math.log(1.5), 0.3)


class ComponentScales(NamedTuple):
    """Priors of the standard deviations between components: of log amplitude and log slope."""

    log_amplitude: dist.Distribution
    log_slope: dist.Distribution


# The three that the seed compares (docs/seed.md, section 3); it settles on the first.
COMPONENT_SCALES: Mapping[Hyperprior, ComponentScales] = {
    "lognormal": ComponentScales(dist.LogNormal(-1.0, 0.5), dist.LogNormal(-1.5, 0.5)),
    "halfnormal": ComponentScales(dist.HalfNormal(0.1), dist.HalfNormal(0.1)),
    "inverse_gamma": ComponentScales(dist.InverseGamma(3.0, 1.0), dist.InverseGamma(4.0, 1.0)),
}
# Of a channel over its weeks, beside the prior on its effect. Amplitude is the effect divided by
# the mean saturation: without this, a curve that one peak week alone has climbed has no mean
# amplitude, and its response beyond that week no mean. Under the seed's prior it is not needed. It
# moves log k by -0.3 (K = 1) or -0.1 (K = 3), under half of its sd, and not the hyperpriors: log k
# is symmetric about its location, where the mean saturation is near 1/2 whatever the slope.
MEAN_SATURATION = dist.Beta(2.0, 1.0)
# Of every log slope given the hierarchy, beside it and wherever amplitudes come from an effect. A
# curve of slope near 0, or over 10, is a step: a constant by another name, which the hierarchy's
# free scale lets a regime of few weeks run off to, and which its chains then never leave.
LOG_SLOPE_LOC = math.log(1.5)
LOG_SLOPE_SD = 0.75
# The seed says "similar" for n and k (docs/seed.md, section 6.1) and gives no scale for k; the code
# behind it has 0.7 for its smallest k (section 6.2).
LOG_HALF_SATURATION_SD = 0.7
# Standard deviation between series: of a channel's log effect, of a baseline coefficient over its
# own prior scale, and of log noise. The family that the seed found free of funnels.
SERIES_SCALE = dist.LogNormal(-1.0, 0.5)
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
