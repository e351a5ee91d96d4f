"""Can a medium's effect be told from a level that walks?"""

import numpy as np

from hill_mmm._checks.gate import Check, at_most
from hill_mmm._model.design import baseline_design
from hill_mmm._posterior import Posterior, flatten
from hill_mmm._results.baseline_prior import learned_prior_sd
from hill_mmm._results.decompose import decompose
from hill_mmm.panel import Floats

# With so much of the information gone, the data leave an effect twice as uncertain.
MOST_LOST = 0.75


def level_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdict on media that are hard to tell from a level that walks.

    Of each medium, the share of the information on the size of its effect that is lost because the
    level may walk as far as the fit has learned that it does. In a linear model, information is the
    inverse variance of that size given the outcome and the shape of the effect: it falls from
    `x' V^-1 x` to `x' (V + W)^-1 x`, with x the effect by week, V the covariance of noise and the
    rest of the baseline, W that of the walk. There is none where the trend is not smooth.

    Args:
        posterior: the fit.
    """
    if posterior.spec.trend != "smooth":
        return []
    lost = walk_takes(posterior)
    names = np.array(posterior.panel.media_names)
    named = ", ".join(names[lost > MOST_LOST])
    return [
        at_most(
            "slow_media",
            float(lost.max()),
            MOST_LOST,
            "Largest share of what the data say of a medium's effect that is lost because the "
            f"level may walk: {names[lost.argmax()]}. Above {MOST_LOST:.0%}, the interval of its "
            "ROI is more than twice as wide as that of a level that is known, and rests on its "
            f"prior ({named or 'none'}). The medium moves as slowly as the level does: run a lift "
            "test, let its budget pause and return, or, if the level is known not to walk, set "
            "model.trend: linear.",
            blocking=False,
        )
    ]


def walk_takes(posterior: Posterior) -> Floats:
    """Share of the information on each medium's effect that a walking level takes, `(media,)`.

    The walk is one for all series; the media's effects are taken to be off by one factor.
    """
    panel, scales = posterior.panel, posterior.scales
    design = baseline_design(panel, posterior.spec, scales)
    columns = design.matrix * learned_prior_sd(posterior, design)
    steps = design.learned["trend"]
    sigma = flatten(posterior.draws["sigma"]).mean(axis=0)
    media = len(panel.media_names)
    information, across, of_walk = np.zeros(media), np.zeros((steps, media)), np.eye(steps)
    for number, part in enumerate(decompose(posterior)):
        rows = slice(int(panel.starts[number]), None)
        rest, walk = np.split(columns[rows, number] / sigma[number], [-steps], axis=1)
        effect = part.media.mean(axis=0) / (scales.outcome[number] * sigma[number])
        # Woodbury: V^-1 = I - B (I + B'B)^-1 B', in units of the noise.
        inverse = np.linalg.inv(np.eye(rest.shape[1]) + rest.T @ rest)
        left, walk_left = (x - rest @ (inverse @ (rest.T @ x)) for x in (effect, walk))
        information += (effect * left).sum(axis=0)
        across += walk.T @ left
        of_walk += walk.T @ walk_left
    taken = (across * np.linalg.solve(of_walk, across)).sum(axis=0)
    return np.divide(taken, information, out=np.zeros(media), where=information > 0)
