"""Page 3: the shapes (N9), the starts, and feedforward (N10)."""

import naive
import numpy as np
import pytest
import scipy.sparse
from drawn import HIDDEN, KINDS, largest_error, networks, repeatable
from hypothesis import given

from chainrule.calculus.activations import ACTIVATIONS, Activation, sigmoid
from chainrule.calculus.feedforward import decision, feedforward, layer_shapes, trace, weighted_input
from chainrule.calculus.initializers import INITIALIZERS, initial_parameters
from chainrule.errors import SettingError, UnknownName


def test_shapes_of_the_notes():
    """784 x 30 x 10 has matrices (30, 784) and (10, 30), biases of 30 and 10, and none for the input layer (N9)."""
    assert layer_shapes([784, 30, 10]) == [(30, 784), (10, 30)]
    weights, biases = initial_parameters([784, 30, 10], "normal", np.random.default_rng(0))
    assert [w.shape for w in weights] == [(30, 784), (10, 30)]
    assert [b.shape for b in biases] == [(30,), (10,)]


@pytest.mark.parametrize("init", INITIALIZERS)
@pytest.mark.parametrize("sizes", [[1, 1], [3, 2], [2, 5, 4, 1]])
def test_shapes_of_any_sizes(init, sizes):
    """Any two sizes or more make one matrix (n_out, n_in) and one bias (n_out,) a layer, in float64, by every start."""
    weights, biases = initial_parameters(sizes, init, np.random.default_rng(0))
    assert [w.shape for w in weights] == list(zip(sizes[1:], sizes[:-1], strict=True))
    assert [b.shape for b in biases] == [(n,) for n in sizes[1:]]
    assert {part.dtype for part in (*weights, *biases)} == {np.dtype("float64")}


@pytest.mark.parametrize(
    ("init", "spread", "bias_spread"),
    [
        ("normal", 1, 1),
        ("scaled", 1 / np.sqrt(400), 1),
        ("glorot_uniform", np.sqrt(2 / 1000), 0),
        ("he_normal", np.sqrt(2 / 400), 0),
    ],
)
def test_spread_of_the_starts(init, spread, bias_spread):
    """Over a big layer a start's weights and biases have mean 0 and the spread that it promises."""
    (w,), (b,) = initial_parameters([400, 600], init, np.random.default_rng(1))
    assert abs(w.mean()) < 5 * spread / np.sqrt(w.size)
    assert w.std() == pytest.approx(spread, rel=0.01)
    assert abs(b.mean()) <= 5 * bias_spread / np.sqrt(b.size)
    assert b.std() == pytest.approx(bias_spread, rel=0.1)


def test_glorot_is_uniform_the_others_normal():
    """Glorot's weights fill an interval and stay in it; the normal starts have a normal's tails."""
    (w,), _ = initial_parameters([400, 600], "glorot_uniform", np.random.default_rng(2))
    bound = np.sqrt(6 / 1000)
    assert bound * 0.999 < np.abs(w).max() <= bound
    assert np.mean(np.abs(w) < bound / 2) == pytest.approx(0.5, abs=0.01)
    for init in ("normal", "scaled", "he_normal"):
        (w,), _ = initial_parameters([400, 600], init, np.random.default_rng(2))
        assert np.mean(np.abs(w) < w.std()) == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize("init", INITIALIZERS)
def test_seed_reproduces_the_start(init):
    """The same seed gives the same bits, another seed another network, and global random state is left alone."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (initial_parameters([5, 4, 3], init, np.random.default_rng(seed)) for seed in (7, 7, 8))
    for one, same, different in zip(first[0], again[0], other[0], strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, different)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_unknown_start():
    """A start in no table is refused with the nearest that is."""
    with pytest.raises(UnknownName, match="did you mean 'normal'") as caught:
        initial_parameters([2, 1], "nromal", np.random.default_rng(0))
    assert isinstance(caught.value, SettingError)


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


def test_trace_hands_on_what_dropout_leaves():
    """A mask multiplies what a layer hands on, and leaves the layer's own activations and the outputs."""
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
