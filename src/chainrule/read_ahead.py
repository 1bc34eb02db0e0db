"""Read what comes next in a thread while the caller works on what it has."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterator[T]) -> Generator[T]:
    """Give the items, of which a thread makes the next one, and no more, while the caller has one.

    An error in the thread is raised in the caller, at the item that it concerns. Closing this waits for the item in work.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="chainrule-rows")
    try:
        future = executor.submit(next, items, None)
        while (item := future.result()) is not None:
            future = executor.submit(next, items, None)
            yield item
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
