"""A backprop whose steps are replaceable, so that any of them can be done wrongly.

``backprop`` computes the same as ``calculus.backprop``, but takes each step from a ``BackpropSteps``: dC/da, the way through the
activation, the array that is propagated back, the weights that it is multiplied by, the layer's input in BP4, and the sums over the
batch. The defaults are correct. A ``Mistake`` is a ``BackpropSteps`` with a wrong step, and its description.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ..._types import Array
from ...calculus.backprop import Gradient
from .random_problem import RandomProblem

OUTPUT, HIDDEN, EVERYWHERE = "at the output", "in the hidden layers", "in every layer"

OutputStep: TypeAlias = Callable[[RandomProblem], Array]
PullbackStep: TypeAlias = Callable[[RandomProblem, int, Array], Array]  # of the layer and its dC/da
PropagatedStep: TypeAlias = Callable[[RandomProblem, int, Array, Array], Array]  # of the layer, its dC/da and its delta
ArrayStep: TypeAlias = Callable[[RandomProblem, int], Array]
NablaBStep: TypeAlias = Callable[[RandomProblem, int, Array], Array]  # of the layer and its delta
NablaWStep: TypeAlias = Callable[[RandomProblem, int, Array, Array], Array]  # of the layer, its delta and its input


def _cost_gradient(problem: RandomProblem) -> Array:
    """``dC/da`` of the outputs (the left half of BP1)."""
    return problem.cost.gradient(problem.forward.activations[-1], problem.y)


def _pullback(problem: RandomProblem, layer: int, g: Array) -> Array:
    """``dC/dz`` from ``dC/da`` (the right half of BP1 and BP2)."""
    return problem.sigmas[layer].pullback(problem.forward.zs[layer], problem.forward.activations[layer + 1], g)


def _propagated(problem: RandomProblem, layer: int, g: Array, delta: Array) -> Array:
    """The array that is propagated back from a layer: its delta (BP2)."""
    return delta


def _backward_weights(problem: RandomProblem, layer: int) -> Array:
    """The matrix by which the next layer's delta is multiplied to reach this layer (BP2)."""
    return problem.weights[layer + 1]


def _layer_input(problem: RandomProblem, layer: int) -> Array:
    """The input of a layer (BP4)."""
    return problem.forward.activations[layer]


def _nabla_b(problem: RandomProblem, layer: int, delta: Array) -> Array:
    """BP3."""
    return delta.sum(axis=0)


def _nabla_w(problem: RandomProblem, layer: int, delta: Array, a_prev: Array) -> Array:
    """BP4."""
    return delta.T @ a_prev


@dataclass(frozen=True)
class BackpropSteps:
    """The steps of a backprop; the defaults are correct."""

    cost_gradient: OutputStep = _cost_gradient
    pullback: PullbackStep = _pullback
    propagated: PropagatedStep = _propagated
    backward_weights: ArrayStep = _backward_weights
    layer_input: ArrayStep = _layer_input
    nabla_b: NablaBStep = _nabla_b
    nabla_w: NablaWStep = _nabla_w


CORRECT = BackpropSteps()


def in_layers(layers: Container[int], wrong: Callable[..., Array], correct: Callable[..., Array]) -> Callable[..., Array]:
    """Use the wrong step in these layers and the correct one in the others."""
    return lambda problem, layer, *arrays: (wrong if layer in layers else correct)(problem, layer, *arrays)


def backward_gradients(problem: RandomProblem, steps: BackpropSteps = CORRECT) -> Iterator[tuple[Array, Array]]:
    """Yield nabla_b and nabla_w of each layer, summed over the batch, from the last layer to the first."""
    g = steps.cost_gradient(problem)
    delta = steps.pullback(problem, problem.last, g)  # BP1
    for layer in reversed(range(problem.last + 1)):
        if layer < problem.last:
            g = steps.propagated(problem, layer + 1, g, delta) @ steps.backward_weights(problem, layer)
            delta = steps.pullback(problem, layer, g)  # BP2
        a_prev = steps.layer_input(problem, layer)
        yield steps.nabla_b(problem, layer, delta), steps.nabla_w(problem, layer, delta, a_prev)  # BP3, BP4


def backprop(problem: RandomProblem, steps: BackpropSteps = CORRECT) -> Gradient:
    """Return the gradient that these steps give, the first layer first."""
    nabla_b, nabla_w = zip(*backward_gradients(problem, steps), strict=True)
    return Gradient(list(nabla_b[::-1]), list(nabla_w[::-1]))


@dataclass(frozen=True)
class Mistake:
    """A mistake in a backprop.

    Attributes
    ----------
    name, where : str
        Its name, and the layers or lists that it is in.
    equations : tuple of str
        The equations that it violates.
    description : str
        A sentence; placeholders such as ``{backward_weights}`` are replaced by the learner's own notation.
    steps : BackpropSteps
        The backprop that makes the mistake.
    needs_batch : bool
        Whether it is possible only in a function that takes a whole batch.
    fixes_reduction : bool
        Whether it determines which list is a sum and which a mean, so that a gradient with it is not also tried as a mean.
    change_problem : callable or None
        For a wrong forward pass: returns the problem that it amounts to.
    rare : bool
        Whether a plainer mistake with the same gradient is reported instead.
    sigma_prime_of_a : bool
        Whether the learner's sigma' is a function of a, so that the correct line passes a to it.
    preceding_lines : tuple of str
        Lines of code to show above the correct line.
    correct_line : str
        The correct line, with placeholders as in ``description``; if empty, that of each of the equations.
    """

    name: str
    where: str
    equations: tuple[str, ...]
    description: str
    steps: BackpropSteps = CORRECT
    needs_batch: bool = False
    fixes_reduction: bool = False
    change_problem: Callable[[RandomProblem], RandomProblem] | None = None
    rare: bool = False
    sigma_prime_of_a: bool = False
    preceding_lines: tuple[str, ...] = ()
    correct_line: str = ""

    def backward_gradients(self, problem: RandomProblem) -> Iterator[tuple[Array, Array]]:
        """Yield nabla_b and nabla_w of each layer as a backprop with this mistake gives them, from the last layer to the first."""
        return backward_gradients(self.change_problem(problem) if self.change_problem else problem, self.steps)
