"""One training in a process of its own, as the campaigns start, kill and resume it; it prints a digest of its result.

``python -m benchmarks.faults.training_process CASE FOLDER SEED THREADS``: without a folder ('') it trains to its end without
checkpoints; with one it begins there, or goes on from its checkpoint.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import numpy as np

import chainrule as cr

CASES: dict[str, dict[str, Any]] = {
    "fused sgd": {"l2": 1e-4, "learning_rate": 0.5},
    "fused momentum": {"optimizer": "momentum", "learning_rate": 0.05, "clip": 1.0},
    "fused nesterov": {"optimizer": "nesterov", "learning_rate": 0.05, "l1": 1e-5},
    "fused adam": {"optimizer": "adam", "learning_rate": 0.002, "dropout": 0.3},
    "fused adamw": {"optimizer": "adamw", "learning_rate": 0.002, "l2": 1e-3, "schedule": "cosine"},
    "fused rmsprop": {"optimizer": "rmsprop", "learning_rate": 0.002, "label_smoothing": 0.1},
    "fused stopping": {"optimizer": "adam", "learning_rate": 0.01, "early_stopping": 4},
    "reference sgd": {"l2": 1e-4, "learning_rate": 0.5, "epochs": 8},
    "reference adam": {"optimizer": "adam", "learning_rate": 0.002, "dropout": 0.3, "epochs": 8, "early_stopping": 4},
}
"""The settings of each training; its name begins with its engine's."""

ROWS = 3_007
"""A number of rows that leaves a short last mini-batch."""


def train(case: str, folder: str, seed: int, threads: int) -> str:
    """Train, with checkpoints as often as they can be written, and give a digest of parameters, costs and best epoch."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (ROWS, 64)).astype(np.uint8)
    y = (x[:, :32].sum(axis=1) > x[:, 32:].sum(axis=1)).astype(int) + 2 * (x[:, 0] > 127)
    network = cr.Network([64, 24, 4], cost="log_loss", seed=seed)
    checkpoints = {"checkpoint": folder, "checkpoint_every": "0.001 s", "resume": True} if folder else {}
    settings = {"epochs": 40, "batch_size": 16, **CASES[case]}
    history = cr.train(
        network,
        (x[:2_500], y[:2_500]),
        validation=(x[2_500:], y[2_500:]),
        engine=case.split()[0],
        threads=threads,
        **settings,
        **checkpoints,
    )
    digest = hashlib.sha256(b"".join(part.tobytes() for part in [*network.weights, *network.biases]))
    for column in ("cost", "accuracy", "validation_cost", "validation_accuracy"):
        digest.update(history[column].tobytes())
    digest.update(f"{history.stopped} {history.best_epoch}".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    case, folder, seed, threads = sys.argv[1:]
    print("begun", flush=True)
    print(train(case, folder, int(seed), int(threads)), flush=True)
