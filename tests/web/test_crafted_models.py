"""Crafted models: the Draw tab refuses them with one line, and the server goes on."""

from dataclasses import asdict, replace

import pytest

import chainrule as cr
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
