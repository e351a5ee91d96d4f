"""The job with its files in an object store: nothing of a run is on this machine's disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from upath import UPath

from dagster_mmm import storage
from dagster_mmm.cli.main import mmm
from dagster_mmm.fitting.artefacts import load_run
from dagster_mmm.fitting.resource import FittedRunIOManager, RunInputIOManager
from dagster_mmm.storage import DamagedFileError, MissingFileError, StoreError
from tests.conftest import Project, make_project

SUMMARY = ["summary", "--from", "2024-06-03", "--to", "2024-09-01"]


@pytest.fixture
def uploaded(
    left_behind: Path, tmp_path: Path, bucket_folder: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Project, FittedRunIOManager]]:
    """A warehouse with two runs, whose files are in an object store and nowhere else."""
    shutil.copytree(left_behind, tmp_path, dirs_exist_ok=True)
    for project in make_project(tmp_path):
        shutil.copy(left_behind / "settings.yaml", tmp_path / "settings.yaml")
        monkeypatch.setenv("MMM_ARTEFACTS", bucket_folder)
        files = FittedRunIOManager(folder=bucket_folder)
        runs = storage.place(str(tmp_path / "artefacts"), "MMM_ARTEFACTS") / "demo" / "runs"
        for run_id in storage.folders(runs):
            context = dg.build_output_context(partition_key="demo")
            files.handle_output(context, load_run(runs / run_id))
        shutil.rmtree(tmp_path / "artefacts")
        yield project, files


def ids_of(project: Project) -> dict[str, str]:
    """Runs by their status."""
    rows = project.query("select status, run_id from mmm.mmm_run")
    return dict(zip(rows["status"], rows["run_id"], strict=True))


def test_a_run_is_read_from_an_object_store(
    uploaded: tuple[Project, FittedRunIOManager], bucket_folder: str
) -> None:
    project, files = uploaded
    runs = ids_of(project)
    assert files.run("demo", runs["published"]).run_id == runs["published"]
    latest = files.load_input(dg.build_input_context(partition_key="demo"))
    assert latest.run_id in runs.values()
    found = files.frozen_scales("demo", ["never fitted", runs["superseded"]])
    assert found is not None and found[0] == runs["superseded"]
    assert files.frozen_scales("demo", ["never fitted"]) is None
    with pytest.raises(MissingFileError, match="the files of run gone are not at s3://"):
        files.run("demo", "gone")
    told = CliRunner().invoke(mmm, SUMMARY)
    assert told.exit_code == 0, told.output

    inputs = RunInputIOManager(folder=bucket_folder)
    inputs.handle_output(dg.build_output_context(partition_key="demo"), latest.input)
    judged = inputs.load_input(dg.build_input_context(partition_key="demo"))
    assert judged.snapshot.equals(latest.input.snapshot)


def test_a_damaged_object_is_named_and_scales_are_not_taken_from_it(
    uploaded: tuple[Project, FittedRunIOManager], bucket_folder: str
) -> None:
    project, files = uploaded
    run_id = ids_of(project)["published"]
    folder = storage.place(bucket_folder, "MMM_ARTEFACTS") / "demo" / "runs" / run_id
    content = storage.read_file(folder / "fit.nc")
    storage.write_file(folder / "fit.nc", content[:8192] + bytes(4096) + content[12288:])
    told = CliRunner().invoke(mmm, SUMMARY)
    assert (told.exit_code, told.stdout) == (1, "")
    assert f"the files of run {run_id} at {folder} are damaged: fit.nc is not what" in told.stderr

    description = storage.read_file(folder / "run.json")
    storage.write_file(folder / "run.json", description[: len(description) // 2])
    with pytest.raises(DamagedFileError, match=f"run {run_id} at .*: run.json is not what"):
        files.frozen_scales("demo", [run_id, ids_of(project)["superseded"]])


def test_retention_removes_objects_and_what_it_could_not_remove_before(
    uploaded: tuple[Project, FittedRunIOManager],
    bucket_folder: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project, _ = uploaded
    runs = storage.place(bucket_folder, "MMM_ARTEFACTS") / "demo" / "runs"
    before, call = ids_of(project), CliRunner()

    def away(folder: UPath) -> None:
        raise StoreError(f"{folder} cannot be used")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "remove_folder", away)
        refused = call.invoke(mmm, ["retention", "--keep", "1"])
    assert refused.exit_code == 1
    assert f"{runs / before['superseded']} cannot be used" in refused.stderr
    assert storage.folders(runs) == {before["published"], before["superseded"]}
    told = call.invoke(mmm, ["retention", "--keep", "1"])
    assert told.exit_code == 0, told.output
    assert storage.folders(runs) == {before["published"]}


@pytest.mark.slow
def test_a_week_in_an_object_store(
    project: Project, left_behind: Path, bucket_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMM_ARTEFACTS", bucket_folder)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    # A small market, fitted in seconds.
    shutil.copy(left_behind / "settings.yaml", project.folder / "settings.yaml")
    first = project.run(left_behind / "market.csv")
    assert first.success
    demo = storage.place(bucket_folder, "MMM_ARTEFACTS") / "demo"
    assert {file.name for file in (demo / "runs" / first.run_id).iterdir()} == {
        "SHA256SUMS",
        "fit.nc",
        "holdout.nc",
        "run.json",
        "snapshot.parquet",
    }
    assert not (project.folder / "artefacts").exists()

    second = project.run(selection=["panel", "fit"], force=True)
    assert second.success
    assert storage.read_file(demo / "runs" / "latest").decode() == second.run_id
    of_second = storage.read_file(demo / "runs" / second.run_id / "run.json").decode()
    assert f'"scales_of": "{first.run_id}"' in of_second
