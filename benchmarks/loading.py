"""How long MNIST takes to load, digests checked: ``python -m benchmarks.loading``."""

from __future__ import annotations

import time
from statistics import median

import chainrule as cr


def seconds() -> float:
    """Load it once."""
    began = time.perf_counter()
    cr.datasets.mnist()
    return time.perf_counter() - began


if __name__ == "__main__":
    seconds()
    print(f"datasets.mnist(): {median(seconds() for _ in range(9)):.2f} s, the median of nine")
