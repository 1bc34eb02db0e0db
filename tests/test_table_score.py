"""``score`` of the tables' estimators: it takes the target as ``fit`` does."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import accuracy_score, r2_score

import chainrule as cr
from chainrule.errors import DataError
from chainrule.estimators import MissingTargetWarning, UnseenValuesWarning
from chainrule.tables.frames import table_from

N = 60
QUICK = {"networks": 1, "hidden": (8,), "epochs": 3, "random_state": 0}
X = np.random.default_rng(0).normal(size=N)
COLUMNS = {"x": X, "town": np.where(X > 0, "Ulm", "Bonn"), "class": np.where(X > 0.3, "hi", "lo"), "value": X.round(2) * 2}

FRAMES = {"Table": table_from, "pandas": pd.DataFrame, "Polars": pl.DataFrame, "Arrow": pa.table, "dict": dict}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_the_target_is_a_name_or_the_values(make):
    """A name, a column of the frame, an array and a list give one score, which is scikit-learn's of the predictions."""
    frame = make(COLUMNS)
    classifier = cr.TableClassifier(**QUICK).fit(frame, "class")
    wanted = accuracy_score(COLUMNS["class"], classifier.predict(frame))
    for y in ("class", frame["class"], COLUMNS["class"], COLUMNS["class"].tolist()):
        assert classifier.score(frame, y) == wanted
    regressor = cr.TableRegressor(**QUICK).fit(frame, "value")
    wanted = r2_score(COLUMNS["value"], regressor.predict(frame))
    for y in ("value", frame["value"], COLUMNS["value"], COLUMNS["value"].tolist()):
        assert regressor.score(frame, y) == wanted


def test_rows_are_weighted():
    """``sample_weight`` weighs the rows of a score."""
    classifier = cr.TableClassifier(**QUICK).fit(COLUMNS, "class")
    regressor = cr.TableRegressor(**QUICK).fit(COLUMNS, "value")
    weights = np.arange(N)
    right = classifier.predict(COLUMNS) == COLUMNS["class"]
    assert classifier.score(COLUMNS, "class", weights) == pytest.approx(weights[right].sum() / weights.sum())
    wanted = r2_score(COLUMNS["value"], regressor.predict(COLUMNS), sample_weight=weights)
    assert regressor.score(COLUMNS, "value", sample_weight=weights) == wanted


TARGETS = {
    "booleans": (["yes", "no"], "TableClassifier"),
    "truth values": (["TRUE", "FALSE"], "TableClassifier"),
    "whole numbers": (["3", "7"], "TableClassifier"),
    "numbers in two spellings": (["1.0", "2"], "TableClassifier"),
    "texts": (["a", "b"], "TableClassifier"),
    "decimal commas": (["1,5", "2,5"], "TableRegressor"),
    "percentages": (["5 %", "7 %"], "TableRegressor"),
}


@pytest.mark.parametrize(("texts", "name"), TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("loaded", [False, True])
def test_the_target_of_a_file_is_read_as_in_training(tmp_path, texts, name, loaded):
    """The column of a file and its texts in a frame give one score, also of a few rows and of a loaded model."""
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{k};{texts[k > 29]}\n" for k in range(N)))
    table, frame = cr.read_table(path), pd.read_csv(path, sep=";", dtype=str).assign(x=np.arange(N))
    model = getattr(cr, name)(**QUICK).fit(table, "y")
    if loaded:
        model.save(tmp_path / "m.safetensors")
        model = cr.load(tmp_path / "m.safetensors")
    predicted = model.predict(table)
    rule = accuracy_score if name == "TableClassifier" else r2_score
    values = [float(text.rstrip("% ").replace(",", ".")) if name == "TableRegressor" else text for text in texts]
    if "3" in texts or "1.0" in texts:
        values = [float(text) for text in texts]
    if "TRUE" in texts:
        values = model.classes_.tolist()[::-1]
    wanted = rule([values[k > 29] for k in range(N)], predicted)
    assert model.score(table, "y") == model.score(table, table["y"]) == model.score(table, table.column("y")) == wanted
    assert model.score(frame, "y") == wanted
    assert model.score(table[:30], "y") == rule([values[0]] * 30, predicted[:30])


def test_classes_that_training_did_not_have_are_wrong_answers():
    """A row of an unknown class counts as wrong, and a warning counts them."""
    model = cr.TableClassifier(**QUICK).fit(COLUMNS, "class")
    y = ["new"] * 15 + COLUMNS["class"].tolist()[15:]
    with pytest.warns(UnseenValuesWarning, match="the class of 15 rows, such as 'new', is one that training did not have"):
        assert model.score(COLUMNS, y) == accuracy_score(y, model.predict(COLUMNS))


def test_rows_without_a_target_are_left_out():
    """Gaps in the target leave their rows out of the score, as out of a fit, with the same warning."""
    for name, estimator in (("class", cr.TableClassifier), ("value", cr.TableRegressor)):
        y = [None if k < 20 else value for k, value in enumerate(COLUMNS[name].tolist())]
        model = estimator(**QUICK).fit(COLUMNS, name)
        rest = {key: values[20:] for key, values in COLUMNS.items()}
        with pytest.warns(MissingTargetWarning, match="the target of 20 rows is missing"):
            assert model.score(COLUMNS, y) == model.score(rest, name)


def test_a_target_that_is_not_there_is_refused():
    """The error of an unknown name tells the nearest; that of another length tells both lengths."""
    model = cr.TableClassifier(**QUICK).fit(COLUMNS, "class")
    for call in (model.score, model.fit):
        with pytest.raises(DataError, match="the table has no column 'Class' for the target; do you mean 'class'"):
            call(COLUMNS, "Class")
        with pytest.raises(DataError, match="X has 60 rows, but y has 3"):
            call(COLUMNS, ["hi", "lo", "hi"])


def test_arrays_are_scored_as_scikit_learn_does():
    """The target of an array is its values or the number of its column, wherever that stands."""
    rows = np.c_[X, X > 0.2, X**2]
    model = cr.TableClassifier(**QUICK).fit(rows, "1")
    assert model.score(rows, "1") == accuracy_score(rows[:, 1], model.predict(table_from(rows)))
    for X_ in (rows, rows[:, ::2], rows.tolist()):
        np.testing.assert_array_equal(model.predict_proba(X_), model.predict_proba(table_from(rows)))
    with pytest.raises(ValueError, match="X has 1 features, but TableClassifier is expecting 2"):
        model.predict(rows[:, :1])
    model = cr.TableClassifier(**QUICK).fit(rows[:, ::2], rows[:, 1])
    assert model.score(rows[:, ::2], rows[:, 1]) == accuracy_score(rows[:, 1], model.predict(rows[:, ::2]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(rows[:, ::2], rows[:3, 1])


def test_validation_takes_the_target_as_fit_does():
    """``validation=(X, y)`` takes texts of numbers, a column of a table, and gaps, which leave their rows out."""
    texts = [f"{value:.2f}".replace(".", ",") for value in X]
    frame = pd.DataFrame({"x": X, "y": texts})
    for y in ("y", texts, table_from(frame)["y"], ["NA", *texts[1:]]):
        model = cr.TableRegressor(**QUICK, validation=(frame, y))
        if y == "y" or y[0] != "NA":
            model.fit(frame, "y")
        else:
            with pytest.warns(MissingTargetWarning, match="the target of 1 row is missing"):
                model.fit(frame, "y")
        assert np.isfinite(model.model_.training.validation_costs[0])
