"""The explanation of a neuron."""

import numpy as np
import pytest
from explanation_helpers import section, text_of

import chainrule as cr
from chainrule import errors
from chainrule.explaining.blocks import Table
from chainrule.explaining.notation import format_number


@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("cost", ["quadratic", "mean_squared_error"])
def test_numbers_are_those_of_the_neuron(activation, cost):
    """The tables of the gradient and the step, and the bias's gradient, are computed as ``Neuron`` does (N6-N8)."""
    neuron = cr.Neuron([0.7, -0.4], 0.1, activation, cost)
    x, y = np.array([[0.2, 1.0], [1.5, 0.3], [-2.0, 1.0]]), np.array([0.5, 0.9, 0.2])
    explanation = cr.explain(neuron, x, y, learning_rate=0.5)
    dw, db = neuron.gradient(x, y)
    gradient = section(explanation, "N6", "N7").blocks[-1]
    assert isinstance(gradient, Table)
    assert [row[1] for row in gradient.rows] == [f"${format_number(g, 6)}$" for g in dw]
    assert format_number(db, 6) in text_of(section(explanation, "N8"))
    step = explanation.sections[-1].blocks[-1].rows
    neuron.step(x, y, 0.5)
    assert step[0][2] == f"${format_number(neuron.w[0], 6)}$"
    assert step[-1][2] == f"${format_number(neuron.cost(x, y), 6)}$"
    differences = explanation.sections[-2].blocks[-1].rows
    assert all(row[-1] == "crosses the kink" or int(row[-1]) >= 6 for row in differences)


def test_a_neuron_of_one_input_is_plotted():
    """For one input the plot has a point and an error for each example, and the output as a line."""
    explanation = cr.explain(cr.Neuron([0.7], 0.1), [[0.2], [1.0], [-1.0]], [0.5, 1.0, 0.3])
    page = explanation.html()
    assert page.count('<circle class="point"') == 3
    assert page.count('<line class="error"') == 3
    assert page.count('<polyline class="output"') == 1
    assert str(explanation).count("o") > 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cr.explain(cr.Neuron([1.0], 0), [[1.0]]), errors.DataError, "needs y"),
        (lambda: cr.explain(cr.Neuron([1.0], 0), [[1.0], [2.0, 3.0]], [1.0, 2.0]), errors.DataError, "equal length"),
        (lambda: cr.explain(cr.Neuron([1.0], 0), [[1.0]], [1.0], layer=1), errors.SettingError, "no layers"),
    ],
)
def test_a_wrong_argument_is_refused_in_a_sentence(call, error, message):
    """Missing targets, rows of different lengths, a layer to choose: one sentence each."""
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
