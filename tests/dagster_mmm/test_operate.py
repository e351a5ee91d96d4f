"""What an operator does by hand, on the warehouse of a job that has run."""

from datetime import datetime

import duckdb
import pytest
import sqlalchemy as sa

from dagster_mmm import operate
from dagster_mmm.warehouse.publish import publish
from dagster_mmm.warehouse.snapshot import snapshot_of
from dagster_mmm.warehouse.tables import RESULT_TABLES, RUN
from tests.conftest import Project


@pytest.fixture
def refitted(rerun: tuple[Project, str]) -> tuple[Project, str]:
    """A second run of the same numbers, published after the first."""
    project, first = rerun
    with project.warehouse.begin() as connection:
        for table in RESULT_TABLES:
            columns = [c if c.name != "run_id" else sa.literal("second") for c in table.columns]
            copy = sa.select(*columns).where(table.c.run_id == first)
            connection.execute(table.insert().from_select(table.columns.keys(), copy))
        later = datetime(2030, 1, 1)
        connection.execute(RUN.update().where(RUN.c.run_id == "second").values(started_at=later))
        publish(connection, "demo", "second", later)
    return project, first


def live(project: Project) -> str:
    return project.query("select run_id from mmm.run_latest")["run_id"].item()


def test_rollback_is_there_and_back_and_takes_the_dashboards_along(
    refitted: tuple[Project, str], capsys: pytest.CaptureFixture[str]
) -> None:
    project, first = refitted
    file = project.warehouse.file
    assert file is not None
    for expected in (first, "second"):
        assert operate.main(["rollback"]) == 0
        assert f"run {expected} is live" in capsys.readouterr().out
        assert live(project) == expected
        with duckdb.connect(str(snapshot_of(file)), read_only=True) as connection:
            assert connection.execute("select run_id from mmm.run_latest").fetchall() == [
                (expected,)
            ]


def test_history_lists_every_publication(
    refitted: tuple[Project, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, first = refitted
    assert operate.main(["history"]) == 0
    printed = capsys.readouterr().out
    assert printed.index(first) < printed.index("second")


def test_retention_removes_rows_and_files(
    refitted: tuple[Project, str], capsys: pytest.CaptureFixture[str]
) -> None:
    project, first = refitted
    runs = project.folder / "artefacts" / "demo" / "runs"
    assert (runs / first).is_dir()
    assert operate.main(["retention", "--keep", "1"]) == 0
    assert "removed the rows and files of 1 runs" in capsys.readouterr().out
    assert not (runs / first).exists()
    assert set(project.query("select run_id from mmm.mmm_contribution")["run_id"]) == {"second"}


def test_what_cannot_be_done_is_said_and_changes_nothing(
    rerun: tuple[Project, str], capsys: pytest.CaptureFixture[str]
) -> None:
    project, first = rerun
    assert operate.main(["rollback", "--to", "never"]) == 1
    assert "run never of demo was never live" in capsys.readouterr().err
    assert operate.main(["rollback"]) == 1
    assert f"{first} is the only run" in capsys.readouterr().err
    assert live(project) == first
