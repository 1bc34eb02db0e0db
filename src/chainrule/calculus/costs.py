"""Each cost beside its gradient at the output, ``dC/da``, with its properties: range, partner, formula.

A cost's value is one number an example; the cost of a batch or a data set is their (weighted) mean, without any penalty.
``a`` and ``y`` have the shape (m, n_out).

BP1 composes the gradient with the activation's pullback. Four costs have a *partner*, an output activation for which that product
is ``a - y``; tests compare each with the product itself.

The table ``COSTS`` at the end is the only place that lists the built-in costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .._checks import check_float
from .._types import Array
from ..errors import look_up
from .activations import ACTIVATIONS, Activation
from .formulas import Formula, OutputFormula


def quadratic(a: Array, y: Array) -> Array:
    """``1/2 ||y - a||^2``: the notes' cost, which carries the 1/2 of (N1)."""
    v = y - a  # (N2)
    return (v * v).sum(axis=1) / 2


def quadratic_gradient(a: Array, y: Array) -> Array:
    """``a - y``: the 2 of (N3) cancels the 1/2, the sign is that of (N4)."""
    return a - y


def mean_squared_error(a: Array, y: Array) -> Array:
    """``||y - a||^2``: the same without the 1/2 (Parr and Howard), so that its mean over examples is the mean squared error."""
    v = y - a
    return (v * v).sum(axis=1)


def mean_squared_error_gradient(a: Array, y: Array) -> Array:
    """``2 (a - y)``."""
    return 2 * (a - y)


def _inside_0_1(a: Array) -> Array:
    """Clip probabilities to one rounding away from 0 and 1, so that their logarithms are finite."""
    epsilon = np.finfo(a.dtype).eps
    return np.clip(a, epsilon, 1 - epsilon)


def cross_entropy(a: Array, y: Array) -> Array:
    """``-sum [y ln a + (1 - y) ln(1 - a)]``, each output a probability of its own (book, chapter 3)."""
    p = _inside_0_1(a)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p)).sum(axis=1)


def cross_entropy_gradient(a: Array, y: Array) -> Array:
    """``(a - y) / (a (1 - a))``."""
    p = _inside_0_1(a)
    return (a - y) / (p * (1 - p))


def log_loss(a: Array, y: Array) -> Array:
    """``-sum y ln a``, the outputs of a row one distribution (book, chapter 3)."""
    return -(y * np.log(_inside_0_1(a))).sum(axis=1)


def log_loss_gradient(a: Array, y: Array) -> Array:
    """``-y / a``."""
    return -y / _inside_0_1(a)


def _above_0(a: Array) -> Array:
    """Clip rates from below at the root of the dtype's smallest number, so that a count divided by one is finite."""
    return np.maximum(a, np.sqrt(np.finfo(a.dtype).tiny))


def poisson(a: Array, y: Array) -> Array:
    """``sum [a - y + y ln(y / a)]``: half the Poisson deviance, 0 where ``a = y``; ``y >= 0``."""
    count = np.where(y > 0, y, 1)  # y ln y is 0 at 0
    rate = np.maximum(a, np.finfo(a.dtype).tiny)  # whose logarithm is finite
    return (a - y + y * (np.log(count) - np.log(rate))).sum(axis=1)


def poisson_gradient(a: Array, y: Array) -> Array:
    """``1 - y / a``."""
    return 1 - y / _above_0(a)


def huber(a: Array, y: Array, delta: float = 1.0) -> Array:
    """``sum of v^2/2 where |v| <= delta, else delta (|v| - delta/2)``, with ``v = y - a`` (Huber 1964).

    With ``c = min(|v|, delta)`` both cases are ``c (|v| - c/2)``, which overflows only where the cost itself does.
    """
    v = np.abs(y - a)
    c = np.minimum(v, delta)
    return (c * (v - c / 2)).sum(axis=1)


def huber_gradient(a: Array, y: Array, delta: float = 1.0) -> Array:
    """``a - y``, clipped to ``-delta .. delta``."""
    return np.clip(a - y, -delta, delta)


def smooth_targets(y: Array, smoothing: float, uniform: float) -> Array:
    """``(1 - s) y + s u``: label smoothing (Szegedy et al. 2016), which moves targets towards the one that favours no class.

    A network of smoothed targets is not driven to outputs of 0 and 1. BP1 takes the smoothed targets in place of ``y``.

    Parameters
    ----------
    y : array, shape (m, n_out)
    smoothing : float
        ``s``, at least 0 and below 1.
    uniform : float
        ``u``, the cost's ``uniform_target``. With 1/n_out a row that sums to 1 still does.

    Examples
    --------
    >>> smooth_targets(np.array([[0.0, 1.0, 0.0, 0.0]]), 0.1, 1 / 4)
    array([[0.025, 0.925, 0.025, 0.025]])
    """
    return (1 - smoothing) * y + smoothing * uniform


