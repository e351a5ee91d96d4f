"""Advisory verdicts: what the reader of a fit should know. They warn, and block nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import binom, norm

from hill_mmm._checks.gate import Check, at_least, at_most
from hill_mmm._posterior import Posterior
from hill_mmm._results.components import (
    component_effect,
    effective_components,
    relabel,
    relabelling,
    separation,
    switching_rate,
)
from hill_mmm._results.importance import MAX_PARETO_K
from hill_mmm._results.prior_sensitivity import ALL_MEDIA, TRUST
from hill_mmm.panel import ALL_SERIES

# Of a medium's contribution over all weeks. In 14 markets as the model, the channels always on air
# have up to 0.77 of it below the least adstock seen; if they are saturated in every week, 0.8.
MAX_UNSEEN = 0.8
# The least of five channels was 0.08 in 14 markets as the model, and 0.13 to 0.45 in markets of
# which one channel has no effect: named is only what the data speak against by 19 to one.
MIN_PROB_EFFECT = 0.05
# In standard deviations of the posterior: a nominal 90 % interval so far off its place holds 87 %.
MAX_SHIFT_SD = 0.5
# A baseline that follows the weeks closely has a week or two over 0.7 in every other right market;
# over 1, the importance weights have no mean.
MAX_LOO_PARETO_K = 1.0
# Of a medium's contribution over all weeks. Steady spend with alpha 0.85 carries as much into two
# years as five or six of its weeks bring.
MAX_CARRIED_IN = 0.05


def holdout_checks(
    accuracy: pd.DataFrame, ci_level: float, n_weeks: int, evaluation_set: str = "holdout"
) -> list[Check]:
    """Advisory verdicts on weeks after a fit: coverage, and error against a naive forecast.

    They warn and do not block: a holdout of a quarter is too short to decide on alone. Coverage
    warns when it is lower than a right model's would be in all but one of 200 holdouts.

    Args:
        accuracy: rows of these weeks, by `accuracy`.
        ci_level: nominal level of the interval.
        n_weeks: number of weeks.
        evaluation_set: what the checks are called after.
    """
    value = accuracy.set_index("metric")["value"]
    checks = [
        at_least(
            f"{evaluation_set}_coverage",
            float(value["coverage"]),
            least_coverage(ci_level, n_weeks),
            f"Share of {n_weeks} weeks after those fitted to inside their {ci_level:.0%} interval.",
            blocking=False,
        )
    ]
    if "rmse_vs_naive" in value:
        checks.append(
            at_most(
                f"{evaluation_set}_rmse_vs_naive",
                float(value["rmse_vs_naive"]),
                1.0,
                f"RMSE of {n_weeks} weeks after those fitted to, over that of last year's same "
                "weeks: above 1, the model forecasts worse than last year's numbers. Look for a "
                "missing control.",
                blocking=False,
            )
        )
    return checks


def least_coverage(ci_level: float, n_weeks: int, chance: float = 0.005) -> float:
    """The share of weeks in their interval that a right model falls under with a small chance.

    Args:
        ci_level: nominal level of the interval.
        n_weeks: number of weeks, taken as independent.
        chance: of falling under it, at most.
    """
    return float(binom.ppf(chance, n_weeks, ci_level)) / n_weeks


def missing_holdout(reason: str) -> Check:
    """The advisory verdict that stands for a holdout that was asked for and is not there."""
    description = f"There is no holdout: {reason}."
    return Check("holdout_coverage", "warn", np.nan, np.nan, False, description)


def prior_checks(channel_summary: pd.DataFrame) -> list[Check]:
    """Advisory verdict on how many media's effect the data say little about."""
    overall = _overall(channel_summary)
    unlearned = overall.loc[overall["roi_learned"] < 0.1, "channel"]
    names = ", ".join(unlearned) or "none"
    return [
        at_most(
            "prior_dominated_channels",
            float(len(unlearned)),
            0.0,
            "Channels whose effect is the prior's: the data removed less than 10 % of the prior "
            f"variance of its logarithm ({names}). Run a lift test there, or set the prior "
            "knowingly.",
            blocking=False,
        )
    ]


def carry_in_checks(channel_summary: pd.DataFrame) -> list[Check]:
    """Advisory verdict on how much rests on spend that nobody knows: that before the first week."""
    overall = _overall(channel_summary)
    share = overall.set_index("channel")["carried_in_share"].fillna(0.0)
    return [
        at_most(
            "carried_in_share",
            float(share.max()),
            MAX_CARRIED_IN,
            "Largest share of a medium's contribution that rests on spend assumed before the first "
            f"week known ({share.idxmax()}). Deliver earlier weeks of "
            "media, without an outcome, or set model.carry_in: none if there were no media before.",
            blocking=False,
        )
    ]


