"""How much each cause has moved a run: the combinations between it and the run before, refitted."""

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

import numpy as np
import pandas as pd

import hill_mmm
import hill_mmm.checks
import hill_mmm.results
from dagster_mmm.fitting.artefacts import FittedRun
from dagster_mmm.fitting.version import code_version
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from hill_mmm import Fit, LiftTest, ModelSpec, Panel, SamplerError, SamplerSettings
from hill_mmm.panel import last_day

REFITS = {
    "code": "the earlier run by this version of the code",
    "seed": "the earlier run with the new seed",
    "restated_weeks": "the earlier weeks as they are known now",
    "new_weeks": "all weeks with the earlier settings",
}

# Told, in words, which fit has begun, and which has not passed the gate.
Tell = Callable[[str], None]


class UnsplittableError(RuntimeError):
    """The move between two runs cannot be split into causes."""


@dataclass(frozen=True)
class StoredRun:
    """A run, and what its files do not say of it.

    Attributes:
        run: the run.
        code_version: of the code that fitted it.
    """

    run: FittedRun
    code_version: str


@dataclass(frozen=True)
class Combination:
    """What a fit is made of, but for its scales, which both runs share.

    Attributes:
        panel: the weeks fitted to.
        spec: the model.
        sampler: how it was sampled.
        lift_tests: the experiments in the likelihood.
    """

    panel: Panel
    spec: ModelSpec
    sampler: SamplerSettings
    lift_tests: tuple[LiftTest, ...]

    @classmethod
    def of(cls, fit: Fit) -> "Combination":
        """What a fit was made of."""
        return cls(fit.panel, fit.spec, fit.sampler, fit.lift_tests)


def change_rows(before: StoredRun, after: StoredRun, tell: Tell) -> pd.DataFrame:
    """The rows of `mmm_run_delta_cause`, without the run's own keys.

    Every step is a refit on the scales of the earlier run, but the last, which ends at the run
    itself; so the steps sum to the whole move. One that has not passed the gate is kept and marked.

    Args:
        before: the refit that was published before.
        after: the run that is asked about, of the same model.
        tell: told of each refit.

    Returns:
        A row a series, medium, metric and step; none where nothing differs that moves a fit.

    Raises:
        UnsplittableError: if there is no way in steps from the one to the other, or a refit has no
            draws.
    """
    _require_comparable(before, after)
    old, new = before.run, after.run
    asked = combinations(old.fit, new.fit, before.code_version != after.code_version)
    if not asked:
        columns = tables.RUN_DELTA_CAUSE.columns.keys()
        return pd.DataFrame(columns=columns).drop(columns=["run_id", "model_key"])
    *refitted, last_cause = asked
    first, last = old.fit.panel.weeks[0], last_day(old.fit.panel.weeks[-1])
    summaries: dict[str, pd.DataFrame] = {}
    has_passed = {last_cause: new.record.refusal is None}
    for number, cause in enumerate(refitted, start=1):
        tell(f"fit {number} of {len(refitted)}: {REFITS[cause]}")
        fitted = _refit(cause, asked[cause], old.fit)
        failed = _failed_checks(fitted, new.settings)
        if failed:
            tell(f"the step {cause} has not passed the gate ({failed}): do not trust its size")
        summaries[cause] = hill_mmm.results.summary_between(fitted, first, last)
        has_passed[cause] = not failed
    summaries[last_cause] = hill_mmm.results.summary_between(new.fit, first, last)
    rows = hill_mmm.results.split_delta(
        hill_mmm.results.summary_between(old.fit, first, last), summaries
    )
    return rows.assign(previous_run_id=old.run_id, has_passed=rows["cause"].map(has_passed))


