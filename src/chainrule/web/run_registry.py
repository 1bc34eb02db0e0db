"""The runs of a server: their ids, and limits on how many exist and how many train at once."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from ..errors import SettingError, UnknownName
from .events import Hub
from .live_run import LiveRun
from .run_requests import RunRequest

MOST_RUNS = 24
"""The most runs that exist at once; each holds a network of at most 1.2 million parameters and its optimizer's slots."""

MOST_TRAINING = 12
"""The most runs that train at once: beyond that they would only take turns."""

CLOSING_SECONDS = 0.8
"""The time within which all threads are to end; those that are within a longer call of an engine end with the process."""


class Closable(Protocol):
    """What has a thread that ends on request: a live run, or a watched one."""

    def close(self) -> None:
        """Ask the thread to end."""
        ...

    def join(self, seconds: float) -> bool:
        """Wait for the thread; tell whether it has ended."""
        ...


class RunRegistry:
    """The live runs of a server.

    Parameters
    ----------
    hub : Hub
        A run publishes to the topic ``run:ID`` there.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._runs: dict[str, LiveRun] = {}
        self._lock = threading.Lock()

    def create(self, request: RunRequest) -> LiveRun:
        """Make a run, which is ready to be started.

        Where there are ``MOST_RUNS``, the oldest one that neither trains nor is watched is removed for it.

        Raises
        ------
        SettingError
            When there are too many, and each of them trains or is watched.
        """
        with self._lock:
            if len(self._runs) >= MOST_RUNS:
                self._drop_oldest()
            identifier = secrets.token_hex(4)
            run = LiveRun(identifier, request, self._hub.topic(topic_of(identifier)))
            self._runs[identifier] = run
            return run

    def get(self, identifier: str) -> LiveRun:
        """Find a run, and note that somebody uses it.

        Raises
        ------
        UnknownName
            When there is none of that id.
        """
        run = self._runs.get(identifier)
        if run is None:
            raise UnknownName("run", identifier, list(self._runs))
        run.notice()
        return run

    def all(self) -> list[LiveRun]:
        """Give all runs, the oldest first."""
        return list(self._runs.values())

    def start(self, identifier: str) -> LiveRun:
        """Start a run, or go on with it.

        Raises
        ------
        UnknownName
            When there is none of that id.
        SettingError
            When too many train, or the run has ended.
        """
        run = self.get(identifier)
        with self._lock:
            training = sum(other.state == "running" for other in self._runs.values() if other is not run)
            if training >= MOST_TRAINING:
                raise SettingError(f"{MOST_TRAINING} runs are training, and no more may at once; pause one first")
            run.start()
        return run

    def remove(self, identifier: str) -> None:
        """End a run and forget it.

        Raises
        ------
        UnknownName
            When there is none of that id.
        """
        run = self.get(identifier)
        with self._lock:
            self._drop(run)

    def _drop_oldest(self) -> None:
        """Remove the oldest run that may be dropped, with the lock held; its page, if it comes back, hears that it is gone."""
        left = next((run for run in self._runs.values() if run.may_be_dropped), None)
        if left is None:
            raise SettingError(
                f"there are {MOST_RUNS} runs, all of them training or watched, and there may be no more; "
                "remove one, or close its page, first"
            )
        self._drop(left)

    def _drop(self, run: LiveRun) -> None:
        """Forget a run and end it, with the lock held."""
        self._runs.pop(run.identifier, None)
        run.close()
        self._hub.remove(topic_of(run.identifier))


def topic_of(identifier: str) -> str:
    """Give the name of a run's topic.

    Examples
    --------
    >>> topic_of("1f2e3d4c")
    'run:1f2e3d4c'
    """
    return f"run:{identifier}"


def close_all(runs: Sequence[Closable]) -> bool:
    """Close runs side by side, wait for their threads within ``CLOSING_SECONDS``, and tell whether all have ended."""
    end = time.monotonic() + CLOSING_SECONDS
    for run in runs:
        run.close()
    ended = [run.join(end - time.monotonic()) for run in runs]
    return all(ended)
