"""Measures the layers and the outputs of a batch: saturation, dead units, the size of delta, wrong outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._types import Array, Indices
from ..calculus.activations import ACTIVATIONS, Activation
from ..explaining.batch_pass import BatchPass
from .measurements import LayerMeasurements, OutputMeasurements

if TYPE_CHECKING:
    from ..network import Network
    from ..plan import State

SATURATED_SLOPE = 0.01
"""Below this sigma' a hidden unit counts as saturated: a sigmoid with |z| > 4.6, a tanh with |z| > 3."""

LEAST_SPREAD = 1e-100
"""An output that spreads by less is constant; squares of smaller numbers are 0."""

WRONG = 0.5
"""An output counts as wrong from this share of its range: beyond it a sigmoid's output is nearer to the other class."""


def measure_layers(batch: BatchPass) -> tuple[LayerMeasurements, ...]:
    """Measure every layer of a batch."""
    return tuple(_measure_layer(batch, k) for k in range(len(batch.weights)))


def _measure_layer(batch: BatchPass, k: int) -> LayerMeasurements:
    z, a, sigma = batch.trace.zs[k], batch.trace.activations[k], batch.sigmas[k]
    saturates = sigma in (ACTIVATIONS["sigmoid"], ACTIVATIONS["tanh"])
    return LayerMeasurements(
        number=k + 1,
        units=z.shape[1],
        activation=sigma.name,
        saturated=saturated_share(sigma.derivative(z, a)) if saturates else None,
        dead=dead_share(z) if sigma is ACTIVATIONS["relu"] else None,
        delta=root_mean_square(batch.deltas[k]),
    )


def saturated_share(slope: Array) -> float:
    """Give the share of pairs (row, unit) with ``sigma'(z)`` below ``SATURATED_SLOPE``."""
    return float(np.mean(slope < SATURATED_SLOPE))


def dead_share(z: Array) -> float:
    """Give the share of units with ``z <= 0`` in every row: by N5 none of their weights has a gradient."""
    return float(np.mean((z <= 0).all(axis=0)))


def root_mean_square(values: Array) -> float:
    """Give ``sqrt(mean(values^2))``, of values of any size without overflow."""
    largest = float(np.abs(values).max(initial=0))
    return 0.0 if largest == 0 else largest * float(np.sqrt(np.mean((values / largest) ** 2)))


def relative_movement(start: State, now: State) -> tuple[float, ...]:
    """Give, for each layer, the norm of the change of its weights and biases divided by their norm at the start."""
    pairs = zip(_layer_vectors(start), _layer_vectors(now), strict=True)
    return tuple(_movement(before, after) for before, after in pairs)


def _layer_vectors(state: State) -> list[Array]:
    """Give each layer's weights and biases as one vector."""
    return [np.concatenate([w.ravel(), b.ravel()]) for w, b in zip(state.weights, state.biases, strict=True)]


def _movement(start: Array, now: Array) -> float:
    change = root_mean_square(now.astype(np.float64) - start)
    return change / max(root_mean_square(start), float(np.finfo(start.dtype).tiny))


def measure_output(batch: BatchPass, classes: Indices | None, weights: Array | None = None) -> OutputMeasurements:
    """Measure the outputs against the targets, and against the best constant output; a row counts by its weight (m,), if given."""
    sigma = batch.sigmas[-1]
    constant = np.broadcast_to(np.average(batch.y, axis=0, weights=weights), batch.y.shape)
    wrong_rows, wrong_slope = (None, None) if batch.cost.cancels(sigma) else wrong_outputs(batch)
    accuracy, constant_accuracy = None, None
    if classes is not None:
        accuracy = float(np.average(_decided(batch.a) == classes, weights=weights))
        counts = np.bincount(classes, weights)
        constant_accuracy = float(counts.max() / counts.sum())
    return OutputMeasurements(
        cost=weighted_cost(batch, batch.a, weights),
        constant_cost=weighted_cost(batch, constant.astype(np.float64), weights),
        accuracy=accuracy,
        constant_accuracy=constant_accuracy,
        wrong_rows=wrong_rows,
        wrong_slope=wrong_slope,
    )


def weighted_cost(batch: BatchPass, a: Array, weights: Array | None) -> float:
    """Give the mean cost of outputs (m, n_out) with the weights (m,) of the rows, which are equal by default."""
    return float(np.average(batch.cost.value(a, batch.y), weights=weights))


def _decided(a: Array) -> Indices:
    """Give the class of each row: the largest output, or of one output whether it is above 1/2."""
    decided: Indices = a.argmax(axis=1) if a.shape[1] > 1 else (a[:, 0] > 0.5).astype(np.intp)
    return decided


def _varies(values: Array) -> npt.NDArray[np.bool_]:
    """Tell which columns vary by more than the rounding of their mean."""
    varies: npt.NDArray[np.bool_] = values.std(axis=0) > 1e-12 * np.abs(values).max(axis=0) + LEAST_SPREAD
    return varies


def output_deviations(a: Array, y: Array, parameters: int) -> float | None:
    """Tell whether outputs (m, n_out) agree with targets more than a fit of so many parameters to independent targets.

    Such a fit reaches ``m r^2``, of which the mean is the number of parameters at most, and the variance twice that number (the
    chi-squared distribution); r is the correlation of an output with its target, of which the largest counts.
    """
    known = _varies(a) & _varies(y)
    if not known.any():
        return None
    v, w = ((part[:, known] - part[:, known].mean(axis=0)) / part[:, known].std(axis=0) for part in (a, y))
    correlation = float(np.mean(v * w, axis=0).max())
    return (len(a) * max(correlation, 0.0) ** 2 - parameters) / float(np.sqrt(2 * parameters))


def wrong_outputs(batch: BatchPass) -> tuple[float | None, float | None]:
    """Give the share of rows with a wrong output, and the mean of ``sigma'(z) / sigma'(0)`` over the wrong outputs."""
    sigma, z = batch.sigmas[-1], batch.trace.zs[-1]
    reach = sigma.most - sigma.least
    if not np.isfinite(reach) or sigma is ACTIVATIONS["softmax"]:
        return None, None
    wrong = np.abs(batch.a - batch.y) > WRONG * reach
    if not wrong.any():
        return 0.0, None
    slope = sigma.derivative(z, batch.a)[wrong]
    return float(wrong.any(axis=1).mean()), float(slope.mean() / slope_at_0(sigma))


def slope_at_0(sigma: Activation) -> float:
    """Give ``sigma'(0)``, where the slope of a sigmoid and of tanh is largest."""
    zero = np.zeros(1)
    return float(sigma.derivative(zero, sigma.value(zero))[0])


def copy_of(state: State) -> State:
    """Copy the parameters of a state, whose arrays a training writes to."""
    return replace(state, weights=tuple(w.copy() for w in state.weights), biases=tuple(b.copy() for b in state.biases))


def start_of(network: Network) -> State | None:
    """Draw a network's initial parameters again from its seed.

    None where no initializer of ``Network`` drew them, or the scale of the columns was folded into the weights after the training,
    which makes them float64.
    """
    from ..network import Network
    from ..plan import State

    if network.provenance is None:
        return copy_of(network.state())
    if network.init is None or network.provenance.plan.get("dtype") != network.plan.dtype:
        return None
    sigmas = [layer.activation for layer in network.plan.layers]
    made = Network(
        network.sizes,
        activation=sigmas[:-1],
        output=sigmas[-1],
        cost=network.plan.cost,
        init=network.init,
        seed=network.seed,
        dtype=network.plan.dtype,
    )
    return State(tuple(made.weights), tuple(made.biases))
