"""Weeks that came since the last fit, scored by its posterior."""

import shutil
from collections.abc import Iterator
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from dagster_mmm.cli.jobs import run_job
from dagster_mmm.warehouse.runs import published_run_if_equal
from dagster_mmm.warehouse.tables import RESULT_TABLES
from tests.conftest import Project, make_project

NEW_WEEKS = 4


def score(project: Project) -> dg.ExecuteInProcessResult:
    return run_job(project.instance, "score_new_weeks", model_key="demo")


def let_weeks_pass(project: Project, weeks: int = NEW_WEEKS) -> None:
    """Further weeks in the mart, as they were a year before but for 2 % more revenue."""
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql(
            f"""
            insert into mmm.mmm_weekly_input
            select * replace (
                week_start + 364 as week_start,
                case when role = 'outcome' then 1.02 * value else value end as value,
                first_date + 364 as first_date,
                last_date + 364 as last_date
            )
            from mmm.mmm_weekly_input
            where week_start > (select max(week_start) - 364 from mmm.mmm_weekly_input)
                and week_start <= (
                    select max(week_start) - 364 + {7 * weeks} from mmm.mmm_weekly_input
                )
            """
        )


@pytest.fixture(scope="module")
def scored(
    published: tuple[Project, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Project, str, str]]:
    """A project whose fit has been scored on four further weeks: the fit's run and the score's."""
    project, fit_run = published
    folder = tmp_path_factory.mktemp("scored")
    shutil.copytree(project.folder, folder, dirs_exist_ok=True)
    for copy in make_project(folder):
        let_weeks_pass(copy)
        result = score(copy)
        assert result.success
        yield copy, fit_run, result.run_id


def columns(project: Project, table: str, run_id: str, *names: str) -> pd.DataFrame:
    rows = project.query(f"select * from mmm.{table} where run_id = '{run_id}'")
    return rows[list(names)].sort_values(list(names)).reset_index(drop=True)


def test_a_score_is_live_and_whole(scored: tuple[Project, str, str]) -> None:
    project, fit_run, score_run = scored
    run = project.query("select * from mmm.mmm_run_latest").iloc[0]
    assert (run["run_id"], run["run_type"], run["fit_run_id"]) == (score_run, "score", fit_run)
    assert (run["n_weeks"], run["status"]) == (156 + NEW_WEEKS, "published")
    assert run["cpu_seconds"] < 10
    for table in RESULT_TABLES:
        count = f"select count(*) as n from mmm.{table.name} where run_id = "
        of_score, of_fit = (
            project.query(f"{count} '{run_id}'")["n"].item() for run_id in (score_run, fit_run)
        )
        assert (of_score > 0) == (of_fit > 0) or table.name == "mmm_run_delta", table.name


def test_new_weeks_are_told_from_old_ones(scored: tuple[Project, str, str]) -> None:
    project, _, _ = scored
    weeks = project.query(
        """
        select f.evaluation_set, f.expected_mean, sum(c.contribution_mean) as parts
        from mmm.mmm_model_fit_latest f join mmm.mmm_contribution_latest c using (week_start)
        group by f.week_start, f.evaluation_set, f.expected_mean
        """
    )
    assert dict(weeks["evaluation_set"].value_counts()) == {"train": 156, "scored": NEW_WEEKS}
    np.testing.assert_allclose(weeks["parts"], weeks["expected_mean"], rtol=1e-6)
    metrics = project.query(
        "select metric from mmm.mmm_accuracy_latest where evaluation_set = 'scored'"
    )["metric"]
    assert {"crps", "coverage", "rmse_vs_naive"} <= set(metrics)


def test_the_forecast_goes_on_from_the_last_week_known(scored: tuple[Project, str, str]) -> None:
    project, fit_run, score_run = scored
    first = "select min(week_start) as first from mmm.mmm_forecast where run_id = "
    of_fit, of_score = (
        pd.Timestamp(project.query(f"{first} '{run_id}'")["first"].item())
        for run_id in (fit_run, score_run)
    )
    assert of_score - of_fit == pd.Timedelta(weeks=NEW_WEEKS)


