"""``standardize``: scaled columns in training and prediction, and raw columns in the saved network."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_comparison import (
    IRIS,
    RANDOM,
    learned_attributes,
)

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_standardize_is_a_scaler_in_front(name, as_sparse):
    """``standardize=True`` equals a pipeline with StandardScaler to 1e-5; sparse columns are not centred."""
    x, y = IRIS[0] * [1.0, 10.0, 0.1, 3.0], IRIS[1] if name == "MLPClassifier" else IRIS[0][:, 1]
    x = sparse.csr_matrix(x) if as_sparse else x
    hyperparameters = {"max_iter": 6, "random_state": 0}
    actual = getattr(cr, name)(**hyperparameters, standardize=True).fit(x, y)
    expected = make_pipeline(StandardScaler(with_mean=not as_sparse), getattr(cr, name)(**hyperparameters)).fit(x, y)
    assert all(np.allclose(a, b, rtol=0, atol=1e-5) for a, b in zip(actual.coefs_, expected[-1].coefs_, strict=True))
    assert np.allclose(actual.predict(x), expected.predict(x), atol=1e-5)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csc_array], ids=["dense", "csr", "csc"])
@pytest.mark.parametrize("hidden", [(), (5,)])
@pytest.mark.parametrize("name", ["multiclass", "binary", "regression"])
@pytest.mark.parametrize("standardize", [True, False])
def test_a_saved_network_takes_raw_columns(container, hidden, name, standardize, tmp_path):
    """The saved network gives the estimator's outputs for raw columns to 1e-10; the estimator does not change."""
    x = np.hstack(
        [IRIS[0] * [1.0, 100.0, 0.01, 3.0] + [0.0, 500.0, 0.0, -2.0], np.ones((150, 1))]
    )  # different units, and a constant column
    y = {"multiclass": IRIS[1], "binary": IRIS[1] > 0, "regression": IRIS[0][:, 1]}[name]
    estimator_class = cr.MLPRegressor if name == "regression" else cr.MLPClassifier
    estimator = estimator_class(hidden_layer_sizes=hidden, max_iter=5, random_state=0, standardize=standardize).fit(container(x), y)
    expected = estimator.predict(container(x)) if name == "regression" else estimator.predict_proba(container(x))
    before = estimator.coefs_[0].copy()
    estimator.save(tmp_path / "saved.safetensors")
    actual = cr.load(tmp_path / "saved.safetensors").feedforward(container(x))
    expected = expected[:, 1] if name == "binary" else expected
    assert np.allclose(actual.reshape(expected.shape), expected, rtol=0, atol=1e-10)
    assert np.array_equal(estimator.coefs_[0], before)


@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("with_mean", [True, False])
def test_either_half_of_a_scaler_may_be_off(tmp_path, with_mean, with_std):
    """The saved network scales as scaler_ does, also without its mean or its standard deviation."""
    clf = cr.MLPClassifier((5,), random_state=0, max_iter=3, standardize=True).fit(*IRIS)
    clf.scaler_ = StandardScaler(with_mean=with_mean, with_std=with_std).fit(IRIS[0])
    clf.save(tmp_path / "clf.safetensors")
    np.testing.assert_allclose(cr.load(tmp_path / "clf.safetensors").feedforward(IRIS[0]), clf.predict_proba(IRIS[0]), rtol=1e-9)


def test_a_scale_stays_with_the_weights_that_were_trained_on_it():
    """standardize=False after a fit has no effect before the next first fit: partial_fit continues on scaled columns."""
    x = RANDOM.normal(size=(60, 3)) * 50 + 300
    y = (x[:, 0] > 300).astype(int)
    clf = cr.MLPClassifier((5,), standardize=True, max_iter=300, random_state=0, learning_rate_init=0.01).fit(x, y)
    before = clf.score(x, y)
    clf.set_params(standardize=False, learning_rate_init=1e-12)
    clf.partial_fit(x, y)
    assert clf.score(x, y) == before > 0.9
    clf.fit(x, y)
    assert not hasattr(clf, "scaler_")


def test_a_scaler_is_public():
    """The scale of the columns is the public scaler_, which another estimator can take over."""
    clf = cr.MLPClassifier((5,), random_state=0, max_iter=20, standardize=True).fit(*IRIS)
    copy = cr.MLPClassifier(**clf.get_params())
    copy.__dict__.update(learned_attributes(clf))
    np.testing.assert_allclose(copy.predict_proba(IRIS[0]), clf.predict_proba(IRIS[0]), rtol=1e-12)
    assert not hasattr(cr.MLPClassifier((5,), max_iter=1).fit(*IRIS), "scaler_")
