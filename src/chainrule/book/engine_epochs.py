"""The fast path of the book's classes: an epoch of ``SGD``, and the outputs for many examples, by an engine in float64.

It equals the loop over ``update_mini_batch`` in the book's modules, to rounding; ``tests/test_book_training.py`` compares the two.
Engines hold biases as (n,), and take examples as rows.
"""

from __future__ import annotations

from functools import cached_property
from numbers import Real
from typing import Any, Protocol

import numpy as np

from .._types import Array, Indices
from ..calculus.descent import steps_per_epoch
from ..engines import ENGINES, Engine, choose
from ..epoch_blocks import block_length
from ..errors import DataError
from ..examples import Examples
from ..plan import Layer, Plan, State, Steps, targets_for
from .column_pairs import PairList, stack_columns

REFERENCE = ENGINES["reference"]


class HasParameters(Protocol):
    """A network of the book's: its parameters are live, and may have been assigned by the reader."""

    num_layers: int
    weights: list[Array]
    biases: list[Array]


def plan_of(network: HasParameters, cost: str = "quadratic", mini_batch_size: int = 1) -> Plan | None:
    """Make the plan of a network from its parameters; None where they are not plain lists of float64 arrays that fit each other."""
    if not {type(network.weights), type(network.biases)} <= {list, tuple}:
        return None
    weights, biases = list(network.weights), list(network.biases)
    if not weights or len(biases) != len(weights) or network.num_layers != len(weights) + 1:
        return None
    if not all(_is_matrix(part) for part in (*weights, *biases)):
        return None
    if any(b.shape != (w.shape[0], 1) for w, b in zip(weights, biases, strict=True)):
        return None
    if any(after.shape[1] != before.shape[0] for before, after in zip(weights, weights[1:], strict=False)):
        return None
    layers = tuple(Layer(w.shape[1], w.shape[0], "sigmoid") for w in weights)
    return Plan(layers, cost, batch_size=mini_batch_size, dtype="float64")


def _is_matrix(part: Any) -> bool:
    """Whether a parameter is a plain two-dimensional float64 array with entries, in native byte order."""
    return type(part) is np.ndarray and part.ndim == 2 and part.size > 0 and part.dtype == np.float64 and part.dtype.isnative


def outputs_of(network: HasParameters, rows: Array | None) -> Array | None:
    """Give the outputs (n, n_out) for rows (n, n_in) at once; None where rows or parameters are of another form."""
    plan = plan_of(network)
    if plan is None or rows is None or rows.shape[1] != plan.sizes[0]:
        return None
    engine = choose("auto", plan, None)
    return engine.forward(plan, list(network.weights), [b[:, 0] for b in network.biases], rows, threads="auto")


class EngineEpochs:
    """The epochs of one call of ``SGD``.

    Parameters
    ----------
    pairs : list
        The training pairs, which ``SGD`` shuffles before each epoch.
    mini_batch_size : int
    """

    def __init__(self, pairs: list[Any], mini_batch_size: int) -> None:
        self.pairs = pairs
        self.is_plain = type(pairs) is list  # a class of the reader's may give other pairs each time that it is read
        self.first_order = PairList(pairs if self.is_plain else ())  # it keeps every pair alive, so that ids stay theirs
        self.mini_batch_size = mini_batch_size
        self.diverged = False

    @cached_property
    def row_of(self) -> dict[int, int]:
        """The row of each pair in ``examples``, by the pair's id."""
        return {id(pair): row for row, pair in enumerate(self.first_order)}

    @cached_property
    def examples(self) -> Examples | None:
        """The pairs as arrays; None where they are not plain pairs of finite columns of real numbers."""
        x, y = self.first_order.rows, stack_columns(self.first_order.columns[1])
        if not set(map(type, self.first_order)) <= {tuple, list}:  # a class of the reader's may give other columns each time
            return None
        try:
            return None if x is None or y is None else Examples(x, y)
        except DataError:  # NaN or infinity
            return None

    def train(self, network: HasParameters, cost: str, eta: Any, decay: Any) -> bool:
        """Train one epoch in the order of ``pairs``, and write the parameters into the network.

        Returns
        -------
        bool
            False where nothing was done, since parameters, data or rates are of another form; then the loop over
            ``update_mini_batch`` trains the epoch.
        """
        if not self.is_plain:
            return False
        plan, examples, order = plan_of(network, cost, self.mini_batch_size), self.examples, self._order()
        if plan is None or examples is None or order is None or not isinstance(eta, Real) or not isinstance(decay, Real):
            return False
        if examples.n_in != plan.sizes[0] or not _are_targets_of(examples, plan):
            return False
        state = State(tuple(network.weights), tuple(b[:, 0] for b in network.biases))
        steps = _equal_steps(steps_per_epoch(len(order), plan.batch_size), float(eta), float(decay))
        self.diverged = self.diverged or not _advance(choose("auto", plan, examples), plan, state, examples, order, steps, network)
        if self.diverged:
            # The fused engine skips products with 0, which are NaN where a weight is infinite. The reference engine multiplies
            # everything, as the book does, so that NaN appears in the same places.
            _advance(REFERENCE, plan, state, examples, order, steps, network)
        return True

    def _order(self) -> Indices | None:
        """Give the rows of the pairs in their present order; None where the list holds other pairs than at first."""
        if len(self.pairs) != len(self.first_order):
            return None
        try:
            return np.fromiter(map(self.row_of.__getitem__, map(id, self.pairs)), np.int64, len(self.pairs))
        except KeyError:
            return None


def _are_targets_of(examples: Examples, plan: Plan) -> bool:
    """Whether the engines accept y as this plan's targets; the loop computes with any numbers."""
    try:
        targets_for(examples, plan)
    except DataError:
        return False
    return True


def _equal_steps(count: int, eta: float, decay: float) -> Steps:
    return Steps(np.full(count, eta), np.full(count, decay))


def _advance(
    engine: Engine, plan: Plan, state: State, examples: Examples, order: Indices, steps: Steps, network: HasParameters
) -> bool:
    """Train an epoch from a state, block by block; give False where the parameters are not finite any more.

    The reference engine goes on then, any other stops. On Ctrl-C the network keeps the parameters of the last step.
    """
    session, data = engine.open(plan, state, threads="auto"), engine.prepare(examples)
    length, size = block_length(plan, examples), plan.batch_size
    try:
        for start in range(0, len(order), length):
            block_steps = steps[start // size : (start + length) // size]
            result = session.advance(data, order[start : start + length], block_steps)
            if not result.finite and engine is not REFERENCE:
                return False
    finally:
        trained = session.state()
        network.weights = list(trained.weights)
        network.biases = [b.reshape(-1, 1) for b in trained.biases]
    return True
