"""``MLPClassifier`` and ``MLPRegressor``: scikit-learn's own, number for number, and its behaviours one by one."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule.errors import DataError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]
KINDS = {"classifier": "MLPClassifier", "regressor": "MLPRegressor"}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([cr.MLPClassifier(), cr.MLPRegressor()])
def test_scikit_learns_own_checks(estimator, check):
    """Every check that scikit-learn makes of an estimator passes, none of them as an expected failure."""
    check(estimator)


@st.composite
def trainings(draw):
    """Settings and data for one training: everything that decides an epoch."""
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
    chosen = {
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
        chosen["learning_rate"] = draw(st.sampled_from(["constant", "invscaling", "adaptive"]))
        chosen["momentum"] = draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
        chosen["nesterovs_momentum"] = draw(st.booleans())
        chosen["power_t"] = draw(st.sampled_from([0.5, 0.2]))
    else:
        chosen["beta_1"], chosen["epsilon"] = draw(st.sampled_from([0.9, 0.5])), draw(st.sampled_from([1e-8, 1e-3]))
    name = "MLPClassifier" if kind in ("binary", "multiclass", "multilabel") else "MLPRegressor"
    if kind == "poisson":
        chosen["loss"] = "poisson"
    way = draw(st.sampled_from(["fit", "warm_start", "partial_fit"]))
    if way == "warm_start":
        chosen["warm_start"] = True
    if way == "partial_fit":
        chosen["early_stopping"] = False
    return name, chosen, x, y, weights, way


def trained(home, name, chosen, x, y, weights, way):
    """Train an estimator of one library or the other."""
    estimator = getattr(home, name)(**chosen)
    calls = 1 if way == "fit" else 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(calls):
            if way != "partial_fit":
                estimator.fit(x, y, weights)
            elif name == "MLPClassifier":
                estimator.partial_fit(x, y, weights, classes=None if hasattr(estimator, "classes_") else np.unique(y))
            else:
                estimator.partial_fit(x, y, weights)
    return estimator


def same(came, due, tolerance=1e-8):
    """Hold all that a training leaves to the other's."""
    for ours, other in zip(came.coefs_ + came.intercepts_, due.coefs_ + due.intercepts_, strict=True):
        assert ours.shape == other.shape
        assert ours.dtype == other.dtype
        assert np.allclose(ours, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max()))
    assert came.n_iter_ == due.n_iter_
    assert came.t_ == due.t_
    assert np.allclose(came.loss_curve_, due.loss_curve_, rtol=1e-8, atol=1e-8)
    assert came.loss_ == pytest.approx(due.loss_, rel=1e-8, abs=1e-8)
    if due.validation_scores_ is None:
        assert came.validation_scores_ is None
        assert came.best_loss_ == pytest.approx(due.best_loss_, rel=1e-8, abs=1e-8)
    else:
        assert np.allclose(came.validation_scores_, due.validation_scores_, rtol=1e-8, atol=1e-8, equal_nan=True)
        assert came.best_validation_score_ == pytest.approx(due.best_validation_score_, rel=1e-8, abs=1e-8)
        assert came.best_loss_ is None
    assert (came.out_activation_, came.n_outputs_, came.n_layers_) == (due.out_activation_, due.n_outputs_, due.n_layers_)


@given(trainings())
@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
def test_the_numbers_are_scikit_learns(training):
    """With the same integer seed every weight, loss, count, score and prediction is scikit-learn's to 1e-8 in float64."""
    name, chosen, x, y, weights, way = training
    try:
        due = trained(theirs, name, chosen, x, y, weights, way)
    except ValueError as refused:  # a validation set too small to be stratified, or weights that ran away
        with pytest.raises(ValueError, match=str(refused)[:20].replace("(", r"\(")):
            trained(cr, name, chosen, x, y, weights, way)
        return
    if max(np.abs(part).max() for part in due.coefs_ + due.intercepts_) > 1e3:
        return  # running away: a rounding decides where to
    came = trained(cr, name, chosen, x, y, weights, way)
    same(came, due)
    if name == "MLPClassifier":
        assert np.allclose(came.predict_proba(x), due.predict_proba(x), rtol=0, atol=1e-8)
    else:
        assert np.allclose(came.predict(x), due.predict(x), rtol=1e-8, atol=1e-8)