def unseen_checks(channel_summary: pd.DataFrame) -> list[Check]:
    """Advisory verdict on media whose contribution lies where no week has been."""
    overall = _overall(channel_summary)
    share = overall.set_index("channel")["unseen_share"].fillna(0.0)
    named = _listed(share[share > MAX_UNSEEN])
    return [
        at_most(
            "unseen_share",
            float(share.max()),
            MAX_UNSEEN,
            "Largest share of a medium's contribution that lies below the least adstock of any "
            f"week, where the curve is the priors' ({named or 'none is over the threshold'}): the "
            "level of its ROI is not learned, its mROI is. Switch it off for some weeks in a "
            "region, or give the result of a lift test.",
            blocking=False,
        )
    ]


def effect_checks(channel_summary: pd.DataFrame) -> list[Check]:
    """Advisory verdict on media that may well have no effect; there is none if none is judged."""
    overall = _overall(channel_summary)
    probability = overall.set_index("channel")["prob_effect"].dropna()
    if probability.empty:
        return []
    named = _listed(probability[probability < MIN_PROB_EFFECT])
    return [
        at_least(
            "prob_effect",
            float(probability.min()),
            MIN_PROB_EFFECT,
            "Least probability that a medium has any effect, if before the data that was as likely "
            f"as not. Consistent with no effect: {named or 'none'}. The ROI of such a medium is "
            "what its prior holds up, if it was not saturated in every week (unseen_share). Run a "
            "lift test, or lower its roi_prior.",
            blocking=False,
        )
    ]


def _listed(shares: pd.Series) -> str:
    """Media and their shares, in words."""
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())


def sensitivity_checks(prior_sensitivity: pd.DataFrame) -> list[Check]:
    """Advisory verdict on how far returns move with the trust in their priors.

    Judged are the ROI of each medium, or its contribution if it has none, and what all bring.

    Args:
        prior_sensitivity: of the fit, by `prior_sensitivity`; without rows there is no verdict.
    """
    rows = prior_sensitivity[prior_sensitivity["metric"] != "mroi"]
    if rows.empty:
        return []
    known = rows[rows["shift_sd"].notna()]
    size = known["shift_sd"].abs().sort_values(ascending=False)
    moved = known.loc[size.index[size > MAX_SHIFT_SD]].drop_duplicates(["channel", "metric"])
    found = "; ".join(_moved(row) for _, row in moved.iterrows()) or "no more than that"
    unknown = rows.loc[rows["shift_sd"].isna(), ["prior_of", "trust"]].drop_duplicates()
    left = "; ".join(f"{row.prior_of} at {row.trust}" for row in unknown.itertuples())
    return [
        at_most(
            "prior_sensitivity",
            float(size.max()) if len(size) else np.nan,
            MAX_SHIFT_SD,
            "Largest move of a return, in its standard deviations, if its prior or all of them "
            f"were trusted half or twice as much: {found}"
            + (f" (not known of the priors of {left})" if left else "")
            + ". Where it is more, set roi_prior (median and sd_log) by what is known of the "
            "channel, or run a lift test.",
            blocking=False,
        )
    ]


def _moved(row: pd.Series) -> str:
    what = "what all media bring" if row["channel"] == ALL_MEDIA else row["channel"]
    whose = "all priors" if row["prior_of"] == ALL_MEDIA else f"the prior of {row['prior_of']}"
    return (
        f"{what} would read {row['scaled_mean']:.3g} instead of {row['mean']:.3g} "
        f"({row['metric']}, {row['shift_sd']:+.1f} sd) with {TRUST[row['trust']]:g} times the "
        f"trust in {whose}"
    )


def _overall(channel_summary: pd.DataFrame) -> pd.DataFrame:
    """The rows of all weeks, of the only series or of the sum of all."""
    overall = channel_summary[channel_summary["period"] == "all"]
    is_sum = overall["series_key"] == ALL_SERIES
    return overall[is_sum] if is_sum.any() else overall


