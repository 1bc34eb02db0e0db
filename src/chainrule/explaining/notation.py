"""How numbers and functions are written in an explanation: markup for formulas, and the words for this network's own choices."""

from __future__ import annotations

from dataclasses import dataclass

from ..calculus import activations, costs
from ..calculus.activations import Activation
from ..calculus.costs import Cost

DIGITS = 4


def format_number(value: float, digits: int = DIGITS) -> str:
    """Write a number in a few significant digits, as markup.

    Examples
    --------
    >>> format_number(0.0123456), format_number(-1.5e-7), format_number(120)
    ('0.01235', '−1.5·10^{−7}', '120')
    """
    said = f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0 takes the sign off a 0
    mantissa, e, exponent = said.partition("e")
    if not e:
        return said
    sign = "−" if exponent[0] == "−" else ""
    return f"{mantissa}·10^{{{sign}{exponent.lstrip('+−').lstrip('0')}}}"


def inline_number(value: float, digits: int = DIGITS) -> str:
    """Write a number for a table's cell or a sentence, which mark what is a formula."""
    return f"${format_number(value, digits)}$"


def literal(name: str) -> str:
    """Write a name that is not ours as it is, but for what would be read as markup."""
    plain = "".join(" " if letter in "{}$`\\" or not letter.isprintable() else letter for letter in name)
    return rf"\text{{{plain}}}"


def format_factor(value: float, digits: int = DIGITS) -> str:
    """Write a number as a factor: a negative one, or one with a power of ten, in parentheses."""
    said = format_number(value, digits)
    return f"({said})" if said.startswith("−") or "^" in said else said


@dataclass(frozen=True)
class Written:
    """How a function is written: its value and its derivative as markup, and what is worth saying of it."""

    value: str
    derivative: str
    words: str = ""


@dataclass(frozen=True)
class Pair:
    """What becomes of the chain rule at the output, for one activation and cost."""

    lines: tuple[str, ...]
    words: str


_ACTIVATIONS = {
    "sigmoid": Written(
        r"σ(z) = \frac{1}{1 + e^{−z}}",
        "σ′(z) = σ(z) (1 − σ(z)) = a (1 − a)",
        "The sigmoid squeezes any number into (0, 1). Its slope is largest at $z = 0$, where it is 1/4, and all but 0 where $|z|$ "
        "is large: "
        "there the unit is saturated, and learns slowly.",
    ),
    "tanh": Written("σ(z) = tanh(z)", "σ′(z) = 1 − a^2", "tanh squeezes any number into (−1, 1); its slope is 1 at $z = 0$."),
    "relu": Written(
        "σ(z) = max(0, z)",
        "σ′(z) = 0  where  z ≤ 0,   σ′(z) = 1  where  z > 0",
        "ReLU has two cases. Where $z > 0$ it lets the number through, and the error comes back whole; where $z ≤ 0$ it answers "
        "0, and nothing "
        "comes back.",
    ),
    "leaky_relu": Written(
        "σ(z) = max(0.01 z, z)",
        "σ′(z) = 0.01  where  z ≤ 0,   σ′(z) = 1  where  z > 0",
        "Leaky ReLU has two cases: where $z > 0$ all comes through, else a hundredth.",
    ),
    "identity": Written("σ(z) = z", "σ′(z) = 1", "Nothing is cut off: the activation is the weighted input itself."),
    "exp": Written("σ(z) = e^z", "σ′(z) = e^z = a", "The exponential makes any number a positive rate; it is its own slope."),
    "softmax": Written(
        r"a_j = \frac{e^{z_j}}{Σ_k e^{z_k}}",
        r"\frac{∂a_j}{∂z_k} = a_j ([j = k] − a_k)",
        "Softmax makes the outputs one distribution: they are positive and sum to 1. So each output depends on every $z$, and the "
        "derivative is a "
        "whole matrix, the Jacobian; $[j = k]$ is 1 where $j$ is $k$, else 0.",
    ),
}

