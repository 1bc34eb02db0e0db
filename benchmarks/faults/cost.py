"""The cost of checkpoints at the default interval: training time with them, relative to that without."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr

CELLS: dict[str, tuple[list[int], int, dict[str, Any]]] = {
    "784-30-10, sgd": ([784, 30, 10], 10, {"learning_rate": 3.0}),
    "784-512-10, adam": ([784, 512, 10], 64, {"learning_rate": 0.001, "optimizer": "adam"}),
    "16-32-1, sgd": ([16, 32, 1], 32, {"learning_rate": 0.1}),
}
"""The sizes, batch size and settings of each network."""


def run(seconds: float, rounds: int) -> bool:
    """Train each cell for about so many seconds, in turns with and without checkpoints, and print the ratios of the times."""
    held = True
    for name, (sizes, batch_size, settings) in CELLS.items():
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (20_000, sizes[0])).astype(np.uint8)
        y = rng.integers(0, sizes[-1], 20_000) if sizes[-1] > 1 else rng.uniform(size=20_000)
        examples = cr.Examples(x, y)
        train = {"batch_size": batch_size, **settings}
        per_epoch = _seconds(sizes, examples, {**train, "epochs": 3}) / 3
        train["epochs"] = max(1, round(seconds / per_epoch))
        ratios = []
        for round_ in range(rounds):
            # Which goes first alternates: a machine that slows down or speeds up in the meantime favours neither.
            seconds = {}
            for kept in (False, True) if round_ % 2 == 0 else (True, False):
                with tempfile.TemporaryDirectory() as folder:
                    checkpoint = {"checkpoint": Path(folder) / "run"} if kept else {}
                    seconds[kept] = _seconds(sizes, examples, {**train, **checkpoint})
            ratios.append(seconds[True] / seconds[False])
        median = statistics.median(ratios)
        held &= median < 1.02
        print(
            f"{name}: {train['epochs']} epochs in {seconds[False]:.1f} s; with checkpoints every 10 s {median:.4f} of the time "
            f"({', '.join(f'{ratio:.4f}' for ratio in ratios)})",
            flush=True,
        )
    return held


def _seconds(sizes: list[int], examples: cr.Examples, settings: dict[str, Any]) -> float:
    network = cr.Network(sizes, seed=0)
    began = time.perf_counter()
    cr.train(network, examples, **settings)
    return time.perf_counter() - began
