"""Each activation beside its derivative, with its properties: range, initializer, formula.

An activation gives ``a = sigma(z)`` and its *pullback*, which makes ``dC/dz`` from ``g = dC/da``. The pullback of an elementwise
activation is ``g * sigma'(z)``; softmax couples the outputs of a row, so it has a pullback of its own. Derivatives take ``z`` and
``a``, since most are cheapest from ``a``.

Every function is stable at ``|z| = 1000``: an exponential that overflows does so towards the correct limit.

The table ``ACTIVATIONS`` at the end is the only place that lists the built-in activations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from ..errors import look_up
from .formulas import Formula, OutputFormula
from .normal_distribution import FARTHEST, PER_ROOT_2_PI, gaussian, scaled_tail

LEAK = 0.01
SELU_SCALE = 1.0507009873554804934
"""Lambda: with ``SELU_ALPHA`` it keeps a layer's activations near mean 0 and variance 1 (Klambauer et al. 2017)."""
SELU_ALPHA = 1.6732632423543772848


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
    """``z`` itself."""
    return z


def identity_prime(z: Array, a: Array) -> Array:
    """1 everywhere."""
    return np.ones_like(z)


@np.errstate(over="ignore")
def exp(z: Array) -> Array:
    """``exp(z)``, for rates and counts; clipped at the largest number of its dtype, where it would overflow."""
    return np.minimum(np.exp(z), np.finfo(z.dtype).max)


def exp_prime(z: Array, a: Array) -> Array:
    """``exp(z)`` again."""
    return a


@np.errstate(over="ignore")
def silu(z: Array) -> Array:
    """``z sigmoid(z)`` (Elfwing et al. 2018), also called swish."""
    return z / (1 + np.exp(-z))


def silu_prime(z: Array, a: Array) -> Array:
    """``s (1 + z (1 - s))`` with ``s = sigmoid(z)``; ``1 - s`` is ``sigmoid(-z)``, which keeps its digits where s is near 1."""
    return sigmoid(z) * (1 + z * sigmoid(-z))


def gelu(z: Array) -> Array:
    """``z Phi(z)`` (Hendrycks and Gimpel 2016), exact: not the approximation by tanh.

    With ``x = |z|`` it is ``max(0, z) - x Phi(-x)``, so that the tail keeps its digits on both sides.
    """
    x = np.minimum(np.abs(z), FARTHEST)
    return np.maximum(z, 0) - x * (gaussian(x) * scaled_tail(x))


def gelu_prime(z: Array, a: Array) -> Array:
    """``Phi(z) + z phi(z)``; ``1 - gelu'(-z)`` where ``z > 0``."""
    x = np.minimum(np.abs(z), FARTHEST)
    left = gaussian(x) * (scaled_tail(x) - PER_ROOT_2_PI * x)
    return np.where(z > 0, 1 - left, left)


def mish(z: Array) -> Array:
    """``z tanh(ln(1 + e^z))`` (Misra 2019), without a logarithm: ``tanh(ln u) = (u^2 - 1) / (u^2 + 1)``.

    Numerator and denominator are divided by ``e^(2z)`` where ``z > 0``, so that only ``w = e^(-|z|)`` is computed and neither
    overflows.
    """
    numerator, denominator, _, _ = _mish_fraction(z)
    return z * (numerator / denominator)


def mish_prime(z: Array, a: Array) -> Array:
    """``tanh(ln(1 + e^z)) + z sigmoid(z) / cosh^2(ln(1 + e^z))``, in the same ``w``: a sum of terms that need no cancellation."""
    numerator, denominator, w, rest = _mish_fraction(z)
    return (numerator * denominator + 4 * (z * rest) * (1 + w)) / (denominator * denominator)


def _mish_fraction(z: Array) -> tuple[Array, Array, Array, Array]:
    """Give ``tanh(ln(1 + e^z))`` as numerator and denominator, ``w = e^(-|z|)``, and ``w^2`` where ``z > 0``, else w."""
    w = np.exp(-np.abs(z))
    positive = z > 0
    numerator = np.where(positive, 1 + 2 * w, w * (w + 2))
    denominator = numerator + 2 * np.where(positive, w * w, 1)
    return numerator, denominator, w, np.where(positive, w * w, w)


