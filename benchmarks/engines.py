"""The fused engine compared with the reference, on an epoch of MNIST's 50,000 images: ``python -m benchmarks.engines [ROUNDS]``."""

from __future__ import annotations

from functools import partial
from statistics import median

import chainrule as cr
from benchmarks.command_line import arguments
from benchmarks.interleaved import median_ratio, time_interleaved

CELLS = {
    "784-30-10, batch 10, sigmoid, SGD": ([784, 30, 10], {}, {"batch_size": 10, "learning_rate": 3.0}),
    "784-128-64-10, batch 32, ReLU, Adam": (
        [784, 128, 64, 10],
        {"activation": "relu", "cost": "log_loss"},
        {"batch_size": 32, "learning_rate": 1e-3, "optimizer": "adam"},
    ),
    "784-512-512-10, batch 128, ReLU, Adam": (
        [784, 512, 512, 10],
        {"activation": "relu", "cost": "log_loss"},
        {"batch_size": 128, "learning_rate": 1e-3, "optimizer": "adam"},
    ),
}


def main(rounds: int) -> None:
    """Print one line per cell: both medians, and the ratio."""
    examples = cr.datasets.mnist().train
    for cell, (sizes, network, training) in CELLS.items():
        nets = {engine: cr.Network(sizes, seed=0, **network) for engine in ("fused", "reference")}
        settings = {"epochs": 1, **training}
        trainings = {engine: partial(cr.train, net, examples, engine=engine, **settings) for engine, net in nets.items()}
        seconds = time_interleaved(trainings, rounds)
        fused, reference = seconds["fused"], seconds["reference"]
        print(
            f"{cell:38} fused {median(fused) * 1e3:5.0f} ms, reference {median(reference) * 1e3:5.0f} ms per epoch; "
            f"{median_ratio(fused, reference):.1f}x",
            flush=True,
        )


if __name__ == "__main__":
    main(arguments("engines", "Compare the fused engine with the reference, on MNIST.", count=5).count)
