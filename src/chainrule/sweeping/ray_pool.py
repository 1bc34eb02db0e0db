"""The pool on Ray: tasks of about a second, each of many runs, over one copy of the data in every machine's object store.

The data is put once. Its arrays are NumPy's, which a worker maps read-only without a copy; a worker makes its ``Examples``, and the
engine its prepared form, for its first run, and keeps both. A task that a worker's death has ended is repeated by Ray. Where that
does not help, its runs are submitted one by one, so that the one that ends its worker can be named.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from .. import __version__
from ..errors import ChainruleError, EngineError
from ..ray_cluster import RayCluster
from ..remote_error import RemoteError
from .pool import TASK_SECONDS
from .search import SweepRun
from .sweep_run import RunResult, SweepTask, name_of, train_run

MOST_RETRIES = 3
"""How often Ray repeats a task whose worker died."""

_TASK_OF_THIS_WORKER: dict[str, SweepTask] = {}
"""In a worker: the data and settings of the sweep that it works for, by the name of the sweep's object."""


class RayPool:
    """A ``Pool`` of Ray's workers, each with one core.

    Parameters
    ----------
    task : SweepTask
    threads : int
        The workers of a cluster that is begun here.
    address : str, optional
        Of a cluster that is there, such as "10.0.0.1:6379" or "auto". Without it the connection that this process has is taken, or
        a cluster begins.

    Raises
    ------
    MissingExtra
        When Ray is not installed.
    EngineError
        When there is no cluster at the address.
    """

    task_seconds = TASK_SECONDS

    def __init__(self, task: SweepTask, threads: int, address: str | None = None) -> None:
        self._cluster = RayCluster(
            address, threads, sum(part.nbytes for part in (task.train, task.validation, task.test) if part is not None)
        )
        self._ray, self.slots = self._cluster.ray, self._cluster.cores
        try:
            self._data = self._ray.put(task)
            self._name = self._data.hex()
            self._remote = self._ray.remote(num_cpus=1, max_retries=MOST_RETRIES)(_train_runs)
        except BaseException:
            self._cluster.shut_down()
            raise
        self._tasks: dict[Any, Sequence[SweepRun]] = {}
        self._failure: RemoteError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.stop()
        finally:
            self._cluster.shut_down()

    @property
    def load(self) -> int:
        """The tasks whose results have not been taken, and a failure that has not been raised."""
        return len(self._tasks) + (self._failure is not None)

    def submit(self, runs: Sequence[SweepRun]) -> None:
        """Begin a task."""
        task = self._remote.remote([self._data], self._name, __version__, list(runs))
        self._tasks[task] = runs

    def wait(self, seconds: float) -> None:
        """Wait for a task's end."""
        if self._tasks and self._failure is None:
            self._ray.wait(list(self._tasks), num_returns=1, timeout=seconds, fetch_local=False)

    def take(self) -> list[RunResult]:
        """Take the results of the tasks that have ended."""
        ended = []
        if self._tasks:
            ended, _ = self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=0, fetch_local=False)
        results: list[RunResult] = []
        for task in ended:
            try:
                trained, failure = self._ray.get(task)
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from None  # a fault of the program, not of a setting
            except self._ray.exceptions.RayError as error:
                self._repeat_alone(task, error)
                continue
            del self._tasks[task]
            results += trained
            self._failure = self._failure or failure
        if self._failure is not None and not results:  # the finished runs first
            raise self._failure.error()
        return results

    def _repeat_alone(self, task: Any, error: Exception) -> None:
        """Submit the runs of a lost task one by one.

        Raises
        ------
        EngineError
            When it was of one run alone.
        """
        runs = self._tasks.pop(task)
        if len(runs) == 1:
            raise EngineError(
                f"the run with {name_of(runs[0])} was lost on Ray {1 + MOST_RETRIES} times: {_first_line(error)}"
            ) from None
        for run in runs:
            self.submit([run])

    def stop(self) -> None:
        """Cancel the tasks that have not ended."""
        if not self._tasks:
            return
        _, under_way = self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=0, fetch_local=False)
        for task in under_way:
            self._ray.cancel(task, force=True)
            del self._tasks[task]


def _train_runs(data: list[Any], name: str, version: str, runs: list[SweepRun]) -> tuple[list[RunResult], RemoteError | None]:
    """Train runs in a worker; give the results, and the error that ended it before the last run.

    ``data`` holds a reference, not the data: Ray would make the data anew for every task.
    """
    if version != __version__:
        different = EngineError(f"the cluster has chainrule {__version__}, and this is {version}; install one version on both")
        return [], RemoteError.of(different)
    if name not in _TASK_OF_THIS_WORKER:
        import ray

        _TASK_OF_THIS_WORKER.clear()  # of a sweep before
        _TASK_OF_THIS_WORKER[name] = ray.get(data[0])
    task = _TASK_OF_THIS_WORKER[name]
    results: list[RunResult] = []
    for run in runs:
        try:
            result = train_run(task, run)
        except ChainruleError as error:
            return results, RemoteError.of(error)
        if result is not None:
            results.append(result)
    return results, None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
