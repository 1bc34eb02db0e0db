"""Fits that fail leave the estimator as it was."""

import copy
import warnings

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_wine
from sklearn_comparison import (
    IRIS,
    NAMES,
    VALUES,
    WEIGHTS,
    X,
    Y,
    assert_same,
    compare,
    fit,
    learned_attributes,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


FAILURES = {
    "NaN": (lambda name: (X * np.nan, Y[name]), {}),
    "another length": (lambda name: (X, Y[name][:-1]), {}),
    "no rows": (lambda name: (X[:0], Y[name][:0]), {}),
    "no columns": (lambda name: (X[:, :0], Y[name]), {}),
    "1-D": (lambda name: (X[:, 0], Y[name]), {}),
    "other columns, NaN in y": (lambda name: (X[:, :2], Y[name] * np.nan), {}),
    "other columns, bad weights": (lambda name: (X[:, :2], Y[name], WEIGHTS[:-1]), {}),
    "bounds": (lambda name: (X[:, :2], Y[name]), {"alpha": -1}),
    "sizes": (lambda name: (X[:, :2], Y[name]), {"hidden_layer_sizes": (0,)}),
    "small validation set": (lambda name: (X[:5, :2], Y[name][:5]), {"early_stopping": True}),
    "runs away": (lambda name: (1e300 * X[:, :2], Y[name]), {"solver": "sgd"}),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_a_fit_that_fails_leaves_what_was_learned_attributes(name, solver, warm_start, failure):
    """After a failed fit every attribute is as before (scikit-learn changes ``n_features_in_``)."""
    arguments, hyperparameters = FAILURES[failure]
    if solver == "lbfgs" and "early_stopping" in hyperparameters:
        pytest.skip("lbfgs splits no validation set off")
    estimator = getattr(cr, name)(hidden_layer_sizes=(5,), random_state=0, solver=solver, warm_start=warm_start, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, Y[name])
        before, predicted = copy.deepcopy(vars(estimator)), estimator.predict(X)
        estimator.set_params(**hyperparameters)
        with pytest.raises(ValueError):
            estimator.fit(*arguments(name))
    assert vars(estimator).keys() == before.keys()
    public = {key: value for key, value in before.items() if key.endswith("_") and key[0] != "_"}
    assert_same(learned_attributes(estimator), public)
    assert np.array_equal(estimator.predict(X), predicted)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("method", ["warm_start", "partial_fit"])
def test_a_training_that_diverges_changes_nothing(method):
    """Where a warm start or ``partial_fit`` ends in numbers that are not finite, the curve and the next call are as before."""
    x, y = IRIS[0], IRIS[0][:, 0]
    hyperparameters = {"max_iter": 3, "random_state": 0, "solver": "sgd", "warm_start": method == "warm_start"}
    diverged, untouched = (cr.MLPRegressor(**hyperparameters).fit(x, y) for _ in range(2))
    before = [*diverged.loss_curve_]
    with pytest.raises(ValueError, match="non-finite"):
        (diverged.fit if method == "warm_start" else diverged.partial_fit)(x, 1e306 * y)
    assert diverged.loss_curve_ == before
    for regressor in (diverged, untouched):
        (regressor.fit if method == "warm_start" else regressor.partial_fit)(x, y)
    assert diverged.loss_curve_ == untouched.loss_curve_
    assert all(np.array_equal(a, b) for a, b in zip(diverged.coefs_, untouched.coefs_, strict=True))


def test_a_training_that_diverges_raises_alike():
    """A training that diverges raises scikit-learn's ValueError."""
    raised = compare("MLPRegressor", fit(1e160 * X, VALUES), solver="sgd", max_iter=20).raised
    assert raised[0] is ValueError
    assert "Solver produced non-finite parameter weights" in raised[1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_that_diverges_in_its_first_epoch_raises():
    """With early stopping too, a training that diverges raises; a regressor without any finite score raises here only."""
    x, y = load_wine(return_X_y=True)
    settings = {"solver": "sgd", "batch_size": 10, "random_state": 0, "max_iter": 50, "early_stopping": True}
    rates = {"alpha": 100.0, "learning_rate_init": 0.1}
    for library in (neural_network, cr):
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            library.MLPClassifier(**rates, **settings).fit(x, y)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        cr.MLPRegressor(learning_rate_init=1e200, **settings).fit(x, y)
    models = [library.MLPClassifier(activation="identity", **rates, **settings).fit(x, y) for library in (cr, neural_network)]
    assert models[0].n_iter_ == models[1].n_iter_
