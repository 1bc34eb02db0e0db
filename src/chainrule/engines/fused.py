"""The fused engine: whole blocks of an epoch in native code, behind the seam.

The kernels (``kernels/``) compute the functions of ``calculus``, a block of mini-batches per call, with the GIL released. This file
can only be imported where they were built.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

import chainrule.engines._fused as _fused

from .._arrays import cast_floats
from .._types import AnyArray, Array, Indices, Inputs, is_sparse
from ..errors import EngineError
from ..examples import Examples
from ..piecewise_inputs import PiecewiseInputs
from ..plan import BlockResult, Evaluation, Plan, State, Steps
from .encoded_targets import EncodedTargets, check_evaluated_weight, relative_weights
from .protocol import SMALL_BATCH, GradientSums
from .threads import Threads, TrainingThread, thread_count
from .unsupported import unsupported

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .protocol import ValueAndGradient

BEST_INSTRUCTION_SET = _fused.instruction_sets()[0]

KERNEL_ACTIVATIONS = frozenset(_fused.activations())
KERNEL_COSTS = frozenset(_fused.costs())
KERNEL_OPTIMIZERS = frozenset(_fused.optimizers())
"""The built-in functions that the kernels have; a plan with others is refused."""

BYTES_WORTH_A_THREAD = 1 << 20
"""Inputs below this size are counted by one thread: waking a second one takes longer."""

SPARSE_DENSITY = 0.4
"""Inputs with a smaller fraction of nonzero numbers become CSR (measured by ``python -m benchmarks.density``)."""

PARAMETERS = -1
"""The slot number of the parameters in a native session; 0 and 1 are the optimizer's slots."""

FILL_WITH_NAN = os.environ.get("CHAINRULE_DEBUG") == "1"
"""Whether arrays are filled with NaN before a kernel writes to them, so that tests detect entries that no kernel wrote."""


def available() -> list[str]:
    """Give the instruction sets that this machine has kernels for, the best first."""
    return _fused.instruction_sets()


def instruction_set() -> str:
    """Give the best instruction set of this machine, or the one that ``CHAINRULE_ISA`` asks for.

    Raises
    ------
    EngineError
        When this machine lacks it.
    """
    supported = available()
    asked = os.environ.get("CHAINRULE_ISA")
    if asked and asked not in supported:
        raise EngineError(
            f"CHAINRULE_ISA asks for {asked!r}, but this machine runs {', '.join(supported)}; unset it, or name one of these"
        )
    return asked or supported[0]


def made_by(isa: str) -> str:
    """Name the engine with the instruction set of its kernels; the bits of results depend on both."""
    return f"fused/{isa}"


def native_inputs(x: Inputs, threads: Threads, *, used_once: bool = False) -> _fused.Data:
    """Give inputs to the kernels: as CSR where most of them are 0, else as they are; the features of some are added later.

    Dense floats that are ``used_once`` are not searched for zeros: that takes longer than computing with them.
    """
    if is_sparse(x):
        return _from_csr(x)
    if isinstance(x, PiecewiseInputs):
        return _from_dense(np.require(x.numbers, requirements=["C", "A"]))
    dense = np.require(x, requirements=["C", "A"])
    if used_once and dense.dtype != np.uint8:
        return _from_dense(dense)
    workers = thread_count(threads) if dense.nbytes > BYTES_WORTH_A_THREAD else 1
    row_starts = np.zeros(len(dense) + 1, np.int64)
    _fused.count_entries(dense, row_starts[1:], workers)
    np.cumsum(row_starts, out=row_starts)
    entries = row_starts[-1]
    if entries > SPARSE_DENSITY * dense.size:
        return _from_dense(dense)
    columns = np.empty(entries, _column_type(dense.shape[1]))
    values = np.empty(entries, dense.dtype)
    _fused.fill_entries(dense, row_starts, columns, values, workers)
    return _sparse_data(dense.shape, row_starts, columns, values, trusted=True)


def with_features(native: _fused.Data, x: Inputs, dtype: str) -> _fused.Data:
    """Let the kernels compute the features of ``PiecewiseInputs``, for a network of this dtype; other inputs stay as they are."""
    if not isinstance(x, PiecewiseInputs):
        return native
    bins, limits, sizes = x.features_in(dtype)
    clipped = int(np.flatnonzero(np.isfinite(limits)).max(initial=-1)) + 1
    return native.with_features(bins.starts.astype(np.int32), bins.lower, bins.scale, limits, sizes, clipped)


