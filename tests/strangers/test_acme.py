"""A company's Dagster project, with its own `warehouse`, `dbt` and mart, takes the component."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml
from playwright.sync_api import FloatRect

from dagster_mmm.environment import ROOT
from tests.browser import CHROMIUM, keep, opened_browser
from tests.webserver import served

ACME = ROOT / "tests" / "strangers" / "acme"
# The mart, and the week of the model, as the company's scheduler would run them.
WEEK = """
import json, sys
import dagster as dg
from acme.definitions import defs
definitions = defs()
ran = {}
with dg.DagsterInstance.get() as instance:
    instance.add_dynamic_partitions("mmm_model", ["acme"])
    for job in ("refit", "mmm_weekly_input", "mmm_refit", "mmm_dashboards"):
        run = definitions.resolve_job_def(job).execute_in_process(
            instance=instance, partition_key="acme" if job == "mmm_refit" else None
        )
        ran[job] = run.success
graph = definitions.resolve_asset_graph()
upstream, todo = set(), [dg.AssetKey(["mmm", "dashboards", "where_sales_came_from"])]
while todo:
    key = todo.pop()
    upstream.add(key)
    todo += graph.get(key).parent_keys - upstream
said = {"ran": ran, "upstream": sorted(key.to_user_string() for key in upstream)}
print(json.dumps(said | {"resources": sorted(definitions.resources)}))
"""


@pytest.fixture
def acme(tmp_path: Path, market: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, with the week's files and a Dagster home."""
    weeks = pd.read_csv(market)
    files = tmp_path / "files"
    files.mkdir()
    weeks[["week", "revenue", "competitor_price"]].to_csv(files / "orders.csv", index=False)
    spend = weeks.melt("week", [f"{name}_spend" for name in ("tv", "search", "social")])
    spend["platform"] = spend["variable"].str.removesuffix("_spend")
    spend = spend.rename(columns={"value": "spend"}).drop(columns="variable")
    spend.to_csv(files / "spend.csv", index=False)
    project = shutil.copytree(ACME, tmp_path / "acme")
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(ROOT / "deploy" / "local" / "dagster.yaml", home)
    for name in [name for name in os.environ if name.startswith("MMM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ACME_DUCKDB", str(tmp_path / "acme.duckdb"))
    monkeypatch.setenv("ACME_FILES", str(files))
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("MMM_STATE", str(tmp_path / "state"))
    # Their environment is active.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    # As `dg dev` sets it: their dbt project is parsed.
    monkeypatch.setenv("DAGSTER_IS_DEV_CLI", "1")
    return project


def python(project: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


def dg_command(project: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("dg")), *words]
    return subprocess.run(
        command,
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.slow
def test_they_refit_from_their_mart_beside_their_own_resources(acme: Path, tmp_path: Path) -> None:
    said = json.loads(python(acme, WEEK).splitlines()[-1])
    assert said["ran"] == dict.fromkeys(
        ("refit", "mmm_weekly_input", "mmm_refit", "mmm_dashboards"), True
    )
    # One lineage, from their source to our dashboard.
    assert {"shop/orders", "ads/spend", "weekly_marketing", "mmm/raw/weekly_media"} <= set(
        said["upstream"]
    )
    assert {"warehouse", "dbt", "mmm_warehouse", "mmm_dbt"} <= set(said["resources"])
    with duckdb.connect(str(tmp_path / "acme.duckdb"), read_only=True) as connection:
        schemas = {
            name
            for (name,) in connection.sql("select schema_name from duckdb_schemas()").fetchall()
        }
        published = connection.sql(
            "select model_key, spend from mmm_prod.mmm_channel_summary_latest "
            "where period = 'all' order by channel"
        ).to_df()
        spend = connection.sql(
            "select platform, sum(spend) as spend from raw.spend "
            "group by platform order by platform"
        ).to_df()
    assert "mmm" not in schemas
    assert set(published["model_key"]) == {"acme"}
    # What they loaded is what the model was fitted on.
    assert list(published["spend"]) == pytest.approx(list(spend["spend"]))
    snapshot = tmp_path / "acme_mmm_prod_snapshot.duckdb"
    assert snapshot.is_file()
    assert (tmp_path / "files" / "artefacts" / "acme" / "runs" / "latest").is_file()


@pytest.mark.slow
def test_dg_finds_scaffolds_and_checks_the_component(acme: Path) -> None:
    listed = dg_command(acme, "list", "components")
    assert "dagster_mmm.MmmComponent" in listed.stdout, listed.stderr
    scaffolded = dg_command(acme, "scaffold", "defs", "dagster_mmm.MmmComponent", "mmm_eu")
    assert scaffolded.returncode == 0, scaffolded.stderr
    defs_yaml = acme / "acme" / "defs" / "mmm_eu" / "defs.yaml"
    document: dict[str, Any] = yaml.safe_load(defs_yaml.read_text())
    assert document["attributes"]["settings"] == "settings.yaml"
    # Two of them, side by side.
    document["attributes"]["key_prefix"] = ["marketing", "eu"]
    defs_yaml.write_text(yaml.safe_dump(document))
    checked = dg_command(acme, "check", "defs")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # The mistakes of settings are told in the same words as by `mmm settings check`.
    settings = defs_yaml.with_name("settings.yaml")
    settings.write_text(settings.read_text().replace("currency: EUR", "curency: EUR"))
    refused = dg_command(acme, "check", "defs")
    assert refused.returncode != 0
    words = " ".join((refused.stdout + refused.stderr).split())
    assert f"{settings}: currency: found nothing; it is required" in words
    assert "curency: unknown key (did you mean 'currency'?)" in words


@pytest.fixture
def webserver(acme: Path, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["-m", "acme.definitions", "-d", str(acme)]
    with served(where, port, acme, tmp_path / "webserver.log") as address:
        yield address


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_the_ui_shows_one_lineage(webserver: str) -> None:
    groups = ["sources", "marts", "mmm_ingest", "mmm_input", "mmm_model", "mmm_published"]
    groups += ["mmm_latest", "mmm_dashboards"]
    with opened_browser(3000, 900) as page:
        page.goto(f"{webserver}/asset-groups")
        boxes: dict[str, FloatRect] = {}
        for group in groups:
            # The box in the graph, not the row in the sidebar, is the last one with this text.
            box = page.get_by_text(group, exact=True).last
            box.wait_for(timeout=120_000)
            found = box.bounding_box()
            assert found is not None, group
            boxes[group] = found
        assert sorted(boxes, key=lambda group: boxes[group]["x"]) == groups
        top, left = (min(box[side] for box in boxes.values()) - 40 for side in ("y", "x"))
        keep(page, "lineage_component", {"x": left, "y": top, "width": 3000 - left, "height": 280})
