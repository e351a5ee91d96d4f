"""The whole job on a real Postgres, under the least rights, and its password in no output."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import streamlit as st

# What the UI's pages on resources are made of; Dagster has no public name for it.
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value

from dagster_mmm import environment
from dagster_mmm.cli.jobs import run_job
from dagster_mmm.definitions import defs
from dagster_mmm.inputs import RawTableError, check_table, load_csv
from dagster_mmm.settings import load_settings
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.dbt_environment import tell_dbt
from dagster_mmm.warehouse.errors import WarehousePermissionError
from dagster_mmm.warehouse.resource import RetriedWarehouse
from dagster_mmm.warehouse.tables import METADATA, RESULT_TABLES
from tests.conftest import Project, make_project
from tests.dagster_mmm.test_job import ANYTHING_GOES, EMPTY, HASTY
from tests.dashboards.harness import PAGES, assert_tables_are_their_answers, opened
from tests.postgres_server import connect, new_database, run_sql

PASSWORD = "s3cr3t To/Be@W%pl4nted"
# As it stands, and as in a URL.
TRACES = ("s3cr3t", "pl4nted")
DOCUMENTED = (environment.ROOT / "docs" / "postgres.md").read_text()


def roles() -> str:
    """The statements of docs/postgres.md that make the roles."""
    blocks = re.findall(r"```sql\n(.*?)```", DOCUMENTED, re.DOTALL)
    return next(block for block in blocks if "create role" in block)


def resource(url: sa.URL) -> Warehouse:
    return Warehouse(url=url.render_as_string(hide_password=False))


@dataclass(frozen=True)
class Job:
    """A good run of `make demo` under the documented roles, and where it left its traces."""

    project: Project
    administrator: sa.URL
    printed: str
    started: float

    def files(self) -> Iterator[Path]:
        """All that the run wrote: artefacts, Dagster's storage and logs, dbt's target and logs."""
        folders = (self.project.folder, environment.ROOT / "sql", environment.dbt_path())
        written = chain.from_iterable(folder.rglob("*") for folder in folders)
        for path in written:
            if path.is_file() and path.stat().st_mtime >= self.started:
                yield path


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, postgres: sa.URL, market: Path) -> Iterator[Job]:
    folder = tmp_path_factory.mktemp("postgres")
    administrator = new_database(postgres, "The shop")
    url = administrator.set(username="mmm_results", password=PASSWORD)
    started = time.time()
    for project in make_project(folder, url):
        project.configure(sampler=HASTY, gate=ANYTHING_GOES)
        settings = load_settings(folder / "settings.yaml")
        load_csv(resource(administrator), market, settings)
        run_sql(administrator, roles())
        run_sql(administrator, f"alter role mmm_results password '{PASSWORD}'")
        finished = demo(project)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        yield Job(project, administrator, finished.stdout + finished.stderr, started)


def demo(project: Project, **variables: str) -> "subprocess.CompletedProcess[str]":
    """`make demo`, with Dagster's storage in the project's folder."""
    home = project.folder / "dagster_home"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [str(Path(sys.executable).with_name("mmm")), "demo"],
        env=os.environ
        | {"DAGSTER_HOME": str(home), "MMM_SETTINGS": settings_of(project)}
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def settings_of(project: Project) -> str:
    return str(project.folder / "settings.yaml")


def traces_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


def test_a_good_run_is_visible_in_every_latest_view(job: Job) -> None:
    (run_id,) = job.project.query("select run_id from mmm.mmm_run_latest")["run_id"]
    assert f"Run {run_id} is published" in job.printed
    for table in RESULT_TABLES:
        view = f"mmm.{table.name}_latest"
        runs = job.project.query(f"select distinct run_id from {view}")
        assert list(runs.get("run_id", [])) == ([] if table in EMPTY else [run_id]), view


@pytest.mark.parametrize("page", PAGES)
def test_the_dashboard_reads_it(job: Job, page: str) -> None:
    st.cache_data.clear()
    assert_tables_are_their_answers(opened(page), job.project)


@pytest.mark.usefixtures("job")
def test_a_spend_that_is_left_as_it_is_changes_nothing() -> None:
    """Postgres sums in whatever order it pleases."""
    st.cache_data.clear()
    found = opened("what_if").dataframe[2].value.iloc[0]
    assert found["n_draws"] > 0
    assert found[["change_ci_lo", "change_ci_hi", "prob_more"]].tolist() == [0, 0, 0]


def test_the_password_is_in_no_output_of_a_good_run(job: Job) -> None:
    assert "postgresql+psycopg://mmm_results:***@127.0.0.1" in job.printed
    assert traces_in(job.printed) == []
    found = [path for path in job.files() if traces_in(path.read_bytes().decode("latin-1"))]
    assert found == []
    names = {path.name for path in job.files()}
    # Each place that was to be searched.
    assert {"run.json", "panel.parquet", "index.db", "dbt.log", "run_results.json"} <= names
    for table in METADATA.tables.values():
        rows = job.project.query(f"select t::text as row from mmm.{table.name} t")
        assert [row for row in rows.get("row", []) if traces_in(row)] == [], table.name


# Dagster's own property, read by Dagster.
@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`")
def test_the_password_is_not_in_what_the_ui_shows(job: Job) -> None:
    warehouse = defs().resources["mmm_warehouse"]
    assert traces_in(repr(warehouse) + str(warehouse)) == []
    resolved = resource(job.administrator.set(password=PASSWORD))
    assert traces_in(repr(resolved) + str(resolved) + resolved.place) == []
    served = serialize_value(RepositorySnap.from_def(defs().get_repository_def()))
    assert "mmm_warehouse" in served
    assert traces_in(served) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"host": "no-such-host.invalid"}, "no-such-host.invalid"),
        ({"password": PASSWORD + " of old"}, "password authentication failed"),
    ],
    ids=["host", "password"],
)
def test_a_refused_connection_is_named_and_shows_no_password(
    job: Job,
    change: dict[str, Any],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = sa.make_url(os.environ["MMM_WAREHOUSE_URL"]).set(**change)
    monkeypatch.setenv("MMM_WAREHOUSE_URL", url.render_as_string(hide_password=False))
    impatient = partial(RetriedWarehouse, retry_seconds=0)
    monkeypatch.setattr("dagster_mmm.defs.resources.RetriedWarehouse", impatient)
    result = job.project.run(selection=["raw/weekly_media"])
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "cannot connect to postgresql+psycopg://" in str(failure)
    assert reason in str(failure)
    tell_dbt(job.project.warehouse)
    dbt = defs().resources["mmm_dbt"]
    assert not dbt.cli(["debug"], raise_on_error=False).wait().is_successful()

    printed = capfd.readouterr()
    events = job.project.instance.all_logs(result.run_id)
    recorded = "".join(serialize_value(event) for event in events)
    assert traces_in(printed.out + printed.err + recorded) == []
    assert [path for path in job.files() if traces_in(path.read_bytes().decode("latin-1"))] == []


def test_the_demo_says_what_is_wrong_with_the_url_without_quoting_it(job: Job) -> None:
    broken = f"postgresql://mmm_results:{PASSWORD}@127.0.0.1/shop"
    for url, code, reason in (
        (broken, 2, "percent-encoded"),
        (broken.replace("@W%", ""), 1, "cannot connect to postgresql+psycopg://mmm_results:***@"),
    ):
        finished = demo(job.project, MMM_WAREHOUSE_URL=url)
        assert finished.returncode == code
        assert reason in finished.stderr
        assert "Traceback" not in finished.stderr
        assert traces_in(finished.stdout + finished.stderr) == []


def test_the_result_role_reads_raw_and_owns_one_schema(job: Job) -> None:
    warehouse = job.project.warehouse
    assert check_table(warehouse, load_settings(Path(settings_of(job.project)))).n_rows == 156
    for statement in (
        "insert into raw.weekly_media (week) values ('2030-01-07')",
        "delete from raw.weekly_media",
        "create table raw.another (x integer)",
        "create table public.another (x integer)",
        "create schema another",
        "alter table raw.weekly_media add column x integer",
    ):
        refused = pytest.raises(WarehousePermissionError, match=r"docs/postgres\.md")
        with refused, warehouse.begin() as connection:
            connection.exec_driver_sql(statement)


def test_the_source_role_only_reads_raw_and_the_reader_only_results(job: Job) -> None:
    readable = {"mmm_source": "raw.weekly_media", "mmm_reader": "mmm.mmm_weekly_input"}
    for role, table in readable.items():
        login = f"a_person_in_{role}"
        run_sql(job.administrator, f"create role {login} login password 'any' in role {role}")
        warehouse = resource(job.administrator.set(username=login, password="any"))
        assert not warehouse.read(sa.text(f"select * from {table}")).empty
        (other,) = set(readable.values()) - {table}
        for statement in (
            f"select * from {other}",
            f"delete from {table}",
            "create table mmm.another (x integer)",
        ):
            with pytest.raises(WarehousePermissionError), warehouse.begin() as connection:
                connection.exec_driver_sql(statement)


def test_a_table_or_view_that_may_not_be_read_is_named_with_the_grants(job: Job) -> None:
    run_sql(
        job.administrator,
        """
        create role a_stranger;
        create table raw.secret (week date, revenue integer);
        create view raw.theirs as select * from raw.secret;
        alter view raw.theirs owner to a_stranger;
        grant select on raw.theirs to mmm_results;
        create schema closed;
        create table closed.weekly (week date);
        revoke select on raw.secret from mmm_source;
        """,
    )
    settings = load_settings(Path(settings_of(job.project)))
    for table, said, grant in (
        ("raw.secret", "table secret", 'grant select on "raw"."secret" to "mmm_results"'),
        ("raw.theirs", "table secret", "the owner of the view needs the same"),
        ("closed.weekly", "schema closed", 'grant usage on schema "closed" to "mmm_results"'),
    ):
        elsewhere = settings.input.model_copy(update={"table": table})
        with pytest.raises(RawTableError) as failure:
            check_table(job.project.warehouse, settings.model_copy(update={"input": elsewhere}))
        message = str(failure.value)
        assert f"{table} may not be read" in message
        assert f"permission denied for {said}" in message
        assert grant in message


def test_a_rebuilt_view_is_replaced_under_its_readers(job: Job) -> None:
    run_sql(
        job.administrator,
        "create schema dashboards; "
        "create view dashboards.theirs as select * from mmm.mmm_run_latest",
    )
    of_views = (
        "select 'mmm.mmm_run_latest'::regclass::oid, "
        "'mmm.mmm_channel_summary_latest'::regclass::oid"
    )
    before = job.project.query(of_views)
    assert job.project.run(selection=["mmm_int_published_run", "mmm_run_latest"]).success
    assert job.project.query(of_views).equals(before)
    rows = resource(job.administrator).read(sa.text("select * from dashboards.theirs"))
    assert len(rows) == 1


def test_dbt_does_not_wait_for_ever_for_a_readers_transaction(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=1s")
    with connect(job.administrator) as reader, reader.transaction():
        reader.execute("select * from mmm.mmm_run_latest")
        result = job.project.run(selection=["mmm_run_latest"])
    (failure,) = result.get_step_failure_events()
    assert "canceling statement due to lock timeout" in str(failure)


def test_a_warehouse_of_an_earlier_version_is_carried_over(job: Job) -> None:
    fingerprints = "select run_id, config_fingerprint from mmm.mmm_run_latest"
    before = job.project.query(fingerprints)
    assert len(before) == 1
    of_old = "rename column config_fingerprint to config_hash"
    run_sql(
        job.administrator,
        f"alter table mmm.mmm_run {of_old};"
        f"alter view mmm.mmm_run_latest {of_old};"
        f"alter view mmm.mmm_run_history {of_old};",
    )
    assert run_job(job.project.instance, "dashboards").success
    assert job.project.query(fingerprints).equals(before)
    # It was dropped with the view that it reads, and made anew.
    assert len(job.project.query("select * from mmm.mmm_trust_latest")) == 1
