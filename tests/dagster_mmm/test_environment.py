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
