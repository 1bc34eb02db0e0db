"""Tries steps of plain gradient descent (N12) on copies of a network: how far one goes, and which rate lowers the cost most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._types import Array
from ..calculus.backprop import nabla_b, nabla_w
from ..calculus.feedforward import weighted_input
from ..explaining.batch_pass import BatchPass
from .layer_measures import root_mean_square
from .measurements import StepMeasurements

RATES = tuple(10.0 ** (k / 2) for k in range(-8, 7))
"""The rates that are tried, from 1e-4 to 1e3."""

MINI_BATCHES = 3
"""The mini-batches whose first step is tried."""

MOST_PARAMETERS = 5_000_000
"""Of a larger network no steps are tried: each copies its weights."""


def measure_steps(batch: BatchPass, start: BatchPass | None, rate: float | None, batch_size: int) -> StepMeasurements | None:
    """Try steps from the present weights, and where it is known from the start; None where the network is too large."""
    if sum(w.size for w in batch.weights) > MOST_PARAMETERS:
        return None
    first_change = None if start is None or rate is None else change_of_first_step(start, rate, batch_size)
    return StepMeasurements(first_change, best_rate(batch))


def best_rate(batch: BatchPass) -> float:
    """Give the rate of ``RATES`` whose step on the whole batch has the lowest cost; 0 where none lowers it."""
    with np.errstate(all="ignore"):
        step = StepAlong(batch, batch)
        costs = [batch.mean_cost(batch.sigmas[-1].value(step.outputs_z(rate))) for rate in (0.0, *RATES)]
    return (0.0, *RATES)[int(np.argmin(np.nan_to_num(costs, nan=np.inf)))]


def change_of_first_step(start: BatchPass, rate: float, batch_size: int) -> float:
    """Give the root mean square change of the outputs' z by a step on one mini-batch: the median of some mini-batches."""
    size = min(batch_size, start.m)
    firsts = range(0, min(MINI_BATCHES * size, start.m - size + 1), size)
    with np.errstate(all="ignore"):
        changes = [_output_change(start, slice(first, first + size), rate) for first in firsts]
    return float(np.median(np.nan_to_num(changes, nan=np.inf)))


def _output_change(start: BatchPass, rows: slice, rate: float) -> float:
    step = StepAlong(start, replace(start, x=start.x[rows], y=start.y[rows]))
    return root_mean_square(step.outputs_z(rate) - start.trace.zs[-1])


class StepAlong:
    """A step along the mean gradient of a mini-batch (BP3, BP4), seen by all rows of a batch.

    Parameters
    ----------
    batch : BatchPass
        The rows whose outputs are wanted.
    mini_batch : BatchPass
        The rows whose gradient is descended.
    """

    def __init__(self, batch: BatchPass, mini_batch: BatchPass) -> None:
        self.batch = batch
        layers = zip(mini_batch.deltas, mini_batch.inputs, strict=True)
        self.gradient = [(nabla_w(delta, a) / mini_batch.m, nabla_b(delta) / mini_batch.m) for delta, a in layers]
        dw, db = self.gradient[0]
        self.first_change = weighted_input(dw, db, batch.x)  # the first layer's z is linear in the rate

    def outputs_z(self, rate: float) -> Array:
        """Give the outputs' weighted inputs after ``w - rate dC/dw`` and ``b - rate dC/db`` (N12)."""
        batch = self.batch
        z: Array = batch.trace.zs[0] - rate * self.first_change
        for k, (dw, db) in enumerate(self.gradient[1:], start=1):
            a = batch.sigmas[k - 1].value(z)
            z = weighted_input(batch.weights[k] - rate * dw, batch.biases[k] - rate * db, a)
        return z
