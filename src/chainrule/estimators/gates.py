"""Short ways past scikit-learn's checks, where nothing could be said; all else goes the long way, and gets its messages."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints
from sklearn.utils.multiclass import unique_labels

from .._types import AnyArray


def is_plain(X: Any, y: Any) -> bool:
    """Whether X is a finite array of floats and y a row of finite numbers, or words, as long: both are taken as they are."""
    return (
        type(y) is np.ndarray
        and y.dtype.kind in "biufU"
        and y.ndim == 1
        and are_plain(X)
        and len(X) == len(y)
        and (y.dtype.kind != "f" or _is_finite(y))
    )


def are_plain(X: Any) -> bool:
    """Whether X is a finite array of floats with a row and a column at least."""
    return type(X) is np.ndarray and X.dtype in (np.float64, np.float32) and X.ndim == 2 and X.size > 0 and _is_finite(X)


def _is_finite(numbers: AnyArray) -> bool:
    """Whether their sum is finite, which it is only if each of them is."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(numbers.sum()))


def labels_of(y: Any) -> Any:
    """Give the labels there are in y, in their order, and no wider than they are, as ``unique_labels`` does."""
    return np.asarray([*np.unique(y)]) if _is_row_of_labels(y) else unique_labels(y)


def binarizer_of(y: Any) -> LabelBinarizer:
    """Fit a ``LabelBinarizer``: by telling it, where y is a row of labels, but for those whose number earns a warning."""
    if not _is_row_of_labels(y) or 2 * len(classes := labels_of(y)) > len(y):
        return LabelBinarizer().fit(y)
    binarizer = LabelBinarizer()
    binarizer.y_type_ = "multiclass" if len(classes) > 2 else "binary"
    binarizer.sparse_input_, binarizer.classes_ = False, classes
    return binarizer


def _is_row_of_labels(y: Any) -> bool:
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biuU"


def check_parameters(estimator: Any) -> None:
    """Check an estimator's parameters, but for those that were left at their defaults.

    Raises
    ------
    InvalidParameterError
        When one cannot be what it is.
    """
    cls: Any = type(estimator)
    given = {name: value for name, default in _defaults(cls).items() if (value := getattr(estimator, name)) is not default}
    validate_parameter_constraints(estimator._parameter_constraints, given, cls.__name__)


@cache
def _defaults(cls: Any) -> dict[str, Any]:
    """Give the defaults of a class, which may be a user's own; a name whose default cannot be what it is stands for itself."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(cls.__init__).parameters.items()}
    return {name: defaults[name] if _is_sound(cls, name, defaults[name]) else object() for name in cls._get_param_names()}


def _is_sound(cls: Any, name: str, value: Any) -> bool:
    try:
        validate_parameter_constraints(cls._parameter_constraints, {name: value}, cls.__name__)
    except InvalidParameterError:
        return False
    return True
