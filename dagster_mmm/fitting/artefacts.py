"""Files between assets: the judged input as Parquet, a fitted run as NetCDF, Parquet and JSON."""

import io
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from upath import UPath

import hill_mmm
from dagster_mmm import storage
from dagster_mmm.settings import Settings
from dagster_mmm.storage import CHECKSUMS, DamagedFileError, MissingFileError, StoredFileError

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION, FIT, HOLDOUT, SNAPSHOT = "run.json", "fit.nc", "holdout.nc", "snapshot.parquet"


@dataclass(frozen=True)
class RunInput:
    """The judged input of a run to come.

    Attributes:
        snapshot: its values, as in `mmm_input_snapshot`.
        run_type: refit, or vintage where it ends before what is published.
        notes: advice on the input that the snapshot's values do not show.
    """

    snapshot: "pd.DataFrame"
    run_type: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FitRecord:
    """How a run came to its fit; all plain values, for JSON.

    Attributes:
        model_version: what fixes the meaning of its numbers (see `version.model_version`).
        scales_of: the earlier run whose scales it was fitted on, or None for its own.
        ladder: every fit on all weeks that was tried, with what it failed at.
        choice: how the number of components was chosen, or None where it was not.
        refusal: why no rung of the ladder may be published, or None where one may.
        no_holdout: why there is no holdout although the settings ask for it, or None.
        cpu_seconds: CPU time of all fits.
        wall_seconds: elapsed time of all fits.
        without_test: what the model says without each lift test, the fields of `LiftWithoutTest`;
            empty without tests.
    """

    model_version: str
    scales_of: str | None
    ladder: list[dict[str, Any]]
    choice: dict[str, Any] | None
    refusal: str | None
    no_holdout: str | None
    cpu_seconds: float
    wall_seconds: float
    without_test: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class FittedRun:
    """One run: what was fitted, on which input, by which settings.

    Attributes:
        run_id: the Dagster run that fitted, and the key of all result rows.
        started_at: when the fit started, UTC.
        settings: the settings at that time.
        input: what it was fitted to.
        fit: the posterior on all used weeks.
        holdout: the posterior on the weeks before the holdout, or None without one.
        record: how the run came to them.
    """

    run_id: str
    started_at: datetime
    settings: Settings
    input: RunInput
    fit: "hill_mmm.Fit"
    holdout: "hill_mmm.Fit | None"
    record: FitRecord


class OutdatedRunError(StoredFileError):
    """The files of a run were written by a version of this project that this one cannot read."""


def save_run(run: FittedRun, folder: UPath) -> None:
    """Write a run's files into a folder, in place of one of that name."""
    description = {
        "run_id": run.run_id,
        "started_at": run.started_at.isoformat(),
        "settings": run.settings.model_dump(mode="json"),
        # Beside those in the fit, so that a refit need not read the draws.
        "scales": run.fit.scales.as_dict(),
        "record": asdict(run.record),
        # By this, a run without the list is known to be none of an earlier version.
        "checksums": CHECKSUMS,
    }
    files = {FIT: _as_netcdf(run.fit)}
    if run.holdout is not None:
        files[HOLDOUT] = _as_netcdf(run.holdout)
    files[SNAPSHOT] = _as_parquet(run.input)
    files[DESCRIPTION] = json.dumps(description, indent=2).encode()
    storage.write_folder(folder, files)


def load_run(folder: UPath) -> FittedRun:
    """The run that `save_run` wrote into a folder.

    Raises:
        MissingFileError: if there is none.
        DamagedFileError: if its files are not what was written.
        OutdatedRunError: if another version of this project has written them.
    """
    return _RunFiles(folder).load()


def load_scales(folder: UPath) -> "hill_mmm.Scales":
    """The scales of the run that `save_run` wrote into a folder, without its draws.

    It raises what `load_run` raises.
    """
    return _RunFiles(folder).scales


def remove_runs(runs: UPath, run_ids: Collection[str]) -> None:
    """Remove the folders of these runs; one that is not there is none to remove."""
    for run_id in storage.folders(runs) & set(run_ids):
        storage.remove_folder(runs / run_id)


def save_input(judged: RunInput, file: UPath) -> None:
    """Write an input to a Parquet file."""
    storage.write_file(file, _as_parquet(judged))