def combinations(before: Fit, after: Fit, has_new_code: bool) -> dict[str, Combination]:
    """By cause, what a fit is made of once that cause has been let in too.

    In the order in which they are let in; what changes nothing is left out. The last is what
    `after` is made of.
    """
    old, new = Combination.of(before), Combination.of(after)
    seeded = replace(old, sampler=replace(old.sampler, seed=new.sampler.seed))
    restated = replace(seeded, panel=new.panel.head(len(old.panel)))
    longer = replace(restated, panel=new.panel)
    configured = (new.spec, new.sampler, new.lift_tests)
    steps = {
        # The refits are made by the code of now: what it does is in the first of them.
        "code": (has_new_code, old),
        "seed": (seeded.sampler != old.sampler, seeded),
        "restated_weeks": (not _are_equal(restated.panel, old.panel), restated),
        "new_weeks": (len(new.panel) > len(old.panel), longer),
        "configuration": ((longer.spec, longer.sampler, longer.lift_tests) != configured, new),
    }
    return {cause: reached for cause, (is_new, reached) in steps.items() if is_new}


def _are_equal(one: Panel, other: Panel) -> bool:
    pairs = zip(astuple(one), astuple(other), strict=True)
    # A series has no outcome before its start; NaN is only there.
    return all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in pairs)


def _refit(cause: str, asked: Combination, before: Fit) -> Fit:
    try:
        return hill_mmm.fit(
            asked.panel,
            asked.spec,
            asked.sampler,
            lift_tests=asked.lift_tests,
            scales=before.scales,
        )
    except (SamplerError, ValueError) as error:
        raise UnsplittableError(
            f"the step {cause}, {REFITS[cause]}, cannot be fitted: {error}. The whole move stands "
            "in mmm_run_delta"
        ) from error


def _failed_checks(fitted: Fit, settings: Settings) -> str:
    """The checks of the gate that a refit fails, in words; empty where it passes."""
    parameters = hill_mmm.checks.parameter_summary(fitted)
    checks = hill_mmm.checks.gate(parameters, fitted, settings.gate)
    failed = [check for check in checks if check.status == "fail"]
    return ", ".join(f"{c.check_name} {c.value:.4g} (limit {c.threshold:g})" for c in failed)


def _require_comparable(before: StoredRun, after: StoredRun) -> None:
    obstacles = _obstacles(before, after)
    if obstacles:
        raise UnsplittableError(
            f"run {after.run.run_id} cannot be reached in steps from run {before.run.run_id}, "
            "which was published before it. "
            + " ".join(obstacles)
            + " The whole move stands in mmm_run_delta."
        )


def _obstacles(before: StoredRun, after: StoredRun) -> list[str]:
    """What lies between two runs that no refit can cross, and what to do about it."""
    old, new = before.run.fit.panel, after.run.fit.panel
    found = [
        f"Their {what} differ: {', '.join(was) or 'none'} before, {', '.join(now) or 'none'} now."
        for what, was, now in (
            ("series", old.series, new.series),
            ("channels", old.channels, new.channels),
            ("organic media", old.organic_names, new.organic_names),
            ("controls", old.control_names, new.control_names),
        )
        if was != now
    ]
    if old.weeks[0] != new.weeks[0]:
        found.append(f"They begin with different weeks, {old.weeks[0]} and {new.weeks[0]}.")
    elif old.weeks[-1] > new.weeks[-1]:
        found.append(f"The earlier run goes on to {old.weeks[-1]}, beyond {new.weeks[-1]}.")
    if found:
        found.append("To have it split, refit with those of the earlier run.")
    elif before.run.record.model_version != after.run.record.model_version:
        found.append(
            "It is of another model version: priors, signs, events or the settings' model have "
            "changed what its numbers mean. Undo that in the settings, refit, and split that run; "
            "what it leaves of the move is the model's."
        )
    elif before.run.fit.scales.as_dict() != after.run.fit.scales.as_dict():
        found.append(
            "It was fitted on other scales, as the earlier run's files were missing at the time. "
            "Refit now that they are there, and split that run."
        )
    if after.code_version != code_version():
        found.append(
            f"It was fitted by version {after.code_version}, and this is {code_version()}, which "
            "would fit what is in between. Install that version, or refit and split that run."
        )
    return found
