"""Read what comes next in a thread while the caller works on what it has."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

THREAD_NAME = "chainrule-rows"


def read_ahead(items: Iterator[T]) -> Generator[T]:
    """Give the items, of which a thread makes the next one, and no more, while the caller has one.

    An error in the thread is raised in the caller, at the item that it concerns. Closing this waits for the item in work. It is no
    pool of threads: Python accepts no more work for one once the main thread has ended, and a training may outlive that.
    """
    wanted: SimpleQueue[bool] = SimpleQueue()
    made: SimpleQueue[T | BaseException | None] = SimpleQueue()

    def make() -> None:
        while wanted.get():
            try:
                made.put(next(items, None))
            except BaseException as error:  # it is raised in the thread that waits
                made.put(error)

    thread = threading.Thread(target=make, name=THREAD_NAME)
    try:
        thread.start()
        wanted.put(True)
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            wanted.put(True)
            yield item
    finally:
        wanted.put(False)
        if thread.is_alive():
            thread.join()