def test_what_new_weeks_do_not_change_is_the_fits(scored: tuple[Project, str, str]) -> None:
    project, fit_run, score_run = scored
    for table, names in {
        "mmm_response_curve": ("channel", "basis", "grid_index", "contribution_mean"),
        "mmm_parameter_summary": ("parameter", "index", "mean", "r_hat"),
    }.items():
        of_fit, of_score = (columns(project, table, run, *names) for run in (fit_run, score_run))
        pd.testing.assert_frame_equal(of_score, of_fit)
    checks = ("check_name", "status", "is_blocking")
    verdict = columns(project, "mmm_diagnostic", score_run, *checks)
    inherited = columns(project, "mmm_diagnostic", fit_run, *checks)
    is_new = verdict["check_name"].str.startswith("scored_")
    pd.testing.assert_frame_equal(verdict[~is_new].reset_index(drop=True), inherited)
    assert not verdict.loc[is_new, "is_blocking"].any()


def test_a_score_moves_nothing_but_its_weeks(scored: tuple[Project, str, str]) -> None:
    project, fit_run, score_run = scored
    delta = project.query(f"select * from mmm.mmm_run_delta where run_id = '{score_run}'")
    assert set(delta["previous_run_id"]) == {fit_run}
    assert set(delta["cause"]) == {"new_weeks"}
    sums = delta[delta["metric"] == "contribution"]
    np.testing.assert_allclose(sums["shift_sd"], 0.0, atol=1e-9)
    np.testing.assert_allclose(sums["interval_overlap"], 1.0)
    # A return counts what its spend brings afterwards: the weeks that came are known now, where
    # every medium was taken to go on at its mean.
    assert delta["shift_sd"].abs().max() < 0.1


def test_what_has_been_scored_is_not_scored_again(scored: tuple[Project, str, str]) -> None:
    project, _, score_run = scored
    again = score(project)
    assert again.success
    assert not again.get_asset_materialization_events()
    assert project.query("select run_id from mmm.mmm_run_latest")["run_id"].item() == score_run


def test_further_weeks_are_scored_by_the_same_fit(rerun: tuple[Project, str]) -> None:
    project, fit_run = rerun
    let_weeks_pass(project, 1)
    first = score(project).run_id
    let_weeks_pass(project, 1)
    second = score(project).run_id
    runs = project.query("select * from mmm.mmm_run").set_index("run_id")
    assert (runs.loc[second, "fit_run_id"], runs.loc[second, "n_weeks"]) == (fit_run, 158)
    assert runs.loc[first, "status"] == "superseded"


def test_a_score_is_no_reason_to_skip_the_refit(scored: tuple[Project, str, str]) -> None:
    project, _, score_run = scored
    published: dict[str, Any] = project.query("select * from mmm.mmm_run_latest").iloc[0].to_dict()
    seen = {"data_fingerprint": published["data_fingerprint"]}
    with project.warehouse.begin() as connection:
        assert published_run_if_equal(connection, "demo", seen) == score_run
        assert published_run_if_equal(connection, "demo", seen | {"run_type": "refit"}) is None


def test_without_a_publication_there_is_nothing_to_score(
    rerun: tuple[Project, str],
) -> None:
    project, _ = rerun
    with project.warehouse.begin() as connection:
        connection.exec_driver_sql("delete from mmm.mmm_publication")
    result = score(project)
    failure = result.failure_data_for_node("mmm__score")
    assert failure is not None and failure.error is not None
    assert "nothing of demo has been published: refit it first" in str(failure.error)


def test_a_fit_whose_files_are_gone_is_named(rerun: tuple[Project, str]) -> None:
    project, fit_run = rerun
    (project.folder / "artefacts" / "demo" / "runs" / fit_run).rename(project.folder / "away")
    let_weeks_pass(project)
    failure = score(project).failure_data_for_node("mmm__score")
    assert failure is not None
    assert f"the files of run {fit_run} are not at" in str(failure.error)
