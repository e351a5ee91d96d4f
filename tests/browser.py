"""The browser that the tests look through, and the pictures that it keeps.

With `SCREENSHOTS=folder`, as `make screenshots` sets it, what is seen is kept there.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@contextmanager
def opened_browser(width: int, height: int) -> Iterator[Page]:
    """An empty page of this size."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def keep(page: Page, name: str, part: FloatRect | None = None) -> None:
    """A picture of what is seen, or of a part of it, where somebody wants it."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        # What fades in is shown as it ends.
        page.screenshot(path=Path(folder) / f"{name}.png", clip=part, animations="disabled")
