"""The fused engine: whole blocks of an epoch in native code, behind the seam.

The kernels (``kernels/``) compute what ``calculus`` says, a block of mini-batches at a call, the GIL released. Importing this file
fails where they were not built.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

import chainrule.engines._fused as _fused

from .._arrays import in_dtype
from .._types import AnyArray, Array, Indices, Inputs, is_sparse
from ..calculus.activations import ACTIVATIONS
from ..calculus.costs import COSTS
from ..calculus.optimizers import SGD, Adam, RMSprop
from ..errors import EngineError
from ..examples import Examples
from ..plan import BlockResult, Evaluation, Plan, State, Steps
from .encoded_targets import EncodedTargets
from .threads import Threads, TrainingThread, thread_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .protocol import ValueAndGradient

FEW = 16  # rows: up to these the weights are taken as they lie, beyond they are laid out for the kernels first
BEST = _fused.instruction_sets()[0]
ORDER = {name: position for position, name in enumerate(ACTIVATIONS)}  # of the activations, as the kernels count them
LARGE = 1 << 20  # bytes of inputs: below it waking a thread takes longer than looking through them
DENSITY = 0.4  # of the inputs: below it they are kept as lists of what is not 0 (measured by benchmarks.density)
PARAMETERS = -1  # of what a native session gives; 0 and 1 are the optimizer's slots
DEBUG = os.environ.get("CHAINRULE_DEBUG") == "1"  # whether arrays that kernels fill hold NaN before
SGD_RULE, MOMENTUM_RULE, NESTEROV_RULE, ADAM_RULE, RMSPROP_RULE = range(5)


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
    here = available()
    asked = os.environ.get("CHAINRULE_ISA")
    if asked and asked not in here:
        raise EngineError(
            f"CHAINRULE_ISA asks for {asked!r}, but this machine runs {', '.join(here)}; unset it, or name one of these"
        )
    return asked or here[0]


def native_inputs(x: Inputs, threads: Threads, *, once: bool = False) -> _fused.Data:
    """Give inputs to the kernels: those that are mostly 0 as lists of what is not, each example's entries one after another.

    Floats that are used ``once`` stay as they are: looking for their zeros would take longer than computing with them.
    """
    n, n_in = x.shape
    wide = n_in > 2**16
    columns_of = np.uint32 if wide else np.uint16
    native = _fused.Data()
    if is_sparse(x):
        csr = _canonical(x)
        indptr, columns = _as(np.int64, csr.indptr), csr.indices.astype(columns_of)
        native.sparse(n, n_in, indptr, columns, wide, np.ascontiguousarray(csr.data), False)
        return native
    dense = np.require(x, requirements=["C", "A"])
    if once and dense.dtype != np.uint8:
        native.dense(n, n_in, dense)
        return native
    starts = np.zeros(n + 1, np.int64)
    workers = thread_count(threads) if dense.nbytes > LARGE else 1
    _fused.count_entries(dense, starts[1:], workers)
    np.cumsum(starts, out=starts)
    if starts[-1] > DENSITY * dense.size:
        native.dense(n, n_in, dense)
        return native
    columns, values = np.empty(starts[-1], columns_of), np.empty(starts[-1], dense.dtype)
    _fused.fill_entries(dense, starts, columns, values, workers)
    native.sparse(n, n_in, starts, columns, wide, values, True)
    return native


def _canonical(x: Any) -> Any:
    """Give a CSR matrix whose columns rise in each row: itself, or a copy."""
    if not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    return x


class Data:
    """The prepared form of some examples: their inputs once, and the native view of each kind of network that asked."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples
        self.inputs = native_inputs(examples.x, "auto")
        # Only the ratio of weights matters to a step; relative to the largest they fit into any dtype.
        self.most = 1.0 if examples.weights is None else float(examples.weights.max())
        self._views: dict[object, _fused.Data] = {}

    def view(self, plan: Plan) -> _fused.Data:
        """Give the data as this plan's network sees it; made once."""
        key = (plan.dtype, plan.layers[-1].n_out, plan.layers[-1].activation, plan.cost)
        if key not in self._views:
            check_range(self.examples.x, plan)
            answers = EncodedTargets(self.examples, plan)
            labels = _as(np.int32, answers.labels)
            weights = None if self.examples.weights is None else self.examples.weights / self.most
            self._views[key] = self.inputs.with_answers(
                labels,
                _as(np.float64, answers.values),
                labels if answers.classes is answers.labels else _as(np.int32, answers.classes),
                _as(np.float64, weights),
                plan.layers[-1].n_out,
            )
        return self._views[key]


