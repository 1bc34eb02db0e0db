"""Measure rivals turn and turn about, so that a machine that drifts drifts for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median


def take_turns(rivals: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Call each rival once a round, after a round that does not count; give each one's seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(rounds + 1):
        for name, rival in rivals.items():
            began = time.perf_counter()
            rival()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def ratios(ours: list[float], theirs: list[float]) -> float:
    """Give the median, over the rounds, of how many times as fast we were."""
    return median(b / a for a, b in zip(ours, theirs, strict=True))
