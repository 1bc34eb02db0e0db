"""The estimators learn scikit-learn's numbers: drawn trainings, both libraries side by side."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import neural_network
from sklearn.datasets import load_digits

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]


@st.composite
def trainings(draw):
    """Hyperparameters and data of one training: everything that decides an epoch."""
    kind = draw(st.sampled_from(["binary", "multiclass", "multilabel", "regression", "multioutput", "poisson"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    n, n_in = draw(st.integers(12, 40)), draw(st.integers(1, 5))
    x = rng.normal(size=(n, n_in))
    if draw(st.booleans()):
        x = sparse.csr_matrix(x * (rng.random(x.shape) < 0.4))
    y = {
        "binary": lambda: np.arange(n) % 2,
        "multiclass": lambda: np.array(["a", "b", "c"])[np.arange(n) % 3],
        "multilabel": lambda: (rng.random((n, 3)) < 0.5).astype(int),
        "regression": lambda: rng.normal(size=n),
        "multioutput": lambda: rng.normal(size=(n, 2)),
        "poisson": lambda: rng.poisson(2.0, n).astype(float),
    }[kind]()
    weights = None
    if draw(st.booleans()):
        weights = rng.uniform(0.2, 2.0, n)
    solver = draw(st.sampled_from(["sgd", "adam"]))
    hyperparameters = {
        "hidden_layer_sizes": draw(st.sampled_from([(), (3,), 4, [5, 3]])),
        "activation": draw(st.sampled_from(["identity", "logistic", "tanh", "relu"])),
        "solver": solver,
        "alpha": draw(st.sampled_from([0.0, 1e-4, 0.1])),
        "batch_size": draw(st.sampled_from(["auto", 1, 7, 12])),
        "learning_rate_init": draw(st.sampled_from([1e-3, 1e-2])),
        "max_iter": draw(st.integers(1, 8)),
        "shuffle": draw(st.booleans()),
        "random_state": draw(st.integers(0, 2**31 - 1)),
        "tol": draw(st.sampled_from([1e-4, 1e-2, 0.0])),
        "n_iter_no_change": draw(st.sampled_from([1, 2, 10])),
        "early_stopping": draw(st.booleans()),
        "validation_fraction": draw(st.sampled_from([0.2, 0.3])),
    }
    if solver == "sgd":
        hyperparameters["learning_rate"] = draw(st.sampled_from(["constant", "invscaling", "adaptive"]))
        hyperparameters["momentum"] = draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
        hyperparameters["nesterovs_momentum"] = draw(st.booleans())
        hyperparameters["power_t"] = draw(st.sampled_from([0.5, 0.2]))
    else:
        hyperparameters["beta_1"] = draw(st.sampled_from([0.9, 0.5]))
        hyperparameters["epsilon"] = draw(st.sampled_from([1e-8, 1e-3]))
    name = "MLPClassifier" if kind in ("binary", "multiclass", "multilabel") else "MLPRegressor"
    if kind == "poisson":
        hyperparameters["loss"] = "poisson"
    method = draw(st.sampled_from(["fit", "warm_start", "partial_fit"]))
    if method == "warm_start":
        hyperparameters["warm_start"] = True
    if method == "partial_fit":
        hyperparameters["early_stopping"] = False
    return name, hyperparameters, x, y, weights, method


def train(library, name, hyperparameters, x, y, weights, method):
    """Train an estimator of one of the libraries."""
    estimator = getattr(library, name)(**hyperparameters)
    calls = 1 if method == "fit" else 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(calls):
            if method != "partial_fit":
                estimator.fit(x, y, weights)
            elif name == "MLPClassifier":
                estimator.partial_fit(x, y, weights, classes=None if hasattr(estimator, "classes_") else np.unique(y))
            else:
                estimator.partial_fit(x, y, weights)
    return estimator


def assert_same_training(actual, expected, tolerance=1e-8):
    """Everything that a training leaves is equal."""
    for one, other in zip(actual.coefs_ + actual.intercepts_, expected.coefs_ + expected.intercepts_, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        assert np.allclose(one, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max()))
    assert actual.n_iter_ == expected.n_iter_
    assert actual.t_ == expected.t_
    assert np.allclose(actual.loss_curve_, expected.loss_curve_, rtol=1e-8, atol=1e-8)
    assert actual.loss_ == pytest.approx(expected.loss_, rel=1e-8, abs=1e-8)
    if expected.validation_scores_ is None:
        assert actual.validation_scores_ is None
        assert actual.best_loss_ == pytest.approx(expected.best_loss_, rel=1e-8, abs=1e-8)
    else:
        assert np.allclose(actual.validation_scores_, expected.validation_scores_, rtol=1e-8, atol=1e-8, equal_nan=True)
        assert actual.best_validation_score_ == pytest.approx(expected.best_validation_score_, rel=1e-8, abs=1e-8)
        assert actual.best_loss_ is None
    assert (actual.out_activation_, actual.n_outputs_, actual.n_layers_) == (
        expected.out_activation_,
        expected.n_outputs_,
        expected.n_layers_,
    )


@given(trainings())
@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
def test_the_numbers_are_scikit_learns(training):
    """With the same integer seed every weight, loss, count, score and prediction is scikit-learn's to 1e-8 in float64."""
    name, hyperparameters, x, y, weights, method = training
    try:
        expected = train(neural_network, name, hyperparameters, x, y, weights, method)
    except ValueError as refused:  # a validation set too small to be stratified, or a training that diverges
        with pytest.raises(ValueError, match=str(refused)[:20].replace("(", r"\(")):
            train(cr, name, hyperparameters, x, y, weights, method)
        return
    if max(np.abs(part).max() for part in expected.coefs_ + expected.intercepts_) > 1e3:
        return  # a diverging training amplifies rounding errors
    actual = train(cr, name, hyperparameters, x, y, weights, method)
    assert_same_training(actual, expected)
    if name == "MLPClassifier":
        assert np.allclose(actual.predict_proba(x), expected.predict_proba(x), rtol=0, atol=1e-8)
    else:
        assert np.allclose(actual.predict(x), expected.predict(x), rtol=1e-8, atol=1e-8)


def test_many_epochs_stay_equal():
    """60 epochs of Adam on digits, a tenth of them for validation, keep the numbers equal to 1e-8."""
    x, y = load_digits(return_X_y=True)
    hyperparameters = {"max_iter": 60, "random_state": 5, "early_stopping": True, "n_iter_no_change": 60}
    assert_same_training(
        train(cr, "MLPClassifier", hyperparameters, x, y, None, "fit"),
        train(neural_network, "MLPClassifier", hyperparameters, x, y, None, "fit"),
    )
