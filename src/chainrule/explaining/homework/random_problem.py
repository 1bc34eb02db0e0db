"""The random network and batch on which homework is tested, chosen so that every mistake changes the gradient in its own way.

All layers have the same width, so that arrays still fit if a transpose or a layer is wrong; the batch has another size. The
weighted inputs of each unit have a mean near 0 and standard deviation 1 over the batch, so that no sigmoid saturates and no ReLU is
on, or off, for all examples.
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
BATCH_SIZE = 7
CANDIDATES = 100  # random networks at most, of which the one with the largest distance from the kink of a ReLU is taken
SUFFICIENT_DISTANCE = 0.01  # from the kink


@dataclass(frozen=True, eq=False)
class RandomProblem:
    """A network and a batch in float64 and in the library's own shapes: one row for each example, biases (n_out,)."""

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
        """The number of inputs, then the number of units of each layer."""
        return [self.x.shape[1], *(b.size for b in self.biases)]

    @property
    def last(self) -> int:
        """The index of the output layer."""
        return len(self.weights) - 1

    @cached_property
    def forward(self) -> ForwardPass:
        """The correct forward pass."""
        return feedforward(self)

    def without_biases(self, layers: Sequence[int]) -> RandomProblem:
        """Return the same problem with biases of 0 in these layers."""
        return replace(self, biases=[0 * b if k in layers else b for k, b in enumerate(self.biases)])


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """The two lists of page 4, as in the book: ``activations[0]`` is x, so ``activations[k]`` is the input of layer k."""

    zs: list[Array]
    activations: list[Array]


def feedforward(problem: RandomProblem) -> ForwardPass:
    """Feedforward (N10) that keeps all weighted inputs and activations."""
    zs, activations = [], [problem.x]
    for w, b, sigma in zip(problem.weights, problem.biases, problem.sigmas, strict=True):
        zs.append(weighted_input(w, b, activations[-1]))
        activations.append(sigma.value(zs[-1]))
    return ForwardPass(zs, activations)


def square_sizes(sizes: Sequence[int], single_output: bool) -> list[int]:
    """Return as many layers, all of one width, except for a single output."""
    return [*[WIDTH] * (len(sizes) - 1), 1 if single_output else WIDTH]


def batch_size(sizes: Sequence[int]) -> int:
    """Choose a number of examples that differs from the width of every layer."""
    return next(m for m in range(BATCH_SIZE, BATCH_SIZE + len(sizes) + 1) if m not in sizes)


def random_problem(like: Network, sizes: Sequence[int], classes: bool, seed: int) -> RandomProblem:
    """Draw problems with like's activations and cost, and take the one whose weighted inputs are farthest from 0.

    Parameters
    ----------
    like : Network
    sizes : sequence of int
    classes : bool
        Whether each target is a class, a row with a single 1.
    seed : int

    Raises
    ------
    SettingError
        If a user's own activation gives NaN or infinity.
    """
    rng = np.random.default_rng(seed)
    best, largest_distance = None, -np.inf
    for _ in range(CANDIDATES):
        with np.errstate(all="ignore"):
            problem = _draw(like, sizes, classes, rng)
            distance = _distance_from_kink(problem)
        if distance > largest_distance and np.isfinite(problem.forward.activations[-1]).all():
            best, largest_distance = problem, distance
        if largest_distance > SUFFICIENT_DISTANCE or sum(sizes) > 20 * WIDTH:  # with many units some z is always near 0
            break
    if best is None:
        raise SettingError(
            "like's activations must be finite for z between -3 and 3, but one gives NaN or inf; homework cannot be checked with it"
        )
    return best


def _distance_from_kink(problem: RandomProblem) -> float:
    """The smallest ``|z|``, less 1 if for some example all units of a hidden layer are on the lower side of a ReLU's kink."""
    every_layer_passes = all((z > 0).any(axis=1).all() for z in problem.forward.zs[:-1])
    return min(float(abs(z).min()) for z in problem.forward.zs) - (not every_layer_passes)


def _draw(like: Network, sizes: Sequence[int], classes: bool, rng: np.random.Generator) -> RandomProblem:
    m, cost = batch_size(sizes), like.plan.cost_function
    x = rng.standard_normal((m, sizes[0]))
    weights, biases = [], []
    a: Array = x
    for n_in, n_out, sigma in zip(sizes[:-1], sizes[1:], like.plan.sigmas, strict=True):
        w = rng.standard_normal((n_out, n_in))
        z = a @ w.T
        deviation = z.std(axis=0)
        deviation[deviation < 1e-3] = 1.0  # units whose input is the same in every example
        weights.append(w / deviation[:, None])
        biases.append(0.4 * rng.standard_normal(n_out) - z.mean(axis=0) / deviation)
        a = sigma.value(weighted_input(weights[-1], biases[-1], a))
    labels = rng.integers(0, sizes[-1], m)
    y = np.eye(sizes[-1])[labels] if classes else _random_targets(cost, (m, sizes[-1]), rng)
    return RandomProblem(weights, biases, like.plan.sigmas, cost, x, y, labels)


def _random_targets(cost: Cost, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Draw targets in the cost's range."""
    if cost.distribution:
        return rng.dirichlet(np.ones(shape[1]), shape[0])
    if np.isfinite([cost.least, cost.most]).all():
        return cost.least + (cost.most - cost.least) * rng.uniform(0.1, 0.9, shape)
    if np.isfinite(cost.least):
        return cost.least + rng.uniform(0.5, 3.0, shape)
    if np.isfinite(cost.most):
        return cost.most - rng.uniform(0.5, 3.0, shape)
    return rng.standard_normal(shape)
