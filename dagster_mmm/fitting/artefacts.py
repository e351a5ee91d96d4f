"""Files between assets: the judged input as Parquet, a fitted run as NetCDF, Parquet and JSON."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from dagster_mmm.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from hill_mmm import Fit, Scales


@dataclass(frozen=True)
class RunInput:
    """The judged input of a run to come.

    Attributes:
        snapshot: its values, as in `mmm_input_snapshot`.
        run_type: refit, or vintage where it ends before what is live.
    """

    snapshot: "pd.DataFrame"
    run_type: str


@dataclass(frozen=True)
class FitRecord:
    """How a run came to its fit; all plain values, for JSON.

    Attributes:
        model_version: what fixes the meaning of its numbers (see `request.model_version`).
        scales_of: the earlier run whose scales it was fitted on, or None for its own.
        ladder: every fit on all weeks that was tried, with what it failed at.
        choice: how the number of components was chosen, or None where it was not.
        refusal: why no rung of the ladder may be published, or None where one may.
        no_holdout: why there is no holdout although the settings ask for it, or None.
        cpu_seconds: CPU time of all fits.
        wall_seconds: elapsed time of all fits.
    """

    model_version: str
    scales_of: str | None
    ladder: list[dict[str, Any]]
    choice: dict[str, Any] | None
    refusal: str | None
    no_holdout: str | None
    cpu_seconds: float
    wall_seconds: float


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
    fit: "Fit"
    holdout: "Fit | None"
    record: FitRecord


class RunInputIOManager(dg.ConfigurableIOManager):
    """Keeps the judged input of each model's latest `panel` in one Parquet file.

    Attributes:
        folder: where the models' folders live.
    """

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: RunInput) -> None:
        """Write the input; a reader sees the old file or the new one."""
        path = self._path(context.partition_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_input(obj, path.with_suffix(".tmp"))
        os.replace(path.with_suffix(".tmp"), path)
        context.add_output_metadata({"path": dg.MetadataValue.path(str(path))})

    def load_input(self, context: dg.InputContext) -> RunInput:
        """The latest input."""
        return load_input(self._path(context.partition_key))

    def _path(self, model_key: str) -> Path:
        return Path(self.folder) / model_key / "panel.parquet"


class FittedRunIOManager(dg.ConfigurableIOManager):
    """Keeps every fitted run in a folder of its own, and the name of each model's latest.

    Attributes:
        folder: where the models' folders live.
    """

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: FittedRun) -> None:
        """Write the run beside the others; it becomes the latest when it is whole."""
        runs = self._runs(context.partition_key)
        partial, final = runs / f".{obj.run_id}", runs / obj.run_id
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        save_run(obj, partial)
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
        pointer = runs / ".latest"
        pointer.write_text(obj.run_id)
        os.replace(pointer, runs / "latest")
        context.add_output_metadata({"path": dg.MetadataValue.path(str(final))})

    def load_input(self, context: dg.InputContext) -> FittedRun:
        """The latest run."""
        runs = self._runs(context.partition_key)
        return load_run(runs / (runs / "latest").read_text())

    def run(self, model_key: str, run_id: str) -> FittedRun:
        """A run of a model by its id.

        Raises:
            FileNotFoundError: if its folder is not there (any more).
        """
        folder = self._runs(model_key) / run_id
        if not folder.is_dir():
            raise FileNotFoundError(
                f"the files of run {run_id} are not at {folder}; without its draws it can be "
                "neither scored nor compared with another: restore the folder, or refit"
            )
        return load_run(folder)

    def frozen_scales(self, model_key: str, run_ids: Sequence[str]) -> "tuple[str, Scales] | None":
        """The first of these runs of a model whose folder is there, and its scales."""
        for run_id in run_ids:
            folder = self._runs(model_key) / run_id
            if folder.is_dir():
                return run_id, load_scales(folder)
        return None

    def _runs(self, model_key: str) -> Path:
        return Path(self.folder) / model_key / "runs"


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
    judged.snapshot.assign(run_type=judged.run_type).to_parquet(path)


def load_input(path: Path) -> RunInput:
    """The input that `save_input` wrote."""
    import pandas as pd

    frame = pd.read_parquet(path)
    return RunInput(frame.drop(columns="run_type"), str(frame["run_type"].iloc[0]))


def load_scales(folder: Path) -> "Scales":
    """The scales of the run that `save_run` wrote into a folder."""
    from hill_mmm import Scales

    return Scales.from_dict(json.loads((folder / "run.json").read_text())["scales"])


def _load_fit(path: Path) -> "Fit":
    import xarray as xr

    from hill_mmm import Fit

    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return Fit.from_dataset(dataset.load())