IRIS = load_iris(return_X_y=True)


def test_many_epochs_stay_together():
    """200 epochs of Adam on digits, a tenth of them held out, keep the numbers to 1e-8."""
    x, y = load_digits(return_X_y=True)
    chosen = {"max_iter": 60, "random_state": 5, "early_stopping": True, "n_iter_no_change": 60}
    same(trained(cr, "MLPClassifier", chosen, x, y, None, "fit"), trained(theirs, "MLPClassifier", chosen, x, y, None, "fit"))


def test_lbfgs_ends_where_scikit_learns_does():
    """L-BFGS reaches scikit-learn's loss, sets no curve, and hides ``partial_fit``."""
    x, y = IRIS
    chosen = {"solver": "lbfgs", "max_iter": 15, "random_state": 1, "hidden_layer_sizes": (8,)}
    came, due = trained(cr, "MLPClassifier", chosen, x, y, None, "fit"), trained(theirs, "MLPClassifier", chosen, x, y, None, "fit")
    assert came.loss_ == pytest.approx(due.loss_, rel=1e-6)
    assert came.n_iter_ == due.n_iter_
    assert not hasattr(came, "loss_curve_")
    assert not hasattr(came, "best_loss_")
    assert not hasattr(came, "partial_fit")
    assert hasattr(cr.MLPClassifier(), "partial_fit")
    assert hasattr(cr.MLPRegressor(solver="lbfgs"), "partial_fit") == hasattr(theirs.MLPRegressor(solver="lbfgs"), "partial_fit")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8])
def test_arithmetic_follows_the_dtype_of_x(dtype):
    """float32 stays; float16, integers and uint8 become float64; uint8 is numbers, not pixels."""
    x, y = (10 * IRIS[0]).astype(dtype), IRIS[1]
    came = cr.MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    due = theirs.MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    assert {c.dtype for c in came.coefs_} == {c.dtype for c in due.coefs_}
    tolerance = 1e-5 if dtype == np.float32 else 1e-8
    assert all(np.allclose(a, b, rtol=0, atol=tolerance) for a, b in zip(came.coefs_, due.coefs_, strict=True))


def test_coefs_are_the_network():
    """``coefs_`` are views of the network's weights: edited in place or assigned, they are what predicts and goes on."""
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


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_is_fit_in_parts(solver):
    """Unshuffled, k calls on all of X are ``fit(max_iter=k)``, and calls on chunks of whole batches one epoch, bit for bit."""
    x, y = IRIS
    chosen = {"solver": solver, "shuffle": False, "batch_size": 10, "random_state": 0, "tol": 0, "n_iter_no_change": 100}
    whole = cr.MLPClassifier(**chosen, max_iter=4).fit(x, y)
    calls = cr.MLPClassifier(**chosen)
    for _ in range(4):
        calls.partial_fit(x, y, classes=[0, 1, 2])
    assert all(np.array_equal(a, b) for a, b in zip(whole.coefs_, calls.coefs_, strict=True))
    chunks = cr.MLPClassifier(**chosen)
    for first in range(0, 150, 50):
        chunks.partial_fit(x[first : first + 50], y[first : first + 50], classes=[0, 1, 2])
    epoch = cr.MLPClassifier(**chosen, max_iter=1).fit(x, y)
    assert all(np.array_equal(a, b) for a, b in zip(epoch.coefs_, chunks.coefs_, strict=True))


