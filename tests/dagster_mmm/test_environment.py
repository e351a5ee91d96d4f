"""Variables that have a default, and those that are left as they are."""

import os
from pathlib import Path

import pytest

from dagster_mmm import environment


def test_compiled_programs_are_kept_beside_the_artefacts_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_ARTEFACTS", str(tmp_path / "artefacts"))
    # Set first, so that what the function sets is undone.
    for variable in ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    environment.keep_compiled_programs()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "compiled")
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"

    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    environment.keep_compiled_programs()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "elsewhere"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of no project, and an environment that says nothing."""
    for variable in ("MMM_SETTINGS", "MMM_STATE", "MMM_DUCKDB_PATH", "MMM_ARTEFACTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MMM_WAREHOUSE_URL", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_project_is_found_from_the_folders_within_it(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "mmm.yaml").touch()
    (nowhere / "notebooks").mkdir()
    monkeypatch.chdir(nowhere / "notebooks")
    assert environment.settings_path() == nowhere / "mmm.yaml"
    assert environment.state_path() == nowhere / "data"
    assert environment.warehouse_url() == f"duckdb:///{nowhere / 'data' / 'warehouse.duckdb'}"
    assert environment.artefacts_path() == nowhere / "data" / "artefacts"
    assert environment.dbt_path() == nowhere / "data" / "dbt"
    monkeypatch.setenv("MMM_STATE", str(nowhere / "elsewhere"))
    assert environment.artefacts_path() == nowhere / "elsewhere" / "artefacts"


def test_a_clone_keeps_its_state_of_settings_from_anywhere(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.settings_path() == environment.DEMO_SETTINGS
    monkeypatch.setenv("MMM_SETTINGS", str(nowhere / "retail.yaml"))
    assert environment.project_folder() == environment.ROOT
    monkeypatch.setenv("MMM_SETTINGS", str(nowhere / "mmm.yaml"))
    assert environment.project_folder() == nowhere


def test_an_installed_package_keeps_its_state_beside_the_settings(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "IS_CLONE", False)
    assert environment.settings_path() == nowhere / "mmm.yaml"
    assert environment.state_path() == nowhere / "data"
    monkeypatch.setenv("MMM_SETTINGS", str(nowhere / "of_us" / "retail.yaml"))
    assert environment.state_path() == nowhere / "of_us" / "data"
