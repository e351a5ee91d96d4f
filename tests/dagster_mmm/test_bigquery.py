"""The whole job on a stand-in for BigQuery: see tests/bigquery_server.py for what it is not.

It runs in an environment of its own, with the extra `bigquery`: `make test-bigquery`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from dagster_mmm.inputs import check_table
from dagster_mmm.inputs.errors import RawTableError
from dagster_mmm.settings import load_settings
from dagster_mmm.warehouse.ddl import create_schema
from dagster_mmm.warehouse.errors import (
    WarehouseBusyError,
    WarehouseError,
    WarehouseUnreachableError,
)
from dagster_mmm.warehouse.rows import replace_run, replace_table
from dagster_mmm.warehouse.tables import (
    LIFT_TEST,
    METADATA,
    RESULT_TABLES,
    RUN,
    RUN_DELTA,
    RUN_DELTA_CAUSE,
)
from tests.bigquery_server import PROJECT, running_stand_in
from tests.conftest import Project, make_project
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY

pytest.importorskip("dbt.adapters.bigquery", reason="needs the extra bigquery: make test-bigquery")
pytestmark = [
    pytest.mark.slow,
    # The drivers', which nobody here can change.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:google"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:sqlalchemy_bigquery"),
    pytest.mark.filterwarnings("ignore:.*supports_statement_cache.*"),
]
URL = sa.URL.create("bigquery", host=PROJECT, query={"location": "EU"})
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
    """One good week of the job."""

    project: Project
    run_id: str


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, market: Path) -> Iterator[Job]:
    folder = tmp_path_factory.mktemp("bigquery")
    with running_stand_in(folder):
        for project in make_project(folder, URL):
            project.configure(sampler=HASTY, gate=ANYTHING_GOES)
            ran = project.run(market)
            assert ran.success
            yield Job(project, ran.run_id)


def test_the_last_run_is_visible_in_every_latest_view(job: Job) -> None:
    for table in RESULT_TABLES:
        runs = job.project.query(f"select distinct run_id from mmm.{table.name}_latest")
        # No experiment was made, and there is no run before it.
        expected = [] if table in (LIFT_TEST, RUN_DELTA, RUN_DELTA_CAUSE) else [job.run_id]
        assert list(runs.get("run_id", [])) == expected, table.name
    history = job.project.query("select run_id, status from mmm.mmm_run_history")
    assert list(history["run_id"]) == [job.run_id]
    assert list(history["status"]) == ["published"]


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
    row = job.project.query(f"select * from mmm.mmm_run where run_id = '{job.run_id}'").iloc[0]
    odd = "a \"text\"\\ with\n'all' {} %s é"
    frame = pd.DataFrame([row]).assign(run_id="copied", gate_reason=odd, published_at=None)
    with job.project.warehouse.begin() as connection:
        replace_run(connection, "copied", {RUN: frame})
        replace_run(connection, "copied", {RUN: frame.assign(model_version="")})
    copied = job.project.query("select * from mmm.mmm_run where run_id = 'copied'")
    assert len(copied) == 1
    assert copied["gate_reason"].item() == odd
    assert copied["model_version"].item() == ""
    assert copied["published_at"].isna().item()
    changed = ("run_id", "gate_reason", "published_at", "model_version")
    same = [name for name in row.index if name not in changed]
    pd.testing.assert_series_equal(
        copied.iloc[0][same], row[same], check_names=False, check_dtype=False
    )
    with job.project.warehouse.begin() as connection:
        connection.execute(RUN.delete().where(RUN.c.run_id == "copied"))


def test_rows_of_many_requests_all_arrive(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster_mmm.warehouse.rows.bigquery.BYTES_AT_ONCE", 2_000)
    row = job.project.query("select * from mmm.mmm_run").iloc[[0]]
    with job.project.warehouse.begin() as connection:
        for run_id in ("one", "two"):
            replace_run(connection, run_id, {RUN: row.assign(run_id=run_id, gate_reason="é" * 999)})
    many = job.project.query("select * from mmm.mmm_run where gate_reason like 'éé%'")
    assert len(many) == 2
    with job.project.warehouse.begin() as connection:
        connection.execute(RUN.delete().where(RUN.c.run_id.in_(["one", "two"])))


def test_a_transaction_that_fails_leaves_nothing(job: Job) -> None:
    warehouse = job.project.warehouse
    row = job.project.query("select * from mmm.mmm_run").iloc[[0]].assign(run_id="torn")
    with pytest.raises(KeyError), warehouse.begin() as connection:
        replace_run(connection, "torn", {RUN: row})
        # Readers see nothing of it while it is open.
        assert len(warehouse.read(sa.select(RUN.c.run_id))) == 1
        assert connection.scalar(sa.select(sa.func.count()).select_from(RUN)) == 2
        raise KeyError
    assert len(warehouse.read(sa.select(RUN.c.run_id))) == 1


def test_columns_are_found_by_the_names_that_a_file_gives_them(job: Job) -> None:
    rows = pa.table({"week": ["2025-01-06", None], "TV spend": ["1,5", ""], "Ümsatz": ["x", "y"]})
    with job.project.warehouse.begin() as connection:
        create_schema(connection, "elsewhere")
        replace_table(connection, "elsewhere", "of_a_file", rows)
        replace_table(connection, "elsewhere", "of_a_file", rows)
        found = sa.Table("of_a_file", sa.MetaData(), schema="elsewhere", autoload_with=connection)
        assert found.columns.keys() == rows.column_names
    with job.project.warehouse.connected() as connection:
        read = [dict(row) for row in connection.execute(sa.select(found)).mappings()]
    assert read == rows.to_pylist()


def test_the_raw_table_is_checked_by_its_columns(job: Job) -> None:
    settings = load_settings(Path(os.environ["MMM_SETTINGS"]))
    assert check_table(job.project.warehouse, settings).n_rows == 156


def test_a_date_that_is_a_moment_is_refused(job: Job) -> None:
    settings = load_settings(Path(os.environ["MMM_SETTINGS"]))
    with job.project.warehouse.connected() as connection:
        connection.exec_driver_sql(
            "create table raw.moments as "
            "select * replace (timestamp(week) as week) from raw.weekly_media"
        )
    of_moments = replace_input(settings, "raw.moments")
    with pytest.raises(RawTableError, match="time zone"):
        check_table(job.project.warehouse, of_moments)


def replace_input(settings, table: str):
    return settings.model_copy(update={"input": settings.input.model_copy(update={"table": table})})


def test_a_second_writer_is_told_and_readers_wait_for_none(job: Job) -> None:
    warehouse = replace(job.project.warehouse, lock_seconds=1)
    with warehouse.locked():
        assert len(warehouse.read(sa.select(RUN.c.run_id))) == 1
        with pytest.raises(WarehouseBusyError, match=r"docs/bigquery\.md"), warehouse.locked():
            pass
    # It is free again.
    with warehouse.locked():
        pass


def test_a_lock_that_has_lost_its_row_is_no_lock(job: Job) -> None:
    warehouse = job.project.warehouse
    with warehouse.begin() as connection:
        connection.exec_driver_sql("delete from mmm.mmm_lock where true")
    with pytest.raises(WarehouseError, match="no row to lock by"), warehouse.locked():
        pass
    with warehouse.connected() as connection:
        connection.exec_driver_sql("insert into mmm.mmm_lock values ('nobody')")


def test_tables_of_an_earlier_version_get_the_columns_that_they_lack(job: Job) -> None:
    warehouse = job.project.warehouse
    with warehouse.connected() as connection:
        connection.exec_driver_sql("alter table mmm.mmm_run drop column gate_reason")
    warehouse.create_result_tables()
    found = job.project.query("select gate_reason from mmm.mmm_run")
    assert list(found["gate_reason"]) == [None]


def test_a_statement_that_fails_is_an_error(job: Job) -> None:
    with pytest.raises(Exception, match="nowhere"):
        job.project.query("select * from mmm.nowhere")


def test_without_credentials_one_is_told_where_to_look(
    job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MMM_BIGQUERY_KEY_PATH")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(WarehouseUnreachableError, match=r"docs/bigquery\.md"):
        job.project.warehouse.read(sa.select(RUN.c.run_id))


def test_the_key_is_in_nothing_that_the_job_wrote(job: Job) -> None:
    secret = Path(os.environ["MMM_BIGQUERY_KEY_PATH"]).read_text().split("KEY-----")[1][:60]
    key = job.project.folder / "key.json"
    assert secret in key.read_text()
    for path in job.project.folder.rglob("*"):
        if path.is_file() and path != key:
            assert secret.encode() not in path.read_bytes(), path
    for table in METADATA.tables.values():
        assert secret not in job.project.query(f"select * from mmm.{table.name}").to_csv()
