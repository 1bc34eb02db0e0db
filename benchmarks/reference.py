"""The reference engine compared with a hand-written batched NumPy loop: the same network, order, dtype and arithmetic.

Usage: ``python -m benchmarks.reference [ROUNDS]``. It first checks that both give the same weights, then times an epoch of each
in turn.
"""

from __future__ import annotations

from statistics import median

import numpy as np

import chainrule as cr
from benchmarks.command_line import arguments
from benchmarks.interleaved import median_ratio, time_interleaved
from chainrule.epoch_blocks import epoch_order


def hand_written(weights, biases, x, y, order, batch_size, eta):
    """Train one epoch as one would write it for this network only: float32, sigmoid in both layers, quadratic cost."""
    w1, w2 = weights
    b1, b2 = biases
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        a0, target = x[rows], y[rows]
        a1 = 1 / (1 + np.exp(-(a0 @ w1.T + b1)))
        a2 = 1 / (1 + np.exp(-(a1 @ w2.T + b2)))
        d2 = (a2 - target) * a2 * (1 - a2)
        d1 = (d2 @ w2) * a1 * (1 - a1)
        rate = np.float32(eta / len(rows))
        w2 -= rate * (d2.T @ a1)
        b2 -= rate * d2.sum(axis=0)
        w1 -= rate * (d1.T @ a0)
        b1 -= rate * d1.sum(axis=0)


def compare(hidden: int, batch_size: int, rounds: int) -> None:
    """Check that both compute the same network, and print one line: both medians, and the ratio."""
    train = cr.datasets.mnist().train
    n, eta = len(train), 3.0
    x = train.x.astype(np.float32) / np.float32(255)
    y = np.eye(10, dtype=np.float32)[train.y]
    settings = {"epochs": 1, "batch_size": batch_size, "learning_rate": eta, "engine": "reference"}

    by_hand = cr.Network([784, hidden, 10], seed=0)
    by_engine = cr.Network([784, hidden, 10], seed=0)
    some = 100 * batch_size  # 100 steps are enough to compare; rounding grows with every step
    hand_written(by_hand.weights, by_hand.biases, x, y, epoch_order(some, seed=0, epoch=1), batch_size, eta)
    cr.train(by_engine, train[:some], **settings)
    for a, b in zip(by_engine.weights + by_engine.biases, by_hand.weights + by_hand.biases, strict=True):
        assert np.allclose(a, b, atol=1e-4 * np.abs(b).max()), "the two do not compute the same network"

    order = epoch_order(n, seed=0, epoch=1)
    seconds = time_interleaved(
        {
            "reference": lambda: cr.train(by_engine, train, **settings),
            "hand-written": lambda: hand_written(by_hand.weights, by_hand.biases, x, y, order, batch_size, eta),
        },
        rounds,
    )
    reference, loop = seconds["reference"], seconds["hand-written"]
    print(
        f"784-{hidden}-10, batch {batch_size:3}: reference {median(reference) * 1e3:6.0f} ms, "
        f"hand-written {median(loop) * 1e3:6.0f} ms per epoch; {median_ratio(reference, loop):.2f}x its speed"
    )


if __name__ == "__main__":
    chosen = arguments("reference", "Compare the reference engine with a hand-written NumPy loop.", count=9)
    for hidden, batch_size in ((30, 10), (100, 10), (30, 100)):
        compare(hidden, batch_size, chosen.count)
