"""Pictures of a network's parameters: weights, deltas, the decision boundary."""

from base64 import b64decode

import numpy as np
import pytest
from naive import backprop_one

import chainrule as cr
from chainrule.errors import DataError
from chainrule.web.network_pictures import (
    BINS,
    GRID_LIMIT,
    decision_boundary,
    delta_histograms,
    plane_points,
    weight_pictures,
)


def test_weights_are_drawn_on_one_scale():
    """Each byte, undone by the scale that is told, is its weight to half a level, and the largest weight is 1 or 255."""
    net = cr.Network([784, 40, 10], seed=0)
    picture = weight_pictures(net)
    assert (picture["rows"], picture["columns"], picture["units"], picture["of"]) == (28, 28, 32, 40)
    levels = np.frombuffer(b64decode(picture["pixels"]), np.uint8).reshape(32, 784)
    weights = net.weights[0][:32]
    assert picture["scale"] == pytest.approx(np.abs(weights).max(), rel=1e-4)
    assert np.abs((levels.astype(float) - 128) / 127 * np.abs(weights).max() - weights).max() <= 0.51 / 127 * np.abs(weights).max()
    assert {int(levels.min()), int(levels.max())} & {1, 255}


def test_weights_of_zero_are_grey():
    """A layer of zeros is drawn with 128 throughout."""
    net = cr.Network([2, 3, 2], seed=0)
    net.weights[0][:] = 0
    picture = weight_pictures(net)
    assert (picture["rows"], picture["columns"]) == (1, 2)
    assert b64decode(picture["pixels"]) == bytes([128] * 6)


def test_too_many_inputs_are_not_drawn():
    """A first layer of more than 1,024 inputs has no pictures."""
    assert weight_pictures(cr.Network([1025, 2], seed=0)) is None


def test_deltas_are_those_of_backpropagation():
    """The counts of each layer are those of its deltas, computed one example at a time without the library."""
    net = cr.Network([3, 5, 2], seed=1, dtype="float64")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.integers(0, 2, 7)
    histograms = delta_histograms(net, cr.Examples(x, y))
    for layer, histogram in enumerate(histograms):
        deltas = np.concatenate([_nabla_b(net, row, np.eye(2)[label])[layer] for row, label in zip(x, y, strict=True)])
        limit = np.abs(deltas).max()
        assert histogram["limit"] == pytest.approx(limit, rel=1e-4)
        assert histogram["mean"] == pytest.approx(np.abs(deltas).mean(), rel=1e-4)
        assert sum(histogram["counts"]) == deltas.size
        assert histogram["counts"] == np.histogram(deltas, bins=BINS, range=(-limit, limit))[0].tolist()


def _nabla_b(net, x, y):
    """Give delta of each layer for one example: it is the gradient of the biases (BP3)."""
    weights, biases = [w.tolist() for w in net.weights], [b.tolist() for b in net.biases]
    return backprop_one(weights, biases, ["sigmoid", "sigmoid"], "quadratic", x.tolist(), y.tolist())[0]


def test_deltas_of_zero_are_counted():
    """Where every delta of a layer is 0 they are counted in the middle, and the limit is 0."""
    net = cr.Network([2, 3, 2], activation="relu", cost="log_loss", seed=0)
    net.biases[0][:] = -100
    first, _ = delta_histograms(net, cr.Examples(np.eye(2), [0, 1]))
    assert (first["limit"], first["mean"], first["counts"][BINS // 2]) == (0, 0, 6)


def test_parameters_that_are_not_finite_have_no_deltas():
    """A network with NaN is refused."""
    net = cr.Network([2, 2], seed=0)
    net.weights[0][0, 0] = np.nan
    with pytest.raises(DataError, match="must be finite"):
        delta_histograms(net, cr.Examples(np.eye(2), [0, 1]))


@pytest.mark.parametrize("cost", ["log_loss", "cross_entropy", "quadratic"])
def test_the_boundary_lies_where_the_prediction_changes(cost):
    """A byte above 127 stands exactly where class 1 is predicted, in rows from the lowest y, each from the lowest x."""
    net = cr.Network([2, 8, 2], activation="tanh", cost=cost, seed=3)
    picture = decision_boundary(net)
    values = np.frombuffer(b64decode(picture["values"]), np.uint8).reshape(picture["side"], picture["side"])
    axis = np.linspace(-GRID_LIMIT, GRID_LIMIT, picture["side"])
    predicted = np.array([[net.predict(np.array([[x, y]]))[0] for x in axis] for y in axis])
    outputs = np.array([net.feedforward(np.array([[x, y] for x in axis])) for y in axis])
    sure = np.abs(outputs[..., 1] - outputs[..., 0]) > 0.01
    assert sure.mean() > 0.5
    assert np.array_equal((values > 127)[sure], (predicted == 1)[sure])
    assert len(np.unique(predicted)) == 2


def test_other_networks_have_no_boundary():
    """A network of more than two inputs or outputs has no boundary in the plane."""
    assert decision_boundary(cr.Network([3, 2], seed=0)) is None
    assert decision_boundary(cr.Network([2, 3], seed=0)) is None


def test_points_are_those_of_the_plane():
    """The points of the plane are listed by coordinate and class; other examples have none."""
    examples = cr.Examples([[0.5, -0.25], [1 / 3, 1.0]], [0, 1])
    assert plane_points(examples) == {"x": [0.5, 0.33333], "y": [-0.25, 1.0], "class": [0, 1]}
    assert plane_points(cr.Examples(np.ones((2, 3)), [0, 1])) is None


def test_outputs_that_overflow_are_drawn_as_undecided():
    """Finite parameters whose outputs are NaN give a boundary without a class, no deltas, and no warning."""
    net = cr.Network([2, 4, 2], activation="exp", cost="log_loss", seed=0)
    net.weights[0][:] = 1e30
    net.weights[1][:] = [[1e30], [-1e30]]
    values = np.frombuffer(b64decode(decision_boundary(net)["values"]), np.uint8)
    assert 128 in values
    with pytest.raises(DataError, match="overflow"):
        delta_histograms(net, cr.Examples(np.eye(2), [0, 1]))