def test_a_failed_fit_leaves_the_fitted_state():
    """After a fit that was refused the estimator predicts as before."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    before = clf.predict_proba(x)
    for wrong in (np.full((4, 7), np.nan), np.zeros((4, 7))):
        with pytest.raises(ValueError, match=r"NaN|class|sample"):
            clf.fit(wrong, [0, 1, 2] if wrong[0, 0] == 0 else [0, 1, 2, 0])
    assert clf.n_features_in_ == 4
    assert np.array_equal(clf.predict_proba(x), before)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("way", ["warm_start", "partial_fit"])
def test_a_training_that_runs_away_leaves_what_there_was(way):
    """Where a warm start or ``partial_fit`` ends in numbers that are not finite, the curve and the next call are as before."""
    x, y = IRIS[0], IRIS[0][:, 0]
    chosen = {"max_iter": 3, "random_state": 0, "solver": "sgd", "warm_start": way == "warm_start"}
    spoiled, kept = (cr.MLPRegressor(**chosen).fit(x, y) for _ in range(2))
    before = [*spoiled.loss_curve_]
    with pytest.raises(ValueError, match="non-finite"):
        (spoiled.fit if way == "warm_start" else spoiled.partial_fit)(x, 1e306 * y)
    assert spoiled.loss_curve_ == before
    for regressor in (spoiled, kept):
        (regressor.fit if way == "warm_start" else regressor.partial_fit)(x, y)
    assert spoiled.loss_curve_ == kept.loss_curve_
    assert all(np.array_equal(a, b) for a, b in zip(spoiled.coefs_, kept.coefs_, strict=True))


def test_it_is_copied_pickled_cloned_and_searched():
    """Pickle, deepcopy and clone, a pipeline, and a grid search over two processes work as with scikit-learn's."""
    x, y = IRIS
    clf = cr.MLPClassifier((6,), max_iter=5, random_state=0).fit(x, y)
    for twin in (pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf)):
        assert np.array_equal(twin.predict_proba(x), clf.predict_proba(x))
        assert np.array_equal(twin.partial_fit(x, y).coefs_[0], copy.deepcopy(clf).partial_fit(x, y).coefs_[0])
    with pytest.raises(NotFittedError):
        clone(clf).predict(x)
    pipe = make_pipeline(StandardScaler(), clone(clf))
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2, n_jobs=2).fit(x, y)
    assert 0 <= search.best_score_ <= 1


def test_warnings_are_scikit_learns():
    """A column y, a batch too large, and an end before convergence each warn in scikit-learn's category."""
    x, y = IRIS
    with pytest.warns(DataConversionWarning):
        cr.MLPClassifier(max_iter=1).fit(x, y[:, None])
    with pytest.warns(UserWarning, match="going to be clipped"):
        cr.MLPClassifier(max_iter=1, batch_size=1000).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match=r"Maximum iterations \(1\) reached"):
            cr.MLPClassifier(max_iter=1).fit(x, y)


@pytest.mark.parametrize(
    "chosen",
    [{"alpha": -1}, {"solver": "bfgs"}, {"momentum": 2}, {"max_iter": 0}, {"hidden_layer_sizes": -1}, {"n_iter_no_change": 0.5}],
)
def test_bounds_are_scikit_learns(chosen):
    """What is out of a parameter's bounds raises scikit-learn's InvalidParameterError."""
    with pytest.raises(InvalidParameterError):
        cr.MLPClassifier(**chosen).fit(*IRIS)


def test_what_makes_no_sense_is_refused():
    """partial_fit with early stopping, other classes on a warm start, counts below 0: each a clear ValueError."""
    x, y = IRIS
    with pytest.raises(ValueError, match="early_stopping"):
        cr.MLPClassifier(early_stopping=True).partial_fit(x, y, classes=[0, 1, 2])
    warm = cr.MLPClassifier(warm_start=True, max_iter=1).fit(x, y)
    with pytest.raises(ValueError, match="same classes"):
        warm.fit(x, np.minimum(y, 1))
    with pytest.raises(ValueError, match="poisson"):
        cr.MLPRegressor("poisson").fit(x, -y)
    with pytest.raises(ValueError, match="validation set is too small"):
        cr.MLPRegressor(early_stopping=True).fit(x[:5], y[:5])


def test_a_batch_that_weighs_nothing_is_skipped():
    """scikit-learn divides by 0 there; here the batch moves nothing."""
    x, y = IRIS
    weights = np.ones(150)
    weights[:10] = 0
    clf = cr.MLPClassifier(max_iter=1, batch_size=10, shuffle=False, random_state=0, alpha=0).fit(x, y, weights)
    rest = cr.MLPClassifier(max_iter=1, batch_size=10, shuffle=False, random_state=0, alpha=0, solver="sgd").fit(x, y, weights)
    due = cr.MLPClassifier(max_iter=1, batch_size=10, shuffle=False, random_state=0, alpha=0, solver="sgd").fit(x[10:], y[10:])
    assert np.isfinite(clf.loss_)
    assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(rest.coefs_, due.coefs_, strict=True))


