"""What was said of an input stays beside it, and what is read is what was written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from dagster_mmm.fitting.artefacts import (
    OutdatedRunError,
    RunInput,
    load_input,
    load_run,
    load_scales,
    remove_runs,
    save_input,
    save_run,
)
from dagster_mmm.fitting.result_rows import _lift_test_rows
from dagster_mmm.storage import CHECKSUMS, DamagedFileError, MissingFileError
from hill_mmm.spec import LiftTest


@pytest.fixture(scope="module")
def of_earlier_version(left_behind: Path) -> Path:
    """The files of a run that a version without checksums has written."""
    return next(path.parent for path in (left_behind / "artefacts/demo/runs").glob("*/run.json"))


@pytest.fixture(scope="module")
def written(of_earlier_version: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, as this version writes it."""
    folder = tmp_path_factory.mktemp("written") / of_earlier_version.name
    save_run(load_run(UPath(of_earlier_version)), UPath(folder))
    return folder


@pytest.fixture
def stored(written: Path, tmp_path: Path) -> Path:
    """A copy of that, to be damaged."""
    return shutil.copytree(written, tmp_path / written.name)


def test_an_input_comes_back_with_its_notes(tmp_path: Path) -> None:
    snapshot = pd.DataFrame({"variable": ["tv", "radio"], "value": [1.0, 2.0]})
    save_input(RunInput(snapshot, "refit", ("one", "two")), UPath(tmp_path / "panel.parquet"))
    found = load_input(UPath(tmp_path / "panel.parquet"))
    assert (found.run_type, found.notes) == ("refit", ("one", "two"))
    pd.testing.assert_frame_equal(found.snapshot, snapshot)


def test_an_input_of_an_earlier_version_has_no_notes(tmp_path: Path) -> None:
    snapshot = pd.DataFrame({"variable": ["tv"], "run_type": ["refit"]})
    snapshot.to_parquet(tmp_path / "panel.parquet")
    assert load_input(UPath(tmp_path / "panel.parquet")).notes == ()


def test_zeros_in_an_input_are_seen_or_change_nothing(tmp_path: Path) -> None:
    file = UPath(tmp_path / "demo" / "panel.parquet")
    values = np.random.default_rng(0).random(200)
    snapshot = pd.DataFrame({"variable": np.repeat(["tv", "radio"], 100), "value": values})
    save_input(RunInput(snapshot, "refit", ("a note",)), file)
    content, seen = file.read_bytes(), 0
    for start in range(0, len(content), 32):
        file.write_bytes((content[:start] + bytes(64) + content[start + 64 :])[: len(content)])
        try:
            found = load_input(file)
        except DamagedFileError as error:
            seen += 1
            assert f"the judged input at {file} is damaged" in str(error)
            assert "materialise `panel` of demo again" in str(error)
        else:
            # What pandas would like to know of its index, and is not needed.
            assert (found.run_type, found.notes) == ("refit", ("a note",))
            pd.testing.assert_frame_equal(found.snapshot, snapshot)
    assert seen > len(content) / 32 / 2


def test_an_input_that_is_not_there_is_named_with_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="materialise `panel` of demo again"):
        load_input(UPath(tmp_path / "demo" / "panel.parquet"))


def test_a_run_comes_back_as_it_was(of_earlier_version: Path, stored: Path) -> None:
    before, after = (load_run(UPath(folder)) for folder in (of_earlier_version, stored))
    assert after.run_id == before.run_id
    assert after.settings == before.settings
    assert after.record == before.record
    pd.testing.assert_frame_equal(after.input.snapshot, before.input.snapshot)
    for old, new in ((before.fit, after.fit), (before.holdout, after.holdout)):
        assert old is not None and new is not None
        assert old.to_dataset().identical(new.to_dataset())


def test_the_checksums_are_those_of_sha256sum(stored: Path) -> None:
    command = ["sha256sum", "--check", "--strict", CHECKSUMS]
    told = subprocess.run(command, cwd=stored, capture_output=True, text=True, check=True).stdout
    of_files = [line.removesuffix(": OK") for line in told.splitlines()]
    assert set(of_files) == {file.name for file in stored.iterdir()} - {CHECKSUMS}


