"""A server of ``chainrule draw`` in a process of its own, for tests that ask it over HTTP."""

import http.client
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

import chainrule as cr

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
MAIN = (  # a test that runs in the background would hand its ignored SIGINT down to the program
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from chainrule.__main__ import main; main()"
)
SECONDS = 60.0
"""After this time a test gives up waiting: a guard against a hang."""


class ServerProcess:
    """A running server.

    Attributes
    ----------
    process : Popen
    link : str
        The first line that it printed.
    url : str
        The link without what follows the port.
    """

    def __init__(self, process):
        self.process = process
        ready, _, _ = select.select([process.stdout], [], [], SECONDS)
        assert ready, "the server printed no line"
        self.link = process.stdout.readline().strip()
        self.url = self.link.partition("/?")[0].rstrip("/")

    def client(self, **settings):
        """A client for requests to the server."""
        return httpx.Client(base_url=self.url, timeout=SECONDS, trust_env=False, **settings)

    def status_of(self, method, path, headers):
        """Send a request as it is, without a body; give the status of its answer."""
        with closing(http.client.HTTPConnection(*self.url.removeprefix("http://").split(":"), timeout=SECONDS)) as connection:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            return connection.getresponse().status

    def end(self, number=signal.SIGINT):
        """Send a signal; give the exit status and what was printed to standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, err


@contextmanager
def serving(*arguments):
    """Serve with these arguments of ``chainrule draw`` while the block lasts."""
    port = () if "--port" in arguments else ("--port", "0")
    command = [sys.executable, "-c", MAIN, "draw", *port, "--no-browser", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        yield ServerProcess(process)
    finally:
        process.kill()
        process.communicate()


def wait_for(condition):
    """Give the first value of a function that is true, and fail when there is none in time."""
    end = time.monotonic() + SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return value
