"""All definitions of one job, under names of its own: the one way that they are made."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import dagster as dg

from dagster_mmm import environment
from dagster_mmm.defs.alerts import alert_sensors
from dagster_mmm.defs.automation import asset_jobs, sensors, weekly_schedule
from dagster_mmm.defs.checks import job_checks
from dagster_mmm.defs.dashboards import dashboard_specs
from dagster_mmm.defs.dbt_models import dbt_models
from dagster_mmm.defs.fit import fit_asset
from dagster_mmm.defs.ingest import ad_reports, raw_asset
from dagster_mmm.defs.ledger import ledger_check
from dagster_mmm.defs.namespace import Namespace
from dagster_mmm.defs.panel import panel_asset
from dagster_mmm.defs.plan import plan_assets
from dagster_mmm.defs.publish import published_asset
from dagster_mmm.defs.resources import resources
from dagster_mmm.defs.results import result_assets
from dagster_mmm.defs.score import score_asset
from dagster_mmm.defs.snapshot import snapshot_asset
from dagster_mmm.settings import SettingsError
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.settings.sections import ScheduleSettings

Asset = dg.AssetsDefinition | dg.AssetSpec


def build_definitions(
    settings: Path | SettingsResource,
    *,
    key_prefix: Sequence[str] = ("mmm",),
    group: str | None = None,
    deps: Sequence[dg.AssetKey] = (),
    warehouse: str | None = None,
    schema: str | None = None,
    artefacts: Path | None = None,
    external: bool = False,
    translate: Callable[[dg.AssetSpec], dg.AssetSpec] | None = None,
) -> dg.Definitions:
    """Assets, checks, jobs, schedule, sensors and resources of one job.

    Every name begins with the prefix, so that `dg.Definitions.merge` takes them beside others',
    and beside those of another job.

    Args:
        settings: the settings file, or settings.
        key_prefix: what asset keys begin with, and joined by `_` all other names.
        group: one group for all assets; by default one for each layer.
        deps: the assets that make the raw tables, which the job then follows in the lineage.
        warehouse: the SQLAlchemy URL; by default the environment's. Dagster never shows it.
        schema: where results and views are; by default the environment's.
        artefacts: the folder of panels and posteriors; by default the environment's.
        external: whether others run the job (`mmm run`): the assets are then shown alone.
        translate: changes what the assets say of themselves, but for their keys.

    Raises:
        ValueError: if a prefix cannot be used, or an asset got another key.
    """
    names = Namespace(tuple(key_prefix), group)
    source = settings if isinstance(settings, SettingsResource) else SettingsResource.of(settings)
    owner, schedule = _of_the_settings(source)
    assets = _assets(names, deps)
    if owner or translate:
        assets = _translated(assets, owner, translate)
    if external:
        return dg.Definitions(assets=[spec for each in assets for spec in _specs(each)])
    return dg.Definitions(
        assets=assets,
        asset_checks=[*job_checks(names), ledger_check(names)],
        jobs=asset_jobs(names),
        schedules=[weekly_schedule(names, schedule)],
        sensors=[*sensors(names), *alert_sensors(names)],
        resources=resources(
            names,
            source,
            warehouse or environment.warehouse_url(),
            schema or environment.schema(),
            artefacts or environment.artefacts_path(schema),
        ),
    )


def _assets(names: Namespace, deps: Sequence[dg.AssetKey]) -> list[Asset]:
    return [
        ad_reports(names),
        raw_asset(names, deps),
        dbt_models(names),
        panel_asset(names),
        fit_asset(names),
        result_assets(names),
        plan_assets(names),
        published_asset(names),
        score_asset(names),
        snapshot_asset(names),
        *dashboard_specs(names),
    ]


def _translated(
    assets: Sequence[Asset],
    owner: str | None,
    translate: Callable[[dg.AssetSpec], dg.AssetSpec] | None,
) -> list[Asset]:
    def of(spec: dg.AssetSpec) -> dg.AssetSpec:
        owned = spec if owner is None else spec.replace_attributes(owners=[owner])
        translated = owned if translate is None else translate(owned)
        if translated.key != spec.key:
            raise ValueError(
                f"{spec.key.to_user_string()} was translated to the key "
                f"{translated.key.to_user_string()}; sensors and runs know it by the first: leave "
                "the key, and set key_prefix for all of them"
            )
        return translated

    return list(dg.map_asset_specs(of, cast("list[dg.AssetsDefinition]", list(assets))))


def _specs(asset: Asset) -> list[dg.AssetSpec]:
    """An asset as one that others make."""
    return [asset] if isinstance(asset, dg.AssetSpec) else list(asset.specs)


def _of_the_settings(settings: SettingsResource) -> tuple[str | None, ScheduleSettings]:
    """The owner and the schedule; if they cannot be read, defaults: runs and ticks say so."""
    try:
        models = settings.models()
        return models.owner, models.schedule
    except SettingsError:
        return None, ScheduleSettings()
