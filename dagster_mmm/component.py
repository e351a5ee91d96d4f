"""The job as a Dagster component: `type: dagster_mmm.MmmComponent` in a `defs.yaml`."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from dagster.components.component_scaffolding import scaffold_component
from dagster.components.resolved.errors import ResolutionException
from dagster.components.utils.translation import TranslationFn, TranslationFnResolver
from pydantic import BaseModel, Field

from dagster_mmm import environment
from dagster_mmm.defs.build import build_definitions
from dagster_mmm.settings import SettingsError
from dagster_mmm.settings.resource import SettingsResource


def _settings(context: dg.ResolutionContext, found: str | dict[str, Any]) -> SettingsResource:
    """The settings of a file beside the `defs.yaml`, or those that stand in it; all are checked."""
    value = context.resolve_value(found)
    here = context.resolve_source_relative_path("defs.yaml")
    settings = (
        SettingsResource.of(context.resolve_source_relative_path(value))
        if isinstance(value, str)
        else SettingsResource.of(here, value)
    )
    try:
        models = settings.models()
        for model_key in models.declared:
            models.of(model_key)
    except SettingsError as error:
        # Without Dagster's traceback of it.
        raise ResolutionException(str(error)) from None
    return settings


def _parts(context: dg.ResolutionContext, found: str | Sequence[str]) -> tuple[str, ...]:
    value = context.resolve_value(found)
    return tuple(value.split("/")) if isinstance(value, str) else tuple(value)


def _path(context: dg.ResolutionContext, found: str | None) -> Path | None:
    if found is None:
        return None
    return context.resolve_source_relative_path(context.resolve_value(found, as_type=str))


class ScaffoldParams(BaseModel):
    """What `dg scaffold defs dagster_mmm.MmmComponent` takes."""

    settings: str | None = Field(
        default=None, description="A settings file to use; by default the demo's is copied."
    )


class MmmScaffolder(dg.Scaffolder[ScaffoldParams]):
    """Writes a `defs.yaml`, and a settings file beside it to be changed."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParams]:
        """The options of the command."""
        return ScaffoldParams

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParams]) -> None:
        """Write both."""
        settings = request.params.settings
        if settings is None:
            shutil.copy(environment.DEMO_SETTINGS, request.target_path / "settings.yaml")
        found = "settings.yaml" if settings is None else str(Path(settings).resolve())
        scaffold_component(request, {"settings": found, "key_prefix": "mmm", "deps": []})


@dg.scaffold_with(MmmScaffolder)
@dataclass
class MmmComponent(dg.Component, dg.Resolvable):
    """A weekly marketing mix model: from your mart to published results and their dashboards.

    Its assets, jobs, sensors and resources bear the prefix, so that a code location may hold it
    beside anything, and twice.
    """

    settings: Annotated[
        SettingsResource,
        dg.Resolver(
            _settings,
            model_field_type=str | dict[str, Any],
            description="The settings, or the path of a settings file from this file's folder.",
            examples=["settings.yaml"],
        ),
    ]
    key_prefix: Annotated[
        tuple[str, ...],
        dg.Resolver(
            _parts,
            model_field_type=str | list[str],
            description="What all asset keys begin with and, joined by _, all other names.",
            examples=["mmm", ["marketing", "mmm"]],
        ),
    ] = ("mmm",)
    group_name: Annotated[
        str | None,
        dg.Resolver.default(
            description="One group for all assets; by default each layer has its own.",
            examples=["marketing"],
        ),
    ] = None
    deps: Annotated[
        list[dg.ResolvedAssetKey],
        dg.Resolver.default(
            description="The assets that make the table, or tables, of the settings.",
            examples=[["marts/weekly_marketing"]],
        ),
    ] = field(default_factory=list)
    warehouse: Annotated[
        str | None,
        dg.Resolver.default(
            description="SQLAlchemy URL of the warehouse; by default that of MMM_WAREHOUSE_URL. "
            "Dagster never shows it.",
            examples=["{{ env.ANALYTICS_URL }}"],
        ),
    ] = field(default=None, repr=False)
    results_schema: Annotated[
        str | None,
        dg.Resolver.default(
            description="Where results and views are written: one of its own for each branch "
            "deployment. By default MMM_SCHEMA, or else mmm.",
            examples=["mmm_{{ env('BRANCH', 'prod') }}"],
        ),
    ] = None
    artefacts: Annotated[
        Path | None,
        dg.Resolver(
            _path,
            model_field_type=str,
            description="The folder of panels and posteriors; by default MMM_ARTEFACTS.",
        ),
    ] = None
    external: Annotated[
        bool,
        dg.Resolver.default(
            description="Whether others run the job, as Airflow by `mmm run`: the assets are then "
            "shown alone, without jobs, sensors and resources."
        ),
    ] = False
    translation: Annotated[
        TranslationFn[None] | None,
        TranslationFnResolver[None](template_vars_for_translation_fn=lambda _: {}),
    ] = None

    def get_asset_spec(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        """An asset as Dagster shows it; a subclass may say it otherwise, but for its key.

        Args:
            spec: as the job has it.
        """
        return spec if self.translation is None else self.translation(spec, None)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """All definitions of the job."""
        return build_definitions(
            self.settings,
            key_prefix=self.key_prefix,
            group=self.group_name,
            deps=self.deps,
            warehouse=self.warehouse,
            schema=self.results_schema,
            artefacts=self.artefacts,
            external=self.external,
            translate=self.get_asset_spec,
        )