def selu(z: Array) -> Array:
    """``lambda z`` where ``z > 0``, else ``lambda alpha (e^z - 1)`` (Klambauer et al. 2017)."""
    return np.where(z > 0, SELU_SCALE * z, SELU_SCALE * SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def selu_prime(z: Array, a: Array) -> Array:
    """``lambda`` where ``a > 0``, else ``lambda alpha e^z = a + lambda alpha``."""
    return np.where(a > 0, SELU_SCALE, a + SELU_SCALE * SELU_ALPHA)


def softmax(z: Array) -> Array:
    """``exp(z_j) / sum_k exp(z_k)`` in each row; the largest ``z`` is subtracted first, which only prevents overflow."""
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
        Its name in messages and in ``repr``.
    value : callable
        ``value(z) -> a``, both of shape (m, n_out).
    derivative : callable
        ``derivative(z, a) -> sigma'(z)``, elementwise, of the same shape; ``a`` is ``value(z)``, ready to use.
    least, most : float
        The range of its values: an output layer reaches no target beyond it.
    initializer : str
        The initializer that a network takes by default where its first layer has this activation.
    derivative_needs_z : bool
        Whether the derivative depends on ``z`` itself; False where it can be computed from ``a`` alone.
    summary : str
        A phrase on it, for help texts.
    formula : Formula, optional
        How an explanation writes it.
    output_formula : OutputFormula, optional
        How an explanation writes BP1 for it at the output, under a cost whose derivative does not cancel its own.

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
    initializer: str = "scaled"
    derivative_needs_z: bool = True
    summary: str = ""
    formula: Formula | None = None
    output_formula: OutputFormula | None = None

    def pullback(self, z: Array, a: Array, g: Array) -> Array:
        """From ``g = dC/da`` make ``dC/dz = g * sigma'(z)``."""
        return g * self.derivative(z, a)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle a built-in by its name, so that it stays the object in the table."""
        return (find_activation, (self.name,)) if self is ACTIVATIONS.get(self.name) else super().__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"


class Softmax(Activation):
    """Softmax, whose pullback mixes the outputs of a row."""

    def pullback(self, z: Array, a: Array, g: Array) -> Array:
        """From ``g = dC/da`` make ``dC/dz``, through the row's whole Jacobian."""
        return softmax_pullback(z, a, g)


def _diagonal(z: Array, a: Array) -> Array:
    """``da_j/dz_j = a_j (1 - a_j)``: the diagonal of softmax's Jacobian, which alone is not its derivative."""
    return a * (1 - a)


_NOTHING_CANCELS = "The derivatives do not cancel: $σ′(z)$ remains."
_SATURATED = f"{_NOTHING_CANCELS} An output that is saturated has a $σ′$ near 0, and so a small $δ$, however wrong it is."
_TWO_CASES = "σ′(z) = {below}  where  z ≤ 0,   σ′(z) = {above}  where  z > 0"

ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation(
            "sigmoid",
            sigmoid,
            sigmoid_prime,
            least=0,
            most=1,
            initializer="normal",
            derivative_needs_z=False,
            summary="1 / (1 + e^-z), the notes' activation",
            formula=Formula(
                r"σ(z) = \frac{1}{1 + e^{−z}}",
                "σ′(z) = σ(z) (1 − σ(z)) = a (1 − a)",
                "The sigmoid squeezes any number into (0, 1). Its slope is largest at $z = 0$, where it is 1/4, and nearly 0 "
                "where $|z|$ is large: there the unit is saturated, and learns slowly.",
            ),
            output_formula=OutputFormula((), _SATURATED),
        ),
        Activation(
            "tanh",
            tanh,
            tanh_prime,
            least=-1,
            most=1,
            initializer="glorot_uniform",
            derivative_needs_z=False,
            summary="the hyperbolic tangent",
            formula=Formula(
                "σ(z) = tanh(z)", "σ′(z) = 1 − a^2", "tanh squeezes any number into (−1, 1); its slope is 1 at $z = 0$."
            ),
            output_formula=OutputFormula((), _SATURATED),
        ),
        Activation(
            "relu",
            relu,
            relu_prime,
            least=0,
            initializer="he_normal",
            derivative_needs_z=False,
            summary="max(0, z)",
            formula=Formula(
                "σ(z) = max(0, z)",
                _TWO_CASES.format(below="0", above="1"),
                "ReLU has two cases. Where $z > 0$ it is z itself, and the error passes back unchanged; where $z ≤ 0$ it is 0, "
                "and no error passes back.",
            ),
        ),
        Activation(
            "leaky_relu",
            leaky_relu,
            leaky_relu_prime,
            initializer="he_normal",
            derivative_needs_z=False,
            summary="z where z > 0, else z / 100",
            formula=Formula(
                "σ(z) = max(0.01 z, z)",
                _TWO_CASES.format(below="0.01", above="1"),
                "Leaky ReLU has two cases: where $z > 0$ it is z itself, else a hundredth of it.",
            ),
        ),
        Activation(
            "identity",
            identity,
            identity_prime,
            derivative_needs_z=False,
            summary="z itself, for values",
            formula=Formula("σ(z) = z", "σ′(z) = 1", "The activation is the weighted input itself."),
            output_formula=OutputFormula((), "With no activation at the output $σ′ = 1$: the cost's own slope goes on as it is."),
        ),
        Activation(
            "exp",
            exp,
            exp_prime,
            least=0,
            derivative_needs_z=False,
            summary="e^z, for rates and counts",
            formula=Formula(
                "σ(z) = e^z", "σ′(z) = e^z = a", "The exponential makes any number a positive rate; it is its own slope."
            ),
        ),
        Softmax(
            "softmax",
            softmax,
            _diagonal,
            least=0,
            most=1,
            derivative_needs_z=False,
            summary="e^z over the row's sum of e^z, for classes; at the output alone",
            formula=Formula(
                r"a_j = \frac{e^{z_j}}{Σ_k e^{z_k}}",
                r"\frac{∂a_j}{∂z_k} = a_j ([j = k] − a_k)",
                "Softmax makes the outputs one distribution: they are positive and sum to 1. So each output depends on every $z$, "
                "and the derivative is a whole matrix, the Jacobian; $[j = k]$ is 1 where $j$ is $k$, else 0.",
            ),
            output_formula=OutputFormula(
                (r"δ_k = a_k (\frac{∂C}{∂a_k} − Σ_j \frac{∂C}{∂a_j} a_j)",), "The derivatives do not cancel: the Jacobian remains."
            ),
        ),
        Activation(
            "gelu",
            gelu,
            gelu_prime,
            least=-0.16997121,
            initializer="he_normal",
            summary="z times the normal distribution's Phi(z)",
            formula=Formula(
                "σ(z) = z Φ(z)",
                "σ′(z) = Φ(z) + z φ(z)",
                "GELU weighs z by the probability $Φ(z)$ that a standard normal number is below it; $φ$ is its density.",
            ),
        ),
        Activation(
            "silu",
            silu,
            silu_prime,
            least=-0.27846455,
            initializer="he_normal",
            summary="z sigmoid(z), also called swish",
            formula=Formula(
                r"σ(z) = z s,   s = \frac{1}{1 + e^{−z}}",
                "σ′(z) = s (1 + z (1 − s))",
                "SiLU weighs z by its own sigmoid: a ReLU without the kink.",
            ),
        ),
        Activation(
            "mish",
            mish,
            mish_prime,
            least=-0.30884094,
            initializer="he_normal",
            summary="z tanh(ln(1 + e^z))",
            formula=Formula(
                "σ(z) = z t,   t = tanh(ln(1 + e^z))",
                r"σ′(z) = t + z (1 − t^2) \frac{1}{1 + e^{−z}}",
                "Mish weighs z by a number between 0 and 1 that grows with it: a ReLU without the kink.",
            ),
        ),
        Activation(
            "selu",
            selu,
            selu_prime,
            least=-SELU_SCALE * SELU_ALPHA,
            initializer="lecun_normal",
            derivative_needs_z=False,
            summary="1.0507 z where z > 0, else 1.7581 (e^z - 1); it keeps layers near mean 0 and variance 1",
            formula=Formula(
                "σ(z) = λ z  where  z > 0,   σ(z) = λ α (e^z − 1)  where  z ≤ 0",
                "σ′(z) = λ  where  z > 0,   σ′(z) = λ α e^z = a + λ α  where  z ≤ 0",
                "SELU's $λ = 1.0507$ and $α = 1.6733$ keep the activations of a layer near mean 0 and variance 1.",
            ),
        ),
    )
}
"""Every built-in activation, by name."""


def find_activation(activation: str | Activation) -> Activation:
    """Look an activation up by name; an ``Activation`` passes through.

    Raises
    ------
    UnknownName
        When no built-in activation has that name.
    """
    return activation if isinstance(activation, Activation) else look_up("activation", activation, ACTIVATIONS)
