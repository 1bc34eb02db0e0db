"""Page 4: the four equations, over a whole batch at once.

With ``delta = dC/dz`` of a layer, a row an example:

- ``delta = dC/da * sigma'(z)`` at the output                     (BP1)
- ``delta = (delta_next @ w_next) * sigma'(z)``, layer by layer   (BP2)
- ``nabla_b = sum of delta's rows``                               (BP3)
- ``nabla_w = delta.T @ a_prev``                                  (BP4)

The gradients are batch *sums*, as in the notes; the step divides them by the number of examples (N12).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._types import Array, Rows
from .activations import Activation
from .costs import Cost
from .feedforward import trace


class Gradient(NamedTuple):
    """Batch sums of ``dC/db``, each (n_out,), and ``dC/dw``, each (n_out, n_in), a list entry a layer."""

    nabla_b: list[Array]
    nabla_w: list[Array]


def output_delta(cost: Cost, sigma: Activation, z: Array, a: Array, y: Array) -> Array:
    """BP1: ``dC/da * sigma'(z)``, or ``a - y`` where sigma is the cost's partner and their derivatives cancel."""
    if cost.cancels(sigma):
        return a - y
    return sigma.pullback(z, a, cost.gradient(a, y))


def hidden_delta(delta: Array, w_next: Array, sigma: Activation, z: Array, a: Array, mask: Array | None = None) -> Array:
    """BP2: the next layer's delta times its weights, times ``sigma'(z)``."""
    g = delta @ w_next
    return sigma.pullback(z, a, g if mask is None else g * mask)


def nabla_b(delta: Array) -> Array:
    """BP3: (m, n_out) to (n_out,)."""
    total: Array = np.add.reduce(delta)
    return total


def nabla_w(delta: Array, a_prev: Rows) -> Array:
    """BP4: (m, n_out) and (m, n_in), dense or CSR, to (n_out, n_in); the product sums over the examples."""
    return delta.T @ a_prev


def backprop(
    weights: Sequence[Array],
    biases: Sequence[Array],
    sigmas: Sequence[Activation],
    cost: Cost,
    x: Rows,
    y: Array,
    row_weights: Array | None = None,
    masks: Sequence[Array | None] | None = None,
) -> tuple[Array, Gradient]:
    """Compute a batch's outputs, and by backpropagation the gradient of its summed cost.

    Parameters
    ----------
    weights, biases, sigmas : sequence
        Of each layer: (n_out, n_in), (n_out,), and its activation.
    cost : Cost
    x : array or CSR, shape (m, n_in)
    y : array, shape (m, n_out)
        The targets.
    row_weights : array, shape (m,), optional
        The weight of each example; 1 if not given.
    masks : sequence, optional
        The factors of each layer's activations in dropout; None for a layer without.

    Returns
    -------
    a : array, shape (m, n_out)
        The network's outputs.
    gradient : Gradient
        Batch sums.
    """
    inputs, zs, activations = trace(weights, biases, sigmas, x, masks)
    last = len(zs) - 1

    delta = output_delta(cost, sigmas[last], zs[last], activations[last], y)  # BP1
    if row_weights is not None:
        delta = delta * row_weights[:, None]

    bs, ws = [nabla_b(delta)], [nabla_w(delta, inputs[last])]  # BP3, BP4
    for k in reversed(range(last)):
        mask = masks[k] if masks else None
        delta = hidden_delta(delta, weights[k + 1], sigmas[k], zs[k], activations[k], mask)  # BP2
        bs.append(nabla_b(delta))  # BP3
        ws.append(nabla_w(delta, inputs[k]))  # BP4
    return activations[last], Gradient(bs[::-1], ws[::-1])
