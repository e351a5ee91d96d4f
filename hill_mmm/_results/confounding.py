"""How strong a driver that is not in the model would have to be to overturn a return.

Cinelli and Hazlett 2020, Making sense of sensitivity: extending omitted variable bias,
https://doi.org/10.1111/rssb.12348, section 4. In a regression of an outcome `y` on a treatment `d`
and the covariates `x`, a hidden driver moves the coefficient of `d` by

    sqrt(R2_y * R2_d / (1 - R2_d)) * sd(y | d, x) / sd(d | x)

with `R2_y` the share that it explains of what `d` and `x` leave over in `y`, and `R2_d` the share
of what `x` leaves over in `d`. With `d` a medium's mean contribution by week, `y` the outcome, and
`x` the contributions of the others and the baseline, the coefficient is 1, and multiplies the
medium's returns. That holds the curves at their posterior mean, and leaves the media's priors out,
which would hold the return where it is: with them, a driver would have to be a little stronger.
"""

import numpy as np

from hill_mmm.panel import Floats

# Of media that are always on together, neither would be told from the other.
NEXT_TO_NONE = 1e-9


def multiplier_information(effect: Floats, regressors: Floats, prior_sd: Floats) -> Floats:
    """What the weeks say of a multiplier of each medium's contribution, whatever the baseline is.

    Args:
        effect: contribution by medium over the noise, `(weeks, media)`.
        regressors: of the baseline over the noise, `(weeks, columns)`.
        prior_sd: of the regressors' coefficients, `(columns,)`.

    Returns:
        Fisher information, the coefficients of the baseline integrated out, `(media, media)`. It
        adds up over series.
    """
    precision = regressors.T @ regressors + np.diag(prior_sd**-2.0)
    shared = regressors.T @ effect
    return effect.T @ effect - shared.T @ np.linalg.solve(precision, shared)


def robustness(shift: Floats, information: Floats, unexplained: float) -> Floats:
    """The least partial R2, with outcome and medium alike, that moves a multiplier by so much.

    The robustness value: `(sqrt(f**4 + 4 f**2) - f**2) / 2`, with `f` the shift over
    `sd(y | d, x) / sd(d | x)`.

    Args:
        shift: of the multiplier of 1, by medium.
        information: see `multiplier_information`.
        unexplained: sum of the squared residuals over the noise variance; what the priors of the
            baseline hold back of it counts too.

    Returns:
        Shares, 0-1, by medium; NaN for one that brings nothing.
    """
    diagonal = np.diagonal(information)
    brings = diagonal > 0
    among = information[np.ix_(brings, brings)] + NEXT_TO_NONE * np.diag(diagonal[brings])
    variance = np.full(len(diagonal), np.nan)
    variance[brings] = np.diagonal(np.linalg.inv(among))
    f_squared = shift**2 / (variance * unexplained)
    return (np.sqrt(f_squared**2 + 4.0 * f_squared) - f_squared) / 2.0
