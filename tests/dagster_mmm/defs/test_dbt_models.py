"""dbt as the job calls it."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from dagster_mmm.defs.dbt_models import DBT, LOGS_KEPT_DAYS, remove_old_logs
from tests.conftest import Project


def test_dbt_is_called_without_asking_it_first_and_without_an_adapter_of_ours() -> None:
    invocation = DBT.cli(["--version"])
    assert invocation.wait().is_successful()
    assert invocation.adapter is None
    asked = subprocess.check_output([DBT.dbt_executable, "--version"], text=True)
    assert f"installed: {invocation.cli_version}" in asked


def test_a_build_finds_what_the_one_before_it_has_parsed(
    project: Project, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests beside this one build too.
    monkeypatch.setenv("MMM_STATE", str(project.folder / "state"))
    said: list[str] = []
    for data in (market, None):
        run = project.run(data, selection=["raw/weekly_media", "mmm_stg_input"])
        assert run.success
        (log,) = project.folder.glob(f"state/dbt/mmm_dbt_models-{run.run_id[:7]}-*/dbt.log")
        said.append(log.read_text())
    assert "Starting full parse" in said[0]
    assert "no changes found, skipping parsing" in said[1]


def test_logs_of_a_month_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "target"
    for name, days in {
        "mmm_dbt_models-old": LOGS_KEPT_DAYS + 1,
        "mmm_dbt_models-recent": LOGS_KEPT_DAYS - 1,
        "of_somebody_else": LOGS_KEPT_DAYS + 1,
    }.items():
        (target / name).mkdir(parents=True)
        (target / name / "dbt.log").touch()
        changed = time.time() - days * 24 * 3600
        os.utime(target / name, (changed, changed))
    remove_old_logs(target)
    assert {path.name for path in target.iterdir()} == {"mmm_dbt_models-recent", "of_somebody_else"}
