"""The pool of this process: a thread for each network, over one prepared copy of the data; the kernels release Python's lock."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from .search import SweepRun
from .sweep_run import RunResult, SweepTask, train_run


class LocalPool:
    """A ``Pool`` of threads.

    Parameters
    ----------
    task : SweepTask
        Its data is prepared: the threads must not prepare the same.
    threads : int
    """

    task_seconds = 0.0

    def __init__(self, task: SweepTask, threads: int) -> None:
        self.slots = threads
        self._task = task
        self._pool = ThreadPoolExecutor(threads)
        self._ended, self._arrived = threading.Event(), threading.Event()
        self._results: deque[RunResult | BaseException] = deque()
        self._submitted = self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def load(self) -> int:
        """The runs that were submitted and whose results have not been taken."""
        return self._submitted - self._taken

    def submit(self, runs: Sequence[SweepRun]) -> None:
        """Train each run in a thread."""
        self._submitted += len(runs)
        for run in runs:
            self._pool.submit(self._train, run)

    def _train(self, run: SweepRun) -> None:
        try:
            result = None if self._ended.is_set() else train_run(self._task, run, self._ended.is_set)
        except BaseException as error:
            self._results.append(error)
        else:
            if result is not None:
                self._results.append(result)
        self._arrived.set()

    def wait(self, seconds: float) -> None:
        """Wait for a result; Ctrl-C ends it."""
        self._arrived.wait(seconds)

    def take(self) -> list[RunResult]:
        """Take the results that are there."""
        self._arrived.clear()
        results: list[RunResult] = []
        while self._results:
            result = self._results[0]
            if isinstance(result, BaseException):
                if results:
                    break  # these first: they are finished
                raise result
            self._results.popleft()
            self._taken += 1
            results.append(result)
        if self._results:
            self._arrived.set()
        return results

    def stop(self) -> None:
        """End the runs under way after their epoch."""
        self._ended.set()
        self._pool.shutdown(cancel_futures=True)