def test_class_weight_is_sample_weight():
    """``class_weight`` multiplies the examples' weights: balanced or a dict, it gives what the same weights by hand give."""
    x, y = IRIS[0][:120], IRIS[1][:120]
    chosen = {"max_iter": 4, "random_state": 0}
    balanced = cr.MLPClassifier(**chosen, class_weight="balanced").fit(x, y)
    by_hand = cr.MLPClassifier(**chosen).fit(x, y, 120 / (3 * np.bincount(y))[y])
    assert all(np.array_equal(a, b) for a, b in zip(balanced.coefs_, by_hand.coefs_, strict=True))
    given_weights = np.linspace(1, 2, 120)
    both = cr.MLPClassifier(**chosen, class_weight={0: 3.0}).fit(x, y, given_weights)
    by_hand = cr.MLPClassifier(**chosen).fit(x, y, given_weights * np.where(y == 0, 3.0, 1.0))
    assert all(np.array_equal(a, b) for a, b in zip(both.coefs_, by_hand.coefs_, strict=True))


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_a_validation_set_of_ones_own(name):
    """Its loss is kept after each epoch, and the weights of the lowest are restored; the training itself is not touched."""
    x, y = IRIS[0], IRIS[1] if name == "MLPClassifier" else IRIS[0][:, 0] * 1.0
    chosen = {"max_iter": 12, "random_state": 0, "learning_rate_init": 0.05, "hidden_layer_sizes": (8,)}
    watched = getattr(cr, name)(**chosen).fit(x[::2], y[::2], X_val=x[1::2], y_val=y[1::2])
    alone = getattr(cr, name)(**chosen).fit(x[::2], y[::2])
    assert watched.loss_curve_ == alone.loss_curve_
    curve = watched.validation_loss_curve_
    assert len(curve) == 12
    best = int(np.argmin(curve)) + 1
    stopped = getattr(cr, name)(**{**chosen, "max_iter": best}).fit(x[::2], y[::2])
    assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(watched.coefs_, stopped.coefs_, strict=True))
    network_loss = watched.network_.cost(x[1::2], y[1::2])
    assert min(curve) == pytest.approx(network_loss, rel=1e-9)


def test_early_stopping_takes_a_validation_set_of_ones_own():
    """With ``early_stopping`` the score on it decides, and nothing is split off."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=10, early_stopping=True, random_state=0).fit(x, y, X_val=x[::3], y_val=y[::3])
    whole = cr.MLPClassifier(max_iter=10, random_state=0).fit(x, y)
    assert clf.loss_curve_ == whole.loss_curve_[: len(clf.loss_curve_)]
    assert clf.score(x[::3], y[::3]) == clf.best_validation_score_ == max(clf.validation_scores_)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("made_sparse", [False, True])
def test_standardize_is_a_scaler_in_front(name, made_sparse):
    """``standardize=True`` equals a pipeline with StandardScaler to 1e-5, of sparse columns without centring."""
    x, y = IRIS[0] * [1.0, 10.0, 0.1, 3.0], IRIS[1] if name == "MLPClassifier" else IRIS[0][:, 1]
    x = sparse.csr_matrix(x) if made_sparse else x
    chosen = {"max_iter": 6, "random_state": 0}
    came = getattr(cr, name)(**chosen, standardize=True).fit(x, y)
    due = make_pipeline(StandardScaler(with_mean=not made_sparse), getattr(cr, name)(**chosen)).fit(x, y)
    assert all(np.allclose(a, b, rtol=0, atol=1e-5) for a, b in zip(came.coefs_, due[-1].coefs_, strict=True))
    assert np.allclose(came.predict(x), due.predict(x), atol=1e-5)


def test_dropout_and_threads():
    """Dropout trains other weights, the same for the same seed; the number of threads changes no bit."""
    x, y = IRIS
    chosen = {"max_iter": 3, "random_state": 0}
    plain, dropped = cr.MLPClassifier(**chosen).fit(x, y), cr.MLPClassifier(**chosen, dropout=0.3).fit(x, y)
    assert not np.allclose(plain.coefs_[0], dropped.coefs_[0])
    assert np.array_equal(dropped.coefs_[0], cr.MLPClassifier(**chosen, dropout=0.3).fit(x, y).coefs_[0])
    assert np.array_equal(plain.coefs_[0], cr.MLPClassifier(**chosen, threads=2).fit(x, y).coefs_[0])
    with pytest.raises(ValueError, match="dropout draws units for each mini-batch"):
        cr.MLPClassifier(solver="lbfgs", dropout=0.3).fit(x, y)


def test_validation_sets_that_make_no_sense_are_refused():
    """``X_val`` without ``y_val``, other columns, a class that was never trained on, lbfgs: a clear ValueError each."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=1)
    with pytest.raises(ValueError, match="X_val and y_val together"):
        clf.fit(x, y, X_val=x)
    with pytest.raises(ValueError, match="features"):
        clf.fit(x, y, X_val=x[:, :2], y_val=y)
    with pytest.raises(ValueError, match="classes"):
        clf.fit(x[:100], y[:100], X_val=x, y_val=y)
    with pytest.raises(ValueError, match="lbfgs"):
        cr.MLPClassifier(solver="lbfgs").fit(x, y, X_val=x, y_val=y)


