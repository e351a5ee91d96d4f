"""Names of its own: beside others' definitions, and beside those of a second job."""

import dagster as dg
import pytest

from dagster_mmm.cli.jobs import NAMES
from dagster_mmm.definitions import defs
from dagster_mmm.defs.build import build_definitions
from dagster_mmm.defs.namespace import Namespace
from dagster_mmm.environment import settings_path
from tests.conftest import Project


@dg.asset
def fit(warehouse: dg.ResourceParam[str]) -> None:
    """An asset and a resource as the job has them, but for its prefix."""


@dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="model"))
def published() -> None:
    """Theirs."""


@dg.sensor(job_name="refit")
def refits() -> dg.SkipReason:
    return dg.SkipReason("theirs")


THEIRS = dg.Definitions(
    assets=[fit, published, dg.AssetSpec("panel"), dg.AssetSpec("score")],
    jobs=[
        dg.define_asset_job("refit", selection=["fit"]),
        dg.define_asset_job("dashboards", selection=["fit"]),
    ],
    sensors=[refits],
    schedules=[
        dg.ScheduleDefinition(name="weekly_input", job_name="refit", cron_schedule="@daily")
    ],
    resources={name: "theirs" for name in ("warehouse", "dbt", "settings", "clock")},
)


def test_others_definitions_take_ours_beside_theirs(project: Project) -> None:
    merged = dg.Definitions.merge(THEIRS, defs())
    dg.Definitions.validate_loadable(merged)
    assert merged.resolve_job_def("refit").resource_defs.keys() >= {"warehouse"}
    assert merged.resolve_asset_graph().get(NAMES.fit).pools == {"mmm_sampling"}


def test_two_jobs_live_in_one_location(project: Project) -> None:
    two = [
        build_definitions(settings_path(), key_prefix=prefix, schema=schema)
        for prefix, schema in ((("mmm",), "mmm"), (("marketing", "eu"), "mmm_eu"))
    ]
    merged = dg.Definitions.merge(*two)
    dg.Definitions.validate_loadable(merged)
    ours, eu = NAMES, Namespace(("marketing", "eu"))
    assert merged.resources is not None
    assert merged.resources[eu.named("warehouse")].schema == "mmm_eu"
    assert merged.resources[ours.named("warehouse")].schema == "mmm"
    graph = merged.resolve_asset_graph()
    for names in (ours, eu):
        assert graph.get(names.fit).parent_keys == {names.panel}
        assert graph.get(names.key("mmm_int_published_run")).parent_keys == {names.published}
        assert graph.get(names.fit).partitions_def == names.models
        refit = merged.resolve_job_def(names.named("refit"))
        assert all(map(names.has, refit.asset_layer.executable_asset_keys))
    assert ours.models != eu.models


def test_the_lineage_begins_with_what_others_make(project: Project) -> None:
    mart = dg.AssetKey(["analytics", "weekly_marketing"])
    graph = build_definitions(settings_path(), deps=[mart]).resolve_asset_graph()
    assert graph.get(NAMES.raw).parent_keys == {mart}
    assert graph.get(NAMES.key("mmm_stg_input")).parent_keys == {NAMES.raw}


def test_what_others_run_the_job_shows_its_assets_alone(project: Project) -> None:
    outside = build_definitions(settings_path(), external=True)
    assert not (outside.jobs or outside.sensors or outside.schedules or outside.resources)
    graph, ours = outside.resolve_asset_graph(), defs().resolve_asset_graph()
    assert set(graph.get_all_asset_keys()) == set(ours.get_all_asset_keys())
    assert not graph.executable_asset_keys
    assert graph.get(NAMES.fit).parent_keys == ours.get(NAMES.fit).parent_keys


def test_an_asset_may_be_said_otherwise_but_for_its_key(project: Project) -> None:
    def colder(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(group_name="marketing", owners=["team:science"])

    graph = build_definitions(settings_path(), translate=colder).resolve_asset_graph()
    assert {graph.get(key).group_name for key in NAMES.keys(["fit", "mmm_stg_input"])} == {
        "marketing"
    }
    assert graph.get(NAMES.key("dashboards", "what_if")).owners == ["team:science"]
    with pytest.raises(ValueError, match="set key_prefix for all of them"):
        build_definitions(
            settings_path(), translate=lambda spec: spec.replace_attributes(key="mine")
        )


def test_a_prefix_of_several_parts_names_all() -> None:
    names = Namespace(("marketing", "eu"))
    assert names.fit == dg.AssetKey(["marketing", "eu", "fit"])
    assert names.op(names.fit) == "marketing__eu__fit"
    assert names.named("refit") == "marketing_eu_refit"
    assert Namespace(("mmm",), group="models").group_of("staging") == "models"
