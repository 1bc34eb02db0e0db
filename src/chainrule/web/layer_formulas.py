"""The formulas behind a network's layers, from the tables of the library's explanations, as MathML and as text."""

from __future__ import annotations

from typing import Any

from ..calculus.activations import Activation
from ..calculus.costs import Cost
from ..explaining import notation
from ..explaining.formula_markup import to_mathml, to_text
from ..network import Network


def layer_formulas(network: Network) -> list[dict[str, Any]]:
    """Give the formulas of each layer: its number from 1, its units, its activation's name, and the lines.

    The lines are those of the forward pass (N10), and for a hidden layer that of its error (BP2).
    """
    layers = enumerate(zip(network.plan.layers, network.plan.sigmas, strict=True), start=1)
    return [
        {
            "layer": number,
            "inputs": layer.n_in,
            "units": layer.n_out,
            "activation": sigma.name,
            "lines": [_written(line) for line in _layer_lines(number, sigma, hidden=number < len(network.plan.layers))],
        }
        for number, (layer, sigma) in layers
    ]


def cost_formulas(network: Network) -> dict[str, Any]:
    """Give the cost's formula (N1), and the lines of its error at the output (BP1)."""
    cost, output = network.plan.cost_function, network.plan.sigmas[-1]
    lines = (notation.cost_formula(cost).value, *_output_lines(output, cost))
    return {"cost": cost.name, "lines": [_written(line) for line in lines]}


def _layer_lines(number: int, sigma: Activation, *, hidden: bool) -> tuple[str, ...]:
    forward = notation.forward_formulas(number, sigma)
    return (*forward, notation.hidden_delta_formula(number, sigma)) if hidden else forward


def _output_lines(sigma: Activation, cost: Cost) -> tuple[str, ...]:
    """Give the short derivation where one is written; else the chain rule with the two derivatives that it multiplies."""
    short = notation.output_delta_formula(sigma, cost).lines
    derivatives = (notation.cost_formula(cost).derivative, notation.activation_formula(sigma).derivative)
    return short or (notation.output_chain_rule(sigma), *derivatives)


def _written(markup: str) -> dict[str, str]:
    return {"mathml": to_mathml(markup, block=True), "text": to_text(markup)}
