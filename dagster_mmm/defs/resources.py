"""The resources that assets ask for."""

from pathlib import Path

from upath import UPath

from dagster_mmm import environment
from dagster_mmm.defs.dbt_models import DBT
from dagster_mmm.defs.namespace import Namespace
from dagster_mmm.fitting.resource import FittedRunIOManager, RunInputIOManager
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse.resource import RetriedWarehouse


def resources(
    names: Namespace, settings: SettingsResource, url: str, schema: str, artefacts: Path | UPath
) -> dict[str, object]:
    """Settings, warehouse, dbt and the files between assets, by their names.

    Args:
        names: the job's names.
        settings: its settings.
        url: the warehouse; as a plain object, of which neither a run's configuration nor the UI
            shows anything, for its password's sake.
        schema: where results and views are.
        artefacts: the folder of panels and posteriors.
    """
    environment.keep_compiled_programs()
    folder = str(artefacts)
    found = {
        "settings": settings,
        "warehouse": RetriedWarehouse(url=url, schema=schema),
        "dbt": DBT,
        "clock": Clock(),
        "run_input_io": RunInputIOManager(folder=folder),
        "fitted_run_io": FittedRunIOManager(folder=folder),
    }
    return {names.named(name): resource for name, resource in found.items()}
