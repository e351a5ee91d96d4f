"""The code location: everything under `defs/`."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import dagster as dg

from dagster_mmm.environment import settings_path
from dagster_mmm.settings import SettingsError, load_models


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, schedules, sensors and resources; the assets with their owner."""
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    owner = _owner()
    if owner is None:
        return loaded
    # It is annotated with kinds of assets that Dagster has left behind.
    assets = cast("Iterable[dg.AssetsDefinition]", loaded.assets)
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: spec.replace_attributes(owners=[owner]), assets),
        asset_checks=loaded.asset_checks,
        schedules=loaded.schedules,
        sensors=loaded.sensors,
        jobs=loaded.jobs,
        resources=loaded.resources,
        executor=loaded.executor,
    )


def _owner() -> str | None:
    """The file's owner, or none where the file cannot be read: its runs and ticks say so."""
    try:
        return load_models(settings_path()).owner
    except SettingsError:
        return None
