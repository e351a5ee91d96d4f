"""Files between assets: the judged input as Parquet, a fitted run as NetCDF, Parquet and JSON."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hill_mmm
from dagster_mmm.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


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


def remove_runs(folder: Path, run_ids: Sequence[str]) -> None:
    """Remove the folders of these runs; one that is not there is none to remove."""
    for run_id in run_ids:
        shutil.rmtree(folder / "runs" / run_id, ignore_errors=True)


def save_run(run: FittedRun, folder: Path) -> None:
    """Write a run's files into a folder."""
    run.fit.to_dataset().to_netcdf(folder / "fit.nc", engine="h5netcdf")
    if run.holdout is not None:
        run.holdout.to_dataset().to_netcdf(folder / "holdout.nc", engine="h5netcdf")
    save_input(run.input, folder / "snapshot.parquet")
    description = {
        "run_id": run.run_id,
        "started_at": run.started_at.isoformat(),
        "settings": run.settings.model_dump(mode="json"),
        # Beside those in the fit, so that a refit need not read the draws.
        "scales": run.fit.scales.as_dict(),
        "record": asdict(run.record),
    }
    (folder / "run.json").write_text(json.dumps(description, indent=2))


def load_run(folder: Path) -> FittedRun:
    """The run that `save_run` wrote into a folder."""
    description = json.loads((folder / "run.json").read_text())
    holdout = folder / "holdout.nc"
    return FittedRun(
        run_id=description["run_id"],
        started_at=datetime.fromisoformat(description["started_at"]),
        settings=Settings.read(description["settings"]),
        input=load_input(folder / "snapshot.parquet"),
        fit=_load_fit(folder / "fit.nc"),
        holdout=_load_fit(holdout) if holdout.exists() else None,
        record=FitRecord(**description["record"]),
    )


def save_input(judged: RunInput, path: Path) -> None:
    """Write an input to a Parquet file."""
    notes = json.dumps(judged.notes)
    judged.snapshot.assign(run_type=judged.run_type, notes=notes).to_parquet(path)


def load_input(path: Path) -> RunInput:
    """The input that `save_input` wrote."""
    import pandas as pd

    frame = pd.read_parquet(path)
    # Runs of an earlier version have no notes.
    notes = json.loads(frame.pop("notes").iloc[0]) if "notes" in frame else ()
    return RunInput(frame.drop(columns="run_type"), str(frame["run_type"].iloc[0]), tuple(notes))


def load_scales(folder: Path) -> "hill_mmm.Scales":
    """The scales of the run that `save_run` wrote into a folder."""
    return hill_mmm.Scales.from_dict(json.loads((folder / "run.json").read_text())["scales"])


def _load_fit(path: Path) -> "hill_mmm.Fit":
    import xarray as xr

    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return hill_mmm.Fit.from_dataset(dataset.load())
