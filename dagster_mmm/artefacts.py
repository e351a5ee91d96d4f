"""Files between assets: the judged input as Parquet, a fitted run as NetCDF, Parquet and JSON."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from dagster_mmm.settings import Settings

if TYPE_CHECKING:
    from hill_mmm import Fit


@dataclass(frozen=True)
class FittedRun:
    """One run: what was fitted, on which input, by which settings.

    Attributes:
        run_id: the Dagster run that fitted, and the key of all result rows.
        started_at: when the fit started, UTC.
        settings: the settings at that time.
        snapshot: the judged input, as in `mmm_input_snapshot`.
        fit: the posterior on all used weeks.
        holdout: the posterior on the weeks before the holdout, or None without a holdout.
        no_holdout: why there is none although the settings ask for it, or None.
    """

    run_id: str
    started_at: datetime
    settings: Settings
    snapshot: pd.DataFrame
    fit: "Fit"
    holdout: "Fit | None"
    no_holdout: str | None


class SnapshotIOManager(dg.ConfigurableIOManager):
    """Keeps the judged input of the latest `panel` in one Parquet file.

    Attributes:
        folder: where the file lives.
    """

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Write the snapshot; a reader sees the old file or the new one."""
        path = self._path()
        path.parent.mkdir(parents=True, exist_ok=True)
        obj.to_parquet(path.with_suffix(".tmp"))
        os.replace(path.with_suffix(".tmp"), path)
        context.add_output_metadata({"path": dg.MetadataValue.path(str(path))})

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """The latest snapshot."""
        return pd.read_parquet(self._path())

    def _path(self) -> Path:
        return Path(self.folder) / "panel.parquet"


class FittedRunIOManager(dg.ConfigurableIOManager):
    """Keeps every fitted run in a folder of its own, and the name of the latest.

    Attributes:
        folder: where the runs' folders live.
    """

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: FittedRun) -> None:
        """Write the run beside the others; it becomes the latest when it is whole."""
        runs = Path(self.folder) / "runs"
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
        runs = Path(self.folder) / "runs"
        return load_run(runs / (runs / "latest").read_text())


def save_run(run: FittedRun, folder: Path) -> None:
    """Write a run's files into a folder."""
    run.fit.to_dataset().to_netcdf(folder / "fit.nc", engine="h5netcdf")
    if run.holdout is not None:
        run.holdout.to_dataset().to_netcdf(folder / "holdout.nc", engine="h5netcdf")
    run.snapshot.to_parquet(folder / "snapshot.parquet")
    description = {
        "run_id": run.run_id,
        "started_at": run.started_at.isoformat(),
        "settings": run.settings.model_dump(mode="json"),
        "no_holdout": run.no_holdout,
    }
    (folder / "run.json").write_text(json.dumps(description, indent=2))


def load_run(folder: Path) -> FittedRun:
    """The run that `save_run` wrote into a folder."""
    description = json.loads((folder / "run.json").read_text())
    holdout = folder / "holdout.nc"
    return FittedRun(
        run_id=description["run_id"],
        started_at=datetime.fromisoformat(description["started_at"]),
        settings=Settings.model_validate(description["settings"]),
        snapshot=pd.read_parquet(folder / "snapshot.parquet"),
        fit=_load_fit(folder / "fit.nc"),
        holdout=_load_fit(holdout) if holdout.exists() else None,
        no_holdout=description["no_holdout"],
    )


def _load_fit(path: Path) -> "Fit":
    import xarray as xr

    from hill_mmm import Fit

    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return Fit.from_dataset(dataset.load())
