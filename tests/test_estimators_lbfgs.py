"""The solver lbfgs. Rounding decides its path, so its final loss is compared with scikit-learn's own spread."""

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from sklearn_comparison import (
    CLASSES,
    IRIS,
    NAMES,
    TARGETS,
    VALUES,
    WEIGHTS,
    X,
    Y,
    compare,
    fit,
    learned_attributes,
)
from threadpoolctl import threadpool_limits

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


SEEDS, NUDGES = range(20), range(8)
DIABETES = load_diabetes(return_X_y=True)


def nudged(estimator, seed):
    """scikit-learn's estimator with each element of its gradient off by one bit, up or down at random."""
    random = np.random.default_rng(seed)

    def loss_and_gradient(self, *arguments):
        loss, gradient = estimator._loss_grad_lbfgs(self, *arguments)
        return loss, gradient * (1 + np.finfo(float).eps * random.choice([-1, 1], len(gradient)))

    return type(estimator.__name__, (estimator,), {"_loss_grad_lbfgs": loss_and_gradient})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("name", "hyperparameters", "x", "y"),
    [
        ("MLPClassifier", {"hidden_layer_sizes": 4, "alpha": 0.01}, IRIS[0][::2], IRIS[1][::2]),
        ("MLPRegressor", {"hidden_layer_sizes": 6}, 100 * DIABETES[0][:60, :4], scale(DIABETES[1][:60])),
    ],
)
def test_lbfgs_ends_within_scikit_learns_own_spread(name, hyperparameters, x, y):
    """The median final loss over 20 seeds differs from scikit-learn's by no more than changes of the last bit change it."""

    def median_loss(estimator):
        return np.median([estimator(solver="lbfgs", max_iter=60, random_state=s, **hyperparameters).fit(x, y).loss_ for s in SEEDS])

    with threadpool_limits(1):
        expected = [median_loss(nudged(getattr(neural_network, name), seed)) for seed in NUDGES]
        actual = median_loss(getattr(cr, name))
    assert abs(actual - np.mean(expected)) <= np.ptp(expected)


@pytest.mark.parametrize("target", TARGETS)
def test_lbfgs_learns_the_same(target):
    """A few iterations are equal to 1e-8; no ``loss_curve_``, ``best_loss_`` or ``validation_scores_`` is set."""
    name, y = TARGETS[target]
    actual = compare(name, fit(X, y, WEIGHTS), solver="lbfgs").actual
    assert (
        learned_attributes(actual).keys() & {"loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"} == set()
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_keeps_nothing_of_an_earlier_fit():
    """A fit by lbfgs after one by mini-batches has no curve (scikit-learn keeps the earlier one's)."""
    clf = cr.MLPClassifier(max_iter=2).fit(X, CLASSES).set_params(solver="lbfgs").fit(X, CLASSES)
    assert learned_attributes(clf).keys() & {"loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"} == set()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_in_float32_stays_in_float32():
    """Lbfgs on float32 rows learns float32 parameters (float64 in scikit-learn), close to scikit-learn's."""
    hyperparameters = {"solver": "lbfgs", "max_iter": 3, "random_state": 0}
    actual, expected = (
        library.MLPRegressor(**hyperparameters).fit(X.astype(np.float32), VALUES) for library in (cr, neural_network)
    )
    assert (actual.coefs_[0].dtype, expected.coefs_[0].dtype) == (np.float32, np.float64)
    assert np.allclose(actual.coefs_[0], expected.coefs_[0], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limits", [{"max_iter": 2}, {"max_fun": 4, "max_iter": 100}, {"tol": 0.5, "max_iter": 100}], ids=repr)
def test_lbfgs_limits_alike(name, limits):
    """``max_iter`` and ``max_fun`` end it with scikit-learn's ConvergenceWarning, a gradient below ``tol`` without."""
    comparison = compare(name, fit(X, Y[name]), solver="lbfgs", **limits)
    warned, actual = comparison.warned, comparison.actual
    assert [category for category, _ in warned] == ([] if "tol" in limits else [ConvergenceWarning])
    assert actual.n_iter_ < 20


@pytest.mark.parametrize("name", NAMES)
def test_lbfgs_hides_partial_fit_alike(name):
    """A classifier has no ``partial_fit`` under lbfgs; a regressor has, as in scikit-learn, and trains."""
    compare(name, lambda estimator: hasattr(estimator, "partial_fit"), solver="lbfgs")
    raised = compare(name, lambda estimator: estimator.partial_fit(X, Y[name]), solver="lbfgs").raised
    assert (raised is None) == (name == "MLPRegressor")


@pytest.mark.parametrize("name", NAMES)
def test_lbfgs_starts_warm_alike(name):
    """Lbfgs continues from the parameters; a solver by mini-batches continues from lbfgs' (AttributeError in scikit-learn)."""
    actual = compare(name, lambda estimator: estimator.fit(X, Y[name]).fit(X, Y[name]), solver="lbfgs", warm_start=True).actual
    before = actual.loss_
    with pytest.warns(ConvergenceWarning):
        actual.set_params(solver="adam", learning_rate_init=1e-6).fit(X, Y[name])
    assert actual.loss_ == pytest.approx(before, rel=1e-2)
    assert len(actual.loss_curve_) == actual.n_iter_ == 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_ends_at_scikit_learns_loss():
    """After 15 iterations the loss is scikit-learn's to 1e-6."""
    settings = {"solver": "lbfgs", "max_iter": 15, "random_state": 1, "hidden_layer_sizes": (8,)}
    actual, expected = (library.MLPClassifier(**settings).fit(*IRIS) for library in (cr, neural_network))
    assert actual.loss_ == pytest.approx(expected.loss_, rel=1e-6)
    assert actual.n_iter_ == expected.n_iter_
