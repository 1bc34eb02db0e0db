"""Tables in Python whose columns are written otherwise than the training's: units, marks, and the names of columns."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError, DataTypeError, SettingError
from chainrule.estimators import UnseenValuesWarning

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
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


# Frames whose texts are read as the training's


def test_ambiguous_texts_of_a_frame_are_read_as_in_training(tmp_path):
    """A frame's "7.634" and 03/04/2021 mean what they meant in training: as in a file, and without a question."""
    train = write(tmp_path / "t.csv", [f"{k % 28 + 1:02}/03/2021;{k + 1}.634,25" for k in range(60)], "day;x;y")
    model = cr.TableRegressor(**QUICK).fit(cr.read_table(train), "y")
    new = write(tmp_path / "new.csv", ["03/04/2021;7.634", "05/06/2021;8.125"], "day;x;y")
    texts = pd.DataFrame({"day": ["03/04/2021", "05/06/2021"], "x": ["7.634", "8.125"]})
    values = pd.DataFrame({"day": pd.to_datetime(["2021-04-03", "2021-06-05"]), "x": [7634.0, 8125.0]})
    for frame in (texts, texts[:1], model.read(new), values):
        assert model.predict(frame).tolist() == model.predict(values).tolist()[: len(frame)]


def test_validation_texts_are_read_as_the_trainings():
    """An ambiguous text of ``validation=(X, y)`` is read as the training's texts tell."""
    frame = pd.DataFrame({"x": [f"{k + 1}.634,25" for k in range(60)], "y": np.arange(60) / 7})
    rows = pd.DataFrame({"x": [f"{k + 1}.634" for k in range(60)], "y": np.arange(60) / 7})
    costs = []
    for validation in (rows, rows.assign(x=[f"{k + 1}.634,00" for k in range(60)])):
        model = cr.TableRegressor(**QUICK, validation=(validation, "y")).fit(frame, "y")
        costs.append(model.model_.training.validation_costs)
    assert costs[0] == costs[1]


def test_marks_of_gaps_of_the_training_are_gaps_of_a_frame(tmp_path):
    """A model that was trained with ``--missing none,-999`` takes these as gaps in a frame too, and NA as a value."""
    path = tmp_path / "t.csv"
    rows = [f"{-999 if k % 9 == 4 else k},{('NA', 'none', 'Ulm')[k % 3]},{k / 7}\n" for k in range(60)]
    path.write_text("x,town,y\n" + "".join(rows))
    subprocess.run(
        [sys.executable, "-m", "chainrule", "train", path, "--missing", "none,-999", "--networks", "1", "--epochs", "2"],
        check=True, capture_output=True, cwd=tmp_path, env=ENVIRONMENT,
    )  # fmt: skip
    model = cr.load(tmp_path / "t.safetensors")
    told = pd.DataFrame({"x": [-999, 5.0], "town": ["NA", "none"]})
    gaps = pd.DataFrame({"x": [None, 5.0], "town": ["NA", None]})
    assert model.predict(told).tolist() == model.predict(gaps).tolist()
    assert model.predict(told[:1]).tolist() == model.predict(gaps[:1]).tolist()


NO_OPTION = r"^(?!.*(--|kinds=|drop=|missing=|allow_infinite|decimal=))"
"""A message that names no option, since ``predict`` has none."""

REFUSED = {
    "a text among numbers": ({"x": ["1", "two"]}, DataError, "'two' is not a number.*correct it, or make it a gap .None."),
    "an ambiguous number": ({"x": ["7,634", "8,125"]}, DataError, "may be a decimal number.*convert the column to numbers"),
    "infinity": ({"x": [1.0, np.inf]}, DataError, "the number is infinite .*correct it, or make it a gap"),
    "a list": ({"x": [[1], [2]]}, DataTypeError, "cannot be used; .*convert the column$"),
    "complex numbers": ({"x": np.array([1j, 2])}, DataTypeError, "convert the column$"),
    "an ambiguous date": ({"day": ["03/04/2021"] * 2}, DataError, "write dates as YYYY-MM-DD, or convert the column to dates$"),
}


@pytest.mark.parametrize(("column", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_the_advice_at_predict_is_what_the_caller_can_do(column, error, message):
    """A value that the model cannot take is refused with a remedy in the frame itself: ``predict`` has no options."""
    days = np.datetime64("2021-01-01") + np.arange(60)
    model = cr.TableRegressor(**QUICK).fit(pd.DataFrame({"x": np.arange(60) / 7, "day": days, "y": np.arange(60) / 7}), "y")
    for rows in (2, 1):
        new = {"x": [1.5, 2.5], "day": days[:2], **column}
        with pytest.raises(error, match=NO_OPTION + ".*" + message):
            model.predict({name: values[-rows:] for name, values in new.items()})


def test_read_has_named_options(tmp_path):
    """``read`` of the model and of the estimator take the options of ``read_table`` by name, and refuse another name."""
    model = cr.TableRegressor(**QUICK).fit(fractions(), "y")
    path = tmp_path / "new.txt"
    path.write_bytes("x|y\n0,25|1\n?|2\n9,5|3\n".encode("utf-16"))
    told = []
    for read in (model.read, model.model_.read):
        table = read(path, delimiter="|", encoding="utf-16", decimal=",", missing="?", header=True, progress=told.append)
        assert table.column("x") == [0.25, None, 9.5]
        with pytest.raises(TypeError, match=r"read\(\) got an unexpected keyword argument 'kinds'"):
            read(path, kinds={"x": "number"})
    (tmp_path / "infinite.csv").write_text("x\ninf\n2\n")
    assert model.read(tmp_path / "infinite.csv", allow_infinite=True).column("x") == [None, 2.0]
