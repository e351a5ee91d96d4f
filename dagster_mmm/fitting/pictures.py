"""Small pictures for the Dagster UI, of all series together."""

import base64
import io

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

import hill_mmm
import hill_mmm.plots
from dagster_mmm.fitting.result_rows import overall
from hill_mmm import GateThresholds

COLOURS = 64


def fit_against_actual(model_fit: pd.DataFrame, currency: str) -> Figure:
    """Actual outcome over the predictive interval of each training week."""
    rows = overall(model_fit)
    return hill_mmm.plots.plot_fit(rows[rows["evaluation_set"] == "train"], currency)


def contributions(contribution: pd.DataFrame, currency: str) -> Figure:
    """What each medium brought, week by week."""
    return hill_mmm.plots.plot_contributions(overall(contribution), currency)


def response_curves(curves: pd.DataFrame, currency: str) -> Figure:
    """One panel a channel: outcome against steady weekly spend."""
    return hill_mmm.plots.plot_response_curves(overall(curves), currency)


def convergence(parameters: pd.DataFrame, gate: GateThresholds) -> Figure:
    """R-hat and ESS of every published quantity against the gate's limits."""
    return hill_mmm.plots.plot_convergence(parameters, gate.max_r_hat, gate.min_ess)


def roi_by_channel(returns: pd.DataFrame) -> Figure:
    """ROI of each channel with its interval, and the line where money comes back."""
    return hill_mmm.plots.plot_roi(returns)


def as_markdown(figure: Figure) -> str:
    """A figure as an inline picture that the Dagster UI shows in a dialog."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    # It is a row of the event log: a palette is a third of the size, and looks the same.
    picture = Image.open(drawn).convert("RGB")
    picture.quantize(COLOURS).save(small, format="png", optimize=True)
    encoded = base64.b64encode(small.getvalue()).decode()
    return f"![plot](data:image/png;base64,{encoded})"
