"""The checks, in the job."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from dagster_mmm.schedule.clock import Clock
from dagster_mmm.warehouse.tables import RESULT_TABLES
from tests.conftest import Project

RESULTS = [f"results/{table.name}" for table in RESULT_TABLES]


def test_bad_input_stops_the_refit_at_the_panel_and_says_why(
    project: Project, market: Path
) -> None:
    bad = project.folder / "bad.csv"
    pd.read_csv(market).drop(index=20).to_csv(bad, index=False)
    result = project.run(bad)

    assert not result.success
    (evaluation,) = (
        e
        for e in result.get_asset_check_evaluations()
        if not e.passed and e.severity is dg.AssetCheckSeverity.ERROR
    )
    assert evaluation.check_name == "input_is_usable"
    assert evaluation.description == (
        "the week of 2021-05-24 has no row; add it, with 0 where nothing was spent or sold"
    )
    started = {event.step_key for event in result.all_events if event.is_step_start}
    assert "mmm__panel" in started
    assert "mmm__fit" not in started


def evaluations(project: Project) -> dict[str, dg.AssetCheckEvaluation]:
    """What the checks say when the results of the last run are judged anew."""
    ran = project.run(selection=[*RESULTS, "published"])
    return {check.check_name: check for check in ran.get_asset_check_evaluations()}


def test_stored_verdicts_are_checks_with_numbers_to_plot(rerun: tuple[Project, str]) -> None:
    project, run_id = rerun
    found = evaluations(project)
    adds_up = found["contributions_add_up"]
    assert (adds_up.passed, adds_up.severity) == (True, dg.AssetCheckSeverity.ERROR)
    error = adds_up.metadata["value"].value
    assert isinstance(error, float)
    assert 0.0 <= error < 1e-6
    assert adds_up.metadata["run_id"].value == run_id
    # The first run has no earlier one, and the quick settings hold no weeks out.
    for name in ("history_has_not_drifted", "forecast_is_calibrated"):
        assert found[name].passed
        assert found[name].description == "The run has nothing to judge it by."


def test_parts_that_do_not_add_up_are_not_published(rerun: tuple[Project, str]) -> None:
    project, run_id = rerun
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "update mmm.mmm_diagnostic set status = 'fail', value = 0.25 "
            f"where run_id = '{run_id}' and check_name = 'additivity'"
        )
    found = evaluations(project)
    assert not found["contributions_add_up"].passed
    assert found["contributions_add_up"].metadata["value"].value == 0.25
    assert not found["converged"].passed
    assert "is_up_to_date" not in found


def test_what_is_live_and_old_warns_with_its_age(
    rerun: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, run_id = rerun
    (last,) = project.query(f"select window_end from mmm.mmm_run where run_id = '{run_id}'")[
        "window_end"
    ]
    for days, passed in ((13, True), (14, False), (35, False), (36, False)):
        today = datetime.combine(last, time(12), UTC) + timedelta(days=days)
        monkeypatch.setattr(Clock, "now", lambda _, today=today: today)
        check = evaluations(project)["is_up_to_date"]
        # Until four weeks after its end, it is behind; then it is outdated.
        is_outdated = days > 35
        severity = dg.AssetCheckSeverity.ERROR if is_outdated else dg.AssetCheckSeverity.WARN
        assert (check.passed, check.severity) == (passed, severity)
        assert ("is outdated" in (check.description or "")) == is_outdated
        assert check.metadata["staleness_weeks"].value == days // 7 - 1
