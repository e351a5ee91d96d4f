"""The job with its files in an object store: nothing of a run is on this machine's disk."""

from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagster_mmm import storage
from dagster_mmm.cli.main import mmm
from tests.conftest import Project
from tests.dagster_mmm.cli.conftest import copy_run

HASTY = {"chains": 2, "warmup": 60, "draws": 60}
ANYTHING_GOES = {"max_r_hat": 10.0, "min_ess": 1, "max_divergence_rate": 1.0}


@pytest.mark.slow
def test_a_week_in_an_object_store(
    project: Project, market: Path, bucket_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_ARTEFACTS", bucket_folder)
    project.configure(sampler=HASTY, gate=ANYTHING_GOES)
    first = project.run(market)
    assert first.success
    demo = storage.place(bucket_folder, "MMM_ARTEFACTS") / "demo"
    assert {file.name for file in (demo / "runs" / first.run_id).iterdir()} == {
        "SHA256SUMS",
        "fit.nc",
        "run.json",
        "snapshot.parquet",
    }
    assert not (project.folder / "artefacts").exists()

    second = project.run(selection=["panel", "fit"], force=True)
    assert second.success
    assert storage.read_file(demo / "runs" / "latest").decode() == second.run_id
    of_second = storage.read_file(demo / "runs" / second.run_id / "run.json").decode()
    assert f'"scales_of": "{first.run_id}"' in of_second

    call = CliRunner()
    told = call.invoke(mmm, ["summary", "--from", "2024-06-03", "--to", "2024-09-01"])
    assert told.exit_code == 0, told.output

    damaged = demo / "runs" / first.run_id / "fit.nc"
    content = storage.read_file(damaged)
    storage.write_file(damaged, content[:8192] + bytes(4096) + content[12288:])
    told = call.invoke(mmm, ["summary", "--from", "2024-06-03", "--to", "2024-09-01"])
    assert told.exit_code == 1
    assert f"the files of run {first.run_id} at {damaged.parent} are damaged: fit.nc" in told.stderr

    copy_run(project, first.run_id, "later", datetime(2029, 1, 1))
    assert call.invoke(mmm, ["publish", "--run", "later"]).exit_code == 0
    kept = call.invoke(mmm, ["retention", "--keep", "1"])
    assert kept.exit_code == 0, kept.output
    assert storage.folders(demo / "runs") == set()
