"""Files are whole or not there, on disks and in object stores, and damage is seen."""

import os
from pathlib import Path

import pytest
from upath import UPath

from dagster_mmm import storage
from dagster_mmm.storage import (
    CHECKSUMS,
    DamagedFileError,
    MissingFileError,
    PlaceError,
    StoreError,
)
from tests.s3_server import BUCKET

FILES = {"draws": bytes(range(256)) * 64, "notes": b"some words"}


@pytest.fixture(params=["disk", "s3"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> UPath:
    """An empty folder on each kind of store."""
    text = str(tmp_path) if request.param == "disk" else request.getfixturevalue("bucket_folder")
    return storage.place(text, "MMM_ARTEFACTS")


def test_a_folder_comes_back_with_its_checksums(home: UPath) -> None:
    storage.write_folder(home / "a run", FILES)
    sums = storage.checksums(home / "a run")
    assert sums is not None and set(sums) == set(FILES)
    assert {n: storage.read_file(home / "a run" / n, sums[n]) for n in sums} == FILES
    assert storage.folders(home) == {"a run"}


def test_a_second_attempt_leaves_nothing_of_the_first(home: UPath) -> None:
    storage.write_folder(home / "a run", FILES)
    storage.write_folder(home / "a run", {"notes": b"others"})
    assert {file.name for file in (home / "a run").iterdir()} == {"notes", CHECKSUMS}
    assert storage.read_file(home / "a run" / "notes") == b"others"


def test_a_block_of_zeros_is_seen(home: UPath) -> None:
    storage.write_folder(home / "a run", FILES)
    sums = storage.checksums(home / "a run")
    assert sums is not None
    damaged = FILES["draws"][:4096] + bytes(4096) + FILES["draws"][8192:]
    storage.write_file(home / "a run" / "draws", damaged)
    with pytest.raises(DamagedFileError, match="draws is not what was written"):
        storage.read_file(home / "a run" / "draws", sums["draws"])
    storage.write_file(home / "a run" / CHECKSUMS, bytes(100))
    with pytest.raises(DamagedFileError, match="SHA256SUMS is no list of checksums"):
        storage.checksums(home / "a run")


def test_removing_a_folder_leaves_those_whose_names_begin_alike(home: UPath) -> None:
    for name in ("run", "run-2"):
        storage.write_folder(home / name, FILES)
    storage.remove_folder(home / "run")
    storage.remove_folder(home / "never written")
    assert storage.folders(home) == {"run-2"}
    assert storage.folders(home / "nowhere") == set()
    with pytest.raises(MissingFileError):
        storage.read_file(home / "run" / "notes")
    assert storage.checksums(home / "run") is None


@pytest.mark.parametrize("fails_at", range(len(FILES) + 1))
def test_a_folder_without_its_last_file_counts_for_nothing(
    home: UPath, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    storage.write_folder(home / "a run", {"notes": b"of the first attempt"})
    # Each file of a folder is written by this, whatever the store.
    owner, name = (Path, "write_bytes") if isinstance(home, Path) else (storage, "write_file")
    write, written = getattr(owner, name), []

    def stopped(file: UPath, content: bytes) -> None:
        if len(written) == fails_at:
            raise KeyboardInterrupt
        written.append(file.name)
        write(file, content)

    monkeypatch.setattr(owner, name, stopped)
    with pytest.raises(KeyboardInterrupt):
        storage.write_folder(home / "a run", FILES)
    assert storage.checksums(home / "a run") is None


def test_a_name_is_given_once_the_bytes_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []
    fsync, rename = os.fsync, os.replace

    def followed_fsync(descriptor: int) -> None:
        done.append(("flush", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
        fsync(descriptor)

    def followed_replace(old: Path, new: Path) -> None:
        done.append(("rename", new.name))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", followed_fsync)
    monkeypatch.setattr(os, "replace", followed_replace)
    storage.write_folder(UPath(tmp_path / "runs" / "first"), FILES)
    flushed = [("flush", name) for name in (*FILES, CHECKSUMS, ".first")]
    assert done == [*flushed, ("rename", "first"), ("flush", "runs")]

    done.clear()
    storage.write_file(UPath(tmp_path / "latest"), b"first")
    assert done == [("flush", ".latest"), ("rename", "latest"), ("flush", tmp_path.name)]


def test_a_store_that_refuses_is_named_with_what_to_see_to(bucket_folder: str) -> None:
    elsewhere = bucket_folder.replace(BUCKET, "no-such-bucket")
    with pytest.raises(StoreError, match=r"no-such-bucket.*see that the bucket is there"):
        storage.write_file(storage.place(elsewhere, "MMM_ARTEFACTS") / "latest", b"first")


def test_what_may_not_be_listed_is_not_taken_for_empty(
    bucket_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = storage.place(bucket_folder, "MMM_ARTEFACTS")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    for name in ("ls", "rm", "cat_file"):
        monkeypatch.setattr(home.fs, name, refused)
    for asked in (storage.folders, storage.remove_folder, storage.checksums, storage.is_there):
        with pytest.raises(
            StoreError, match=r"PermissionError: Access Denied; see that the bucket"
        ):
            asked(home)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://host/folder", "begins with ftp://; it can be the path of a folder, or begin with"),
        ("s3a://bucket/folder", "or begin with s3:// or gs:// or az://"),
        ("s3://bucket", "name a folder in the bucket too: s3://bucket/folder"),
        ("s3:///", "name a folder in the bucket too"),
        ("az://c/mmm", "adlfs is not installed; install the extra azure: pip install"),
        ("gs://bucket/mmm", "install the extra gcs: pip install 'hill-mixture-mmm[gcs]'"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(PlaceError) as refused:
        storage.place(text, "MMM_ARTEFACTS")
    assert said in str(refused.value)
    assert str(refused.value).startswith("MMM_ARTEFACTS ") and "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["s3://key:hush@bucket/mmm", "az://container/mmm?sig=hush"])
def test_keys_in_a_url_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(PlaceError, match="keys stand in variables of their own") as refused:
        storage.place(text, "MMM_ARTEFACTS")
    assert "hush" not in str(refused.value)


def test_a_path_is_a_folder_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert storage.place("~/files", "MMM_ARTEFACTS") == tmp_path / "files"
    assert storage.place("files", "MMM_ARTEFACTS") == tmp_path / "files"
