"""One warehouse, settings file and Dagster home a test, and the job run on them for real."""

import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from filelock import FileLock

from dagster_mmm import environment
from dagster_mmm.cli import demo
from dagster_mmm.cli.jobs import NAMES, run_job
from dagster_mmm.cli.run import run_week
from dagster_mmm.definitions import defs
from dagster_mmm.warehouse.database import Warehouse
from tests import s3_server
from tests.postgres_server import new_database, running_server

# Enough to converge on the simulated market at the loose gate below, and quick.
QUICK = {
    "sampler": {"chains": 2, "warmup": 300, "draws": 300},
    "evaluation": {"holdout_weeks": 0},
    "gate": {"max_r_hat": 1.05, "min_ess": 100, "max_divergence_rate": 0.05},
}

DBT_VARIABLES = (
    "MMM_DBT_TARGET",
    "MMM_DBT_SCHEMA",
    "MMM_POSTGRES_HOST",
    "MMM_POSTGRES_PORT",
    "MMM_POSTGRES_DATABASE",
    "MMM_POSTGRES_USER",
    "DBT_ENV_SECRET_MMM_POSTGRES_PASSWORD",
    "PGOPTIONS",
    *(
        f"MMM_SNOWFLAKE_{name}"
        for name in (
            *("ACCOUNT", "HOST", "PORT", "PROTOCOL", "USER", "AUTHENTICATOR"),
            *("ROLE", "WAREHOUSE", "DATABASE", "PRIVATE_KEY_PATH"),
        )
    ),
    *(f"MMM_BIGQUERY_{name}" for name in ("PROJECT", "LOCATION", "METHOD")),
    "DBT_ENV_SECRET_MMM_SNOWFLAKE_PASSWORD",
    "DBT_ENV_SECRET_MMM_SNOWFLAKE_PASSPHRASE",
)


@dataclass(frozen=True)
class Ran:
    """Runs that together are one to their test.

    Attributes:
        runs: the runs, in their order.
        run_id: the one that fitted, or the first where none did.
    """

    runs: list[dg.ExecuteInProcessResult]
    run_id: str

    @property
    def success(self) -> bool:
        return all(run.success for run in self.runs)

    @property
    def all_events(self) -> list[dg.DagsterEvent]:
        return [event for run in self.runs for event in run.all_events]

    def get_step_failure_events(self) -> list[dg.DagsterEvent]:
        return [event for run in self.runs for event in run.get_step_failure_events()]

    def get_asset_check_evaluations(self) -> list[dg.AssetCheckEvaluation]:
        return [check for run in self.runs for check in run.get_asset_check_evaluations()]

    def get_asset_materialization_events(self) -> list[dg.DagsterEvent]:
        return [event for run in self.runs for event in run.get_asset_materialization_events()]

    def get_asset_observation_events(self) -> list[dg.DagsterEvent]:
        return [event for run in self.runs for event in run.get_asset_observation_events()]


@dataclass(frozen=True)
class Project:
    """A folder with a settings file, a warehouse and a Dagster instance."""

    folder: Path
    instance: dg.DagsterInstance

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(url=environment.warehouse_url())

    def configure(self, **sections: Any) -> None:
        """Write the demo's settings, with the quick sampler and these sections on top.

        A `model_key` of None is left out: the settings are of several models then.
        """
        document = yaml.safe_load((environment.ROOT / "examples" / "demo.yaml").read_text())
        document |= QUICK | sections
        if document["model_key"] is None:
            del document["model_key"]
        (self.folder / "settings.yaml").write_text(yaml.safe_dump(document))

    def run(
        self, data: Path | None = None, selection: list[str] | None = None, force: bool = False
    ) -> "Ran":
        """Run the week of the only model, or some assets of it, in this process."""
        panel = {"force": True} if force else {}
        if selection is None:
            week = run_week(self.instance, file=data, panel_config=panel)
            return Ran(week.runs, week.refits.get("demo", week.input).run_id)
        asked = set(NAMES.keys(selection))
        configs: dict[str, dict[str, Any]] = {
            "weekly_input": {NAMES.op(NAMES.raw): {"config": {"file": str(data)}}} if data else {},
            "refit": {NAMES.op(NAMES.panel): {"config": panel}} if "panel" in selection else {},
            "dashboards": {},
        }
        runs: list[dg.ExecuteInProcessResult] = []
        for name in configs:
            assets = (
                asked & defs().resolve_job_def(NAMES.named(name)).asset_layer.executable_asset_keys
            )
            if assets and all(run.success for run in runs):
                key = "demo" if name == "refit" else None
                config = {"ops": configs[name]}
                run = run_job(self.instance, name, config, key, list(assets))
                runs.append(run)
        return Ran(runs, runs[0].run_id)

    def query(self, sql: str) -> pd.DataFrame:
        """What an analyst would see."""
        with self.warehouse.begin() as connection:
            return pd.DataFrame(connection.exec_driver_sql(sql).mappings().all())


