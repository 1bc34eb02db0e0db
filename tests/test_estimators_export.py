"""A fitted estimator as a Network: live views, model files, explanations, provenance."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn_comparison import (
    IRIS,
)

import chainrule as cr
from chainrule.errors import DataError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]


def test_coefs_are_the_network():
    """``coefs_`` are views of the network's weights: changed in place or replaced, they decide predictions and further training."""
    x, y = IRIS
    clf = cr.MLPClassifier((5,), max_iter=3, random_state=0).fit(x, y)
    assert all(np.shares_memory(w, c) for w, c in zip(clf.network_.weights, clf.coefs_, strict=True))
    assert np.allclose(clf.network_.feedforward(x), clf.predict_proba(x))
    clf.coefs_[0][...] = 0
    clf.intercepts_[1] = np.array([0.0, 5.0, 0.0])
    clf.coefs_[1] = np.zeros((5, 3))
    assert set(clf.predict(x)) == {1}
    clf.partial_fit(x, y)
    assert np.abs(clf.coefs_[1]).max() < 0.01


@pytest.mark.parametrize("hyperparameters", [{}, {"standardize": True}, {"activation": "tanh"}])
def test_an_estimator_is_explained_checked_and_saved(hyperparameters, tmp_path):
    """``explain`` and ``check_gradient`` take a fitted estimator, its own labels and unscaled rows; its network can be saved."""
    x, y = IRIS[0], np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]
    clf = cr.MLPClassifier((6,), max_iter=5, random_state=0, **hyperparameters).fit(x, y)
    assert "4 × 6 × 3" in str(cr.explain(clf, x[:2], y[:2]))
    assert cr.check_gradient(clf, x[50:58], y[50:58]).ok
    clf.network_.save(tmp_path / "iris.safetensors")
    assert np.allclose(cr.load(tmp_path / "iris.safetensors").feedforward(clf.for_network(x)[0]), clf.predict_proba(x))
    regressor = cr.MLPRegressor(max_iter=5, **hyperparameters).fit(x, x[:, 0])
    assert cr.check_gradient(regressor, x[:5], x[:5, 0]).ok


@pytest.mark.parametrize("function", [cr.explain, cr.check_gradient])
def test_explaining_refuses_targets_that_do_not_fit(function):
    """Labels that are not among its classes, or a missing y, raise a message that names them or asks for y."""
    x, y = IRIS[0], np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]
    three, two = (cr.MLPClassifier((6,), max_iter=5, random_state=0).fit(x[rows], y[rows]) for rows in (slice(None), slice(100)))
    for clf, labels in [(three, ["Virginica"]), (two, ["virginica"]), (two, [1])]:
        with pytest.raises(ValueError, match=r"y has classes that were not trained on: \['?[Vv1]"):
            function(clf, x[:1], labels)
    with pytest.raises(DataError, match="an estimator needs x and y"):
        function(three, x[:1])


def test_saving_keeps_the_dtype_and_refuses_an_unfitted_estimator(tmp_path):
    """A float32 network is saved in float32, in float64 where columns are scaled: a mean may be far above a spread."""
    path = tmp_path / "saved.safetensors"
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().save(path)
    assert not path.exists()
    for standardize, dtype, moved in ((False, "float32", 0), (True, "float64", 1e4)):
        x = (IRIS[0] + moved).astype(np.float32)
        clf = cr.MLPClassifier(random_state=0, standardize=standardize, tol=1.0).fit(x, IRIS[1])
        clf.save(path)
        network = cr.load(path)
        assert network.plan.dtype == dtype
        assert np.allclose(network.feedforward(x), clf.predict_proba(x), rtol=0, atol=1e-5)


def test_provenance_counts_all_calls():
    """Provenance counts the epochs and steps of all calls, and names the learning rate that they used."""
    x, y = IRIS
    clf = cr.MLPClassifier((3,), batch_size=25, learning_rate="adaptive", learning_rate_init=0.01)
    for first in range(0, 150, 50):
        clf.partial_fit(x[first : first + 50], y[first : first + 50], classes=range(3))
    clf.set_params(learning_rate="invscaling")
    provenance = clf.network_.provenance
    assert (provenance.epochs, provenance.steps, provenance.examples, provenance.schedule, provenance.learning_rate) == (
        3,
        6,
        50,
        "constant",
        0.01,
    )
    clf.set_params(solver="sgd", max_iter=2, tol=1.0, n_iter_no_change=1).fit(x, y)
    provenance = clf.network_.provenance
    assert (provenance.epochs, provenance.steps, provenance.schedule) == (2, 12, "invscaling")


def test_provenance_is_missing_where_the_parameters_were_replaced():
    """A network of parameters of other shapes than the fitted ones has no provenance."""
    clf = cr.MLPClassifier((5,), max_iter=3, random_state=0).fit(*IRIS)
    assert clf.network_.provenance.epochs == 3
    clf.coefs_, clf.intercepts_ = [np.ones((4, 7)), np.ones((7, 3))], [np.ones(7), np.ones(3)]
    assert clf.network_.provenance is None


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize(("activation", "initializer"), [("relu", "glorot_uniform"), ("logistic", "glorot_uniform with factor 2")])
@pytest.mark.parametrize(("container", "kind"), [(np.asarray, "dense"), (sparse.csr_matrix, "csr")])
def test_provenance_names_the_real_settings(solver, activation, initializer, container, kind, tmp_path):
    """Provenance names initializer, seed, learning rate, alpha, rows, columns and kind of the fit; a model file keeps them."""
    settings = {"solver": solver, "activation": activation, "random_state": 7, "alpha": 0.25, "learning_rate_init": 0.02}
    clf = cr.MLPClassifier((5,), max_iter=3, **settings).fit(container(IRIS[0]), IRIS[1])
    network, provenance = clf.network_, clf.network_.provenance
    assert (network.init, network.seed) == (None, 7)
    assert (provenance.initializer, provenance.seed, provenance.alpha) == (f"scikit-learn's {initializer}", 7, 0.25)
    assert (provenance.data, provenance.examples, provenance.n_in, provenance.kind) == ("", 150, 4, kind)
    assert provenance.learning_rate == (None if solver == "lbfgs" else 0.02)
    assert provenance.schedule == ("" if solver == "lbfgs" else "constant")
    assert f"scikit-learn's {initializer}" in repr(network)
    clf.save(tmp_path / "clf.safetensors")
    assert cr.load(tmp_path / "clf.safetensors").provenance == provenance


def test_provenance_of_a_random_state_has_no_seed():
    """A RandomState's seed is unknown, and so is the initializer of parameters that were set by hand."""
    clf = cr.MLPClassifier((5,), max_iter=3, random_state=np.random.RandomState(0)).fit(*IRIS)
    assert clf.network_.provenance.seed is None
    by_hand = cr.MLPClassifier((5,), max_iter=3, warm_start=True)
    for name in ("coefs_", "intercepts_", "out_activation_", "classes_"):
        setattr(by_hand, name, getattr(clf, name))
    assert by_hand.fit(*IRIS).network_.provenance.initializer == ""
