"""The reference engine beside a plain batched NumPy loop written by hand: the same network, order, dtype and arithmetic.

Usage: ``python -m benchmarks.reference [ROUNDS]``. It first holds the two to the same weights, then times an epoch of each in turn.
"""

from __future__ import annotations

from statistics import median

import numpy as np

import chainrule as cr
from benchmarks.command import arguments
from benchmarks.turns import ratios, take_turns
from chainrule.epoch_blocks import epoch_order


def by_hand(weights, biases, x, y, order, batch_size, eta):
    """One epoch as one would write it for this network alone: float32, sigmoid throughout, quadratic cost."""
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
    """Print one line: both medians, and the ratio."""
    train = cr.datasets.mnist().train
    n, eta = len(train), 3.0
    x = train.x.astype(np.float32) / np.float32(255)
    y = np.eye(10, dtype=np.float32)[train.y]
    settings = {"epochs": 1, "batch_size": batch_size, "learning_rate": eta, "engine": "reference"}

    hand = cr.Network([784, hidden, 10], seed=0)
    ours = cr.Network([784, hidden, 10], seed=0)
    some = 100 * batch_size  # rounding grows with every step: a hundred of them show that it is the same network
    by_hand(hand.weights, hand.biases, x, y, epoch_order(some, seed=0, epoch=1), batch_size, eta)
    cr.train(ours, train[:some], **settings)
    for a, b in zip(ours.weights + ours.biases, hand.weights + hand.biases, strict=True):
        assert np.allclose(a, b, atol=1e-4 * np.abs(b).max()), "the two do not compute the same network"

    order = epoch_order(n, seed=0, epoch=1)
    seconds = take_turns(
        {
            "reference": lambda: cr.train(ours, train, **settings),
            "by hand": lambda: by_hand(hand.weights, hand.biases, x, y, order, batch_size, eta),
        },
        rounds,
    )
    mine, theirs = seconds["reference"], seconds["by hand"]
    print(
        f"784-{hidden}-10, batch {batch_size:3}: reference {median(mine) * 1e3:6.0f} ms, "
        f"by hand {median(theirs) * 1e3:6.0f} ms an epoch; {ratios(mine, theirs):.2f}x its speed"
    )


if __name__ == "__main__":
    chosen = arguments("reference", "Time the reference engine beside a NumPy loop written by hand.", turns=9)
    for hidden, batch_size in ((30, 10), (100, 10), (30, 100)):
        compare(hidden, batch_size, chosen.turns)
