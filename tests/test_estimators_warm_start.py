"""Warm starts and ``partial_fit``: the state that continues, and the state that is reset."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn_comparison import (
    ALL_CLASSES,
    CLASSES,
    IRIS,
    NAMES,
    VALUES,
    N,
    X,
    Y,
    compare,
    outcome_of,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


CALLS = [
    ("fit", "fit"),
    ("partial_fit", "partial_fit", "partial_fit"),
    ("fit", "partial_fit", "partial_fit"),
    ("partial_fit", "fit", "partial_fit"),
]


def calls_of(name, *methods):
    """Make the call of ``fit`` and ``partial_fit`` in turn."""

    def call(estimator):
        for method in methods:
            classes = ALL_CLASSES[name] if method == "partial_fit" else {}
            getattr(estimator, method)(X, Y[name], **classes)
        return estimator

    return call


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    "methods",
    [
        ("fit", "fit"),
        ("partial_fit", "partial_fit", "partial_fit"),
        ("fit", "partial_fit", "partial_fit"),
        ("partial_fit", "fit", "partial_fit"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_counters_continue_alike(name, methods, solver, warm_start):
    """``n_iter_`` restarts in each call; ``loss_curve_`` and ``t_`` accumulate over warm starts and ``partial_fit``."""
    actual = compare(name, calls_of(name, *methods), solver=solver, warm_start=warm_start, learning_rate="invscaling").actual
    if methods == ("fit", "fit"):
        assert actual.n_iter_ == 3
        assert len(actual.loss_curve_) == (6 if warm_start else 3)
        assert actual.t_ == N * len(actual.loss_curve_)


CHANGES = [
    ({"solver": "sgd"}, {"solver": "adam"}),
    ({"solver": "adam"}, {"solver": "sgd"}),
    ({"solver": "adam"}, {"solver": "lbfgs"}),
    ({"solver": "sgd"}, {"momentum": 0.5}),
    ({"solver": "sgd"}, {"nesterovs_momentum": False}),
    ({"solver": "sgd"}, {"learning_rate_init": 0.1}),
    ({"solver": "sgd"}, {"learning_rate": "invscaling"}),
    ({}, {"beta_1": 0.5}),
    ({}, {"epsilon": 0.1}),
    ({}, {"activation": "tanh"}),
    ({}, {"alpha": 1.0, "batch_size": 7, "random_state": 5, "shuffle": False}),
]


@pytest.mark.parametrize(("before", "after"), CHANGES, ids=repr)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_changed_hyperparameters_are_used_alike(method, before, after):
    """A warm start trains with the hyperparameters as they are; ``partial_fit`` keeps its first optimizer and learning rate."""

    def call(estimator):
        estimator.fit(X, VALUES).set_params(**after)
        return getattr(estimator, method)(X, VALUES)

    compare("MLPRegressor", call, warm_start=method == "fit", **before)


@pytest.mark.parametrize("after", [{"alpha": -0.1}, {"batch_size": 0}, {"batch_size": -3}], ids=repr)
def test_partial_fit_checks_no_hyperparameter_again(after):
    """As in scikit-learn, ``partial_fit`` checks hyperparameters in its first call only; later they are used even out of bounds."""
    compare("MLPRegressor", lambda estimator: estimator.partial_fit(X, VALUES).set_params(**after).partial_fit(X, VALUES))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_early_stopping_may_be_switched_between_warm_starts(early_stopping):
    """Switching early stopping resets the best score and loss (scikit-learn raises TypeError or AttributeError)."""
    clf = cr.MLPClassifier(max_iter=3, warm_start=True, random_state=0, early_stopping=early_stopping).fit(X, CLASSES)
    clf.set_params(early_stopping=not early_stopping).fit(X, CLASSES)
    assert len(clf.loss_curve_) == 6
    assert (clf.best_loss_ is None, clf.validation_scores_ is None) == (not early_stopping, early_stopping)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("sizes", [(7,), (5, 5), ()])
def test_other_sizes_are_refused(sizes):
    """Other ``hidden_layer_sizes``, or more outputs, are refused by a warm start (scikit-learn may ignore them)."""
    estimator = cr.MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, warm_start=True).fit(X, VALUES)
    for method in (estimator.fit, estimator.partial_fit):
        with pytest.raises(ValueError, match="hidden_layer_sizes and y require"):
            method(X, np.stack([VALUES, VALUES], axis=1))
    with pytest.raises(ValueError, match="hidden_layer_sizes and y require"):
        estimator.set_params(hidden_layer_sizes=sizes).fit(X, VALUES)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_dtype_of_the_first_fit_stays(method, solver):
    """A warm start or ``partial_fit`` with X in another dtype keeps the dtype of the parameters."""

    def call(estimator, first=np.float64, then=np.float32):
        estimator.fit(X.astype(first), VALUES)
        return getattr(estimator, method)(X.astype(then), VALUES)

    compare("MLPRegressor", call, warm_start=method == "fit", solver=solver)
    estimators = [library.MLPRegressor(max_iter=2, warm_start=method == "fit", solver=solver) for library in (cr, neural_network)]
    for estimator in estimators:
        outcome_of(lambda fresh: call(fresh, np.float32, np.float64), estimator)
    assert estimators[0].coefs_[0].dtype == estimators[1].coefs_[0].dtype == np.float32


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_warm_start_continues_alike(name, early_stopping):
    """Scores accumulate over warm starts, and a larger ``max_iter`` counts from 0."""

    def call(estimator):
        for max_iter in (4, 6):
            estimator.set_params(max_iter=max_iter).fit(X, Y[name])
        return estimator

    actual = compare(
        name, call, warm_start=True, early_stopping=early_stopping, validation_fraction=0.2, n_iter_no_change=20
    ).actual
    assert actual.n_iter_ == 6
    assert len(actual.loss_curve_) == 10
    assert not early_stopping or len(actual.validation_scores_) == 10


@pytest.mark.parametrize("y", [CLASSES * 0, np.minimum(CLASSES, 1), CLASSES + 1, CLASSES * 2], ids=str)
def test_a_warm_start_with_other_classes_is_refused(y):
    """Fewer classes, more, or others raise scikit-learn's ValueError."""
    raised = compare("MLPClassifier", lambda estimator: estimator.fit(X, CLASSES).fit(X, y), warm_start=True).raised
    assert raised[0] is ValueError
    assert "warm_start can only be used where `y` has the same classes" in raised[1]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_several_labels_after_single_labels_are_refused_alike(method):
    """Several labels a row, after a fit to one label a row, raise scikit-learn's ValueError."""
    one_hot = np.eye(3, dtype=int)[CLASSES]
    raised = compare(
        "MLPClassifier",
        lambda estimator: getattr(estimator.fit(X, CLASSES), method)(X, one_hot),
        warm_start=method == "fit",
        tol=1e9,
    ).raised
    assert raised == (ValueError, "The object was not fitted with multilabel input.")


