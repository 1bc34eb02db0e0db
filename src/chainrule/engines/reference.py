"""The reference engine: a thin layer over ``calculus``, against which every other engine is tested.

It is plain NumPy, a batch at a time, and clear rather than fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from math import inf
from typing import Any, TypeAlias

import numpy as np

from .._arrays import cast_floats
from .._types import Array, Indices, Inputs, Rows, is_sparse
from ..calculus.activations import Activation
from ..calculus.backprop import backprop
from ..calculus.costs import Cost, is_built_in
from ..calculus.descent import Parameters, mini_batches, steps_per_epoch, update_mini_batch
from ..calculus.dropout import dropout_mask
from ..calculus.feedforward import decision, feedforward
from ..examples import Examples
from ..piecewise_inputs import PiecewiseInputs
from ..plan import BlockResult, Evaluation, Floats, Plan, State, Steps
from .encoded_targets import EncodedTargets, check_evaluated_weight, relative_weights
from .protocol import GradientSums
from .threads import Threads, TrainingThread, blas_threads

MADE_BY = f"reference/numpy-{np.__version__}"
EVALUATED_AT_ONCE = 2048  # rows: enough for BLAS to run well, few enough for the caches
GATHERED_AT_ONCE = 512  # rows: each call of fancy indexing has a fixed cost, and these rows stay in the caches until they are used


Batch: TypeAlias = tuple[Rows, Array, Array | None]
"""Some rows as ``calculus`` takes them: floats (m, n_in), targets (m, n_out), and row weights (m,), at most 1, or None."""


class View:
    """Prepared data for networks of one kind: inputs in their dtype, and their targets."""

    def __init__(self, examples: Examples, plan: Plan) -> None:
        n_out = plan.layers[-1].n_out
        self.n = len(examples)
        self.dtype = np.dtype(plan.dtype)
        in_batches = examples.kind in ("pixels", "piecewise")  # other inputs are cast once
        self.x: Inputs = examples.x if in_batches else as_floats(examples.x, self.dtype)
        self.weights = examples.weights
        relative, self.largest_weight = relative_weights(examples)
        self.relative_weights = None if relative is None else relative.astype(self.dtype)
        targets = EncodedTargets(examples, plan)
        self.labels, self.classes = targets.labels, targets.classes
        self.y: Array = np.eye(n_out, dtype=self.dtype) if targets.values is None else targets.values  # row k: label k's target
        self.output = plan.sigmas[-1]

    def check_rows(self, rows: Indices) -> None:
        """Refuse row numbers that are not whole numbers from 0 to n - 1."""
        if rows.size and (rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= self.n):
            raise ValueError(f"row numbers must be whole numbers 0..{self.n - 1}; they are {rows.min()}..{rows.max()}")

    def parts(self, rows: Indices | None) -> Iterator[Indices | slice]:
        """Cut some rows, or all, into the pieces of an evaluation."""
        if rows is None:
            yield from slices(self.n)
            return
        numbers = np.asarray(rows)
        self.check_rows(numbers)
        yield from (numbers[part] for part in slices(len(numbers)))

    def batch(self, rows: Indices | slice) -> Batch:
        """Gather some rows."""
        weights = None if self.relative_weights is None else self.relative_weights[rows]
        return as_floats(self.x[rows], self.dtype), self.targets(rows), weights

    def batches(self, order: Indices, size: int) -> Iterator[Batch]:
        """Gather the mini-batches of an order, many at a time."""
        for rows in mini_batches(order, size * max(1, GATHERED_AT_ONCE // size)):
            x, y, weights = self.batch(rows)
            for first in range(0, len(rows), size):
                part = slice(first, first + size)
                yield x[part], y[part], None if weights is None else weights[part]

    def targets(self, rows: Indices | slice) -> Array:
        """Gather the targets of some rows, (m, n_out)."""
        return self.y[rows] if self.labels is None else self.y[self.labels[rows]]

    def correct(self, a: Array, rows: Indices | slice) -> Floats | None:
        """Give 1 for each row whose prediction is its class, else 0; None without classes."""
        return None if self.classes is None else (decision(a, self.output) == self.classes[rows]).astype(np.float64)

    def weighted(self, values: Array, rows: Indices | slice) -> Floats:
        """Multiply one number an example by the example's weight, in float64."""
        numbers: Floats = values.astype(np.float64, copy=False)
        return numbers if self.weights is None else numbers * self.weights[rows]


class Data:
    """The reference engine's prepared data: the examples, and a view for each kind of network that has used them."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples
        self._views: dict[object, View] = {}

    def view(self, plan: Plan) -> View:
        """Give the view for this plan's networks; made once."""
        key = (plan.dtype, plan.layers[-1].n_out, plan.layers[-1].activation, plan.cost)
        if key not in self._views:
            self._views[key] = View(self.examples, plan)
        return self._views[key]