def _from_dense(x: AnyArray) -> _fused.Data:
    native = _fused.Data()
    native.set_dense(x.shape[0], x.shape[1], x)
    return native


def _from_csr(x: Any) -> _fused.Data:
    csr = _canonical(x)
    row_starts = _as(np.int64, csr.indptr)
    columns = csr.indices.astype(_column_type(x.shape[1]))
    return _sparse_data(x.shape, row_starts, columns, np.ascontiguousarray(csr.data), trusted=False)


def _sparse_data(shape: tuple[int, ...], row_starts: Any, columns: AnyArray, values: AnyArray, *, trusted: bool) -> _fused.Data:
    """Give CSR rows to the kernels, which check them unless ``trusted``: made by the kernels themselves."""
    n, n_in = shape
    native = _fused.Data()
    native.set_sparse(n, n_in, row_starts, columns, columns.dtype == np.uint32, values, trusted)
    return native


def _column_type(n_in: int) -> type[np.unsignedinteger[Any]]:
    """Choose the narrower type that holds every column."""
    return np.uint32 if n_in > 2**16 else np.uint16


def _canonical(x: Any) -> Any:
    """Give a CSR matrix whose columns ascend in each row: itself, or a copy."""
    if not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    return x


class Data:
    """The prepared form of some examples: their inputs once, and their targets for each kind of network that asked."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples
        self.inputs = native_inputs(examples.x, "auto")
        self.relative_weights, self.largest_weight = relative_weights(examples)
        self._views: dict[object, _fused.Data] = {}

    def view(self, plan: Plan) -> _fused.Data:
        """Give the inputs with the targets that this plan's outputs and cost need; made once."""
        key = (plan.dtype, plan.layers[-1].n_out, plan.layers[-1].activation, plan.cost)
        if key not in self._views:
            check_range(self.examples.x, plan)
            encoded = EncodedTargets(self.examples, plan)
            labels = _as(np.int32, encoded.labels)
            self._views[key] = with_features(self.inputs, self.examples.x, plan.dtype).with_targets(
                labels=labels,
                targets=_as(np.float64, encoded.values),
                classes=labels if encoded.classes is encoded.labels else _as(np.int32, encoded.classes),
                weights=_as(np.float64, self.relative_weights),
                n_out=plan.layers[-1].n_out,
            )
        return self._views[key]


def check_range(x: Inputs, plan: Plan) -> None:
    """Refuse numbers that a float32 network cannot hold."""
    stored: Any = x.data if is_sparse(x) else x.numbers if isinstance(x, PiecewiseInputs) else x
    if stored.dtype == np.float64 and plan.dtype == "float32":
        cast_floats("x", np.array([stored.min(), stored.max()]) if stored.size else stored, np.dtype(np.float32))


def allocate_result(shape: int | tuple[int, ...], dtype: Any = np.float64) -> Any:
    """Allocate an array for a kernel to fill; with ``CHAINRULE_DEBUG=1`` it is filled with NaN, to show unwritten entries."""
    return np.full(shape, np.nan, dtype) if FILL_WITH_NAN else np.empty(shape, dtype)


def row_numbers(rows: Indices) -> Indices:
    """Give row numbers as the kernels read them; those that are not whole numbers are refused, not truncated."""
    numbers = np.asarray(rows)
    if numbers.size and numbers.dtype.kind not in "iu":
        raise ValueError(f"row numbers must be whole numbers; they are {numbers.dtype}")
    return np.ascontiguousarray(numbers, np.int64)


def _as(dtype: Any, array: AnyArray | None) -> AnyArray | None:
    return None if array is None else np.require(array, dtype, ["C", "A"])


