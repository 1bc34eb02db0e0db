"""Feedforward neural networks from a page of notes: every equation a function, a test, and a line you can watch.

>>> import chainrule as cr
>>> net = cr.Network([784, 30, 10], seed=0)      # the notes' network
>>> net.num_layers
3
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, schedules
    from .calculus import activations, costs, optimizers
    from .calculus.activations import Activation
    from .calculus.costs import Cost
    from .calculus.neuron import Neuron
    from .errors import ChainruleError
    from .estimators import MLPClassifier, MLPRegressor
    from .examples import Examples
    from .explaining.explain_model import explain
    from .explaining.gradient_check import check_gradient
    from .history import EpochRecord, History
    from .network import Network, load
    from .population import train_population
    from .training import EarlyStopping, Run, train

__version__ = "0.1.0"

_HOMES = {
    "Activation": ".calculus.activations",
    "ChainruleError": ".errors",
    "Cost": ".calculus.costs",
    "EarlyStopping": ".training",
    "EpochRecord": ".history",
    "Examples": ".examples",
    "History": ".history",
    "MLPClassifier": ".estimators",
    "MLPRegressor": ".estimators",
    "Network": ".network",
    "Neuron": ".calculus.neuron",
    "Run": ".training",
    "check_gradient": ".explaining.gradient_check",
    "explain": ".explaining.explain_model",
    "load": ".network",
    "train": ".training",
    "train_population": ".population",
}
_MODULES = {
    "activations": ".calculus.activations",
    "costs": ".calculus.costs",
    "datasets": ".datasets",
    "optimizers": ".calculus.optimizers",
    "schedules": ".schedules",
}

__all__ = [
    "Activation", "ChainruleError", "Cost", "EarlyStopping", "EpochRecord", "Examples", "History", "MLPClassifier", "MLPRegressor",
    "Network", "Neuron", "Run",
    "activations", "check_gradient", "costs", "datasets", "explain", "load", "optimizers", "schedules", "train",
    "train_population",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``import chainrule`` costs little more than ``import numpy``."""
    from importlib import import_module

    if name in _MODULES:
        value: Any = import_module(_MODULES[name], __name__)
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
