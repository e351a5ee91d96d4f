"""Dagster's own storage in Postgres, as deploy/postgres/dagster.yaml sets it."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_mmm.environment import ROOT
from tests.deploy.services import storage_url
from tests.postgres_server import connect


@dg.asset
def answer() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"answer": 42})


def test_a_run_is_in_postgres_for_whoever_comes_later(
    tmp_path: Path, database: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "deploy" / "postgres" / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", storage_url(database))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        result = dg.materialize([answer], instance=instance)
    with dg.DagsterInstance.from_config(str(tmp_path)) as later:
        run = later.get_run_by_id(result.run_id)
        event = later.get_latest_materialization_event(answer.key)
        records = later.get_records_for_run(result.run_id).records
    assert run is not None
    assert run.is_success
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["answer"] == dg.IntMetadataValue(42)
    with connect(database) as connection:
        assert connection.execute("select run_id, status from runs").fetchall() == [
            (result.run_id, "SUCCESS")
        ]
        logged = connection.execute("select count(*) from event_logs").fetchone()
    assert logged == (len(records),)
    assert not list(tmp_path.glob("**/*.db"))
