"""Turns for threads that share the processor's cores: so many at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class FairTurns:
    """A semaphore that threads enter in the order of their arrival, used as ``with turns: ...``.

    ``threading.Semaphore`` lets a thread that has just left enter again before those that wait.

    Parameters
    ----------
    most : int
        The most threads that are inside at once.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()  # the place goes to the one that has waited longest
            else:
                self._free += 1
