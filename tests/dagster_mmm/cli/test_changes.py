"""`mmm changes` on a run that was published after another, with another seed and fewer draws."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from dagster_mmm.defs.results import FIT_TABLES
from dagster_mmm.warehouse.tables import RUN
from tests.conftest import QUICK, Project, make_project
from tests.dagster_mmm.cli.conftest import Call, copy_run, printed
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY, write_regions

# Without the budget plans, which take longer than the fit.
REFIT = ["fit", *(f"results/{table.name}" for table in FIT_TABLES), "published"]
KEYS = ["series_key", "channel", "metric"]


@pytest.fixture(scope="module")
def reseeded(
    published: tuple[Project, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Project, str, str]]:
    """A project after a second run, and the ids of the first and the second."""
    project, first = published
    folder = tmp_path_factory.mktemp("reseeded")
    shutil.copytree(project.folder, folder, dirs_exist_ok=True)
    for copy in make_project(folder):
        copy.configure(sampler=QUICK["sampler"] | {"seed": 7, "target_accept": 0.9})
        second = copy.run(selection=REFIT)
        assert second.success
        yield copy, first, second.run_id


def stored(project: Project, view: str) -> pd.DataFrame:
    rows = project.query(f"select * from mmm.{view}")
    return rows.sort_values([*KEYS, *rows.filter(["step_index"])]).reset_index(drop=True)


def test_the_causes_are_told_and_kept(reseeded: tuple[Project, str, str], call: Call) -> None:
    project, first, second = reseeded
    assert project.query("select * from mmm.mmm_run_delta_cause_latest").empty
    result = call("changes", second[:8])
    assert result.exit_code == 0, result.output
    assert f"from run {first} to run {second}" in result.stdout
    lines = result.stdout.splitlines()
    assert lines[2].split() == [*KEYS, "before", "seed", "configuration", "now", "shift_sd"]
    assert len(lines) == 3 + 5 * 3
    assert "fit 1 of 1: the earlier run with the new seed" in result.stderr
    assert "once the job `mmm_dashboards` has made their copy anew" in result.stderr
    rows = stored(project, "mmm_run_delta_cause_latest")
    assert set(rows["run_id"]) == {second}
    assert set(rows["previous_run_id"]) == {first}
    assert list(rows["cause"].unique()) == ["seed", "configuration"]
    assert rows["has_passed"].all()
    whole = stored(project, "mmm_run_delta_latest")
    ends = rows[rows["step_index"] == 1].reset_index(drop=True)
    np.testing.assert_allclose(ends["current_mean"], whole["current_mean"], rtol=1e-9)
    summed = rows.groupby(KEYS)["shift_sd"].sum().to_numpy()
    np.testing.assert_allclose(summed, whole["shift_sd"], atol=1e-9)


def test_once_more_is_the_same_and_a_score_has_those_of_its_fit(
    reseeded: tuple[Project, str, str], call: Call
) -> None:
    project, first, second = reseeded
    copy_run(project, second, "a score", datetime(2031, 1, 1))
    with project.warehouse.begin() as connection:
        of_score = RUN.update().where(RUN.c.run_id == "a score")
        connection.execute(of_score.values(fit_run_id=second, run_type="score"))
    shown = printed(call("changes", "a score", "--json"))
    assert (shown["run_id"], shown["previous_run_id"]) == (second, first)
    assert len(shown["causes"]) == 2 * 5 * 3
    rows = stored(project, "mmm_run_delta_cause")
    of_fit, of_score = (
        rows[rows["run_id"] == run_id].drop(columns="run_id").reset_index(drop=True)
        for run_id in (second, "a score")
    )
    assert len(of_fit) == len(shown["causes"])
    pd.testing.assert_frame_equal(of_score, of_fit)


def test_a_first_run_has_none_before_it(reseeded: tuple[Project, str, str], call: Call) -> None:
    _, first, _ = reseeded
    result = call("changes", first)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"run {first} has no rows in mmm_run_delta" in result.stderr


def test_without_its_files_a_run_cannot_be_split(
    reseeded: tuple[Project, str, str], call: Call
) -> None:
    project, first, second = reseeded
    folder = project.folder / "artefacts" / "demo" / "runs" / first
    folder.rename(folder.with_name("away"))
    try:
        result = call("changes", second)
    finally:
        folder.with_name("away").rename(folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"the files of run {first} are not at" in result.stderr
    assert "restore the folder, or refit" in result.stderr


@pytest.mark.slow
@pytest.mark.long
def test_of_several_series_on_postgres_each_and_their_sum_are_split(
    database: sa.URL, tmp_path: Path, call: Call
) -> None:
    for project in make_project(tmp_path, database):
        regions = write_regions(tmp_path / "regions.csv")
        project.configure(**regions, sampler=HASTY, gate=ANYTHING_GOES)
        assert project.run(tmp_path / "regions.csv").success
        project.configure(**regions, sampler=HASTY | {"seed": 7}, gate=ANYTHING_GOES)
        second = project.run(selection=["panel", *REFIT])
        assert second.success
        result = call("changes", second.run_id)
        assert result.exit_code == 0, result.output
        rows, whole = (stored(project, f"mmm_run_delta{end}") for end in ("_cause", ""))
    assert set(rows["series_key"]) == {"region_01", "region_02", "all"}
    assert set(rows["cause"]) == {"seed"}
    # Nothing but the seed is new, so its step is the whole way.
    assert len(rows) == len(whole)
    np.testing.assert_allclose(rows["shift"], whole["current_mean"] - whole["previous_mean"])
