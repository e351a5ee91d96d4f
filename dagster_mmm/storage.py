"""Where files are kept: in a folder of this machine, or under a URL of an object store.

A file is written whole or not at all: on disks by a rename, which waits until its bytes are safe;
on object stores by one request. A folder is whole when its list of checksums is there, which is
written last; what is read from it is compared with that list.
"""

import hashlib
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from upath import UPath

# As `sha256sum --check` reads it.
CHECKSUMS = "SHA256SUMS"
# By scheme: the extra of this package, and the module by which fsspec speaks to the store.
STORES = {"s3": ("s3", "s3fs"), "gs": ("gcs", "gcsfs"), "az": ("azure", "adlfs")}
# By which JAX keeps compiled programs at a URL; each of the extras brings it.
URLS_OF_JAX = "etils"


class PlaceError(ValueError):
    """A variable of the environment names a place where no files can be kept."""


class StoredFileError(RuntimeError):
    """A stored file cannot be used; the message has the remedy."""


class MissingFileError(StoredFileError):
    """A file is not where it was written."""


class DamagedFileError(StoredFileError):
    """A file is not what was written."""


class StoreError(StoredFileError):
    """An object store does not do what it is asked."""


def place(text: str, variable: str) -> UPath:
    """The folder that a variable of the environment names; nothing is read or made.

    Args:
        text: a path, or a URL such as s3://bucket/folder.
        variable: the variable, for messages.

    Raises:
        PlaceError: if files cannot be kept there, or by what is installed.
    """
    scheme, is_url, rest = text.partition("://")
    if not is_url:
        return UPath(Path(text).expanduser().resolve())
    if scheme not in STORES:
        raise PlaceError(
            f"{variable} begins with {scheme}://; it can be the path of a folder, or begin with "
            + " or ".join(f"{known}://" for known in STORES)
        )
    if "?" in rest or "@" in rest:
        # What stands there is not quoted: it may be a secret.
        raise PlaceError(
            f"{variable} has an @ or a question mark; it is {scheme}://bucket/folder alone, and "
            "keys stand in variables of their own: see docs/operations.md"
        )
    bucket, _, folder = rest.strip("/").partition("/")
    if not bucket or not folder:
        raise PlaceError(
            f"{variable} is {text}; name a folder in the bucket too: {scheme}://bucket/folder"
        )
    extra, module = STORES[scheme]
    missing = [each for each in (module, URLS_OF_JAX) if find_spec(each) is None]
    if missing:
        raise PlaceError(
            f"{variable} is {text}, and {' and '.join(missing)} is not installed; install the "
            f"extra {extra}: pip install 'hill-mixture-mmm[{extra}]'"
        )
    # Another process may have written since this one has looked.
    return UPath(f"{scheme}://{bucket}/{folder}", use_listings_cache=False)


def write_file(file: UPath, content: bytes) -> None:
    """Write a file; a reader sees the old one or the new one, whole.

    Raises:
        StoreError: if an object store does not take it.
    """
    if isinstance(file, Path):
        partial = file.with_name(f".{file.name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        replace(partial, file)
        return
    with _store_errors(file):
        file.fs.pipe_file(file.path, content)


def write_folder(folder: UPath, files: Mapping[str, bytes]) -> None:
    """Write a folder of files with their checksums, in place of one of that name.

    Raises:
        StoreError: if an object store does not take it.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    remove_folder(folder)
    if isinstance(folder, Path):
        partial = folder.with_name(f".{folder.name}")
        remove_folder(partial)
        partial.mkdir(parents=True)
        for name, content in {**files, CHECKSUMS: lines.encode()}.items():
            (partial / name).write_bytes(content)
            _flush(partial / name)
        replace(partial, folder)
        return
    # The list comes last: without it, none of the others counts.
    for name, content in {**files, CHECKSUMS: lines.encode()}.items():
        write_file(folder / name, content)


def replace(partial: Path, target: Path) -> None:
    """Give a file or folder of this machine its name, once its bytes are on the disk.

    Without that, a power cut may leave the new name on blocks of zeros.
    """
    _flush(partial)
    os.replace(partial, target)
    _flush(target.parent)


def checksums(folder: UPath) -> dict[str, str] | None:
    """The checksums of the files of a folder, by name; None if it has no such list.

    Raises:
        DamagedFileError: if the list cannot be read.
        StoreError: if an object store does not say.
    """
    content = _content(folder / CHECKSUMS)
    if content is None:
        return None
    lines = [line.split("  ", maxsplit=1) for line in content.decode(errors="replace").splitlines()]
    if not lines or any(len(line) != 2 or len(line[0]) != 64 for line in lines):
        raise DamagedFileError(f"{CHECKSUMS} is no list of checksums")
    return {name: digest for digest, name in lines}


def read_file(file: UPath, checksum: str | None = None) -> bytes:
    """What a file holds, compared with its checksum if that is known.

    Raises:
        MissingFileError: if it is not there.
        DamagedFileError: if it is not what was written.
        StoreError: if an object store does not give it.
    """
    content = _content(file)
    if content is None:
        raise MissingFileError(f"{file.name} is not there")
    if checksum is not None and hashlib.sha256(content).hexdigest() != checksum:
        raise DamagedFileError(
            f"{file.name} is not what was written: its checksum is not that in {CHECKSUMS}"
        )
    return content


def is_there(file: UPath) -> bool:
    """Whether there is such a file.

    Raises:
        StoreError: if an object store does not say.
    """
    return _content(file) is not None


def folders(parent: UPath) -> set[str]:
    """The names of the folders in a folder; none if it is not there.

    Raises:
        StoreError: if an object store does not say.
    """
    if isinstance(parent, Path):
        return (
            {each.name for each in parent.iterdir() if each.is_dir()} if parent.is_dir() else set()
        )
    with _store_errors(parent):
        try:
            # UPath's own `is_dir` takes what may not be listed for what is not there.
            found = parent.fs.ls(parent.path, detail=True)
        except FileNotFoundError:
            return set()
    return {UPath(each["name"]).name for each in found if each["type"] == "directory"}


def remove_folder(folder: UPath) -> None:
    """Remove a folder with all that is in it; one that is not there is none to remove.

    Raises:
        StoreError: if an object store does not do it.
    """
    if isinstance(folder, Path):
        if folder.exists():
            shutil.rmtree(folder)
        return
    with _store_errors(folder), suppress(FileNotFoundError):
        folder.fs.rm(folder.path, recursive=True)


def _content(file: UPath) -> bytes | None:
    """What a file holds, or None if it is not there."""
    with _store_errors(file):
        try:
            if isinstance(file, Path):
                return file.read_bytes()
            # One request, where opening it first asks how large it is.
            return cast("bytes", file.fs.cat_file(file.path))
        except FileNotFoundError:
            return None


def _flush(path: Path) -> None:
    """Wait until a file's bytes, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _store_errors(path: UPath) -> Generator[None]:
    """Say what a store refuses in one way: each has errors of its own, and a file none of these."""
    try:
        yield
    except Exception as error:
        if isinstance(path, Path):
            raise
        raise StoreError(
            f"{path} cannot be used: {type(error).__name__}: {error}; see that the bucket is "
            "there, and that the keys in the environment may list, read, write and delete in it"
        ) from error
