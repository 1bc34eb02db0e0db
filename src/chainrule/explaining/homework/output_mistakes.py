"""The mistakes at the output: in softmax, in its Jacobian, and in the gradient of the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ..._types import Array
from ...calculus.activations import ACTIVATIONS, Softmax
from ...calculus.costs import COSTS, cross_entropy_gradient, log_loss_gradient
from .backprop_steps import CORRECT, OUTPUT, BackpropSteps, Mistake, OutputStep, PullbackStep, in_layers
from .random_problem import RandomProblem

SOFTMAX = ACTIVATIONS["softmax"]


def output_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    """Yield the mistakes that are possible with this problem's output activation and cost."""
    if problem.sigmas[-1] is SOFTMAX:
        yield from _jacobian_mistakes(problem)
        yield from _softmax_mistakes(problem)
    yield from _cost_mistakes(problem)


def _collapses(problem: RandomProblem) -> bool:
    """Whether delta at the output is ``a - y``."""
    return problem.cost.cancels(problem.sigmas[-1])


def _with_output_pullback(problem: RandomProblem, wrong: PullbackStep) -> BackpropSteps:
    return replace(CORRECT, pullback=in_layers(range(problem.last, problem.last + 1), wrong, CORRECT.pullback))


# Softmax


def _jacobian_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    line = _jacobian_line(problem)
    for of_a, wrong in (("", _elementwise_pullback), (", and of a instead of z", _elementwise_pullback_of_a)):
        description = (
            f"softmax is differentiated elementwise, as a * (1 - a){of_a}, but each of its outputs depends on all z of the example"
        )
        steps = _with_output_pullback(problem, wrong)
        yield Mistake("softmax's Jacobian missing", OUTPUT, ("BP1",), description, steps, correct_line=line)
    if _collapses(problem):
        description = "a - y is multiplied by softmax's Jacobian, but a - y is delta already"
        yield Mistake("sigma' applied twice", OUTPUT, ("BP1",), description, _with_output_pullback(problem, _pullback_twice))


def _softmax_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    line = _jacobian_line(problem)
    for axis, over in ((0, "over the examples"), (None, "over the whole batch")):
        description = f"softmax's Jacobian sums {over} instead of the outputs of each example"
        steps = _with_output_pullback(problem, _jacobian_along(axis))
        name = "softmax's Jacobian along the wrong axis"
        yield Mistake(name, OUTPUT, ("BP1",), description, steps, needs_batch=True, correct_line=line)
        for steps_after in (CORRECT, steps):
            yield _wrong_softmax(_softmax_along(axis), f"softmax divides by a sum {over}", steps_after, needs_batch=True)
    yield _wrong_softmax(np.ones_like, "softmax divides each number by itself, because its sum runs along an axis of length 1")


def _jacobian_line(problem: RandomProblem) -> str:
    return "delta = {jacobian}" + "\ndelta = {bp1}, which is the same here" * _collapses(problem)


def _wrong_softmax(
    value: Callable[[Array], Array], description: str, steps: BackpropSteps = CORRECT, *, needs_batch: bool = False
) -> Mistake:
    """Make the mistake of a forward pass whose softmax computes this value."""
    wrong = Softmax("softmax", value, SOFTMAX.derivative)
    return Mistake(
        "softmax along the wrong axis",
        OUTPUT,
        ("N10",),
        f"{description}; the outputs of each example must sum to 1",
        steps,
        needs_batch=needs_batch,
        change_problem=lambda problem: replace(problem, sigmas=[*problem.sigmas[:-1], wrong]),
        correct_line="a = np.exp(z) / np.exp(z).sum({axis})",
    )


def _softmax_along(axis: int | None) -> Callable[[Array], Array]:
    return lambda z: np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def _jacobian_along(axis: int | None) -> PullbackStep:
    def pullback(problem: RandomProblem, layer: int, g: Array) -> Array:
        a = problem.forward.activations[layer + 1]
        return a * (g - (g * a).sum(axis=axis, keepdims=True))

    return pullback


def _pullback_twice(problem: RandomProblem, layer: int, g: Array) -> Array:
    return CORRECT.pullback(problem, layer, CORRECT.pullback(problem, layer, g))


def _elementwise_pullback(problem: RandomProblem, layer: int, g: Array) -> Array:
    a = problem.forward.activations[layer + 1]
    return g * a * (1 - a)


def _elementwise_pullback_of_a(problem: RandomProblem, layer: int, g: Array) -> Array:
    a = SOFTMAX.value(problem.forward.activations[layer + 1])
    return g * a * (1 - a)


# The cost


def _cost_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    if problem.cost is COSTS["cross_entropy"]:
        description = "dC/da is -y / a alone, but that of cross-entropy is -y / a + (1 - y) / (1 - a)"
        yield _wrong_cost_gradient(_log_loss_gradient, "a term of cross-entropy missing", description)
    if problem.cost is COSTS["log_loss"]:
        description = "dC/da has the term (1 - y) / (1 - a) of cross-entropy, but that of log loss is -y / a alone"
        yield _wrong_cost_gradient(_cross_entropy_gradient, "cross-entropy's gradient for log loss", description)
        if np.isin(problem.y, (0, 1)).all():
            description = "the output of the correct class is replaced by -1; subtract 1 from it instead"
            yield Mistake("-1 instead of a - 1", OUTPUT, ("BP1",), description, _with_output_delta(problem, _minus_one))
    if problem.cost in COSTS.values():  # a user's own cost may be undefined at z
        description = "the error is taken of z, before sigma is applied, instead of the output a"
        steps = _with_output_delta(problem, _error_of_z) if _collapses(problem) else replace(CORRECT, cost_gradient=_gradient_at_z)
        yield Mistake("error of z instead of a", OUTPUT, ("BP1",), description, steps)


def _wrong_cost_gradient(gradient: OutputStep, name: str, description: str) -> Mistake:
    return Mistake(name, OUTPUT, ("BP1",), description, replace(CORRECT, cost_gradient=gradient))


def _with_output_delta(problem: RandomProblem, delta: OutputStep) -> BackpropSteps:
    """Use this as delta at the output, without multiplying by sigma'."""
    return replace(_with_output_pullback(problem, lambda problem, layer, g: g), cost_gradient=delta)


def _log_loss_gradient(problem: RandomProblem) -> Array:
    return log_loss_gradient(problem.forward.activations[-1], problem.y)


def _cross_entropy_gradient(problem: RandomProblem) -> Array:
    return cross_entropy_gradient(problem.forward.activations[-1], problem.y)


def _minus_one(problem: RandomProblem) -> Array:
    return np.where(problem.y == 1, -1.0, problem.forward.activations[-1])


def _error_of_z(problem: RandomProblem) -> Array:
    return problem.forward.zs[-1] - problem.y


def _gradient_at_z(problem: RandomProblem) -> Array:
    return problem.cost.gradient(problem.forward.zs[-1], problem.y)
