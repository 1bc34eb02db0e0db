"""``TableClassifier`` and ``TableRegressor`` in scikit-learn: its own checks of estimators."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule.errors import DataError
from chainrule.estimators import MissingTargetWarning, UnseenValuesWarning
from chainrule.recipes.table_recipe import TableRecipe
from chainrule.tables.frames import table_from

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}

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
    return pd.Series(pd.Categorical(values))


def as_series(values):
    return pd.Series(values)


def as_polars(values):
    return pl.Series(values)


@pytest.mark.parametrize("make", [list, np.array, lambda y: np.array(y, object), as_series, as_polars, as_categorical])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_come_back_as_given(labels, make):
    """The classes are the distinct labels of y, in type and spelling, and so are the predictions."""
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


def test_whole_numbers_of_a_table_are_integers(tmp_path):
    """The labels of a table's column of whole numbers are integers, as on the command line, though the column holds floats."""
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k / 7},{k % 2}\n" for k in range(40)))
    table = cr.read_table(tmp_path / "t.csv")
    for y in ("y", table["y"]):
        model = cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0).fit(table, y)
        assert (model.classes_.tolist(), model.classes_.dtype) == ([0, 1], np.int64)


def test_values_may_be_texts_of_numbers():
    """A regressor reads texts of numbers, with marks of gaps among them, as a file's texts are read."""
    y = ["1,5", "2,5", " 3,25", "NA"] * 10
    model = cr.TableRegressor(networks=1, hidden=(8,), epochs=2, random_state=0)
    with pytest.warns(UserWarning, match="the target of 10 rows is missing"):
        model.fit({"x": list(range(40))}, y)
    assert (model.model_.target.low, model.model_.target.high) == (1.5, 3.25)


FRAMES = {
    "pandas": lambda y: pd.DataFrame({"x": np.arange(len(y)), "y": y}),
    "pandas, categorical": lambda y: pd.DataFrame({"x": np.arange(len(y)), "y": pd.Categorical(y)}),
    "pandas, named by a tuple": lambda y: pd.DataFrame({("x", ""): np.arange(len(y)), ("y", ""): y}),
    "Polars": lambda y: pl.DataFrame({"x": np.arange(len(y)), "y": y}),
    "Arrow": lambda y: pa.table({"x": np.arange(len(y)), "y": y}),
    "Arrow, dictionary": lambda y: pa.table({"x": np.arange(len(y)), "y": pa.array(y).dictionary_encode()}),
    "dict of lists": lambda y: {"x": np.arange(len(y)), "y": y},
    "rows": lambda y: [{"x": k, "y": label} for k, label in enumerate(y)],
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("labels", [*LABELS.values(), [1.0, 2.0]], ids=[*LABELS, "whole floats"])
def test_labels_of_a_named_column_come_back_as_the_frame_holds_them(labels, make):
    """``fit(frame, "y")`` learns the labels that the frame holds, as ``fit(frame, frame["y"])`` does, by no file's rules."""
    y = (labels * 60)[:60]
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=1, random_state=0).fit(make(y), "y")
    assert model.classes_.tolist() == sorted(set(y))
    assert {type(label) for label in model.classes_.tolist()} == set(map(type, labels))
    assert model.feature_names_in_.tolist() == ["x"]


@pytest.mark.parametrize(("labels", "dtype"), [([3, 7], "Int64"), ([False, True], "boolean"), (["01", "1"], "string")])
def test_labels_of_nullable_types_are_of_their_type(labels, dtype):
    """Integers and booleans with gaps, which floats would hold otherwise, are labels of their own type."""
    frame = pd.DataFrame({"x": np.arange(60), "y": pd.array([*labels, None] * 20, dtype)})
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=1, random_state=0)
    with pytest.warns(MissingTargetWarning, match="the target of 20 rows is missing"):
        model.fit(frame, "y")
    assert model.classes_.tolist() == labels
    assert set(map(type, model.classes_.tolist())) == set(map(type, labels))


def test_a_named_target_of_a_polars_enum_and_of_an_array():
    """A Polars Enum gives its texts, and a column of an array is named by its number."""
    frame = pl.DataFrame({"x": np.arange(40), "y": pl.Series(["01", "1"] * 20, dtype=pl.Enum(["1", "01", "x"]))})
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=1, random_state=0)
    assert model.fit(frame, "y").classes_.tolist() == ["01", "1"]
    rows = np.c_[np.arange(40), np.arange(40) % 2]
    assert model.fit(rows, "1").classes_.tolist() == [0, 1]
    assert model.n_features_in_ == 1


def test_a_kind_that_is_required_of_the_target_is_given_to_it():
    """``kinds`` may name the target: texts of numbers are then numbers, whether the target is given by name or as values."""
    frame = pd.DataFrame({"x": np.arange(40), "y": ["01", "1", "2", "2.0"] * 10})
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=1, random_state=0, kinds={"y": "number"})
    assert model.fit(frame, "y").classes_.tolist() == [1, 2]
    assert model.fit(frame, frame["y"]).classes_.tolist() == [1, 2]


# Values that training did not have


