"""The mistakes that people make at the output: in softmax, in its Jacobian, in the gradient of the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ..._types import Array
from ...calculus.activations import ACTIVATIONS, Softmax
from ...calculus.costs import COSTS, cross_entropy_gradient, log_loss_gradient
from .drawing import Drawn
from .rules import OUTPUT, RIGHT, Back, Mistake, Rules, Start, there

SOFTMAX = ACTIVATIONS["softmax"]


def at_output(net: Drawn) -> Iterator[Mistake]:
    """Give the mistakes that this network's output and cost have room for."""
    if net.sigmas[-1] is SOFTMAX:
        yield from _of_softmax(net)
    yield from _of_cost(net)


def _collapses(net: Drawn) -> bool:
    """Whether delta is ``a - y`` at the output."""
    return net.cost.cancels(net.sigmas[-1])


def _through(net: Drawn, wrong: Back) -> Rules:
    """Go through the output's sigma in a wrong way."""
    return replace(RIGHT, through_sigma=there(range(net.last, net.last + 1), wrong, RIGHT.through_sigma))


# Softmax


def _of_softmax(net: Drawn) -> Iterator[Mistake]:
    line = "delta = {jacobian}" + "\ndelta = {bp1}, which is the same here" * _collapses(net)
    for of, wrong in (("", _number_by_number), (", and of a instead of z", _number_by_number_of_a)):
        what = (
            f"softmax is differentiated number by number, as a * (1 - a){of}; each of its outputs depends on all z of the example"
        )
        yield Mistake("softmax's Jacobian missing", OUTPUT, ("BP1",), what, _through(net, wrong), line=line)
    if _collapses(net):
        what = "a - y is multiplied by softmax's Jacobian once more; a - y is delta already"
        yield Mistake("sigma' applied twice", OUTPUT, ("BP1",), what, _through(net, _jacobian_twice))
    for axis, over in ((0, "over the examples"), (None, "over the whole batch")):
        what = f"softmax's Jacobian sums {over}; it sums over the outputs of each example"
        along = _through(net, _jacobian_along(axis))
        yield Mistake("softmax's Jacobian along the wrong axis", OUTPUT, ("BP1",), what, along, batch=True, line=line)
        for rules in (RIGHT, along):
            yield _softmax_as(_normalized_along(axis), f"softmax divides by a sum {over}", rules, batch=True)
    yield _softmax_as(np.ones_like, "softmax divides each number by itself, for the sum runs along an axis of length 1")


def _softmax_as(value: Callable[[Array], Array], what: str, rules: Rules = RIGHT, *, batch: bool = False) -> Mistake:
    """Make the mistake of a feedforward whose softmax has this value."""
    wrong = Softmax("softmax", value, SOFTMAX.derivative)
    what = f"{what}; it is the outputs of each example that add up to 1"
    line = "a = np.exp(z) / np.exp(z).sum({axis})"
    forward = _with_output(wrong)
    return Mistake("softmax along the wrong axis", OUTPUT, ("N10",), what, rules, batch, forward=forward, line=line)


def _with_output(sigma: Softmax) -> Callable[[Drawn], Drawn]:
    return lambda net: replace(net, sigmas=[*net.sigmas[:-1], sigma])


def _normalized_along(axis: int | None) -> Callable[[Array], Array]:
    return lambda z: np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def _jacobian_along(axis: int | None) -> Back:
    def back(net: Drawn, layer: int, g: Array) -> Array:
        a = net.forward.activations[layer + 1]
        return a * (g - (g * a).sum(axis=axis, keepdims=True))

    return back


def _jacobian_twice(net: Drawn, layer: int, g: Array) -> Array:
    return RIGHT.through_sigma(net, layer, RIGHT.through_sigma(net, layer, g))


def _number_by_number(net: Drawn, layer: int, g: Array) -> Array:
    a = net.forward.activations[layer + 1]
    return g * a * (1 - a)


def _number_by_number_of_a(net: Drawn, layer: int, g: Array) -> Array:
    a = SOFTMAX.value(net.forward.activations[layer + 1])
    return g * a * (1 - a)


# The cost


def _of_cost(net: Drawn) -> Iterator[Mistake]:
    if net.cost is COSTS["cross_entropy"]:
        what = "dC/da is -y / a alone; that of cross-entropy is -y / a + (1 - y) / (1 - a)"
        yield _gradient_as(_of_log_loss, "a term of cross-entropy missing", what)
    if net.cost is COSTS["log_loss"]:
        what = "dC/da has the term (1 - y) / (1 - a), as cross-entropy has; that of log loss is -y / a alone"
        yield _gradient_as(_of_cross_entropy, "cross-entropy's gradient for log loss", what)
        if np.isin(net.y, (0, 1)).all():
            what = "the output of the right class is set to -1; 1 is to be taken off it"
            yield Mistake("-1 instead of a - 1", OUTPUT, ("BP1",), what, _straight(net, _minus_one))
    if net.cost in COSTS.values():  # one of the user's own may not be defined at z
        what = "the error is taken of z, before sigma is applied; it is that of the output a"
        rules = _straight(net, _error_of_z) if _collapses(net) else replace(RIGHT, cost_gradient=_gradient_at_z)
        yield Mistake("error of z instead of a", OUTPUT, ("BP1",), what, rules)


def _gradient_as(gradient: Start, name: str, what: str) -> Mistake:
    """Make the mistake of another ``dC/da``."""
    return Mistake(name, OUTPUT, ("BP1",), what, replace(RIGHT, cost_gradient=gradient))


def _straight(net: Drawn, delta: Start) -> Rules:
    """Take this for delta at the output, where there is no sigma' to go through."""
    return replace(_through(net, lambda net, layer, g: g), cost_gradient=delta)


def _of_log_loss(net: Drawn) -> Array:
    return log_loss_gradient(net.forward.activations[-1], net.y)


def _of_cross_entropy(net: Drawn) -> Array:
    return cross_entropy_gradient(net.forward.activations[-1], net.y)


def _minus_one(net: Drawn) -> Array:
    return np.where(net.y == 1, -1.0, net.forward.activations[-1])


def _error_of_z(net: Drawn) -> Array:
    return net.forward.zs[-1] - net.y


def _gradient_at_z(net: Drawn) -> Array:
    return net.cost.gradient(net.forward.zs[-1], net.y)
