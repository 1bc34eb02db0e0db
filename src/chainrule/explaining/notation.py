"""How numbers and functions are written in an explanation, as markup for formulas.

The formulas of the built-in activations and costs are in their tables, in ``calculus``.
"""

from __future__ import annotations

from ..calculus.activations import ACTIVATIONS, Activation
from ..calculus.costs import Cost
from ..calculus.formulas import Formula, OutputFormula

DIGITS = 4


def format_number(value: float, digits: int = DIGITS) -> str:
    """Write a number in a few significant digits, as markup.

    Examples
    --------
    >>> format_number(0.0123456), format_number(-1.5e-7), format_number(120)
    ('0.01235', '−1.5·10^{−7}', '120')
    """
    text = f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0 takes the sign off a 0
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    sign = "−" if exponent[0] == "−" else ""
    return f"{mantissa}·10^{{{sign}{exponent.lstrip('+−').lstrip('0')}}}"


def inline_number(value: float, digits: int = DIGITS) -> str:
    """Write a number as a formula between dollar signs, for a table's cell or a sentence."""
    return f"${format_number(value, digits)}$"


def literal(name: str) -> str:
    """Write a name that the user chose, without the characters that would be read as markup."""
    plain = "".join(" " if letter in "{}$`\\" or not letter.isprintable() else letter for letter in name)
    return rf"\text{{{plain}}}"


def format_factor(value: float, digits: int = DIGITS) -> str:
    """Write a number as a factor: a negative one, or one with a power of ten, in parentheses."""
    text = format_number(value, digits)
    return f"({text})" if text.startswith("−") or "^" in text else text


def activation_formula(sigma: Activation) -> Formula:
    """Give the formula of an activation; one of the user's own is written by its name."""
    if sigma.formula is not None:
        return sigma.formula
    return Formula(f"σ(z) = {literal(sigma.name)}(z)", "σ′(z)  as its derivative gives it", "An activation of your own.")


def forward_formulas(number: int, sigma: Activation) -> tuple[str, str]:
    """Give the formulas of a layer (N10), whose number counts from 1: its weighted inputs, and their activation."""
    weighted = f"z^{number} = w^{number} a^{number - 1} + b^{number}"
    return weighted, f"a^{number} = σ(z^{number}),   {activation_formula(sigma).value}"


def cost_formula(cost: Cost) -> Formula:
    """Give the formula of a cost; one of the user's own is written by its name."""
    return cost.formula or Formula(f"C = {literal(cost.name)}(a, y)", r"\frac{∂C}{∂a_j}  as its gradient gives it")


def output_delta_formula(sigma: Activation, cost: Cost) -> OutputFormula:
    """Give the derivation of BP1 for an output activation and a cost: it ends in ``a - y`` where their derivatives cancel."""
    if cost.cancels(sigma) and cost.partner_formula is not None:
        return cost.partner_formula
    return sigma.output_formula or OutputFormula((), "The derivatives do not cancel: $σ′(z)$ remains.")


def output_chain_rule(sigma: Activation) -> str:
    """Give BP1 for any cost: by the chain rule over one output, or over all of them where each depends on each ``z``."""
    if sigma is ACTIVATIONS["softmax"]:
        return r"δ_k = \frac{∂C}{∂z_k} = Σ_j \frac{∂C}{∂a_j} · \frac{∂a_j}{∂z_k}"
    return r"δ_j = \frac{∂C}{∂z_j} = \frac{∂C}{∂a_j} · \frac{∂a_j}{∂z_j} = \frac{∂C}{∂a_j} · σ′(z_j)"


def hidden_delta_formula(number: int, sigma: Activation) -> str:
    """Give BP2 of a hidden layer, whose number counts from 1, with the derivative of its activation."""
    following = number + 1
    return f"δ^{number} = ((w^{following})^T δ^{following}) ⊙ σ′(z^{number}),   {activation_formula(sigma).derivative}"
