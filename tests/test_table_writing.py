"""Tables in Python whose columns are written otherwise than the training's: units, marks, and the names of columns."""

import warnings

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.estimators import UnseenValuesWarning

QUICK = {"networks": 1, "hidden": (8,), "epochs": 2, "random_state": 0}


def write(path, cells, header="x;y"):
    path.write_text(f"{header}\n" + "".join(f"{cell};{k / 7:.3f}\n" for k, cell in enumerate(cells)))
    return path


def percents(path):
    return cr.read_table(write(path, [f"{k + 1} %" for k in range(60)]))


def fractions():
    return pd.DataFrame({"x": np.arange(60) / 100, "y": np.arange(60) / 7})


def test_numbers_with_a_unit_are_refused_where_typed_numbers_were_learnt(tmp_path):
    """5 % is not 0.05: a model that learnt a frame's numbers refuses a file's percentages."""
    model = cr.TableRegressor(**QUICK).fit(fractions(), "y")
    with pytest.raises(DataError, match="'x': its numbers have the unit %, but in training they had no unit"):
        model.predict(percents(tmp_path / "p.csv"))


def test_typed_numbers_are_taken_in_the_unit_of_the_training_and_it_is_said(tmp_path):
    """A frame's numbers have no unit: where the training's had one, predict warns that they are taken in it."""
    model = cr.TableRegressor(**QUICK).fit(percents(tmp_path / "p.csv"), "y")
    with pytest.warns(UnseenValuesWarning, match="'x': its numbers are taken as of the unit %"):
        model.predict(pd.DataFrame({"x": [5.0]}))


def test_an_option_that_contradicts_the_training_is_said_in_python_too(tmp_path):
    """A decimal mark that is given, and that training did not have, is a warning of ``predict``."""
    train = write(tmp_path / "t.csv", [f"{k},25" for k in range(60)])
    model = cr.TableRegressor(**QUICK).fit(cr.read_table(train), "y")
    new = tmp_path / "new.csv"
    new.write_text("x\n7.634\n8.125\n")
    with pytest.warns(UnseenValuesWarning, match="the decimal mark is '.', and in training it was ','"):
        model.predict(model.read(new, decimal="."))


def test_validation_in_another_unit_is_refused(tmp_path):
    """``validation=(X, y)`` is compared with the training as new rows are."""
    with pytest.raises(DataError, match="its numbers have the unit %"):
        cr.TableRegressor(**QUICK, validation=(percents(tmp_path / "p.csv"), "y")).fit(fractions(), "y")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_may_be_one_name_and_must_exist(tmp_path, ending):
    """``columns`` given as a text is one name; a name that the file does not have is refused, with the nearest."""
    path = tmp_path / f"t.{ending}"
    frame = pd.DataFrame({"Ort": ["a", "b"], "r": [1.5, 2.5]})
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    assert cr.read_table(path, columns="Ort").names == ["Ort"]
    with pytest.raises(SettingError, match="unknown column 'Orte'; did you mean 'Ort'"):
        cr.read_table(path, columns=["Orte"])


def test_a_kind_of_the_target_holds_for_a_table_read_from_a_file(tmp_path):
    """``kinds={"y": "category"}`` makes the texts of the target the labels, as ``read_table(kinds=)`` does."""
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{k}.5,{('1.0', '2', '3.50')[k % 3]}\n" for k in range(60)))
    model = cr.TableClassifier(**QUICK, kinds={"y": "category"}).fit(cr.read_table(path), "y")
    assert model.classes_.tolist() == ["1.0", "2", "3.50"]


def test_a_mark_of_a_gap_that_is_no_text_is_refused(tmp_path):
    """``missing=-999`` is a setting's error, not a TypeError."""
    with pytest.raises(SettingError, match="missing must be marks such as"):
        cr.read_table(write(tmp_path / "t.csv", ["1", "2"]), missing=-999)


def test_many_classes_give_no_warning_of_the_tree():
    """A target whose classes are nearly all different warns once at most, not once for each column."""
    frame = pd.DataFrame({f"x{k}": np.arange(60.0) * (k + 1) % 59 for k in range(4)})
    y = [f"label {k // 2}" for k in range(58)] + ["a", "a"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cr.TableClassifier(**QUICK).fit(frame, y)
