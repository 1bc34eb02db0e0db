"""The time to load MNIST, with its digests checked: ``python -m benchmarks.loading``."""

from __future__ import annotations

import time
from statistics import median

import chainrule as cr


def seconds() -> float:
    """Time one call of ``mnist()``."""
    start = time.perf_counter()
    cr.datasets.mnist()
    return time.perf_counter() - start


if __name__ == "__main__":
    seconds()
    print(f"datasets.mnist(): {median(seconds() for _ in range(9)):.2f} s, the median of nine")
