"""One backprop with its choices laid open, so that any of them can be made wrongly.

``backprop`` reads as ``calculus.backprop`` does, but each choice in it is a function that a ``Rules`` names: dC/da, which matrix
sends delta back, what multiplies it, what enters BP4, how the batch is summed. The right choices are the defaults. A ``Mistake``
is a ``Rules`` with one of them changed, the place where it is, and the sentence to say about it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ..._types import Array
from ...calculus.backprop import Gradient
from .drawing import Drawn

OUTPUT, HIDDEN, EVERYWHERE = "at the output", "in the hidden layers", "in every layer"

Start: TypeAlias = Callable[[Drawn], Array]
Back: TypeAlias = Callable[[Drawn, int, Array], Array]
Sent: TypeAlias = Callable[[Drawn, int, Array, Array], Array]
Pick: TypeAlias = Callable[[Drawn, int], Array]
SumB: TypeAlias = Callable[[Drawn, int, Array], Array]
SumW: TypeAlias = Callable[[Drawn, int, Array, Array], Array]


def _cost_gradient(net: Drawn) -> Array:
    """``dC/da`` of the outputs (the left half of BP1)."""
    return net.cost.gradient(net.forward.activations[-1], net.y)


def _through_sigma(net: Drawn, layer: int, g: Array) -> Array:
    """From ``dC/da`` make ``dC/dz`` (the right half of BP1 and BP2)."""
    return net.sigmas[layer].pullback(net.forward.zs[layer], net.forward.activations[layer + 1], g)


def _delta(net: Drawn, layer: int, g: Array, delta: Array) -> Array:
    """Of a layer's ``dC/da`` and ``dC/dz`` give what is sent back (BP2)."""
    return delta


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

    cost_gradient: Start = _cost_gradient
    through_sigma: Back = _through_sigma
    sent: Sent = _delta
    next_weights: Pick = _next_weights
    entering: Pick = _entering
    sum_b: SumB = _sum_b
    sum_w: SumW = _sum_w


RIGHT = Rules()


def there(layers: Container[int], wrong: Callable[..., Array], right: Callable[..., Array]) -> Callable[..., Array]:
    """Choose the wrong rule in these layers, and the right one in the others."""
    return lambda net, layer, *arrays: (wrong if layer in layers else right)(net, layer, *arrays)


def from_the_output(net: Drawn, rules: Rules = RIGHT) -> Iterator[tuple[Array, Array]]:
    """Send the error back by these rules, and give each layer's nabla_b and nabla_w on the way; batch sums."""
    g = rules.cost_gradient(net)
    delta = rules.through_sigma(net, net.last, g)  # BP1
    for layer in reversed(range(net.last + 1)):
        if layer < net.last:
            g = rules.sent(net, layer + 1, g, delta) @ rules.next_weights(net, layer)
            delta = rules.through_sigma(net, layer, g)  # BP2
        yield rules.sum_b(net, layer, delta), rules.sum_w(net, layer, delta, rules.entering(net, layer))  # BP3, BP4


def backprop(net: Drawn, rules: Rules = RIGHT) -> Gradient:
    """Give what these rules make of the whole network, the first layer first."""
    bs, ws = zip(*from_the_output(net, rules), strict=True)
    return Gradient(list(bs[::-1]), list(ws[::-1]))


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
    forward : callable or None
        From the network makes the one that a wrong feedforward goes through.
    rare : bool
        Whether, where a plainer mistake gives the same numbers, that one is to be named.
    of_a : bool
        Whether the learner's sigma' is written for a, so that the right line gives it a.
    before : tuple of str
        What stands before the right line.
    line : str
        The right line, written as ``what`` is; empty where it is that of the equations.
    """

    name: str
    where: str
    equations: tuple[str, ...]
    what: str
    rules: Rules = RIGHT
    batch: bool = False
    as_sums: bool = False
    forward: Callable[[Drawn], Drawn] | None = None
    rare: bool = False
    of_a: bool = False
    before: tuple[str, ...] = ()
    line: str = ""

    def from_the_output(self, net: Drawn) -> Iterator[tuple[Array, Array]]:
        """Give what a backprop with this mistake gives for each layer, the last first."""
        return from_the_output(self.forward(net) if self.forward else net, self.rules)
