"""The reference engine: a thin layer over ``calculus``, and the judge of every other.

It is plain NumPy, a batch at a time. Its speed is what NumPy gives a careful loop by hand; nothing here is arranged for more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from .._arrays import in_dtype
from .._types import Array, Indices, Inputs, Rows, is_sparse
from ..calculus.activations import Activation
from ..calculus.backprop import backprop
from ..calculus.costs import Cost, is_built_in
from ..calculus.descent import Parameters, mini_batches, update_mini_batch
from ..calculus.dropout import dropout_mask
from ..calculus.feedforward import decision, feedforward
from ..examples import Examples
from ..plan import BlockResult, Evaluation, Floats, Plan, State, Steps
from .encoded_targets import EncodedTargets
from .threads import Threads, blas_threads

if TYPE_CHECKING:
    from . import ValueAndGradient

EVALUATED_AT_ONCE = 2048  # rows: enough for BLAS to run well, few enough to stay in the caches
GATHERED_AT_ONCE = 512  # rows: gathering costs by the call, and these stay in the caches until they are used


Batch: TypeAlias = tuple[Rows, Array, Array | None]
"""Some rows as ``calculus`` takes them: floats (m, n_in), targets (m, n_out), and row weights (m,), at most 1, or None."""


class View:
    """Prepared data as one kind of network sees it: in its dtype, with its targets."""

    def __init__(self, examples: Examples, plan: Plan) -> None:
        n_out = plan.layers[-1].n_out
        self.dtype = np.dtype(plan.dtype)
        self.x: Inputs = examples.x if examples.kind == "pixels" else as_floats(examples.x, self.dtype)  # floats are cast once
        # Only the ratio of weights matters to a step; relative to the largest they fit into any dtype.
        self.weights = examples.weights
        self.most = 1.0 if examples.weights is None else float(examples.weights.max())
        self.relative = None if examples.weights is None else (examples.weights / self.most).astype(self.dtype)
        answers = EncodedTargets(examples, plan)
        self.labels, self.classes = answers.labels, answers.classes
        self.y: Array = np.eye(n_out, dtype=self.dtype) if answers.values is None else answers.values  # row k is label k's target
        self.output = plan.sigmas[-1]

    def batch(self, rows: Indices | slice) -> Batch:
        """Gather some rows."""
        return as_floats(self.x[rows], self.dtype), self.targets(rows), None if self.relative is None else self.relative[rows]

    def batches(self, order: Indices, size: int) -> Iterator[Batch]:
        """Gather the mini-batches of an order, many at a time."""
        for rows in mini_batches(order, size * max(1, GATHERED_AT_ONCE // size)):
            x, y, weights = self.batch(rows)
            for first in range(0, len(rows), size):
                here = slice(first, first + size)
                yield x[here], y[here], None if weights is None else weights[here]

    def targets(self, rows: Indices | slice) -> Array:
        """Gather the targets of some rows, (m, n_out)."""
        return self.y[rows] if self.labels is None else self.y[self.labels[rows]]

    def right(self, a: Array, rows: Indices | slice) -> Floats | None:
        """1 for each row whose output says its class, else 0; None where there are no classes."""
        return None if self.classes is None else (decision(a, self.output) == self.classes[rows]).astype(np.float64)

    def counted(self, values: Array, rows: Indices | slice) -> Floats:
        """One number an example, times its weight, in float64."""
        counts: Floats = values.astype(np.float64, copy=False)
        return counts if self.weights is None else counts * self.weights[rows]


class Data:
    """The reference's prepared form: the examples, and each view of them that was asked for."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples
        self._views: dict[object, View] = {}

    def view(self, plan: Plan) -> View:
        """Give the examples as this plan's network sees them; made once."""
        key = (plan.dtype, plan.layers[-1].n_out, plan.layers[-1].activation, plan.cost)
        if key not in self._views:
            self._views[key] = View(self.examples, plan)
        return self._views[key]


