"""The estimators' hyperparameters: the values that each may have, and how they are stored and checked."""

from __future__ import annotations

import inspect
import os
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from .estimator_plan import HIDDEN_ACTIVATIONS

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(HIDDEN_ACTIVATIONS))],
    "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose", StrOptions({"live"})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "standardize": ["boolean"],
    "threads": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "checkpoint": [str, os.PathLike, None],
    "checkpoint_every": [str, None],
    "resume": ["boolean"],
    "allow_other_engine": ["boolean"],
}
"""The hyperparameters that classifier and regressor share. The last seven are not scikit-learn's, nor is ``verbose="live"``."""


def store_hyperparameters(estimator: BaseEstimator, arguments: dict[str, Any]) -> None:
    """Set the arguments of ``__init__`` (its ``locals()``) as attributes, unchanged, as scikit-learn's ``clone`` requires."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def check_hyperparameters(estimator: BaseEstimator) -> None:
    """Check the hyperparameters that differ from their defaults; scikit-learn needs 0.2 ms for all of them.

    Raises
    ------
    InvalidParameterError
        When a value is outside its constraints.
    """
    cls: Any = type(estimator)
    changed = {}
    for name, default in _valid_defaults(cls).items():
        value = getattr(estimator, name)
        if value is not default:
            changed[name] = value
    validate_parameter_constraints(estimator._parameter_constraints, changed, cls.__name__)


@cache
def _valid_defaults(cls: Any) -> dict[str, Any]:
    """Return the defaults of a class, which may be a user's subclass; an invalid default is replaced by a unique object."""
    parameters = inspect.signature(cls.__init__).parameters
    defaults = {name: parameters[name].default for name in cls._get_param_names()}
    return {name: default if _is_valid(cls, name, default) else object() for name, default in defaults.items()}


def _is_valid(cls: Any, name: str, value: Any) -> bool:
    try:
        validate_parameter_constraints(cls._parameter_constraints, {name: value}, cls.__name__)
    except InvalidParameterError:
        return False
    return True
