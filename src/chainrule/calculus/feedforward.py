"""Page 3: the shapes, and feedforward.

The notes write a batch as columns; the code stores it as rows, as is usual. So ``z = w a + b`` of one column becomes
``z = a @ w.T + b`` of m rows, and the matrices keep the notes' shape (n_out, n_in), "for dot products".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._types import AnyArray, Array, Rows
from .activations import ACTIVATIONS, Activation


def layer_shapes(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Give each weight matrix's shape (n_out, n_in) (N9): ``zip(sizes[:-1], sizes[1:])``, transposed for dot products.

    Examples
    --------
    >>> layer_shapes([784, 30, 10])
    [(30, 784), (10, 30)]
    """
    return [(n_out, n_in) for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True)]


def weighted_input(w: Array, b: Array, a: Rows) -> Array:
    """``z = w a + b`` for each row of ``a``: (m, n_in) to (m, n_out)."""
    z: Array = a @ w.T
    z += b
    return z


def feedforward(weights: Sequence[Array], biases: Sequence[Array], sigmas: Sequence[Activation], x: Rows) -> Array:
    """Loop through the layers, ``a <- sigma(w a + b)`` (N10): x (m, n_in), dense or CSR, to (m, n_out)."""
    a = x
    for w, b, sigma in zip(weights, biases, sigmas, strict=True):
        a = sigma.value(weighted_input(w, b, a))
    return a  # type: ignore[return-value]  # there is at least one layer, so a is dense here


def for_raw_columns(w: Array, b: Array, mean: Array, scale: Array) -> tuple[Array, Array]:
    """``w ((x - mean) / scale) + b = (w / scale) x + (b - (w / scale) mean)``: give the w and b that take unscaled x.

    A layer is linear before its activation, so the scaling of its inputs can be folded into its weights and biases.

    Parameters
    ----------
    w, b : arrays, shapes (n_out, n_in) and (n_out,)
    mean, scale : float64 arrays, shape (n_in,)

    Returns
    -------
    w, b
        In float64.

    Examples
    --------
    >>> w, b = for_raw_columns(np.array([[6.0]]), np.array([1.0]), mean=np.array([5.0]), scale=np.array([2.0]))
    >>> w * 9 + b, 6 * (9 - 5) / 2 + 1
    (array([[13.]]), 13.0)
    """
    raw = w.astype(np.float64) / scale
    return raw, b - raw @ mean


def decision(a: Array, sigma: Activation) -> AnyArray:
    """Predict from outputs (m, n_out): the label of the largest; for one sigmoid output 0 or 1; for one other its value."""
    if a.shape[1] > 1:
        return a.argmax(axis=1)
    return (a[:, 0] > 0.5).astype(np.intp) if sigma is ACTIVATIONS["sigmoid"] else a[:, 0]


class Trace(NamedTuple):
    """The arrays that backpropagation needs: page 4's lists ``zs`` and ``activations``, and each layer's inputs.

    Each list has an entry a layer: ``inputs[k]`` are the inputs of layer k, ``zs[k]`` its weighted inputs, and
    ``activations[k] = sigma(zs[k])``. Without dropout ``inputs[k + 1]`` is ``activations[k]``.
    """

    inputs: list[Rows]
    zs: list[Array]
    activations: list[Array]


def trace(
    weights: Sequence[Array],
    biases: Sequence[Array],
    sigmas: Sequence[Activation],
    x: Rows,
    masks: Sequence[Array | None] | None = None,
) -> Trace:
    """Feedforward (N10) that keeps every layer's arrays; ``masks[k]``, if not None, multiplies layer k's activations (dropout)."""
    inputs: list[Rows] = []
    zs: list[Array] = []
    activations: list[Array] = []
    a = x
    for k, (w, b, sigma) in enumerate(zip(weights, biases, sigmas, strict=True)):
        inputs.append(a)
        zs.append(weighted_input(w, b, a))
        activations.append(sigma.value(zs[k]))
        mask = masks[k] if masks else None
        a = activations[k] if mask is None else activations[k] * mask
    return Trace(inputs, zs, activations)
