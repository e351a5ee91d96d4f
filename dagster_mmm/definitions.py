"""The code location: everything under `defs/`."""

from typing import cast

import dagster as dg

from dagster_mmm import defs as everything
from dagster_mmm.defs.alerts import alerts, canceled_runs, failed_runs
from dagster_mmm.defs.automation import (
    dashboards,
    late,
    models,
    refit,
    refits,
    refreshed,
    weekly_input,
    weekly_schedule,
)
from dagster_mmm.defs.dashboards import dashboard_specs
from dagster_mmm.defs.resources import resources
from dagster_mmm.defs.score import score_new_weeks
from dagster_mmm.environment import settings_path
from dagster_mmm.settings import SettingsError, load_models


# Not `dg.load_from_defs_folder`: it makes a catalogue of Dagster's components at every load, which
# takes as long as all that is ours, and none of them is used.
@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, schedules, sensors and resources; the assets with their owner."""
    found = dg.load_assets_from_package_module(everything, include_specs=True)
    # The loader is annotated with kinds of assets that Dagster has left behind.
    assets = [*cast("list[dg.AssetsDefinition | dg.AssetSpec]", found), *dashboard_specs()]
    owner = _owner()
    if owner is not None:
        assets = dg.map_asset_specs(lambda spec: spec.replace_attributes(owners=[owner]), assets)
    return dg.Definitions(
        assets=assets,
        asset_checks=dg.load_asset_checks_from_package_module(everything),
        jobs=[weekly_input, refit, score_new_weeks, dashboards],
        schedules=[weekly_schedule()],
        sensors=[models, refits, late, refreshed, alerts, failed_runs, canceled_runs],
        resources=resources(),
        executor=dg.in_process_executor,
    )


def _owner() -> str | None:
    """The file's owner, or none where the file cannot be read: its runs and ticks say so."""
    try:
        return load_models(settings_path()).owner
    except SettingsError:
        return None
