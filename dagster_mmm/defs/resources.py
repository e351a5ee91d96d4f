"""The resources that assets ask for, bound to the environment."""

import os

import dagster as dg

from dagster_mmm import environment
from dagster_mmm.defs.dbt_models import DBT
from dagster_mmm.fitting.resource import FittedRunIOManager, RunInputIOManager
from dagster_mmm.schedule.clock import Clock
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse.resource import WarehouseResource


def resources() -> dict[str, object]:
    """Settings, warehouse, dbt and the files between assets."""
    # By reference, so that neither a run's configuration nor the UI has its password.
    in_environment = bool(os.environ.get("MMM_WAREHOUSE_URL"))
    url = dg.EnvVar("MMM_WAREHOUSE_URL") if in_environment else environment.warehouse_url()
    environment.keep_compiled_programs()
    folder = str(environment.artefacts_path())
    return {
        "settings": SettingsResource(path=str(environment.settings_path())),
        "warehouse": WarehouseResource(url=url),
        "dbt": DBT,
        "clock": Clock(),
        "run_input_io": RunInputIOManager(folder=folder),
        "fitted_run_io": FittedRunIOManager(folder=folder),
    }
