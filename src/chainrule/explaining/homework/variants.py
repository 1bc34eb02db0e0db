"""The mistakes that people make in a backprop, each as the ``Rules`` by which it is made; those at the output are in ``output``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from ..._types import Array
from ...calculus.activations import ACTIVATIONS, Activation
from .drawing import Drawn
from .output import at_output
from .rules import EVERYWHERE, HIDDEN, OUTPUT, RIGHT, Back, Mistake, Pick, SumB, SumW, there

RELU, LEAKY_RELU = ACTIVATIONS["relu"], ACTIVATIONS["leaky_relu"]

_BROKEN = {OUTPUT: ("BP1",), HIDDEN: ("BP2",), EVERYWHERE: ("BP1", "BP2")}  # by a wrong sigma'


def mistakes(net: Drawn) -> Iterator[Mistake]:
    """Give every mistake that this network has room for; of those that make no difference, the plainest first."""
    for family in (_of_sigma, at_output, _of_relu, _of_weights, _of_activations, _of_batch, _of_biases, _of_factors, _of_omissions):
        yield from family(net)


def _places(net: Drawn) -> Iterator[tuple[str, range]]:
    """Give the places where one layer can differ from others, with their layers."""
    yield OUTPUT, range(net.last, net.last + 1)
    if net.last:
        yield HIDDEN, range(net.last)
        yield EVERYWHERE, range(net.last + 1)


def _of_sigma(net: Drawn) -> Iterator[Mistake]:
    for where, layers in _places(net):
        for name, what, wrong in _SIGMA:
            rules = replace(RIGHT, through_sigma=there(layers, wrong, RIGHT.through_sigma))
            yield Mistake(name, where, _BROKEN[where], what, rules, rare=wrong in _RARE, of_a=wrong is _given_z)


def _without(net: Drawn, layer: int, g: Array) -> Array:
    return g


def _of_a(net: Drawn, layer: int, g: Array) -> Array:
    sigma, a = net.sigmas[layer], net.forward.activations[layer + 1]
    return sigma.pullback(a, sigma.value(a), g)


def _given_z(net: Drawn, layer: int, g: Array) -> Array:
    z = net.forward.zs[layer]
    return net.sigmas[layer].pullback(z, z, g)


def _twice(net: Drawn, layer: int, g: Array) -> Array:
    sigma, z, a = net.sigmas[layer], net.forward.zs[layer], net.forward.activations[layer + 1]
    return sigma.pullback(z, a, g) * sigma.derivative(z, a)


def _sigma_itself(net: Drawn, layer: int, g: Array) -> Array:
    return g * net.forward.activations[layer + 1]


def _off_by_z(step: int) -> Back:
    def back(net: Drawn, layer: int, g: Array) -> Array:
        z, sigma = net.forward.zs[(layer + step) % len(net.weights)], net.sigmas[layer]  # Python's own way at the ends of a list
        return sigma.pullback(z, sigma.value(z), g)

    return back


def _off_by_a(step: int) -> Back:
    def back(net: Drawn, layer: int, g: Array) -> Array:
        lists = net.forward.activations
        a = lists[(layer + 1 + step) % len(lists)]
        return net.sigmas[layer].pullback(a, a, g)

    return back


_RARE: list[Back] = [_given_z, _off_by_a(-1), _off_by_a(1)]
_ONE_OFF = "sigma' is taken of another layer's z than delta belongs to; for layer l it is zs[l]"
_SIGMA: list[tuple[str, str, Back]] = [
    ("sigma' forgotten", "delta is not multiplied by sigma'(z)", _without),
    (
        "sigma' of a instead of z",
        "sigma' is taken of the activation a; it belongs to z, so that sigma is applied once too often",
        _of_a,
    ),
    ("sigma' of z instead of a", "this sigma' is written for the activation a, as a (1 - a) is, but is given z", _given_z),
    ("sigma' applied twice", "delta is multiplied by sigma'(z) once more; it is in there already", _twice),
    ("sigma instead of sigma'", "delta is multiplied by sigma(z), which is a, where sigma'(z) belongs", _sigma_itself),
    *[("sigma' one layer off", _ONE_OFF, off) for off in (_off_by_z(-1), _off_by_z(1), *_RARE[1:])],
]


def _of_relu(net: Drawn) -> Iterator[Mistake]:
    for where, layers in _places(net):
        for name, what, kinds, wrong in _RELU:
            at = [layer for layer in layers if net.sigmas[layer] in kinds]
            if at:
                rules = replace(RIGHT, through_sigma=there(at, wrong, RIGHT.through_sigma))
                yield Mistake(name, where, _BROKEN[where], what, rules)
    at = [layer + 1 for layer in range(net.last) if net.sigmas[layer] in (RELU, LEAKY_RELU)]
    if at:
        what = (
            "nabla_w takes sigma' of ReLU for the activation, which a derivative that writes into its argument has overwritten; "
            "let it make a new array"
        )
        rules = replace(RIGHT, entering=there(at, _overwritten, RIGHT.entering))
        yield Mistake("activation overwritten by sigma'", "in nabla_w alone", ("BP4",), what, rules)


def _masked_by_g(net: Drawn, layer: int, g: Array) -> Array:
    return net.sigmas[layer].pullback(g, g, g)


def _z_masked_by_g(net: Drawn, layer: int, g: Array) -> Array:
    z = net.forward.zs[layer]
    return net.sigmas[layer].pullback(g, g, z)


def _without_leak(net: Drawn, layer: int, g: Array) -> Array:
    return RELU.pullback(net.forward.zs[layer], net.forward.activations[layer + 1], g)


def _overwritten(net: Drawn, layer: int) -> Array:
    return net.sigmas[layer - 1].derivative(net.forward.zs[layer - 1], net.forward.activations[layer])


_RELU: list[tuple[str, str, tuple[Activation, ...], Back]] = [
    (
        "ReLU's mask of dC/da instead of z",
        "dC/da passes where it is above 0 itself; it passes where z > 0",
        (RELU, LEAKY_RELU),
        _masked_by_g,
    ),
    (
        "ReLU's mask of dC/da instead of z",
        "z passes where dC/da > 0; it is dC/da that passes, where z > 0",
        (RELU, LEAKY_RELU),
        _z_masked_by_g,
    ),
    (
        "leak forgotten",
        "sigma' is 0 where z < 0, as that of ReLU is; that of leaky ReLU is 0.01 there",
        (LEAKY_RELU,),
        _without_leak,
    ),
]


def _of_weights(net: Drawn) -> Iterator[Mistake]:
    if not net.last:
        return
    what = "delta goes back through {w_wrong}; back it goes through {w_right}"
    rules = replace(RIGHT, next_weights=lambda net, layer: net.weights[layer + 1].T)
    yield Mistake("transpose of the weights", HIDDEN, ("BP2",), what, rules)
    what = (
        "delta goes back through another layer's weights; from layer l + 1 to layer l they are weights[l + 1], where 0 is the first"
    )
    for step in (0, 2):
        rules = replace(RIGHT, next_weights=_off_by(step))
        yield Mistake("weights one layer off", HIDDEN, ("BP2",), what, rules)
    what = "dC/da goes back through {w_right} before it is multiplied by sigma'(z); it is delta that goes back"
    for sent in (_error_sent, there(range(net.last), _error_sent, RIGHT.sent)):  # from the output too, or where a - y is delta
        yield Mistake("dC/da sent back instead of delta", HIDDEN, ("BP2",), what, replace(RIGHT, sent=sent))


def _error_sent(net: Drawn, layer: int, g: Array, delta: Array) -> Array:
    return g


def _off_by(step: int) -> Pick:
    return lambda net, layer: net.weights[(layer + step) % len(net.weights)]


def _of_activations(net: Drawn) -> Iterator[Mistake]:
    one_off = "nabla_w takes another layer's activations; layer l takes what entered it, activations[l], where activations[0] is x"
    turned = "nabla_w comes out as (n_in, n_out): its rows and columns have changed places"
    for where, layers in _places(net):
        for step in (1, -1):
            rules = replace(RIGHT, entering=there(layers, _entering_off_by(step), RIGHT.entering))
            yield Mistake("activation one layer off", where, ("BP4",), one_off, rules)
        rules = replace(RIGHT, sum_w=there(layers, lambda net, layer, delta, a_prev: a_prev.T @ delta, RIGHT.sum_w))
        yield Mistake("nabla_w transposed", where, ("BP4",), turned, rules)


def _entering_off_by(step: int) -> Pick:
    return lambda net, layer: net.forward.activations[(layer + step) % len(net.forward.activations)]


def _of_batch(net: Drawn) -> Iterator[Mistake]:
    for which, part in (("first", slice(0, 1)), ("last", slice(-1, None))):
        what = f"only the {which} example of the batch counts; the gradient is the sum over all"
        yield from _in_lists("batch not summed", what, _sum_b_of(part), _sum_w_of(part), ("BP3", "BP4"), batch=True)
    m = net.m
    beside = "{one} is a mean over the batch, {other} a sum"
    for one, other, factors in (("nabla_b", "nabla_w", (1 / m, 1)), ("nabla_w", "nabla_b", (1, 1 / m))):
        rules = replace(RIGHT, sum_b=_scaled_b(factors[0]), sum_w=_scaled_w(factors[1]))
        what = beside.format(one=one, other=other)
        yield Mistake("a mean beside a sum", f"in {one}", ("BP3", "BP4"), what, rules, batch=True, as_sums=True)
    rules = replace(RIGHT, sum_b=_scaled_b(1 / m**2), sum_w=_scaled_w(1 / m**2))
    what = "the sums are divided by m twice"
    yield Mistake("divided by m twice", EVERYWHERE, ("BP3", "BP4"), what, rules, batch=True, as_sums=True)


def _of_biases(net: Drawn) -> Iterator[Mistake]:
    what = "nabla_b is summed over the units too, to one number; each unit has a bias of its own"
    for where, layers in _places(net):
        rules = replace(RIGHT, sum_b=there(layers, _one_number, RIGHT.sum_b))
        yield Mistake("nabla_b is one number", where, ("BP3",), what, rules)
    what = "nabla_b is summed from nabla_w, so that what entered the layer is in it; it is the sum of delta alone"
    yield Mistake("nabla_b summed from nabla_w", EVERYWHERE, ("BP3",), what, replace(RIGHT, sum_b=_sum_of_nabla_w))


def _one_number(net: Drawn, layer: int, delta: Array) -> Array:
    return np.full(delta.shape[1], delta.sum())


def _sum_of_nabla_w(net: Drawn, layer: int, delta: Array) -> Array:
    return (delta.T @ net.forward.activations[layer]).sum(axis=1)


def _of_factors(net: Drawn) -> Iterator[Mistake]:
    n_out = net.biases[-1].size
    for name, what, factor in (
        ("sign", "the sign is turned: y - a where a - y belongs, or a minus too many", -1.0),
        ("factor 2", "everything is 2 times too large: the 2 of the square has not met its 1/2", 2.0),
        ("factor 2", "everything is half as large as it should be", 0.5),
        (
            "1/n_out",
            "the cost is averaged over the outputs: like's is a sum over them (or m is x.size or y.size)",
            1 / n_out,
        ),
        ("2/n_out", "the cost is the mean square over the outputs: like's is a sum over them, and has its own factor", 2 / n_out),
    ):
        if factor != 1:
            partly = what.replace("everything is", "it is")
            yield from _in_lists(name, partly, _scaled_b(factor), _scaled_w(factor), ("BP1",), whole=what)


def _of_omissions(net: Drawn) -> Iterator[Mistake]:
    for where, layers in _places(net):
        yield Mistake(
            "bias forgotten",
            where,
            ("N10",),
            "feedforward leaves the biases out",
            forward=partial(Drawn.without_biases, layers=layers),
        )
    for name, what, equation, rules in (
        ("nabla_b is zero", "nabla_b was never filled in", "BP3", replace(RIGHT, sum_b=_scaled_b(0.0))),
        ("nabla_w is zero", "nabla_w was never filled in", "BP4", replace(RIGHT, sum_w=_scaled_w(0.0))),
    ):
        yield Mistake(name, EVERYWHERE, (equation,), what, rules)
    if net.last:
        none = {"sum_b": there(range(1), _scaled_b(0.0), RIGHT.sum_b), "sum_w": there(range(1), _scaled_w(0.0), RIGHT.sum_w)}
        loop = "for l in reversed(range(len(weights) - 1)):"
        what = "the way back stops before the first layer, whose gradients stay 0"
        yield Mistake("first layer left out", "in the first layer", ("BP2",), what, replace(RIGHT, **none), before=(loop,))


def _in_lists(
    name: str, what: str, sum_b: SumB, sum_w: SumW, both: tuple[str, ...], *, batch: bool = False, whole: str = ""
) -> Iterator[Mistake]:
    """Give a mistake in how the lists are filled: in both, in nabla_b alone, in nabla_w alone."""
    yield Mistake(name, EVERYWHERE, both, whole or what, replace(RIGHT, sum_b=sum_b, sum_w=sum_w), batch)
    yield Mistake(name, "in nabla_b alone", ("BP3",), what, replace(RIGHT, sum_b=sum_b), batch)
    yield Mistake(name, "in nabla_w alone", ("BP4",), what, replace(RIGHT, sum_w=sum_w), batch)


def _scaled_b(factor: float) -> SumB:
    return lambda net, layer, delta: factor * delta.sum(axis=0)


def _scaled_w(factor: float) -> SumW:
    return lambda net, layer, delta, a_prev: factor * (delta.T @ a_prev)


def _sum_b_of(part: slice) -> SumB:
    return lambda net, layer, delta: delta[part].sum(axis=0)


def _sum_w_of(part: slice) -> SumW:
    return lambda net, layer, delta, a_prev: delta[part].T @ a_prev[part]
