"""The formulas behind a network's layers: each layer, hidden or output, has the formula of its error."""

import pytest

import chainrule as cr
from chainrule.web.layer_formulas import cost_formulas, layer_formulas


def texts(formulas):
    """Give the lines as text."""
    return [line["text"] for line in formulas["lines"]]


def test_each_hidden_layer_has_its_error():
    """The last line of a hidden layer is BP2, from the layer after it; the output layer has none."""
    first, second, output = layer_formulas(cr.Network([2, 3, 4, 2], activation="tanh", seed=0))
    assert texts(first)[-1].startswith("δ¹ = ((w²)ᵀ δ²) ⊙ σ′(z¹),   σ′(z) = ")
    assert texts(second)[-1].startswith("δ² = ((w³)ᵀ δ³) ⊙ σ′(z²),   σ′(z) = ")
    assert not any("δ" in line for line in texts(output))


def test_the_quadratic_cost_has_the_error_of_the_long_way():
    """Where the derivatives do not cancel, BP1 is the chain rule, followed by the derivatives of the cost and of the activation."""
    cost = cost_formulas(cr.Network([2, 2], cost="quadratic", seed=0))
    assert texts(cost)[1:] == [
        "δⱼ = ∂C/∂zⱼ = ∂C/∂aⱼ · ∂aⱼ/∂zⱼ = ∂C/∂aⱼ · σ′(zⱼ)",
        "∂C/∂aⱼ = aⱼ − yⱼ",
        "σ′(z) = σ(z) (1 − σ(z)) = a (1 − a)",
    ]


@pytest.mark.parametrize("cost", ["cross_entropy", "log_loss"])
def test_a_cost_whose_derivative_cancels_has_the_short_derivation(cost):
    """Where the derivatives cancel, the last line ends in a − y."""
    assert texts(cost_formulas(cr.Network([2, 2], cost=cost, seed=0)))[-1].replace("ₖ", "ⱼ").endswith("aⱼ − yⱼ")
