"""What the model believes before it has seen the outcome."""

import numpy as np
import pandas as pd

from hill_mmm._fit import sample_prior
from hill_mmm._results.decompose import with_total
from hill_mmm._results.estimands import channel_summary
from hill_mmm._results.periods import summary_periods
from hill_mmm._results.returns import returns_with_total
from hill_mmm._results.statistics import statistics
from hill_mmm.panel import Panel
from hill_mmm.spec import ModelSpec, SamplerSettings


def prior_predictive(
    panel: Panel,
    spec: ModelSpec | None = None,
    sampler: SamplerSettings | None = None,
    ci_level: float = 0.9,
) -> pd.DataFrame:
    """Summary of the prior in the user's units, to read before any fit.

    Args:
        panel: the data; of the outcome only its mean and spread are used.
        spec: the model whose prior it is.
        sampler: for the draws from the prior, which has no closed form.
        ci_level: of the intervals.

    Returns:
        One row a quantity and series: ROI and contribution share of each medium, mean and standard
        deviation of the weekly outcome, with the observed value where there is one. A prior whose
        interval does not hold the observed mean is a mistake; so is a contribution share that
        nobody in the business would believe. Standard deviations above the observed one are meant:
        the prior lets trend, season and each control have all of it.
    """
    prior = sample_prior(panel, spec, sampler)
    frames: list[pd.DataFrame] = []
    all_weeks = returns_with_total(prior, panel, summary_periods(panel.outcome_weeks)[:1])
    for part, returns in zip(with_total(prior), all_weeks, strict=True):
        media = channel_summary(prior, part, returns, ci_level)
        for name in ("roi", "contribution_share"):
            columns = {f"{name}_{column}": column for column in _COLUMNS}
            frames.append(
                media.rename(columns=columns)[["series_key", "channel", *_COLUMNS]]
                .assign(quantity=name)
                .dropna(subset="median")
            )
        for name, draws, observed in (
            ("outcome_mean", part.predicted.mean(axis=1), part.outcome.mean()),
            ("outcome_sd", part.predicted.std(axis=1), part.outcome.std()),
        ):
            found = statistics(name, draws, ci_level)
            values = {column: found[f"{name}_{column}"] for column in _COLUMNS}
            frames.append(
                pd.DataFrame(values).assign(
                    series_key=part.series, quantity=name, observed=float(observed)
                )
            )
    rows = pd.concat(frames, ignore_index=True)
    return rows[["series_key", "quantity", "channel", *_COLUMNS, "observed"]].assign(
        observed=rows["observed"].astype(np.float64)
    )


_COLUMNS = ["median", "mean", "ci_lo", "ci_hi"]
