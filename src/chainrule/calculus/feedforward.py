"""Page 3: the shapes, the starts, and feedforward.

The notes hold a batch as columns; the code holds it as rows, as the field does: said here, once. So ``z = w a + b`` of one
column becomes ``z = a @ w.T + b`` of m rows, and the matrices keep the notes' shape (n_out, n_in), "for dot products".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from .._types import AnyArray, Array, Rows
from ..errors import look_up
from .activations import ACTIVATIONS, Activation

Start: TypeAlias = "Callable[[np.random.Generator, int, int], tuple[Array, Array]]"


def layer_shapes(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Give each weight matrix's shape (n_out, n_in) (N9): ``zip(sizes[:-1], sizes[1:])``, turned for dot products.

    Examples
    --------
    >>> layer_shapes([784, 30, 10])
    [(30, 784), (10, 30)]
    """
    return [(n_out, n_in) for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True)]


def normal(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights and biases from the standard normal: the notes' start (N9); drawn layer by layer, the biases first."""
    b = rng.standard_normal(n_out)
    return rng.standard_normal((n_out, n_in)), b


def scaled(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """The same, the weights divided by ``sqrt(n_in)``, so that z keeps a spread of about 1 (book, chapter 3)."""
    w, b = normal(rng, n_in, n_out)
    return w / np.sqrt(n_in), b


def glorot_uniform(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights uniform in ``+- sqrt(6 / (n_in + n_out))``, biases 0 (Glorot and Bengio 2010)."""
    bound = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_out, n_in)), np.zeros(n_out)


def he_normal(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights normal with spread ``sqrt(2 / n_in)``, biases 0 (He et al. 2015)."""
    return rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in), np.zeros(n_out)


STARTS: dict[str, Start] = {start.__name__: start for start in (normal, scaled, glorot_uniform, he_normal)}


def start(sizes: Sequence[int], init: str, rng: np.random.Generator) -> tuple[list[Array], list[Array]]:
    """Draw a network's weights, each (n_out, n_in), and biases, each (n_out,), in float64; the input layer has no bias.

    Raises
    ------
    UnknownName
        When there is no start of that name.
    """
    draw = look_up("start (init)", init, STARTS)
    drawn = [draw(rng, n_in, n_out) for n_out, n_in in layer_shapes(sizes)]
    return [w for w, _ in drawn], [b for _, b in drawn]


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
    return a  # type: ignore[return-value]  # there is one layer or more, so it is dense by now


def for_raw_columns(w: Array, b: Array, mean: Array, scale: Array) -> tuple[Array, Array]:
    """``w ((x - mean) / scale) + b = (w / scale) x + (b - (w / scale) mean)``: give the w and b that take x as it comes.

    A layer is linear before its activation, so one that was trained on scaled columns needs no scaling afterwards.

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
    """Say what outputs (m, n_out) mean: the label of the largest; of one sigmoid output 0 or 1; of another single one its value."""
    if a.shape[1] > 1:
        return a.argmax(axis=1)
    return (a[:, 0] > 0.5).astype(np.intp) if sigma is ACTIVATIONS["sigmoid"] else a[:, 0]


class Trace(NamedTuple):
    """What feedforward leaves for backpropagation, a list entry a layer: page 4's two lists, and what entered each layer.

    ``inputs[k]`` enters layer k, ``zs[k]`` is its weighted input, ``activations[k] = sigma(zs[k])``. Without dropout
    ``inputs[k + 1]`` is ``activations[k]``.
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
    """Feedforward (N10) that remembers; ``masks[k]``, where there is one, multiplies what layer k hands on (dropout)."""
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
