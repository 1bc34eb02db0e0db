"""The page in a real browser: the server of ``chainrule draw`` as a process, and Chromium driven by Playwright."""

import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MOMENT = 60_000  # milliseconds: the tests wait for a state, not for a time
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


@contextmanager
def serving(*options, port=0):
    """Start ``chainrule draw``, give its address, and end it by Ctrl-C."""
    command = [sys.executable, "-m", "chainrule", "draw", "--port", str(port), "--no-browser", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", line), f"the first line is not the address: {line!r}"
            yield line.strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


@pytest.fixture(scope="session")
def address():
    """The address of a server that all tests share."""
    with serving() as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """Chromium; the tests are skipped where it or Playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not here: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("there is no browser here: apt-get install chromium")
    playwright.expect.set_options(timeout=MOMENT)
    with playwright.sync_playwright() as driver:
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


@pytest.fixture
def window(browser, address):
    """A function that opens windows; each is closed after the test, and must have shown no fault."""
    opened = []

    def open_window(**options):
        opened.append(Window(browser, address, **options))
        return opened[-1]

    yield open_window
    for each in opened:
        each.context.close()
    assert [fault for each in opened for fault in each.faults] == []


@pytest.fixture
def tab(window):
    """A function that opens a tab at a link."""
    first = window()
    return first.open


@pytest.fixture
def keep_screenshot():
    """A function that keeps a page's screenshot as an artefact of the tests."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=SCREENSHOTS / f"{name}.png")
