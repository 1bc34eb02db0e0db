"""``TableClassifier`` and ``TableRegressor`` in scikit-learn: its own checks of estimators."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr

SMALL = {"networks": 2, "hidden": (16,), "epochs": 20, "random_state": 0}

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 2 is one row of a mini-batch, and a repeated row is two: the "
    "order, the mini-batches and the folds differ",
}


@parametrize_with_checks(
    [cr.TableClassifier(**SMALL), cr.TableRegressor(**SMALL)], expected_failed_checks=lambda estimator: EXPECTED_FAILURES
)
def test_scikit_learn_accepts_the_estimators(estimator, check):
    """Every check of scikit-learn passes, but for weights that are compared with repeated rows."""
    check(estimator)


def test_a_target_named_as_another_column_gives_a_warning():
    """A column of X that has the target's name is left out; where it holds other values, a warning says so."""
    import pandas as pd

    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) % 7})
    model = cr.TableRegressor(networks=1, epochs=2, random_state=0)
    with pytest.warns(UserWarning, match="the column 'a' of X is left out, because the target has this name"):
        model.fit(frame, frame["a"] * 2)
    assert model.feature_names_in_.tolist() == ["b"]
    model.fit(frame, frame["a"])  # warnings are errors: the target's own column is left out without one
    assert model.feature_names_in_.tolist() == ["b"]
