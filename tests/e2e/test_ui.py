"""The Dagster UI as its user sees it: a real webserver in a real headless browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from dagster_mmm.environment import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def webserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a webserver on `workspace.yaml`, with a Dagster home of its own."""
    home = tmp_path_factory.mktemp("dagster_home")
    shutil.copy(ROOT / "deploy" / "local" / "dagster.yaml", home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [Path(sys.executable).with_name("dagster-webserver"), "-w", "workspace.yaml"]
    log = (home / "webserver.log").open("w")
    server = subprocess.Popen(
        [*map(str, command), "-h", "127.0.0.1", "-p", str(port)],
        cwd=ROOT,
        env=os.environ | {"DAGSTER_HOME": str(home)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield _when_up(f"http://127.0.0.1:{port}", server, home / "webserver.log")
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def _when_up(address: str, server: "subprocess.Popen[bytes]", log: Path) -> str:
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                return address
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
    raise AssertionError(f"the webserver did not come up: {log.read_text()}")


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser.new_page(viewport={"width": 1600, "height": 900})
        browser.close()


def test_the_asset_graph_flows_from_raw_to_latest(webserver: str, page: Page) -> None:
    page.goto(f"{webserver}/asset-groups")
    groups = ["ingest", "staging", "intermediate", "marts"]
    groups += ["model", "results", "published", "latest"]
    lefts: dict[str, float] = {}
    for group in groups:
        # The box in the graph, not the row in the sidebar, is the last one with this text.
        box = page.get_by_text(group, exact=True).last
        box.wait_for(timeout=60_000)
        found = box.bounding_box()
        assert found is not None, group
        lefts[group] = found["x"]
    assert sorted(lefts, key=lambda group: lefts[group]) == groups


def test_a_result_table_shows_its_columns_and_its_job(webserver: str, page: Page) -> None:
    page.goto(f"{webserver}/assets/results/mmm_channel_summary")
    page.get_by_text("roi_learned").first.wait_for(timeout=60_000)
    text = page.inner_text("body")
    assert "Share of the prior variance of the medium's log effect" in text
    assert "refit" in text
