"""Each activation beside its derivative.

An activation gives ``a = sigma(z)`` and its *pullback*: from ``g = dC/da`` it makes ``dC/dz``. For an elementwise one the
pullback is ``g * sigma'(z)``; softmax couples the outputs of a row and has its own. Derivatives take ``z`` and ``a``, since
most are cheapest from ``a``.

All are stable at ``|z| = 1000``: an exponential that overflows does so towards the right limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._types import Array
from ..errors import look_up

LEAK = 0.01


@np.errstate(over="ignore")  # exp(-z) = inf gives the limit, 0
def sigmoid(z: Array) -> Array:
    """``1 / (1 + exp(-z))``: the notes' activation (N10)."""
    return np.reciprocal(1 + np.exp(-z))


def sigmoid_prime(z: Array, a: Array) -> Array:
    """``sigma'(z) = a (1 - a)``."""
    return a * (1 - a)


def tanh(z: Array) -> Array:
    """``tanh(z)``."""
    return np.tanh(z)


def tanh_prime(z: Array, a: Array) -> Array:
    """``1 - a^2``."""
    return 1 - a * a


def relu(z: Array) -> Array:
    """``max(0, z)``: the neuron of pages 1-2."""
    return np.maximum(z, 0)


def relu_prime(z: Array, a: Array) -> Array:
    """0 where ``z <= 0`` and 1 where ``z > 0`` (N5)."""
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    """``z`` where ``z > 0``, else ``0.01 z`` (Maas et al. 2013)."""
    return np.where(z > 0, z, LEAK * z)


def leaky_relu_prime(z: Array, a: Array) -> Array:
    """1 where ``z > 0``, else 0.01."""
    return np.where(z > 0, 1.0, LEAK).astype(z.dtype)


def identity(z: Array) -> Array:
    """``z`` itself: nothing is cut off."""
    return z


def identity_prime(z: Array, a: Array) -> Array:
    """1 everywhere."""
    return np.ones_like(z)


@np.errstate(over="ignore")
def exp(z: Array) -> Array:
    """``exp(z)``, for rates and counts; held at the largest number of its dtype, where it would overflow."""
    return np.minimum(np.exp(z), np.finfo(z.dtype).max)


def exp_prime(z: Array, a: Array) -> Array:
    """``exp(z)`` again."""
    return a


def softmax(z: Array) -> Array:
    """``exp(z_j) / sum_k exp(z_k)`` in each row; the largest ``z`` is taken off first, which changes nothing but the overflow."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_pullback(z: Array, a: Array, g: Array) -> Array:
    """``a_j (g_j - sum_k g_k a_k)``: the row's Jacobian ``diag(a) - a a^T`` times ``g``."""
    return a * (g - (g * a).sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation: its value beside its derivative; equal only to itself.

    Parameters
    ----------
    name : str
        How it is called in messages and in ``repr``.
    value : callable
        ``value(z) -> a``, both of shape (m, n_out).
    derivative : callable
        ``derivative(z, a) -> sigma'(z)``, elementwise, of the same shape; ``a`` is ``value(z)``, ready to use.
    least, most : float
        The range of its values: an output layer reaches no target beyond it.

    Examples
    --------
    >>> softplus = Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
    >>> softplus.value(np.zeros(2))
    array([0.69314718, 0.69314718])
    """

    name: str
    value: Callable[[Array], Array]
    derivative: Callable[[Array, Array], Array]
    least: float = -np.inf
    most: float = np.inf

    def pullback(self, z: Array, a: Array, g: Array) -> Array:
        """From ``g = dC/da`` make ``dC/dz = g * sigma'(z)``."""
        return g * self.derivative(z, a)

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"


class Softmax(Activation):
    """Softmax, whose pullback mixes the outputs of a row."""

    def pullback(self, z: Array, a: Array, g: Array) -> Array:
        """From ``g = dC/da`` make ``dC/dz``, through the row's whole Jacobian."""
        return softmax_pullback(z, a, g)


def _diagonal(z: Array, a: Array) -> Array:
    """``da_j/dz_j = a_j (1 - a_j)``: softmax's own diagonal, which alone is not its derivative."""
    return a * (1 - a)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("sigmoid", sigmoid, sigmoid_prime, 0, 1),
        Activation("tanh", tanh, tanh_prime, -1, 1),
        Activation("relu", relu, relu_prime, 0),
        Activation("leaky_relu", leaky_relu, leaky_relu_prime),
        Activation("identity", identity, identity_prime),
        Activation("exp", exp, exp_prime, 0),
        Softmax("softmax", softmax, _diagonal, 0, 1),
    )
}


def find_activation(activation: str | Activation) -> Activation:
    """Look an activation up by name; one of your own passes through.

    Raises
    ------
    UnknownName
        When there is none of that name.
    """
    return activation if isinstance(activation, Activation) else look_up("activation", activation, ACTIVATIONS)
