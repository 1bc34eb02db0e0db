"""How many threads an engine may use."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any, Literal, TypeAlias

Threads: TypeAlias = int | Literal["auto"]


def thread_count(threads: Threads) -> int:
    """Give how many threads may work: as asked, or one for each core that this process may use, as far as limits allow.

    Limits are ``OMP_NUM_THREADS``, and the threads that BLAS is allowed, as by ``threadpoolctl.threadpool_limits``.
    """
    if threads != "auto":
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    most = int(asked) if asked.isdecimal() and int(asked) > 0 else cores
    return min(cores, most, *blas_limits())


def blas_limits() -> list[int]:
    """Give how many threads each BLAS may use, of those that can use several; without threadpoolctl there is no limit."""
    if "threadpoolctl" not in sys.modules:
        return []
    several = (library for library in blas_libraries() if getattr(library, "threading_layer", None) != "disabled")
    return [count for library in several if (count := library.num_threads)]


@cache
def blas_libraries() -> list[Any]:
    """Give threadpoolctl's controllers of the BLAS libraries there are; looked up once, since that takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
