"""The forward and backward pass that is explained: its gradients, central differences and step agree with independent ones."""

import naive
import numpy as np
import pytest
from drawn import PAIRS
from explanation_helpers import HIDDEN, batch_for, unsaturated_network
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.explaining import batch_pass
from chainrule.explaining.batch_pass import ParameterIndex, run_batch
from chainrule.explaining.central_difference import central_difference


@given(st.sampled_from(PAIRS), st.sampled_from(HIDDEN), st.integers(1, 5), st.integers(0, 2**20))
def test_every_gradient_is_the_naive_one(pair, hidden, m, seed):
    """The gradient at any index is the naive one, summed example by example (BP1-BP4)."""
    output, cost = pair
    net = unsaturated_network(hidden, output, cost, seed=seed)
    batch = run_batch(net, batch_for(net, m, seed))
    sigmas = [sigma.name for sigma in batch.sigmas]
    nabla_b, nabla_w = naive.backprop(batch.weights, batch.biases, sigmas, cost, batch.x, batch.y)
    for layer, (b, w) in enumerate(zip(nabla_b, nabla_w, strict=True)):
        tolerance = 1e-11 * max(np.abs(w).max(), np.abs(b).max(), 1e-12)
        for unit in range(len(b)):
            assert batch.gradient_at(ParameterIndex(layer, unit, None)) == pytest.approx(b[unit], abs=tolerance)
            for k in range(len(w[0])):
                assert batch.gradient_at(ParameterIndex(layer, unit, k)) == pytest.approx(w[unit][k], abs=tolerance)


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_the_largest_gradient_is_found(monkeypatch, chunk):
    """The weight of largest ``|dC/dw|`` in a layer is found, also among those of one unit or one input."""
    monkeypatch.setattr(batch_pass, "GRADIENT_CHUNK", chunk)
    net = unsaturated_network("tanh", "sigmoid", "quadratic", (5, 6, 4))
    batch = run_batch(net, batch_for(net, 3, 1))
    size = np.abs(net.backprop(batch_for(net, 3, 1)).nabla_w[0])
    assert batch.largest_gradient(0) == ParameterIndex(0, *map(int, np.unravel_index(size.argmax(), size.shape)))
    assert batch.largest_gradient(0, unit=2) == ParameterIndex(0, 2, int(size[2].argmax()))
    assert batch.largest_gradient(0, input_=3) == ParameterIndex(0, int(size[:, 3].argmax()), 3)
    assert batch.largest_gradient(0, 4, 1) == ParameterIndex(0, 4, 1)


@pytest.mark.parametrize(("output", "cost"), PAIRS)
@pytest.mark.parametrize("hidden", ["sigmoid", "relu", "tanh"])
def test_a_central_difference_agrees_with_backpropagation(hidden, output, cost):
    """For every pair of output and cost the two share at least six digits, and differ by no more than the estimated error."""
    net = unsaturated_network(hidden, output, cost, seed=3)
    batch = run_batch(net, batch_for(net, 4, 3))
    for layer in range(3):
        index = batch.largest_gradient(layer)
        gradient = batch.gradient_at(index) / batch.m
        difference = batch.central_difference(layer, batch.z_direction(index))
        assert difference.crosses_kink or difference.shared_digits(gradient) >= 6
        assert difference.crosses_kink or difference.agrees(gradient)


def test_a_saturated_network_agrees_with_its_central_difference():
    """Where a sigmoid is rounded to 1, the difference of the cost still shares its digits with ``a - y``."""
    for w in (20.0, 40.0, 300.0):
        net = cr.Network([1, 1], cost="cross_entropy", seed=0, dtype="float64")
        net.weights[0][...], net.biases[0][...] = w, 0
        batch, index = run_batch(net, cr.Examples([[1.0]], [[0.0]])), ParameterIndex(0, 0, 0)
        difference, gradient = batch.central_difference(0, batch.z_direction(index)), batch.gradient_at(index)
        assert difference.shared_digits(gradient) >= 6
        assert "wrong" not in difference.explain_digits(gradient)


def test_the_step_of_a_central_difference_is_chosen():
    """For a cubic h balances truncation and rounding; for a straight line it is the longest; a kink is reported."""
    cubic = central_difference(lambda c: (1 + c) ** 3, 1.0, 2e-16)
    assert cubic.slope == pytest.approx(3, abs=10 * cubic.error)
    assert 1e-7 < cubic.h < 1e-3
    assert "one of" in cubic.explain_digits(3.1)
    line = central_difference(lambda c: 1 + 2 * c, 1.0, 2e-16)
    assert line.slope == pytest.approx(2, abs=1e-12)
    assert line.h > 1e-3
    kinked = central_difference(lambda c: abs(c), 1.0, 2e-16, lambda h: True)
    assert kinked.crosses_kink
    assert "kink" in kinked.explain_digits(1.0)


def test_the_cost_after_a_training_step():
    """The cost after the step is the cost of a network trained for one step (N12)."""
    net = unsaturated_network("sigmoid", "sigmoid", "quadratic", (4, 5, 3), seed=2)
    examples = batch_for(net, 6, 5)
    actual = run_batch(net, examples).cost_after_step(0.5)
    cr.train(net, examples, epochs=1, batch_size=6, learning_rate=0.5)
    assert actual == pytest.approx(net.cost(examples), rel=1e-12)
