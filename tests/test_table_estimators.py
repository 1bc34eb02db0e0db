"""``TableClassifier`` and ``TableRegressor`` in scikit-learn: its own checks of estimators."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule.tables.frames import table_from

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


@pytest.mark.parametrize(
    "labels", [["50%", "10%"], ["Yes", "yes", "No"], [" a", "b"], ["1", "2"], ["NA", "a", "b"], [2**60, 2**60 + 1]]
)
def test_the_targets_own_column_gives_no_warning(labels):
    """The column of X that is the target is left out without a warning, however its texts are read as an input."""
    import pandas as pd

    frame = pd.DataFrame({"a": np.arange(60.0), "y": labels * (60 // len(labels))})
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0)
    assert model.fit(frame, frame["y"]).feature_names_in_.tolist() == ["a"]
    with pytest.warns(UserWarning, match="its values are not the target's"):
        model.fit(frame, pd.Series(["u", "v"] * 30, name="y"))


LABELS = {
    "texts of booleans": ["True", "False"],
    "percentages": ["50%", "10%"],
    "amounts": ["$1", "$2"],
    "decimal commas": ["1,5", "2,5"],
    "upper and lower case": ["Yes", "yes", "No"],
    "numbers in two spellings": ["1.0", "1"],
    "numbers with zeros before them": ["01", "1"],
    "dates": ["2021-01-05", "2021-02-05"],
    "blanks around them": [" a", "a"],
    "marks of gaps in files": ["NA", "none", "?"],
    "numbers and a text": ["1", "2", "3+"],
    "numbers": [3, 7],
    "booleans": [True, False],
    "integers beyond 2**53": [2**60, 2**60 + 1],
}


def as_categorical(values):
    import pandas as pd

    return pd.Series(pd.Categorical(values))


def as_series(values):
    import pandas as pd

    return pd.Series(values)


def as_polars(values):
    import polars as pl

    return pl.Series(values)


@pytest.mark.parametrize("make", [list, np.array, lambda y: np.array(y, object), as_series, as_polars, as_categorical])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_come_back_as_given(labels, make):
    """The classes are the distinct labels of y, in type and spelling, and so are the predictions."""
    import pandas as pd

    y = labels * 10
    frame = pd.DataFrame({"x": np.arange(len(y)) % len(labels), "z": np.arange(len(y)) / 7})
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0).fit(frame, make(y))
    assert model.classes_.tolist() == sorted(labels)
    assert {type(label) for label in model.classes_.tolist()} == {type(label) for label in labels}
    assert set(model.predict(frame).tolist()) <= set(labels)
    assert 0 <= model.score(frame, y) <= 1  # scikit-learn refuses labels of two types


def test_labels_that_are_missing_leave_their_rows_out():
    """None, NaN and blank texts among labels of text name no class, and a warning counts their rows."""
    y = ["NA", "b", None, float("nan"), "", " "] * 10
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0)
    with pytest.warns(UserWarning, match="the target of 40 rows is missing"):
        model.fit({"x": list(range(60))}, y)
    assert model.classes_.tolist() == ["NA", "b"]


def test_a_column_of_a_table_is_a_target_as_it_is():
    """A column that ``read_table`` made may be the target: its labels are those of the file's rules."""
    column = table_from({"y": ["yes", "No", "no"] * 10})["y"]
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0).fit({"x": list(range(30))}, column)
    assert model.classes_.tolist() == ["no", "yes"]


def test_values_may_be_texts_of_numbers():
    """A regressor reads texts of numbers, with marks of gaps among them, as a file's texts are read."""
    y = ["1,5", "2,5", " 3,25", "NA"] * 10
    model = cr.TableRegressor(networks=1, hidden=(8,), epochs=2, random_state=0)
    with pytest.warns(UserWarning, match="the target of 10 rows is missing"):
        model.fit({"x": list(range(40))}, y)
    assert (model.model_.target.low, model.model_.target.high) == (1.5, 3.25)


def test_a_fit_leaves_the_callers_table_as_it_is():
    """A ``Table`` that is passed to ``fit`` keeps its columns, though a table of the fit's own is emptied to save memory."""
    rng = np.random.default_rng(0)
    table = table_from({"a": rng.normal(size=100), "b": rng.normal(size=100), "y": np.arange(100) % 2})
    names = table.names
    for y in ("y", table["y"], np.arange(100) % 2):
        cr.TableClassifier(networks=1, epochs=1).fit(table, y)
        assert table.names == names
    own = table.without("y")
    model = cr.TableClassifier(networks=1, epochs=1).fit(own, np.arange(100) % 2)
    assert own.names == ["a", "b"] == list(model.feature_names_in_)
