"""The dbt package `sql/`: raw rows to the weekly mart, and result tables to the latest views.

It is built by itself, or in the project that has installed it: `MMM_DBT_PROJECT`.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from importlib import metadata
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from packaging.version import Version

from dagster_mmm import environment, inputs
from dagster_mmm.defs.keys import WEEKLY_INPUT
from dagster_mmm.schedule.freshness import WEEKLY
from dagster_mmm.settings import built_by, dbt_vars
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.dbt_environment import tell_dbt
from dagster_mmm.warehouse.tables import SCHEMA

PROJECT = environment.dbt_project_path()
# Of another project, the package's models alone; its input contract is that project's to build.
PACKAGE, NOT_OURS = "package:mmm", "fqn:mmm.contract.*"
# In another project, the package leaves it to the job to read raw rows.
IN_THE_JOB = {"mmm_input_layer": True, "mmm_results_schema": SCHEMA}
# What dbt has parsed; a build that finds it, of the same settings, need not parse again.
PARSED = "partial_parse.msgpack"
# Folders of dbt files, and how those of manifests begin.
PARTS = ("models", "macros", "tests")
MANIFESTS = "manifest-"
# Every build leaves a folder of logs and compiled SQL of some megabytes.
LOGS_KEPT_DAYS = 30
# What Linux lets a single argument of a command hold.
MAX_ARGUMENT = 128 * 1024 - 1


def _target_of_manifest() -> Path:
    """Where the manifest of the dbt files as they stand is, or is to be: by their contents.

    By their times it would not do: those of an upgraded wheel are older than today's manifest.
    """
    digest = hashlib.sha256(metadata.version("dbt-core").encode())
    roots = (PROJECT, *(PROJECT / "dbt_packages").glob("*"))
    parts = [
        (root.glob("*.yml"), *((root / part).rglob("*.*") for part in PARTS)) for root in roots
    ]
    for path in sorted(chain.from_iterable(chain.from_iterable(parts))):
        digest.update(f"{path.relative_to(PROJECT)}\n".encode() + path.read_bytes())
    return environment.dbt_path() / f"{MANIFESTS}{digest.hexdigest()[:12]}"


class Dbt(DbtCliResource):
    """dbt, without what dagster-dbt does before every command: more work than many a command.

    It starts dbt to ask for its version, and loads dbt here too, for a handle to the adapter that
    only `fetch_row_counts` and `fetch_column_metadata` use, which dbt's models here do without.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """No adapter, which `cli` takes for an answer, though its annotation does not say so."""


DBT_PROJECT = DbtProject(project_dir=PROJECT, target_path=_target_of_manifest())
# The dbt of this environment, whether or not its folder is on the PATH.
DBT = Dbt(project_dir=str(PROJECT), dbt_executable=str(Path(sys.executable).with_name("dbt")))


def _write_manifest(manifest: Path) -> None:
    """Parse the project; who loads it meanwhile finds the old manifest or the new one, whole."""
    manifest.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=manifest.parent) as folder:
        parse = ["parse", "--quiet", "--vars", json.dumps(IN_THE_JOB)]
        DBT.cli(parse, target_path=Path(folder)).wait()
        os.replace(Path(folder) / manifest.name, manifest)


if not DBT_PROJECT.manifest_path.exists():
    _write_manifest(DBT_PROJECT.manifest_path)


# The folders of models that make the weekly input; the others show what is published.
INPUT_LAYERS = ("staging", "intermediate", "input")


class LayerTranslator(DagsterDbtTranslator):
    """Groups dbt models by the folder that they stand in: staging, intermediate, input, latest."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The default spec, in its layer's group; the input contract is to be fresh.

        A model's key is its name, where dagster-dbt would add the schema that a project gives it.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id)
        if node is None:
            return spec
        key = dg.AssetKey(node["name"])
        is_weekly = key == WEEKLY_INPUT
        return spec.replace_attributes(
            key=key,
            group_name=node["fqn"][-2],
            tags={**spec.tags, "mmm/writes": "warehouse"},
            freshness_policy=WEEKLY if is_weekly else None,
        )


@dbt_assets(
    manifest=DBT_PROJECT.manifest_path,
    project=DBT_PROJECT,
    select=PACKAGE,
    exclude=NOT_OURS,
    dagster_dbt_translator=LayerTranslator(),
    pool="warehouse",
)
def dbt_models(
    context: dg.AssetExecutionContext,
    dbt: DbtCliResource,
    settings: SettingsResource,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[Any]:
    """Build and test the selected models with the columns of all models' settings."""
    models = settings.models()
    readable = inputs.readable_inputs(warehouse, models)
    readable.log_problems(context.log)
    variables = json.dumps(
        dbt_vars(readable.settings.values(), readable.undeclared)
        | built_by(models.path, readable.settings, readable.undeclared)
        | IN_THE_JOB
    )
    if len(variables) > MAX_ARGUMENT:
        raise dg.Failure(
            f"the settings are of {len(readable.settings)} models with tables of their own, which "
            "are more than dbt can be told; bring those that have the same columns into one table, "
            "and name its input.model_column"
        )
    _require_schema()
    tell_dbt()
    # The views of what is published read tables that the first fit would otherwise make.
    warehouse.create_result_tables()
    # dbt's unit tests prove the SQL, not this week's data: they run in the test suite.
    arguments = ["build", "--vars", variables, "--exclude-resource-type", "unit_test"]
    with warehouse.locked():
        build = dbt.cli(arguments, context=context, target_path=_target_of_build(context))
        yield from build.stream()
        os.replace(build.target_path / PARSED, build.target_path.with_name(PARSED))
        remove_old_logs(build.target_path.parent)


def _require_schema() -> None:
    """The weekly input is where the job looks for it, whatever the project names its schemas by."""
    nodes = json.loads(DBT_PROJECT.manifest_path.read_text())["nodes"]
    schema = nodes["model.mmm.mmm_weekly_input"]["schema"]
    if schema != SCHEMA:
        raise dg.Failure(
            f"{PROJECT} builds the models of the package mmm in the schema {schema!r}, and the job "
            f"reads {SCHEMA!r}: set models.mmm.+schema in its dbt_project.yml, and let its macro "
            "generate_schema_name take that name as it stands"
        )


def _target_of_build(context: dg.AssetExecutionContext) -> Path:
    """A folder of a build's own, with what the build before it has parsed."""
    name = f"{dbt_models.op.name}-{context.run.run_id[:7]}-{uuid4().hex[:7]}"
    target = environment.dbt_path() / name
    target.mkdir(parents=True)
    # There is none before the first build.
    with suppress(FileNotFoundError):
        shutil.copy(target.with_name(PARSED), target)
    return target


def remove_old_logs(target: Path) -> None:
    """Remove what builds of more than `LOGS_KEPT_DAYS` ago have left, and manifests of old code."""
    oldest = time.time() - LOGS_KEPT_DAYS * 24 * 3600
    folders = {*target.glob(f"{dbt_models.op.name}-*"), *target.glob(f"{MANIFESTS}*")}
    for folder in folders - {DBT_PROJECT.target_path}:
        # Another warehouse's job may be removing it too.
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)


def input_models() -> list[dg.AssetKey]:
    """The dbt models that make the weekly input."""
    return [spec.key for spec in dbt_models.specs if spec.group_name in INPUT_LAYERS]
