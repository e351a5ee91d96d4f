"""The plans that limits allow."""

import numpy as np

from hill_mmm._planner.space import PlanSpace


def test_a_cell_that_cannot_be_on_air_for_its_least_is_off() -> None:
    space = PlanSpace(
        lower=np.zeros(2),
        upper=np.array([3000.0, 9000.0]),
        step=np.full(2, 2000.0),
        flight=np.full(2, 4000.0),
        total=np.inf,
    )
    lower, upper = space.bounds_of(np.array([3000.0, 5000.0]))
    np.testing.assert_array_equal(lower, [0.0, 4000.0])
    np.testing.assert_array_equal(upper, [0.0, 9000.0])
    np.testing.assert_array_equal(space.levels(0), [0.0])