def check_range(x: Inputs, plan: Plan) -> None:
    """Refuse numbers that a float32 network cannot hold."""
    stored: Any = x.data if is_sparse(x) else x
    if stored.dtype == np.float64 and plan.dtype == "float32":
        in_dtype("x", np.array([stored.min(), stored.max()]) if stored.size else stored, np.dtype(np.float32))


def unwritten(shape: int | tuple[int, ...], dtype: Any = np.float64) -> Any:
    """Allocate an array for a kernel to fill; with ``CHAINRULE_DEBUG=1`` it holds NaN, which shows what no kernel wrote."""
    return np.full(shape, np.nan, dtype) if DEBUG else np.empty(shape, dtype)


def _as(dtype: Any, array: AnyArray | None) -> AnyArray | None:
    return None if array is None else np.require(array, dtype, ["C", "A"])


class FusedSession:
    """A network in training inside the kernels."""

    def __init__(self, plan: Plan, state: State, threads: Threads) -> None:
        self.plan = plan
        isa = instruction_set()
        self.made_by = f"fused/{isa}"
        self.dtype = np.dtype(plan.dtype)
        self.counted_as_training = TrainingThread()
        kind = _fused.SessionF32 if plan.dtype == "float32" else _fused.SessionF64
        self.native = kind(
            isa,
            list(plan.sizes),
            [ORDER[sigma.name] for sigma in plan.sigmas],
            [layer.dropout for layer in plan.layers],
            list(COSTS).index(plan.cost_function.name),
            plan.cost_function.cancels(plan.sigmas[-1]),
            *rule_of(plan),
            plan.seed,
            state.step,
            thread_count(threads),
            threads == "auto",
        )
        self.put(PARAMETERS, [*state.weights, *state.biases])
        for k, name in enumerate(plan.optimizer.slots if state.slots else ()):
            self.put(k, state.slots[name])

    def put(self, which: int, arrays: Sequence[Array]) -> None:
        """Copy in the parameters, or a slot's arrays: those of the weights, then of the biases."""
        n = len(self.plan.layers)
        for layer, (w, b) in enumerate(zip(arrays[:n], arrays[n:], strict=True)):
            self.native.put(layer, which, np.require(w, self.dtype, ["C", "A"]), np.require(b, self.dtype, ["C", "A"]))

    def get(self, which: int) -> tuple[list[Array], list[Array]]:
        """Copy out the parameters, or a slot's arrays: of the weights, and of the biases."""
        weights = [unwritten((layer.n_out, layer.n_in), self.dtype) for layer in self.plan.layers]
        biases = [unwritten(layer.n_out, self.dtype) for layer in self.plan.layers]
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            self.native.get(layer, which, w, b)
        return weights, biases

    def advance(self, data: Data, order: Indices, steps: Steps) -> BlockResult:
        """Take one step for each mini-batch of ``order``."""
        view, count = data.view(self.plan), len(steps)
        costs, right, squares = unwritten(count), unwritten(count), unwritten(count * steps.squares)
        rate, decay = np.ascontiguousarray(steps.rate, np.float64), np.ascontiguousarray(steps.decay, np.float64)
        self.native.advance(view, np.ascontiguousarray(order, np.int64), self.plan.batch_size, rate, decay, costs, right, squares)
        finite = bool(np.isfinite(costs).all()) and self.native.finite()
        rights = data.most * right if view.has_classes else None
        return BlockResult(data.most * costs, rights, finite, squares if steps.squares else None)

    def evaluate(self, data: Data) -> Evaluation:
        """Give the cost over all of ``data``, and how many are right."""
        view = data.view(self.plan)
        cost, right, total = self.native.evaluate(view)
        return Evaluation(cost / total, data.most * right if view.has_classes else None, data.most * total)

    def state(self) -> State:
        """Copy out the state."""
        weights, biases = self.get(PARAMETERS)
        slots = {name: tuple(w + b) for name, (w, b) in ((name, self.get(k)) for k, name in enumerate(self.plan.optimizer.slots))}
        return State(tuple(weights), tuple(biases), slots, self.native.step(), self.made_by)


