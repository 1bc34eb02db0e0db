"""A validation set given by the user: X_val and y_val."""

import re

import numpy as np
import pytest
from sklearn_comparison import (
    IRIS,
    NAMES,
    VALUES,
    WEIGHTS,
    X,
    Y,
)

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_parameters_with_the_lowest_loss_are_restored(name):
    """The loss on X_val is recorded after each epoch, and the parameters with the lowest one are restored."""
    x, y = IRIS[0], IRIS[1] if name == "MLPClassifier" else IRIS[0][:, 0] * 1.0
    hyperparameters = {"max_iter": 12, "random_state": 0, "learning_rate_init": 0.05, "hidden_layer_sizes": (8,)}
    validated = getattr(cr, name)(**hyperparameters).fit(x[::2], y[::2], X_val=x[1::2], y_val=y[1::2])
    plain = getattr(cr, name)(**hyperparameters).fit(x[::2], y[::2])
    assert validated.loss_curve_ == plain.loss_curve_
    curve = validated.validation_loss_curve_
    assert len(curve) == 12
    best = int(np.argmin(curve)) + 1
    stopped = getattr(cr, name)(**{**hyperparameters, "max_iter": best}).fit(x[::2], y[::2])
    assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(validated.coefs_, stopped.coefs_, strict=True))
    network_loss = validated.network_.cost(x[1::2], y[1::2])
    assert min(curve) == pytest.approx(network_loss, rel=1e-9)


def test_early_stopping_uses_it():
    """With ``early_stopping`` the score on X_val decides, and nothing is split off."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=10, early_stopping=True, random_state=0).fit(x, y, X_val=x[::3], y_val=y[::3])
    plain = cr.MLPClassifier(max_iter=10, random_state=0).fit(x, y)
    assert clf.loss_curve_ == plain.loss_curve_[: len(clf.loss_curve_)]
    assert clf.score(x[::3], y[::3]) == clf.best_validation_score_ == max(clf.validation_scores_)


@pytest.mark.parametrize("name", NAMES)
def test_sample_weight_val_weights_it(name):
    """``sample_weight_val`` weights the loss, and with early stopping the score."""
    hyperparameters, validation = (
        {"random_state": 0, "max_iter": 5},
        {"X_val": X, "y_val": Y[name], "sample_weight_val": WEIGHTS**3},
    )
    validated = getattr(cr, name)(**hyperparameters).fit(X, Y[name], **validation)
    weighted = validated.network_.cost(cr.Examples(X, Y[name], weights=WEIGHTS**3))
    assert min(validated.validation_loss_curve_) == pytest.approx(weighted, rel=1e-9)
    scored = getattr(cr, name)(**hyperparameters, early_stopping=True).fit(X, Y[name], **validation)
    assert scored.best_validation_score_ == pytest.approx(scored.score(X, Y[name], WEIGHTS**3), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
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
def test_a_validation_set_that_makes_no_sense_is_refused(arguments, message):
    """Half of a validation set, other columns or lengths, no rows, NaN, or weights of 0 raise a ValueError that message so."""
    with pytest.raises(ValueError, match=re.escape(message)):
        cr.MLPRegressor(max_iter=1).fit(X, VALUES, **arguments)


def test_unknown_classes_and_lbfgs_are_refused():
    """A class that was not trained on, and the solver lbfgs, raise a ValueError."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=1)
    with pytest.raises(ValueError, match="classes"):
        clf.fit(x[:100], y[:100], X_val=x, y_val=y)
    with pytest.raises(ValueError, match="lbfgs"):
        cr.MLPClassifier(solver="lbfgs").fit(x, y, X_val=x, y_val=y)
