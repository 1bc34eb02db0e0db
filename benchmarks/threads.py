"""Whether ``threads="auto"`` is ever slower than one thread: ``python -m benchmarks.threads [--busy] [ROUNDS]``.

A grid of shapes, dense and sparse, SGD and Adam, is trained in turn with one thread and with the number that the engine chooses, in
one process. With ``--busy`` another process uses one of the cores all the time. Each line gives both medians and the median of the
ratios of each round; ``slower`` marks a ratio above 1.05.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from statistics import median

import numpy as np

import chainrule as cr
from benchmarks.command_line import arguments

SHAPES = [
    [16, 32, 1],
    [28, 300, 300, 300, 1],
    [64, 128, 128, 5],
    [784, 30, 10],
    [784, 128, 64, 10],
    [784, 512, 512, 10],
    [2000, 10],
]
SECONDS = 0.6  # the length of a training, long enough for the engine to choose the number of threads


def compute() -> None:
    """Keep a core busy until the process is killed."""
    x = 1.0
    while True:
        x = x * 1.0000001 + 1e-9


@contextmanager
def busy_process(enabled: bool) -> Iterator[None]:
    """Run another process that keeps a core busy during this context."""
    if not enabled:
        yield
        return
    process = multiprocessing.get_context("spawn").Process(target=compute, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def examples_for(sizes: list[int], sparse: bool, n: int) -> cr.Examples:
    """Draw inputs and targets; of sparse inputs a fifth is not 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, sizes[0])).astype(np.float32)
    if sparse:
        x *= rng.random(x.shape) < 0.2
    y = rng.normal(size=(n, 1)) if sizes[-1] == 1 else rng.integers(0, sizes[-1], n)
    return cr.Examples(x, y)


def compare(sizes: list[int], batch_size: int, sparse: bool, optimizer: str, rounds: int) -> float:
    """Print one line; return the median ratio of the time with ``auto`` to that with one thread."""
    cost = "mean_squared_error" if sizes[-1] == 1 else "log_loss"
    settings = {"epochs": 1, "batch_size": batch_size, "learning_rate": 1e-4, "optimizer": optimizer, "engine": "fused"}
    examples = examples_for(sizes, sparse, 2000)

    def seconds(threads: int | str, examples: cr.Examples) -> float:
        net = cr.Network(sizes, activation="relu", cost=cost, seed=0)
        return sum(record.seconds for record in cr.Run(net, examples, threads=threads, **settings))

    settings["epochs"] = max(1, round(SECONDS / seconds(1, examples)))
    pairs = [(seconds(1, examples), seconds("auto", examples)) for _ in range(rounds)]
    ratio = median(auto / one for one, auto in pairs)
    one, auto = (median(times) * 1e3 for times in zip(*pairs, strict=True))
    title = f"{'-'.join(map(str, sizes))}, batch {batch_size}, {'sparse' if sparse else 'dense'}, {optimizer}"
    print(f"{title:50} one {one:7.1f} ms, auto {auto:7.1f} ms: {ratio:.2f}{'  slower' * (ratio > 1.05)}", flush=True)
    return ratio


def main(rounds: int, busy: bool) -> None:
    """Print the grid, and the median and the largest ratio."""
    with busy_process(busy):
        grid = product(SHAPES, (1, 10, 128), (False, True), ("sgd", "adam"))
        ratios = [
            compare(sizes, size, sparse, optimizer, rounds) for sizes, size, sparse, optimizer in grid if size > 1 or sizes[0] < 100
        ]
    print(f"{len(ratios)} shapes: auto takes {median(ratios):.2f} of one thread's time at the median, {max(ratios):.2f} at most")


if __name__ == "__main__":
    chosen = arguments(
        "threads",
        'Compare threads="auto" with one thread.',
        count=5,
        busy="run another process that uses one of the cores all the time",
    )
    main(chosen.count, chosen.busy)
