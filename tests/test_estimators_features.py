"""What the estimators offer around a fit: warnings at the user's own line, telling, saving, threads."""

import warnings

import pytest
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")
IRIS = load_iris(return_X_y=True)


def interrupted(random, order):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("chosen", "category", "match"),
    [
        ({"max_iter": 1}, ConvergenceWarning, "hasn't converged"),
        ({"solver": "lbfgs", "max_iter": 1}, ConvergenceWarning, "lbfgs failed to converge"),
        ({"batch_size": 1000, "max_iter": 30, "tol": 9.0, "n_iter_no_change": 1}, UserWarning, "going to be clipped"),
        ({"max_iter": 1000}, UserWarning, "interrupted by user"),
    ],
)
@pytest.mark.parametrize(
    "train",
    [
        lambda clf: clf.fit(*IRIS),
        lambda clf: make_pipeline(StandardScaler(), clf).fit(*IRIS),
        lambda clf: cross_val_score(clf, *IRIS, cv=2),
    ],
    ids=["fit", "pipeline", "cross_val_score"],
)
def test_a_warning_points_at_the_users_own_line(chosen, category, match, train, monkeypatch):
    """Whatever lies between, a pipeline or a search, a warning names the file and line of the user's own call."""
    if "interrupted" in match:
        monkeypatch.setattr("chainrule.estimators.draws.shuffled", interrupted)
    clf = cr.MLPClassifier((3,), random_state=0, **chosen)
    with pytest.warns(category, match=match) as caught:
        train(clf)
    assert {warning.filename for warning in caught} == {__file__}


def test_partial_fits_warning_points_at_the_users_own_line():
    """``partial_fit`` stands as near to the user as ``fit``."""
    with pytest.warns(UserWarning, match="clipped") as caught:
        cr.MLPRegressor(batch_size=1000).partial_fit(IRIS[0], IRIS[0][:, 0])
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("chosen", [{"max_iter": 2}, {"max_fun": 3}])
def test_lbfgs_warns_in_scikit_learns_words(chosen):
    """Where L-BFGS did not converge, for want of iterations or of evaluations, the warning is scikit-learn's."""
    said = []
    for home in (cr, theirs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            home.MLPClassifier(solver="lbfgs", random_state=0, **chosen).fit(*IRIS)
        said.append([(warning.category, str(warning.message)) for warning in caught])
    assert said[0] == said[1]
    assert len(said[0]) == 1
