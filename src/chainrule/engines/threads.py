"""How many threads an engine may use."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias

Threads: TypeAlias = int | Literal["auto"]


def thread_count(threads: Threads) -> int:
    """Give how many threads may work: as asked, or one for each core that this process may use, as ``OMP_NUM_THREADS`` allows."""
    if threads != "auto":
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(cores, int(asked)) if asked.isdecimal() and int(asked) > 0 else cores
