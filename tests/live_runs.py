"""A topic that keeps its frames, and short runs; shared by the tests of live runs."""

import threading
import time

from chainrule.web.run_requests import RunRequest

SHORT = RunRequest(data="xor", hidden=(4,), batch_size=70, epochs=2, learning_rate=0.05, dropout=0.25, seed=1)
"""20 mini-batches, 10 an epoch."""

LONG = RunRequest(data="spiral", hidden=(8,), epochs=100_000)
SECONDS = 60.0
"""After this time a test gives up waiting."""


class Frames:
    """A topic without readers, which keeps what is published."""

    def __init__(self, watched=True):
        self.watched = watched
        self.kept = []
        self._published = threading.Condition()

    def publish(self, kind, data):
        """Keep a frame."""
        with self._published:
            self.kept.append((kind, data))
            self._published.notify_all()

    def wait_for(self, test):
        """Give the first frame that passes the test."""
        with self._published:
            assert self._published.wait_for(lambda: any(test(data) for _, data in self.kept), SECONDS)
            return next(data for _, data in self.kept if test(data))


def wait_until(condition):
    """Wait until a condition holds, and fail when it never does."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)
