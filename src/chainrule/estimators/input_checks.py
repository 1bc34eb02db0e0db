"""Checks X and y as scikit-learn does, without its slow checks where the arrays need none.

Plain arrays (finite float matrices without column names) take a short path, since scikit-learn's checks take longer than a small
fit. Everything else takes scikit-learn's path and gets its messages.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from .._arrays import check_readable
from .._types import AnyArray
from .._warnings import user_stacklevel

COLUMN_VECTOR = (
    "A column-vector y was passed when a 1d array was expected. "
    "Please change the shape of y to (n_samples, ), for example using ravel()."
)


def check_training_data(estimator: BaseEstimator, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
    """Check X and y, and set ``n_features_in_`` and ``feature_names_in_`` where ``reset`` is true.

    Parameters
    ----------
    estimator : BaseEstimator
    X : array, frame or sparse matrix, shape (n_samples, n_features)
    y : array, shape (n_samples,) or (n_samples, n_outputs)
    reset : bool
        True for a first fit; otherwise the columns of X must be those of the first fit.

    Returns
    -------
    X : array or CSR or CSC matrix
        float32 stays float32; every other dtype becomes float64.
    y : array
        1-D where it was a single column.
    """
    if is_plain_pair(X, y) and (reset or has_fitted_columns(estimator, X)):
        estimator.n_features_in_ = X.shape[1]
        estimator.__dict__.pop("feature_names_in_", None)
        return X, y
    check_readable("X", X)
    options: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "multi_output": True, "dtype": (np.float64, np.float32)}
    X, y = validate_data(estimator, X, y, **options, y_numeric=not is_classifier(estimator), reset=reset)
    if y.ndim != 2 or y.shape[1] != 1:
        return X, y
    warnings.warn(COLUMN_VECTOR, DataConversionWarning, stacklevel=user_stacklevel())
    return X, column_or_1d(y)


def check_rows(estimator: BaseEstimator, X: Any) -> Any:
    """Check rows to predict from; return them as float32 or float64."""
    if not (is_plain_matrix(X) and has_fitted_columns(estimator, X)):
        check_readable("X", X)
        X = validate_data(estimator, X, accept_sparse=["csr", "csc"], reset=False)
    return X if X.dtype in (np.float64, np.float32) else X.astype(np.float64)


def has_fitted_columns(estimator: BaseEstimator, X: AnyArray) -> bool:
    """Whether an array has as many columns as the fit had, and the fit had no column names."""
    n_in = getattr(estimator, "n_features_in_", None)
    if n_in is None:  # the parameters were set by hand
        n_in = np.shape(estimator.coefs_[0])[0]
    return X.shape[1] == n_in and not hasattr(estimator, "feature_names_in_")


def is_plain_pair(X: Any, y: Any) -> bool:
    """Whether X is a plain matrix, and y an array of as many finite numbers or strings."""
    return (
        type(y) is np.ndarray
        and y.dtype.kind in "biufU"
        and y.ndim == 1
        and is_plain_matrix(X)
        and len(X) == len(y)
        and (y.dtype.kind != "f" or _is_finite(y))
    )


def is_plain_matrix(X: Any) -> bool:
    """Whether X is a finite float32 or float64 array with at least one row and one column."""
    return type(X) is np.ndarray and X.dtype in (np.float64, np.float32) and X.ndim == 2 and X.size > 0 and _is_finite(X)


def _is_finite(numbers: AnyArray) -> bool:
    """Whether the sum is finite, which implies that every number is; faster than looking at each."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(numbers.sum()))
