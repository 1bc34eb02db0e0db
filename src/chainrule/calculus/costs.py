"""Each cost beside its gradient at the output, ``dC/da``.

A cost's value is one number an example; the cost of a batch or a data set is their (weighted) mean, without any penalty.
``a`` and ``y`` have the shape (m, n_out).

BP1 composes the gradient with the activation's pullback. For four pairs that product collapses to ``a - y``: the table
``COLLAPSES`` at the end names them, and tests hold each to the long way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._types import Array
from ..errors import look_up
from .activations import ACTIVATIONS, Activation


def quadratic(a: Array, y: Array) -> Array:
    """``1/2 ||y - a||^2``: the notes' cost, which carries the 1/2 of (N1)."""
    v = y - a  # (N2)
    return (v * v).sum(axis=1) / 2


def quadratic_gradient(a: Array, y: Array) -> Array:
    """``a - y``: the 2 of (N3) has met the 1/2, the sign is that of (N4)."""
    return a - y


def mean_squared_error(a: Array, y: Array) -> Array:
    """``||y - a||^2``: the same without the 1/2 (Parr and Howard), so that its mean over examples is the mean squared error."""
    v = y - a
    return (v * v).sum(axis=1)


def mean_squared_error_gradient(a: Array, y: Array) -> Array:
    """``2 (a - y)``."""
    return 2 * (a - y)


def _inside(a: Array) -> Array:
    """Hold probabilities one rounding away from 0 and 1, so that their logarithms are finite."""
    epsilon = np.finfo(a.dtype).eps
    return np.clip(a, epsilon, 1 - epsilon)


def cross_entropy(a: Array, y: Array) -> Array:
    """``-sum [y ln a + (1 - y) ln(1 - a)]``, each output a yes or no of its own (book, chapter 3)."""
    p = _inside(a)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p)).sum(axis=1)


def cross_entropy_gradient(a: Array, y: Array) -> Array:
    """``(a - y) / (a (1 - a))``."""
    p = _inside(a)
    return (a - y) / (p * (1 - p))


def log_loss(a: Array, y: Array) -> Array:
    """``-sum y ln a``, the outputs of a row one distribution (book, chapter 3)."""
    return -(y * np.log(_inside(a))).sum(axis=1)


def log_loss_gradient(a: Array, y: Array) -> Array:
    """``-y / a``."""
    return -y / _inside(a)


def _above_0(a: Array) -> Array:
    """Hold rates so far above 0 that a count divided by one is finite: at the root of the dtype's smallest number."""
    return np.maximum(a, np.sqrt(np.finfo(a.dtype).tiny))


def poisson(a: Array, y: Array) -> Array:
    """``sum [a - y + y ln(y / a)]``: half the Poisson deviance, 0 where ``a = y``; ``y >= 0``."""
    count = np.where(y > 0, y, 1)  # y ln y is 0 at 0
    rate = np.maximum(a, np.finfo(a.dtype).tiny)  # whose logarithm is finite
    return (a - y + y * (np.log(count) - np.log(rate))).sum(axis=1)


def poisson_gradient(a: Array, y: Array) -> Array:
    """``1 - y / a``."""
    return 1 - y / _above_0(a)


@dataclass(frozen=True, eq=False)
class Cost:
    """A cost: its value beside its gradient at the output; equal only to itself.

    Parameters
    ----------
    name : str
        How it is called in messages and in ``repr``.
    value : callable
        ``value(a, y) -> (m,)``: one number an example.
    gradient : callable
        ``gradient(a, y) -> dC/da``, of the shape of ``a``, (m, n_out).
    output : str
        The output activation that this cost takes by default.
    outputs : tuple of str
        The built-in output activations it makes sense with; empty for all. One of your own is never refused.
    least, most : float
        The range of its targets.
    distribution : bool
        Whether a row of targets must sum to 1.
    """

    name: str
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    output: str = "identity"
    outputs: tuple[str, ...] = ()
    least: float = -np.inf
    most: float = np.inf
    distribution: bool = False

    def __repr__(self) -> str:
        return f"Cost({self.name!r})"


COSTS: dict[str, Cost] = {
    cost.name: cost
    for cost in (
        Cost("quadratic", quadratic, quadratic_gradient, "sigmoid"),
        Cost("mean_squared_error", mean_squared_error, mean_squared_error_gradient, "identity"),
        Cost("cross_entropy", cross_entropy, cross_entropy_gradient, "sigmoid", ("sigmoid",), 0, 1),
        Cost("log_loss", log_loss, log_loss_gradient, "softmax", ("softmax",), 0, 1, True),
        Cost("poisson", poisson, poisson_gradient, "exp", ("exp", "sigmoid", "softmax"), 0),
    )
}

COLLAPSES: frozenset[tuple[Activation, Cost]] = frozenset(
    (ACTIVATIONS[sigma], COSTS[cost])
    for sigma, cost in [("identity", "quadratic"), ("sigmoid", "cross_entropy"), ("softmax", "log_loss"), ("exp", "poisson")]
)
"""(output activation, cost) whose ``dC/dz`` is ``a - y``: the derivative cancels."""


def find_cost(cost: str | Cost) -> Cost:
    """Look a cost up by name; one of your own passes through.

    Raises
    ------
    UnknownName
        When there is none of that name.
    """
    return cost if isinstance(cost, Cost) else look_up("cost", cost, COSTS)
