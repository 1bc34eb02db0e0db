"""The check of a plan against the functions that an engine has, for engines with a fixed list of functions."""

from __future__ import annotations

from collections.abc import Container

from ..calculus.optimizers import is_built_in
from ..plan import Plan


def unsupported(
    plan: Plan, engine: str, *, activations: Container[str], costs: Container[str], optimizers: Container[str]
) -> str | None:
    """Give the reason why an engine with these functions cannot compute a plan, as a sentence; None if it can.

    Parameters
    ----------
    plan : Plan
    engine : str
        The engine's name.
    activations, costs, optimizers : container of str
        The names of the built-in functions that the engine has; an optimizer's is ``Optimizer.name``.
    """
    own = plan.own_functions
    if not is_built_in(plan.optimizer):
        own = [*own, plan.optimizer.name]
    if own:
        return f"the {engine} engine cannot call {own[0]!r}, which is your own; take engine='reference'"
    if any(sigma.name == "softmax" for sigma in plan.sigmas[:-1]):
        return f"the {engine} engine has softmax at the output only, not in a hidden layer; take engine='reference'"
    missing = [f"activation {sigma.name!r}" for sigma in plan.sigmas if sigma.name not in activations]
    if plan.cost_function.name not in costs:
        missing.append(f"cost {plan.cost_function.name!r}")
    if plan.optimizer.name not in optimizers:
        missing.append(f"optimizer {plan.optimizer.name!r}")
    return f"the {engine} engine has no {missing[0]}; take engine='reference'" if missing else None
