"""Progress of a fit: scikit-learn's lines, and the live line."""

import re
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from sklearn_comparison import (
    ALL_CLASSES,
    IRIS,
    NAMES,
    X,
    Y,
    compare,
    outcome_of,
)

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]


ADAPTIVE = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1, "max_iter": 40}


def fit_iris(name, method="fit", **settings):
    """Fit an estimator to Iris, its classes or one of its columns, or call ``partial_fit`` twice."""
    x, y = IRIS[0], IRIS[1] if name == "MLPClassifier" else IRIS[0][:, 0]
    estimator = getattr(cr, name)(random_state=0, **settings)
    if method == "fit":
        return estimator.fit(x, y)
    return estimator.partial_fit(x, y, **ALL_CLASSES[name]).partial_fit(x, y)


def fit_twice(name):
    """Make the call of ``fit``, twice."""
    return lambda estimator: estimator.fit(X, Y[name]).fit(X, Y[name])


@pytest.mark.parametrize("verbose", [True, 1, 3])
@pytest.mark.parametrize(
    "hyperparameters",
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
def test_verbose_prints_scikit_learns_lines(name, hyperparameters, verbose):
    """Every line of every solver, of warm starts and of ``partial_fit`` is scikit-learn's."""
    compare(name, fit_twice(name), verbose=verbose, warm_start=True, max_iter=6, validation_fraction=0.2, **hyperparameters)
    partial_fit = lambda estimator: estimator.partial_fit(X, Y[name], **ALL_CLASSES[name])  # noqa: E731
    actual = compare(name, partial_fit, verbose=verbose).actual
    assert "Iteration 1, loss = " in outcome_of(partial_fit, actual).printed


ACCURACY = r"accuracy [\d.]+ %  "


VALIDATION = r"validation [\d.]+ %  "
R2 = r"validation R\^2 -?[\d.]+  "


@pytest.mark.parametrize(
    ("name", "method", "hyperparameters", "metrics"),
    [
        ("MLPClassifier", "fit", {}, ACCURACY),
        ("MLPRegressor", "fit", {}, ""),
        ("MLPClassifier", "fit", {"early_stopping": True}, ACCURACY + VALIDATION),
        ("MLPRegressor", "fit", {"early_stopping": True}, R2),
        ("MLPClassifier", "partial_fit", {}, ACCURACY),
    ],
)
def test_live_writes_the_command_lines_lines(name, method, hyperparameters, metrics, capsys):
    """With ``verbose="live"`` a file or a pipe gets the command line's line of each epoch: loss, accuracy, validation, speed."""
    estimator = fit_iris(name, method, verbose="live", max_iter=3, **hyperparameters)
    lines = capsys.readouterr().out.splitlines()
    counts = ["1/3", "2/3", "3/3"] if method == "fit" else ["1/1", "1/1"]
    for line, count, loss in zip(lines, counts, estimator.loss_curve_, strict=True):
        assert re.fullmatch(rf"epoch {count}  cost {re.escape(f'{loss:.3g}')}  {metrics}[\d.,]+[kM]? examples/s", line)


def test_the_live_accuracy_is_that_of_the_mini_batches(capsys):
    """The accuracy is the weighted fraction of correct examples in the mini-batches; at a rate of 0, the initial network's."""
    x, y = IRIS
    weights = np.linspace(0.1, 2, 150)
    clf = cr.MLPClassifier(max_iter=2, random_state=3, learning_rate_init=1e-30, batch_size=30, verbose="live")
    clf.fit(x, y, weights)
    assert capsys.readouterr().out.count(f"accuracy {100 * clf.score(x, y, weights):.2f} %") == 2


def test_live_writes_plateaus_and_iterations_of_lbfgs(capsys):
    """A plateau is written in scikit-learn's words between the epochs' lines; an iteration of lbfgs has the line of an epoch."""
    fit_iris("MLPClassifier", verbose="live", **ADAPTIVE)
    assert "\nTraining loss did not improve more than tol=0.500000 for 1 consecutive epochs. Setting" in capsys.readouterr().out
    clf = fit_iris("MLPClassifier", verbose="live", solver="lbfgs", max_iter=4)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"epoch {k}/4" for k in range(1, 5)]
    assert f"cost {clf.loss_:.3g}  " in lines[-1]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_live_draws_a_line_in_a_terminal(solver, monkeypatch):
    """A terminal shows the live line and gets its last line back; no bit of the fit depends on it."""
    console = Console(file=StringIO(), force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    monkeypatch.setattr("rich.console.Console", lambda: console)
    live = fit_iris("MLPClassifier", verbose="live", solver=solver, max_iter=3)
    text = console.file.getvalue()
    assert "━" in text
    assert text.endswith("\x1b[1A\x1b[2K")
    plain = fit_iris("MLPClassifier", solver=solver, max_iter=3)
    assert all(np.array_equal(a, b) for a, b in zip(live.coefs_, plain.coefs_, strict=True))


def test_live_shows_the_loss_of_a_validation_set(capsys):
    """The loss on ``X_val`` is shown as the validation."""
    clf = cr.MLPRegressor(max_iter=2, random_state=0, verbose="live")
    clf.fit(IRIS[0], IRIS[0][:, 0], X_val=IRIS[0][::2], y_val=IRIS[0][::2, 0])
    lines = capsys.readouterr().out.splitlines()
    assert all(f"validation {cost:.3g}  " in line for cost, line in zip(clf.validation_loss_curve_, lines, strict=True))
