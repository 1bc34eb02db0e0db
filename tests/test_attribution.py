"""Integrated gradients: what each input adds to an output."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.explaining.attribution import input_gradient, integrated_gradients


def parameters(net):
    return net.weights, net.biases, net.plan.sigmas


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("cost", ["log_loss", "quadratic"])
def test_the_gradient_by_the_inputs_is_the_central_difference(activation, cost):
    """``input_gradient`` equals the central difference of a random function of the outputs, at each input."""
    rng = np.random.default_rng(0)
    net = cr.Network([4, 6, 5, 3], activation=activation, cost=cost, seed=1, dtype="float64")
    x, g, h = rng.normal(size=(3, 4)), rng.normal(size=(3, 3)), 1e-6
    actual = input_gradient(*parameters(net), x, g)
    for i in range(4):
        step = np.eye(4)[i] * h
        expected = ((net.feedforward(x + step) - net.feedforward(x - step)) / (2 * h) * g).sum(axis=1)
        np.testing.assert_allclose(actual[:, i], expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_contributions_add_up_to_the_difference_of_the_outputs(activation):
    """The contributions sum to the output for the row minus the output for the baseline."""
    rng = np.random.default_rng(2)
    net = cr.Network([7, 20, 20, 3], activation=activation, cost="log_loss", seed=3, dtype="float64")
    x, baseline = rng.normal(size=7), rng.normal(size=7)
    for output in range(3):
        parts = integrated_gradients(*parameters(net), x, baseline, output)
        difference = net.feedforward(x[None])[0, output] - net.feedforward(baseline[None])[0, output]
        np.testing.assert_allclose(parts.sum(), difference, atol=1e-3)


def test_of_a_linear_network_each_input_adds_its_weight_times_its_difference():
    """With one identity layer, input i adds ``w_i (x_i - x'_i)``."""
    net = cr.Network([3, 1], cost="mean_squared_error", seed=0, dtype="float64")
    x, baseline = np.array([1.0, -2.0, 0.5]), np.array([0.0, 1.0, 0.5])
    parts = integrated_gradients(*parameters(net), x, baseline, 0)
    np.testing.assert_allclose(parts, net.weights[0][0] * (x - baseline), rtol=1e-12)