def warmup_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdict on whether every chain found what is published by itself.

    R-hat cannot say it: a chain that was moved goes on from where the others are.
    """
    moved = posterior.stats.moved
    return [
        at_most(
            "moved_chains",
            float(moved.sum()),
            0.0,
            f"Chains of {len(moved)} that the warm-up found where there is next to no posterior "
            "mass, and moved to another's place, so that R-hat does not see where they were. Fit "
            "again with another sampler.seed: if the ROIs agree, keep the fit; if they do not, "
            "lower model.components or set the ROI priors of the channels that differ.",
            blocking=False,
        ),
    ]


def mixture_checks(posterior: Posterior) -> list[Check]:
    """Advisory verdicts on the components of a mixture: do they mean anything one by one?

    What is published does not depend on it; the component table does.
    """
    if posterior.spec.components == 1:
        return []
    effect = component_effect(posterior)
    apart = separation(relabel(effect, relabelling(effect)))
    effective = effective_components(posterior.draws["weights"])
    return [
        at_most(
            "component_switching_rate",
            switching_rate(effect),
            0.05,
            "Share of draws in which components exchange their order of effect: their labels "
            "mean nothing where it is high. Read the totals, not the components.",
            blocking=False,
        ),
        at_least(
            "component_separation",
            float(apart.min()),
            2.0,
            "Least distance between neighbouring components' effects, in posterior sd. "
            f"Effective number of components: {effective.inverse_herfindahl.mean():.2f} "
            f"(1/sum of squared weights), {effective.exp_entropy.mean():.2f} (Shannon).",
            blocking=False,
        ),
    ]


def score_checks(information: pd.DataFrame) -> list[Check]:
    """Advisory verdict on the leave-one-out score, from rows of `information_rows`.

    A Pareto k that is undefined has no row, and warns.
    """
    value = information.set_index("metric")["value"]
    return [
        at_most(
            "max_pareto_k",
            float(value.get("max_pareto_k", np.nan)),
            MAX_LOO_PARETO_K,
            "Largest Pareto k of the leave-one-out score: above 1, a single week sways the fit so "
            "far that the score has no error; above 0.7 it is unsure "
            f"({value['share_pareto_k_over_0_7']:.1%} of weeks). Look at the weeks with the "
            "largest residuals, or take likelihood: student_t.",
            blocking=False,
        )
    ]


def lift_test_checks(lift_tests: pd.DataFrame) -> list[Check]:
    """Advisory verdicts on whether the model agrees with its experiments.

    `lift_test_disagreement`: the largest distance between a test and the model without it, against
    what a right model exceeds in one of twenty fits. `lift_test_size`: the least prior probability
    of a lift as far out as the one measured, against one of a hundred.
    """
    if lift_tests.empty:
        return []
    size = lift_tests.dropna(subset="prior_probability")
    return [_disagreement(lift_tests), *([_size(size)] if len(size) else [])]


def _disagreement(lift_tests: pd.DataFrame) -> Check:
    row = lift_tests.iloc[int(lift_tests["z_score"].abs().to_numpy().argmax())]
    is_unsure = (lift_tests["without_test_method"] == "psis") & ~(
        lift_tests["pareto_k"] <= MAX_PARETO_K
    )
    check = at_most(
        "lift_test_disagreement",
        float(abs(row["z_score"])),
        float(norm.isf(0.05 / 2 / len(lift_tests))),
        "Largest distance between a lift test and the model without that test, in standard errors, "
        f"at {_test_name(row)}: measured {row['lift']:.4g}, else "
        f"{row['lift_without_test_mean']:.4g} +- {row['lift_without_test_sd']:.2g}. Check the "
        "test's dates, series and unit, or a control that is missing.",
        blocking=False,
    )
    if not is_unsure.any():
        return check
    names = ", ".join(_test_name(unsure) for _, unsure in lift_tests[is_unsure].iterrows())
    unsure = (
        f" Not known of {names}, which the fit has moved towards too far (Pareto k over "
        f"{MAX_PARETO_K:g}) and no refit without it has settled; z_score is too small there."
    )
    return replace(check, status="warn", description=check.description + unsure)


def _size(lift_tests: pd.DataFrame) -> Check:
    row = lift_tests.iloc[int(lift_tests["prior_probability"].to_numpy().argmin())]
    return at_least(
        "lift_test_size",
        float(row["prior_probability"]),
        0.01 / len(lift_tests),
        "Least prior probability of a lift as far out as the one measured, at "
        f"{_test_name(row)}: {row['lift']:.4g} +- {row['standard_error']:.2g}. Where it is next to "
        "nothing: is the test in another unit than the outcome (thousands, orders, a rate), or of "
        "other weeks? If not, the channel's prior is wrong.",
        blocking=False,
    )


def _test_name(row: pd.Series) -> str:
    return f"{row['channel']} from {row['start_week']:%Y-%m-%d}"
