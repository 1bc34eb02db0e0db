"""Every gradient before three witnesses: naive.py, central differences, and somebody else's automatic differentiation."""

import autograd
import autograd.numpy as anp
import naive
import numpy as np
import pytest
import scipy.sparse
from autograd.scipy.special import erf
from drawn import HIDDEN, KINDS, KINKED, PAIRS, central_difference, judgeable, largest_error, networks, read_only, repeatable
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import xlogy

from chainrule.calculus.activations import ACTIVATIONS, Activation, sigmoid
from chainrule.calculus.backprop import Gradient, backprop, output_delta
from chainrule.calculus.costs import COSTS, Cost
from chainrule.calculus.feedforward import feedforward, trace

AUTOGRAD_ACTIVATIONS = {
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "relu": lambda z: anp.maximum(z, 0),
    "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
    "identity": lambda z: z,
    "exp": anp.exp,
    "gelu": lambda z: z * (1 + erf(z / anp.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + anp.exp(-z)),
    "mish": lambda z: z * anp.tanh(anp.log1p(anp.exp(z))),
    "selu": lambda z: 1.0507009873554805 * anp.where(z > 0, z, 1.6732632423543772 * anp.expm1(z)),
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True),
}
AUTOGRAD_COSTS = {
    "quadratic": lambda a, y: anp.sum((a - y) ** 2, axis=1) / 2,
    "mean_squared_error": lambda a, y: anp.sum((a - y) ** 2, axis=1),
    "cross_entropy": lambda a, y: -anp.sum(y * anp.log(a) + (1 - y) * anp.log(1 - a), axis=1),
    "log_loss": lambda a, y: -anp.sum(y * anp.log(a), axis=1),
    "poisson": lambda a, y: anp.sum(a - y + xlogy(y, y) - y * anp.log(a), axis=1),
    "huber": lambda a, y: anp.sum(anp.where(anp.abs(a - y) <= 1, (a - y) ** 2 / 2, anp.abs(a - y) - 1 / 2), axis=1),
}


PARTNERS = [(ACTIVATIONS[cost.partner], cost) for cost in COSTS.values() if cost.partner]


def autograd_cost(parameters, net):
    """The batch's summed cost, written as one would for autograd."""
    weights, biases = parameters
    a = net.dense
    for layer, (w, b, name) in enumerate(zip(weights, biases, net.activations, strict=True)):
        a = AUTOGRAD_ACTIVATIONS[name](anp.dot(a, w.T) + b)
        if net.masks is not None and net.masks[layer] is not None:
            a = a * net.masks[layer]
    costs = AUTOGRAD_COSTS[net.cost](a, net.y)
    return anp.sum(costs if net.row_weights is None else costs * net.row_weights)


def library_costs(parameters, net):
    """Each example's cost as the library has it; parameters are the weights, then the biases."""
    n = len(net.weights)
    a = trace(parameters[:n], parameters[n:], net.sigmas, net.x, net.masks).activations[-1]
    costs = COSTS[net.cost].value(a, net.y)
    return costs if net.row_weights is None else costs * net.row_weights


def sides_of_kinks(parameters, net):
    """The side of each kink that each example is on: of each unit with a kink at 0, and of huber's change to a straight line."""
    n = len(net.weights)
    _, zs, activations = trace(parameters[:n], parameters[n:], net.sigmas, net.x, net.masks)
    sides = [(z > 0).ravel() for z, name in zip(zs, net.activations, strict=True) if name in KINKED]
    if net.cost == "huber":
        sides.append((np.abs(activations[-1] - net.y) > 1).ravel())
    return np.concatenate(sides or [[]])


def library_gradient(net):
    """The library's own gradient."""
    return backprop(net.weights, net.biases, net.sigmas, COSTS[net.cost], net.x, net.y, net.row_weights, net.masks)


def assert_near(found, expected, tolerance):
    """Hold two gradients together, array by array, relative to each array's largest magnitude."""
    for one, other in zip([*found[0], *found[1]], [*expected[0], *expected[1]], strict=True):
        assert largest_error(one, other) <= tolerance