class ReferenceSession:
    """The training of one network: its parameters, and the number of updates done."""

    def __init__(self, plan: Plan, state: State, threads: Threads) -> None:
        self.counted_as_training = TrainingThread()
        self.plan = plan
        self.threads = threads
        self.made_by = MADE_BY
        dtype = np.dtype(plan.dtype)
        weights, biases = ([np.array(part, dtype) for part in parts] for parts in (state.weights, state.biases))
        slots = [
            tuple(np.array(state.slots[name][k], dtype) if state.slots else np.zeros_like(part) for name in plan.optimizer.slots)
            for k, part in enumerate([*weights, *biases])
        ]
        # One attribute holds all that a step changes, so that an interrupt falls before a step or after it, never within.
        self._current = Parameters(weights, biases, slots), state.step

    def advance(self, data: Data, order: Indices, steps: Steps) -> BlockResult:
        """Take one step for each mini-batch of ``order``."""
        plan, view = self.plan, data.view(self.plan)
        epochs = np.atleast_2d(order)
        view.check_rows(epochs)
        count = len(epochs) * steps_per_epoch(epochs.shape[1], plan.batch_size)
        if len(steps) != count:
            raise ValueError(f"the order has {count} mini-batches, but there are rates for {len(steps)}")
        sigmas, cost = functions(plan)
        dropout = any(layer.dropout for layer in plan.layers)
        outputs, squares = [np.empty((0, plan.layers[-1].n_out), view.dtype)], []
        rates, decays = steps.rate.tolist(), steps.decay.tolist()
        with blas_threads(self.threads), np.errstate(all="ignore"):  # BlockResult.finite reports a training that diverges
            batches = chain.from_iterable(view.batches(epoch, plan.batch_size) for epoch in epochs)
            for k, (x, y, weights) in enumerate(batches):
                parameters, done = self._current
                masks = self._masks(len(y), done) if dropout else None
                y_trained = plan.training_targets(y)
                a, gradient = backprop(parameters.weights, parameters.biases, sigmas, cost, x, y_trained, weights, masks)
                outputs.append(a)
                if steps.squares:
                    squares.append(sum(float(np.vdot(w, w)) for w in parameters.weights))
                parameters = update_mini_batch(
                    parameters,
                    gradient,
                    plan.optimizer,
                    rates[k],
                    total_weight(y, weights),
                    t=done + 1,
                    l1=plan.l1,
                    l2=decays[k],
                    clip=plan.clip,
                )
                self._current = parameters, done + 1
            result = self._block_result(view, np.concatenate(outputs), epochs)
        return replace(result, squares=np.array(squares, np.float64)) if steps.squares else result

    def _masks(self, m: int, step: int) -> list[Array | None]:
        """Draw this step's dropout masks; None for a layer without dropout."""
        return [
            dropout_mask((m, layer.n_out), layer.dropout, seed=self.plan.seed, step=step, layer=k, dtype=self.plan.dtype)
            if layer.dropout
            else None
            for k, layer in enumerate(self.plan.layers)
        ]

    def _block_result(self, view: View, outputs: Array, epochs: Indices) -> BlockResult:
        """Sum costs and correct predictions over each mini-batch; ``epochs`` holds an order a row."""
        length = epochs.shape[1]
        starts = np.ravel(np.arange(0, epochs.size, length or 1)[:, None] + np.arange(0, length, self.plan.batch_size))
        rows = epochs.ravel()
        costs = view.weighted(self.plan.cost_function.value(outputs, self.plan.training_targets(view.targets(rows))), rows)
        correct = view.correct(outputs, rows)
        sums = np.add.reduceat(costs, starts) if len(starts) else np.zeros(0)
        parameters = [*self._current[0].weights, *self._current[0].biases]
        finite = all(bool(np.isfinite(part).all()) for part in (sums, *parameters))
        if correct is None:
            return BlockResult(sums, None, finite)
        return BlockResult(sums, np.add.reduceat(view.weighted(correct, rows), starts) if len(starts) else np.zeros(0), finite)

    def evaluate(self, data: Data, rows: Indices | None = None) -> Evaluation:
        """Give the cost and the number of correct predictions over some rows of ``data``, or all."""
        view, (parameters, _) = data.view(self.plan), self._current
        sigmas, cost_function = functions(self.plan)
        cost, right, total = 0.0, 0.0, 0.0
        with blas_threads(self.threads), np.errstate(all="ignore"):
            for part in view.parts(rows):
                x, y, _ = view.batch(part)
                a = feedforward(parameters.weights, parameters.biases, sigmas, x)
                cost += float(view.weighted(cost_function.value(a, y), part).sum())
                correct = view.correct(a, part)
                right += 0.0 if correct is None else float(view.weighted(correct, part).sum())
                total += total_weight(y, None if view.weights is None else view.weights[part])
        check_evaluated_weight(total)
        return Evaluation(cost / total, None if view.classes is None else right, total)

    def state(self) -> State:
        """Copy out the state."""
        parameters, step = self._current
        return State(
            weights=tuple(w.copy() for w in parameters.weights),
            biases=tuple(b.copy() for b in parameters.biases),
            slots={name: tuple(kept[k].copy() for kept in parameters.slots) for k, name in enumerate(self.plan.optimizer.slots)},
            step=step,
            made_by=self.made_by,
        )


