"""The engines, and the choice of one: ``protocol`` defines the interface of an engine.

To add an engine, write its file here and one line into ``_find_engines``.
"""

from __future__ import annotations

import warnings
from functools import cache
from math import inf
from typing import Any

from .._types import Array
from ..errors import EngineError, UnknownName
from ..examples import Examples
from ..plan import Plan
from .protocol import SMALL_BATCH, Engine, Session, ValueAndGradient
from .reference import Reference
from .threads import Threads, blas_threads, thread_count

__all__ = [
    "ENGINES",
    "SMALL_BATCH",
    "Engine",
    "Session",
    "Threads",
    "ValueAndGradient",
    "blas_threads",
    "choose",
    "forward_small",
    "thread_count",
]


def _find_engines() -> dict[str, Engine]:
    """Give every engine that is installed, the fastest first."""
    try:
        from .fused import Fused
    except ModuleNotFoundError:  # it was not built; if it was built and cannot be loaded, that is an error
        return {"reference": Reference()}
    return {"fused": Fused(), "reference": Reference()}


ENGINES = _find_engines()
"""Every engine that is installed, by name, the fastest first."""

NOT_BUILT = "this chainrule was installed without its kernels: there was no C++ compiler, or the build failed"
REMEDY = (
    "with g++ or clang installed, CHAINRULE_REQUIRE_FUSED=1 pip install --force-reinstall --no-deps -v . builds them, "
    "or shows why not"
)


def choose(name: str, plan: Plan, examples: Examples | None) -> Engine:
    """Give the engine of that name, or with ``"auto"`` the fastest that can compute the plan.

    Raises
    ------
    UnknownName
        When no engine has that name.
    EngineError
        When the engine refuses the plan or the examples, or is not installed.
    """
    if name == "auto":
        _warn_once_without_kernels()
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
    """Give the outputs of a few unchecked rows by the first engine that has a fast path for them; None if none has.

    See ``Engine.forward_small``.
    """
    for engine in ENGINES.values():
        outputs = engine.forward_small(plan, weights, biases, x, limits)
        if outputs is not None:
            return outputs
    return None


@cache
def _warn_once_without_kernels() -> None:
    if "fused" not in ENGINES:
        warnings.warn(f"{NOT_BUILT}, so it is slower; {REMEDY}", stacklevel=2)
