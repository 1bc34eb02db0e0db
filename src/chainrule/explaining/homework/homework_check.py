"""``check_homework``: identifies the mistake in a learner's own backprop function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ..._checks import check_seed
from ..._types import is_sparse
from ...errors import ArgumentTypeError, DataError, DataTypeError
from ...examples import Examples
from ...network import Network
from .calling_conventions import CallingConvention, HomeworkRaised, infer_convention, other_conventions
from .grading import grade
from .homework_report import Finding, Homework
from .random_problem import RandomProblem, random_problem, square_sizes
from .returned_gradients import ReturnedGradient

Failure: TypeAlias = HomeworkRaised | DataError | DataTypeError

MAX_PARAMETERS = 200_000  # of a network that is tested in its own sizes


def check_homework(f: Callable[..., Any], x: Any, y: Any, like: Network, *, seed: int = 0) -> Homework:
    """Identify the mistake in a backprop function of one's own.

    ``f(weights, biases, x, y)`` returns ``nabla_b, nabla_w``, or ``cost, (nabla_b, nabla_w)``, as sums over the batch, like the
    notes, or as means. It takes a batch as rows or as columns, or one example, as in the book; the shapes of ``x`` and ``y`` show
    which. The function is not called on them, but on a random network with like's activations and cost. All layers of that network
    have the same width, so that the function runs in spite of a mistake, and each mistake changes the gradient in its own way.

    Parameters
    ----------
    f : callable
        Its weights are (n_out, n_in), its biases (n_out,), or (n_out, 1) if a batch is columns. It may overwrite its arguments.
    x : array_like
        (m, n_in), (n_in, m), or one example, (n_in, 1) or (n_in,).
    y : array_like
        Labels (m,), or targets in the layout of x.
    like : Network
        The network whose activations, depth and cost the function is written for.
    seed : int
        Of the random network.

    Returns
    -------
    Homework
        ``print`` shows it. An exception in the function is a finding, too.

    Raises
    ------
    DataError, DataTypeError
        If x and y do not suit ``like``, or the function does not return a gradient.
    SettingError
        If the seed is not a non-negative integer, or an activation of the user's own gives NaN.
    ArgumentTypeError
        If ``f`` is not callable, or ``like`` is not a Network.

    Examples
    --------
    >>> net = Network([784, 30, 10], seed=0)
    >>> def mine(weights, biases, x, y):
    ...     return net_like(weights, biases).backprop(x, y)
    >>> def net_like(weights, biases):
    ...     net = Network([len(weights[0][0]), *map(len, biases)], dtype="float64")
    ...     net.weights, net.biases = weights, biases
    ...     return net
    >>> print(check_homework(mine, np.zeros((10, 784)), np.zeros(10, int), net))
    Right: this is backpropagation.
      Assumed: your function takes a batch as rows, (m, n), and y as labels;
               its gradients are sums over the batch;
               it was tested on a random network [5, 5, 5] with 7 random examples.
    """
    if not callable(f):
        raise ArgumentTypeError(f"f must be a function f(weights, biases, x, y); it is of type {type(f).__name__}")
    if not isinstance(like, Network):
        raise ArgumentTypeError(f"like must be a Network, whose activations and cost f is for; it is of type {type(like).__name__}")
    if isinstance(x, Examples):
        x, y = x.x, x.y if y is None else y
    x = np.zeros(x.shape) if is_sparse(x) else x  # only its shape is used
    convention, is_single_column, classes = infer_convention(x, y, like.sizes)
    for problem, note in _problems(like, convention, classes, check_seed("seed", seed)):
        result = _try_conventions(f, problem, convention, is_single_column, classes)
        if isinstance(result, Homework):
            return replace(result, assumed=f"{result.assumed[:-1]}; {note}.") if note else result
        failure = result
    if isinstance(failure, HomeworkRaised):
        assumed = f"your function takes {convention.description()}; every other way to call it failed, too."
        return Homework(False, assumed, Finding("an exception", "", "", str(failure), ""))
    raise failure


def _problems(like: Network, own: CallingConvention, classes: bool, seed: int) -> Iterator[tuple[RandomProblem, str]]:
    """Yield a square network first, then one of like's own sizes, since a function may have sizes written into it."""
    square = square_sizes(like.sizes, own.flat_y)
    yield random_problem(like, square, classes, seed), ""
    if like.parameters <= MAX_PARAMETERS and square != like.sizes:
        yield random_problem(like, like.sizes, classes, seed), "it works with these sizes only, which distinguish fewer mistakes"


def _try_conventions(
    f: Callable[..., Any], problem: RandomProblem, own: CallingConvention, is_single_column: bool, classes: bool
) -> Homework | Failure:
    """Call the function in the inferred convention; if that identifies nothing, in others, and return the first that does."""
    result = _try_convention(f, problem, own, is_single_column)
    if isinstance(result, DataTypeError):
        raise result
    if not _is_identified(result):
        for convention in other_conventions(own, classes):
            other = _try_convention(f, problem, convention, True)
            if _is_identified(other):
                return other
    return result


def _is_identified(result: Homework | Failure) -> bool:
    """Whether the gradient is correct or has a known mistake."""
    return isinstance(result, Homework) and result.first_wrong is None


def _try_convention(
    f: Callable[..., Any], problem: RandomProblem, convention: CallingConvention, is_uncertain: bool
) -> Homework | Failure:
    """Call the function in one convention, and grade its gradient.

    If the convention is uncertain, a nabla_b with an entry for each example counts as a failure, so that others are tried.
    """
    try:
        returned = convention.call(f, problem)
    except (HomeworkRaised, DataError, DataTypeError) as error:
        return error
    if (returned.per_example or returned.summed_over_units) and is_uncertain:
        return DataError(f"nabla_b has an entry for each of the {problem.m} examples; sum over them (BP3)")
    result = grade(returned, problem, convention)
    if result.ok and not _is_same_gradient(returned, convention.call(f, problem)):
        description = "called twice with the same arguments, your function returned two different gradients"
        return Homework(False, result.assumed, Finding("another gradient each time", "", "", description, ""))
    return result


def _is_same_gradient(one: ReturnedGradient, other: ReturnedGradient) -> bool:
    pairs = zip((*one.gradient[0], *one.gradient[1]), (*other.gradient[0], *other.gradient[1]), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
