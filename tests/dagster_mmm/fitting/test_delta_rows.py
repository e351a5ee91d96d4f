"""What a run says otherwise than the one before it, of a run that was really fitted."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dagster_mmm.fitting.artefacts import FittedRun, load_run
from dagster_mmm.fitting.delta_rows import delta_rows, history_verdict
from dagster_mmm.fitting.result_rows import result_frames
from dagster_mmm.settings import Settings
from dagster_mmm.warehouse import tables
from dagster_mmm.warehouse.runs import PublishedFit, published_fit
from hill_mmm import Panel
from tests.conftest import Project


@pytest.fixture(scope="module")
def run(published: tuple[Project, str]) -> FittedRun:
    project, run_id = published
    return load_run(project.folder / "artefacts" / "demo" / "runs" / run_id)


@pytest.fixture(scope="module")
def previous(published: tuple[Project, str]) -> PublishedFit:
    """The run itself, as the warehouse holds it."""
    project, _ = published
    with project.warehouse.begin() as connection:
        stored = published_fit(connection, "demo")
    assert stored is not None
    return stored


def with_settings(run: FittedRun, **sections: dict[str, Any]) -> FittedRun:
    document = run.settings.model_dump()
    for name, section in sections.items():
        document[name] = document[name] | section
    return replace(run, settings=Settings.read(document))


def shorter(previous: PublishedFit, weeks: int) -> PublishedFit:
    """The previous run, had it been published some weeks earlier."""
    end = previous.run["window_end"] - pd.Timedelta(weeks=weeks)
    known = previous.input[pd.to_datetime(previous.input["week_start"]) <= pd.Timestamp(end)]
    return replace(previous, run=dict(previous.run) | {"window_end": end}, input=known)


def test_the_same_run_again_moves_nothing(run: FittedRun, previous: PublishedFit) -> None:
    rows = delta_rows(run, previous, 0.9)
    assert len(rows) == 5 * 3
    np.testing.assert_allclose(rows["shift_sd"], 0.0, atol=1e-9)
    np.testing.assert_allclose(rows["interval_overlap"], 1.0)
    assert set(rows["cause"]) == {"none"}
    assert set(rows["changed"]) == {""}
    assert set(rows["previous_run_id"]) == {run.run_id}


def test_a_run_is_held_against_what_was_said_of_the_same_weeks(
    run: FittedRun, previous: PublishedFit
) -> None:
    rows = delta_rows(run, shorter(previous, 26), 0.9).set_index(["channel", "metric"])
    whole = delta_rows(run, previous, 0.9).set_index(["channel", "metric"])
    contribution = rows.xs("contribution", level="metric")["current_mean"]
    assert (contribution < whole.xs("contribution", level="metric")["current_mean"]).all()
    assert set(rows["cause"]) == {"new_weeks"}


def test_returns_alone_are_compared_where_the_first_week_differs(
    run: FittedRun, previous: PublishedFit
) -> None:
    earlier = previous.run["window_start"] - pd.Timedelta(weeks=4)
    rows = delta_rows(
        run, replace(previous, run=dict(previous.run) | {"window_start": earlier}), 0.9
    )
    assert set(rows["metric"]) == {"roi", "mroi"}


def test_a_run_of_a_past_week_is_not_compared(run: FittedRun, previous: PublishedFit) -> None:
    past: Panel = run.fit.panel.head(100)
    frame = delta_rows(run, previous, 0.9, past)
    assert frame.empty
    assert {"run_id", "model_key", *frame.columns} == set(tables.RUN_DELTA.columns.keys())


def restated(previous: PublishedFit) -> PublishedFit:
    values = previous.input.copy()
    values.loc[values.index[0], "value"] += 1.0
    return replace(previous, input=values)


def test_the_cause_is_what_differs(run: FittedRun, previous: PublishedFit) -> None:
    def changed(run: FittedRun, before: PublishedFit) -> tuple[str, str]:
        row = delta_rows(run, before, 0.9).iloc[0]
        return row["cause"], row["changed"]

    other_code = replace(previous, run=dict(previous.run) | {"code_version": "0.0.1"})
    another_seed = with_settings(run, sampler={"seed": 7})
    another_model = with_settings(run, model={"fourier_order": 3})
    assert changed(run, restated(previous)) == ("restated_weeks",) * 2
    assert changed(run, other_code) == ("code",) * 2
    assert changed(another_seed, previous) == ("seed",) * 2
    assert changed(another_model, previous) == ("configuration",) * 2
    several = changed(
        with_settings(another_model, sampler={"seed": 7}), restated(shorter(previous, 1))
    )
    assert several == ("several", "new_weeks,restated_weeks,configuration,seed")


def test_without_a_run_before_there_is_nothing_to_compare(run: FittedRun) -> None:
    frames = result_frames(run)
    assert frames[tables.RUN_DELTA].empty
    assert "history_shift" not in set(frames[tables.DIAGNOSTIC]["check_name"])


def moved(previous: PublishedFit) -> PublishedFit:
    """A run before that had said five standard deviations less of every channel."""
    summary = previous.summary.copy()
    for metric in ("contribution", "roi"):
        summary[f"{metric}_mean"] -= 5.0 * summary[f"{metric}_sd"]
    return replace(previous, summary=summary)


def test_an_implausible_rewrite_blocks_where_a_limit_is_set(
    run: FittedRun, previous: PublishedFit
) -> None:
    limited = with_settings(run, gate={"max_history_shift_sd": 3.0})
    diagnostic = result_frames(limited, moved(previous))[tables.DIAGNOSTIC].set_index("check_name")
    check = diagnostic.loc["history_shift"]
    assert (check["status"], bool(check["is_blocking"])) == ("fail", True)
    assert check["value"] == pytest.approx(5.0)
    delta = delta_rows(limited, previous, 0.9)
    assert history_verdict(limited, previous, delta)[0].status == "pass"


def test_no_limit_warns_and_another_model_version_is_no_verdict(
    run: FittedRun, previous: PublishedFit
) -> None:
    delta = delta_rows(run, moved(previous), 0.9)
    (check,) = history_verdict(run, moved(previous), delta)
    assert (check.status, check.is_blocking, check.threshold) == ("warn", False, 2.0)
    limited = with_settings(run, gate={"max_history_shift_sd": 3.0})
    other = replace(moved(previous), run=dict(previous.run) | {"model_version": "another"})
    assert history_verdict(limited, other, delta) == []
