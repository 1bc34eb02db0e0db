"""The reference for all peers' costs: the mean cost over the whole training set, in NumPy and float64, independent of any peer."""

from __future__ import annotations

import numpy as np

from benchmarks.job import Arrays, Job

TOLERANCE = 1e-3
"""The largest relative difference of a peer's cost after one epoch from the median of all."""

ROWS = 5_000


def outputs(job: Job, weights: Arrays, biases: Arrays, first: int) -> np.ndarray:
    """Compute the last layer's weighted inputs for some rows, in float64."""
    a = job.x[first : first + ROWS].astype(np.float64)
    if job.x.dtype == np.uint8:
        a = a / 255
    hidden = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        a = hidden[job.settings.hidden](a @ w.T.astype(np.float64) + b)
    return a @ weights[-1].T.astype(np.float64) + biases[-1]


def mean_cost(job: Job, weights: Arrays, biases: Arrays) -> float:
    """Compute the mean cost of these parameters over all of the job's examples."""
    total, n = 0.0, job.x.shape[0]
    for first in range(0, n, ROWS):
        z = outputs(job, weights, biases, first)
        y = job.y[first : first + ROWS]
        if job.settings.cost == "log_loss":
            z -= z.max(axis=1, keepdims=True)
            total += float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).sum())
        else:
            a = 1 / (1 + np.exp(-z)) if job.settings.output == "sigmoid" else z
            target = y if y.ndim == 2 else np.eye(z.shape[1])[y]
            total += float(((a - target) ** 2).sum()) / 2
    return total / n