def test_values_that_training_did_not_have_are_told_once_a_call():
    """Unknown categories, and gaps where training had none, are one warning of each prediction; a filter silences it."""
    rows = {"x": [float(k) for k in range(40)], "town": ["Ulm", "Bonn"] * 20}
    new = {"x": [1.0, None], "town": ["Rome", "Rome"]}
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=1, random_state=0).fit(rows, ["u", "v"] * 20)
    for predict in (model.predict, model.predict_proba, model.predict_log_proba):
        with pytest.warns(UnseenValuesWarning) as told:
            predict(new)
        (message,) = (str(warning.message) for warning in told)
        assert message == (
            "column 'x' has 1 gap, and training had none: taken as the median, 19.5; column 'town' holds 1 value that training did "
            "not have, taken as no category: 'Rome'"
        )
        assert told[0].filename == __file__
    model.predict(rows)  # warnings are errors: none for values that training had
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", UnseenValuesWarning)
        model.predict(new)
    assert not told


def test_a_missing_column_is_an_error_and_other_columns_may_hold_anything():
    """At predict a column of the training must be there, and a column that the model does not use may hold mixed types."""
    frame = pd.DataFrame({"x": np.arange(40.0), "town": ["Ulm", "Bonn"] * 20})
    model = cr.TableClassifier(networks=1, hidden=(8,), epochs=1, random_state=0).fit(frame, ["u", "v"] * 20)
    for new in (frame, frame[:1], pl.DataFrame(frame), frame.to_dict("list"), table_from(frame)):
        with pytest.raises(DataError, match="the table lacks 1 column from which the model learnt: 'town'"):
            model.predict(new.drop(columns="town") if isinstance(new, pd.DataFrame) else table_from(new, drop=["town"]))
    mixed = frame.assign(other=[1, "a"] * 20, nothing=[object()] * 40)
    np.testing.assert_array_equal(model.predict(mixed), model.predict(frame))
    np.testing.assert_array_equal(model.predict(mixed[:2]), model.predict(frame[:2]))


# Ctrl-C

PROGRAM = """
import signal, sys, threading, time, os
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
import chainrule as cr
from sklearn.model_selection import cross_val_score, GridSearchCV
from sklearn.pipeline import make_pipeline
rng = np.random.default_rng(0)
X, y = rng.normal(size=(400, 5)), np.arange(400) % 2
fits = []

class Counted(cr.{estimator}):
    def fit(self, X, y):
        fits.append(self)
        return super().fit(X, y)

def interrupt():
    while not fits:
        time.sleep(0.01)
    time.sleep(1)
    os.kill(os.getpid(), signal.SIGINT)

model = Counted({settings})
threading.Thread(target=interrupt, daemon=True).start()
try:
    {call}
    print("returned", len(fits), model.predict(X).shape)
except KeyboardInterrupt:
    print("interrupted", len(fits))
"""
LONG = {
    "TableClassifier": "networks=2, hidden=(8,), epochs=10**6, random_state=0, threads=1",
    "TableRegressor": "networks=1, hidden=(8,), epochs=10**6, random_state=0, threads=1",
    "MLPClassifier": "max_iter=10**7, tol=0, n_iter_no_change=10**7, random_state=0",
}


FIT, CROSS = "model.fit(X, y)", "cross_val_score(model, X, y, cv=3)"
SEARCH, PIPELINE = "GridSearchCV(model, {'threads': [1]}, cv=3).fit(X, y)", "make_pipeline(model).fit(X, y)"


@pytest.mark.parametrize(
    ("estimator", "call", "expected"),
    [
        *((estimator, FIT, "returned 1 (400,)") for estimator in LONG),
        *((estimator, CROSS, "interrupted 1") for estimator in LONG),
        ("TableClassifier", SEARCH, "interrupted 1"),
        ("TableClassifier", PIPELINE, "returned 1 (400,)"),
    ],
)
def test_a_sigint_ends_a_search_and_not_only_its_fit(estimator, call, expected):
    """A real SIGINT in a fit that the user called keeps what was learnt; in one that scikit-learn called it is raised there."""
    program = PROGRAM.format(estimator=estimator, settings=LONG[estimator], call=call)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT
    )
    assert (done.stdout.strip(), done.stderr) == (expected, "")


@pytest.mark.parametrize("estimator", [cr.TableClassifier, cr.TableRegressor])
def test_gaps_in_the_target_are_refused_of_an_array_and_left_out_of_a_frame(estimator):
    """NaN in y of an array is scikit-learn's error; of a frame, or of a named target, the rows are left out and counted."""
    x, y = np.arange(40.0), np.arange(40.0) % 2
    y[3] = np.nan
    model = estimator(networks=1, hidden=(8,), epochs=1, random_state=0)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        model.fit(x[:, None], y)
    for X, target in (({"x": x}, y), ({"x": x, "y": y}, "y"), (np.c_[x, y], "1")):
        with pytest.warns(MissingTargetWarning, match="the target of 1 row is missing; they are left out"):
            model.fit(X, target)
        assert model.model_.training.rows == 39


def test_the_defaults_are_the_recipes():
    """``hidden`` and ``networks`` of the estimators are the recipe's own, and are stored as scikit-learn's ``clone`` requires."""
    for estimator in (cr.TableClassifier(), cr.TableRegressor()):
        assert (estimator.hidden, estimator.networks) == (TableRecipe.hidden, TableRecipe.networks)
        assert clone(estimator).get_params() == estimator.get_params()


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