class FusedSession:
    """A network in training inside the kernels."""

    def __init__(self, plan: Plan, state: State, threads: Threads) -> None:
        self.plan = plan
        isa = instruction_set()
        self.made_by = made_by(isa)
        self.dtype = np.dtype(plan.dtype)
        self.counted_as_training = TrainingThread()
        session = _fused.SessionF32 if plan.dtype == "float32" else _fused.SessionF64
        self.native = session(
            instruction_set=isa,
            sizes=list(plan.sizes),
            activations=[sigma.name for sigma in plan.sigmas],
            dropout=[layer.dropout for layer in plan.layers],
            cost=plan.cost_function.name,
            cost_settings=plan.cost_function.settings,
            delta_is_difference=plan.cost_function.cancels(plan.sigmas[-1]),
            optimizer=plan.optimizer.name,
            optimizer_settings=asdict(plan.optimizer),
            l1=plan.l1,
            clip=plan.clip,
            label_smoothing=plan.label_smoothing,
            seed=plan.seed,
            step=state.step,
            threads=thread_count(threads),
            tune_threads=threads == "auto",
        )
        self.put(PARAMETERS, [*state.weights, *state.biases])
        for k, name in enumerate(plan.optimizer.slots if state.slots else ()):
            self.put(k, state.slots[name])
        if set(state.deferred) == {"unscaled_w", "w_scale"} and state.made_by == self.made_by:
            self._put_deferred(state)

    def _put_deferred(self, state: State) -> None:
        """Take over a deferred factor of the first layer's weights, unless the weights were changed since."""
        unscaled, w_scale = state.deferred["unscaled_w"], state.deferred["w_scale"]
        if unscaled.dtype == self.dtype and np.array_equal(unscaled * self.dtype.type(w_scale), state.weights[0]):
            self.native.put_unscaled(unscaled, np.require(state.biases[0], self.dtype, ["C", "A"]), float(w_scale))

    def _deferred(self) -> dict[str, Array]:
        """Copy out the first layer's weights without their deferred factor; nothing where that is 1."""
        w_scale = self.native.w_scale()
        if w_scale == 1:
            return {}
        layer = self.plan.layers[0]
        unscaled: Array = allocate_result((layer.n_out, layer.n_in), self.dtype)
        self.native.get_unscaled(unscaled, allocate_result(layer.n_out, self.dtype))
        return {"unscaled_w": unscaled, "w_scale": np.array(w_scale)}

    def put(self, slot: int, arrays: Sequence[Array]) -> None:
        """Copy in the parameters, or a slot's arrays: those of the weights, then of the biases."""
        n = len(self.plan.layers)
        for layer, (w, b) in enumerate(zip(arrays[:n], arrays[n:], strict=True)):
            self.native.put(layer, slot, np.require(w, self.dtype, ["C", "A"]), np.require(b, self.dtype, ["C", "A"]))

    def get(self, slot: int) -> tuple[list[Array], list[Array]]:
        """Copy out the parameters, or a slot's arrays: of the weights, and of the biases."""
        weights = [allocate_result((layer.n_out, layer.n_in), self.dtype) for layer in self.plan.layers]
        biases = [allocate_result(layer.n_out, self.dtype) for layer in self.plan.layers]
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            self.native.get(layer, slot, w, b)
        return weights, biases

    def advance(self, data: Data, order: Indices, steps: Steps) -> BlockResult:
        """Take one step for each mini-batch of ``order``."""
        view, count = data.view(self.plan), len(steps)
        costs, right, squares = allocate_result(count), allocate_result(count), allocate_result(count * steps.squares)
        rate, decay = np.ascontiguousarray(steps.rate, np.float64), np.ascontiguousarray(steps.decay, np.float64)
        self.native.advance(view, row_numbers(order), self.plan.batch_size, rate, decay, costs, right, squares)
        finite = bool(np.isfinite(costs).all()) and self.native.finite()
        rights = data.largest_weight * right if view.has_classes else None
        return BlockResult(data.largest_weight * costs, rights, finite, squares if steps.squares else None)

    def evaluate(self, data: Data, rows: Indices | None = None) -> Evaluation:
        """Give the cost and the number of correct predictions over some rows of ``data``, or all."""
        view = data.view(self.plan)
        cost, right, total = self.native.evaluate(view, None if rows is None else row_numbers(rows))
        check_evaluated_weight(total)
        return Evaluation(cost / total, data.largest_weight * right if view.has_classes else None, data.largest_weight * total)

    def state(self) -> State:
        """Copy out the state."""
        weights, biases = self.get(PARAMETERS)
        slots = {name: tuple(w + b) for name, (w, b) in ((name, self.get(k)) for k, name in enumerate(self.plan.optimizer.slots))}
        return State(tuple(weights), tuple(biases), slots, self.native.step(), self.made_by, self._deferred())


