"""The dbt package `sql/`: raw rows to the weekly mart, and result tables to the latest views.

It is built by itself, or in the project that has installed it: `MMM_DBT_PROJECT`.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property
from importlib import metadata
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject
from packaging.version import Version

from dagster_mmm import environment, inputs
from dagster_mmm.defs.namespace import WAREHOUSE_POOL, Namespace
from dagster_mmm.schedule.freshness import WEEKLY
from dagster_mmm.settings import built_by, dbt_vars
from dagster_mmm.settings.resource import SettingsResource
from dagster_mmm.warehouse.database import Warehouse
from dagster_mmm.warehouse.dbt_environment import tell_dbt
from dagster_mmm.warehouse.tables import SCHEMA

PROJECT = environment.dbt_project_path()
# What dbt calls `sql/`, as a project and as a package of another.
PACKAGE = "mmm"
# In another project, the package leaves it to the job to read raw rows.
IN_THE_JOB = {"mmm_input_layer": True, "mmm_results_schema": SCHEMA}
# What dbt has parsed; a build that finds it, of the same settings, need not parse again.
PARSED = "partial_parse.msgpack"
# Folders of dbt files, and how those of manifests begin.
PARTS = ("models", "macros", "tests")
MANIFESTS = "manifest-"
# The op that builds models, behind the prefix of its job.
BUILD = "dbt_models"
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
IS_OURS = DBT_PROJECT.name == PACKAGE
# Of another project, the package's models alone; its input contract is that project's to build.
SELECTION = {"dagster_dbt/select": "package:mmm", "dagster_dbt/exclude": "fqn:mmm.contract.*"}
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


@cache
def manifest() -> Mapping[str, Any]:
    """What dbt has parsed."""
    return json.loads(DBT_PROJECT.manifest_path.read_text())


# The folders of models that make the weekly input; the others show what is published.
INPUT_LAYERS = ("staging", "intermediate", "input")
SHOWN_LAYERS = ("latest", "history", "ledger", "semantic")
ALL_LAYERS = INPUT_LAYERS + SHOWN_LAYERS


class LayerTranslator(DagsterDbtTranslator):
    """Groups dbt models by the folder that they stand in: staging, intermediate, input, latest."""

    def __init__(self, names: Namespace) -> None:
        super().__init__()
        self.names = names
        # dagster-dbt asks for the spec of a node once for each of those that read it.
        self.specs: dict[str, dg.AssetSpec] = {}

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The spec of the package's nodes by the job's names, in their layer's group."""
        if unique_id not in self.specs:
            default = super().get_asset_spec(manifest, unique_id, project)
            self.specs[unique_id] = self._named(default, _node(unique_id))
        return self.specs[unique_id]

    def _named(self, spec: dg.AssetSpec, node: Mapping[str, Any]) -> dg.AssetSpec:
        if node["package_name"] != PACKAGE:
            return spec
        if node["resource_type"] == "source":
            return spec.replace_attributes(key=self.names.key(*spec.key.path))
        # Whatever schema a project gives it, which would be a part of dagster-dbt's key.
        key = self.names.key(node["name"])
        return spec.replace_attributes(
            key=key,
            group_name=self.names.group_of(_layer(node)),
            tags={**spec.tags, "mmm/writes": "warehouse"},
            freshness_policy=WEEKLY if key == self.names.weekly_input else None,
        )


def _node(unique_id: str) -> Mapping[str, Any]:
    kind = "sources" if unique_id.startswith("source.") else "nodes"
    return manifest()[kind][unique_id]


