"""`mmm` as a shell would call it, on the warehouse of a job that has run."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from dagster_mmm.cli import mmm
from dagster_mmm.environment import ROOT
from dagster_mmm.warehouse.publish import publish
from dagster_mmm.warehouse.tables import DIAGNOSTIC, RESULT_TABLES, RUN
from tests.conftest import Project

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `mmm` with these words, and a Dagster home of its own."""
    home = tmp_path_factory.mktemp("dagster_home")
    shutil.copy(ROOT / "deploy" / "local" / "dagster.yaml", home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return lambda *words: CliRunner().invoke(mmm, words, catch_exceptions=False)


@pytest.fixture
def refitted(rerun: tuple[Project, str]) -> tuple[Project, str]:
    """A second run of the same numbers, published after the first."""
    project, first = rerun
    copy_run(project, first, "second", datetime(2030, 1, 1))
    with project.warehouse.begin() as connection:
        publish(connection, "demo", "second", datetime(2030, 1, 1))
    return project, first


@pytest.fixture
def rejected(rerun: tuple[Project, str]) -> Project:
    """A second run whose fit has not converged."""
    project, first = rerun
    copy_run(project, first, "rejected", datetime(2030, 1, 1))
    tried = "K = 1, 300 + 300 draws: max_r_hat 1.2 (limit 1.05)"
    with project.warehouse.begin() as connection:
        of_run = RUN.update().where(RUN.c.run_id == "rejected")
        connection.execute(
            of_run.values(status="rejected", published_at=None, gate_reason=f"{tried}; {tried}")
        )
        r_hat = sa.and_(DIAGNOSTIC.c.run_id == "rejected", DIAGNOSTIC.c.check_name == "max_r_hat")
        failed = {"status": "fail", "value": 1.2}
        connection.execute(DIAGNOSTIC.update().where(r_hat).values(**failed))
    return project


def copy_run(project: Project, run_id: str, name: str, started: datetime) -> None:
    """The rows of a run under another id."""
    with project.warehouse.begin() as connection:
        for table in RESULT_TABLES:
            columns = [c if c.name != "run_id" else sa.literal(name) for c in table.columns]
            copy = sa.select(*columns).where(table.c.run_id == run_id)
            connection.execute(table.insert().from_select(table.columns.keys(), copy))
        of_run = RUN.update().where(RUN.c.run_id == name)
        changed = {"fit_run_id": name, "started_at": started, "status": "fitted"}
        connection.execute(of_run.values(**changed))


def published_of(project: Project) -> str:
    return project.query("select run_id from mmm.mmm_run_latest")["run_id"].item()


def printed(result: Result) -> Any:
    """What a program reads of the JSON on stdout."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def break_week(market: Path, target: Path) -> Path:
    """The market with one week of spend that is no number."""
    rows = pd.read_csv(market, dtype=str)
    rows.loc[40, "tv_spend"] = "n/a"
    rows.to_csv(target, index=False)
    return target