class ReferenceSession:
    """A network in training: its parameters, and the number of updates done."""

    def __init__(self, plan: Plan, state: State, threads: Threads) -> None:
        self.plan = plan
        self.threads = threads
        self.made_by = f"reference/numpy-{np.__version__}"
        dtype = np.dtype(plan.dtype)
        weights, biases = ([np.array(part, dtype) for part in parts] for parts in (state.weights, state.biases))
        slots = [
            tuple(np.array(state.slots[name][k], dtype) if state.slots else np.zeros_like(part) for name in plan.optimizer.slots)
            for k, part in enumerate([*weights, *biases])
        ]
        # One attribute holds all that a step changes, so that an interrupt falls before a step or after it, never within.
        self._now = Parameters(weights, biases, slots), state.step

    def advance(self, data: Data, order: Indices, steps: Steps) -> BlockResult:
        """Take one step for each mini-batch of ``order``."""
        plan, view = self.plan, data.view(self.plan)
        sigmas, cost = functions(plan)
        dropout = any(layer.dropout for layer in plan.layers)
        outputs, squares = [], []
        rates, decays = steps.rate.tolist(), steps.decay.tolist()
        with blas_threads(self.threads), np.errstate(all="ignore"):  # a training that diverges is seen in BlockResult
            batches = chain.from_iterable(view.batches(epoch, plan.batch_size) for epoch in np.atleast_2d(order))
            for k, (x, y, weights) in enumerate(batches):
                parameters, done = self._now
                masks = self._masks(len(y), done) if dropout else None
                a, gradient = backprop(parameters.weights, parameters.biases, sigmas, cost, x, y, weights, masks)
                outputs.append(a)
                if steps.squares:
                    squares.append(sum(float(np.vdot(w, w)) for w in parameters.weights))
                parameters = update_mini_batch(
                    parameters,
                    gradient,
                    plan.optimizer,
                    rates[k],
                    weight(y, weights),
                    t=done + 1,
                    l1=plan.l1,
                    l2=decays[k],
                    clip=plan.clip,
                )
                self._now = parameters, done + 1
            progress = self._progress(view, np.concatenate(outputs), order)
            return replace(progress, squares=np.array(squares)) if steps.squares else progress

    def _masks(self, m: int, step: int) -> list[Array | None]:
        """Draw this step's dropout masks, for the layers that have dropout."""
        return [
            dropout_mask((m, layer.n_out), layer.dropout, seed=self.plan.seed, step=step, layer=k, dtype=self.plan.dtype)
            if layer.dropout
            else None
            for k, layer in enumerate(self.plan.layers)
        ]

    def _progress(self, view: View, outputs: Array, order: Indices) -> BlockResult:
        """Sum up what the mini-batches gave, all at once."""
        length = order.shape[-1]
        starts = np.ravel(np.arange(0, order.size, length)[:, None] + np.arange(0, length, self.plan.batch_size))
        order = order.ravel()
        costs = view.counted(self.plan.cost_function.value(outputs, view.targets(order)), order)
        right = view.right(outputs, order)
        sums = np.add.reduceat(costs, starts)
        finite = bool(np.isfinite(sums).all()) and all(
            bool(np.isfinite(part).all()) for parts in self._now[0][:2] for part in parts
        )
        return BlockResult(sums, None if right is None else np.add.reduceat(view.counted(right, order), starts), finite)

    def evaluate(self, data: Data) -> Evaluation:
        """Give the cost over all of ``data``, and how many are right."""
        view, (parameters, _) = data.view(self.plan), self._now
        sigmas, cost_function = functions(self.plan)
        cost, right, total = 0.0, 0.0, 0.0
        with blas_threads(self.threads), np.errstate(all="ignore"):
            for rows in slices(len(data.examples)):
                x, y, _ = view.batch(rows)
                a = feedforward(parameters.weights, parameters.biases, sigmas, x)
                cost += float(view.counted(cost_function.value(a, y), rows).sum())
                hits = view.right(a, rows)
                right += 0.0 if hits is None else float(view.counted(hits, rows).sum())
                total += weight(y, None if view.weights is None else view.weights[rows])
        return Evaluation(cost / total, None if view.classes is None else right, total)

    def state(self) -> State:
        """Copy out the state."""
        parameters, step = self._now
        return State(
            weights=tuple(w.copy() for w in parameters.weights),
            biases=tuple(b.copy() for b in parameters.biases),
            slots={name: tuple(kept[k].copy() for kept in parameters.slots) for k, name in enumerate(self.plan.optimizer.slots)},
            step=step,
            made_by=self.made_by,
        )


