"""Draws every random number from ``numpy.random.RandomState`` in scikit-learn's order.

Elsewhere in the library an epoch's order is a function of (seed, epoch). The estimators are the exception: the same integer
``random_state`` must give scikit-learn's numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from sklearn.utils import check_random_state

from .._types import Array, Indices
from ..calculus.feedforward import layer_shapes

GLOROT_FACTORS = {"logistic": 2.0, "tanh": 6.0, "relu": 6.0, "identity": 6.0}
"""Of each activation; 6 is that of Glorot and Bengio 2010."""


class _ConstantSeedSequence(ISeedSequence):
    """Initializes a generator with constants, since it is reseeded at once; drawing entropy from the system takes 0.2 ms.

    The words are a list because the generator reads them one by one, which takes 30 times as long from an array.
    """

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return [1] * n_words


def make_random_state(seed: Any) -> np.random.RandomState:
    """Return what ``check_random_state(seed)`` returns; for an int, without the slow constructor ``RandomState(seed)``."""
    if type(seed) is not int:
        return check_random_state(seed)
    random_state = np.random.RandomState(np.random.MT19937(_ConstantSeedSequence()))  # type: ignore[arg-type]  # NumPy allows it
    random_state.seed(seed)
    return random_state


def initializer_name(activation: str) -> str:
    """Return the name of the initializer for a network's provenance; unlike ``Network``'s glorot_uniform it draws biases too."""
    name = "scikit-learn's glorot_uniform"
    return name if GLOROT_FACTORS[activation] == 6.0 else f"{name} with factor {GLOROT_FACTORS[activation]:g}"


def draw_parameters(
    random_state: np.random.RandomState, sizes: Sequence[int], activation: str, dtype: Any
) -> tuple[list[Array], list[Array]]:
    """Draw the initial weights and biases, layer by layer, uniform in ``+- sqrt(factor / (n_in + n_out))``.

    Each matrix is drawn in scikit-learn's shape, (n_in, n_out), and stored transposed, so that ``coefs_`` is a view of it.

    Returns
    -------
    weights, biases : lists of arrays
        Each (n_out, n_in), C-contiguous, and (n_out,).
    """
    factor = GLOROT_FACTORS[activation]
    weights, biases = [], []
    for n_out, n_in in layer_shapes(sizes):
        bound = np.sqrt(factor / (n_in + n_out))
        weights.append(np.ascontiguousarray(random_state.uniform(-bound, bound, (n_in, n_out)).astype(dtype, copy=False).T))
        biases.append(random_state.uniform(-bound, bound, n_out).astype(dtype, copy=False))
    return weights, biases


def shuffle_order(random_state: np.random.RandomState, order: Indices) -> Indices:
    """Shuffle an order as ``sklearn.utils.shuffle`` does: draw a permutation of positions and apply it."""
    positions = np.arange(len(order))
    random_state.shuffle(positions)
    return order[positions]
