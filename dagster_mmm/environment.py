"""The one place that maps the environment to paths; every variable has a default for local use."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEMO_SETTINGS = ROOT / "examples" / "demo.yaml"


def _path(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable, default)).expanduser().resolve()


def settings_path() -> Path:
    """The settings file: `MMM_SETTINGS`, by default the demo's."""
    return _path("MMM_SETTINGS", DEMO_SETTINGS)


def duckdb_path() -> Path:
    """The warehouse: `MMM_DUCKDB_PATH`, by default `data/warehouse.duckdb`."""
    return _path("MMM_DUCKDB_PATH", ROOT / "data" / "warehouse.duckdb")


def snapshot_path() -> Path:
    """The copy for dashboards: `MMM_SNAPSHOT`, by default beside the warehouse."""
    warehouse = duckdb_path()
    return _path("MMM_SNAPSHOT", warehouse.with_name(f"{warehouse.stem}_snapshot.duckdb"))


def artefacts_path() -> Path:
    """Where panels and posteriors are kept: `MMM_ARTEFACTS`, by default beside the data."""
    return _path("MMM_ARTEFACTS", ROOT / "data" / "artefacts")


def keep_compiled_programs() -> None:
    """Let next week's refit find this week's compiled programs: on disk, beside the artefacts.

    To be called before JAX is imported, which reads the variables then; one that is set stays.
    """
    compiled = artefacts_path().with_name("compiled")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(compiled))
    # By default, programs that compile within a second are not kept; here they add up to half.
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