class Fused:
    """The engine itself."""

    name = "fused"
    uses_blas = False

    def describe(self) -> str:
        """Give the name, and the instruction set that the kernels use."""
        isa = instruction_set()
        return f"fused ({'x86-64-' * isa.startswith('v')}{isa})"

    def made_by(self) -> str:
        """Give the name, and the instruction set that the kernels use."""
        return made_by(instruction_set())

    def refuses(self, plan: Plan, examples: Examples | None) -> str | None:
        """Refuse activations, costs and optimizers that the kernels do not have."""
        return unsupported(plan, self.name, activations=KERNEL_ACTIVATIONS, costs=KERNEL_COSTS, optimizers=KERNEL_OPTIMIZERS)

    def prepare(self, examples: Examples) -> Data:
        """Compress the inputs where most of them are 0."""
        data: Data = examples.prepared(self.name, Data)
        return data

    def forward(self, plan: Plan, weights: list[Array], biases: list[Array], x: Inputs, *, threads: Threads) -> Array:
        """Give the outputs (m, n_out)."""
        check_range(x, plan)
        if isinstance(x, PiecewiseInputs) and len(x) <= SMALL_BATCH:
            x = x.expanded(plan.dtype)
        quick = self.forward_small(plan, weights, biases, x)
        if quick is not None:
            return quick
        session = FusedSession(plan, State(tuple(weights), tuple(biases)), threads)
        out: Array = allocate_result((x.shape[0], plan.layers[-1].n_out), session.dtype)
        session.native.forward(with_features(native_inputs(x, threads, used_once=True), x, plan.dtype), out)
        return out

    def forward_small(
        self, plan: Plan, weights: list[Array], biases: list[Array], x: Any, limits: tuple[float, float] = (-np.inf, np.inf)
    ) -> Array | None:
        """Give the outputs of a few rows, read from the arrays in place; None where a check or a conversion is needed first.

        That is so for x of another kind, width or layout, for numbers outside ``limits``, and for arrays that do not fit the plan.
        """
        if type(x) is not np.ndarray or x.ndim != 2 or not 0 < x.shape[0] <= SMALL_BATCH or x.shape[1] != plan.layers[0].n_in:
            return None
        if plan.own_functions or not x.flags.c_contiguous or len(weights) != len(plan.layers):
            return None
        names = [sigma.name for sigma in plan.sigmas]
        if not KERNEL_ACTIVATIONS.issuperset(names):
            return None
        isa = instruction_set() if "CHAINRULE_ISA" in os.environ else BEST_INSTRUCTION_SET
        out: Array = allocate_result((x.shape[0], plan.layers[-1].n_out), plan.dtype)
        try:
            complete = _fused.forward_small(isa, plan.sizes, names, weights, biases, x, out, *limits)
        except TypeError:  # arrays of another type
            return None
        return out if complete else None

    def gradient(self, plan: Plan, data: Data, rows: Indices | None, *, threads: Threads) -> ValueAndGradient:
        """Give the summed cost of some rows, or all, and its gradient as a function of all parameters, by one session."""
        session, view = FusedSession(plan, State((), ()), threads), data.view(plan)
        chosen_rows = None if rows is None else row_numbers(rows)

        def value_and_gradient(parameters: Array) -> GradientSums:
            gradient: Array = allocate_result(len(parameters), session.dtype)
            vector = np.ascontiguousarray(parameters, session.dtype)
            cost, right = session.native.value_and_gradient(view, chosen_rows, vector, gradient)
            if data.largest_weight != 1:
                gradient *= data.largest_weight
            return GradientSums(data.largest_weight * cost, gradient, data.largest_weight * right if view.has_classes else None)

        return value_and_gradient

    def open(self, plan: Plan, state: State, *, threads: Threads) -> FusedSession:
        """Begin a session from a copy of a state: an initial one, or that of an earlier session."""
        return FusedSession(plan, state, threads)
