"""Each behaviour of scikit-learn's ``MLPClassifier`` and ``MLPRegressor``, one by one: the same call on both comes to the same."""

import contextlib
import copy
import inspect
import io
import pickle
import re
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")

NAMES = ["MLPClassifier", "MLPRegressor"]
RANDOM = np.random.default_rng(0)
X, CLASSES = (part[::3] for part in load_iris(return_X_y=True))
N = len(X)
VALUES = X @ [0.2, -0.5, 0.3, 1.0]
WEIGHTS = RANDOM.uniform(0.2, 2.0, N)
Y = {"MLPClassifier": CLASSES, "MLPRegressor": VALUES}
KNOWN = {"MLPClassifier": {"classes": [0, 1, 2]}, "MLPRegressor": {}}  # for a first call of partial_fit
TARGETS = {
    "binary": ("MLPClassifier", np.minimum(CLASSES, 1)),
    "classes": ("MLPClassifier", CLASSES),
    "labels": ("MLPClassifier", (X[:, :3] > np.median(X[:, :3], axis=0)).astype(int)),
    "values": ("MLPRegressor", VALUES),
    "several values": ("MLPRegressor", X[:, :2] - X[:, 2:]),
}
ANSWERS = ["predict", "predict_proba", "predict_log_proba"]


def in_words(error):
    """The type of an exception or warning and what it says; a set's names in order, and without verbose="live", which is ours."""
    said = str(error).replace(" or a str among {'live'}", "")
    return type(error), re.sub(r"\{[^{}]*\}", lambda names: str(sorted(names[0].strip("{}").split(", "))), said)


def outcome(act, estimator):
    """What an act on an estimator comes to: its answer, what it raises, what it warns of, and what it prints."""
    answer = raised = None
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(io.StringIO()) as printed:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, of overflows
        try:
            answer = act(estimator)
        except Exception as error:
            raised = in_words(error)
    return answer, raised, [in_words(warning.message) for warning in warned], printed.getvalue()


def learnt(estimator):
    """What an estimator has learnt, by its public names."""
    return {name: value for name, value in vars(estimator).items() if name.endswith("_") and not name.startswith("_")}


def same(came, due):
    """Hold a value to another: numbers to 1e-8, all else exactly."""
    if isinstance(due, dict):
        assert came.keys() == due.keys()
        came, due = list(came.values()), [due[name] for name in came]
    if isinstance(due, list | tuple):
        assert len(came) == len(due)
        for one, other in zip(came, due, strict=True):
            same(one, other)
    elif sparse.issparse(due):
        assert type(came) is type(due)
        same(came.toarray(), due.toarray())
    elif isinstance(due, np.ndarray) and due.dtype.kind == "f":
        assert came.dtype == due.dtype
        np.testing.assert_allclose(came, due, rtol=1e-8, atol=1e-8)
    elif isinstance(due, np.ndarray):
        assert came.dtype == due.dtype
        assert np.array_equal(came, due)
    elif isinstance(due, float):
        assert came == pytest.approx(due, rel=1e-8, abs=1e-8, nan_ok=True)
    else:
        assert came == due


def alike(name, act, **chosen):
    """Do the same with both libraries' estimators: what it comes to is the same, and what they have learnt.

    Returns what they raised and warned of, for tests that hold what scikit-learn itself does, and the two estimators.
    """
    chosen = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0, **chosen}
    came, due = (getattr(home, name)(**chosen) for home in (cr, neural_network))
    (answer, *said), (answer_due, *said_due) = outcome(act, came), outcome(act, due)
    assert said == said_due
    if said[0] is None:  # a failed fit may leave less than half of the truth there
        if answer_due is not due:
            same(answer, answer_due)
        if hasattr(due, "coefs_"):
            same(learnt(came), learnt(due))
            for method in ANSWERS:
                assert hasattr(came, method) == hasattr(due, method)
                if hasattr(due, method) and not hasattr(due, "feature_names_in_") and due.n_features_in_ == X.shape[1]:
                    same(getattr(came, method)(X), getattr(due, method)(X))
    raised, warned, _ = said
    return raised, warned, came, due


def fit(*arguments, **named):
    """Make the act of fitting to these."""
    return lambda estimator: estimator.fit(*arguments, **named)


# Signature


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["__init__", "fit", "partial_fit", "score", *ANSWERS])
def test_signatures_are_scikit_learns(name, method):
    """The same parameters in the same order with the same defaults; what is added is keyword-only, and off by default."""
    if not hasattr(getattr(neural_network, name), method):
        assert not hasattr(getattr(cr, name), method)
        return
    came, due = (
        [(p.name, p.kind, p.default) for p in inspect.signature(getattr(getattr(home, name), method)).parameters.values()]
        for home in (cr, neural_network)
    )
    assert [parameter for parameter in came if parameter in due] == due
    extras = [parameter for parameter in came if parameter not in due]
    assert all(kind is inspect.Parameter.KEYWORD_ONLY and default in (None, False, 0, "auto") for _, kind, default in extras)


def test_parameters_are_scikit_learns():
    """The regressor's first parameter is ``loss``; the classifier's is no parameter, but can be read."""
    regressor = cr.MLPRegressor("poisson", (3,), "tanh")
    assert (regressor.loss, regressor.hidden_layer_sizes, regressor.activation) == ("poisson", (3,), "tanh")
    assert cr.MLPClassifier().loss == neural_network.MLPClassifier().loss == "log_loss"
    for name in NAMES:
        params, due = (getattr(home, name)().get_params() for home in (cr, neural_network))
        assert {key: params[key] for key in due} == due
    assert "loss" not in cr.MLPClassifier().get_params()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sizes", [4, np.int64(4), (), [], (5, 3), [5, 3], np.array([5, 3]), 0, -2, (5, 0), [3, -1], 2.5, [2.5], None, "5"], ids=repr
)
def test_hidden_layer_sizes_are_taken_as_there(name, sizes):
    """A number, a list, a tuple, an array, none at all; and what is refused is refused alike."""
    alike(name, fit(X, Y[name]), hidden_layer_sizes=sizes)


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
    """Within a parameter's bounds and at them a fit is scikit-learn's; outside it raises in the same words."""
    for name in NAMES if parameter != "loss" else ["MLPRegressor"]:
        for value in good:
            raised, *_ = alike(name, fit(X, np.abs(Y[name])), **{"solver": "sgd", parameter: value})
            assert raised is None
        for value in bad:
            raised, *_ = alike(name, fit(X, Y[name]), **{parameter: value})
            assert raised is not None


