"""Targets: classes, several labels, values, and y that makes no sense."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn_comparison import (
    CLASSES,
    NAMES,
    TARGETS,
    VALUES,
    N,
    X,
    compare,
    fit,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], ["no", "yes"], [False, True], [0.0, 1.0], [3, 7]], ids=repr)
def test_two_classes_are_one_output(labels):
    """Two classes have one logistic output, and probabilities of shape (n, 2)."""
    actual = compare("MLPClassifier", fit(X, np.array(labels)[np.minimum(CLASSES, 1)])).actual
    assert (actual.n_outputs_, actual.out_activation_) == (1, "logistic")
    assert actual.predict_proba(X).shape == (N, 2)


@pytest.mark.parametrize("label", [0, 1, "only", True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_one_class_alone_has_two_probabilities(label, early_stopping):
    """A single class has probabilities of shape (n, 2), too."""
    actual = compare("MLPClassifier", fit(X, [label] * N), early_stopping=early_stopping).actual
    assert actual.predict_proba(X).shape == (N, 2)
    compare("MLPClassifier", lambda estimator: estimator.partial_fit(X, [label] * N, classes=[label]))


@pytest.mark.parametrize(
    "y",
    [
        np.array(list("abc"))[CLASSES],
        np.array(list("abc"), "U9")[CLASSES],
        np.array(list("abc"), object)[CLASSES],
        CLASSES.astype(">i2"),
        CLASSES / 1.0,
    ],
    ids=lambda y: y.dtype.str,
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_labels_may_be_of_any_sortable_type(y, early_stopping):
    """Predictions have the labels and the dtype of y, whatever the type of the labels."""
    actual = compare("MLPClassifier", fit(X, y), early_stopping=early_stopping, max_iter=20, learning_rate_init=0.05).actual
    assert set(actual.predict(X)) <= set(y)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_matrix, list])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_several_labels_at_once(kind, early_stopping):
    """Several labels a row have one logistic output each; predictions are sparse where y was."""
    y = TARGETS["labels"][1]

    actual = compare("MLPClassifier", fit(X, kind(y)), early_stopping=early_stopping).actual
    assert actual.out_activation_ == "logistic"
    compare("MLPClassifier", lambda estimator: estimator.partial_fit(X, kind(y), classes=[0, 1, 2]).partial_fit(X, kind(y)))


NONSENSE = {
    "multioutput": np.stack([CLASSES, CLASSES[::-1]], axis=1),
    "values": VALUES,
    "rows of values": np.stack([VALUES, VALUES], axis=1),
    "mixed": np.where(CLASSES > 0, 1, np.array("a", object)),
    "NaN": np.where(CLASSES > 0, 1.0, np.nan),
    "inf": np.where(CLASSES > 0, 1.0, np.inf),
    "short": CLASSES[:-1],
    "3-D": np.zeros((N, 2, 2)),
    "ragged": [[1], [2, 3]] * (N // 2),
    "none": None,
}
VALID_FOR_A_REGRESSOR = {"multioutput", "values", "rows of values"}


@pytest.mark.parametrize("kind", NONSENSE)
@pytest.mark.parametrize("name", NAMES)
def test_targets_that_make_no_sense_are_refused_alike(name, kind):
    """Values for a classifier, several classes a row, mixed types, NaN or another length are refused in scikit-learn's words."""
    raised = compare(name, fit(X, NONSENSE[kind])).raised
    assert (raised is None) == (name == "MLPRegressor" and kind in VALID_FOR_A_REGRESSOR)


@pytest.mark.parametrize("y", [CLASSES.astype(str), CLASSES.astype("M8[D]")], ids=["digits as text", "dates"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_text_and_dates_are_not_values(y, loss):
    """Text and dates are refused as values with a ValueError (scikit-learn fails later, with a TypeError)."""
    with pytest.raises(TypeError):
        neural_network.MLPRegressor(loss, max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="the targets of a regressor must be numbers"):
        cr.MLPRegressor(loss, max_iter=1).fit(X, y)


@pytest.mark.parametrize("y", [[None] * N, [1, "a"] * (N // 2)], ids=["None", "mixed"])
def test_values_that_are_missing_or_text_are_refused(y):
    """None and text among the values raise a ValueError that names the problem (scikit-learn fails later)."""
    with pytest.raises(ValueError, match=r"NaN|must be numbers"):
        cr.MLPRegressor().fit(X, y)
