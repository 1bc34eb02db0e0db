"""Interleaved timing: candidates are called in turn, so that a drift of the machine's speed affects all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from statistics import median


def time_interleaved(
    candidates: Mapping[str, Callable[[], object]],
    rounds: int,
    context: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> dict[str, list[float]]:
    """Call each candidate once per round, after a warm-up round; return the seconds of each call, by candidate.

    ``context(name)`` returns a context manager that surrounds the candidate's call and is not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for k in range(rounds + 1):
        for name, call in candidates.items():
            with context(name):
                start = time.perf_counter()
                call()
                elapsed = time.perf_counter() - start
            if k:
                seconds[name].append(elapsed)
    return seconds


def median_ratio(seconds: list[float], others: list[float]) -> float:
    """Compute the median speedup over the rounds: the other's seconds divided by those of the first."""
    return median(other / own for own, other in zip(seconds, others, strict=True))