def test_a_single_row_is_predicted_as_many_are():
    """The short way for a few plain rows gives what the long way gives, and what it must not take goes the long way."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=5, random_state=0).fit(x, y)
    many = clf.predict_proba(x)
    assert all(np.allclose(clf.predict_proba(x[i : i + 1])[0], many[i], atol=1e-12) for i in range(0, 150, 10))
    assert np.allclose(clf.predict_proba(x[:1].tolist()), many[:1])
    with pytest.raises(ValueError, match="NaN"):
        clf.predict(np.full((1, 4), np.nan))
    with pytest.raises(ValueError, match="features"):
        clf.predict(np.zeros((1, 5)))
    with pytest.raises(ValueError, match="2D"):
        clf.predict(np.zeros(4))
    clf.set_params(activation="tanh")  # of a fitted one, scikit-learn's predictions follow it
    assert np.allclose(clf.predict_proba(x[:1]), clf.predict_proba(x)[:1], rtol=0, atol=1e-12)
    assert not np.allclose(clf.predict_proba(x), many)


@pytest.mark.parametrize("chosen", [{}, {"standardize": True}])
def test_plain_rows_are_predicted_without_scikit_learns_checks(chosen, monkeypatch):
    """Of finite floats under no names there is nothing to say, and looking takes longer than to predict some hundred rows."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=5, random_state=0, **chosen).fit(x, y)
    due = clf.predict_proba(x.tolist())
    monkeypatch.setattr("chainrule.estimators.input_checks.validate_data", None)
    assert np.array_equal(clf.predict_proba(x), due)
    with pytest.raises(TypeError, match="not callable"):
        clf.predict(x.tolist())


@pytest.mark.parametrize("chosen", [{}, {"standardize": True}, {"activation": "tanh"}])
def test_an_estimator_is_explained_checked_and_saved(chosen, tmp_path):
    """``explain`` and ``check_gradient`` take a fitted estimator, its own labels, and unscaled rows; its network is saved."""
    x, y = IRIS[0], np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]
    clf = cr.MLPClassifier((6,), max_iter=5, random_state=0, **chosen).fit(x, y)
    assert "4 × 6 × 3" in str(cr.explain(clf, x[:2], y[:2]))
    assert cr.check_gradient(clf, x[50:58], y[50:58]).ok
    clf.network_.save(tmp_path / "iris.safetensors")
    assert np.allclose(cr.load(tmp_path / "iris.safetensors").feedforward(clf.for_network(x)[0]), clf.predict_proba(x))
    regressor = cr.MLPRegressor(max_iter=5, **chosen).fit(x, x[:, 0])
    assert cr.check_gradient(regressor, x[:5], x[:5, 0]).ok


@pytest.mark.parametrize("look", [cr.explain, cr.check_gradient])
def test_an_estimator_is_not_explained_by_what_is_no_target_of_it(look):
    """Labels that are none of its classes, or no y at all: a message that says so."""
    x, y = IRIS[0], np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]
    three, two = (cr.MLPClassifier((6,), max_iter=5, random_state=0).fit(x[rows], y[rows]) for rows in (slice(None), slice(100)))
    for clf, labels in [(three, ["Virginica"]), (two, ["virginica"]), (two, [1])]:
        with pytest.raises(ValueError, match=r"y has classes that were not trained on: \['?[Vv1]"):
            look(clf, x[:1], labels)
    with pytest.raises(DataError, match="x and y are needed"):
        look(three, x[:1])


