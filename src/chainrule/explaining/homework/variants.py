"""One backprop with its choices laid open, and the mistakes that people make in them.

``backprop`` reads as ``calculus.backprop`` does, but each choice in it is a function that a ``Rules`` names: which matrix sends
delta back, what multiplies it, what enters BP4, how the batch is summed. The right choices are the defaults. A ``Mistake`` is a
``Rules`` with one of them changed, the place where it is, and the sentence to say about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..._types import Array
from ...calculus.backprop import Gradient
from .drawing import Drawn

OUTPUT, HIDDEN, EVERYWHERE = "at the output", "in the hidden layers", "in every layer"

Back: TypeAlias = Callable[[Drawn, int, Array], Array]
Pick: TypeAlias = Callable[[Drawn, int], Array]
SumB: TypeAlias = Callable[[Drawn, int, Array], Array]
SumW: TypeAlias = Callable[[Drawn, int, Array, Array], Array]


def _through_sigma(net: Drawn, layer: int, g: Array) -> Array:
    """From ``dC/da`` make ``dC/dz`` (the right half of BP1 and BP2)."""
    return net.sigmas[layer].pullback(net.forward.zs[layer], net.forward.activations[layer + 1], g)


def _next_weights(net: Drawn, layer: int) -> Array:
    """Give the matrix that sends a row of delta back to this layer (BP2)."""
    return net.weights[layer + 1]


def _entering(net: Drawn, layer: int) -> Array:
    """Give what enters this layer (BP4)."""
    return net.forward.activations[layer]


def _sum_b(net: Drawn, layer: int, delta: Array) -> Array:
    """BP3."""
    return delta.sum(axis=0)


def _sum_w(net: Drawn, layer: int, delta: Array, a_prev: Array) -> Array:
    """BP4."""
    return delta.T @ a_prev


@dataclass(frozen=True)
class Rules:
    """The choices in a backprop; the defaults are right."""

    through_sigma: Back = _through_sigma
    next_weights: Pick = _next_weights
    entering: Pick = _entering
    sum_b: SumB = _sum_b
    sum_w: SumW = _sum_w


RIGHT = Rules()


def backprop(net: Drawn, rules: Rules = RIGHT) -> Gradient:
    """Send the error back by these rules; batch sums."""
    delta = rules.through_sigma(net, net.last, net.cost.gradient(net.forward.activations[-1], net.y))  # BP1
    bs, ws = [], []
    for layer in reversed(range(net.last + 1)):
        if layer < net.last:
            delta = rules.through_sigma(net, layer, delta @ rules.next_weights(net, layer))  # BP2
        bs.append(rules.sum_b(net, layer, delta))  # BP3
        ws.append(rules.sum_w(net, layer, delta, rules.entering(net, layer)))  # BP4
    return Gradient(bs[::-1], ws[::-1])


@dataclass(frozen=True)
class Mistake:
    """One mistake: what it is called, where it is, what it breaks, what to say, and the backprop that makes it.

    Attributes
    ----------
    equations : tuple of str
        Those that it breaks.
    what : str
        A sentence; ``{w_right}`` and the like stand for the learner's own way to write it.
    batch : bool
        Whether it can only be made where a whole batch is passed.
    as_sums : bool
        Whether it says itself what is a sum and what a mean, so that it is not looked for among means.
    unbiased : tuple of int
        The layers whose biases feedforward leaves out.
    rare : bool
        Whether, where a plainer mistake gives the same numbers, that one is to be named.
    of_a : bool
        Whether the learner's sigma' is written for a, so that the right line gives it a.
    before : tuple of str
        What stands before the right line.
    """

    name: str
    where: str
    equations: tuple[str, ...]
    what: str
    rules: Rules = RIGHT
    batch: bool = False
    as_sums: bool = False
    unbiased: tuple[int, ...] = ()
    rare: bool = False
    of_a: bool = False
    before: tuple[str, ...] = ()

    def network(self, net: Drawn) -> Drawn:
        """Give the network as this mistake's feedforward sees it."""
        return net.without_biases(self.unbiased) if self.unbiased else net

    def gradient(self, net: Drawn) -> Gradient:
        """Give what a backprop with this mistake gives."""
        return backprop(self.network(net), self.rules)