# Stopping


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5, np.inf])
def test_it_stops_when_scikit_learns_does(name, solver, n_iter_no_change):
    """It stops once more than ``n_iter_no_change`` epochs in a row have a loss above the best - tol; inf never stops it."""
    chosen = {"solver": solver, "n_iter_no_change": n_iter_no_change, "tol": 0.02, "max_iter": 30, "verbose": True}
    *_, came, _ = alike(name, fit(X, Y[name]), **chosen, learning_rate_init=0.05)
    assert (came.n_iter_ == 30) == (n_iter_no_change == np.inf)
    # a loss just at best - tol is an improvement too small, and one at best itself is none
    *_, still, _ = alike(name, fit(X, Y[name]), **{**chosen, "tol": 0.0}, learning_rate_init=1e-300, shuffle=False)
    assert still.n_iter_ == 30


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_adaptive_divides_the_rate_by_5_down_to_a_millionth(name, early_stopping):
    """Each stall divides the rate by 5, and below 1e-6 the training ends: every line said on the way is scikit-learn's."""
    chosen = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1, "max_iter": 500, "verbose": True}
    _, warned, came, _ = alike(name, fit(X, Y[name]), early_stopping=early_stopping, validation_fraction=0.2, **chosen)
    assert warned == []
    said = outcome(fit(X, Y[name]), came)[-1]
    rates = re.findall(r"Setting learning rate to (\S+)", said)
    assert rates == [f"{1e-3 / 5**k:f}" for k in range(1, len(rates) + 1)]
    assert said.endswith("Learning rate too small. Stopping.\n")


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("target", TARGETS)
def test_early_stopping_is_scikit_learns(target, weights):
    """Accuracy or R2, weighted, on a set split off, stratified unless there are several labels; the best weights come back."""
    name, y = TARGETS[target]
    chosen = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 2, "max_iter": 30, "learning_rate_init": 0.05}
    *_, came, _ = alike(name, fit(X, y, weights), **chosen)
    assert came.best_loss_ is None
    assert max(came.validation_scores_) == came.best_validation_score_


def test_of_equal_scores_the_first_is_the_best():
    """Where the score stands still, the weights that come back are the first epoch's: a tie is no improvement."""
    chosen = {"early_stopping": True, "learning_rate_init": 1e-6, "tol": 0, "n_iter_no_change": 1}
    *_, came, _ = alike("MLPClassifier", fit(X, CLASSES), **chosen, max_iter=5)
    *_, first, _ = alike("MLPClassifier", fit(X, CLASSES), **chosen, max_iter=1)
    assert len(set(came.validation_scores_)) == 1
    assert came.n_iter_ == 5  # nor is it a stall, with tol=0
    assert all(np.array_equal(a, b) for a, b in zip(came.coefs_, first.coefs_, strict=True))


@pytest.mark.parametrize(
    ("name", "x", "y", "says"),
    [
        ("MLPRegressor", X[:5], VALUES[:5], "validation set is too small"),
        ("MLPClassifier", X[:5], CLASSES[:5] * 0, "validation set is too small"),
        ("MLPClassifier", X[:4], [0, 0, 0, 1], "least populated class"),
        ("MLPClassifier", X[:10], ["a"] * 5 + ["b"] * 5, "should be greater or equal to the number of classes"),
    ],
)
def test_a_validation_set_too_small_is_refused_as_there(name, x, y, says):
    """Fewer than 2 rows to validate on, or a class that cannot be stratified: scikit-learn's ValueError."""
    raised, *_ = alike(name, fit(x, y), early_stopping=True)
    assert raised[0] is ValueError
    assert says in raised[1]


@pytest.mark.parametrize("name", NAMES)
def test_early_stopping_means_nothing_to_lbfgs_and_is_refused_by_partial_fit(name):
    """To lbfgs it is nothing; ``partial_fit``, first or after a fit, raises scikit-learn's ValueError."""
    *_, came, _ = alike(name, fit(X, Y[name]), solver="lbfgs", early_stopping=True)
    same(came.coefs_, alike(name, fit(X, Y[name]), solver="lbfgs")[2].coefs_)
    for act in (
        lambda estimator: estimator.partial_fit(X, Y[name], **KNOWN[name]),
        lambda estimator: estimator.fit(X, Y[name]).partial_fit(X, Y[name]),
    ):
        raised, *_ = alike(name, act, early_stopping=True)
        assert raised == (ValueError, "partial_fit does not support early_stopping=True")


# Counters


def calls(name, *acts):
    """Make the act of fitting and partially fitting in turn."""

    def act(estimator):
        for each in acts:
            if each == "fit":
                estimator.fit(X, Y[name])
            else:
                estimator.partial_fit(X, Y[name], **KNOWN[name])
        return estimator

    return act


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("acts", [("fit", "fit"), ("part", "part", "part"), ("fit", "part", "part"), ("part", "fit", "part")])
@pytest.mark.parametrize("name", NAMES)
def test_counters_go_on_as_there(name, acts, solver, warm_start):
    """``n_iter_`` begins anew in each call; ``loss_curve_`` and ``t_`` accumulate over warm starts and ``partial_fit``."""
    *_, came, _ = alike(name, calls(name, *acts), solver=solver, warm_start=warm_start, learning_rate="invscaling")
    if acts == ("fit", "fit"):
        assert came.n_iter_ == 3
        assert len(came.loss_curve_) == (6 if warm_start else 3)
        assert came.t_ == N * len(came.loss_curve_)


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


