"""Comparison with scikit-learn: the same call on this library's estimator and on scikit-learn's must have the same outcome."""

import contextlib
import io
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris

import chainrule as cr

NAMES = ["MLPClassifier", "MLPRegressor"]
RANDOM = np.random.default_rng(0)
IRIS = load_iris(return_X_y=True)
X, CLASSES = (part[::3] for part in IRIS)
N = len(X)
VALUES = X @ [0.2, -0.5, 0.3, 1.0]
WEIGHTS = RANDOM.uniform(0.2, 2.0, N)
Y = {"MLPClassifier": CLASSES, "MLPRegressor": VALUES}
ALL_CLASSES = {"MLPClassifier": {"classes": [0, 1, 2]}, "MLPRegressor": {}}  # arguments of the first call of partial_fit
TARGETS = {
    "binary": ("MLPClassifier", np.minimum(CLASSES, 1)),
    "classes": ("MLPClassifier", CLASSES),
    "labels": ("MLPClassifier", (X[:, :3] > np.median(X[:, :3], axis=0)).astype(int)),
    "values": ("MLPRegressor", VALUES),
    "several values": ("MLPRegressor", X[:, :2] - X[:, 2:]),
}
PREDICTIONS = ["predict", "predict_proba", "predict_log_proba"]


@dataclass(frozen=True)
class Outcome:
    """The result of a call or its exception (type and text), its warnings (likewise), and its printed text."""

    result: Any
    raised: tuple[type, str] | None
    warned: list[tuple[type, str]]
    printed: str


@dataclass(frozen=True)
class Comparison:
    """The common outcome of both calls, and the two estimators."""

    raised: tuple[type, str] | None
    warned: list[tuple[type, str]]
    actual: BaseEstimator
    expected: BaseEstimator


def normalized_message(error):
    """The type and the text of an exception or warning: sets in sorted order, and without "live", which is not scikit-learn's."""
    text = str(error).replace(" or a str among {'live'}", "")
    return type(error), re.sub(r"\{[^{}]*\}", lambda names: str(sorted(names[0].strip("{}").split(", "))), text)


def outcome_of(call, estimator):
    """Make a call on an estimator, and record its outcome."""
    result = raised = None
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(io.StringIO()) as printed:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of overflows
        try:
            result = call(estimator)
        except Exception as error:
            raised = normalized_message(error)
    return Outcome(result, raised, [normalized_message(warning.message) for warning in warned], printed.getvalue())


def learned_attributes(estimator):
    """The public attributes that a fit sets."""
    return {name: value for name, value in vars(estimator).items() if name.endswith("_") and not name.startswith("_")}


def assert_same(actual, expected):
    """Floating-point numbers are equal to 1e-8, estimators in their learned attributes, everything else exactly."""
    if isinstance(expected, BaseEstimator):
        actual, expected = learned_attributes(actual), learned_attributes(expected)
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for name in expected:
            assert_same(actual[name], expected[name])
    elif isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    elif sparse.issparse(expected):
        assert type(actual) is type(expected)
        assert_same(actual.toarray(), expected.toarray())
    elif isinstance(expected, np.ndarray) and expected.dtype.kind == "f":
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-8)
    elif isinstance(expected, np.ndarray):
        assert actual.dtype == expected.dtype
        assert np.array_equal(actual, expected)
    elif isinstance(expected, float):
        assert actual == pytest.approx(expected, rel=1e-8, abs=1e-8, nan_ok=True)
    else:
        assert actual == expected


def rows_for(estimator):
    """Rows with the number and the names of the columns that an estimator was fitted to; X for one that was not fitted."""
    rows = np.resize(X, (N, getattr(estimator, "n_features_in_", X.shape[1])))
    names = getattr(estimator, "feature_names_in_", None)
    return rows if names is None else pandas.DataFrame(rows, columns=names)


def compare(name, call, **hyperparameters):
    """Make a call on both libraries' estimators, and assert that outcome, learned attributes and predictions are the same.

    ``call`` takes an estimator. Of a call that raises, the message alone is compared: scikit-learn leaves an estimator half fitted.
    """
    hyperparameters = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0, **hyperparameters}
    actual, expected = (getattr(library, name)(**hyperparameters) for library in (cr, neural_network))
    actual_outcome, expected_outcome = outcome_of(call, actual), outcome_of(call, expected)
    assert actual_outcome.raised == expected_outcome.raised
    assert actual_outcome.warned == expected_outcome.warned
    assert actual_outcome.printed == expected_outcome.printed
    if expected_outcome.raised is None:
        assert (actual_outcome.result is actual) == (expected_outcome.result is expected)
        assert_same(actual_outcome.result, expected_outcome.result)
        assert_same(actual, expected)
        rows = rows_for(expected)
        for method in PREDICTIONS:
            predict = lambda estimator, method=method: getattr(estimator, method)(rows)  # noqa: E731
            actual_predictions, expected_predictions = outcome_of(predict, actual), outcome_of(predict, expected)
            assert actual_predictions.raised == expected_predictions.raised
            assert_same(actual_predictions.result, expected_predictions.result)
    return Comparison(expected_outcome.raised, expected_outcome.warned, actual, expected)


def fit(*arguments, **named):
    """Make the call ``estimator.fit`` with these arguments."""
    return lambda estimator: estimator.fit(*arguments, **named)


class InterruptedRandomState(np.random.RandomState):
    """A RandomState that raises KeyboardInterrupt, as Ctrl-C does, once it has shuffled ``shuffles`` times."""

    shuffles = 3

    def shuffle(self, x):
        """Shuffle x, or raise."""
        self.shuffles -= 1
        if self.shuffles < 0:
            raise KeyboardInterrupt
        super().shuffle(x)
