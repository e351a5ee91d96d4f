"""The whole job on a stand-in for Snowflake: see tests/snowflake_server.py for what it is not.

It runs in an environment of its own, with the extra `snowflake`: `make test-snowflake`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from dagster_mmm.inputs import check_table
from dagster_mmm.settings import load_settings
from dagster_mmm.warehouse.ddl import create_schema
from dagster_mmm.warehouse.errors import WarehouseBusyError, WarehouseError
from dagster_mmm.warehouse.rows import replace_run, replace_table
from dagster_mmm.warehouse.tables import (
    LIFT_TEST,
    METADATA,
    RESULT_TABLES,
    RUN,
    RUN_DELTA_CAUSE,
)
from tests.conftest import Project, make_project
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY
from tests.snowflake_server import PASSWORD, running_stand_in

pytest.importorskip("fakesnow", reason="needs the extra snowflake: make test-snowflake")
pytestmark = [
    pytest.mark.slow,
    # The drivers', which nobody here can change.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:snowflake"),
]
# The raw table, and what dbt makes the weekly input of.
INPUT = [
    "raw/weekly_media",
    "mmm_stg_input",
    "mmm_stg_reports",
    "mmm_int_report_days",
    "mmm_int_reported_spend",
    "mmm_int_input",
    "mmm_int_weekly_values",
    "mmm_int_weekly_spine",
    "mmm_weekly_input",
]


@dataclass(frozen=True)
class Job:
    """Two good weeks of the job, the second of them refitted."""

    project: Project
    runs: tuple[str, str]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, market: Path) -> Iterator[Job]:
    folder = tmp_path_factory.mktemp("snowflake")
    with running_stand_in(folder / "server.log") as url:
        for project in make_project(folder, url):
            project.configure(sampler=HASTY, gate=ANYTHING_GOES)
            first = project.run(market)
            assert first.success
            second = project.run(market, force=True)
            assert second.success
            yield Job(project, (first.run_id, second.run_id))


def test_the_last_run_is_visible_in_every_latest_view(job: Job) -> None:
    for table in RESULT_TABLES:
        view = f"mmm.{table.name}_latest"
        runs = job.project.query(f"select distinct run_id from {view}")
        # No experiment was made, and nobody has asked for causes.
        expected = [] if table in (LIFT_TEST, RUN_DELTA_CAUSE) else [job.runs[1]]
        assert list(runs.get("run_id", [])) == expected, view
    history = job.project.query(
        "select run_id, status from mmm.mmm_run_history order by started_at"
    )
    assert list(history["run_id"]) == list(job.runs)
    assert list(history["status"]) == ["superseded", "published"]


def test_the_input_is_read_as_duckdb_reads_it(job: Job, market: Path, tmp_path: Path) -> None:
    columns = "series_key, week_start, variable, role, value, n_rows, n_days, first_date, last_date"
    query = f"select {columns} from mmm.mmm_weekly_input order by week_start, variable"
    here = job.project.query(query)
    assert len(here) == 156 * 8
    for project in make_project(tmp_path):
        assert project.run(market, selection=INPUT).success
        there = project.query(query)
    pd.testing.assert_frame_equal(here, there, check_dtype=False, rtol=1e-12)


def test_every_cell_of_the_result_tables_is_what_was_written(job: Job) -> None:
    """Of all types: texts, empty ones too, numbers, days, times, flags and nulls."""
    row = job.project.query(f"select * from mmm.mmm_run where run_id = '{job.runs[1]}'").iloc[0]
    frame = pd.DataFrame([row]).assign(run_id="copied", gate_reason="", published_at=None)
    with job.project.warehouse.begin() as connection:
        replace_run(connection, "copied", {RUN: frame})
        replace_run(connection, "copied", {RUN: frame})
    copied = job.project.query("select * from mmm.mmm_run where run_id = 'copied'")
    assert len(copied) == 1
    assert copied["gate_reason"].item() == ""
    assert copied["published_at"].isna().item()
    same = [name for name in row.index if name not in ("run_id", "gate_reason", "published_at")]
    pd.testing.assert_series_equal(
        copied.iloc[0][same], row[same], check_names=False, check_dtype=False
    )
    with job.project.warehouse.begin() as connection:
        connection.execute(RUN.delete().where(RUN.c.run_id == "copied"))


def test_a_transaction_that_fails_leaves_nothing(job: Job) -> None:
    before = job.project.query("select count(*) as n from mmm.mmm_run")["n"].item()
    row = job.project.query("select * from mmm.mmm_run").iloc[[0]].assign(run_id="torn")
    with pytest.raises(KeyError), job.project.warehouse.begin() as connection:
        replace_run(connection, "torn", {RUN: row})
        raise KeyError
    assert job.project.query("select count(*) as n from mmm.mmm_run")["n"].item() == before


def test_columns_are_found_by_the_names_that_a_file_gives_them(job: Job) -> None:
    rows = pa.table({"week": ["2025-01-06", None], "TV spend": ["1,5", ""], 'a"b%': ["x", "y"]})
    with job.project.warehouse.begin() as connection:
        create_schema(connection, "elsewhere")
        replace_table(connection, "elsewhere", "of_a_file", rows)
        replace_table(connection, "elsewhere", "of_a_file", rows)
        found = sa.Table("of_a_file", sa.MetaData(), schema="elsewhere", autoload_with=connection)
        assert found.columns.keys() == rows.column_names
        read = [dict(row) for row in connection.execute(sa.select(found)).mappings()]
    assert read == rows.to_pylist()


def test_the_raw_table_is_checked_by_its_columns(job: Job) -> None:
    settings = load_settings(Path(os.environ["MMM_SETTINGS"]))
    assert check_table(job.project.warehouse, settings).n_rows == 156


def test_a_second_writer_is_told_and_readers_wait_for_none(job: Job) -> None:
    """The stand-in refuses the second writer at once; Snowflake lets it wait."""
    warehouse = job.project.warehouse
    with warehouse.locked():
        assert len(warehouse.read(sa.select(RUN.c.run_id))) == 2
        with pytest.raises(WarehouseBusyError, match=r"docs/snowflake\.md"), warehouse.locked():
            pass
    # It is free again.
    with warehouse.locked():
        pass


def test_a_lock_that_has_lost_its_row_is_no_lock(job: Job) -> None:
    warehouse = job.project.warehouse
    with warehouse.begin() as connection:
        connection.exec_driver_sql("delete from mmm.mmm_lock")
    with pytest.raises(WarehouseError, match="no row to lock by"), warehouse.locked():
        pass
    with warehouse.connected() as connection:
        connection.exec_driver_sql("insert into mmm.mmm_lock values ('nobody')")
        connection.commit()


def test_the_password_is_in_nothing_that_the_job_wrote(job: Job) -> None:
    assert PASSWORD not in repr(job.project.warehouse) + job.project.warehouse.place
    for path in job.project.folder.rglob("*"):
        if path.is_file() and path.name != "server.log":
            assert PASSWORD.encode() not in path.read_bytes(), path
    for table in METADATA.tables.values():
        rows = job.project.query(f"select * from mmm.{table.name}")
        assert PASSWORD not in rows.to_csv(), table.name
