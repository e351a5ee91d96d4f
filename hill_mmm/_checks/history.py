"""How far a fit rewrites what an earlier one said of the same weeks."""

import pandas as pd

from hill_mmm._checks.gate import Check, at_most

# Beyond it, the reader of the earlier interval asks why.
SURPRISING_SD = 2.0


def history_checks(delta: pd.DataFrame, max_shift_sd: float | None = None) -> list[Check]:
    """The verdict on how far a fit rewrites what an earlier one said of its weeks.

    mROI is left out: it is the slope at the spend, which no week has shown.

    Args:
        delta: by `run_delta`.
        max_shift_sd: the most that a contribution or a ROI may move, beyond which the check fails;
            without it, a check warns of more than 2.

    Returns:
        One check, or none where the fits have nothing in common.
    """
    judged = delta[delta["metric"].isin(("contribution", "roi")) & delta["shift_sd"].notna()]
    if judged.empty:
        return []
    worst = judged.iloc[int(judged["shift_sd"].abs().argmax())]
    return [
        at_most(
            "history_shift",
            float(abs(worst["shift_sd"])),
            SURPRISING_SD if max_shift_sd is None else max_shift_sd,
            "Largest move of what was published of the same weeks, in its standard deviations: "
            f"{worst['metric']} of {worst['channel']} in {worst['series_key']}, from "
            f"{worst['previous_mean']:.4g} to {worst['current_mean']:.4g}. mmm_run_delta has its "
            "cause. If the move is right, raise gate.max_history_shift_sd for this run, or begin a "
            "new model.version.",
            blocking=max_shift_sd is not None,
        )
    ]