def load_input(file: UPath) -> RunInput:
    """The input that `save_input` wrote.

    Raises:
        MissingFileError, DamagedFileError: if it is not there, or not what was written.
    """
    remedy = f"materialise `panel` of {file.parent.name} again, which judges the input anew"
    try:
        return _input_of(storage.read_file(file))
    except MissingFileError as error:
        raise MissingFileError(f"there is no judged input at {file}: {remedy}") from error
    except (OSError, ValueError, KeyError) as error:
        raise DamagedFileError(
            f"the judged input at {file} is damaged: {error}; {remedy}"
        ) from error


def _as_parquet(judged: RunInput) -> bytes:
    """An input as a Parquet file, whose pages bear checksums."""
    notes = json.dumps(judged.notes)
    columns = judged.snapshot.assign(run_type=judged.run_type, notes=notes)
    return columns.to_parquet(None, write_page_checksum=True)


def _input_of(content: bytes) -> RunInput:
    """The input of a Parquet file that `_as_parquet` made."""
    import pandas as pd

    frame = pd.read_parquet(io.BytesIO(content), page_checksum_verification=True)
    # Runs of an earlier version have no notes.
    notes = json.loads(frame.pop("notes").iloc[0]) if "notes" in frame else ()
    return RunInput(frame.drop(columns="run_type"), str(frame["run_type"].iloc[0]), tuple(notes))


def _as_netcdf(fit: "hill_mmm.Fit") -> bytes:
    return bytes(fit.to_dataset().to_netcdf(engine="h5netcdf"))


class _RunFiles:
    """The files of a fitted run: a folder of its own, which bears its id.

    What is read has been compared with the checksums that were written with it. Runs of versions
    that wrote none are taken as they are.
    """

    def __init__(self, folder: UPath) -> None:
        """The files in a folder.

        Raises:
            MissingFileError: if there are none.
            DamagedFileError: if the run's description or the list of checksums is damaged.
        """
        self._folder = folder
        try:
            self._checksums = storage.checksums(folder)
        except DamagedFileError as error:
            raise self._damaged(str(error)) from error
        try:
            self._description = json.loads(self._read(DESCRIPTION))
        except MissingFileError as error:
            raise MissingFileError(
                f"the files of run {folder.name} are not at {folder}; without its draws it can be "
                "neither scored nor compared with another: restore the folder, or refit"
            ) from error
        except ValueError as error:
            raise self._damaged(f"{DESCRIPTION} is no JSON: {error}") from error
        if self._checksums is None and "checksums" in self._description:
            raise self._damaged(f"it was not written to its end: {CHECKSUMS} is not there")

    @property
    def scales(self) -> "hill_mmm.Scales":
        """The scales of the run."""
        return hill_mmm.Scales.from_dict(self._description["scales"])

    def load(self) -> FittedRun:
        """The run. It raises what `load_run` raises."""
        described = self._description
        return FittedRun(
            run_id=described["run_id"],
            started_at=datetime.fromisoformat(described["started_at"]),
            settings=Settings.read(described["settings"]),
            input=self._input(),
            fit=self._fit(FIT),
            holdout=self._fit(HOLDOUT) if self._has(HOLDOUT) else None,
            record=FitRecord(**described["record"]),
        )

    def _input(self) -> RunInput:
        content = self._read(SNAPSHOT)
        try:
            return _input_of(content)
        except (OSError, ValueError, KeyError) as error:
            raise self._damaged(f"{SNAPSHOT} cannot be read: {error}") from error

    def _fit(self, name: str) -> "hill_mmm.Fit":
        import xarray as xr

        content = self._read(name)
        try:
            with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as opened:
                dataset = opened.load()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise self._damaged(f"{name} cannot be read: {error}") from error
        try:
            return hill_mmm.Fit.from_dataset(dataset)
        except ValueError as error:
            raise OutdatedRunError(f"run {self._folder.name}, {self._folder}: {error}") from error

    def _has(self, name: str) -> bool:
        if self._checksums is not None:
            return name in self._checksums
        return storage.is_there(self._folder / name)

    def _read(self, name: str) -> bytes:
        if self._checksums is None:
            return storage.read_file(self._folder / name)
        try:
            return storage.read_file(self._folder / name, self._checksums.get(name))
        except (MissingFileError, DamagedFileError) as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, said: str) -> DamagedFileError:
        return DamagedFileError(
            f"the files of run {self._folder.name} at {self._folder} are damaged: {said}. Nothing "
            "is scored or compared by them: restore the folder from a backup, or remove it and "
            "refit the model; what is published stays"
        )
