"""L-BFGS: rounding decides its path, so where it ends is held to scikit-learn's own spread."""

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import chainrule as cr

SEEDS, NUDGES = range(20), range(8)
IRIS, DIABETES = load_iris(return_X_y=True), load_diabetes(return_X_y=True)


def nudged(kind, nudge):
    """scikit-learn's estimator, its gradient off by one bit, up or down at random, in every element."""
    random = np.random.default_rng(nudge)

    def loss_and_gradient(self, *arguments):
        loss, gradient = kind._loss_grad_lbfgs(self, *arguments)
        return loss, gradient * (1 + np.finfo(float).eps * random.choice([-1, 1], len(gradient)))

    return type(kind.__name__, (kind,), {"_loss_grad_lbfgs": loss_and_gradient})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("name", "chosen", "x", "y"),
    [
        ("MLPClassifier", {"hidden_layer_sizes": 4, "alpha": 0.01}, IRIS[0][::2], IRIS[1][::2]),
        ("MLPRegressor", {"hidden_layer_sizes": 6}, 100 * DIABETES[0][:60, :4], scale(DIABETES[1][:60])),
    ],
)
def test_lbfgs_ends_within_scikit_learns_own_spread(name, chosen, x, y):
    """The median final loss over 20 seeds is no farther from scikit-learn's than nudges of the last bit move those apart."""

    def median_loss(kind):
        return np.median([kind(solver="lbfgs", max_iter=60, random_state=s, **chosen).fit(x, y).loss_ for s in SEEDS])

    with threadpool_limits(1):
        due = [median_loss(nudged(getattr(theirs, name), nudge)) for nudge in NUDGES]
        came = median_loss(getattr(cr, name))
    assert abs(came - np.mean(due)) <= np.ptp(due)