@pytest.mark.parametrize(("before", "since"), CHANGES, ids=repr)
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_parameters_that_changed_since_are_taken_as_there(way, before, since):
    """A warm start trains with the parameters as they are; ``partial_fit`` keeps the optimizer and the rate that it began with."""

    def act(estimator):
        estimator.fit(X, VALUES).set_params(**since)
        return getattr(estimator, way)(X, VALUES)

    alike("MLPRegressor", act, warm_start=way == "fit", **before)


@pytest.mark.parametrize("since", [{"alpha": -0.1}, {"batch_size": 0}, {"batch_size": -3}], ids=repr)
def test_partial_fit_looks_at_no_parameter_again_as_there(since):
    """scikit-learn checks parameters at the first call alone: what is out of bounds since is taken for what it is."""
    alike("MLPRegressor", lambda estimator: estimator.partial_fit(X, VALUES).set_params(**since).partial_fit(X, VALUES))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_early_stopping_may_be_switched_between_warm_starts(early_stopping):
    """What counts as the best begins anew (TypeError or AttributeError there)."""
    clf = cr.MLPClassifier(max_iter=3, warm_start=True, random_state=0, early_stopping=early_stopping).fit(X, CLASSES)
    clf.set_params(early_stopping=not early_stopping).fit(X, CLASSES)
    assert len(clf.loss_curve_) == 6
    assert (clf.best_loss_ is None, clf.validation_scores_ is None) == (not early_stopping, early_stopping)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("sizes", [(7,), (5, 5), ()])
def test_a_network_is_not_grown(sizes):
    """Other ``hidden_layer_sizes``, or more outputs, do not fit what was learnt: a ValueError (there they may be ignored)."""
    estimator = cr.MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, warm_start=True).fit(X, VALUES)
    for way in (estimator.fit, estimator.partial_fit):
        with pytest.raises(ValueError, match="hidden_layer_sizes and y require"):
            way(X, np.stack([VALUES, VALUES], axis=1))
    with pytest.raises(ValueError, match="hidden_layer_sizes and y require"):
        estimator.set_params(hidden_layer_sizes=sizes).fit(X, VALUES)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_the_dtype_of_the_start_stays(way, solver):
    """A warm start or ``partial_fit`` with X in another dtype trains the weights in theirs."""

    def act(estimator, first=np.float64, then=np.float32):
        estimator.fit(X.astype(first), VALUES)
        return getattr(estimator, way)(X.astype(then), VALUES)

    alike("MLPRegressor", act, warm_start=way == "fit", solver=solver)
    estimators = [home.MLPRegressor(max_iter=2, warm_start=way == "fit", solver=solver) for home in (cr, neural_network)]
    for estimator in estimators:
        outcome(lambda fresh: act(fresh, np.float32, np.float64), estimator)
    assert estimators[0].coefs_[0].dtype == estimators[1].coefs_[0].dtype == np.float32


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_warm_start_goes_on_as_there(name, early_stopping):
    """Scores accumulate over warm starts, and a longer ``max_iter`` counts from 0."""

    def act(estimator):
        for max_iter in (4, 6):
            estimator.set_params(max_iter=max_iter).fit(X, Y[name])
        return estimator

    *_, came, _ = alike(name, act, warm_start=True, early_stopping=early_stopping, validation_fraction=0.2, n_iter_no_change=20)
    assert came.n_iter_ == 6
    assert len(came.loss_curve_) == 10
    assert not early_stopping or len(came.validation_scores_) == 10


def test_an_epoch_counts_the_rows_that_trained():
    """With early stopping ``t_`` counts the rows left to train on."""
    *_, came, _ = alike("MLPClassifier", fit(X, CLASSES), early_stopping=True)
    assert came.t_ == 3 * 45


# lbfgs


