"""The seam between training and arithmetic, and the chooser of an engine.

An engine trains by the notes' mathematics as ``Plan`` says, and knows nothing of epochs, schedules or files. Its laws, each a
test over every engine: any cut of an epoch into blocks gives the same bits; ``open(plan, session.state())`` goes on with the same
bits; no bit depends on the number of threads; nothing is random but what (seed, step) decide; nothing passed in is written to.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from math import inf
from typing import Any, Protocol, TypeAlias

from .._types import Array, Indices, Inputs
from ..errors import EngineError, UnknownName
from ..examples import Examples
from ..plan import BlockResult, Evaluation, Plan, State, Steps
from .reference import Reference
from .threads import Threads, at_work, blas_threads, thread_count

ValueAndGradient: TypeAlias = Callable[[Array], tuple[float, Array]]
"""From all parameters to a cost and its gradient: vectors as ``Plan.pack`` makes them."""


class Session(Protocol):
    """A network in training, inside an engine."""

    def advance(self, data: Any, order: Indices, steps: Steps) -> BlockResult:
        """Take one step for each mini-batch of ``order``, cut from its start; ``data`` is what ``prepare`` gave.

        An order (epochs, n) is that many orders one after another, each cut from its own start: short epochs at one call.
        """
        ...

    def evaluate(self, data: Any) -> Evaluation:
        """Give the cost over all of ``data``, and how many are right, as the network stands."""
        ...

    def state(self) -> State:
        """Copy out the state; changes nothing."""
        ...


class Engine(Protocol):
    """What trains: ``prepare`` the data once, ``open`` a session, ``advance`` it."""

    name: str

    def refuses(self, plan: Plan, examples: Examples | None) -> str | None:
        """Say in a sentence why it cannot do all of this exactly; None if it can."""
        ...

    def prepare(self, examples: Examples) -> Any:
        """Make its own read-only form of the data, for any number of sessions."""
        ...

    def forward(self, plan: Plan, weights: list[Array], biases: list[Array], x: Inputs, *, threads: Threads) -> Array:
        """Give the outputs (m, n_out) for checked inputs (m, n_in)."""
        ...

    def gradient(self, plan: Plan, data: Any, rows: Indices | None, *, threads: Threads) -> ValueAndGradient:
        """Give the summed cost of some rows, or all, and its gradient as a function of all parameters; no dropout, no penalty."""
        ...

    def open(self, plan: Plan, state: State, *, threads: Threads) -> Session:
        """Begin, or go on, from a state; copies it in."""
        ...


def _engines() -> dict[str, Engine]:
    """Find the engines there are, the fastest first."""
    try:
        from .fused import Fused
    except ModuleNotFoundError:  # not built; one that was built and cannot be loaded is an error
        return {"reference": Reference()}
    return {"fused": Fused(), "reference": Reference()}


__all__ = [
    "ENGINES",
    "Engine",
    "Session",
    "Threads",
    "ValueAndGradient",
    "at_work",
    "blas_threads",
    "choose",
    "forward_small",
    "thread_count",
]

ENGINES = _engines()
"""Every engine here, the fastest first."""

NOT_BUILT = "this chainrule was installed without its kernels: there was no C++ compiler, or the build failed"
REMEDY = (
    "with g++ or clang installed, CHAINRULE_REQUIRE_FUSED=1 pip install --force-reinstall --no-deps -v . builds them, "
    "or shows why not"
)


def engines_here() -> list[str]:
    """Name every engine here, the fastest first; the fused one with the instruction set that its kernels use.

    Raises
    ------
    EngineError
        When ``CHAINRULE_ISA`` asks for one that this machine lacks.
    """
    if "fused" not in ENGINES:
        return list(ENGINES)
    from .fused import instruction_set

    isa = instruction_set()
    told = f"fused ({'x86-64-' * isa.startswith('v')}{isa})"
    return [told if name == "fused" else name for name in ENGINES]


def choose(name: str, plan: Plan, examples: Examples | None) -> Engine:
    """Take the engine of that name, or with ``"auto"`` the fastest that does all of it.

    Raises
    ------
    UnknownName
        When there is no such engine.
    EngineError
        When it refuses.
    """
    if name == "auto":
        _say_once_what_is_missing()
        return next(engine for engine in ENGINES.values() if engine.refuses(plan, examples) is None)
    if name == "fused" and name not in ENGINES:
        raise EngineError(f"{NOT_BUILT}; {REMEDY}, or take engine='reference'")
    if not isinstance(name, str) or name not in ENGINES:
        raise UnknownName("engine", name, ("auto", *ENGINES))
    engine = ENGINES[name]
    reason = engine.refuses(plan, examples)
    if reason is not None:
        raise EngineError(reason)
    return engine


def forward_small(
    plan: Plan, weights: list[Array], biases: list[Array], x: Any, limits: tuple[float, float] = (-inf, inf)
) -> Array | None:
    """Give the outputs of a few rows at once where an engine here can, before any check; None where the long way must be gone.

    ``limits`` are those that floats must lie between; others go the long way.
    """
    fused: Any = ENGINES.get("fused")
    return None if fused is None else fused.forward_small(plan, weights, biases, x, limits)


@cache
def _say_once_what_is_missing() -> None:
    if "fused" not in ENGINES:
        warnings.warn(f"{NOT_BUILT}, so it is slower; {REMEDY}", stacklevel=2)
