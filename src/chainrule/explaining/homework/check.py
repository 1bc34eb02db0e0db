"""Homework: which mistake a learner's own backprop makes.

Their function is called on a small network drawn for it (``drawing``), in the way it wants to be called (``conventions``); what
it gives (``answers``) is compared with backprop, and with every mistake in it that has a name (``judging``, ``variants``).
"""

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
from .answers import Answer
from .conventions import Convention, HomeworkRaised, others, own_convention
from .drawing import Drawn, draw, square_sizes
from .findings import Finding, Homework
from .judging import judge

Failure: TypeAlias = HomeworkRaised | DataError | DataTypeError

SMALL = 200_000  # parameters of a network on which homework is judged in its own sizes


def check_homework(f: Callable[..., Any], x: Any, y: Any, like: Network, *, seed: int = 0) -> Homework:
    """Say which mistake a backprop of one's own makes.

    ``f(weights, biases, x, y)`` gives ``nabla_b, nabla_w``, or ``cost, (nabla_b, nabla_w)``: sums over the batch, as in the notes,
    or means. It takes a batch as rows or as columns, or one example as in the book; ``x`` and ``y`` show which. It is not called on
    them, but on a network with like's activations and cost that is drawn for the purpose: all its layers are of one width, so that
    mistakes run through and can be told apart.

    Parameters
    ----------
    f : callable
        Weights are (n_out, n_in); biases (n_out,), or (n_out, 1) where a batch is columns. It may write to what it is given.
    x : array_like
        (m, n_in), (n_in, m), or one example, (n_in, 1) or (n_in,).
    y : array_like
        Labels (m,), or targets held as x is.
    like : Network
        Whose activations, depth and cost the function is for.
    seed : int
        Of the drawn network.

    Returns
    -------
    Homework
        Print it. An exception in the function is a finding, too.

    Raises
    ------
    DataError, DataTypeError
        When x and y do not suit ``like``, or the function's answer is no gradient.
    SettingError
        When the seed is none, or an activation of the user's own gives NaN.
    ArgumentTypeError
        When ``f`` cannot be called, or ``like`` is no Network.

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
               it was judged on a network [5, 5, 5] and 7 examples, drawn for it.
    """
    if not callable(f):
        raise ArgumentTypeError(f"f must be a function f(weights, biases, x, y); it is of type {type(f).__name__}")
    if not isinstance(like, Network):
        raise ArgumentTypeError(f"like must be a Network, whose activations and cost f is for; it is of type {type(like).__name__}")
    if isinstance(x, Examples):
        x, y = x.x, x.y if y is None else y
    x = np.zeros(x.shape) if is_sparse(x) else x  # only its shape is asked
    own, lone, classes = own_convention(x, y, like.sizes)
    for net, note in _networks(like, own, classes, check_seed("seed", seed)):
        verdict = _try_all(f, net, own, lone, classes)
        if isinstance(verdict, Homework):
            return replace(verdict, assumed=f"{verdict.assumed[:-1]}; {note}.") if note else verdict
        failure = verdict
    if isinstance(failure, HomeworkRaised):
        assumed = f"your function takes {own.said()}; no other way to call it went further."
        return Homework(False, assumed, Finding("an exception", "", "", str(failure), ""))
    raise failure


def _networks(like: Network, own: Convention, classes: bool, seed: int) -> Iterator[tuple[Drawn, str]]:
    """Give the square network first, then one of like's own sizes: a function may have sizes written into it."""
    square = square_sizes(like.sizes, own.flat_y)
    yield draw(like, square, classes, seed), ""
    if like.parameters <= SMALL and square != like.sizes:
        yield draw(like, like.sizes, classes, seed), "it works with these sizes alone, where fewer mistakes can be told apart"


def _try_all(f: Callable[..., Any], net: Drawn, own: Convention, lone: bool, classes: bool) -> Homework | Failure:
    """Ask the function as x and y show; where that leads nowhere, in other ways, of which only an answer that is known counts."""
    verdict = _try(f, net, own, lone)
    if isinstance(verdict, DataTypeError):
        raise verdict
    if not _known(verdict):
        for other in others(own, classes):
            second = _try(f, net, other, True)
            if _known(second):
                return second
    return verdict


def _known(verdict: Homework | Failure) -> bool:
    return isinstance(verdict, Homework) and verdict.first_wrong is None


def _try(f: Callable[..., Any], net: Drawn, convention: Convention, doubtful: bool) -> Homework | Failure:
    """Ask the function in one way, and judge its answer; where the way is doubtful, a nabla_b by example says it is another."""
    try:
        answer = convention.ask(f, net)
    except (HomeworkRaised, DataError, DataTypeError) as error:
        return error
    if (answer.unsummed or answer.crosswise) and doubtful:
        return DataError(f"nabla_b has an entry for each of the {net.m} examples; sum over them (BP3)")
    verdict = judge(answer, net, convention)
    if verdict.ok and not _same(answer, convention.ask(f, net)):
        twice = "asked twice with the same arguments, your function gave two different gradients"
        return Homework(False, verdict.assumed, Finding("another answer each time", "", "", twice, ""))
    return verdict


def _same(one: Answer, other: Answer) -> bool:
    return all(
        np.array_equal(a, b)
        for a, b in zip((*one.gradient[0], *one.gradient[1]), (*other.gradient[0], *other.gradient[1]), strict=True)
    )
