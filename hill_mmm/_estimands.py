"""The published estimands as tidy frames: each defined here and nowhere else.

Statistics of a quantity stand in columns `<name>_mean, _median, _sd, _ci_lo, _ci_hi`, the interval
equal-tailed at `ci_level`. Money is in the panel's currency.
"""

import jax.numpy as jnp
import numpy as np
import pandas as pd

from hill_mmm._adstock import geometric_adstock
from hill_mmm._fit import Fit
from hill_mmm._panel import Floats
from hill_mmm._posterior import Decomposition, predictive_draws, response_curves

CURVE_MULTIPLIERS: Floats = np.arange(1, 41) / 20.0


def statistics(name: str, draws: Floats, ci_level: float) -> dict[str, Floats]:
    """Mean, median, sd and equal-tailed interval over the first axis, as named columns.

    The remaining axes are flattened in C order.
    """
    flat = draws.reshape(len(draws), -1)
    tail = (1.0 - ci_level) / 2.0
    low, median, high = np.quantile(flat, [tail, 0.5, 1.0 - tail], axis=0)
    return {
        f"{name}_mean": flat.mean(axis=0),
        f"{name}_median": median,
        f"{name}_sd": flat.std(axis=0, ddof=1),
        f"{name}_ci_lo": low,
        f"{name}_ci_hi": high,
    }


def channel_summary(fit: Fit, decomposition: Decomposition, ci_level: float) -> pd.DataFrame:
    """Spend, contribution, ROI and marginal ROI of each channel over the whole window.

    ROI is contribution divided by spend; mROI the derivative of the outcome by a uniform relative
    increase of the channel's spend, divided by its spend. `roi_learned` is the
    share of the prior variance of log ROI that the data removed: near 0, the ROI is the prior's; it
    is undefined (NaN) under the seed's amplitude prior, which states none on ROI.
    """
    panel = decomposition.panel
    spend = panel.spend.sum(axis=0)
    contribution = decomposition.media.sum(axis=1)
    roi = contribution / spend
    learned = np.full(len(spend), np.nan)
    if fit.spec.amplitude_prior == "roi":
        prior_sd = np.array([fit.spec.roi_prior(channel).sd_log for channel in panel.channels])
        learned = 1.0 - np.log(roi).var(axis=0) / prior_sd**2
    share = contribution / decomposition.expected.sum(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            "series_key": panel.series,
            "channel": panel.channels,
            "period": "all",
            "spend": spend,
            "spend_share": spend / spend.sum(),
            **statistics("contribution", contribution, ci_level),
            **statistics("contribution_share", share, ci_level),
            **statistics("roi", roi, ci_level),
            **statistics("mroi", decomposition.media_gain.sum(axis=1) / spend, ci_level),
            "prob_roi_gt_1": (roi > 1).mean(axis=0),
            "roi_learned": np.clip(learned, 0.0, 1.0),
            "ci_level": ci_level,
        }
    )


def contribution(decomposition: Decomposition, ci_level: float) -> pd.DataFrame:
    """Every part of every week's expected outcome; the parts of a week sum to it.

    Channels are counted from zero spend. Trend, seasonality and controls are deviations from their
    mean over the weeks fitted to, which stands in the baseline.
    """
    panel = decomposition.panel
    parts = [("channel", name) for name in panel.channels] + list(decomposition.baseline_parts)
    blocks = [*np.moveaxis(decomposition.media, 2, 0), *np.moveaxis(decomposition.baseline, 2, 0)]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "series_key": panel.series,
                    "week_start": panel.weeks,
                    "component_type": component_type,
                    "component": component,
                    **statistics("contribution", draws, ci_level),
                    "ci_level": ci_level,
                }
            )
            for (component_type, component), draws in zip(parts, blocks, strict=True)
        ],
        ignore_index=True,
    )


def response_curve(fit: Fit, ci_level: float) -> pd.DataFrame:
    """Weekly outcome and mROI of each channel against its steady weekly spend.

    A point is extrapolated where its spend exceeds every week's adstocked spend (at the posterior
    mean of alpha), beyond which the curve has met no data.
    """
    points = response_curves(fit, CURVE_MULTIPLIERS)
    alpha = fit.draws["alpha"].mean(axis=(0, 1))
    highest = np.asarray(geometric_adstock(jnp.asarray(fit.panel.spend), alpha)).max(axis=0)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "series_key": fit.panel.series,
                    "channel": channel,
                    "grid_index": np.arange(len(CURVE_MULTIPLIERS)),
                    "spend_multiplier": CURVE_MULTIPLIERS,
                    "weekly_spend": points.weekly_spend[:, at],
                    **statistics("contribution", points.contribution[:, :, at], ci_level),
                    **statistics("mroi", points.mroi[:, :, at], ci_level),
                    "is_extrapolated": points.weekly_spend[:, at] > highest[at],
                    "ci_level": ci_level,
                }
            )
            for at, channel in enumerate(fit.panel.channels)
        ],
        ignore_index=True,
    )


def model_fit(fit: Fit, decomposition: Decomposition, ci_level: float) -> pd.DataFrame:
    """Actual against expected outcome by week, with the predictive interval of the actual.

    Weeks after those fitted to are the `holdout` set.
    """
    panel = decomposition.panel
    expected = decomposition.expected
    predicted = statistics("predicted", predictive_draws(fit, decomposition), ci_level)
    held_out = np.arange(len(panel)) >= len(fit.panel)
    return pd.DataFrame(
        {
            "series_key": panel.series,
            "week_start": panel.weeks,
            "evaluation_set": np.where(held_out, "holdout", "train"),
            "actual": panel.outcome,
            **statistics("expected", expected, ci_level),
            "baseline_mean": decomposition.baseline.sum(axis=2).mean(axis=0),
            "residual": panel.outcome - expected.mean(axis=0),
            "predicted_ci_lo": predicted["predicted_ci_lo"],
            "predicted_ci_hi": predicted["predicted_ci_hi"],
            "ci_level": ci_level,
        }
    )
