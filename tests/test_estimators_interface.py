"""The estimators' interface is scikit-learn's: signatures, hyperparameters, tags, clones, pipelines and searches."""

import copy
import inspect
import pickle
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn_comparison import (
    ALL_CLASSES,
    CLASSES,
    IRIS,
    NAMES,
    PREDICTIONS,
    WEIGHTS,
    X,
    Y,
    assert_same,
    compare,
    fit,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([cr.MLPClassifier(), cr.MLPRegressor()])
def test_scikit_learns_estimator_checks_pass(estimator, check):
    """Every check that scikit-learn makes of an estimator passes, none of them as an expected failure."""
    check(estimator)


METHODS = [
    (name, method)
    for name in NAMES
    for method in ("__init__", "fit", "partial_fit", "score", *PREDICTIONS)
    if hasattr(getattr(neural_network, name), method)
]


def parameters_of(library, name, method):
    """The name, kind and default of each parameter of a method."""
    signature = inspect.signature(getattr(getattr(library, name), method))
    return [(parameter.name, parameter.kind, parameter.default) for parameter in signature.parameters.values()]


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_signatures_are_scikit_learns(name, method):
    """Parameters have scikit-learn's order and defaults; additional ones are keyword-only and off by default."""
    actual, expected = (parameters_of(library, name, method) for library in (cr, neural_network))
    assert [parameter for parameter in actual if parameter in expected] == expected
    additional = [parameter for parameter in actual if parameter not in expected]
    assert all(kind is inspect.Parameter.KEYWORD_ONLY for _, kind, _ in additional)
    assert all(default in (None, False, 0, "auto", "10 s") for _, _, default in additional)


@pytest.mark.parametrize("name", NAMES)
def test_prediction_methods_are_scikit_learns(name):
    """A regressor has no probabilities, a classifier has both kinds."""
    actual, expected = ([hasattr(getattr(library, name), method) for method in PREDICTIONS] for library in (cr, neural_network))
    assert actual == expected


def test_parameters_are_scikit_learns():
    """``loss`` is the regressor's first hyperparameter; a classifier's can be read, but is not a hyperparameter."""
    regressor = cr.MLPRegressor("poisson", (3,), "tanh")
    assert (regressor.loss, regressor.hidden_layer_sizes, regressor.activation) == ("poisson", (3,), "tanh")
    assert cr.MLPClassifier().loss == neural_network.MLPClassifier().loss == "log_loss"
    for name in NAMES:
        actual, expected = (getattr(library, name)().get_params() for library in (cr, neural_network))
        assert {key: actual[key] for key in expected} == expected
    assert "loss" not in cr.MLPClassifier().get_params()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sizes", [4, np.int64(4), (), [], (5, 3), [5, 3], np.array([5, 3]), 0, -2, (5, 0), [3, -1], 2.5, [2.5], None, "5"], ids=repr
)
def test_hidden_layer_sizes_are_read_alike(name, sizes):
    """hidden_layer_sizes may be a number, a list, a tuple, an array or empty; anything else is refused in the same words."""
    compare(name, fit(X, Y[name]), hidden_layer_sizes=sizes)


BOUNDS = {
    "activation": (["identity", "logistic", "tanh", "relu"], ["sigmoid", None, 1]),
    "solver": (["sgd", "adam"], ["bfgs", None]),
    "alpha": ([0, 0.0, 10], [-1e-9, None, "1", np.nan]),
    "batch_size": (["auto", 1, 7, np.int64(7)], [0, -1, 2.0, "all", None]),
    "learning_rate": (["constant", "invscaling", "adaptive"], ["optimal", None]),
    "learning_rate_init": ([1e-9, 1], [0, -1, None, "1"]),
    "power_t": ([0, 2], [-0.1, None]),
    "max_iter": ([1, np.int64(2)], [0, -1, 2.0, None]),
    "shuffle": ([True, False, np.True_], [None, 1, "yes"]),
    "random_state": ([0, np.int64(3)], [-1, 0.5, "0"]),
    "tol": ([0, 1e9], [-1e-4, None]),
    "verbose": ([False, 0, True, 2], [-1, None]),
    "warm_start": ([True, False], [None, 1]),
    "momentum": ([0, 1, 0.5], [-0.1, 1.1, None]),
    "nesterovs_momentum": ([True, False], [None, "no"]),
    "early_stopping": ([True, False], [None, "no"]),
    "validation_fraction": ([0, 0.5], [-0.1, 1, None]),
    "beta_1": ([0, 0.5], [-0.1, 1, None]),
    "beta_2": ([0, 0.5], [-0.1, 1, None]),
    "epsilon": ([1e-12, 1], [0, -1, None]),
    "n_iter_no_change": ([1, np.inf], [0, -1, 0.5, None]),
    "max_fun": ([1], [0, 1.5, None]),
    "loss": (["squared_error", "poisson"], ["absolute_error", None]),
}


