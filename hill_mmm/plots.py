"""Pictures of a fit, drawn from its tidy frames; money is in the panel's currency."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 6.4, 3.4, 80
INK, BAND = "#1f4e79", "#9dc3e6"
CURVES_A_ROW = 5


def plot_fit(model_fit: pd.DataFrame, unit: str = "") -> Figure:
    """Actual outcome over the predictive interval of each week.

    Args:
        model_fit: rows of one series, of `Estimates.model_fit` or `Fit.predict`.
        unit: of the outcome, for the axis.
    """
    figure, axes = _figure()
    weeks = pd.to_datetime(model_fit["week_start"])
    low, high = model_fit["predicted_ci_lo"], model_fit["predicted_ci_hi"]
    axes.fill_between(weeks, low, high, color=BAND, alpha=0.5, lw=0, label="predictive interval")
    axes.plot(weeks, model_fit["expected_mean"], color=INK, label="expected")
    axes.plot(weeks, model_fit["actual"], ".", color="black", markersize=3, label="actual")
    axes.set_ylabel(_labelled("outcome a week", unit))
    axes.legend(frameon=False, fontsize=8)
    return figure


def plot_contributions(contribution: pd.DataFrame, unit: str = "") -> Figure:
    """Media contributions by week, stacked.

    Args:
        contribution: rows of one series, of `Estimates.contribution`.
        unit: of the outcome, for the axis.
    """
    figure, axes = _figure()
    media = contribution[contribution["component_type"].isin(["channel", "organic"])]
    by_week = media.pivot(index="week_start", columns="component", values="contribution_mean")
    axes.stackplot(by_week.index, by_week.to_numpy().T, labels=list(by_week.columns), alpha=0.85)
    axes.set_ylabel(_labelled("contribution a week", unit))
    axes.legend(frameon=False, fontsize=7, loc="upper left", ncols=3)
    return figure


def plot_roi(channel_summary: pd.DataFrame) -> Figure:
    """ROI of each paid channel with its interval, and the line where money comes back.

    Args:
        channel_summary: rows of one series and period, of `Estimates.channel_summary`.
    """
    figure, axes = _figure()
    rows = channel_summary[channel_summary["roi_mean"].notna()].iloc[::-1]
    error = [rows["roi_mean"] - rows["roi_ci_lo"], rows["roi_ci_hi"] - rows["roi_mean"]]
    axes.errorbar(rows["roi_mean"], rows["channel"], xerr=error, fmt="o", color=INK, ecolor=BAND)
    axes.axvline(1.0, color="grey", lw=0.8, ls=":")
    axes.set_xlabel("ROI (contribution per unit of spend)")
    return figure


def plot_response_curves(response_curve: pd.DataFrame, unit: str = "") -> Figure:
    """One frame a channel: outcome against steady weekly spend, the mean spend marked.

    The curve is dashed where it has met no data.

    Args:
        response_curve: rows of one series, of `Estimates.response_curve`.
        unit: of spend and outcome, for the axes.
    """
    steady = response_curve[response_curve["basis"] == "steady_state"]
    channels = list(dict.fromkeys(steady["channel"]))
    columns = min(len(channels), CURVES_A_ROW)
    rows = -(-len(channels) // columns)
    figure = Figure(figsize=(2.1 * columns, 1.9 * rows + 0.4), dpi=DPI, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, channel in zip(grid, channels, strict=False):
        _draw_curve(axes, steady[steady["channel"] == channel])
        axes.set_title(channel, fontsize=8)
    for axes in grid[len(channels) :]:
        axes.remove()
    figure.supxlabel(_labelled("thousands of weekly spend (dotted: mean)", unit), fontsize=8)
    figure.supylabel(_labelled("thousands a week", unit), fontsize=8)
    return figure


def plot_moving_effects(parameter_summary: pd.DataFrame) -> Figure:
    """The multiplier of each effect that moves, with its 90 % interval; 1 is its mean.

    Args:
        parameter_summary: of a fit with `moving_effects`, by `parameter_summary`.

    Raises:
        ValueError: if no effect moves.
    """
    rows = parameter_summary[parameter_summary["parameter"] == "effect_multiplier"]
    if rows.empty:
        raise ValueError("no effect of this fit moves: name media in ModelSpec.moving_effects")
    named = rows["index"].str.rsplit("@", n=1)
    rows = rows.assign(medium=named.str[0], week=named.str[1])
    figure, axes = _figure()
    for name, points in rows.groupby("medium", sort=False):
        weeks = pd.to_datetime(points["week"])
        (line,) = axes.plot(weeks, points["mean"], label=name)
        axes.fill_between(
            weeks, points["q05"], points["q95"], color=line.get_color(), alpha=0.15, lw=0
        )
    axes.axhline(1.0, color="grey", lw=0.8, ls=":")
    axes.set_ylabel("effect over its mean of all weeks")
    axes.legend(frameon=False, fontsize=7, loc="upper left", ncols=3)
    return figure


def plot_convergence(parameter_summary: pd.DataFrame, max_r_hat: float, min_ess: float) -> Figure:
    """R-hat and ESS of every published quantity, the worst named, with the gate's limits.

    Args:
        parameter_summary: of a fit, by `parameter_summary`.
        max_r_hat: the gate's; each quantity's dotted limit is this, or what chance explains if that
            is more.
        min_ess: dotted limit of the lesser of bulk and tail ESS.
    """
    judged = parameter_summary[parameter_summary["is_judged"]]
    r_hat, ess = judged["r_hat"].to_numpy(), judged[["ess_bulk", "ess_tail"]].to_numpy().min(axis=1)
    limit = np.fmax(judged["r_hat_by_chance"].to_numpy(), max_r_hat)
    least = np.full(len(judged), min_ess)
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    for axes, values, limits, worst, label in zip(
        figure.subplots(1, 2),
        (r_hat, ess),
        (limit, least),
        # By NumPy, to which an undefined one is the worst there is.
        ((r_hat - limit).argmax(), ess.argmin()),
        ("R-hat", "ESS (lesser of bulk and tail)"),
        strict=True,
    ):
        order = np.argsort(values)
        axes.plot(values[order], ".", color=INK, markersize=3)
        axes.plot(limits[order], color="grey", lw=0.8, ls=":")
        name = f"{judged['parameter'].iloc[int(worst)]} {judged['index'].iloc[int(worst)]}".strip()
        axes.set_title(f"worst: {name}", fontsize=8)
        axes.set_ylabel(label, fontsize=8)
        axes.set_xlabel("published quantities, in order", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_curve(axes: Axes, points: pd.DataFrame) -> None:
    spend, mean = points["weekly_spend"] / 1e3, points["contribution_mean"] / 1e3
    low, high = points["contribution_ci_lo"] / 1e3, points["contribution_ci_hi"] / 1e3
    axes.fill_between(spend, low, high, color=BAND, alpha=0.5, lw=0)
    axes.plot(spend, mean.mask(points["is_extrapolated"]), color=INK)
    axes.plot(spend, mean.where(points["is_extrapolated"]), color=INK, ls="--")
    axes.axvline(spend[points["spend_multiplier"] == 1.0].iloc[0], color="grey", lw=0.8, ls=":")
    axes.tick_params(labelsize=6)


def _labelled(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
