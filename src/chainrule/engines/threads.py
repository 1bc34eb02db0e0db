"""How many threads an engine may use: as many as are asked for, or its share of the cores."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, Literal, TypeAlias
from weakref import ReferenceType, ref

Threads: TypeAlias = int | Literal["auto"]


class _Training:
    """Lives as long as the code that trains: where Ctrl-C comes in its very last line, too."""


_AT_WORK: dict[int, ReferenceType[_Training]] = {}  # what each Python thread trains, or trained last
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_AT_WORK.clear)  # whose threads are not there


@contextmanager
def at_work() -> Iterator[None]:
    """Count this Python thread as training while this lasts, so that trainings side by side share the cores."""
    me, training = threading.get_ident(), _Training()
    within = me in _those_at_work()  # another training, which goes on afterwards
    if not within:
        _AT_WORK[me] = ref(training)
    try:
        yield
    finally:
        if not within:
            _AT_WORK.pop(me, None)


def _those_at_work() -> set[int]:
    return {thread for thread, training in [*_AT_WORK.items()] if training() is not None}


def thread_count(threads: Threads) -> int:
    """Give how many threads may work: as asked, or an equal share of the cores that this process may use, as far as limits allow.

    Who shares are this Python thread and those that are ``at_work``. Limits are ``OMP_NUM_THREADS``, and the threads that BLAS is
    allowed, as by ``threadpoolctl.threadpool_limits``.
    """
    if threads != "auto":
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    most = int(asked) if asked.isdecimal() and int(asked) > 0 else cores
    sharing = len(_those_at_work() | {threading.get_ident()})
    return min(max(1, cores // sharing), most, *blas_limits())


def blas_limits() -> list[int]:
    """Give how many threads each BLAS may use, of those that can use several; without threadpoolctl there is no limit.

    What a training asks of BLAS for itself limits no other.
    """
    if "threadpoolctl" not in sys.modules:
        return []
    return [number for library, number in _LIMIT.outside() if number and getattr(library, "threading_layer", None) != "disabled"]


def blas_libraries() -> list[Any]:
    """Give threadpoolctl's controllers of the BLAS libraries there are: NumPy's, and SciPy's own once that is loaded."""
    return _libraries("scipy.linalg" in sys.modules)


@cache  # since it takes milliseconds
def _libraries(with_scipys: bool) -> list[Any]:
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def blas_threads(threads: Threads) -> AbstractContextManager[None]:
    """Hold BLAS to some threads while this lasts; ``"auto"`` leaves it as the user has set it."""
    return nullcontext() if threads == "auto" else _LIMIT.held_to(threads)


class _BlasLimit:
    """The number of BLAS threads belongs to the whole process: sessions that overlap get the least that one of them asked for.

    The first to come notes how it was, the last to go restores it.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: list[int] = []
        self.before: list[tuple[Any, int]] = []

    @contextmanager
    def held_to(self, threads: int) -> Iterator[None]:
        """Hold BLAS to as many threads, or to fewer where someone else asks for fewer."""
        with self.lock:
            self.before = self.outside()
            self.asked.append(threads)
        try:
            with self.lock:
                self._set()
            yield
        finally:
            with self.lock:
                self.asked.remove(threads)
                self._set()

    def outside(self) -> list[tuple[Any, int]]:
        """Give each library, and how many threads it has when nothing is asked for here.

        Without the lock, which an interrupt must not leave held: who looks while the last one goes sees too few at the worst.
        """
        return self.before if self.asked else [(library, library.num_threads) for library in blas_libraries()]

    def begin_anew(self) -> None:
        """Restore how it was in a forked process, where those who asked are not; the lock is held."""
        if self.asked:
            self.asked.clear()
            self._set()
        self.lock.release()

    def _set(self) -> None:
        for library, number in self.before:
            # From 3.8 on, threadpoolctl listens to one Python thread only, the first to ask; here it is whoever holds the lock.
            release = getattr(library, "clear_controlling_thread", lambda **_: None)
            release(force=True)
            library.set_num_threads(min(self.asked, default=number))
            release(force=True)


_LIMIT = _BlasLimit()
if hasattr(os, "register_at_fork"):  # no fork while another Python thread is about to change it
    os.register_at_fork(before=_LIMIT.lock.acquire, after_in_parent=_LIMIT.lock.release, after_in_child=_LIMIT.begin_anew)