@pytest.mark.parametrize(("parameter", "good", "bad"), [(key, *values) for key, values in BOUNDS.items()], ids=list(BOUNDS))
def test_bounds_are_scikit_learns(parameter, good, bad):
    """A value within a hyperparameter's bounds trains the same network; a value outside raises the same message."""
    for name in NAMES if parameter != "loss" else ["MLPRegressor"]:
        for value in good:
            raised = compare(name, fit(X, np.abs(Y[name])), **{"solver": "sgd", parameter: value}).raised
            assert raised is None
        for value in bad:
            raised = compare(name, fit(X, Y[name]), **{parameter: value}).raised
            assert raised is not None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int64])
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_numpy_scalars_equal_python_numbers(solver, kind):
    """NumPy scalars as alpha, tol and max_iter train the same network as Python's numbers of the same value."""
    alpha, tol = (1, 0) if kind is np.int64 else (kind(0.1), kind(1e-3))
    settings = {"hidden_layer_sizes": (6,), "solver": solver, "random_state": 0}
    models = [
        cr.MLPRegressor(alpha=a, tol=t, max_iter=n, **settings).fit(IRIS[0], IRIS[1].astype(float))
        for a, t, n in ((kind(alpha), kind(tol), np.int64(12)), (float(alpha), float(tol), 12))
    ]
    assert models[0].loss_ == models[1].loss_
    assert models[0].n_iter_ == models[1].n_iter_
    assert all(np.array_equal(a, b) for a, b in zip(models[0].coefs_, models[1].coefs_, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_tags_are_scikit_learns(name):
    """Tags declare the same: sparse input, several labels, several outputs, and the rest."""
    actual, expected = (get_tags(getattr(library, name)()) for library in (cr, neural_network))
    assert actual == expected


@pytest.mark.parametrize("name", NAMES)
def test_metadata_is_routed_alike(name):
    """Sample weights reach fit, partial_fit and score where requested, and raise where not; X_val is routed, too."""
    weights = {"sample_weight": WEIGHTS}

    def score(estimator):
        estimator.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), estimator)
        return cross_validate(pipe, X, Y[name], cv=2, params=weights)["test_score"]

    def train(estimator):
        estimator.set_partial_fit_request(sample_weight=True)
        return estimator.partial_fit(X, Y[name], WEIGHTS, **ALL_CLASSES[name])

    def score_without_request(estimator):
        return cross_validate(estimator, X, Y[name], cv=2, params=weights)

    with sklearn.config_context(enable_metadata_routing=True):
        assert compare(name, score).raised is None
        assert compare(name, train).raised is None
        raised = compare(name, score_without_request).raised
        assert raised[0] is UnsetMetadataPassedError
        validated = getattr(cr, name)(max_iter=3).set_fit_request(X_val=True, y_val=True)
        with pytest.warns(ConvergenceWarning):
            pipe = make_pipeline(validated).fit(X, Y[name], X_val=X[::2], y_val=Y[name][::2])
        assert len(pipe[-1].validation_loss_curve_) == 3


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda clf: pickle.loads(pickle.dumps(clf)), clone],
    ids=["copy", "deepcopy", "pickle", "clone"],
)
@pytest.mark.parametrize("name", NAMES)
def test_copies_pickles_and_clones_are_alike(name, duplicate):
    """A copy predicts and trains on as its original; a clone has the hyperparameters and nothing learned."""
    compare(name, lambda estimator: duplicate(estimator.fit(X, Y[name])).get_params()["max_iter"])
    if duplicate is clone:
        raised = compare(name, lambda estimator: duplicate(estimator.fit(X, Y[name])).predict(X)).raised
        assert raised[0] is NotFittedError
    else:
        compare(name, lambda estimator: duplicate(estimator.fit(X, Y[name])).predict(X))
    if duplicate not in (clone, copy.copy):  # a shallow copy shares the arrays, in scikit-learn too
        compare(name, lambda estimator: duplicate(estimator.fit(X, Y[name])).partial_fit(X, Y[name]).predict(X))


@pytest.mark.parametrize("backend", ["threading", "loky"])
@pytest.mark.parametrize("name", NAMES)
def test_a_grid_search_is_alike(name, backend):
    """A grid search over threads, and over processes, has the same scores and the same best hyperparameters."""

    def search(estimator):
        pipe, grid = make_pipeline(StandardScaler(), estimator), {f"{name.lower()}__alpha": [1e-4, 1.0, 100.0]}
        with joblib.parallel_config(backend=backend, n_jobs=2):
            result = GridSearchCV(pipe, grid, cv=2).fit(X, Y[name])
        return result.cv_results_["mean_test_score"], result.best_params_, result.predict(X)

    with warnings.catch_warnings():  # the processes warn, too
        warnings.simplefilter("ignore")
        actual, expected = (search(getattr(library, name)(max_iter=20, random_state=0)) for library in (cr, neural_network))
    assert_same(actual, expected)


@pytest.mark.parametrize("name", NAMES)
def test_meta_estimators_take_it_alike(name):
    """Calibration, stacking and permutation importance give the same as with scikit-learn's estimators."""
    y = Y[name]
    compare(name, lambda estimator: permutation_importance(estimator.fit(X, y), X, y, n_repeats=2, random_state=0).importances)
    if name == "MLPClassifier":
        compare(name, lambda estimator: CalibratedClassifierCV(estimator, cv=2).fit(X, y).predict_proba(X))
        stack = lambda estimator: StackingClassifier([("mlp", estimator)], LogisticRegression(max_iter=1000), cv=2)  # noqa: E731
    else:
        stack = lambda estimator: StackingRegressor([("mlp", estimator)], LinearRegression(), cv=2)  # noqa: E731
    compare(name, lambda estimator: stack(estimator).fit(X, y).predict(X), max_iter=10)


def test_random_state_may_be_none_or_a_random_state():
    """``random_state=None`` draws from ``np.random``; a RandomState continues from fit to fit."""
    actual, expected = (library.MLPClassifier(max_iter=2) for library in (cr, neural_network))
    for estimator in (actual, expected):
        np.random.seed(7)  # noqa: NPY002
        with pytest.warns(ConvergenceWarning):
            estimator.fit(X, CLASSES).fit(X, CLASSES)
    assert_same(actual.coefs_, expected.coefs_)
    fit_twice = lambda estimator: estimator.set_params(random_state=np.random.RandomState(3)).fit(X, CLASSES).fit(X, CLASSES)  # noqa: E731
    compare("MLPClassifier", fit_twice)
