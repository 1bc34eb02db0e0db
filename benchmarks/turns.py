"""Measure rivals turn and turn about, so that a machine that drifts drifts for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from statistics import median


def take_turns(
    rivals: Mapping[str, Callable[[], object]],
    rounds: int,
    within: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> dict[str, list[float]]:
    """Call each rival once a round, after a round that does not count; give each one's seconds.

    ``within`` makes, from a rival's name, what surrounds its call and is not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(rounds + 1):
        for name, rival in rivals.items():
            with within(name):
                began = time.perf_counter()
                rival()
                took = time.perf_counter() - began
            if turn:
                seconds[name].append(took)
    return seconds


def ratios(ours: list[float], theirs: list[float]) -> float:
    """Give the median, over the rounds, of how many times as fast we were."""
    return median(b / a for a, b in zip(ours, theirs, strict=True))
