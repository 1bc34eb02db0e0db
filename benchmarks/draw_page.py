"""Time the page of ``chainrule draw`` in Chromium: ``python -m benchmarks.draw_page [ROUNDS]``.

Each round starts a server, and a browser with an empty cache. It prints the size of the page, the time of its first paint, and the
time that Ctrl-C takes while ten tabs are open. In each of these tabs a network trains; of the visible one it prints the time
between two animation frames, and how many states of its run it shows a second.
"""

from __future__ import annotations

import shutil
import signal
import statistics
import subprocess
import sys
import time
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.command_line import arguments

TABS = 10
WATCHED = 5.0  # seconds in which the visible tab is watched
LINK = "#train?data=spiral&hidden={hidden},32&learning_rate=0.002&epochs=100000"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
BYTES = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map((e) => e.decodedBodySize)"
FRAME_TIMES = """(seconds) => new Promise((resolve) => {
  const times = [], epochs = new Set();
  const end = performance.now() + 1000 * seconds;
  const tick = (now) => {
    times.push(now);
    epochs.add(document.querySelector("[data-testid=train-epoch]").textContent);
    if (now < end) requestAnimationFrame(tick);
    else resolve({ times, shown: epochs.size });
  };
  requestAnimationFrame(tick);
})"""


def main() -> int:
    """Print the figures of each round and their medians."""
    rounds = arguments("draw_page", "Time the page of `chainrule draw` in Chromium.", count=3).count
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("this needs Chromium: apt-get install chromium")
    results = []
    with sync_playwright() as driver:
        for _ in range(rounds):
            browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            results.append(one_round(browser))
            browser.close()
    for name in results[0]:
        values = [result[name] for result in results]
        print(f"{name:66} {statistics.median(values):8.1f}   ({', '.join(f'{value:.1f}' for value in values)})")
    return 0


def one_round(browser: Browser) -> dict[str, float]:
    """Measure a new server with a new browser."""
    command = [sys.executable, "-m", "chainrule", "draw", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            figures = painted(browser, address)
            tabs = [train(browser, address, k) for k in range(TABS)]
            figures |= watched(tabs[-1])
            began = time.perf_counter()
            server.send_signal(signal.SIGINT)
            server.wait(60)
            figures["Ctrl-C with the streams of ten tabs open, ms"] = 1000 * (time.perf_counter() - began)
        finally:
            server.kill()
    return figures


def painted(browser: Browser, address: str) -> dict[str, float]:
    """Load the page, with an empty cache, and give its size and the time of its first paint."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    sizes: list[int] = page.evaluate(BYTES)
    figures = {"the page's files, kB": sum(sizes) / 1000, "first contentful paint, ms": page.evaluate(PAINT)}
    context.close()
    return figures


def train(browser: Browser, address: str, number: int) -> Page:
    """Open a tab, in the one window of the browser, and start a training in it."""
    context = browser.contexts[0] if browser.contexts else browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address + LINK.format(hidden=24 + number))
    page.get_by_test_id("train-start").click()
    page.wait_for_function("() => document.querySelector('[data-testid=train-epoch]').textContent > 0")
    return page


def watched(page: Page) -> dict[str, float]:
    """Watch the visible tab, and give how fluid it is."""
    result: dict[str, Any] = page.evaluate(FRAME_TIMES, WATCHED)
    waits = sorted(later - earlier for earlier, later in zip(result["times"], result["times"][1:], strict=False))
    return {
        "between animation frames of the visible tab of ten, median ms": statistics.median(waits),
        "the same, of a hundred the longest but one, ms": waits[int(0.99 * len(waits))],
        "states of the run that it shows a second": result["shown"] / WATCHED,
    }


if __name__ == "__main__":
    sys.exit(main())
