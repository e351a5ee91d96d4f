"""What a control is: an event that comes and goes, or a quantity that always has a value."""

import numpy as np

from hill_mmm.panel import Panel


def event_controls(panel: Panel) -> np.ndarray:
    """Which controls are events, whose absence is 0: `(controls,)`.

    Those that are nothing but 0 and 1, and those that are 0 in at least half of their weeks, such
    as days of a promotion.
    """
    known = panel.controls[panel.observed]
    is_flag = np.isin(known, (0.0, 1.0)).all(axis=0)
    return is_flag | (np.count_nonzero(known == 0.0, axis=0) >= 0.5 * len(known))
