"""The seed document's priors (section 6.2), each stated once.

`mu_log_A`'s location comes from the data (`Scales.amplitude_loc`); the location of log k is the
log median adstocked spend (`Scales.log_half_saturation`).
"""

import math

import numpyro.distributions as dist

ALPHA = dist.Beta(2.0, 2.0)
MU_LOG_A_SD = 0.5
SIGMA_LOG_A = dist.LogNormal(-1.0, 0.5)
MU_LOG_N = dist.Normal(math.log(1.5), 0.3)
SIGMA_LOG_N = dist.LogNormal(-1.5, 0.5)
# Of a channel over its weeks, beside the prior on its ROI. Amplitude is the effect divided by the
# mean saturation: without this, a curve that one peak week alone has climbed has no mean amplitude,
# and its response beyond that week no mean. Under the seed's prior on amplitude it is not needed.
MEAN_SATURATION = dist.Beta(2.0, 1.0)
# The seed says "similar for n, k" and gives no scale for k; the published code behind it has 0.7.
LOG_HALF_SATURATION_SD = 0.7
