"""One batch, forward and back through a network, in float64: the numbers that are explained and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array, is_sparse
from ..calculus.activations import Activation
from ..calculus.backprop import hidden_delta, nabla_b, nabla_w, output_delta
from ..calculus.costs import Cost
from ..calculus.feedforward import Trace, trace, weighted_input
from ..errors import DataError
from ..plan import targets_for
from .differences import EPSILON, Nudge, nudged

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network

LARGEST = 1e100  # of the numbers on the way: their squares are finite
MOST_NUMBERS = 10**7  # of the inputs, which are widened to float64
CHUNK = 2**20  # entries of a gradient that are looked at together
KINKED = ("relu", "leaky_relu")


@dataclass(frozen=True)
class Place:
    """A weight, or with no input a bias: its layer, counted from 0 here and from 1 in what is told, its unit and its input."""

    layer: int
    unit: int
    input: int | None

    @property
    def name(self) -> str:
        """As it is told: ``w[1][3, 412]``, ``b[1][3]``."""
        return f"b[{self.layer + 1}][{self.unit}]" if self.input is None else f"w[{self.layer + 1}][{self.unit}, {self.input}]"


@dataclass(frozen=True)
class Passage:
    """One batch through a network as it stands; x is (m, n_in), y (m, n_out).

    The weights stay as they are, float32 or float64: what a product needs is widened on the way.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    sigmas: tuple[Activation, ...]
    cost: Cost
    x: Array
    y: Array

    @property
    def m(self) -> int:
        """The number of examples."""
        return len(self.x)

    @property
    def last(self) -> int:
        """The output layer."""
        return len(self.weights) - 1

    @cached_property
    def trace(self) -> Trace:
        """Feedforward, remembered (N10)."""
        return trace(self.weights, self.biases, self.sigmas, self.x)

    @property
    def inputs(self) -> list[Array]:
        """What enters each layer, (m, n_in)."""
        return self.trace.inputs  # type: ignore[return-value]  # x is dense here

    @property
    def a(self) -> Array:
        """The network's outputs, (m, n_out)."""
        return self.trace.activations[-1]

    @cached_property
    def deltas(self) -> list[Array]:
        """``dC/dz`` of each layer, a row an example (BP1, BP2)."""
        _, zs, activations = self.trace
        deltas = [output_delta(self.cost, self.sigmas[-1], zs[-1], activations[-1], self.y)]
        for k in reversed(range(self.last)):
            deltas.append(hidden_delta(deltas[-1], self.weights[k + 1], self.sigmas[k], zs[k], activations[k]))
        return deltas[::-1]

    def cost_of(self, a: Array) -> float:
        """The mean cost of outputs (m, n_out)."""
        return float(self.cost.value(a, self.y).mean())

    def gradient_rows(self, layer: int) -> Iterator[tuple[slice, Array]]:
        """Give ``nabla_w`` of a layer some rows at a time, so that it need not be held (BP4)."""
        n_out, n_in = self.weights[layer].shape
        step = max(1, CHUNK // n_in)
        for first in range(0, n_out, step):
            rows = slice(first, min(first + step, n_out))
            yield rows, nabla_w(self.deltas[layer][:, rows], self.inputs[layer])

    def largest(self, layer: int, unit: int | None = None, input_: int | None = None) -> Place:
        """Find the weight of largest ``|dC/dw|`` in a layer, of one unit or one input where those are asked for."""
        if unit is not None and input_ is not None:
            return Place(layer, unit, input_)
        if unit is not None:
            g = nabla_w(self.deltas[layer][:, [unit]], self.inputs[layer])[0]
            return Place(layer, unit, int(np.abs(g).argmax()))
        if input_ is not None:
            g = nabla_w(self.deltas[layer], self.inputs[layer][:, [input_]])[:, 0]
            return Place(layer, int(np.abs(g).argmax()), input_)
        best, found = -1.0, (0, 0)
        for rows, g in self.gradient_rows(layer):
            j, k = np.unravel_index(int(np.abs(g).argmax()), g.shape)
            if abs(g[j, k]) > best:
                best, found = abs(float(g[j, k])), (rows.start + int(j), int(k))
        return Place(layer, *found)

    def along(self, place: Place) -> Array:
        """What a weight is multiplied by, (m,); of a bias 1."""
        return np.ones(self.m) if place.input is None else self.inputs[place.layer][:, place.input]

    def entry(self, place: Place) -> float:
        """``nabla_w`` or ``nabla_b`` at one place, summed over the examples (BP3, BP4)."""
        return float(self.deltas[place.layer][:, place.unit] @ self.along(place))

    def shift(self, place: Place) -> Array:
        """By how much the layer's ``z`` moves for a change of 1 at a place, (m, n_out)."""
        moved = np.zeros_like(self.trace.zs[place.layer])
        moved[:, place.unit] = self.along(place)
        return moved

    def cost_from_z(self, z: Array) -> float:
        """The mean cost from the output's ``z``: where the pair collapses, without a detour over ``a``, which is rounded near 1.

        Constants that no parameter moves are left out.
        """
        sigma, y = self.sigmas[-1], self.y
        if not self.cost.cancels(sigma):
            return self.cost_of(sigma.value(z))
        if sigma.name == "sigmoid":
            return float((np.logaddexp(0, z) - y * z).sum(axis=1).mean())
        if sigma.name == "softmax":
            largest = z.max(axis=1)
            return float((largest + np.log(np.exp(z - largest[:, None]).sum(axis=1)) - (y * z).sum(axis=1)).mean())
        if sigma.name == "exp":
            return float((np.exp(z) - y * z).sum(axis=1).mean())
        return self.cost_of(z)

    def cost_shifted(self, layer: int, by: Array) -> float:
        """The mean cost where a layer's ``z`` is moved, through every layer from there on."""
        z: Array = self.trace.zs[layer] + by
        for k in range(layer, self.last):
            z = weighted_input(self.weights[k + 1], self.biases[k + 1], self.sigmas[k].value(z))
        return self.cost_from_z(z)

    @cached_property
    def noise(self) -> float:
        """What rounding may change a mean cost by: that of the terms it is a sum of, and of the weighted inputs behind them."""
        z, slope = self.trace.zs[-1], self.deltas[-1]
        terms = np.abs(self.y * z) + np.abs(slope * z)
        if not self.cost.cancels(self.sigmas[-1]):
            terms = terms + np.abs(self.cost.gradient(self.a, self.y) * self.a)
        return 4 * EPSILON * (abs(self.cost_from_z(z)) + float(terms.sum(axis=1).mean()))

    def crosses_kink(self, layer: int, by: Array) -> bool:
        """Say whether moving a layer's ``z``, forth and back, sends a unit of ReLU's kind through ``z = 0``."""
        z_up: Array = self.trace.zs[layer] + by
        z_down: Array = self.trace.zs[layer] - by
        for k in range(layer, self.last + 1):
            if self.sigmas[k].name in KINKED and ((z_up > 0) != (z_down > 0)).any():
                return True
            if k < self.last:
                w, b = self.weights[k + 1], self.biases[k + 1]
                z_up, z_down = (weighted_input(w, b, self.sigmas[k].value(z)) for z in (z_up, z_down))
        return False

    def nudge(self, layer: int, shift: Array) -> Nudge:
        """Take the central difference of the mean cost along a shift of a layer's ``z``."""
        largest = float(np.abs(shift).max())
        if largest == 0:
            return Nudge(0.0, 0.0, 0.0, 0.0)  # it moves nothing
        scale = 1 / largest  # moves a weighted input by 1
        kinked = any(sigma.name in KINKED for sigma in self.sigmas[layer:])
        crosses = (lambda h: self.crosses_kink(layer, h * shift)) if kinked else (lambda h: False)
        return nudged(lambda change: self.cost_shifted(layer, change * shift), scale, self.noise, crosses)

    def cost_after_step(self, rate: float) -> float:
        """The mean cost on this batch once every weight and bias has taken the step (N12)."""
        a: Array = self.x
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z: Array = weighted_input(w, b - rate / self.m * nabla_b(self.deltas[k]), a)
            for rows, g in self.gradient_rows(k):
                z[:, rows] -= rate / self.m * (a @ g.T)
            a = self.sigmas[k].value(z)
        return self.cost_of(a)


def behind(subject: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Give a fitted estimator's network, and x and y as it takes them; whatever else comes, as it is."""
    if not hasattr(subject, "for_network"):
        return subject, x, y
    if y is None:
        raise DataError("of an estimator x and y are needed, as fit takes them: without y there is no error to send back")
    return subject.network_, *subject.for_network(x, y)


def passage_of(network: Network, examples: Examples) -> Passage:
    """Take checked examples through a network as it stands.

    Raises
    ------
    DataError
        When a parameter is NaN or infinite, or the examples do not suit the network.
    """
    examples = network.check_examples(examples)
    state = network.state()
    if not state.is_finite:
        raise DataError("a weight or bias of this network is NaN or infinite; train it anew, or load one that is whole")
    values, labels = targets_for(examples, network.plan)
    y = np.eye(network.sizes[-1])[labels] if values is None else values.astype(np.float64)
    if len(examples) * examples.n_in > MOST_NUMBERS:
        raise DataError(f"{len(examples):,} rows of {examples.n_in:,} numbers are too many to be told of; take fewer rows")
    x = examples.x.toarray() if is_sparse(examples.x) else np.asarray(examples.x)  # type: ignore[attr-defined]
    numbers = x / 255 if examples.kind == "pixels" else x.astype(np.float64)
    biases = tuple(b.astype(np.float64) for b in state.biases)
    passage = Passage(state.weights, biases, network.plan.sigmas, network.plan.cost_function, numbers, y)
    _check_range(passage)
    return passage


def _check_range(passage: Passage) -> None:
    """Refuse numbers that overflow on the way, and functions of the user's own that cannot take theirs."""
    try:
        with np.errstate(all="ignore"):
            sizes = [float(np.abs(part).max()) for part in (*passage.inputs, *passage.trace.zs, passage.a, passage.deltas[-1])]
    except (ArithmeticError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"an activation or the cost fails on these examples: {type(error).__name__}: {error}") from error
    if not max(sizes[:-1]) < LARGEST:
        raise DataError("with these examples the network's numbers overflow, or are NaN; scale the inputs to about 1")
