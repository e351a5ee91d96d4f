"""The dashboard as its reader sees it: a real server in a real browser, wide and narrow."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from dagster_mmm.environment import ROOT
from tests.browser import keep, needs_browser, opened_browser
from tests.conftest import Project

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}

pytestmark = needs_browser


@pytest.fixture(scope="module")
def server(
    published: tuple[Project, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a dashboard on the published warehouse."""
    log = tmp_path_factory.mktemp("dashboard") / "streamlit.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboards" / "app.py")]
    command += ["--server.headless", "true"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(120):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                        break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def test_listens_to_this_machine_alone(server: str) -> None:
    # Another loopback address reaches a server that listens on all interfaces, and no other.
    port = int(server.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    with opened_browser(*SIZES[request.param]) as opened:
        yield opened


def go(page: Page, menu_entry: str, question: str) -> None:
    page.get_by_role("link", name=menu_entry).click()
    expect(page.get_by_role("heading", name=question, level=1)).to_be_visible(timeout=60_000)


def picture(page: Page, name: str) -> None:
    """Of a desktop's page, and on a phone of the first alone."""
    is_phone = page.evaluate("window.innerWidth") == SIZES["phone"][0]
    if not is_phone or name == "sales":
        keep(page, f"dashboard_{'phone' if is_phone else name}")


def assert_fits(page: Page) -> None:
    """Nothing to be scrolled sideways, and the charts are drawn."""
    page.locator("canvas").first.wait_for(timeout=60_000)
    assert page.get_by_test_id("stException").count() == 0
    wider = page.evaluate(
        "document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth"
    )
    assert wider <= 0


def test_a_slider_is_moved_by_keyboard(server: str, page: Page) -> None:
    # The first test here: a link to a page has to open it on a server that has shown none.
    page.goto(f"{server}/what_if")
    slider = page.get_by_role("slider").first
    slider.wait_for(timeout=60_000)
    spend = page.get_by_test_id("stMetricValue").first
    before = spend.inner_text()
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(spend).not_to_have_text(before, timeout=30_000)


def test_every_page_is_whole_at_any_width(server: str, page: Page) -> None:
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("requestfailed", lambda request: troubles.append(request.url))
    page.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )
    page.goto(server)
    expect(page.get_by_role("heading", name="Where did sales come from?")).to_be_visible(
        timeout=60_000
    )
    assert_fits(page)
    picture(page, "sales")
    for menu_entry, question in (
        ("Worth of the channels", "What is each channel worth, and at the margin?"),
        ("The next unit of money", "Where should the next unit of money go?"),
        ("What if", "What happens if?"),
        ("The next weeks", "What comes next, and were earlier forecasts right?"),
        ("Trust and changes", "Can I trust it, and what changed since last week?"),
    ):
        go(page, menu_entry, question)
        assert_fits(page)
        picture(page, page.url.removeprefix(f"{server}/"))
    assert troubles == []