class Reference:
    """The engine itself: it refuses nothing."""

    name = "reference"

    def refuses(self, plan: Plan, examples: Examples | None) -> str | None:
        """Give None: it does all there is."""
        return None

    def prepare(self, examples: Examples) -> Data:
        """Hold the examples; nothing is copied until a plan asks for another dtype."""
        data: Data = examples.prepared(self.name, Data)
        return data

    def forward(self, plan: Plan, weights: list[Array], biases: list[Array], x: Inputs, *, threads: Threads) -> Array:
        """Give the outputs (m, n_out), some rows at a time."""
        dtype, (sigmas, _) = np.dtype(plan.dtype), functions(plan)
        with blas_threads(threads), np.errstate(all="ignore"):
            parts = [feedforward(weights, biases, sigmas, as_floats(x[rows], dtype)) for rows in slices(x.shape[0])]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def gradient(self, plan: Plan, data: Data, rows: Indices | None, *, threads: Threads) -> ValueAndGradient:
        """Give the summed cost of some rows, or of all, and its gradient as a function of all parameters."""
        view, (sigmas, cost), some = data.view(plan), functions(plan), slice(None) if rows is None else rows
        x, y, row_weights = view.batch(some)

        def slope(parameters: Array) -> tuple[float, Array]:
            with blas_threads(threads), np.errstate(all="ignore"):
                a, (nabla_b, nabla_w) = backprop(*plan.unpack(parameters), sigmas, cost, x, y, row_weights)
                gradient = view.most * plan.pack(nabla_w, nabla_b)  # back to the weights as they were given
                return float(view.counted(cost.value(a, y), some).sum()), gradient

        return slope

    def open(self, plan: Plan, state: State, *, threads: Threads) -> ReferenceSession:
        """Begin, or go on, from a state."""
        return ReferenceSession(plan, state, threads)


def weight(y: Array, weights: Array | None) -> float:
    """How much the rows of a batch weigh together: their number, if they are not weighted."""
    return len(y) if weights is None else float(weights.sum(dtype=np.float64))


def functions(plan: Plan) -> tuple[list[Activation], Cost]:
    """Give a plan's activations and cost; those that are the user's own answer in the plan's dtype, whatever they compute in."""
    sigmas, cost, dtype = list(plan.sigmas), plan.cost_function, plan.dtype

    def settled(function: Callable[..., Array]) -> Callable[..., Array]:
        return lambda *arrays: np.asarray(function(*arrays), dtype=dtype)

    for k, layer in enumerate(plan.layers):
        if isinstance(layer.activation, Activation):
            sigmas[k] = replace(sigmas[k], value=settled(sigmas[k].value), derivative=settled(sigmas[k].derivative))
    if not is_built_in(cost):
        cost = replace(cost, gradient=settled(cost.gradient))
    return sigmas, cost


def as_floats(x: Inputs, dtype: np.dtype[np.floating]) -> Rows:
    """Bring a batch's inputs to a float dtype; pixels are divided by 255."""
    if is_sparse(x):
        if x.dtype == dtype:
            return x
        in_dtype("x", x.data, dtype)
        return x.astype(dtype)
    dense = np.asarray(x)
    if dense.dtype == np.uint8:
        return np.true_divide(dense, 255, dtype=dtype)
    return in_dtype("x", dense, dtype)


def slices(n: int) -> list[slice]:
    """Cut n rows into pieces for evaluation."""
    return [slice(first, min(first + EVALUATED_AT_ONCE, n)) for first in range(0, n, EVALUATED_AT_ONCE)]