@dataclass(frozen=True, eq=False)
class Cost:
    """A cost: its value beside its gradient at the output; equal only to itself.

    Parameters
    ----------
    name : str
        Its name in messages and in ``repr``.
    value : callable
        ``value(a, y) -> (m,)``: one number an example.
    gradient : callable
        ``gradient(a, y) -> dC/da``, of the shape of ``a``, (m, n_out).
    output : str
        The output activation that this cost takes by default.
    outputs : tuple of str
        The built-in output activations that it can be used with; empty for all. An activation of the user's own is never refused.
    least, most : float
        The range of its targets.
    distribution : bool
        Whether a row of targets must sum to 1.
    partner : str
        The output activation for which BP1 is ``a - y``; empty where there is none. Only built-in costs have one.
    summary : str
        A phrase on it, for help texts.
    formula : Formula, optional
        How an explanation writes it.
    partner_formula : OutputFormula, optional
        How an explanation derives that BP1 with the partner is ``a - y``.
    """

    name: str
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    output: str = "identity"
    outputs: tuple[str, ...] = ()
    least: float = -np.inf
    most: float = np.inf
    distribution: bool = False
    partner: str = ""
    summary: str = ""
    formula: Formula | None = None
    partner_formula: OutputFormula | None = None

    @property
    def settings(self) -> dict[str, float]:
        """The numbers that it can be given, by name; most costs have none."""
        return {}

    def with_settings(self, **settings: float) -> Cost:
        """Give the same cost with other settings.

        Raises
        ------
        TypeError
            When it has no such setting.
        """
        if settings:
            raise TypeError(f"the cost {self.name} has no setting {next(iter(settings))!r}")
        return self

    def uniform_target(self, n_out: int) -> float | None:
        """Give the target that favours no class: 1/n_out in a distribution, 1/2 between 0 and 1; None without classes.

        Examples
        --------
        >>> [COSTS[name].uniform_target(4) for name in ("log_loss", "cross_entropy", "quadratic")]
        [0.25, 0.5, None]
        """
        if self.distribution:
            return 1 / n_out
        return 1 / 2 if (self.least, self.most) == (0, 1) else None

    def cancels(self, sigma: Activation) -> bool:
        """Whether the derivatives of this cost and of an output activation cancel, so that BP1 is ``a - y``: both are built-in."""
        return self is COSTS.get(self.name) and sigma is ACTIVATIONS.get(self.partner)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle a built-in by its name, so that it stays the object in the table."""
        return (find_cost, (self.name,)) if self is COSTS.get(self.name) else super().__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return f"Cost({self.name!r})"


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Huber(Cost):
    """Huber's cost: quadratic for errors up to ``delta``, linear beyond, so that an outlier's gradient is at most ``delta``.

    Two of the same ``delta`` are equal.

    Parameters
    ----------
    delta : float
        Where the cost changes from quadratic to linear, above 0.

    Examples
    --------
    >>> Huber(delta=1.0).value(np.array([[0.5], [3.0]]), np.zeros((2, 1)))
    array([0.125, 2.5  ])
    """

    delta: float = 1.0

    def __init__(self, delta: float = 1.0) -> None:
        delta = check_float("delta", delta, above=0)
        object.__setattr__(self, "delta", delta)
        super().__init__(
            "huber",
            partial(huber, delta=delta),
            partial(huber_gradient, delta=delta),
            summary=f"quadratic up to delta = {delta:g}, linear beyond; for values with outliers",
            formula=Formula(
                f"C = Σ_j c_j (|v_j| − c_j / 2),   v_j = y_j − a_j,   c_j = min(|v_j|, {delta:g})",
                rf"\frac{{∂C}}{{∂a_j}} = max(−{delta:g}, min(a_j − y_j, {delta:g}))",
            ),
        )

    @property
    def settings(self) -> dict[str, float]:
        """``delta``."""
        return {"delta": self.delta}

    def with_settings(self, **settings: float) -> Huber:
        """Give Huber's cost with another ``delta``."""
        return Huber(**settings)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.delta == other.delta

    def __hash__(self) -> int:
        return hash((Huber, self.delta))

    def __reduce__(self) -> tuple[type[Huber], tuple[float]]:
        return Huber, (self.delta,)

    def __repr__(self) -> str:
        return f"Huber(delta={self.delta:g})"


