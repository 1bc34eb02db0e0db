"""Attribution: how much each input adds to an output, by gradients along the line from a baseline to a row.

``IG_i = (x_i - x'_i) * integral over t in [0, 1] of dF/dx_i at x' + t (x - x')``

are the *integrated gradients* of Sundararajan et al. (2017): their sum is ``F(x) - F(x')``. ``dF/dx`` is backpropagation's
delta of the first layer times its weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._types import Array
from ..calculus.activations import Activation
from ..calculus.backprop import hidden_delta
from ..calculus.feedforward import trace

POINTS = 1024
"""The points of the midpoint rule: with ReLU units the gradient is a step function of t, for which a higher order gains nothing."""


def input_gradient(weights: Sequence[Array], biases: Sequence[Array], sigmas: Sequence[Activation], x: Array, g: Array) -> Array:
    """Give ``dF/dx``, (m, n_in), for rows x (m, n_in) and a function F of the outputs with ``dF/da = g``, (m, n_out)."""
    _, zs, activations = trace(weights, biases, sigmas, x, None)
    last = len(zs) - 1
    delta = sigmas[last].pullback(zs[last], activations[last], g)
    for k in reversed(range(last)):
        delta = hidden_delta(delta, weights[k + 1], sigmas[k], zs[k], activations[k])
    return delta @ weights[0]


def integrated_gradients(
    weights: Sequence[Array], biases: Sequence[Array], sigmas: Sequence[Activation], x: Array, baseline: Array, output: int
) -> Array:
    """Give each input's contribution to one output.

    Parameters
    ----------
    weights, biases, sigmas : sequence
        Of each layer, in float64.
    x, baseline : array, shape (n_in,)
    output : int
        The position of the output.

    Returns
    -------
    array, shape (n_in,)
        They add up to the output for x minus the output for the baseline, to the error of the midpoint rule.
    """
    t = (np.arange(POINTS) + 0.5) / POINTS
    points = baseline + t[:, None] * (x - baseline)
    g = np.zeros((POINTS, len(biases[-1])))
    g[:, output] = 1
    return (x - baseline) * input_gradient(weights, biases, sigmas, points, g).mean(axis=0)
