"""The code location: light to load, complete, documented."""

import subprocess
import sys

import dagster as dg

from dagster_mmm.definitions import defs
from tests.conftest import Project


def test_definitions_load_without_jax() -> None:
    code = (
        "import sys; from dagster_mmm.definitions import defs; defs(); print('jax' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (loaded.returncode, loaded.stdout) == (0, "False\n"), loaded.stderr


def test_everything_is_loadable_described_and_grouped(project: Project) -> None:
    definitions = defs()
    dg.Definitions.validate_loadable(definitions)
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.group_name != "default", key


def test_assets_say_what_they_are_and_where_they_write(project: Project) -> None:
    project.configure(owner="team:growth")
    graph = defs().resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        if node.is_executable:
            assert node.kinds, key
            assert node.tags["mmm/writes"] in {"warehouse", "files"}, key
            assert node.owners == ["team:growth"], key
            expected = {"warehouse"} if node.tags["mmm/writes"] == "warehouse" else None
            assert expected is None or node.pools == expected, key
    assert graph.get(dg.AssetKey("fit")).pools == {"sampling"}
    fresh = {key for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy}
    assert fresh == {dg.AssetKey("weekly_input"), dg.AssetKey("published")}


def test_data_flows_one_way(project: Project) -> None:
    graph = defs().resolve_asset_graph()

    def upstream(name: str) -> set[str]:
        return {key.to_user_string() for key in graph.get(dg.AssetKey(name.split("/"))).parent_keys}

    assert upstream("stg_input") == {"raw/weekly_media"}
    assert upstream("panel") == {"weekly_input", "rejected_input"}
    assert upstream("fit") == {"panel"}
    assert upstream("results/mmm_contribution") == {"fit"}
    assert {name.split("/")[0] for name in upstream("published")} == {"results"}
    assert "int_published_run" in upstream("channel_summary_latest")
    assert upstream("int_published_run") == {"published"}


def test_both_gates_block(project: Project) -> None:
    graph = defs().resolve_asset_graph()
    blocking = {
        (key.asset_key.to_user_string(), key.name)
        for key in graph.asset_check_keys
        if graph.get_check_spec(key).blocking
    }
    assert ("weekly_input", "input_is_usable") in blocking
    assert ("results/mmm_diagnostic", "converged") in blocking


def test_the_schedule_is_the_settings(project: Project) -> None:
    project.configure(schedule={"cron": "30 5 * * 2", "timezone": "Asia/Tokyo"})
    schedule = defs().resolve_schedule_def("weekly_mmm_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 5 * * 2", "Asia/Tokyo")
    assert schedule.job_name == "weekly_mmm"