class ReferenceGradient:
    """The summed cost of some rows, and its gradient, as a function of all parameters."""

    def __init__(self, plan: Plan, view: View, rows: Indices | None, threads: Threads) -> None:
        self.counted_as_training = TrainingThread()
        self.plan = plan
        self.view = view
        self.rows: Indices | slice = slice(None)
        if rows is not None:
            view.check_rows(np.asarray(rows))
            self.rows = np.asarray(rows, np.intp)
        self.threads = threads
        self.batch = view.batch(self.rows)

    def __call__(self, parameters: Array) -> GradientSums:
        """Compute the cost and the gradient, a vector as ``Plan.pack`` makes it."""
        plan, view, (x, true_y, row_weights), (sigmas, cost) = self.plan, self.view, self.batch, functions(self.plan)
        y = plan.training_targets(true_y)
        size = plan.places[-1][0].stop
        if parameters.shape != (size,):
            raise ValueError(f"the parameters must be one vector of {size} numbers; their shape is {parameters.shape}")
        with blas_threads(self.threads), np.errstate(all="ignore"):
            a, (nabla_b, nabla_w) = backprop(*plan.unpack(parameters), sigmas, cost, x, y, row_weights)
            gradient = view.largest_weight * plan.pack(nabla_w, nabla_b)  # back from relative weights
            correct = view.correct(a, self.rows)
            right = None if correct is None else float(view.weighted(correct, self.rows).sum())
            return GradientSums(float(view.weighted(cost.value(a, y), self.rows).sum()), gradient, right)


class Reference:
    """The engine: it computes every plan."""

    name = "reference"
    uses_blas = True

    def describe(self) -> str:
        """Give the name."""
        return self.name

    def made_by(self) -> str:
        """Give the name, and the version of NumPy, whose sums it takes."""
        return MADE_BY

    def refuses(self, plan: Plan, examples: Examples | None) -> str | None:
        """Give None."""
        return None

    def prepare(self, examples: Examples) -> Data:
        """Wrap the examples; they are copied only for a plan of another dtype."""
        data: Data = examples.prepared(self.name, Data)
        return data

    def forward(self, plan: Plan, weights: list[Array], biases: list[Array], x: Inputs, *, threads: Threads) -> Array:
        """Give the outputs (m, n_out), some rows at a time."""
        dtype, (sigmas, _) = np.dtype(plan.dtype), functions(plan)
        with blas_threads(threads), np.errstate(all="ignore"):
            parts = [feedforward(weights, biases, sigmas, as_floats(x[rows], dtype)) for rows in slices(x.shape[0])]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def forward_small(
        self, plan: Plan, weights: list[Array], biases: list[Array], x: Any, limits: tuple[float, float] = (-inf, inf)
    ) -> Array | None:
        """Give None: there is no fast path."""
        return None

    def gradient(self, plan: Plan, data: Data, rows: Indices | None, *, threads: Threads) -> ReferenceGradient:
        """Give the summed cost of some rows, or of all, and its gradient as a function of all parameters."""
        return ReferenceGradient(plan, data.view(plan), rows, threads)

    def open(self, plan: Plan, state: State, *, threads: Threads) -> ReferenceSession:
        """Begin a session from a copy of a state."""
        return ReferenceSession(plan, state, threads)


def total_weight(y: Array, weights: Array | None) -> float:
    """Give the summed weight of a batch's rows: their number, if they are not weighted."""
    return len(y) if weights is None else float(weights.sum(dtype=np.float64))


def functions(plan: Plan) -> tuple[list[Activation], Cost]:
    """Give a plan's activations and cost; the results of the user's own are cast to the plan's dtype."""
    sigmas, cost, dtype = list(plan.sigmas), plan.cost_function, plan.dtype

    def cast(function: Callable[..., Array]) -> Callable[..., Array]:
        return lambda *arrays: np.asarray(function(*arrays), dtype=dtype)

    for k, layer in enumerate(plan.layers):
        if isinstance(layer.activation, Activation):
            sigmas[k] = replace(sigmas[k], value=cast(sigmas[k].value), derivative=cast(sigmas[k].derivative))
    if not is_built_in(cost):
        cost = Cost(cost.name, cost.value, cast(cost.gradient))
    return sigmas, cost


def as_floats(x: Inputs, dtype: np.dtype[np.floating]) -> Rows:
    """Bring a batch's inputs to a float dtype; pixels are divided by 255, and piecewise-linear features computed."""
    if isinstance(x, PiecewiseInputs):
        return x.expanded(dtype)
    if is_sparse(x):
        if x.dtype == dtype:
            return x
        cast_floats("x", x.data, dtype)
        return x.astype(dtype)
    dense = np.asarray(x)
    if dense.dtype == np.uint8:
        return np.true_divide(dense, 255, dtype=dtype)
    return cast_floats("x", dense, dtype)


def slices(n: int) -> list[slice]:
    """Cut n rows into pieces for evaluation."""
    return [slice(first, min(first + EVALUATED_AT_ONCE, n)) for first in range(0, n, EVALUATED_AT_ONCE)]