def mistakes(net: Drawn) -> Iterator[Mistake]:
    """Give every mistake that this network has room for; of those that make no difference, the plainest first."""
    for family in (_of_sigma, _of_weights, _of_activations, _of_batch, _of_factors, _of_omissions):
        yield from family(net)


def _places(net: Drawn) -> Iterator[tuple[str, range]]:
    """Give the places where one layer can differ from others, with their layers."""
    yield OUTPUT, range(net.last, net.last + 1)
    if net.last:
        yield HIDDEN, range(net.last)
        yield EVERYWHERE, range(net.last + 1)


def _of_sigma(net: Drawn) -> Iterator[Mistake]:
    bp = {OUTPUT: ("BP1",), HIDDEN: ("BP2",), EVERYWHERE: ("BP1", "BP2")}
    for where, layers in _places(net):
        for name, what, wrong in _SIGMA:
            rules = replace(RIGHT, through_sigma=_there(layers, wrong, _through_sigma))
            yield Mistake(name, where, bp[where], what, rules, rare=wrong in _RARE, of_a=wrong is _given_z)


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
    *[("sigma' one layer off", _ONE_OFF, off) for off in (_off_by_z(-1), _off_by_z(1), *_RARE[1:])],
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


def _off_by(step: int) -> Pick:
    return lambda net, layer: net.weights[(layer + step) % len(net.weights)]


def _of_activations(net: Drawn) -> Iterator[Mistake]:
    one_off = "nabla_w takes another layer's activations; layer l takes what entered it, activations[l], where activations[0] is x"
    turned = "nabla_w comes out as (n_in, n_out): its rows and columns have changed places"
    for where, layers in _places(net):
        for step in (1, -1):
            rules = replace(RIGHT, entering=_there(layers, _entering_off_by(step), _entering))
            yield Mistake("activation one layer off", where, ("BP4",), one_off, rules)
        rules = replace(RIGHT, sum_w=_there(layers, lambda net, layer, delta, a_prev: a_prev.T @ delta, _sum_w))
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


def _of_factors(net: Drawn) -> Iterator[Mistake]:
    n_out = net.biases[-1].size
    for name, what, factor in (
        ("sign", "the sign is turned: y - a where a - y belongs, or a minus too many", -1.0),
        ("factor 2", "everything is 2 times too large: the 2 of the square has not met its 1/2", 2.0),
        ("factor 2", "everything is half as large as it should be", 0.5),
        ("1/n_out", "the cost is averaged over the outputs: like's cost is a sum over them", 1 / n_out),
        ("2/n_out", "the cost is the mean square over the outputs: like's is a sum over them, and has its own factor", 2 / n_out),
    ):
        if factor != 1:
            partly = what.replace("everything is", "it is")
            yield from _in_lists(name, partly, _scaled_b(factor), _scaled_w(factor), ("BP1",), whole=what)


def _of_omissions(net: Drawn) -> Iterator[Mistake]:
    for where, layers in _places(net):
        yield Mistake("bias forgotten", where, ("N10",), "feedforward leaves the biases out", unbiased=tuple(layers))
    for name, what, equation, rules in (
        ("nabla_b is zero", "nabla_b was never filled in", "BP3", replace(RIGHT, sum_b=_scaled_b(0.0))),
        ("nabla_w is zero", "nabla_w was never filled in", "BP4", replace(RIGHT, sum_w=_scaled_w(0.0))),
    ):
        yield Mistake(name, EVERYWHERE, (equation,), what, rules)
    if net.last:
        none = {"sum_b": _there(range(1), _scaled_b(0.0), _sum_b), "sum_w": _there(range(1), _scaled_w(0.0), _sum_w)}
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


def _there(layers: range, wrong: Callable[..., Array], right: Callable[..., Array]) -> Callable[..., Array]:
    """Choose the wrong rule in these layers, and the right one in the others."""
    return lambda net, layer, *arrays: (wrong if layer in layers else right)(net, layer, *arrays)


def _scaled_b(factor: float) -> SumB:
    return lambda net, layer, delta: factor * delta.sum(axis=0)


def _scaled_w(factor: float) -> SumW:
    return lambda net, layer, delta, a_prev: factor * (delta.T @ a_prev)


def _sum_b_of(part: slice) -> SumB:
    return lambda net, layer, delta: delta[part].sum(axis=0)


def _sum_w_of(part: slice) -> SumW:
    return lambda net, layer, delta, a_prev: delta[part].T @ a_prev[part]
