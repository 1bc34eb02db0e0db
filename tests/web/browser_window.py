"""Chromium, driven by Playwright, and a window of it as a test sees it.

Tests that import this module are skipped where one of the two is missing; CHAINRULE_REQUIRE_BROWSER=1 makes that a
failure, as in CI.
"""

import os
import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MOMENT = 60_000  # milliseconds: the tests wait for a state, not for a time

if "CHAINRULE_REQUIRE_BROWSER" not in os.environ:
    pytest.importorskip("playwright.sync_api", reason="Playwright is not here: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("there is no browser here: apt-get install chromium", allow_module_level=True)

from playwright.sync_api import expect, sync_playwright  # noqa: E402

expect.set_options(timeout=MOMENT)


@contextmanager
def chromium():
    """Run the browser while the block lasts."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Window:
    """A window of the browser with its own storage; ``faults`` are what its console says against the pages."""

    def __init__(self, browser, address, **options):
        self.address = address
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_default_timeout(MOMENT)
        self.faults, self.requests = [], []

    def open(self, link="#draw"):
        """Open a tab."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(self.address + link)
        return page