# Every pair with every kind of input and no hidden layer, and with three of the hidden activations: each has every pair.
CASES = [
    (output, cost, hidden, kind)
    for k, (output, cost) in enumerate(PAIRS)
    for j, kind in enumerate(KINDS)
    for hidden in [None, *(HIDDEN[(3 * k + j + step) % len(HIDDEN)] for step in (0, 3, 7))]
]


@pytest.mark.parametrize(("output", "cost", "hidden", "kind"), CASES)
def test_gradient_agrees_with_three_references(output, cost, hidden, kind):
    """A gradient agrees with naive.py to 1e-12, with central differences to 1e-7 and with autograd to 1e-10 (BP1-BP4)."""

    @repeatable(max_examples=3)
    @given(networks(hidden, output, cost, kind))
    def witnesses(net):
        plain = net.weights, net.biases, net.activations, cost, net.dense.tolist(), net.y.tolist(), net.row_weights, net.masks
        slow, expected = naive.batch_cost(*plain), naive.backprop(*plain)
        assume(judgeable(*expected, slow))
        if (output, cost) == ("softmax", "huber"):  # if every error is beyond delta, the gradient cancels to exactly 0
            assume(any(np.any(part) for part in expected[0]))
        _, gradient = library_gradient(net)
        assert_near(gradient, expected, 1e-12)

        parameters = [*net.weights, *net.biases]
        assert library_costs(parameters, net).sum() == pytest.approx(slow, rel=1e-12, abs=1e-13)
        differences = central_difference(lambda at: library_costs(at, net), parameters, lambda at: sides_of_kinks(at, net))
        n = len(net.weights)
        assert_near(gradient, (differences[n:], differences[:n]), 1e-7)

        their_w, their_b = autograd.grad(autograd_cost)((list(net.weights), list(net.biases)), net)
        assert_near(gradient, (their_b, their_w), 1e-10)

    witnesses()


def test_pairs_are_every_activation_and_cost():
    """The pairs above leave out no activation, no cost, and no pair that a cost allows."""
    assert {output for output, _ in PAIRS} == set(ACTIVATIONS)
    assert {cost for _, cost in PAIRS} == set(COSTS)
    assert len(PAIRS) == 3 * len(ACTIVATIONS) + 1 + 1 + 3


def small_batch(activations=("tanh", "sigmoid"), dtype="float64"):
    """A [4, 3, 2] network and a batch of 5, in a dtype."""
    rng = np.random.default_rng(8)
    weights = [(rng.standard_normal(shape) / 2).astype(dtype) for shape in [(3, 4), (2, 3)]]
    biases = [rng.standard_normal(n).astype(dtype) for n in (3, 2)]
    x = rng.standard_normal((5, 4)).astype(dtype)
    y = rng.dirichlet([1, 1], 5).astype(dtype)
    read_only(*weights, *biases, x, y)
    return weights, biases, [ACTIVATIONS[name] for name in activations], x, y


def test_gradient_unpacks_as_in_the_book():
    """``nabla_b, nabla_w = gradient`` has the shapes of biases and weights, and the outputs are feedforward's."""
    weights, biases, sigmas, x, y = small_batch()
    a, (nabla_b, nabla_w) = backprop(weights, biases, sigmas, COSTS["quadratic"], x, y)
    assert [g.shape for g in nabla_b] == [b.shape for b in biases]
    assert [g.shape for g in nabla_w] == [w.shape for w in weights]
    np.testing.assert_array_equal(a, feedforward(weights, biases, sigmas, x))


