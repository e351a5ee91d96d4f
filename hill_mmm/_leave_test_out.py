"""Each lift test against the model without it."""

import logging

from hill_mmm._arviz import array_stats
from hill_mmm._cross_validation import shorter
from hill_mmm._fit import Fit, fit
from hill_mmm._results.importance import MAX_PARETO_K
from hill_mmm._results.lift_tests import (
    LiftWithoutTest,
    modelled_lift,
    psis_without,
    refitted_without,
)
from hill_mmm._sampling.nuts import SamplerError
from hill_mmm._sampling.progress import ProgressCallback

# Of the lift in a refit, which is compared and not published.
MAX_R_HAT = 1.05

_log = logging.getLogger(__name__)


def leave_test_out(
    fitted: Fit, *, on_progress: ProgressCallback | None = None
) -> tuple[LiftWithoutTest, ...]:
    """What the model says of each lift test's weeks without having seen that test.

    The fit's own draws by importance weights, which costs nothing; and where their Pareto k says
    that the posterior without the test is elsewhere, a shorter refit without it, on the same
    scales. A test that is far off always needs one.

    Args:
        fitted: the fit, with its tests.
        on_progress: of each refit, see `fit`.

    Returns:
        One for each test. Where a refit has given no draws, or chains that do not agree on the
        lift, its weights stay, with their `pareto_k` over `MAX_PARETO_K`.
    """
    return tuple(
        weighted
        if weighted.pareto_k <= MAX_PARETO_K
        else _refitted(fitted, number, weighted, on_progress)
        for number, weighted in enumerate(psis_without(fitted))
    )


def _refitted(
    fitted: Fit, number: int, weighted: LiftWithoutTest, on_progress: ProgressCallback | None
) -> LiftWithoutTest:
    tests = fitted.lift_tests
    try:
        again = fit(
            fitted.panel,
            fitted.spec,
            shorter(fitted.sampler),
            lift_tests=tests[:number] + tests[number + 1 :],
            scales=fitted.scales,
            on_progress=on_progress,
        )
    except SamplerError as error:
        _log.warning(f"the fit without lift test {number} has no draws: {error}")
        return weighted
    lift = modelled_lift(again, tests[number : number + 1]).mean[:, 0]
    r_hat = float(array_stats.rhat(again.by_chain(lift), chain_axis=0, draw_axis=1))
    if not r_hat <= MAX_R_HAT:
        _log.warning(f"the chains without lift test {number} do not agree: R-hat {r_hat:.3f}")
        return weighted
    return refitted_without(again, tests[number], weighted.pareto_k)
