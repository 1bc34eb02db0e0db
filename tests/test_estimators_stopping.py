"""When a training stops: plateaus, the adaptive learning rate, early stopping."""

import re

import numpy as np
import pytest
from sklearn_comparison import (
    ALL_CLASSES,
    CLASSES,
    NAMES,
    TARGETS,
    VALUES,
    WEIGHTS,
    N,
    X,
    Y,
    assert_same,
    compare,
    fit,
    outcome_of,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5, np.inf])
def test_it_stops_when_scikit_learns_does(name, solver, n_iter_no_change):
    """A training stops once more than ``n_iter_no_change`` epochs in a row have a loss above the best - tol; inf never stops it."""
    hyperparameters = {"solver": solver, "n_iter_no_change": n_iter_no_change, "tol": 0.02, "max_iter": 30, "verbose": True}
    actual = compare(name, fit(X, Y[name]), **hyperparameters, learning_rate_init=0.05).actual
    assert (actual.n_iter_ == 30) == (n_iter_no_change == np.inf)
    # with tol=0, a loss that equals the best is not counted
    still = compare(name, fit(X, Y[name]), **{**hyperparameters, "tol": 0.0}, learning_rate_init=1e-300, shuffle=False).actual
    assert still.n_iter_ == 30


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_adaptive_divides_the_rate_by_5_down_to_a_millionth(name, early_stopping):
    """Each plateau divides the rate by 5, and below 1e-6 the training ends; every printed line is scikit-learn's."""
    hyperparameters = {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 0.5,
        "n_iter_no_change": 1,
        "max_iter": 500,
        "verbose": True,
    }
    comparison = compare(name, fit(X, Y[name]), early_stopping=early_stopping, validation_fraction=0.2, **hyperparameters)
    warned, actual = comparison.warned, comparison.actual
    assert warned == []
    printed = outcome_of(fit(X, Y[name]), actual).printed
    rates = re.findall(r"Setting learning rate to (\S+)", printed)
    assert rates == [f"{1e-3 / 5**k:f}" for k in range(1, len(rates) + 1)]
    assert printed.endswith("Learning rate too small. Stopping.\n")


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("target", TARGETS)
def test_early_stopping_is_scikit_learns(target, weights):
    """The score on a set split off, accuracy or R2, decides the end; the best parameters are restored."""
    name, y = TARGETS[target]
    hyperparameters = {
        "early_stopping": True,
        "validation_fraction": 0.3,
        "n_iter_no_change": 2,
        "max_iter": 30,
        "learning_rate_init": 0.05,
    }
    actual = compare(name, fit(X, y, weights), **hyperparameters).actual
    assert actual.best_loss_ is None
    assert max(actual.validation_scores_) == actual.best_validation_score_


def test_of_equal_scores_the_first_is_the_best():
    """Where the score does not change, the parameters of the first epoch are restored: a tie is not an improvement."""
    hyperparameters = {"early_stopping": True, "learning_rate_init": 1e-6, "tol": 0, "n_iter_no_change": 1}
    actual = compare("MLPClassifier", fit(X, CLASSES), **hyperparameters, max_iter=5).actual
    first = compare("MLPClassifier", fit(X, CLASSES), **hyperparameters, max_iter=1).actual
    assert len(set(actual.validation_scores_)) == 1
    assert actual.n_iter_ == 5  # with tol=0 a tie is not a plateau, either
    assert all(np.array_equal(a, b) for a, b in zip(actual.coefs_, first.coefs_, strict=True))


@pytest.mark.parametrize(
    ("name", "x", "y", "message"),
    [
        ("MLPRegressor", X[:5], VALUES[:5], "validation set is too small"),
        ("MLPClassifier", X[:5], CLASSES[:5] * 0, "validation set is too small"),
        ("MLPClassifier", X[:4], [0, 0, 0, 1], "least populated class"),
        ("MLPClassifier", X[:10], ["a"] * 5 + ["b"] * 5, "should be greater or equal to the number of classes"),
    ],
)
def test_a_validation_part_that_is_too_small_is_refused_alike(name, x, y, message):
    """Fewer than 2 rows to validate on, or a class that cannot be stratified, raises scikit-learn's ValueError."""
    raised = compare(name, fit(x, y), early_stopping=True).raised
    assert raised[0] is ValueError
    assert message in raised[1]


@pytest.mark.parametrize("name", NAMES)
def test_early_stopping_means_nothing_to_lbfgs_and_is_refused_by_partial_fit(name):
    """Lbfgs ignores early stopping; ``partial_fit``, first or after a fit, raises scikit-learn's ValueError."""
    actual = compare(name, fit(X, Y[name]), solver="lbfgs", early_stopping=True).actual
    assert_same(actual.coefs_, compare(name, fit(X, Y[name]), solver="lbfgs").actual.coefs_)
    for call in (
        lambda estimator: estimator.partial_fit(X, Y[name], **ALL_CLASSES[name]),
        lambda estimator: estimator.fit(X, Y[name]).partial_fit(X, Y[name]),
    ):
        raised = compare(name, call, early_stopping=True).raised
        assert raised == (ValueError, "partial_fit does not support early_stopping=True")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_class_that_only_the_validation_part_has(early_stopping):
    """A class whose only row falls into the part split off trains alike; in a validation set of the user's it is refused."""
    y = np.where(np.arange(N) == 0, 3, CLASSES)
    for seed in range(12):  # some of these seeds put the row into the validation part
        compare("MLPClassifier", fit(X, y), early_stopping=early_stopping, validation_fraction=0.4, random_state=seed)
    with pytest.raises(ValueError, match="y_val has classes that were not trained on"):
        cr.MLPClassifier(early_stopping=early_stopping).fit(X, CLASSES, X_val=X, y_val=y)


def test_t_counts_the_rows_that_are_trained_on():
    """With early stopping ``t_`` counts the rows that are left to train on."""
    actual = compare("MLPClassifier", fit(X, CLASSES), early_stopping=True).actual
    assert actual.t_ == 3 * 45