def dbt_models(names: Namespace) -> dg.AssetsDefinition:
    """The assets of dbt's models, with their tests as checks.

    As `dagster_dbt.dbt_assets` makes them, which imports dbt to choose among the nodes: that takes
    as long as all that is ours.
    """
    translator, nodes = LayerTranslator(names), manifest()["nodes"]
    specs = {
        unique_id: translator.get_asset_spec(manifest(), unique_id, DBT_PROJECT)
        for unique_id in _models(ALL_LAYERS)
    }
    checks = [
        translator.get_asset_check_spec(specs[tested], manifest(), unique_id, DBT_PROJECT)
        for unique_id, node in nodes.items()
        if node["resource_type"] == "test"
        for tested in node["depends_on"]["nodes"]
        if tested in specs
    ]
    return dg.multi_asset(
        name=names.named(BUILD),
        specs=list(specs.values()),
        # A test of several models may be told by each of them.
        check_specs=list({check.key: check for check in checks if check is not None}.values()),
        can_subset=True,
        op_tags=SELECTION,
        pool=WAREHOUSE_POOL,
        allow_arbitrary_check_specs=True,
    )(names.bound(build_models))


def models_of(names: Namespace, layers: Container[str]) -> list[dg.AssetKey]:
    """The assets of the dbt models of some layers."""
    return [names.key(unique_id.split(".")[-1]) for unique_id in _models(layers)]


def _models(layers: Container[str]) -> list[str]:
    """The package's models in some layers, by dbt's name for them."""
    nodes = manifest()["nodes"]
    return [
        unique_id
        for unique_id, node in nodes.items()
        if (node["resource_type"], node["package_name"]) == ("model", PACKAGE)
        and _layer(node) in layers
    ]


def _layer(node: Mapping[str, Any]) -> str:
    return Path(node["original_file_path"]).parent.name


def build_models(
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
        | {"mmm_results_schema": warehouse.schema}
    )
    if len(variables) > MAX_ARGUMENT:
        raise dg.Failure(
            f"the settings are of {len(readable.settings)} models with tables of their own, which "
            "are more than dbt can be told; bring those that have the same columns into one table, "
            "and name its input.model_column"
        )
    _require_schema(warehouse.schema)
    tell_dbt(warehouse)
    # The views of what is published read tables that the first fit would otherwise make.
    warehouse.create_result_tables()
    # dbt's unit tests prove the SQL, not this week's data: they run in the test suite.
    arguments = ["build", "--vars", variables, "--exclude-resource-type", "unit_test"]
    with warehouse.locked():
        build = dbt.cli(arguments, context=context, target_path=_target_of_build(context))
        yield from build.stream()
        os.replace(build.target_path / PARSED, build.target_path.with_name(PARSED))
        remove_old_logs(build.target_path.parent)


def _require_schema(wanted: str) -> None:
    """The weekly input is where the job looks for it, whatever the project names its schemas by.

    The profile of our own project follows the job.
    """
    if IS_OURS:
        return
    schema = manifest()["nodes"]["model.mmm.mmm_weekly_input"]["schema"]
    if schema != wanted:
        raise dg.Failure(
            f"{PROJECT} builds the models of the package mmm in the schema {schema!r}, and the job "
            f"reads {wanted!r}: set models.mmm.+schema in its dbt_project.yml, and let its macro "
            "generate_schema_name take that name as it stands"
        )


def _target_of_build(context: dg.AssetExecutionContext) -> Path:
    """A folder of a build's own, with what the build before it has parsed."""
    name = f"{context.op_execution_context.op.name}-{context.run.run_id[:7]}-{uuid4().hex[:7]}"
    target = environment.dbt_path() / name
    target.mkdir(parents=True)
    # There is none before the first build.
    with suppress(FileNotFoundError):
        shutil.copy(target.with_name(PARSED), target)
    return target


def remove_old_logs(target: Path) -> None:
    """Remove what builds of more than `LOGS_KEPT_DAYS` ago have left, and manifests of old code."""
    oldest = time.time() - LOGS_KEPT_DAYS * 24 * 3600
    folders = {*target.glob(f"*{BUILD}-*"), *target.glob(f"{MANIFESTS}*")}
    for folder in folders - {DBT_PROJECT.target_path}:
        # Another warehouse's job may be removing it too.
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder)
