"""Fixtures of the page's tests: a small network that reads digits, its file, a server of it, and a browser that opens the page."""

from pathlib import Path

import httpx
import pytest
from server_process import serving

import chainrule as cr

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


@pytest.fixture(scope="session")
def digits_network():
    """The notes' network after one epoch of MNIST."""
    net = cr.Network([784, 30, 10], seed=0)
    cr.train(net, cr.datasets.mnist().train, epochs=1, batch_size=10, learning_rate=3.0)
    return net


@pytest.fixture(scope="session")
def digits_file(digits_network, tmp_path_factory):
    """Its file."""
    path = tmp_path_factory.mktemp("model") / "digits.safetensors"
    digits_network.save(path)
    return path


@pytest.fixture(scope="session")
def server(digits_file):
    """A server of this network, which all tests share."""
    with serving(digits_file) as process:
        yield process


@pytest.fixture
def client(server):
    """A client of the shared server."""
    with server.client() as client:
        yield client


# The browser


@pytest.fixture(scope="session")
def address():
    """The address of a server that trains its network itself, which all tests of the page share."""
    with serving() as process:
        yield process.link


@pytest.fixture(scope="module")
def browser():
    """Chromium, for one module: while Playwright is open, no other test can run an event loop in this thread."""
    from browser_window import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def window(browser, address):
    """A function that opens windows; after the test each is closed, the runs are removed, and no fault may have been shown."""
    from browser_window import MOMENT, Window

    opened = []

    def open_window(**options):
        opened.append(Window(browser, address, **options))
        return opened[-1]

    yield open_window
    for each in opened:
        each.context.close()
    with httpx.Client(base_url=address, trust_env=False, timeout=MOMENT / 1000) as client:
        for run in client.get("api/runs").json()["runs"]:
            client.delete(f"api/runs/{run['id']}")
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
