"""A warehouse and files of commit fa4acd3, taken along by the version of now."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from dagster_mmm.cli.jobs import run_job
from dagster_mmm.cli.main import mmm
from dagster_mmm.warehouse.tables import METADATA, RESULT_TABLES
from tests.conftest import Project, make_project
from tests.postgres_server import restore

# How that version called the latest rows of each result table.
LATEST = {f"{str(table.name).removeprefix('mmm_')}_latest" for table in RESULT_TABLES}
ALL_RUNS = "select run_id, status, currency, n_weeks, gate_reason from mmm.mmm_run order by run_id"


@pytest.fixture(params=["duckdb", "postgres"])
def left(request: pytest.FixtureRequest, left_behind: Path, tmp_path: Path) -> Iterator[Project]:
    """What the earlier version has left, in a project of this version."""
    shutil.copytree(left_behind, tmp_path, dirs_exist_ok=True)
    url: sa.URL | None = None
    if request.param == "postgres":
        url = request.getfixturevalue("database")
        restore(url, left_behind / "warehouse.sql")
    for project in make_project(tmp_path, url):
        # The settings that the earlier version was run by; a new project brings its own.
        shutil.copy(left_behind / "settings.yaml", tmp_path / "settings.yaml")
        yield project


def published_run_of(project: Project) -> str:
    runs = project.query("select run_id from mmm.mmm_run where status = 'published'")
    return runs["run_id"].item()


def views_of(project: Project) -> set[str]:
    with project.warehouse.begin() as connection:
        return {name.split(".")[-1] for name in sa.inspect(connection).get_view_names("mmm")}


def columns_of(project: Project) -> dict[str, set[str]]:
    with project.warehouse.begin() as connection:
        inspector = sa.inspect(connection)
        return {
            str(table.name): {
                c["name"] for c in inspector.get_columns(str(table.name), table.schema)
            }
            for table in METADATA.tables.values()
        }


def test_a_warehouse_of_the_version_before_is_taken_along(left: Project) -> None:
    runs = left.query(ALL_RUNS)
    latest = {view: left.query(f"select * from mmm.{view}") for view in views_of(left) & LATEST}
    assert len(latest) > 10
    assert set(runs["status"]) == {"superseded", "published"}
    # As if the version before had not known of it yet: sooner or later there is such a column.
    with left.warehouse.begin() as connection:
        connection.exec_driver_sql("alter table mmm.mmm_run drop column value_per_unit cascade")

    left.warehouse.create_result_tables()
    found = columns_of(left)
    assert found == {str(t.name): set(t.columns.keys()) for t in METADATA.tables.values()}
    pd.testing.assert_frame_equal(left.query(ALL_RUNS), runs)

    assert run_job(left.instance, "dashboards").success
    views = views_of(left)
    for view, before in latest.items():
        # A later version may have renamed it.
        now = f"mmm_{view}" if f"mmm_{view}" in views else view
        after = left.query(f"select * from mmm.{now}")
        assert set(before.columns) <= set(after.columns), view
        keys = [name for name in before.columns if name != "value_per_unit"]
        pd.testing.assert_frame_equal(
            after[keys].sort_values(keys, ignore_index=True),
            before[keys].sort_values(keys, ignore_index=True),
        )

    # On DuckDB it makes the copy for dashboards anew, from the views of now.
    published = published_run_of(left)
    back = CliRunner().invoke(mmm, ["rollback"])
    assert back.exit_code == 0, back.output
    assert published_run_of(left) != published


def test_runs_of_the_version_before_are_read_by_every_command(left: Project) -> None:
    published = published_run_of(left)
    call = CliRunner()
    for words in (["runs"], ["show", published], ["explain", published]):
        result = call.invoke(mmm, words)
        assert result.exit_code == 0, result.output
    assert published[:8] in call.invoke(mmm, ["runs"]).stdout


@pytest.mark.parametrize("left", ["duckdb"], indirect=True)
def test_a_posterior_of_the_version_before_is_scored_and_refitted(left: Project) -> None:
    published = published_run_of(left)
    market = pd.read_csv(left.folder / "market.csv")
    further = market.tail(2).assign(week=["2025-01-20", "2025-01-27"])
    assert market["week"].max() < further["week"].min()
    pd.concat([market, further]).to_csv(left.folder / "market.csv", index=False)
    assert run_job(
        left.instance,
        "weekly_input",
        {"ops": {"mmm__raw__weekly_media": {"config": {"file": str(left.folder / "market.csv")}}}},
    ).success

    assert run_job(left.instance, "score_new_weeks", model_key="demo").success
    scored = left.query("select fit_run_id from mmm.mmm_run where run_type = 'score'")
    assert list(scored["fit_run_id"]) == [published]
    told = CliRunner().invoke(mmm, ["summary", "--from", "2024-06-03", "--to", "2024-09-01"])
    assert told.exit_code == 0, told.output

    assert run_job(left.instance, "refit", model_key="demo").success
    fitted = left.query("select run_type from mmm.mmm_run where status = 'published'")
    assert list(fitted["run_type"]) == ["refit"]