_COSTS = {
    "quadratic": Written(r"C = \frac{1}{2} Σ_j (y_j − a_j)^2", r"\frac{∂C}{∂a_j} = a_j − y_j"),
    "mean_squared_error": Written("C = Σ_j (y_j − a_j)^2", r"\frac{∂C}{∂a_j} = 2 (a_j − y_j)"),
    "cross_entropy": Written("C = −Σ_j [y_j ln a_j + (1 − y_j) ln(1 − a_j)]", r"\frac{∂C}{∂a_j} = \frac{a_j − y_j}{a_j (1 − a_j)}"),
    "log_loss": Written("C = −Σ_j y_j ln a_j", r"\frac{∂C}{∂a_j} = −\frac{y_j}{a_j}"),
    "poisson": Written(r"C = Σ_j [a_j − y_j + y_j ln \frac{y_j}{a_j}]", r"\frac{∂C}{∂a_j} = 1 − \frac{y_j}{a_j}"),
}

_COLLAPSES = {
    ("identity", "quadratic"): Pair(
        ("δ_j = (a_j − y_j) · 1 = a_j − y_j",),
        "With no activation at the output, $σ′ = 1$: the error goes on as it is.",
    ),
    ("sigmoid", "cross_entropy"): Pair(
        (r"δ_j = \frac{a_j − y_j}{a_j (1 − a_j)} · a_j (1 − a_j) = a_j − y_j",),
        "The sigmoid's slope $a_j (1 − a_j)$ stands below in the cost's derivative, and above in the activation's: it cancels. A "
        "saturated output "
        "that is wrong is told so at full strength, which is what this cost is for.",
    ),
    ("softmax", "log_loss"): Pair(
        (
            r"δ_k = Σ_j (−\frac{y_j}{a_j}) · a_j ([j = k] − a_k)",
            "= −Σ_j y_j [j = k] + a_k Σ_j y_j",
            "= −y_k + a_k · 1 = a_k − y_k",
        ),
        "The $a_j$ cancels, the sum picks out $y_k$, and the targets sum to 1: the whole Jacobian collapses to $a − y$.",
    ),
    ("exp", "poisson"): Pair(
        (r"δ_j = (1 − \frac{y_j}{a_j}) · a_j = a_j − y_j",),
        "The exponential is its own slope, and meets the $a_j$ below: it cancels.",
    ),
}


def of_activation(sigma: Activation) -> Written:
    """How an activation is written; one of the user's own by its name."""
    if sigma is activations.ACTIVATIONS.get(sigma.name):
        return _ACTIVATIONS[sigma.name]
    return Written(f"σ(z) = {literal(sigma.name)}(z)", "σ′(z)  as its derivative gives it", "An activation of your own.")


def of_cost(cost: Cost) -> Written:
    """How a cost is written; one of the user's own by its name."""
    if cost is costs.COSTS.get(cost.name):
        return _COSTS[cost.name]
    return Written(f"C = {literal(cost.name)}(a, y)", r"\frac{∂C}{∂a_j}  as its gradient gives it")


def pair(sigma: Activation, cost: Cost) -> Pair:
    """What becomes of ``dC/da`` times the activation's derivative: four pairs collapse to ``a - y``, the others do not."""
    if (sigma, cost) in costs.COLLAPSES:
        return _COLLAPSES[sigma.name, cost.name]
    if sigma is activations.ACTIVATIONS["softmax"]:
        return Pair((r"δ_k = a_k (\frac{∂C}{∂a_k} − Σ_j \frac{∂C}{∂a_j} a_j)",), "Nothing cancels here: the Jacobian stays.")
    if sigma.name == "identity":
        return Pair((), "With no activation at the output $σ′ = 1$: the cost's own slope goes on as it is.")
    words = "Nothing cancels here: $σ′(z)$ stands."
    if sigma.name in ("sigmoid", "tanh"):
        words += " An output that is saturated has a $σ′$ near 0, and so a small $δ$, however wrong it is."
    return Pair((), words)