def rule_of(plan: Plan) -> tuple[int, list[float]]:
    """Give the optimizer as the kernels take it: its rule, and (mu, beta1, beta2, epsilon, raw, shrink, l1, clip)."""
    optimizer, clip = plan.optimizer, -1.0 if plan.clip is None else plan.clip
    rest = [optimizer.shrink, plan.l1, clip]
    if isinstance(optimizer, Adam):
        raw = float(optimizer.epsilon_on == "raw")
        return ADAM_RULE, [0.0, optimizer.beta1, optimizer.beta2, optimizer.epsilon, raw, *rest]
    if isinstance(optimizer, RMSprop):
        return RMSPROP_RULE, [0.0, 0.0, optimizer.rho, optimizer.epsilon, 0.0, *rest]
    assert isinstance(optimizer, SGD)  # noqa: S101  # what else there may be was refused
    rule = NESTEROV_RULE if optimizer.nesterov else MOMENTUM_RULE if optimizer.momentum else SGD_RULE
    return rule, [optimizer.momentum, 0.0, 0.0, 0.0, 0.0, *rest]


class Fused:
    """The engine itself."""

    name = "fused"
    uses_blas = False

    def describe(self) -> str:
        """Give the name, and the instruction set that the kernels use."""
        isa = instruction_set()
        return f"fused ({'x86-64-' * isa.startswith('v')}{isa})"

    def refuses(self, plan: Plan, examples: Examples | None) -> str | None:
        """Refuse functions and optimizers of the user's own, which only Python can call."""
        own = plan.own_functions or ([] if type(plan.optimizer).__module__.startswith("chainrule.") else [plan.optimizer.name])
        return f"the fused engine cannot call {own[0]!r}, which is your own; take engine='reference'" if own else None

    def prepare(self, examples: Examples) -> Data:
        """Compress the inputs where most of them are 0."""
        data: Data = examples.prepared(self.name, Data)
        return data

    def forward(self, plan: Plan, weights: list[Array], biases: list[Array], x: Inputs, *, threads: Threads) -> Array:
        """Give the outputs (m, n_out)."""
        check_range(x, plan)
        quick = self.forward_small(plan, weights, biases, x)
        if quick is not None:
            return quick
        session = FusedSession(plan, State(tuple(weights), tuple(biases)), threads)
        out: Array = unwritten((x.shape[0], plan.layers[-1].n_out), session.dtype)
        session.native.forward(native_inputs(x, threads, once=True), out)
        return out

    def forward_small(
        self, plan: Plan, weights: list[Array], biases: list[Array], x: Any, limits: tuple[float, float] = (-np.inf, np.inf)
    ) -> Array | None:
        """Give the outputs of a few rows through the arrays as they are, in microseconds; None for what needs another look.

        That is x of any other kind, width or layout, numbers that may not be, and arrays that do not fit the plan.
        """
        if type(x) is not np.ndarray or x.ndim != 2 or not 0 < x.shape[0] <= FEW or x.shape[1] != plan.layers[0].n_in:
            return None
        if plan.own_functions or not x.flags.c_contiguous or len(weights) != len(plan.layers):
            return None
        isa = instruction_set() if "CHAINRULE_ISA" in os.environ else BEST
        out: Array = unwritten((x.shape[0], plan.layers[-1].n_out), plan.dtype)
        try:
            sigmas = [ORDER[sigma.name] for sigma in plan.sigmas]
            fine = _fused.feedforward(isa, plan.sizes, sigmas, weights, biases, x, out, *limits)
        except TypeError:  # arrays of another kind
            return None
        return out if fine else None

    def gradient(self, plan: Plan, data: Data, rows: Indices | None, *, threads: Threads) -> ValueAndGradient:
        """Give the summed cost of some rows, or all, and its gradient as a function of all parameters, by one session."""
        session, view = FusedSession(plan, State((), ()), threads), data.view(plan)
        rows = None if rows is None else np.ascontiguousarray(rows, np.int64)

        def slope(parameters: Array) -> tuple[float, Array]:
            gradient: Array = unwritten(len(parameters), session.dtype)
            cost = session.native.gradient(view, rows, np.ascontiguousarray(parameters, session.dtype), gradient)
            if data.most != 1:
                gradient *= data.most
            return data.most * cost, gradient

        return slope

    def open(self, plan: Plan, state: State, *, threads: Threads) -> FusedSession:
        """Begin, or go on, from a state."""
        return FusedSession(plan, state, threads)
