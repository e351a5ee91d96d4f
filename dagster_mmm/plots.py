"""Small pictures for the Dagster UI, drawn from the result frames."""

import base64
import io

import dagster as dg
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 6.4, 3.4, 80
INK, BAND = "#1f4e79", "#9dc3e6"


def fit_against_actual(model_fit: pd.DataFrame, currency: str) -> Figure:
    """Actual outcome over the predictive interval of each training week."""
    rows = model_fit[model_fit["evaluation_set"] == "train"]
    figure, axes = _figure()
    weeks = pd.to_datetime(rows["week_start"])
    axes.fill_between(
        weeks, rows["predicted_ci_lo"], rows["predicted_ci_hi"], color=BAND, alpha=0.5, lw=0
    )
    axes.plot(weeks, rows["expected_mean"], color=INK, label="expected")
    axes.plot(weeks, rows["actual"], ".", color="black", markersize=3, label="actual")
    axes.set_ylabel(f"outcome a week ({currency})")
    axes.legend(frameon=False, fontsize=8)
    return figure


def response_curves(curves: pd.DataFrame, summary: pd.DataFrame, currency: str) -> Figure:
    """One panel a channel: outcome against spend, current spend marked, extrapolation dashed."""
    channels = list(summary["channel"])
    columns = min(len(channels), 5)
    rows = -(-len(channels) // columns)
    figure = Figure(figsize=(2.1 * columns, 1.9 * rows + 0.4), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, channel in zip(grid, channels, strict=False):
        points = curves[curves["channel"] == channel]
        spend, mean = points["weekly_spend"] / 1e3, points["contribution_mean"] / 1e3
        low, high = points["contribution_ci_lo"] / 1e3, points["contribution_ci_hi"] / 1e3
        axes.fill_between(spend, low, high, color=BAND, alpha=0.5, lw=0)
        axes.plot(spend, mean.mask(points["is_extrapolated"]), color=INK)
        axes.plot(spend, mean.where(points["is_extrapolated"]), color=INK, ls="--")
        current = spend[points["spend_multiplier"] == 1.0].iloc[0]
        axes.axvline(current, color="grey", lw=0.8, ls=":")
        axes.set_title(channel, fontsize=8)
        axes.tick_params(labelsize=6)
    for axes in grid[len(channels) :]:
        axes.remove()
    figure.supxlabel(f"weekly spend (thousand {currency}; dotted: mean)", fontsize=8)
    figure.supylabel(f"thousand {currency} a week", fontsize=8)
    return figure


def roi_by_channel(summary: pd.DataFrame) -> Figure:
    """ROI of each channel with its interval, and the line where money comes back."""
    figure, axes = _figure()
    rows = summary.iloc[::-1]
    error = [rows["roi_mean"] - rows["roi_ci_lo"], rows["roi_ci_hi"] - rows["roi_mean"]]
    axes.errorbar(rows["roi_mean"], rows["channel"], xerr=error, fmt="o", color=INK, ecolor=BAND)
    axes.axvline(1.0, color="grey", lw=0.8, ls=":")
    axes.set_xlabel("ROI (contribution per unit of spend)")
    return figure


def as_metadata(figure: Figure) -> dg.MarkdownMetadataValue:
    """A figure as an inline picture that the Dagster UI shows in a dialog."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
