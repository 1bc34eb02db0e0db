"""The density up to which the sparse first layer is faster: ``python -m benchmarks.density [ROUNDS]``.

Networks are trained on inputs with a growing share of non-zeros, with the sparse records and with the dense array in turn. The
share at which both take the same time determines ``engines.fused.DENSITY``.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.command_line import arguments
from benchmarks.interleaved import time_interleaved
from chainrule.engines import fused

SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
ROUNDS = 3
N = 4000
CELLS: dict[str, tuple[list[int], dict[str, Any]]] = {
    "784-30-10, batch 10, SGD": ([784, 30, 10], {"batch_size": 10, "learning_rate": 0.1}),
    "784-128-10, batch 32, Adam": ([784, 128, 10], {"batch_size": 32, "learning_rate": 1e-3, "optimizer": "adam"}),
    "784-512-10, batch 128, Adam": ([784, 512, 10], {"batch_size": 128, "learning_rate": 1e-3, "optimizer": "adam"}),
    "64-100-10, batch 200, Adam": ([64, 100, 10], {"batch_size": 200, "learning_rate": 1e-3, "optimizer": "adam"}),
}


def milliseconds(sizes: list[int], settings: dict[str, Any], share: float, rounds: int, threads: int) -> tuple[float, float]:
    """Time an epoch with sparse records and with dense inputs, in milliseconds."""
    rng = np.random.default_rng(0)
    x = rng.random((N, sizes[0]), dtype=np.float32) * (rng.random((N, sizes[0])) < share)
    y = rng.integers(sizes[-1], size=N)
    runs = {}
    for name, limit in (("records", 1.1), ("dense", -1.0)):
        fused.DENSITY, original = limit, fused.DENSITY
        examples = cr.Examples(x.astype(np.float32), y)
        net = cr.Network(sizes, activation="relu", cost="log_loss", seed=0)
        runs[name] = iter(cr.Run(net, examples, epochs=rounds + 2, threads=threads, engine="fused", **settings))
        next(runs[name])
        fused.DENSITY = original
    seconds = time_interleaved({name: partial(next, run) for name, run in runs.items()}, rounds)
    return 1e3 * median(seconds["records"]), 1e3 * median(seconds["dense"])


def main(rounds: int) -> None:
    """Print, for each network and number of threads, the ratio of the two times at each density, and where it crosses 1."""
    for name, (sizes, settings) in CELLS.items():
        for threads in (1, 2):
            ratios = []
            for share in SHARES:
                records, dense = milliseconds(sizes, settings, share, rounds, threads)
                ratios.append(records / dense)
            log = np.log(ratios)
            crossing = float(np.interp(0.0, log, SHARES)) if log[0] < 0 < log[-1] else SHARES[0] if log[0] >= 0 else SHARES[-1]
            line = "  ".join(f"{share:.0%} {ratio:.2f}" for share, ratio in zip(SHARES, ratios, strict=True))
            print(f"{name:28} {threads} threads: sparse / dense  {line}  equal near {crossing:.0%}", flush=True)


if __name__ == "__main__":
    main(arguments("density", "Find the density up to which the sparse first layer is faster.", count=ROUNDS).count)
