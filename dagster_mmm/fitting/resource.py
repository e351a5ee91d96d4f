"""The files between assets, as Dagster's IO managers keep them."""

from collections.abc import Sequence

import dagster as dg
from upath import UPath

import hill_mmm
from dagster_mmm import storage
from dagster_mmm.fitting.artefacts import (
    FittedRun,
    RunInput,
    load_input,
    load_run,
    load_scales,
    save_input,
    save_run,
)
from dagster_mmm.storage import MissingFileError

VARIABLE = "MMM_ARTEFACTS"


class RunInputIOManager(dg.ConfigurableIOManager):
    """Keeps the judged input of each model's latest `panel` in one Parquet file.

    Attributes:
        folder: where the models' folders live, a path or a URL.
    """

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: RunInput) -> None:
        """Write the input; a reader sees the old file or the new one."""
        file = self._file(context.partition_key)
        save_input(obj, file)
        context.add_output_metadata({"path": dg.MetadataValue.path(str(file))})

    def load_input(self, context: dg.InputContext) -> RunInput:
        """The latest input."""
        return load_input(self._file(context.partition_key))

    def _file(self, model_key: str) -> UPath:
        return storage.place(self.folder, VARIABLE) / model_key / "panel.parquet"


class FittedRunIOManager(dg.ConfigurableIOManager):
    """Keeps every fitted run in a folder of its own, and the name of each model's latest.

    Attributes:
        folder: where the models' folders live, a path or a URL.
    """

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: FittedRun) -> None:
        """Write the run beside the others; it becomes the latest when it is whole."""
        runs = self._runs(context.partition_key)
        save_run(obj, runs / obj.run_id)
        storage.write_file(runs / "latest", obj.run_id.encode())
        context.add_output_metadata({"path": dg.MetadataValue.path(str(runs / obj.run_id))})

    def load_input(self, context: dg.InputContext) -> FittedRun:
        """The latest run."""
        latest = self._runs(context.partition_key) / "latest"
        try:
            run_id = storage.read_file(latest).decode()
        except MissingFileError as error:
            raise MissingFileError(
                f"there is no fit of {context.partition_key} at {latest.parent}: refit it first"
            ) from error
        return self.run(context.partition_key, run_id)

    def run(self, model_key: str, run_id: str) -> FittedRun:
        """A run of a model by its id.

        Raises:
            StoredFileError: if its files are not there (any more), or damaged, or outdated.
        """
        return load_run(self._runs(model_key) / run_id)

    def frozen_scales(
        self, model_key: str, run_ids: Sequence[str]
    ) -> "tuple[str, hill_mmm.Scales] | None":
        """The first of these runs of a model whose folder is there, and its scales.

        Raises:
            DamagedFileError: if that folder is damaged: without it, the run before it counts.
        """
        for run_id in run_ids:
            try:
                return run_id, load_scales(self._runs(model_key) / run_id)
            except MissingFileError:
                continue
        return None

    def _runs(self, model_key: str) -> UPath:
        return storage.place(self.folder, VARIABLE) / model_key / "runs"
