"""Warnings, Ctrl-C among them: scikit-learn's words, at the user's own line."""

from contextlib import nullcontext

import pytest
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_comparison import (
    IRIS,
    NAMES,
    InterruptedRandomState,
    N,
    X,
    Y,
    compare,
    fit,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("make_call", "category"),
    [
        (lambda y: lambda estimator: estimator.set_params(batch_size=N + 1).fit(X, y), UserWarning),
        (lambda y: fit(X, y[:, None]), DataConversionWarning),
        (lambda y: fit(X, y.reshape(-1, 1).tolist()), DataConversionWarning),
        (lambda y: fit(X, y), ConvergenceWarning),
    ],
    ids=["batch", "column", "list of rows", "end"],
)
def test_warnings_are_scikit_learns(name, make_call, category):
    """A clipped batch size, y as a column, an end before convergence: the same warnings in the same words."""
    warned = compare(name, make_call(Y[name])).warned
    assert category in [given for given, _ in warned]


def interrupt(random, order):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("hyperparameters", "category", "match"),
    [
        ({"max_iter": 1}, ConvergenceWarning, "hasn't converged"),
        ({"solver": "lbfgs", "max_iter": 1}, ConvergenceWarning, "lbfgs failed to converge"),
        ({"batch_size": 1000, "max_iter": 30, "tol": 9.0, "n_iter_no_change": 1}, UserWarning, "going to be clipped"),
        ({"max_iter": 1000}, UserWarning, "interrupted by user"),
    ],
)
@pytest.mark.parametrize(
    ("train", "single"),
    [
        (lambda clf: clf.fit(*IRIS), True),
        (lambda clf: make_pipeline(StandardScaler(), clf).fit(*IRIS), True),
        (lambda clf: cross_val_score(clf, *IRIS, cv=2), False),
    ],
    ids=["fit", "pipeline", "cross_val_score"],
)
def test_a_warning_points_at_the_users_own_line(hyperparameters, category, match, train, single, monkeypatch):
    """A warning names the line of the user's own call, also through a pipeline or a cross-validation, which Ctrl-C ends."""
    interrupted = "interrupted" in match
    if interrupted:
        monkeypatch.setattr("chainrule.estimators.stochastic.shuffle_order", interrupt)
    clf = cr.MLPClassifier((3,), random_state=0, **hyperparameters)
    raised = pytest.raises(KeyboardInterrupt) if interrupted and not single else nullcontext()
    with pytest.warns(category, match=match) as caught, raised:
        train(clf)
    assert {warning.filename for warning in caught} == {__file__}


def test_warnings_of_partial_fit_point_at_the_users_own_line():
    """Warnings of ``partial_fit`` name the user's own line, the one about y as a column too."""
    with pytest.warns(UserWarning, match="column-vector|clipped") as caught:
        cr.MLPRegressor(batch_size=1000).partial_fit(IRIS[0], IRIS[0][:, :1])
    assert [warning.category for warning in caught] == [DataConversionWarning, UserWarning]
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_warns_and_keeps_what_was_learned_attributes(name, early_stopping):
    """An interrupt warns as scikit-learn does, and keeps the parameters of the epochs before it."""

    def call(estimator):
        return estimator.set_params(random_state=InterruptedRandomState(0)).fit(X, Y[name])

    settings = {"early_stopping": early_stopping, "validation_fraction": 0.2, "max_iter": 9, "tol": 0}
    comparison = compare(name, call, **settings, n_iter_no_change=2)
    warned, actual = comparison.warned, comparison.actual  # chainrule trains three epochs in a call
    assert warned == [(UserWarning, "Training interrupted by user.")]
    assert actual.n_iter_ == 3 - early_stopping  # splitting takes one shuffle


@pytest.mark.parametrize("shuffles", [30])
def test_ctrl_c_keeps_whole_calls_of_the_engine(shuffles):
    """Short epochs are trained several in a call; an interrupt keeps the calls that ended, and the provenance says so."""
    random_state = InterruptedRandomState(0)
    random_state.shuffles = shuffles
    with pytest.warns(UserWarning, match="interrupted by user"):
        clf = cr.MLPClassifier(max_iter=50, random_state=random_state).fit(*IRIS)
    assert clf.n_iter_ == len(clf.loss_curve_) == 22  # two calls of the 11 epochs before a plateau can be reached
    assert clf.network_.provenance.stopped == "interrupted"
    assert clf.predict(IRIS[0]).shape == (150,)