@pytest.mark.parametrize("target", TARGETS)
def test_lbfgs_learns_what_scikit_learns_learns(target):
    """Few steps are the same to 1e-8; no ``loss_curve_``, ``best_loss_`` or ``validation_scores_`` is set."""
    name, y = TARGETS[target]
    *_, came, _ = alike(name, fit(X, y, WEIGHTS), solver="lbfgs")
    assert learnt(came).keys() & {"loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"} == set()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_keeps_nothing_of_an_earlier_fit():
    """After a fit by mini-batches one by lbfgs has no curve (there it keeps the earlier one's)."""
    clf = cr.MLPClassifier(max_iter=2).fit(X, CLASSES).set_params(solver="lbfgs").fit(X, CLASSES)
    assert learnt(clf).keys() & {"loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"} == set()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_lbfgs_in_float32_stays_in_float32():
    """What float32 rows have taught is float32 (float64 there, from SciPy's vector), and close to scikit-learn's."""
    chosen = {"solver": "lbfgs", "max_iter": 3, "random_state": 0}
    came, due = (home.MLPRegressor(**chosen).fit(X.astype(np.float32), VALUES) for home in (cr, neural_network))
    assert (came.coefs_[0].dtype, due.coefs_[0].dtype) == (np.float32, np.float64)
    assert np.allclose(came.coefs_[0], due.coefs_[0], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ends", [{"max_iter": 2}, {"max_fun": 4, "max_iter": 100}, {"tol": 0.5, "max_iter": 100}], ids=repr)
def test_lbfgs_ends_as_there(name, ends):
    """``max_iter`` and ``max_fun`` end it with scikit-learn's ConvergenceWarning, a gradient below ``tol`` without."""
    _, warned, came, _ = alike(name, fit(X, Y[name]), solver="lbfgs", **ends)
    assert [category for category, _ in warned] == ([] if "tol" in ends else [ConvergenceWarning])
    assert came.n_iter_ < 20


@pytest.mark.parametrize("name", NAMES)
def test_lbfgs_hides_partial_fit_as_there(name):
    """The classifier's ``partial_fit`` is not there under lbfgs; the regressor's is, as in scikit-learn, and trains."""
    alike(name, lambda estimator: hasattr(estimator, "partial_fit"), solver="lbfgs")
    raised, *_ = alike(name, lambda estimator: estimator.partial_fit(X, Y[name]), solver="lbfgs")
    assert (raised is None) == (name == "MLPRegressor")


@pytest.mark.parametrize("name", NAMES)
def test_lbfgs_starts_warm_as_there(name):
    """It goes on from the weights there are; a solver by mini-batches goes on from lbfgs' (AttributeError there)."""
    *_, came, _ = alike(name, lambda estimator: estimator.fit(X, Y[name]).fit(X, Y[name]), solver="lbfgs", warm_start=True)
    before = came.loss_
    with pytest.warns(ConvergenceWarning):
        came.set_params(solver="adam", learning_rate_init=1e-6).fit(X, Y[name])
    assert came.loss_ == pytest.approx(before, rel=1e-2)
    assert len(came.loss_curve_) == came.n_iter_ == 3


# Warnings


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("act", "category"),
    [
        (lambda y: lambda estimator: estimator.set_params(batch_size=N + 1).fit(X, y), UserWarning),
        (lambda y: fit(X, y[:, None]), DataConversionWarning),
        (lambda y: fit(X, y.reshape(-1, 1).tolist()), DataConversionWarning),
        (lambda y: fit(X, y), ConvergenceWarning),
    ],
    ids=["batch", "column", "list of rows", "end"],
)
def test_warnings_are_scikit_learns(name, act, category):
    """A batch that is clipped, y as a column, an end before convergence: the same warnings in the same words."""
    _, warned, *_ = alike(name, act(Y[name]))
    assert category in [given for given, _ in warned]


class Interrupting(np.random.RandomState):
    """Draws until the fourth order, where Ctrl-C comes."""

    left = 3

    def shuffle(self, x):
        """Shuffle x, three times."""
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        super().shuffle(x)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_warns_and_keeps_what_was_learnt(name, early_stopping):
    """An interrupt warns as scikit-learn does, and leaves what the epochs before it learnt."""

    def act(estimator):
        return estimator.set_params(random_state=Interrupting(0)).fit(X, Y[name])

    settings = {"early_stopping": early_stopping, "validation_fraction": 0.2, "max_iter": 9, "tol": 0}
    _, warned, came, _ = alike(name, act, **settings, n_iter_no_change=2)  # so that ours are trained three at a call
    assert warned == [(UserWarning, "Training interrupted by user.")]
    assert came.n_iter_ == 3 - early_stopping  # a split takes one draw


def test_weights_that_are_not_finite_are_refused():
    """A training that ran away raises scikit-learn's ValueError."""
    raised, *_ = alike("MLPRegressor", fit(1e160 * X, VALUES), solver="sgd", max_iter=20)
    assert raised[0] is ValueError
    assert "Solver produced non-finite parameter weights" in raised[1]


@pytest.mark.parametrize("y", [CLASSES * 0, np.minimum(CLASSES, 1), CLASSES + 1, CLASSES * 2], ids=str)
def test_a_warm_start_with_other_classes_is_refused(y):
    """Fewer classes, more, or others: scikit-learn's ValueError."""
    raised, *_ = alike("MLPClassifier", lambda estimator: estimator.fit(X, CLASSES).fit(X, y), warm_start=True)
    assert raised[0] is ValueError
    assert "warm_start can only be used where `y` has the same classes" in raised[1]


# Targets


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], ["no", "yes"], [False, True], [0.0, 1.0], [3, 7]], ids=repr)
def test_two_classes_are_one_output(labels):
    """One logistic output; probabilities are (n, 2)."""
    *_, came, _ = alike("MLPClassifier", fit(X, np.array(labels)[np.minimum(CLASSES, 1)]))
    assert (came.n_outputs_, came.out_activation_) == (1, "logistic")
    assert came.predict_proba(X).shape == (N, 2)


