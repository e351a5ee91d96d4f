"""A week of several models, and weeks of the past: what fails touches nothing else."""

import json
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from dagster_mmm.cli.jobs import run_job
from dagster_mmm.cli.run import run_vintages, run_week
from dagster_mmm.cli.stages import Stage
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import Call
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY


@pytest.fixture
def brands(project: Project, market: Path) -> Project:
    """Four brands in one table: one lacks a week, one is in another currency."""
    frame = pd.read_csv(market)
    frames = [
        frame.assign(brand="acme", currency="EUR"),
        frame.drop(index=20).assign(brand="globex", currency="EUR"),
        frame.assign(brand="hooli", currency="USD"),
        frame.assign(brand="initech", currency="EUR"),
        frame.iloc[:1].assign(brand=" ", currency="EUR"),
        frame.iloc[:1].assign(brand="not/a key", currency="EUR"),
    ]
    pd.concat(frames).to_csv(project.folder / "brands.csv", index=False)
    project.configure(
        model_key=None,
        input={
            "model_column": "brand",
            "currency_column": "currency",
            "file": str(project.folder / "brands.csv"),
        },
        models={"initech": {"gate": {"min_ess": -1}}},
        sampler=HASTY,
        gate=ANYTHING_GOES,
    )
    return project


def failed_checks(run: dg.ExecuteInProcessResult) -> dict[str, str]:
    return {
        check.check_name: str(check.description)
        for check in run.get_asset_check_evaluations()
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    }


def test_each_model_fails_or_is_published_by_itself(brands: Project) -> None:
    stages: list[Stage] = []
    week = run_week(brands.instance, tell=stages.append)
    assert week.input.success
    (nobodys,) = (c for c in week.input.get_asset_check_evaluations() if not c.passed)
    assert nobodys.check_name == "rows_have_a_model"
    assert "1 raw rows are blank in column 'brand'" in str(nobodys.description)
    assert "found the model 'not/a key'" in str(nobodys.description)

    assert {key: run.success for key, run in week.refits.items()} == {
        "acme": True,
        "globex": False,
        "hooli": False,
        "initech": False,
    }
    assert not week.success
    lacking = failed_checks(week.refits["globex"])["input_is_usable"]
    assert (
        lacking
        == "the week of 2021-05-24 has no row; add it, with 0 where nothing was spent or sold"
    )
    foreign = failed_checks(week.refits["hooli"])["input_is_usable"]
    assert "rows in other currencies than EUR (column 'currency'): 156 in 'USD'" in foreign
    (mistaken,) = week.refits["initech"].get_step_failure_events()
    assert "models.initech.gate.min_ess: found -1" in str(mistaken)

    # What a scheduler is told: a line a stage.
    told = [json.loads(stage.line()) for stage in stages]
    assert [(one["stage"], one["model_key"], one["status"]) for one in told] == [
        ("weekly_input", None, "succeeded"),
        ("refit", "acme", "published"),
        ("refit", "globex", "failed"),
        ("refit", "hooli", "failed"),
        ("refit", "initech", "failed"),
        ("dashboards", None, "succeeded"),
    ]
    assert f"input_is_usable: {lacking}" in told[2]["reason"]
    made = {tuple(one["asset_key"]): one for one in told[1]["materialized"]}
    published_now = made["mmm", "published"]
    assert published_now["partition"] == "acme"
    assert published_now["metadata"]["run_id"] == told[1]["run_id"]

    published = brands.query("select model_key from mmm.mmm_run_latest")
    assert list(published["model_key"]) == ["acme"]
    assert (brands.folder / "artefacts" / "acme" / "panel.parquet").is_file()


def test_a_refit_as_of_a_past_week_is_a_vintage_and_publishes_nothing(
    rerun: tuple[Project, str],
) -> None:
    project, good = rerun
    test = {"channel": "tv", "start": "2023-10-02", "end": "2023-10-09", "lift": 1e4}
    project.configure(
        sampler=HASTY, gate=ANYTHING_GOES, lift_tests=[test | {"standard_error": 5e3}]
    )
    weeks = [date(2023, 6, 7)]
    (run,) = run_vintages(project.instance, "demo", weeks).values()
    assert run.success
    row = project.query(f"select * from mmm.mmm_run where run_id = '{run.run_id}'").iloc[0]
    # The day is in the week that begins on Monday.
    assert (row["run_type"], str(row["as_of_week"])[:10]) == ("vintage", "2023-06-05")
    assert (row["status"], row["published_at"]) == ("fitted", None)
    diagnostic = f"select * from mmm.mmm_diagnostic where run_id = '{run.run_id}'"
    assert not project.query(diagnostic).empty
    left_out = project.query(
        f"select distinct reason from mmm.mmm_input_snapshot where run_id = '{run.run_id}' "
        "and not is_used and week_start > '2023-06-05'"
    )
    assert list(left_out["reason"]) == [
        "the week is later than 2023-06-05, as of which the model is fitted"
    ]
    assert list(project.query("select run_id from mmm.mmm_run_latest")["run_id"]) == [good]
    assert project.instance.get_run_by_id(run.run_id).tags["mmm/as_of"] == "2023-06-05"
    # Nor does it become the run that is judged and published later.
    assert project.run(selection=["published"]).success
    assert list(project.query("select run_id from mmm.mmm_run_latest")["run_id"]) == [good]


def test_a_refit_beside_another_of_its_model_gives_way(rerun: tuple[Project, str]) -> None:
    project, _ = rerun
    other = dg.DagsterRun(
        job_name="mmm_refit",
        status=dg.DagsterRunStatus.STARTED,
        tags={"dagster/partition": "demo"},
    )
    project.instance.add_run(other)
    run = run_job(project.instance, "refit", model_key="demo")
    (failure,) = run.get_step_failure_events()
    assert failure.step_key == "mmm__panel"
    assert f"demo is being refitted by run {other.run_id}" in str(failure)
    project.instance.report_run_canceled(other)
    assert run_job(project.instance, "refit", model_key="demo").success


def test_a_day_that_is_none_is_named(rerun: tuple[Project, str]) -> None:
    project, _ = rerun
    config = {"ops": {"mmm__panel": {"config": {"as_of": "last week"}}}}
    run = run_job(project.instance, "refit", config, "demo")
    assert "as_of: found 'last week'; allowed: a day such as" in str(run.get_step_failure_events())


def test_past_weeks_are_of_one_model(project: Project, call: Call) -> None:
    result = call("run", "--as-of", "2026-01-05")
    assert result.exit_code == 2
    assert "--as-of is of one model" in result.stderr


def test_an_unknown_model_is_named(
    project: Project, market: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.configure(input={"file": str(market)})
    with pytest.raises(Exception, match="no model 'other'; its models: demo"):
        run_week(project.instance, "other")
