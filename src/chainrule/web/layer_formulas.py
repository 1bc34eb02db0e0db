"""The formulas behind a network's layers, from the tables of the library's explanations, as MathML and as text."""

from __future__ import annotations

from typing import Any

from ..explaining.formula_markup import to_mathml, to_text
from ..explaining.notation import cost_formula, forward_formulas, output_delta_formula
from ..network import Network


def layer_formulas(network: Network) -> list[dict[str, Any]]:
    """Give the formulas of each layer (N10): its number from 1, its units, its activation's name, and the lines."""
    return [
        {
            "layer": number,
            "inputs": layer.n_in,
            "units": layer.n_out,
            "activation": sigma.name,
            "lines": [_written(line) for line in forward_formulas(number, sigma)],
        }
        for number, (layer, sigma) in enumerate(zip(network.plan.layers, network.plan.sigmas, strict=True), start=1)
    ]


def cost_formulas(network: Network) -> dict[str, Any]:
    """Give the cost's formula (N1), and the lines of its error at the output (BP1)."""
    cost, output = network.plan.cost_function, network.plan.sigmas[-1]
    lines = (cost_formula(cost).value, *output_delta_formula(output, cost).lines)
    return {"cost": cost.name, "lines": [_written(line) for line in lines]}


def _written(markup: str) -> dict[str, str]:
    return {"mathml": to_mathml(markup, block=True), "text": to_text(markup)}