COSTS: dict[str, Cost] = {
    cost.name: cost
    for cost in (
        Cost(
            "quadratic",
            quadratic,
            quadratic_gradient,
            "sigmoid",
            partner="identity",
            summary="half the sum of squared errors, the notes' cost",
            formula=Formula(r"C = \frac{1}{2} Σ_j (y_j − a_j)^2", r"\frac{∂C}{∂a_j} = a_j − y_j"),
            partner_formula=OutputFormula(
                ("δ_j = (a_j − y_j) · 1 = a_j − y_j",), "With no activation at the output, $σ′ = 1$: the error goes on as it is."
            ),
        ),
        Cost(
            "mean_squared_error",
            mean_squared_error,
            mean_squared_error_gradient,
            summary="the sum of squared errors, for values",
            formula=Formula("C = Σ_j (y_j − a_j)^2", r"\frac{∂C}{∂a_j} = 2 (a_j − y_j)"),
        ),
        Cost(
            "cross_entropy",
            cross_entropy,
            cross_entropy_gradient,
            "sigmoid",
            ("sigmoid",),
            least=0,
            most=1,
            partner="sigmoid",
            summary="for classes, each output a probability of its own; with sigmoid",
            formula=Formula("C = −Σ_j [y_j ln a_j + (1 − y_j) ln(1 − a_j)]", r"\frac{∂C}{∂a_j} = \frac{a_j − y_j}{a_j (1 − a_j)}"),
            partner_formula=OutputFormula(
                (r"δ_j = \frac{a_j − y_j}{a_j (1 − a_j)} · a_j (1 − a_j) = a_j − y_j",),
                "The sigmoid's slope $a_j (1 − a_j)$ stands below in the cost's derivative, and above in the activation's: it "
                "cancels. A saturated output that is wrong gets its full error, which is the purpose of this cost.",
            ),
        ),
        Cost(
            "log_loss",
            log_loss,
            log_loss_gradient,
            "softmax",
            ("softmax",),
            least=0,
            most=1,
            distribution=True,
            partner="softmax",
            summary="for classes, the outputs of a row one distribution; with softmax",
            formula=Formula("C = −Σ_j y_j ln a_j", r"\frac{∂C}{∂a_j} = −\frac{y_j}{a_j}"),
            partner_formula=OutputFormula(
                (
                    r"δ_k = Σ_j (−\frac{y_j}{a_j}) · a_j ([j = k] − a_k)",
                    "= −Σ_j y_j [j = k] + a_k Σ_j y_j",
                    "= −y_k + a_k · 1 = a_k − y_k",
                ),
                "The $a_j$ cancels, the sum picks out $y_k$, and the targets sum to 1: the whole Jacobian collapses to $a − y$.",
            ),
        ),
        Cost(
            "poisson",
            poisson,
            poisson_gradient,
            "exp",
            ("exp", "sigmoid", "softmax"),
            least=0,
            partner="exp",
            summary="half the Poisson deviance, for counts; with exp",
            formula=Formula(r"C = Σ_j [a_j − y_j + y_j ln \frac{y_j}{a_j}]", r"\frac{∂C}{∂a_j} = 1 − \frac{y_j}{a_j}"),
            partner_formula=OutputFormula(
                (r"δ_j = (1 − \frac{y_j}{a_j}) · a_j = a_j − y_j",),
                "The exponential is its own slope, which cancels the $a_j$ below the fraction bar.",
            ),
        ),
        Huber(),
    )
}
"""Every built-in cost with its usual settings, by name."""


def find_cost(cost: str | Cost) -> Cost:
    """Look a cost up by name; a ``Cost`` passes through.

    Raises
    ------
    UnknownName
        When no built-in cost has that name.
    """
    return cost if isinstance(cost, Cost) else look_up("cost", cost, COSTS)


def is_built_in(cost: Cost) -> bool:
    """Whether a cost is one of the table's, with any settings, so that its name and settings describe it completely."""
    built_in = COSTS.get(cost.name)
    return built_in is not None and type(cost) is type(built_in) and built_in.with_settings(**cost.settings) == cost


def cost_for(output: str) -> str:
    """Name the cost that has this output activation as its partner; empty where none has.

    Examples
    --------
    >>> cost_for("softmax"), cost_for("tanh")
    ('log_loss', '')
    """
    return next((cost.name for cost in COSTS.values() if cost.partner == output), "")