def test_gradient_is_the_sum_over_the_examples():
    """A batch's gradient is the sum of its examples' own (BP3, BP4), and a weight of 3 counts an example three times."""
    weights, biases, sigmas, x, y = small_batch()
    cost = COSTS["quadratic"]
    _, whole = backprop(weights, biases, sigmas, cost, x, y)
    ones = [backprop(weights, biases, sigmas, cost, x[i : i + 1], y[i : i + 1])[1] for i in range(len(x))]
    summed = Gradient(*([sum(parts) for parts in zip(*lists, strict=True)] for lists in zip(*ones, strict=True)))
    assert_near(whole, summed, 1e-14)

    _, weighted = backprop(weights, biases, sigmas, cost, x, y, row_weights=np.array([3.0, 0, 1, 0, 0]))
    _, repeated = backprop(weights, biases, sigmas, cost, x[[0, 0, 0, 2]], y[[0, 0, 0, 2]])
    assert_near(weighted, repeated, 1e-14)


@pytest.mark.parametrize("sparse", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_csr_gives_plain_arrays(sparse):
    """CSR input of either make gives ordinary arrays, equal to the dense gradient."""
    weights, biases, sigmas, x, y = small_batch()
    _, gradient = backprop(weights, biases, sigmas, COSTS["quadratic"], sparse(x), y)
    assert {type(part) for parts in gradient for part in parts} == {np.ndarray}
    assert_near(gradient, backprop(weights, biases, sigmas, COSTS["quadratic"], x, y)[1], 1e-14)


@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_float32_stays_float32(output, cost, hidden, kind):
    """In float32 the outputs and gradients are float32, and agree with float64 to single precision."""
    weights, biases, sigmas, x, y = small_batch((hidden, output), "float32")
    rows, row_weights = (scipy.sparse.csr_array(x) if kind == "csr" else x), np.ones(5, "float32")
    masks = [np.full((5, 3), 2, "float32"), None]
    a, gradient = backprop(weights, biases, sigmas, COSTS[cost], rows, y, row_weights, masks)
    assert {part.dtype for part in (a, *gradient.nabla_b, *gradient.nabla_w)} == {np.dtype("float32")}

    double = [[part.astype(float) for part in parts] for parts in (weights, biases)]
    wide_masks = [np.full((5, 3), 2.0), None]
    _, expected = backprop(*double, sigmas, COSTS[cost], x.astype(float), y.astype(float), masks=wide_masks)
    assert_near(gradient, expected, 1e-4)


@pytest.mark.parametrize(("sigma", "cost"), PARTNERS, ids=lambda part: part.name)
@repeatable(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_collapsed_pair_is_the_long_way(sigma, cost, seed):
    """For each pair in the table the pullback of the cost's gradient is ``a - y``, which the output's delta takes at once (BP1)."""
    rng = np.random.default_rng(seed)
    z, y = 2 * rng.standard_normal((6, 4)), rng.dirichlet(np.ones(4), 6)
    a = sigma.value(z)
    short = output_delta(cost, sigma, z, a, y)
    np.testing.assert_array_equal(short, a - y)
    assert largest_error(short, sigma.pullback(z, a, cost.gradient(a, y))) < 1e-12


def test_the_partners_of_the_costs():
    """The costs' partners are the three of the book, and exp with poisson."""
    named = {(sigma.name, cost.name) for sigma, cost in PARTNERS}
    assert named == {("identity", "quadratic"), ("sigmoid", "cross_entropy"), ("softmax", "log_loss"), ("exp", "poisson")}


def test_ones_own_sigmoid_is_not_the_built_in():
    """An activation or cost of one's own that bears a built-in's name keeps its own derivative in BP1."""
    steep = Activation("sigmoid", lambda z: sigmoid(2 * z), lambda z, a: 2 * a * (1 - a))
    z, y = np.array([[0.3, -1.0]]), np.array([[1.0, 0.0]])
    a = steep.value(z)
    np.testing.assert_allclose(output_delta(COSTS["cross_entropy"], steep, z, a, y), 2 * (a - y), rtol=1e-13)

    double = Cost(
        "cross_entropy", lambda a, y: 2 * COSTS["cross_entropy"].value(a, y), lambda a, y: 2 * COSTS["cross_entropy"].gradient(a, y)
    )
    a = sigmoid(z)
    np.testing.assert_allclose(output_delta(double, ACTIVATIONS["sigmoid"], z, a, y), 2 * (a - y), rtol=1e-13)
