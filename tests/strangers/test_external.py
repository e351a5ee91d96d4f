"""A week by `mmm run`, as Airflow or cron starts it, told to a Dagster that runs elsewhere."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import dagster as dg
import pytest

from dagster_mmm.cli.jobs import NAMES
from dagster_mmm.environment import ROOT
from tests.conftest import Project
from tests.dagster_mmm.test_job import ANYTHING_GOES, HASTY
from tests.webserver import served

# Their code location, which shows the job and runs nothing of it.
LOCATION = """
from pathlib import Path
from dagster_mmm import build_definitions
defs = build_definitions(Path({settings!r}), external=True)
"""


def run_outside(project: Project) -> "subprocess.CompletedProcess[str]":
    """The week, in a process and a Dagster home of its own."""
    home = project.folder / "scheduler"
    home.mkdir(exist_ok=True)
    return subprocess.run(
        [str(Path(sys.executable).with_name("mmm")), "run", "--json"],
        cwd=ROOT,
        env=os.environ | {"DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.mark.slow
def test_a_week_run_outside_is_told_to_dagster(
    rerun: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = rerun
    project.configure(sampler=HASTY, gate=ANYTHING_GOES)
    week = run_outside(project)
    assert week.returncode == 0, week.stderr[-5000:]
    told = [json.loads(line) for line in week.stdout.splitlines()]
    assert [(one["stage"], one["status"]) for one in told] == [
        ("weekly_input", "succeeded"),
        ("refit", "published"),
        ("dashboards", "succeeded"),
    ]
    made = [each for one in told for each in one["materialized"]]

    deployment = project.folder / "deployment"
    deployment.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(deployment))
    settings = str(project.folder / "settings.yaml")
    (deployment / "location.py").write_text(LOCATION.format(settings=settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["-m", "location", "-d", str(deployment)]
    with served(where, port, deployment, deployment / "webserver.log") as address:
        for each in made:
            request = urllib.request.Request(
                f"{address}/report_asset_materialization/",
                json.dumps(each).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 200
    with dg.DagsterInstance.from_config(str(deployment)) as instance:
        event = instance.get_latest_materialization_event(NAMES.published)
        assert event is not None and event.asset_materialization is not None
        assert event.asset_materialization.partition == "demo"
        assert event.asset_materialization.metadata["run_id"].value == told[1]["run_id"]
        # Or past the web server, by Python: docs/dagster.md.
        instance.add_dynamic_partitions("mmm_model", ["demo"])
        for each in made:
            instance.report_runless_asset_event(dg.AssetMaterialization(**each))
        weekly = instance.fetch_materializations(NAMES.weekly_input, limit=9).records
        assert len(weekly) == 2

    (project.folder / "settings.yaml").write_text("model_key: [")
    refused = run_outside(project)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "not YAML" in refused.stderr
