"""Pages 1-2: one neuron, its cost, and the gradient that two uses of the chain rule give.

The neuron computes ``a = max(0, w . x + b)``; its cost over m examples is

- ``C = (1/2m) sum v_i^2`` with ``v_i = y_i - a_i``                         (N1)
- ``dC/dv_i = v_i / m``                                                       (N2)
- ``dC/dw = (1/m) sum v_i dv_i/dw``, by the chain rule                        (N3)
- ``dv_i/dw = -da_i/dw``, by the chain rule again                             (N4)
- ``da_i/dw = x_i`` where ``w . x_i + b > 0``, else 0; ``da_i/db`` = 1 or 0   (N5)
- ``dC/dw = (1/m) sum (w . x_i + b - y_i) x_i`` over the active examples       (N6)
- with ``e_i = w . x_i + b - y_i``, ``dC/dw = (1/m) sum e_i x_i``              (N7)
- ``dC/db = (1/m) sum e_i``                                                    (N8)

``e_i`` is ``-v_i`` for an active example, which accounts for the (-1) of N4: the gradient is the errors times the inputs, averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._arrays import cast_floats, check_finite, read_numbers
from .._checks import check_float
from .._types import Array
from ..errors import DataError, UnknownName

if TYPE_CHECKING:
    import numpy.typing as npt

_FACTORS = {
    "quadratic": 1.0,
    "mean_squared_error": 2.0,
}  # the square's 2 times the cost's 1/2 or 1


def active(z: Array, activation: str) -> npt.NDArray[np.bool_]:
    """``da_i/dz_i`` (N5): true (1) for the examples with ``z_i > 0``, false (0) for those that ReLU sets to 0; (m,)."""
    return z > 0 if activation == "relu" else np.ones(z.shape, dtype=bool)


def gradient_w(e: Array, x: Array) -> Array:
    """``dC/dw = (1/m) sum e_i x_i^T`` (N6, N7): the errors (m,) times the inputs (m, n), averaged; (n,)."""
    return e @ x / len(e)


def gradient_b(e: Array) -> np.floating[Any]:
    """``dC/db = (1/m) sum e_i`` (N8), a scalar."""
    return e.sum() / len(e)


class NeuronGradient(NamedTuple):
    """``dC/dw`` of shape (n,) and ``dC/db``, a scalar."""

    dw: Array
    db: float


class Neuron:
    """One neuron under mean squared error: pages 1-2 of the notes.

    Parameters
    ----------
    w : array_like, shape (n,)
        The weights; copied, in float64.
    b : float
        The bias.
    activation : {"relu", "identity"}
        ReLU, as in the notes, or none (linear regression).
    cost : {"quadratic", "mean_squared_error"}
        ``(1/2m) sum (y - a)^2`` (N1), or Parr and Howard's ``(1/m) sum (y - a)^2``, whose gradients are twice as large.

    Examples
    --------
    >>> neuron = Neuron([1.0, -1.0], 0.5)
    >>> x, y = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([1.0, 1.0])
    >>> neuron.feedforward(x)
    array([1.5, 0. ])
    >>> neuron.error_terms(x, y)
    array([0.5, 0. ])
    >>> dw, db = neuron.gradient(x, y)
    >>> dw, db
    (array([0.5 , 0.25]), 0.25)
    """

    def __init__(self, w: npt.ArrayLike, b: float, activation: str = "relu", cost: str = "quadratic") -> None:
        if activation not in ("relu", "identity"):
            raise UnknownName("activation of a neuron", activation, ("relu", "identity"))
        if cost not in _FACTORS:
            raise UnknownName("cost of a neuron", cost, _FACTORS)
        self.w: Array = np.array(_numbers("w", w))
        if self.w.ndim != 1 or not self.w.size:
            raise DataError(f"w must be one row of n >= 1 weights; it has shape {self.w.shape}")
        bias = _numbers("b", b)
        if bias.size != 1:
            raise DataError(f"b must be one number; it has shape {bias.shape}")
        self.b = float(bias.reshape(()))
        self.activation = activation
        self.cost_name = cost

    def weighted_input(self, x: npt.ArrayLike) -> Array:
        """``w . x_i + b`` for each row of x, (m, n); returns (m,)."""
        inputs = self._inputs(x)
        check_finite("w", np.append(self.w, self.b))  # the user may have set them, and ReLU turns NaN into 0
        return inputs @ self.w + self.b

    def feedforward(self, x: npt.ArrayLike) -> Array:
        """The neuron's activations ``a_i``, (m,), for the rows of x, (m, n)."""
        z = self.weighted_input(x)
        return np.maximum(z, 0) if self.activation == "relu" else z

    def cost(self, x: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """``C = (1/2m) sum (y_i - a_i)^2`` (N1); without the 1/2 for ``mean_squared_error``."""
        a = self.feedforward(x)
        v = self._targets(y, a) - a
        return _FACTORS[self.cost_name] * float(v @ v) / (2 * len(v))  # (N2)

    def error_terms(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
        """``e_i = w . x_i + b - y_i`` (N7), (m,); 0 for an example that ReLU sets to 0."""
        z = self.weighted_input(x)
        return np.where(active(z, self.activation), z - self._targets(y, z), 0.0)  # -v_i: the sign (N4)

    def gradient(self, x: npt.ArrayLike, y: npt.ArrayLike) -> NeuronGradient:
        """``dC/dw`` (N6, N7), (n,), and ``dC/db`` (N8), over all the rows of x at once."""
        x = self._inputs(x)
        e = _FACTORS[self.cost_name] * self.error_terms(x, y)  # the square's 2 (N3)
        return NeuronGradient(gradient_w(e, x), float(gradient_b(e)))

    def step(self, x: npt.ArrayLike, y: npt.ArrayLike, eta: float) -> None:
        """``w <- w - eta dC/dw``, ``b <- b - eta dC/db``: one step of gradient descent, in place."""
        eta = check_float("eta", eta, above=0)
        dw, db = self.gradient(x, y)
        self.w = self.w - eta * dw
        self.b = self.b - eta * db

    def _inputs(self, x: npt.ArrayLike) -> Array:
        x = _numbers("x", x)
        if x.ndim != 2 or x.shape[1] != len(self.w):
            raise DataError(f"x must have shape (m, {len(self.w)}), a row an example; it has shape {x.shape}")
        if not len(x):
            raise DataError("x is empty; it must hold at least one example")
        return x

    def _targets(self, y: npt.ArrayLike, like: Array) -> Array:
        y = _numbers("y", y)
        if y.shape != like.shape:
            raise DataError(f"y must have shape {like.shape}, a target for each row of x; it has shape {y.shape}")
        return y

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)} inputs, b={self.b:.4g}, {self.activation}, {self.cost_name})"


def _numbers(name: str, values: object) -> Array:
    """Read an argument as finite float64 numbers."""
    array = cast_floats(name, read_numbers(name, values), np.dtype(np.float64))
    check_finite(name, array)
    return array
