"""Crafted models: the Draw tab refuses them with one line, and the server goes on."""

from dataclasses import asdict, replace

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.input_spec import InputSpec
from chainrule.network import network_from
from chainrule.web.drawing import Drawing
from chainrule.web.events import Hub

PIXELS = InputSpec("pixels", (28, 28), 0.0, 1.0)


def network_with(inputs):
    """Make a network of digits that has learnt these inputs."""
    net = cr.Network([784, 10], seed=0)
    return network_from(net.plan, net.weights, net.biases, init=None, inputs=inputs)


@pytest.mark.parametrize("limits", [{"high": 1e308}, {"low": -1e308}, {"high": 1e7}])
def test_limits_far_from_pixels_are_refused(limits):
    """A model file whose pixels have limits far from 0 to 1 is refused: 255 times such a limit may be infinite."""
    with pytest.raises(ValueError, match="the limits of its pixels are beyond 1,000,000"):
        InputSpec.parse(asdict(replace(PIXELS, **limits)), 784)


def test_a_model_that_cannot_be_written_as_javascript_is_refused():
    """Whatever error a model raises becomes the state's message, in one line with the model's name."""
    drawing = Drawing(Hub().topic("model"))
    drawing.give(network_with(replace(PIXELS, high=1e308)), "far.safetensors")
    assert drawing.state.state == "refused"
    assert drawing.state.message.startswith("far.safetensors: ")
    assert "\n" not in drawing.state.message


def test_outputs_that_overflow_are_refused():
    """A picture whose outputs overflow is refused with one line, in place of outputs that JSON does not have."""
    plan = cr.Network([784, 10], cost="mean_squared_error", seed=0).plan
    weights, biases = [np.full((10, 784), 3e38, np.float32)], [np.full(10, 1e38, np.float32)]
    drawing = Drawing(Hub().topic("model"))
    drawing.give(network_from(plan, weights, biases, init=None, inputs=PIXELS), "huge.safetensors")
    with pytest.raises(DataError, match="must be finite"):
        drawing.read([255.0] * 784)
