"""Scoring without a fit: a frozen posterior on weeks that came after it."""

from dataclasses import dataclass, replace

import pandas as pd

from hill_mmm._posterior import Posterior
from hill_mmm._results.accuracy import accuracy
from hill_mmm._results.decompose import with_total
from hill_mmm._results.estimands import (
    channel_summary,
    contribution,
    model_fit,
    period_returns,
)
from hill_mmm.panel import Panel

# As the rows of an evaluation set call the weeks after the fit.
SCORED = "scored"


@dataclass(frozen=True)
class Scored:
    """What a frozen posterior says of a longer panel; columns as in `Estimates`.

    Attributes:
        channel_summary: a row for each series, medium and period; periods end with the panel.
        contribution: a row for each series, week of the panel and part of the expected outcome.
        model_fit: a row for each series and week of the panel, `scored` where it is after the fit.
        accuracy: a row for each series and metric of the scored weeks, as `hill_mmm.accuracy`.
    """

    channel_summary: pd.DataFrame
    contribution: pd.DataFrame
    model_fit: pd.DataFrame
    accuracy: pd.DataFrame


def score(posterior: Posterior, panel: Panel, ci_level: float = 0.9) -> Scored:
    """Apply a fit to a panel that goes on after it; nothing is sampled and nothing learned.

    Spend and controls are those that came, so that the scored weeks' error is the model's, not
    the plan's. A scored week may have been in any regime of a mixture, by the weights: its own
    outcome does not say which. Weeks before the fit's end keep the posterior that they made, also
    where the panel has restated them.

    Args:
        posterior: the fit.
        panel: all weeks from the fit's first on, with an outcome in each.
        ci_level: of the intervals.

    Raises:
        ValueError: if no week follows those fitted to, or if the panel starts elsewhere or has
            other series, media or controls.
    """
    last = posterior.panel.weeks[-1]
    if panel.weeks[-1] <= last:
        raise ValueError(
            f"there is nothing to score: the panel ends with the week of {panel.weeks[-1]}, the "
            f"fit with that of {last}"
        )
    summary: list[pd.DataFrame] = []
    contributions: list[pd.DataFrame] = []
    fitted: list[pd.DataFrame] = []
    errors: list[pd.DataFrame] = []
    # The periods of the summary end with the panel, not with the fit.
    returns = period_returns(posterior, panel)
    for part, brought in zip(with_total(posterior, panel), returns, strict=True):
        whole = replace(part, n_fitted=len(part.weeks))
        summary.append(channel_summary(posterior, whole, brought, ci_level))
        contributions.append(contribution(part, ci_level))
        fitted.append(model_fit(part, ci_level))
        errors.append(accuracy([part], ci_level))
    return Scored(
        channel_summary=pd.concat(summary, ignore_index=True),
        contribution=pd.concat(contributions, ignore_index=True),
        model_fit=_joined_as_scored(fitted),
        accuracy=_joined_as_scored(errors),
    )


def _joined_as_scored(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """To a fit, weeks after it are held out; here they are what has come since."""
    rows = pd.concat(frames, ignore_index=True)
    return rows.replace({"evaluation_set": {"holdout": SCORED}})
