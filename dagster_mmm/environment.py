"""The one place that reads the environment; every variable has a default for local use."""

import os
from pathlib import Path

import sqlalchemy as sa
from upath import UPath

from dagster_mmm import storage

_PACKAGE = Path(__file__).parent
# A wheel carries what stands beside the packages in a clone: see setup.py.
_CARRIED = _PACKAGE / "share"
IS_CLONE = not _CARRIED.is_dir()
# Where sql/, dashboards/, examples/, deploy/ and workspace.yaml are. Nothing is written there but
# in a clone.
ROOT = _PACKAGE.parent if IS_CLONE else _CARRIED
DEMO_SETTINGS = ROOT / "examples" / "demo.yaml"
# The settings file that makes a folder a project.
PROJECT_SETTINGS = "mmm.yaml"
DEFAULT_SCHEMA = "mmm"


def _path(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable, default)).expanduser().resolve()


def settings_path() -> Path:
    """The settings file: `MMM_SETTINGS`, or the `mmm.yaml` of the working folder.

    Without either, the `mmm.yaml` of the nearest folder above, and in a clone the demo's settings;
    elsewhere the working folder's all the same, which is not there.
    """
    return _path("MMM_SETTINGS", _settings_around(Path.cwd()))


def _settings_around(folder: Path) -> Path:
    for each in (folder, *folder.parents):
        if (each / PROJECT_SETTINGS).is_file():
            return each / PROJECT_SETTINGS
    return DEMO_SETTINGS if IS_CLONE else folder / PROJECT_SETTINGS


def project_folder() -> Path:
    """Where the project is: beside its settings file.

    In a clone, settings under another name than `mmm.yaml` are of the clone's own project.
    """
    settings = settings_path()
    return ROOT if IS_CLONE and settings.name != PROJECT_SETTINGS else settings.parent


def state_path() -> Path:
    """What the job keeps on disk: `MMM_STATE`, by default the project's folder `data`."""
    return _path("MMM_STATE", project_folder() / "data")


def warehouse_url() -> str:
    """The warehouse: `MMM_WAREHOUSE_URL`, which may hold a password and is never to be shown.

    By default the DuckDB file `MMM_DUCKDB_PATH`, `warehouse.duckdb` of the state where that is not
    set.
    """
    path = _path("MMM_DUCKDB_PATH", state_path() / "warehouse.duckdb")
    url = os.environ.get("MMM_WAREHOUSE_URL")
    return url or sa.URL.create("duckdb", database=str(path)).render_as_string()


def schema() -> str:
    """The schema of results and views: `MMM_SCHEMA`, such as one of a branch; by default mmm."""
    return os.environ.get("MMM_SCHEMA") or DEFAULT_SCHEMA


def artefacts_path(of_schema: str | None = None) -> UPath:
    """Where panels and posteriors are kept: `MMM_ARTEFACTS`, by default with the state.

    Those of a branch, whose results are in another schema than mmm, have a folder of their own
    there: its latest fit is not production's.

    Args:
        of_schema: the schema of their results; by default the environment's.

    Raises:
        PlaceError: if nothing can be kept there.
    """
    default = str(state_path() / "artefacts")
    folder = storage.place(os.environ.get("MMM_ARTEFACTS", default), "MMM_ARTEFACTS")
    name = of_schema or schema()
    return folder if name == DEFAULT_SCHEMA else folder / name


def dbt_project_path() -> Path:
    """The dbt project that is built: `MMM_DBT_PROJECT`, which has installed `sql/` as a package.

    By default `sql/` itself.
    """
    return _path("MMM_DBT_PROJECT", ROOT / "sql")


def dbt_path() -> Path:
    """Where dbt writes what it has parsed and compiled, and its logs."""
    return state_path() / "dbt"


def alert_webhook() -> str | None:
    """Where failures are posted: `MMM_ALERT_WEBHOOK`, a secret; None where nobody is told."""
    return os.environ.get("MMM_ALERT_WEBHOOK") or None


def dagster_url() -> str:
    """Where the Dagster UI is for whoever reads an alert: `MMM_DAGSTER_URL`."""
    return os.environ.get("MMM_DAGSTER_URL", "http://localhost:3000").rstrip("/")


def keep_compiled_programs() -> None:
    """Let next week's refit find this week's compiled programs: beside the artefacts.

    To be called before JAX is imported, which reads the variables then; one that is set stays.

    Raises:
        PlaceError: if nothing can be kept there.
    """
    compiled = str(artefacts_path().with_name("compiled"))
    place = os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", compiled)
    # What JAX cannot open, it leaves without a word in the job's log, and compiles every week.
    storage.place(place, "JAX_COMPILATION_CACHE_DIR")
    # By default, programs that compile within a second are not kept; here they add up to half.
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