@pytest.mark.parametrize("label", [0, 1, "only", True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_one_class_alone_has_two_probabilities(label, early_stopping):
    """Probabilities are (n, 2) for one class, too."""
    *_, came, _ = alike("MLPClassifier", fit(X, [label] * N), early_stopping=early_stopping)
    assert came.predict_proba(X).shape == (N, 2)
    alike("MLPClassifier", lambda estimator: estimator.partial_fit(X, [label] * N, classes=[label]))


@pytest.mark.parametrize(
    "y",
    [
        np.array(list("abc"))[CLASSES],
        np.array(list("abc"), "U9")[CLASSES],
        np.array(list("abc"), object)[CLASSES],
        CLASSES.astype(">i2"),
        CLASSES / 1.0,
    ],
    ids=lambda y: y.dtype.str,
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_labels_may_be_words(y, early_stopping):
    """Labels of any kind that sorts come back as they were."""
    *_, came, _ = alike("MLPClassifier", fit(X, y), early_stopping=early_stopping, max_iter=20, learning_rate_init=0.05)
    assert set(came.predict(X)) <= set(y)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_matrix, list])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_several_labels_at_once(kind, early_stopping):
    """Labels as 0s and 1s, dense or sparse, with one logistic output each; predictions are of the kind that y was."""
    y = TARGETS["labels"][1]

    def act(estimator):
        return estimator.fit(X, kind(y))

    *_, came, _ = alike("MLPClassifier", act, early_stopping=early_stopping)
    assert came is None or came.out_activation_ == "logistic"
    alike("MLPClassifier", lambda estimator: estimator.partial_fit(X, kind(y), classes=[0, 1, 2]).partial_fit(X, kind(y)))


@pytest.mark.parametrize(
    "y",
    [
        np.stack([CLASSES, CLASSES[::-1]], axis=1),
        VALUES,
        np.stack([VALUES, VALUES], axis=1),
        np.where(CLASSES > 0, 1, np.array("a", object)),
        np.where(CLASSES > 0, 1.0, np.nan),
        np.where(CLASSES > 0, 1.0, np.inf),
        CLASSES[:-1],
        np.zeros((N, 2, 2)),
        [[1], [2, 3]] * (N // 2),
        None,
    ],
    ids=["multioutput", "values", "rows of values", "mixed", "NaN", "inf", "short", "3-D", "ragged", "none"],
)
@pytest.mark.parametrize("name", NAMES)
def test_targets_that_make_no_sense_are_refused_as_there(name, y):
    """Several classes at once, values for a classifier, mixed types, NaN, another length: refused in scikit-learn's words."""
    raised, *_ = alike(name, fit(X, y))
    assert raised is not None or name == "MLPRegressor"


@pytest.mark.parametrize("way", ["fit", "partial_fit"])
def test_rows_of_labels_after_labels_are_refused_as_there(way):
    """Several labels at once, once y was one label each: scikit-learn's ValueError."""
    one_hot = np.eye(3, dtype=int)[CLASSES]
    raised, *_ = alike("MLPClassifier", lambda e: getattr(e.fit(X, CLASSES), way)(X, one_hot), warm_start=way == "fit", tol=1e9)
    assert raised == (ValueError, "The object was not fitted with multilabel input.")


@pytest.mark.parametrize("y", [CLASSES.astype(str), CLASSES.astype("M8[D]")], ids=["digits as text", "dates"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_values_are_numbers(y, loss):
    """Text and dates are no values, though NumPy could make numbers of them: a ValueError here, a failure further on there."""
    with pytest.raises(TypeError):
        neural_network.MLPRegressor(loss, max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="the targets of a regressor must be numbers"):
        cr.MLPRegressor(loss, max_iter=1).fit(X, y)


def test_poisson_has_an_exp_output_and_refuses_what_is_negative():
    """Counts are taken as there; below 0 there is a ValueError here, and a loss of NaN or nonsense there."""
    *_, came, _ = alike("MLPRegressor", fit(X, np.abs(VALUES).round()), loss="poisson")
    assert came.out_activation_ == "exp"
    with pytest.raises(ValueError, match="out of the valid range of the loss 'poisson'"):
        came.fit(X, -np.abs(VALUES))
    with pytest.raises(ValueError, match="out of the valid range of the loss 'poisson'"):
        came.partial_fit(X, -np.abs(VALUES))


# sample_weight


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("weights", [2, 0.5, list(WEIGHTS), np.arange(N)], ids=["2", "0.5", "list", "integers"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_taken_as_there(name, weights, solver):
    """A number for all, a list, integers with a 0 among them."""
    alike(name, fit(X, Y[name], weights), solver=solver)
    alike(name, lambda estimator: estimator.fit(X, Y[name]).score(X, Y[name], weights if np.ndim(weights) else None))


@pytest.mark.parametrize(
    "weights",
    [np.full(N, np.nan), np.where(CLASSES > 0, 1, np.inf), WEIGHTS[:-1], WEIGHTS[:, None], "heavy", np.zeros(N)],
    ids=["NaN", "inf", "short", "2-D", "word", "zeros"],
)
@pytest.mark.parametrize("name", NAMES)
def test_weights_that_make_no_sense_are_refused_as_there(name, weights):
    """NaN, infinity, another length or shape, nothing but 0: refused in scikit-learn's words."""
    raised, *_ = alike(name, fit(X, Y[name], weights))
    assert raised is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_below_0_is_refused(name):
    """scikit-learn pushes such a row's prediction away from its target."""
    weights = np.where(np.arange(N) == 0, -1.0, 1.0)
    with pytest.warns(ConvergenceWarning):
        getattr(neural_network, name)(max_iter=1).fit(X, Y[name], sample_weight=weights)
    with pytest.raises(ValueError, match="weights must be at least 0"):
        getattr(cr, name)(max_iter=1).fit(X, Y[name], sample_weight=weights)


@pytest.mark.parametrize(
    ("y", "weights"), [([None] * N, None), ([1, "a"] * (N // 2), None), (VALUES, np.nan)], ids=["None", "mixed", "NaN"]
)
def test_numbers_that_are_none_are_a_clear_error(y, weights):
    """Values that are words or missing, a NaN for a weight: a ValueError says so (a failure further on there)."""
    with pytest.raises(ValueError, match=r"NaN|must be numbers"):
        cr.MLPRegressor().fit(X, y, weights)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_batch_that_weighs_nothing_is_skipped(name, solver):
    """A batch whose weights sum to 0 moves nothing, as if it were not there (ZeroDivisionError there)."""
    chosen = {"solver": solver, "batch_size": 10, "shuffle": False, "random_state": 0, "max_iter": 1}
    weights = np.where(np.arange(N) < 10, 0.0, 1.0)
    estimator, peer = (getattr(home, name)(**chosen) for home in (cr, neural_network))
    with pytest.raises(ZeroDivisionError):
        peer.fit(X, Y[name], weights)
    estimator.fit(X, Y[name], weights)
    if solver == "sgd":  # Adam's averages go on by a step
        same(estimator.coefs_, getattr(cr, name)(**chosen).partial_fit(X[10:], Y[name][10:], **KNOWN[name]).coefs_)
    assert np.isfinite(estimator.loss_)


# What is printed


@pytest.mark.parametrize("verbose", [True, 1, 3])
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"early_stopping": True},
        {"tol": 1.0, "n_iter_no_change": 1},
        {"solver": "lbfgs"},
        {"solver": "sgd", "learning_rate": "adaptive"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", NAMES)
def test_verbose_prints_scikit_learns_lines(name, chosen, verbose):
    """Every line of every way to train, of warm starts and ``partial_fit``."""
    alike(name, calls(name, "fit", "fit"), verbose=verbose, warm_start=True, max_iter=6, validation_fraction=0.2, **chosen)
    *_, came, _ = alike(name, calls(name, "part"), verbose=verbose)
    assert "Iteration 1, loss = " in outcome(calls(name, "part"), came)[-1]


# Where an estimator stands


@pytest.mark.parametrize("name", NAMES)
def test_tags_are_scikit_learns(name):
    """What an estimator says of itself: sparse input, several labels, several outputs, and all else."""
    came, due = (get_tags(getattr(home, name)()) for home in (cr, neural_network))
    assert came == due


@pytest.mark.parametrize("name", NAMES)
def test_metadata_is_routed_as_there(name):
    """Weights reach ``fit``, ``partial_fit`` and ``score`` where they are requested, and raise where nobody said."""
    weights = {"sample_weight": WEIGHTS}

    def score(estimator):
        estimator.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), estimator)
        return cross_validate(pipe, X, Y[name], cv=2, params=weights)["test_score"]

    def train(estimator):
        estimator.set_partial_fit_request(sample_weight=True)
        return estimator.partial_fit(X, Y[name], WEIGHTS, **KNOWN[name])

    def ask(estimator):
        return cross_validate(estimator, X, Y[name], cv=2, params=weights)

    with sklearn.config_context(enable_metadata_routing=True):
        assert alike(name, score)[0] is None
        assert alike(name, train)[0] is None
        raised, *_ = alike(name, ask)
        assert raised[0] is UnsetMetadataPassedError
        watching = getattr(cr, name)(max_iter=3).set_fit_request(X_val=True, y_val=True)
        with pytest.warns(ConvergenceWarning):
            pipe = make_pipeline(watching).fit(X, Y[name], X_val=X[::2], y_val=Y[name][::2])
        assert len(pipe[-1].validation_loss_curve_) == 3


CONTAINERS = [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_array]
GAPS = X * (RANDOM.random(X.shape) < 0.5)


def disordered(x):
    """A CSR matrix whose columns are out of order within each row."""
    csr = sparse.csr_matrix(x)
    for first, end in zip(csr.indptr[:-1], csr.indptr[1:], strict=True):
        csr.indices[first:end], csr.data[first:end] = csr.indices[first:end][::-1].copy(), csr.data[first:end][::-1].copy()
    return csr


def doubled(x):
    """A CSR matrix in which each number stands as two halves."""
    csr = sparse.csr_matrix(x)
    return sparse.csr_matrix((np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2), 2 * csr.indptr), shape=x.shape)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("container", [*CONTAINERS, sparse.lil_matrix, disordered, doubled], ids=lambda made: made.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_sparse_rows_are_taken_as_there(name, container, dtype):
    """CSR, CSC and COO, matrices and arrays, to fit and to predict from."""
    x = container(GAPS.astype(dtype))
    if dtype == np.float32:
        came, due = (getattr(home, name)(max_iter=3, random_state=0) for home in (cr, neural_network))
        with pytest.warns(ConvergenceWarning):
            came.fit(x, Y[name]), due.fit(x, Y[name])
        assert came.coefs_[0].dtype == due.coefs_[0].dtype == np.float32
        assert np.allclose(came.predict(x), due.predict(x), atol=1e-5)
    else:
        alike(name, fit(x, Y[name]))
        alike(name, fit(x, Y[name], WEIGHTS), early_stopping=True, validation_fraction=0.2)
        alike(name, lambda estimator: estimator.fit(X, Y[name]).predict(x))
        alike(name, lambda estimator: estimator.fit(x, Y[name]).score(x, Y[name], WEIGHTS))


@pytest.mark.parametrize(
    "kind",
    [np.ndarray.tolist, np.asfortranarray, lambda x: x.astype(">f8"), lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[::-1]],
    ids=["lists", "Fortran", "big-endian", "strided", "reversed"],
)
@pytest.mark.parametrize("name", NAMES)
def test_rows_of_any_layout_are_taken_as_there(name, kind):
    """Lists, and arrays however they lie in memory."""
    alike(name, fit(kind(X), Y[name]))
    alike(name, lambda estimator: estimator.fit(X, Y[name]).predict(kind(X)))


COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("name", NAMES)
def test_frames_are_taken_as_there(name, library):
    """The names of a pandas or Polars frame's columns are kept; others at predict raise or warn in scikit-learn's words."""
    frames = pytest.importorskip(library)

    def frame(x, columns):
        return frames.DataFrame(dict(zip(columns, np.ascontiguousarray(x.T), strict=True)))

    rows, targets = frame(X, COLUMNS), frames.Series(Y[name])
    *_, came, _ = alike(name, fit(rows, targets))
    assert list(came.feature_names_in_) == COLUMNS
    for early_stopping in (False, True):
        alike(
            name,
            lambda estimator: estimator.fit(rows, targets).predict(rows),
            early_stopping=early_stopping,
            validation_fraction=0.2,
        )
    others = {
        "without names": X,
        "a row without names": X[:1],
        "in another order": frame(X[:, ::-1], COLUMNS[::-1]),
        "with other names": frame(X, ["a", "b", "c", "d"]),
        "with a column more": frame(np.hstack([X, X[:, :1]]), [*COLUMNS, "more"]),
        "with a column less": frame(X[:, :3], COLUMNS[:3]),
    }
    for which, other in others.items():
        raised, warned, *_ = alike(name, lambda estimator, other=other: estimator.fit(rows, targets).predict(other))
        assert (raised is None) == ("without" in which)
        assert any("does not have valid feature names" in says for _, says in warned) == ("without" in which)
        alike(name, lambda estimator, other=other: estimator.partial_fit(rows, targets, **KNOWN[name]).partial_fit(other, targets))
    _, warned, *_ = alike(name, lambda estimator: estimator.fit(X, Y[name]).predict(rows))
    assert "was fitted without feature names" in warned[-1][1]
    if library == "pandas":
        raised, *_ = alike(name, fit(frame(X, ["a", "b", "c", 1]), targets))
        assert raised[0] is TypeError
        alike(name, fit(frame(X, range(4)), targets))
        alike(name, fit(frames.DataFrame(GAPS).astype(frames.SparseDtype(float, 0)), targets))
        alike(name, fit(rows.assign(words="a"), targets))


@pytest.mark.parametrize(
    "twin",
    [copy.copy, copy.deepcopy, lambda clf: pickle.loads(pickle.dumps(clf)), clone],
    ids=["copy", "deepcopy", "pickle", "clone"],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_twin_is_as_there(name, twin):
    """A copy predicts as its model and trains on as it would; a clone has its parameters and nothing learnt."""
    alike(name, lambda estimator: twin(estimator.fit(X, Y[name])).get_params()["max_iter"])
    if twin is clone:
        raised, *_ = alike(name, lambda estimator: twin(estimator.fit(X, Y[name])).predict(X))
        assert raised[0] is NotFittedError
    else:
        alike(name, lambda estimator: twin(estimator.fit(X, Y[name])).predict(X))
    if twin not in (clone, copy.copy):  # whose arrays are the model's own, there
        alike(name, lambda estimator: twin(estimator.fit(X, Y[name])).partial_fit(X, Y[name]).predict(X))


@pytest.mark.parametrize("backend", ["threading", "loky"])
@pytest.mark.parametrize("name", NAMES)
def test_a_grid_search_is_as_there(name, backend):
    """Over threads and over processes a search finds what it finds with scikit-learn's estimators."""

    def search(estimator):
        pipe, grid = make_pipeline(StandardScaler(), estimator), {f"{name.lower()}__alpha": [1e-4, 1.0, 100.0]}
        with joblib.parallel_config(backend=backend, n_jobs=2):
            found = GridSearchCV(pipe, grid, cv=2).fit(X, Y[name])
        return found.cv_results_["mean_test_score"], found.best_params_, found.predict(X)

    with warnings.catch_warnings():  # of the processes
        warnings.simplefilter("ignore")
        came, due = (search(getattr(home, name)(max_iter=20, random_state=0)) for home in (cr, neural_network))
    same(came, due)


@pytest.mark.parametrize("name", NAMES)
def test_it_stands_where_scikit_learns_stands(name):
    """Calibration, stacking and permutation importance come to what they come to with scikit-learn's."""
    y = Y[name]
    alike(name, lambda estimator: permutation_importance(estimator.fit(X, y), X, y, n_repeats=2, random_state=0).importances)
    if name == "MLPClassifier":
        alike(name, lambda estimator: CalibratedClassifierCV(estimator, cv=2).fit(X, y).predict_proba(X))
        stack = lambda estimator: StackingClassifier([("mlp", estimator)], LogisticRegression(max_iter=1000), cv=2)  # noqa: E731
    else:
        stack = lambda estimator: StackingRegressor([("mlp", estimator)], LinearRegression(), cv=2)  # noqa: E731
    alike(name, lambda estimator: stack(estimator).fit(X, y).predict(X), max_iter=10)


def test_without_a_seed_it_draws_from_numpys_own():
    """``random_state=None`` follows ``np.random``; a RandomState goes on from fit to fit."""
    came, due = (home.MLPClassifier(max_iter=2) for home in (cr, neural_network))
    for estimator in (came, due):
        np.random.seed(7)  # noqa: NPY002
        with pytest.warns(ConvergenceWarning):
            estimator.fit(X, CLASSES).fit(X, CLASSES)
    same(came.coefs_, due.coefs_)
    act = lambda estimator: estimator.set_params(random_state=np.random.RandomState(3)).fit(X, CLASSES).fit(X, CLASSES)  # noqa: E731
    alike("MLPClassifier", act)


@pytest.mark.parametrize("rows", [1, N])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8, bool, object])
def test_numbers_of_any_kind_are_predicted_as_there(dtype, rows):
    """Rows of any dtype; of float64 what a network in float32 answers is float32 (float64 there)."""
    x = (10 * X[:rows]).astype(dtype)
    for name in NAMES:
        alike(name, lambda estimator: estimator.fit(X, Y[name]).predict(x))  # noqa: B023
    came, due = (home.MLPRegressor(max_iter=2, random_state=0) for home in (cr, neural_network))
    for estimator in (came, due):
        with pytest.warns(ConvergenceWarning):
            estimator.fit(X.astype(np.float32), VALUES)
    assert came.predict(x).dtype == np.float32
    assert np.allclose(came.predict(x), due.predict(x), rtol=1e-5, atol=1e-5)


# Fits that fail


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


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_a_fit_that_fails_leaves_what_was_learnt(name, solver, warm_start, how):
    """After a failed fit every attribute is as it was (there ``n_features_in_`` is the failed one's)."""
    arguments, chosen = FAILURES[how]
    if solver == "lbfgs" and "early_stopping" in chosen:
        pytest.skip("lbfgs splits nothing off")
    estimator = getattr(cr, name)(hidden_layer_sizes=(5,), random_state=0, solver=solver, warm_start=warm_start, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, Y[name])
        before, predicted = copy.deepcopy(vars(estimator)), estimator.predict(X)
        estimator.set_params(**chosen)
        with pytest.raises(ValueError):
            estimator.fit(*arguments(name))
    assert vars(estimator).keys() == before.keys()
    same(learnt(estimator), {key: value for key, value in before.items() if key.endswith("_") and key[0] != "_"})
    assert np.array_equal(estimator.predict(X), predicted)


# Bad input


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_constant_columns_and_one_row_are_taken_as_there(name, solver):
    """Columns that say nothing, columns of 0, one row, two, one column: all train."""
    flat = np.hstack([np.ones((N, 2)), np.zeros((N, 1)), X[:, :1]])
    alike(name, fit(flat, Y[name]), solver=solver)
    for rows in (1, 2):
        alike(name, fit(X[:rows], Y[name][:rows]), solver=solver)
    alike(name, fit(X[:, :1], Y[name]), solver=solver)
    alike(name, lambda estimator: estimator.partial_fit(X[:1], Y[name][:1], **KNOWN[name]))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("method", [*ANSWERS, "score", "partial_fit"])
@pytest.mark.parametrize(
    "x", [np.hstack([X, X]), X[:, :3], X[:1, :3], X[0], X * np.nan, X[:1] * np.inf, X[:0], X.astype(object), X.astype(str)]
)
@pytest.mark.parametrize("name", NAMES)
def test_rows_that_do_not_fit_are_refused_as_there(name, x, method, container):
    """More features at predict, or less, NaN, 1-D: in scikit-learn's words from every method."""
    if container is sparse.csr_matrix and x.dtype.kind != "f":
        return

    def act(estimator):
        estimator.fit(X, Y[name])
        if method in ("score", "partial_fit"):
            getattr(estimator, method)(container(x), Y[name][: len(x)])
        else:
            getattr(estimator, method)(container(x))

    alike(name, act)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_class_that_only_validation_has(early_stopping):
    """A class whose one row falls into the part split off trains as there; one in a set of one's own is refused."""
    y = np.where(np.arange(N) == 0, 3, CLASSES)
    for seed in range(12):  # in some of these the row is held out
        alike("MLPClassifier", fit(X, y), early_stopping=early_stopping, validation_fraction=0.4, random_state=seed)
    with pytest.raises(ValueError, match="y_val has classes that were not trained on"):
        cr.MLPClassifier(early_stopping=early_stopping).fit(X, CLASSES, X_val=X, y_val=y)


def test_classes_of_partial_fit_are_as_there():
    """The first call names them all; one that comes later, or that was not named, is refused; other names are, too."""
    first = {"classes": [0, 1, 2]}
    for act in (
        lambda clf: clf.partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, classes=[0, 1]),
        lambda clf: clf.partial_fit(X[:20], CLASSES[:20], **first).partial_fit(X, CLASSES + 1),
        lambda clf: clf.partial_fit(X, CLASSES, **first).partial_fit(X, CLASSES, classes=[0, 1, 3]),
        lambda clf: clf.fit(X[:30], CLASSES[:30]).partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, classes=["a", "b", "c"]),
    ):
        raised, *_ = alike("MLPClassifier", act)
        assert raised[0] is ValueError
    for act in (
        lambda clf: clf.partial_fit(X[:10], CLASSES[:10], **first).partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, classes=[2, 0, 1, 5]).partial_fit(X, CLASSES),
        lambda clf: clf.partial_fit(X, CLASSES, **first).partial_fit(X, CLASSES, **first),
    ):
        assert alike("MLPClassifier", act)[0] is None


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"X_val": X}, "X_val and y_val together"),
        ({"y_val": VALUES}, "X_val and y_val together"),
        ({"sample_weight_val": WEIGHTS}, "X_val and y_val together"),
        ({"X_val": X[:, :2], "y_val": VALUES}, "X has 2 features, but MLPRegressor is expecting 4"),
        ({"X_val": X, "y_val": VALUES[:-1]}, "inconsistent numbers of samples"),
        ({"X_val": X[:0], "y_val": VALUES[:0]}, "minimum of 1 is required"),
        ({"X_val": X * np.nan, "y_val": VALUES}, "NaN"),
        ({"X_val": X, "y_val": np.stack([VALUES, VALUES], axis=1)}, "output"),
        ({"X_val": X, "y_val": VALUES, "sample_weight_val": WEIGHTS[:-1]}, "sample_weight.shape"),
        ({"X_val": X, "y_val": VALUES, "sample_weight_val": 0 * WEIGHTS}, "at least one non-zero"),
    ],
)
def test_a_validation_set_that_makes_no_sense_is_refused(named, says):
    """Half of one, other columns, other lengths, no rows, NaN, weights of 0: a ValueError that says so."""
    with pytest.raises(ValueError, match=re.escape(says)):
        cr.MLPRegressor(max_iter=1).fit(X, VALUES, **named)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_validation_set_of_ones_own_is_weighted(name):
    """``sample_weight_val`` weights its loss, and with early stopping its score."""
    chosen, held = {"random_state": 0, "max_iter": 5}, {"X_val": X, "y_val": Y[name], "sample_weight_val": WEIGHTS**3}
    watched = getattr(cr, name)(**chosen).fit(X, Y[name], **held)
    weighted = watched.network_.cost(cr.Examples(X, Y[name], weights=WEIGHTS**3))
    assert min(watched.validation_loss_curve_) == pytest.approx(weighted, rel=1e-9)
    scored = getattr(cr, name)(**chosen, early_stopping=True).fit(X, Y[name], **held)
    assert scored.best_validation_score_ == pytest.approx(scored.score(X, Y[name], WEIGHTS**3), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", [*ANSWERS, "score"])
def test_what_is_not_fitted_says_so_as_there(name, method):
    """Before a fit every method raises scikit-learn's NotFittedError."""
    if hasattr(getattr(cr, name), method):
        arguments = (X, Y[name]) if method == "score" else (X,)
        raised, *_ = alike(name, lambda estimator: getattr(estimator, method)(*arguments))
        assert raised[0] is NotFittedError
