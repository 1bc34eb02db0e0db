"""Page 3: the shapes (N9), and feedforward (N10)."""

import naive
import numpy as np
import pytest
import scipy.sparse
from drawn import HIDDEN, KINDS, largest_error, networks, repeatable
from hypothesis import given

from chainrule.calculus.activations import ACTIVATIONS, Activation, sigmoid
from chainrule.calculus.feedforward import decision, feedforward, layer_shapes, trace, weighted_input
from chainrule.calculus.initializers import initial_parameters


def test_shapes_of_the_notes():
    """784 x 30 x 10 has matrices (30, 784) and (10, 30), biases of 30 and 10, and none for the input layer (N9)."""
    assert layer_shapes([784, 30, 10]) == [(30, 784), (10, 30)]
    weights, biases = initial_parameters([784, 30, 10], "normal", np.random.default_rng(0))
    assert [w.shape for w in weights] == [(30, 784), (10, 30)]
    assert [b.shape for b in biases] == [(30,), (10,)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", [None, *HIDDEN])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_feedforward_is_the_notes(output, hidden, kind):
    """Over a batch feedforward gives what ``a <- sigma(w a + b)``, unit by unit, gives for each example (N10)."""

    @repeatable(max_examples=5)
    @given(networks(hidden, output, "quadratic", kind))
    def agree(net):
        slow = [naive.feedforward(net.weights, net.biases, net.activations, x)[1][-1] for x in net.dense]
        assert largest_error(feedforward(net.weights, net.biases, net.sigmas, net.x), slow) < 1e-13

    agree()


def test_one_example_of_the_notes_network():
    """784 inputs become 30 activations, then 10, each a sigmoid of its weighted input (N10)."""
    weights, biases = initial_parameters([784, 30, 10], "normal", np.random.default_rng(0))
    x = np.random.default_rng(1).random((1, 784))
    inputs, zs, activations = trace(weights, biases, [ACTIVATIONS["sigmoid"]] * 2, x)
    assert [a.shape for a in inputs] == [(1, 784), (1, 30)]
    assert [z.shape for z in zs] == [a.shape for a in activations] == [(1, 30), (1, 10)]
    for z, a in zip(zs, activations, strict=True):
        np.testing.assert_array_equal(a, sigmoid(z))
    assert inputs[0] is x
    assert inputs[1] is activations[0]


def test_weighted_input_is_rows():
    """``z = a @ w.T + b``: a row an example, by hand; the same from CSR."""
    w, b, a = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0.5, 0.0, -0.5]), np.array([[1.0, 0.0], [0.0, 10.0]])
    expected = [[1.5, 3.0, 4.5], [20.5, 40.0, 59.5]]
    assert weighted_input(w, b, a).tolist() == expected
    assert weighted_input(w, b, scipy.sparse.csr_array(a)).tolist() == expected


def test_trace_multiplies_the_next_layers_input_by_the_mask():
    """A mask multiplies the input of the next layer; the layer's own activations and the outputs stay."""
    weights, biases = [np.eye(2), np.eye(2)], [np.zeros(2), np.zeros(2)]
    mask = np.array([[0.0, 2.0]])
    inputs, _, activations = trace(weights, biases, [ACTIVATIONS["identity"]] * 2, np.array([[3.0, 4.0]]), [mask, None])
    assert activations[0].tolist() == [[3.0, 4.0]]
    assert inputs[1].tolist() == activations[1].tolist() == [[0.0, 8.0]]


def test_decision():
    """The label of the largest output; of one sigmoid output 0 or 1; of another single output its value."""
    sigma = ACTIVATIONS["sigmoid"]
    assert decision(np.array([[0.1, 0.9, 0.3], [0.5, 0.5, 0.1]]), sigma).tolist() == [1, 0]
    labels = decision(np.array([[0.2], [0.5], [0.51]]), sigma)
    assert labels.tolist() == [0, 0, 1]
    assert labels.dtype.kind == "i"
    assert decision(np.array([[0.2], [7.5]]), ACTIVATIONS["identity"]).tolist() == [0.2, 7.5]
    mine = Activation("sigmoid", lambda z: z, lambda z, a: np.ones_like(z))
    assert decision(np.array([[0.7]]), mine).tolist() == [0.7]
