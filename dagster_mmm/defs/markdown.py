"""Small tables that the Dagster UI shows inline."""

from collections.abc import Iterable
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def summary_markdown(summary: "pd.DataFrame") -> str:
    """ROI with its interval by channel, as a Markdown table."""
    lines = [
        f"| {row.channel} | {row.spend:,.0f} | "
        + (
            f"no ROI: {row.no_return_reason} | | |"
            if isnan(float(str(row.roi_mean)))
            else f"{row.roi_mean:.2f} | {row.roi_ci_lo:.2f} to {row.roi_ci_hi:.2f} "
            f"| {row.mroi_mean:.2f} |"
        )
        for row in summary.itertuples()
    ]
    level = summary["ci_level"].iloc[0]
    head = [f"| channel | spend | ROI | {level:.0%} interval | mROI |", "|---|--:|--:|--:|--:|"]
    return "\n".join(head + lines)


def verdict_markdown(checks: Iterable[Any]) -> str:
    """Verdicts as a Markdown table.

    Args:
        checks: of a fit, or the rows of `mmm_diagnostic`, which have the same names.
    """
    lines = [
        f"| {check.check_name} | {check.status} | {check.value:.4g} | {check.threshold:.4g} |"
        for check in checks
    ]
    return "\n".join(["| check | status | value | threshold |", "|---|---|--:|--:|", *lines])
