"""Sample weights and class weights."""

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn_comparison import (
    ALL_CLASSES,
    CLASSES,
    IRIS,
    NAMES,
    WEIGHTS,
    N,
    X,
    Y,
    assert_same,
    compare,
    fit,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("weights", [2, 0.5, list(WEIGHTS), np.arange(N)], ids=["2", "0.5", "list", "integers"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_used_alike(name, weights, solver):
    """Sample weights may be a number, a list, or integers with a 0 among them."""
    compare(name, fit(X, Y[name], weights), solver=solver)
    compare(name, lambda estimator: estimator.fit(X, Y[name]).score(X, Y[name], weights if np.ndim(weights) else None))


@pytest.mark.parametrize(
    "weights",
    [np.full(N, np.nan), np.where(CLASSES > 0, 1, np.inf), WEIGHTS[:-1], WEIGHTS[:, None], "heavy", np.zeros(N)],
    ids=["NaN", "inf", "short", "2-D", "word", "zeros"],
)
@pytest.mark.parametrize("name", NAMES)
def test_weights_that_make_no_sense_are_refused_alike(name, weights):
    """NaN, infinity, another length or shape, or nothing but 0 are refused in scikit-learn's words."""
    raised = compare(name, fit(X, Y[name], weights)).raised
    assert raised is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_below_0_is_refused(name):
    """A negative weight is refused; scikit-learn moves such a row's prediction away from its target."""
    weights = np.where(np.arange(N) == 0, -1.0, 1.0)
    with pytest.warns(ConvergenceWarning):
        getattr(neural_network, name)(max_iter=1).fit(X, Y[name], sample_weight=weights)
    with pytest.raises(ValueError, match="weights must be at least 0"):
        getattr(cr, name)(max_iter=1).fit(X, Y[name], sample_weight=weights)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_batch_of_weight_0_is_skipped(name, solver):
    """A batch whose weights are all 0 changes nothing (ZeroDivisionError in scikit-learn)."""
    hyperparameters = {"solver": solver, "batch_size": 10, "shuffle": False, "random_state": 0, "max_iter": 1}
    weights = np.where(np.arange(N) < 10, 0.0, 1.0)
    actual, expected = (getattr(library, name)(**hyperparameters) for library in (cr, neural_network))
    with pytest.raises(ZeroDivisionError):
        expected.fit(X, Y[name], weights)
    actual.fit(X, Y[name], weights)
    if solver == "sgd":  # the step counter of Adam advances
        assert_same(
            actual.coefs_, getattr(cr, name)(**hyperparameters).partial_fit(X[10:], Y[name][10:], **ALL_CLASSES[name]).coefs_
        )
    assert np.isfinite(actual.loss_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_class_weight_is_sample_weight():
    """``class_weight``, balanced or a dict, multiplies the sample weights, bit for bit."""
    x, y = IRIS[0][:120], IRIS[1][:120]
    hyperparameters = {"max_iter": 4, "random_state": 0}
    balanced = cr.MLPClassifier(**hyperparameters, class_weight="balanced").fit(x, y)
    by_hand = cr.MLPClassifier(**hyperparameters).fit(x, y, 120 / (3 * np.bincount(y))[y])
    assert all(np.array_equal(a, b) for a, b in zip(balanced.coefs_, by_hand.coefs_, strict=True))
    given_weights = np.linspace(1, 2, 120)
    both = cr.MLPClassifier(**hyperparameters, class_weight={0: 3.0}).fit(x, y, given_weights)
    by_hand = cr.MLPClassifier(**hyperparameters).fit(x, y, given_weights * np.where(y == 0, 3.0, 1.0))
    assert all(np.array_equal(a, b) for a, b in zip(both.coefs_, by_hand.coefs_, strict=True))
