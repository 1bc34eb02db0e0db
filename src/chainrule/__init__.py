"""Feedforward neural networks, built from a page of notes: every equation has a function that computes it and a test.

>>> import chainrule as cr
>>> net = cr.Network([784, 30, 10], seed=0)      # the notes' network
>>> net.num_layers
3
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, distort, schedules
    from .calculus import activations, costs, optimizers
    from .calculus.activations import Activation
    from .calculus.costs import Cost
    from .calculus.neuron import Neuron
    from .diagnosing.diagnose_model import diagnose
    from .diagnosing.live_diagnosis import LiveDiagnosis
    from .early_stopping import EarlyStopping
    from .errors import ChainruleError
    from .estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
    from .examples import Examples
    from .explaining.explain_model import explain
    from .explaining.gradient_check import check_gradient
    from .exporting.export_model import export
    from .history import EpochRecord, History
    from .loading import load
    from .network import Network
    from .piecewise_inputs import PiecewiseInputs
    from .population import train_population
    from .row_files.row_source import RowSource, rows
    from .sweeping.sweep import sweep
    from .tables.read import read_table
    from .tables.table import Table
    from .training import Run, train

__version__ = "0.1.0"

_MODULE_OF = {
    "Activation": ".calculus.activations",
    "ChainruleError": ".errors",
    "Cost": ".calculus.costs",
    "EarlyStopping": ".early_stopping",
    "EpochRecord": ".history",
    "Examples": ".examples",
    "History": ".history",
    "LiveDiagnosis": ".diagnosing.live_diagnosis",
    "MLPClassifier": ".estimators",
    "MLPRegressor": ".estimators",
    "Network": ".network",
    "Neuron": ".calculus.neuron",
    "PiecewiseInputs": ".piecewise_inputs",
    "RowSource": ".row_files.row_source",
    "Run": ".training",
    "Table": ".tables.table",
    "TableClassifier": ".estimators",
    "TableRegressor": ".estimators",
    "check_gradient": ".explaining.gradient_check",
    "diagnose": ".diagnosing.diagnose_model",
    "explain": ".explaining.explain_model",
    "export": ".exporting.export_model",
    "load": ".loading",
    "read_table": ".tables.read",
    "rows": ".row_files.row_source",
    "sweep": ".sweeping.sweep",
    "train": ".training",
    "train_population": ".population",
}
_MODULES = {
    "activations": ".calculus.activations",
    "costs": ".calculus.costs",
    "datasets": ".datasets",
    "distort": ".distort",
    "optimizers": ".calculus.optimizers",
    "schedules": ".schedules",
}

__all__ = [
    "Activation", "ChainruleError", "Cost", "EarlyStopping", "EpochRecord", "Examples", "History", "LiveDiagnosis", "MLPClassifier",
    "MLPRegressor", "Network", "Neuron", "PiecewiseInputs", "RowSource", "Run", "Table", "TableClassifier", "TableRegressor",
    "activations", "check_gradient", "costs", "datasets", "diagnose", "distort", "explain", "export", "load", "optimizers",
    "read_table", "rows", "schedules", "sweep", "train", "train_population",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import chainrule`` itself imports little."""
    from importlib import import_module

    if name in _MODULES:
        value: Any = import_module(_MODULES[name], __name__)
    elif name in _MODULE_OF:
        value = getattr(import_module(_MODULE_OF[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
