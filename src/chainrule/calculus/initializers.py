"""Initializers: how a network's weights and biases are drawn before training (page 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from .._types import Array
from ..errors import look_up
from .feedforward import layer_shapes

Initializer: TypeAlias = "Callable[[np.random.Generator, int, int], tuple[Array, Array]]"
"""From a generator, n_in and n_out to one layer's weights (n_out, n_in) and biases (n_out,), in float64."""


def normal(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights and biases from the standard normal: the notes' initializer (N9); drawn layer by layer, the biases first."""
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
    """Weights normal with standard deviation ``sqrt(2 / n_in)``, biases 0 (He et al. 2015)."""
    return rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in), np.zeros(n_out)


def lecun_normal(rng: np.random.Generator, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights normal with standard deviation ``sqrt(1 / n_in)``, biases 0 (LeCun et al. 1998); selu is derived for it."""
    return rng.standard_normal((n_out, n_in)) * np.sqrt(1 / n_in), np.zeros(n_out)


INITIALIZERS: dict[str, Initializer] = {
    initializer.__name__: initializer for initializer in (normal, scaled, glorot_uniform, he_normal, lecun_normal)
}
"""Every initializer, by name."""


def initial_parameters(sizes: Sequence[int], init: str, rng: np.random.Generator) -> tuple[list[Array], list[Array]]:
    """Draw a network's weights, each (n_out, n_in), and biases, each (n_out,), in float64; the input layer has no bias.

    Raises
    ------
    UnknownName
        When no initializer has that name.
    """
    initializer = look_up("initializer (init)", init, INITIALIZERS)
    layers = [initializer(rng, n_in, n_out) for n_out, n_in in layer_shapes(sizes)]
    return [w for w, _ in layers], [b for _, b in layers]