def make_project(
    folder: Path, url: sa.URL | None = None, home: Path | None = None
) -> Iterator[Project]:
    """A project on a DuckDB file in the folder, or on the warehouse of the URL.

    Its Dagster instance is gone with the test, unless it has a home.
    """
    with pytest.MonkeyPatch.context() as patch:
        # Restored afterwards, as dbt's variables are: the definitions set them from this one.
        for variable in DBT_VARIABLES:
            patch.setenv(variable, "")
            patch.delenv(variable)
        patch.setenv("MMM_WAREHOUSE_URL", url.render_as_string(hide_password=False) if url else "")
        patch.setenv("MMM_SETTINGS", str(folder / "settings.yaml"))
        patch.setenv("MMM_DUCKDB_PATH", str(folder / "warehouse.duckdb"))
        patch.setenv("MMM_ARTEFACTS", str(folder / "artefacts"))
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder / "compiled"))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        with (
            dg.DagsterInstance.local_temp(str(home)) if home else dg.DagsterInstance.ephemeral()
        ) as instance:
            project = Project(folder, instance)
            project.configure()
            yield project


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    """A real Postgres server, as its administrator."""
    with running_server() as url:
        yield url


@pytest.fixture
def database(postgres: sa.URL) -> sa.URL:
    """An empty database of this test's own on that server."""
    return new_database(postgres, f"of_test_{uuid4().hex}")


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """A real server of S3's interface: the environment in which clients find it."""
    with s3_server.running_server() as clients:
        yield clients


@pytest.fixture
def bucket_folder(s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty folder of this test's own in an object store."""
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3_server.BUCKET}/{uuid4().hex}"


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each warehouse in turn, empty."""
    if request.param == "duckdb":
        return f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    url: sa.URL = request.getfixturevalue("database")
    return url.render_as_string(hide_password=False)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project of this test's own."""
    yield from make_project(tmp_path)


@pytest.fixture(scope="session")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the version of commit fa4acd3 has left: warehouses, files, settings, a market."""
    folder = tmp_path_factory.mktemp("left_behind")
    with tarfile.open(Path(__file__).parent / "upgrades" / "fa4acd3.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's simulated market as a CSV."""
    return demo.write_simulated_market(tmp_path_factory.mktemp("market") / "market.csv")


@pytest.fixture(scope="session")
def published(
    tmp_path_factory: pytest.TempPathFactory, market: Path, worker_id: str
) -> Iterator[tuple[Project, str]]:
    """A project after one good run of the whole job, and that run's id."""
    folder = tmp_path_factory.getbasetemp()
    # Workers side by side share the run, and have copies of their own.
    shared = folder if worker_id == "master" else folder.parent
    made, of_run = shared / "job", shared / "run_id"
    with FileLock(shared / "job.lock"):
        if not of_run.exists():
            shutil.rmtree(made, ignore_errors=True)
            (made / "home").mkdir(parents=True)
            for project in make_project(made, home=made / "home"):
                result = project.run(market)
                assert result.success
                of_run.write_text(result.run_id)
    copied = shutil.copytree(made, tmp_path_factory.mktemp("job"), dirs_exist_ok=True)
    for project in make_project(copied, home=copied / "home"):
        yield project, of_run.read_text()


@pytest.fixture
def rerun(published: tuple[Project, str], tmp_path: Path) -> Iterator[tuple[Project, str]]:
    """A copy of that project, for a test to run the job on again, and the good run's id."""
    project, run_id = published
    shutil.copytree(project.folder, tmp_path, dirs_exist_ok=True)
    for copy in make_project(tmp_path):
        yield copy, run_id
