"""The code location: light to load, complete, documented."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from dagster_mmm.cli.jobs import NAMES
from dagster_mmm.definitions import defs
from dagster_mmm.environment import ROOT
from tests.conftest import Project

LOAD = """
import subprocess, sys
start = subprocess.Popen.__init__
def refuse_dbt(process, command, *arguments, **options):
    if "dbt" in str(command):
        raise AssertionError(f"dbt was started at load: {command}")
    start(process, command, *arguments, **options)
subprocess.Popen.__init__ = refuse_dbt
from dagster_mmm.cli.jobs import NAMES
from dagster_mmm.definitions import defs
from dagster import Definitions
Definitions.validate_loadable(defs())
heavy = {"jax", "numpyro", "matplotlib", "pandas", "pyarrow", "duckdb", "psycopg"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (None, ""),
        ("model_key: [", ""),
        (None, "postgresql://nobody:s3cret@nowhere.invalid:1/none"),
        (None, "no URL at all"),
    ],
    ids=["good", "broken settings", "no server", "broken URL"],
)
def test_definitions_load_without_jax_dbt_warehouse_or_good_settings(
    project: Project, settings: str | None, url: str
) -> None:
    # With a manifest that is fresh.
    defs()
    if settings is not None:
        (project.folder / "settings.yaml").write_text(settings)
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD],
        env=os.environ | {"MMM_WAREHOUSE_URL": url},
        capture_output=True,
        text=True,
    )
    assert (loaded.returncode, loaded.stdout) == (0, "[]\n"), loaded.stderr


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
            expected = {"mmm_warehouse"} if node.tags["mmm/writes"] == "warehouse" else None
            assert expected is None or node.pools == expected, key
    assert graph.get(NAMES.fit).pools == {"mmm_sampling"}
    fresh = {key for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy}
    assert fresh == {NAMES.weekly_input, NAMES.published}


def test_data_flows_one_way(project: Project) -> None:
    graph = defs().resolve_asset_graph()

    def upstream(name: str) -> set[str]:
        return {"/".join(key.path[1:]) for key in graph.get(*NAMES.keys([name])).parent_keys}

    assert upstream("mmm_stg_input") == {"raw/weekly_media"}
    assert upstream("panel") == {"mmm_weekly_input", "mmm_rejected_input"}
    assert upstream("fit") == {"panel"}
    assert upstream("results/mmm_contribution") == {"fit"}
    assert {name.split("/")[0] for name in upstream("published")} == {"results"}
    assert "mmm_int_published_run" in upstream("mmm_channel_summary_latest")
    assert upstream("mmm_int_published_run") == {"published"}


def test_both_gates_block(project: Project) -> None:
    graph = defs().resolve_asset_graph()
    blocking = {
        ("/".join(key.asset_key.path[1:]), key.name)
        for key in graph.asset_check_keys
        if graph.get_check_spec(key).blocking
    }
    assert ("panel", "input_is_usable") in blocking
    assert ("results/mmm_diagnostic", "converged") in blocking


def test_each_asset_is_of_one_job(project: Project) -> None:
    definitions = defs()
    keys = [
        key
        for name in ("weekly_input", "refit", "dashboards", "score_new_weeks")
        for key in definitions.resolve_job_def(NAMES.named(name)).asset_layer.executable_asset_keys
    ]
    assert len(keys) == len(set(keys))
    assert set(keys) == definitions.resolve_asset_graph().executable_asset_keys


def test_what_follows_the_input_is_of_one_model(project: Project) -> None:
    graph = defs().resolve_asset_graph()
    partitioned = {
        key.path[1]
        for key in graph.get_all_asset_keys()
        if graph.get(key).partitions_def == NAMES.models
    }
    assert partitioned == {"panel", "fit", "results", "published", "score"}


def test_the_schedule_is_the_settings(project: Project) -> None:
    project.configure(schedule={"cron": "30 5 * * 2", "timezone": "Asia/Tokyo"})
    schedule = defs().resolve_schedule_def("mmm_weekly_input")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 5 * * 2", "Asia/Tokyo")
    assert schedule.job_name == "mmm_weekly_input"


def test_nothing_runs_until_somebody_turns_it_on(project: Project) -> None:
    repository = defs().get_repository_def()
    started = [d.name for d in repository.schedule_defs if d.default_status.value != "STOPPED"]
    started += [d.name for d in repository.sensor_defs if d.default_status.value != "STOPPED"]
    # They request no run.
    assert sorted(started) == ["mmm_alerts", "mmm_canceled_runs", "mmm_failed_runs"]


@pytest.mark.slow
@pytest.mark.long
def test_processes_that_load_at_once_each_find_a_whole_manifest(
    project: Project, tmp_path: Path
) -> None:
    # A copy, for the manifest of the others must not go.
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns("target", ".venv", ".git", "data", "*.duckdb")
    copy.mkdir()
    for part in ("dagster_mmm", "hill_mmm", "sql", "examples", "pyproject.toml"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=ignored)
        else:
            shutil.copy(source, copy / part)
    load = "from dagster_mmm.definitions import defs; defs().resolve_asset_graph()"
    environment = os.environ | {"PYTHONPATH": str(copy)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", load], cwd=copy, env=environment, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=300)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
