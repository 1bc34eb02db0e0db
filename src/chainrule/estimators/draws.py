"""Every random number, from ``np.random.RandomState`` in scikit-learn's order: the one exception to the library's order rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from sklearn.utils import check_random_state

from .._types import Array, Indices
from ..calculus.feedforward import layer_shapes

FACTORS = {"logistic": 2.0}  # of the uniform start; 6 for the other activations (Glorot and Bengio 2010)


class _Unseeded(ISeedSequence):
    """Gives a generator some state at once: it is about to be seeded, and drawing one from the system would be in vain.

    As a list: the generator reads word by word, which takes thirty times as long from an array.
    """

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return [1] * n_words


def random_from(seed: Any) -> np.random.RandomState:
    """Do as ``check_random_state`` does; of a whole number, the same as ``RandomState(seed)``, which takes much longer."""
    if type(seed) is not int:
        return check_random_state(seed)
    random = np.random.RandomState(np.random.MT19937(_Unseeded()))  # type: ignore[arg-type]  # as NumPy documents
    random.seed(seed)
    return random


def start(random: np.random.RandomState, sizes: Sequence[int], activation: str, dtype: Any) -> tuple[list[Array], list[Array]]:
    """Draw weights and biases, layer by layer, uniform in ``+- sqrt(factor / (n_in + n_out))``.

    Each matrix is drawn as scikit-learn holds it, (n_in, n_out), and turned over; so its own ``coefs_`` is a view of this one.
    """
    weights, biases = [], []
    for n_out, n_in in layer_shapes(sizes):
        bound = np.sqrt(FACTORS.get(activation, 6.0) / (n_in + n_out))
        weights.append(np.ascontiguousarray(random.uniform(-bound, bound, (n_in, n_out)).astype(dtype, copy=False).T))
        biases.append(random.uniform(-bound, bound, n_out).astype(dtype, copy=False))
    return weights, biases


def shuffled(random: np.random.RandomState, order: Indices) -> Indices:
    """Shuffle an order as ``sklearn.utils.shuffle`` does: a permutation of places, applied to it."""
    places = np.arange(len(order))
    random.shuffle(places)
    return order[places]