@pytest.mark.parametrize("name", ["fit.nc", "holdout.nc", "snapshot.parquet", "run.json"])
@pytest.mark.parametrize("start", [0.0, 0.25, 0.5, 0.75, 0.95])
def test_zeros_anywhere_in_a_run_are_named_with_run_file_and_remedy(
    stored: Path, name: str, start: float
) -> None:
    content = bytearray((stored / name).read_bytes())
    at = int(start * len(content))
    zeros = bytes(min(512, len(content) - at))
    assert content[at : at + len(zeros)] != zeros
    content[at : at + len(zeros)] = zeros
    (stored / name).write_bytes(content)
    with pytest.raises(DamagedFileError) as damaged:
        load_run(UPath(stored))
    said = str(damaged.value)
    assert f"the files of run {stored.name} at {stored} are damaged: {name} is not what" in said
    assert "restore the folder from a backup, or remove it and refit the model" in said


def test_half_a_description_is_named(stored: Path) -> None:
    text = (stored / "run.json").read_text()
    (stored / "run.json").write_text(text[: len(text) // 2])
    for read in (load_run, load_scales):
        with pytest.raises(DamagedFileError, match=f"run {stored.name}.*run.json is not what"):
            read(UPath(stored))


def test_a_lost_file_is_named(stored: Path) -> None:
    (stored / "holdout.nc").unlink()
    with pytest.raises(DamagedFileError, match=r"holdout.nc is not there"):
        load_run(UPath(stored))


def test_a_run_whose_upload_broke_off_is_named(stored: Path) -> None:
    (stored / CHECKSUMS).unlink()
    with pytest.raises(DamagedFileError, match="not written to its end: SHA256SUMS is not there"):
        load_run(UPath(stored))


def test_half_a_description_of_an_earlier_version_is_named(
    of_earlier_version: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(of_earlier_version, tmp_path / "old")
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text[: len(text) // 2])
    with pytest.raises(DamagedFileError, match=r"run old at .* are damaged: run.json is no JSON"):
        load_scales(UPath(folder))


def test_a_fit_of_another_version_is_not_called_damaged(
    of_earlier_version: Path, tmp_path: Path
) -> None:
    import xarray as xr

    folder = shutil.copytree(of_earlier_version, tmp_path / "old")
    with xr.open_dataset(folder / "fit.nc", engine="h5netcdf") as opened:
        changed = opened.load().assign_attrs(schema_version=1)
    changed.to_netcdf(folder / "fit.nc", engine="h5netcdf")
    with pytest.raises(OutdatedRunError, match=r"run old, .*: the fit has schema version 1"):
        load_run(UPath(folder))


def test_runs_are_removed_by_their_names_alone(stored: Path) -> None:
    shutil.copytree(stored, stored.with_name(f"{stored.name}-2"))
    remove_runs(UPath(stored.parent), [stored.name, "never written"])
    assert [folder.name for folder in stored.parent.iterdir()] == [f"{stored.name}-2"]


COMPILE = """
from dagster_mmm import environment
environment.keep_compiled_programs()
import jax
found = []
jax.monitoring.register_event_listener(lambda event, **_: found.append(event))
jax.jit(lambda x: (x @ x.T).sum())(jax.numpy.ones((3, 3))).block_until_ready()
print(sum(event.endswith("cache_hits") for event in found))
"""


def test_compiled_programs_are_found_again_in_an_object_store(bucket_folder: str) -> None:
    environment = os.environ | {"MMM_ARTEFACTS": f"{bucket_folder}/artefacts"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    hits = [
        int(
            subprocess.run(
                [sys.executable, "-c", COMPILE],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(2)
    ]
    assert hits[0] == 0
    assert hits[1] > 0


def test_lift_tests_keep_their_numbers_where_some_are_left_out() -> None:
    before, within, again = (
        LiftTest("tv", start, start, 1.0, 1.0)
        for start in ("2020-01-06", "2021-01-04", "2021-02-01")
    )
    run = SimpleNamespace(
        settings=SimpleNamespace(lift_tests=(before, within, again, again)),
        fit=SimpleNamespace(lift_tests=(within, again, again)),
    )
    rows = _lift_test_rows(cast("Any", run), pd.DataFrame({"lift": [1.0, 1.0, 1.0]}))
    assert list(rows["lift_test_index"]) == [1, 2, 3]
