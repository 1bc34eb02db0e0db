"""The mathematics of the book's classes, one example after the other, with the functions that a reader may have replaced.

``calculus`` has the same equations for batches of rows, and with fixed functions. Here an example is a column, and ``sigmoid``,
``sigmoid_prime`` and the output's delta are arguments: each of the book's modules passes those that its names refer to now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .._types import Array
from .column_pairs import check_column, unzip

Function: TypeAlias = Callable[[Any], Any]
Parameters: TypeAlias = list[Array]


def overflow_ignored() -> np.errstate:
    """Give a context in which a training that diverges goes on, as in the book, without a warning of NumPy's for every step."""
    return np.errstate(over="ignore", invalid="ignore")


def random_biases(sizes: Sequence[int]) -> Parameters:
    """Draw the biases of each layer but the first from N(0, 1), each (n, 1), from NumPy's global generator (page 3)."""
    return [np.random.randn(y, 1) for y in sizes[1:]]


def random_weights(sizes: Sequence[int]) -> Parameters:
    """Draw the weights between each two layers from N(0, 1), each (n_out, n_in), from NumPy's global generator (N9)."""
    return [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:], strict=True)]


def feedforward_columns(weights: Parameters, biases: Parameters, a: Any, sigmoid: Function) -> Any:
    """Give the outputs (n_out, m) for inputs (n_in, m): a column an example (N10)."""
    check_column(a, weights[0].shape[1])
    with overflow_ignored():
        for w, b in zip(weights, biases, strict=True):
            a = sigmoid(w @ a + b)
    return a


def backprop_columns(
    weights: Parameters,
    biases: Parameters,
    x: Any,
    sigmoid: Function,
    sigmoid_prime: Function,
    output_delta: Callable[[Any, Any], Any],
) -> tuple[Parameters, Parameters]:
    """Compute one example's gradient, layer by layer: that of the biases, and that of the weights (BP1-BP4).

    Parameters
    ----------
    weights, biases : list of array
        Of each layer (n_out, n_in) and (n_out, 1).
    x : array, shape (n_in, 1)
    sigmoid, sigmoid_prime : callable
    output_delta : callable
        From ``z`` and ``a`` of the last layer to its delta (BP1).
    """
    check_column(x, weights[0].shape[1])
    zs, activations = [], [x]
    with overflow_ignored():
        for w, b in zip(weights, biases, strict=True):
            zs.append(w @ activations[-1] + b)
            activations.append(sigmoid(zs[-1]))
        deltas = [output_delta(zs[-1], activations[-1])]
        for w, z in zip(weights[:0:-1], zs[-2::-1], strict=True):
            deltas.append((w.T @ deltas[-1]) * sigmoid_prime(z))
        nabla_b = deltas[::-1]
        nabla_w = [delta @ a.T for delta, a in zip(nabla_b, activations[:-1], strict=True)]
    return nabla_b, nabla_w


def summed_gradients(
    backprop: Callable[[Any, Any], tuple[Sequence[Any], Sequence[Any]]], mini_batch: Sequence[Any], like: Parameters
) -> tuple[Parameters, Parameters]:
    """Sum the gradients ``backprop(x, y)`` of a mini-batch's pairs; ``like`` holds the biases, then the weights."""
    xs, ys = unzip(mini_batch)
    sums: Parameters = [np.zeros(parameter.shape) for parameter in like]
    with overflow_ignored():
        for x, y in zip(xs, ys, strict=True):
            nabla_b, nabla_w = backprop(x, y)
            sums = [total + nabla for total, nabla in zip(sums, [*nabla_b, *nabla_w], strict=True)]
    return sums[: len(like) // 2], sums[len(like) // 2 :]


def descended(parameters: Parameters, nablas: Parameters, rate: float, shrink: float = 1.0) -> Parameters:
    """Give ``shrink * p - rate * nabla`` for each parameter, in new arrays (N12); ``shrink`` is 1 without weight decay."""
    with overflow_ignored():
        return [shrink * parameter - rate * nabla for parameter, nabla in zip(parameters, nablas, strict=True)]
