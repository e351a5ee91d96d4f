"""The files between assets, as Dagster's IO managers keep them."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

import hill_mmm
from dagster_mmm.fitting.artefacts import (
    FittedRun,
    RunInput,
    load_input,
    load_run,
    load_scales,
    save_input,
    save_run,
)


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

    def frozen_scales(
        self, model_key: str, run_ids: Sequence[str]
    ) -> "tuple[str, hill_mmm.Scales] | None":
        """The first of these runs of a model whose folder is there, and its scales."""
        for run_id in run_ids:
            folder = self._runs(model_key) / run_id
            if folder.is_dir():
                return run_id, load_scales(folder)
        return None

    def _runs(self, model_key: str) -> Path:
        return Path(self.folder) / model_key / "runs"