def test_a_network_tells_how_it_was_trained():
    """All the calls of a stream; of the rates those that were taken, whatever the parameters are since; Adam's never change."""
    x, y = IRIS
    clf = cr.MLPClassifier((3,), batch_size=25, learning_rate="adaptive", learning_rate_init=0.01)
    for first in range(0, 150, 50):
        clf.partial_fit(x[first : first + 50], y[first : first + 50], classes=range(3))
    clf.set_params(learning_rate="invscaling")
    told = clf.network_.provenance
    assert (told.epochs, told.steps, told.examples, told.schedule, told.learning_rate) == (3, 6, 50, "constant", 0.01)
    clf.set_params(solver="sgd", max_iter=2, tol=1.0, n_iter_no_change=1).fit(x, y)
    told = clf.network_.provenance
    assert (told.epochs, told.steps, told.schedule) == (2, 12, "invscaling")


def test_a_pool_is_made_anew_after_a_fork():
    """A process that has fitted forks, and its children fit too, with threads of their own."""
    import multiprocessing

    x, y = IRIS
    due = cr.MLPClassifier(max_iter=3, random_state=0, threads=2).fit(x, y)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        came = pool.map(_fitted_in_a_child, range(2))
    assert all(np.array_equal(w, due.coefs_[0]) for w in came)


def _fitted_in_a_child(_):
    return cr.MLPClassifier(max_iter=3, random_state=0, threads=2).fit(*IRIS).coefs_[0]


def test_it_stands_where_scikit_learns_stands():
    """Calibration, stacking, permutation importance and metadata routing take it as they take scikit-learn's."""
    import sklearn
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import StackingClassifier
    from sklearn.inspection import permutation_importance
    from sklearn.linear_model import LogisticRegression

    x, y = IRIS
    clf = cr.MLPClassifier((6,), max_iter=20, learning_rate_init=0.05, random_state=0)
    assert CalibratedClassifierCV(clf, cv=2).fit(x, y).predict_proba(x).shape == (150, 3)
    peer = theirs.MLPClassifier(
        **{name: value for name, value in clf.get_params().items() if name in theirs.MLPClassifier().get_params()}
    )
    came, due = (StackingClassifier([("mlp", m)], LogisticRegression(max_iter=1000), cv=2).fit(x, y) for m in (clf, peer))
    assert np.allclose(came.predict_proba(x), due.predict_proba(x), atol=1e-6)
    assert permutation_importance(clone(clf).fit(x, y), x, y, n_repeats=2, random_state=0).importances_mean.shape == (4,)
    weights = np.linspace(0.5, 2, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipe = make_pipeline(scaler, clone(clf).set_fit_request(sample_weight=True)).fit(x, y, sample_weight=weights)
    due = clone(clf).fit(StandardScaler().fit_transform(x), y, weights)
    assert np.array_equal(pipe[-1].coefs_[0], due.coefs_[0])


def test_ctrl_c_warns_and_keeps_what_was_learnt(monkeypatch):
    """An interrupt between two epochs warns, and the estimator predicts with what it has."""
    x, y = IRIS
    left = [30]

    def until_interrupted(random, order):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return order

    monkeypatch.setattr("chainrule.estimators.stochastic.shuffle_order", until_interrupted)
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf = cr.MLPClassifier(max_iter=50, random_state=0).fit(x, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 22  # two runs of the 11 epochs that no stall can end
    assert clf.network_.provenance.stopped == "interrupted"
    assert clf.predict(x).shape == (150,)


def test_string_labels_and_a_single_class():
    """Labels may be words; one class alone still has probabilities for no and yes, as in scikit-learn."""
    x = IRIS[0][:50]
    one = cr.MLPClassifier(max_iter=2, random_state=0).fit(x, ["rose"] * 50)
    due = theirs.MLPClassifier(max_iter=2, random_state=0).fit(x, ["rose"] * 50)
    assert np.allclose(one.predict_proba(x), due.predict_proba(x), atol=1e-8)
    assert list(one.predict(x)) == list(due.predict(x))