def test_classes_of_partial_fit_are_alike():
    """The first call names all classes; later ones, or other names, are refused."""
    first = {"classes": [0, 1, 2]}
    for call in (
        lambda clf: clf.partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, classes=[0, 1]),
        lambda clf: clf.partial_fit(X[:20], CLASSES[:20], **first).partial_fit(X, CLASSES + 1),
        lambda clf: clf.partial_fit(X, CLASSES, **first).partial_fit(X, CLASSES, classes=[0, 1, 3]),
        lambda clf: clf.fit(X[:30], CLASSES[:30]).partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, classes=["a", "b", "c"]),
    ):
        raised = compare("MLPClassifier", call).raised
        assert raised[0] is ValueError
    for call in (
        lambda clf: clf.partial_fit(X[:10], CLASSES[:10], **first).partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, classes=[2, 0, 1, 5]).partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, **first).partial_fit(X, CLASSES, **first),
    ):
        assert compare("MLPClassifier", call).raised is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_is_fit_in_parts(solver):
    """Unshuffled, k calls on X equal ``fit(max_iter=k)``, and calls on chunks of one_epoch batches equal an epoch, bit for bit."""
    x, y = IRIS
    hyperparameters = {"solver": solver, "shuffle": False, "batch_size": 10, "random_state": 0, "tol": 0, "n_iter_no_change": 100}
    single_fit = cr.MLPClassifier(**hyperparameters, max_iter=4).fit(x, y)
    calls = cr.MLPClassifier(**hyperparameters)
    for _ in range(4):
        calls.partial_fit(x, y, classes=[0, 1, 2])
    assert all(np.array_equal(a, b) for a, b in zip(single_fit.coefs_, calls.coefs_, strict=True))
    chunks = cr.MLPClassifier(**hyperparameters)
    for first in range(0, 150, 50):
        chunks.partial_fit(x[first : first + 50], y[first : first + 50], classes=[0, 1, 2])
    epoch = cr.MLPClassifier(**hyperparameters, max_iter=1).fit(x, y)
    assert all(np.array_equal(a, b) for a, b in zip(epoch.coefs_, chunks.coefs_, strict=True))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_calls_of_partial_fit_are_a_fit_bit_for_bit_on_sparse_rows(momentum):
    """On sparse rows with a penalty, k unshuffled calls equal k epochs, and calls on chunks equal one epoch, bit for bit."""
    x, y = sparse.random(64, 30, 0.2, "csr", random_state=0), np.arange(64) % 3
    hyperparameters = {"solver": "sgd", "momentum": momentum, "shuffle": False, "random_state": 0, "alpha": 0.1, "batch_size": 8}
    once, thrice, one_epoch, chunks = (
        cr.MLPClassifier(5, learning_rate_init=0.1, max_iter=k, **hyperparameters) for k in (3, 1, 1, 1)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        once.fit(x, y)
        one_epoch.fit(x, y)
    for _ in range(3):
        thrice.partial_fit(x, y, classes=[0, 1, 2])
    for first in range(0, 64, 16):
        chunks.partial_fit(x[first : first + 16], y[first : first + 16], classes=[0, 1, 2])
    for one, other in ((once, thrice), (one_epoch, chunks)):
        assert all(np.array_equal(a, b) for a, b in zip(one.coefs_, other.coefs_, strict=True))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_the_validation_loss_curve_of_an_earlier_fit_is_removed(solver, warm_start):
    """A fit without a validation set has no ``validation_loss_curve_``, even where the fit before it had one."""
    clf = cr.MLPClassifier((5,), max_iter=3, random_state=0, warm_start=warm_start).fit(X, CLASSES, X_val=X, y_val=CLASSES)
    assert len(clf.validation_loss_curve_) == 3
    clf.set_params(solver=solver).fit(X, CLASSES)
    assert not hasattr(clf, "validation_loss_curve_")
