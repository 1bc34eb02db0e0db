"""The number of threads that an engine may use: as many as are requested, or its share of the cores."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, Literal, TypeAlias
from weakref import WeakValueDictionary

Threads: TypeAlias = int | Literal["auto"]


class TrainingThread:
    """Counts the Python thread that creates it as training, for as long as the object exists.

    A session and a gradient function each keep one, so that an interrupt in any line leaves no thread counted: the count ends with
    the object.
    """

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        _TRAINING_THREADS[id(self)] = self


_TRAINING_THREADS: WeakValueDictionary[int, TrainingThread] = WeakValueDictionary()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_TRAINING_THREADS.clear)  # the parent's other threads do not exist in the child


def training_threads() -> set[int]:
    """Give the Python threads that are training."""
    objects = [reference() for reference in _TRAINING_THREADS.valuerefs()]
    return {training.thread for training in objects if training is not None} & set(sys._current_frames())


def thread_count(threads: Threads) -> int:
    """Give the number of threads to use: as requested, or with ``"auto"`` an equal share of the cores that this process may use.

    The share is among this Python thread and those that are training. It is limited by ``OMP_NUM_THREADS``, and by the threads that
    BLAS is allowed, as by ``threadpoolctl.threadpool_limits``.
    """
    if threads != "auto":
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    variable = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    limit = int(variable) if variable.isdecimal() and int(variable) > 0 else cores
    sharing = len(training_threads() | {threading.get_ident()})
    return min(max(1, cores // sharing), limit, *blas_limits())


def blas_limits() -> list[int]:
    """Give the number of threads that the user allows each BLAS that can use several; empty without threadpoolctl.

    The limits that trainings set for themselves are left out.
    """
    if "threadpoolctl" not in sys.modules:
        return []
    return [
        number for library, number in _LIMIT.users_numbers() if number and getattr(library, "threading_layer", None) != "disabled"
    ]


def blas_libraries() -> list[Any]:
    """Give threadpoolctl's controllers of the loaded BLAS libraries: NumPy's, and SciPy's own once that is loaded."""
    return _controllers("scipy.linalg" in sys.modules)


@cache  # since it takes milliseconds
def _controllers(with_scipy: bool) -> list[Any]:
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def blas_threads(threads: Threads) -> AbstractContextManager[None]:
    """Limit BLAS to some threads within a ``with`` block; ``"auto"`` leaves it as the user has set it."""
    return nullcontext() if threads == "auto" else _LIMIT.limited_to(threads)


class _BlasLimit:
    """The number of BLAS threads, which is one number for the whole process.

    Sessions that overlap get the smallest number that one of them requests. The first stores the user's numbers, and the last
    restores them.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: list[int] = []
        self.stored: list[tuple[Any, int]] = []

    @contextmanager
    def limited_to(self, threads: int) -> Iterator[None]:
        """Limit BLAS to this many threads, or to fewer where an overlapping session requests fewer."""
        with self.lock:
            self.stored = self.users_numbers()
            self.requests.append(threads)
        try:
            with self.lock:
                self._apply()
            yield
        finally:
            with self.lock:
                self.requests.remove(threads)
                self._apply()

    def users_numbers(self) -> list[tuple[Any, int]]:
        """Give each library, and the number of threads that the user allows it.

        It takes no lock, since an interrupt must not leave one locked: a caller that runs while the last limit ends may see a
        smaller number.
        """
        return self.stored if self.requests else [(library, library.num_threads) for library in blas_libraries()]

    def reset_after_fork(self) -> None:
        """Restore the user's numbers in a forked process, where the requesting threads do not exist; the lock is held."""
        if self.requests:
            self.requests.clear()
            self._apply()
        self.lock.release()

    def _apply(self) -> None:
        for library, number in self.stored:
            # From 3.8 on, threadpoolctl obeys one Python thread only, the first to set a number; here any that holds the lock may.
            release = getattr(library, "clear_controlling_thread", lambda **_: None)
            release(force=True)
            library.set_num_threads(min(self.requests, default=number))
            release(force=True)


_LIMIT = _BlasLimit()
if hasattr(os, "register_at_fork"):  # no fork while another Python thread changes the limit
    os.register_at_fork(before=_LIMIT.lock.acquire, after_in_parent=_LIMIT.lock.release, after_in_child=_LIMIT.reset_after_fork)
