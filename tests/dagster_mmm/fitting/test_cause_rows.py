"""What each cause has moved, of two runs that were really fitted and what lies between them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import yaml

import hill_mmm
import hill_mmm.results
from dagster_mmm import environment
from dagster_mmm.cli import demo
from dagster_mmm.fitting.artefacts import FitRecord, FittedRun, RunInput
from dagster_mmm.fitting.cause_rows import StoredRun, UnsplittableError, change_rows, combinations
from dagster_mmm.fitting.version import code_version
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from hill_mmm import Fit, ModelSpec, Panel, SamplerSettings, simulate_national_market
from tests.conftest import QUICK

EARLIER_WEEKS = 140
CAUSES = ["seed", "restated_weeks", "new_weeks", "configuration"]
SAMPLER = SamplerSettings(chains=2, warmup=300, draws=300)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return simulate_national_market(demo.DEMO_SEED)[0]


@pytest.fixture(scope="module")
def before(panel: Panel) -> StoredRun:
    """A run on the weeks before the last ones, of which the source said something else of one."""
    outcome = panel.outcome.copy()
    outcome[50] *= 1.3
    return stored("before", hill_mmm.fit(known_then(panel, outcome), ModelSpec(), SAMPLER))


@pytest.fixture(scope="module")
def after(panel: Panel, before: StoredRun) -> StoredRun:
    """The run after it, of which everything is new that may be within one model version."""
    sampler = replace(SAMPLER, seed=7, target_accept=0.9)
    fitted = hill_mmm.fit(panel, ModelSpec(), sampler, scales=before.run.fit.scales)
    return stored("after", fitted)


def known_then(panel: Panel, outcome: np.ndarray) -> Panel:
    return replace(panel, outcome=outcome).head(EARLIER_WEEKS)


def stored(run_id: str, fit: Fit, refusal: str | None = None, **sections: object) -> StoredRun:
    document = yaml.safe_load((environment.ROOT / "examples" / "demo.yaml").read_text())
    run = FittedRun(
        run_id=run_id,
        started_at=datetime(2030, 1, 1),
        settings=Settings.read(document | QUICK | sections),
        input=RunInput(pd.DataFrame(), "refit"),
        fit=fit,
        holdout=None,
        record=FitRecord("a version", None, [], None, refusal, None, 1.0, 1.0),
    )
    return StoredRun(run, code_version())


def with_fit(of: StoredRun, **fields: object) -> StoredRun:
    """A run as if its fit had been of something else."""
    fit = of.run.fit
    names = ("panel", "spec", "sampler", "lift_tests", "scales", "draws", "stats")
    costs = ("cpu_seconds", "wall_seconds", "peak_rss_mb")
    parts = {name: getattr(fit, name) for name in (*names, *costs)} | fields
    return replace(of, run=replace(of.run, fit=Fit(**parts)))


def unheard(_: str) -> None:
    """Hears nothing."""


def moved(before: StoredRun, after: StoredRun) -> pd.DataFrame:
    """The whole move, as `mmm_run_delta` has it."""
    weeks = before.run.fit.panel.weeks
    first, last = weeks[0], weeks[-1] + np.timedelta64(6, "D")
    return hill_mmm.results.run_delta(
        *(hill_mmm.results.summary_between(each.run.fit, first, last) for each in (before, after))
    ).set_index(["series_key", "channel", "metric"])


def test_each_cause_is_a_step_and_the_steps_sum_to_the_move(
    before: StoredRun, after: StoredRun
) -> None:
    told: list[str] = []
    rows = change_rows(before, after, told.append)
    assert list(rows["cause"].unique()) == CAUSES
    assert told == [
        "fit 1 of 3: the earlier run with the new seed",
        "fit 2 of 3: the earlier weeks as they are known now",
        "fit 3 of 3: all weeks with the earlier settings",
    ]
    assert {"run_id", "model_key", *rows.columns} == set(tables.RUN_DELTA_CAUSE.columns.keys())
    assert len(rows) == 4 * 5 * 3
    whole, of_metric = moved(before, after), rows.groupby(["series_key", "channel", "metric"])
    shift = of_metric["shift"].sum().loc[whole.index]
    np.testing.assert_allclose(shift, whole["current_mean"] - whole["previous_mean"], rtol=1e-9)
    shift_sd = of_metric["shift_sd"].sum().loc[whole.index]
    np.testing.assert_allclose(shift_sd, whole["shift_sd"], atol=1e-9)
    last = rows[rows["step_index"] == 3].set_index(whole.index.names).loc[whole.index]
    np.testing.assert_allclose(last["current_mean"], whole["current_mean"], rtol=1e-12)
    assert rows["has_passed"].all()
    assert set(rows["previous_run_id"]) == {"before"}
    # A seed and an acceptance move what sampling leaves open; data move what they say.
    size = rows["shift_sd"].abs().groupby(rows["cause"]).max()
    assert size["seed"] < 0.5 and size["configuration"] < 0.5
    assert size[["restated_weeks", "new_weeks"]].max() > 2 * size["seed"]


def test_a_step_is_the_fit_that_it_says(before: StoredRun, after: StoredRun, panel: Panel) -> None:
    steps = combinations(before.run.fit, after.run.fit, has_new_code=False)
    assert list(steps) == CAUSES
    was, now = before.run.fit, after.run.fit
    assert steps["seed"].sampler == replace(was.sampler, seed=7)
    assert steps["seed"].panel is was.panel
    assert len(steps["restated_weeks"].panel) == EARLIER_WEEKS
    np.testing.assert_array_equal(
        steps["restated_weeks"].panel.outcome, panel.outcome[:EARLIER_WEEKS]
    )
    assert len(steps["new_weeks"].panel) == len(panel)
    assert steps["new_weeks"].sampler == steps["seed"].sampler
    assert steps["configuration"].sampler == now.sampler


def test_what_has_not_changed_is_no_step(before: StoredRun, after: StoredRun) -> None:
    was = before.run.fit

    def causes(after: StoredRun, has_new_code: bool = False) -> list[str]:
        return list(combinations(was, after.run.fit, has_new_code))

    assert causes(before) == []
    assert causes(before, has_new_code=True) == ["code"]
    assert causes(with_fit(before, sampler=after.run.fit.sampler)) == ["seed", "configuration"]
    assert causes(with_fit(before, spec=ModelSpec(components=2))) == ["configuration"]
    assert causes(with_fit(after, sampler=was.sampler)) == ["restated_weeks", "new_weeks"]
    same_past = with_fit(after, panel=after.run.fit.panel.head(EARLIER_WEEKS))
    assert causes(same_past, has_new_code=True) == [
        "code",
        "seed",
        "restated_weeks",
        "configuration",
    ]


def test_one_cause_has_the_whole_move_without_a_refit(before: StoredRun, after: StoredRun) -> None:
    sampler = replace(before.run.fit.sampler, seed=7)
    new_seed = with_fit(after, panel=before.run.fit.panel, sampler=sampler)
    told: list[str] = []
    rows = change_rows(before, new_seed, told.append)
    assert (told, set(rows["cause"])) == ([], {"seed"})
    whole = moved(before, new_seed)
    np.testing.assert_allclose(rows["shift_sd"], whole["shift_sd"], atol=1e-9)


def test_nothing_new_has_no_steps(before: StoredRun) -> None:
    rows = change_rows(before, before, unheard)
    assert rows.empty
    assert {"run_id", "model_key", *rows.columns} == set(tables.RUN_DELTA_CAUSE.columns.keys())


def test_other_code_fits_the_earlier_run_again_first(before: StoredRun, after: StoredRun) -> None:
    by_old_code = replace(before, code_version="0.0.1")
    sampler = replace(before.run.fit.sampler, seed=7)
    new_seed = with_fit(after, panel=before.run.fit.panel, sampler=sampler)
    told: list[str] = []
    rows = change_rows(by_old_code, new_seed, told.append)
    assert told == ["fit 1 of 1: the earlier run by this version of the code"]
    of_code = rows[rows["cause"] == "code"]
    # It is the same code after all, and equal seeds give equal draws.
    np.testing.assert_allclose(of_code["shift_sd"], 0.0, atol=1e-6)
    assert list(rows["cause"].unique()) == ["code", "seed"]


def test_a_step_that_has_not_passed_is_kept_and_marked(before: StoredRun, after: StoredRun) -> None:
    document = after.run.settings.model_dump()
    document["gate"] |= {"min_ess": 1e6}
    strict = Settings.read(document)
    fit = with_fit(after, sampler=replace(before.run.fit.sampler, seed=7)).run.fit
    rejected = replace(after.run, settings=strict, fit=fit)
    rejected = replace(rejected, record=replace(rejected.record, refusal="min_ess"))
    told: list[str] = []
    rows = change_rows(before, replace(after, run=rejected), told.append)
    assert list(rows["cause"].unique()) == ["seed", "restated_weeks", "new_weeks"]
    assert not rows["has_passed"].any()
    (warned,) = [line for line in told if "the step restated_weeks" in line]
    assert "has not passed the gate (min_ess" in warned


def shorter(run: StoredRun) -> StoredRun:
    panel = run.run.fit.panel
    return with_fit(
        run,
        panel=replace(
            panel,
            weeks=panel.weeks[4:],
            outcome=panel.outcome[4:],
            spend=panel.spend[4:],
            organic=panel.organic[4:],
            controls=panel.controls[4:],
        ),
    )


def of_version(run: StoredRun) -> StoredRun:
    record = replace(run.run.record, model_version="another version")
    return replace(run, run=replace(run.run, record=record))


def on_own_scales(run: StoredRun) -> StoredRun:
    scales = replace(run.run.fit.scales, time_mean=1.0)
    return with_fit(run, scales=scales)


def renamed(what: str) -> Callable[[StoredRun], StoredRun]:
    def rename(run: StoredRun) -> StoredRun:
        panel = run.run.fit.panel
        return with_fit(run, panel=replace(panel, **{what: ("x", *getattr(panel, what)[1:])}))

    return rename


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (renamed("series"), "Their series differ: national before, x now"),
        (renamed("channels"), "Their channels differ: tv, search, social, display, radio before"),
        (renamed("control_names"), "Their controls differ: competitor_price, promotion before"),
        (shorter, "They begin with different weeks"),
        (
            lambda run: with_fit(run, panel=run.run.fit.panel.head(100)),
            "The earlier run goes on to",
        ),
        (of_version, "It is of another model version"),
        (on_own_scales, "It was fitted on other scales"),
        (lambda run: replace(run, code_version="0.0.1"), "It was fitted by version 0.0.1"),
    ],
)
def test_what_no_refit_can_cross_is_named_with_what_to_do(
    before: StoredRun,
    after: StoredRun,
    change: Callable[[StoredRun], StoredRun],
    said: str,
) -> None:
    with pytest.raises(UnsplittableError) as refused:
        change_rows(before, change(after), unheard)
    message = str(refused.value)
    assert "run after cannot be reached in steps from run before" in message
    assert said in message
    assert "refit" in message.lower()


def test_a_step_that_cannot_be_fitted_is_named(before: StoredRun, after: StoredRun) -> None:
    """By what is known now, a channel began after the earlier run had ended."""
    panel = after.run.fit.panel
    spend = panel.spend.copy()
    spend[:EARLIER_WEEKS, 0, 0] = 0.0
    with pytest.raises(UnsplittableError, match="the step restated_weeks") as refused:
        change_rows(before, with_fit(after, panel=replace(panel, spend=spend)), unheard)
    assert "channels without any spend cannot be fitted: ['tv']" in str(refused.value)
