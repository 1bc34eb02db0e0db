"""The network on which homework is judged: drawn so that every mistake shows, and none hides behind another.

All widths are equal, so that a wrong transpose or a wrong layer still has fitting shapes; the batch is of another size. Each
unit's z has mean about 0 and spread 1 over the batch: no sigmoid saturates, no unit is dead, and none always on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..._types import Array, Indices
from ...calculus.activations import Activation
from ...calculus.costs import Cost
from ...calculus.feedforward import weighted_input
from ...errors import SettingError
from ...network import Network

WIDTH = 5
BATCH = 7
TRIES = 100  # draws to choose from, for the one that keeps furthest from the kink of a ReLU
CLEAR = 0.01  # far enough from it


@dataclass(frozen=True, eq=False)
class Drawn:
    """A network and a batch, in float64 and in the code's own shapes: a row an example, biases (n_out,)."""

    weights: Sequence[Array]
    biases: Sequence[Array]
    sigmas: Sequence[Activation]
    cost: Cost
    x: Array
    y: Array
    labels: Indices

    @property
    def m(self) -> int:
        """The number of examples."""
        return len(self.x)

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, then of each layer's units."""
        return [self.x.shape[1], *(b.size for b in self.biases)]

    @property
    def last(self) -> int:
        """The output layer's place in the lists."""
        return len(self.weights) - 1

    @cached_property
    def forward(self) -> Forward:
        """Feedforward as it should be."""
        return feedforward(self)

    def without_biases(self, layers: Sequence[int]) -> Drawn:
        """Give the same network, in which these layers have biases of 0."""
        return replace(self, biases=[0 * b if k in layers else b for k, b in enumerate(self.biases)])


@dataclass(frozen=True, eq=False)
class Forward:
    """Page 4's two lists, as the book has them: ``activations[0]`` is x, so that ``activations[k]`` enters layer k."""

    zs: list[Array]
    activations: list[Array]


def feedforward(net: Drawn) -> Forward:
    """Feedforward (N10) that remembers."""
    zs, activations = [], [net.x]
    for w, b, sigma in zip(net.weights, net.biases, net.sigmas, strict=True):
        zs.append(weighted_input(w, b, activations[-1]))
        activations.append(sigma.value(zs[-1]))
    return Forward(zs, activations)


def square_sizes(sizes: Sequence[int], one_output: bool) -> list[int]:
    """Give as many layers, all of one width; a single output stays single where y is a plain row of targets."""
    return [*[WIDTH] * (len(sizes) - 1), 1 if one_output else WIDTH]


def batch_size(sizes: Sequence[int]) -> int:
    """Give a number of examples that is no layer's width."""
    return next(m for m in range(BATCH, BATCH + len(sizes) + 1) if m not in sizes)


def draw(like: Network, sizes: Sequence[int], classes: bool, seed: int) -> Drawn:
    """Draw a network with like's activations and cost; of several, the one that stays clearest of z = 0.

    ``classes`` says whether each target is one class (a row with a single 1).

    Raises
    ------
    SettingError
        When an activation of the user's own gives no numbers here.
    """
    rng = np.random.default_rng(seed)
    best, clearest = None, -np.inf
    for _ in range(TRIES):
        with np.errstate(all="ignore"):
            net = _draw_once(like, sizes, classes, rng)
            clear = _clearance(net)
        if clear > clearest and np.isfinite(net.forward.activations[-1]).all():
            best, clearest = net, clear
        if clearest > CLEAR or sum(sizes) > 20 * WIDTH:  # among many units there is always a z near 0
            break
    if best is None:
        raise SettingError("on z between -3 and 3 one of like's activations gives NaN or inf; homework cannot be judged with it")
    return best


def _clearance(net: Drawn) -> float:
    """Say how far all z are from 0; below 0 where an example finds no unit of a hidden layer on the upper side of a ReLU's kink."""
    passes = all((z > 0).any(axis=1).all() for z in net.forward.zs[:-1])
    return min(float(abs(z).min()) for z in net.forward.zs) - (not passes)


def _draw_once(like: Network, sizes: Sequence[int], classes: bool, rng: np.random.Generator) -> Drawn:
    m, cost = batch_size(sizes), like.plan.cost_function
    x = rng.standard_normal((m, sizes[0]))
    weights, biases = [], []
    a: Array = x
    for n_in, n_out, sigma in zip(sizes[:-1], sizes[1:], like.plan.sigmas, strict=True):
        w = rng.standard_normal((n_out, n_in))
        z = a @ w.T
        spread = z.std(axis=0)
        spread[spread < 1e-3] = 1.0  # units that see the same in every example
        weights.append(w / spread[:, None])
        biases.append(0.4 * rng.standard_normal(n_out) - z.mean(axis=0) / spread)
        a = sigma.value(weighted_input(weights[-1], biases[-1], a))
    labels = rng.integers(0, sizes[-1], m)
    y = np.eye(sizes[-1])[labels] if classes else _targets(cost, (m, sizes[-1]), rng)
    return Drawn(weights, biases, like.plan.sigmas, cost, x, y, labels)


def _targets(cost: Cost, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Draw targets that the cost allows."""
    if cost.distribution:
        return rng.dirichlet(np.ones(shape[1]), shape[0])
    if np.isfinite([cost.least, cost.most]).all():
        return cost.least + (cost.most - cost.least) * rng.uniform(0.1, 0.9, shape)
    if np.isfinite(cost.least):
        return cost.least + rng.uniform(0.5, 3.0, shape)
    if np.isfinite(cost.most):
        return cost.most - rng.uniform(0.5, 3.0, shape)
    return rng.standard_normal(shape)
