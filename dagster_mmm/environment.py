"""The one place that reads the environment; every variable has a default for local use."""

import os
from pathlib import Path

import sqlalchemy as sa
from upath import UPath

from dagster_mmm import storage

ROOT = Path(__file__).parents[1]
DEMO_SETTINGS = ROOT / "examples" / "demo.yaml"


def _path(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable, default)).expanduser().resolve()


def settings_path() -> Path:
    """The settings file: `MMM_SETTINGS`, by default the demo's."""
    return _path("MMM_SETTINGS", DEMO_SETTINGS)


def warehouse_url() -> str:
    """The warehouse: `MMM_WAREHOUSE_URL`, which may hold a password and is never to be shown.

    By default the DuckDB file `MMM_DUCKDB_PATH`, `data/warehouse.duckdb` where that is not set.
    """
    path = _path("MMM_DUCKDB_PATH", ROOT / "data" / "warehouse.duckdb")
    url = os.environ.get("MMM_WAREHOUSE_URL")
    return url or sa.URL.create("duckdb", database=str(path)).render_as_string()


def artefacts_path() -> UPath:
    """Where panels and posteriors are kept: `MMM_ARTEFACTS`, by default beside the data.

    Raises:
        PlaceError: if nothing can be kept there.
    """
    default = str(ROOT / "data" / "artefacts")
    return storage.place(os.environ.get("MMM_ARTEFACTS", default), "MMM_ARTEFACTS")


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
