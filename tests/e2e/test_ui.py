"""The Dagster UI as its user sees it: a real webserver in a real headless browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import FloatRect, Page

from dagster_mmm.environment import ROOT
from tests.browser import keep, needs_browser, opened_browser
from tests.conftest import Project, make_project
from tests.dagster_mmm.test_job import ANYTHING_GOES
from tests.webserver import served

pytestmark = needs_browser


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An empty project, and a Dagster home in its folder."""
    folder = tmp_path_factory.mktemp("ui")
    (folder / "home").mkdir()
    shutil.copy(ROOT / "deploy" / "local" / "dagster.yaml", folder / "home")
    yield from make_project(folder)


@pytest.fixture(scope="module")
def webserver(project: Project) -> Iterator[str]:
    """The address of a webserver on `workspace.yaml`."""
    home = project.folder / "home"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with served(["-w", "workspace.yaml"], port, ROOT, home / "webserver.log") as address:
            yield address


@pytest.fixture
def page() -> Iterator[Page]:
    with opened_browser(1600, 900) as opened:
        yield opened


def job(project: Project, market: Path) -> "subprocess.Popen[bytes]":
    """The job, started in a process of its own."""
    with (project.folder / "job.log").open("a") as log:
        return subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("mmm")), "demo"),
                *("--data", str(market), "--settings", str(project.folder / "settings.yaml")),
            ],
            cwd=ROOT,
            env=os.environ | {"DAGSTER_HOME": str(project.folder / "home")},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def test_the_asset_graph_flows_from_raw_to_latest(webserver: str, page: Page) -> None:
    # Wide enough for all of it to be read.
    page.set_viewport_size({"width": 2400, "height": 900})
    page.goto(f"{webserver}/asset-groups")
    groups = ["ingest", "staging", "intermediate", "input"]
    groups += ["model", "results", "published", "latest"]
    boxes: dict[str, FloatRect] = {}
    for layer in groups:
        group = f"mmm_{layer}"
        # The box in the graph, not the row in the sidebar, is the last one with this text.
        box = page.get_by_text(group, exact=True).last
        box.wait_for(timeout=60_000)
        found = box.bounding_box()
        assert found is not None, group
        boxes[layer] = found
    assert sorted(boxes, key=lambda group: boxes[group]["x"]) == groups
    top, left = (min(box[side] for box in boxes.values()) - 120 for side in ("y", "x"))
    keep(page, "lineage", {"x": left, "y": top, "width": 2400 - left, "height": 300})


def test_a_result_table_shows_its_columns_and_its_job(webserver: str, page: Page) -> None:
    page.goto(f"{webserver}/assets/mmm/results/mmm_channel_summary")
    for expected in (
        "roi_learned",
        "Share of the prior variance of the medium's log effect",
        "mmm_refit",
    ):
        page.get_by_text(expected).first.wait_for(timeout=60_000)


@pytest.mark.slow
def test_a_fit_is_seen_with_its_pictures(
    webserver: str, page: Page, project: Project, market: Path
) -> None:
    assert job(project, market).wait(500) == 0, (project.folder / "job.log").read_text()
    for asset, picture in (
        ("results/mmm_response_curve", "response_curves"),
        ("results/mmm_diagnostic", "convergence"),
    ):
        page.goto(f"{webserver}/assets/mmm/{asset}?view=overview")
        page.get_by_text(picture, exact=True).first.wait_for(timeout=60_000)
        row = page.locator("tr", has=page.get_by_text(picture, exact=True)).last
        row.get_by_text("Show Markdown").click()
        image = page.locator("img[alt=plot]")
        image.wait_for(timeout=30_000)
        assert image.evaluate("image => image.naturalWidth") > 300
        keep(page, picture)
    page.goto(f"{webserver}/assets/mmm/fit?view=overview")
    page.get_by_text("Plots", exact=True).click(timeout=60_000)
    page.locator("canvas").first.wait_for(timeout=30_000)


@pytest.mark.slow
def test_a_running_fit_is_seen_with_its_progress(
    webserver: str, page: Page, project: Project, market: Path
) -> None:
    # Long enough that somebody may look, whatever the machine.
    project.configure(sampler={"chains": 2, "warmup": 500, "draws": 100_000}, gate=ANYTHING_GOES)
    running = job(project, market)
    try:
        run_id = _observed(project, running)
        page.goto(f"{webserver}/assets/mmm/fit?view=events", timeout=120_000)
        # The newest event is the first.
        page.get_by_text(run_id[:8]).first.wait_for(timeout=60_000)
        page.get_by_text("percent_done").first.wait_for(timeout=60_000)
        text = page.inner_text("body")
        assert "divergences_so_far" in text
        assert "seconds_left" in text
        assert running.poll() is None, (project.folder / "job.log").read_text()
        keep(page, "progress")
    finally:
        # As the UI's button does; the fit ends within a block.
        running.send_signal(signal.SIGINT)
        running.wait(60)


def _observed(project: Project, running: "subprocess.Popen[bytes]") -> str:
    """The run that is fitting, once it has been observed for the first time."""
    with dg.DagsterInstance.from_config(str(project.folder / "home")) as instance:
        for _ in range(500):
            assert running.poll() is None, (project.folder / "job.log").read_text()
            going = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
            seen = instance.fetch_observations(dg.AssetKey(["mmm", "fit"]), limit=1).records
            if going and seen and seen[0].run_id == going[0].run_id:
                return seen[0].run_id
            time.sleep(1)
    raise AssertionError("the fit was not observed")
