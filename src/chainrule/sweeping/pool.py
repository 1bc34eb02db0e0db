"""What trains the runs of a sweep: the interface of the local pool and of Ray's, and how many runs go into a task."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from .search import SweepRun
from .sweep_run import RunResult

TASK_SECONDS = 1.0
"""A task of many runs is to take so long: what a task costs by itself is milliseconds."""

MOST_IN_TASK = 1000

TASKS_A_WORKER = 2
"""So many tasks of each worker are submitted at a time: one that it trains, and one that it finds when that is done."""

SHARE = 2
"""A task is at most so small a part of what each worker still has to do."""


class Pool(Protocol):
    """Trains runs, several at a time, in any order.

    Attributes
    ----------
    slots : int
        How many runs it trains at a time.
    task_seconds : float
        How long a task of several runs should take; 0 for one run a task.
    """

    slots: int
    task_seconds: float

    @property
    def load(self) -> int:
        """The tasks that were submitted and whose results have not been taken."""
        ...

    def submit(self, runs: Sequence[SweepRun]) -> None:
        """Begin a task that trains these runs, one after the other."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait until there are results to take, at most for so long."""
        ...

    def take(self) -> list[RunResult]:
        """Take the results that are there.

        Raises
        ------
        ChainruleError
            When a run failed; the message names it.
        """
        ...

    def stop(self) -> None:
        """Begin no further run, and end those under way after their epoch; their results are lost."""
        ...


class Queue:
    """The runs that are to be trained, the longest first, so that all workers end at about the same time.

    Parameters
    ----------
    work_of : callable
        Estimates a run's work in any unit; the time of a unit is measured on the results.
    """

    def __init__(self, work_of: Callable[[SweepRun], float]) -> None:
        self._work_of = work_of
        self._heap: list[tuple[float, int, SweepRun]] = []
        self._order = itertools.count()
        self._work_left = self._work_done = self._seconds = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, runs: Iterable[SweepRun]) -> None:
        """Add runs; of equal ones the first to come are trained first."""
        for run in runs:
            work = self._work_of(run)
            heapq.heappush(self._heap, (-work, next(self._order), run))
            self._work_left += work

    def measure(self, run: SweepRun, seconds: float) -> None:
        """Learn from a run that is done how long the work takes."""
        self._work_done += self._work_of(run)
        self._seconds += seconds

    def next_task(self, slots: int, task_seconds: float) -> list[SweepRun]:
        """Take the runs of the next task: about ``task_seconds`` of them, and towards the end less and less.

        No task is larger than the ``SHARE``-th part of what each worker still has to do (guided self-scheduling, Polychronopoulos
        and Kuck 1987), so that the last ones are single runs, and all workers end at about the same time.
        """
        rate = self._seconds / self._work_done if self._work_done else 0.0
        most_seconds = min(task_seconds, rate * self._work_left / (SHARE * slots))
        work, run = self._pop()
        runs, seconds = [run], rate * work
        while rate and self._heap and len(runs) < MOST_IN_TASK and seconds - rate * self._heap[0][0] <= most_seconds:
            work, run = self._pop()
            runs.append(run)
            seconds += rate * work
        return runs

    def _pop(self) -> tuple[float, SweepRun]:
        """Take the longest run, and give its work."""
        work, _, run = heapq.heappop(self._heap)
        self._work_left += work  # the heap has it with its sign changed
        return -work, run
