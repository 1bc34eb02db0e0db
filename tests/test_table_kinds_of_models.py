"""New tables with a fitted model: their columns are of the model's kinds, however they were read."""

import json
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import cli
from chainrule.errors import DataError
from chainrule.tables import read as reading
from chainrule.tables.column_kinds import read_as

pytestmark = pytest.mark.filterwarnings("ignore::chainrule.estimators.UnseenValuesWarning")

TRAINING = {
    "code": ["007", "012", "030", "1.0"],
    "mixed": ["1.0", "1", "x", "y"],
    "percent": ["50%", "20%", "5%", "7%"],
    "number": ["1.5", "2.5", "3", "4"],
    "day": ["2021-01-05", "2021-02-06", "2021-03-07", "2021-04-08"],
    "flag": ["yes", "no", "no", "yes"],
    "level": ["-", "Yes", "yes", "n/a?"],
}
KINDS = {"code": "category", "mixed": "category", "level": "category"}

NEW = {
    "one row": {name: values[1:2] for name, values in TRAINING.items()},
    "the other spelling": {**TRAINING, "mixed": ["1", "1", "1.0", "1"], "code": ["12", "7", "30", "1.0"]},
    "numbers where categories were": {**TRAINING, "mixed": ["1.0", "1", "2", "1e0"], "code": ["007", "7", "7.0", "12"]},
    "booleans where categories were": {**TRAINING, "level": ["Yes", "yes", "Yes", "yes"]},
    "gaps where categories were": {**TRAINING, "level": ["-", "-", "-", "-"], "mixed": ["", "", "", ""]},
    "constants": {**TRAINING, "number": ["3"] * 4, "day": ["2021-02-06"] * 4, "percent": ["5%"] * 4, "flag": ["no"] * 4},
    "leading zeros where numbers were": {**TRAINING, "number": ["01", "02", "03", "04"]},
    "gaps where numbers were": {**TRAINING, "number": ["", "-", "", "-"], "day": [""] * 4, "flag": [""] * 4},
}


def write(path, columns):
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    path = write(folder / "training.csv", {name: values * 15 for name, values in TRAINING.items()})
    table = cr.read_table(path, kinds=KINDS)
    model = cr.TableClassifier(networks=2, hidden=(8,), epochs=3, random_state=0, kinds=KINDS).fit(table, ["u", "v", "v", "u"] * 15)
    model.save(folder / "model.safetensors")
    return model, folder / "model.safetensors"


@pytest.mark.parametrize("columns", NEW.values(), ids=NEW)
def test_a_table_read_without_kinds_has_the_answers_of_the_command_line(fitted, columns, tmp_path, capsys):
    """A small table that was read without the model's kinds is read again from its texts, and has the command line's bits."""
    model, path = fitted
    new = write(tmp_path / "new.csv", columns)
    with pytest.raises(SystemExit):
        cli.main(["predict", str(path), str(new), "--json", "--outputs"])
    printed = [list(json.loads(line)["probabilities"].values()) for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_array_equal(model.predict_proba(cr.read_table(new)), printed)
    np.testing.assert_array_equal(model.predict_proba(model.read(new)), printed)


def test_a_read_table_can_be_pickled(tmp_path):
    """A table that was read from a file is copied by pickle with the texts that it may be read from again."""
    table = cr.read_table(write(tmp_path / "new.csv", TRAINING))
    copy = pickle.loads(pickle.dumps(table))  # the bytes are this process's own
    assert copy.kinds == table.kinds
    assert read_as(copy["percent"], "category").to_list() == TRAINING["percent"]


def test_the_decimal_mark_of_other_columns_decides_again(tmp_path):
    """1.234 alone is a thousand and more in a file whose other column has a decimal comma, when it is read again as a number."""
    path = tmp_path / "new.csv"
    path.write_text("a;b\n1.234;0,5\n1.234;1,5\n")
    table = cr.read_table(path)
    assert table.kinds == {"a": "constant", "b": "number"}
    assert read_as(table["a"], "number").to_list() == [1234.0, 1234.0]


def test_numbers_of_a_large_file_are_refused_as_categories(fitted, tmp_path):
    """The texts of a large file's numbers are not kept: as categories they are refused, and ``read`` gives the answers."""
    model, _ = fitted
    count = reading.SMALL_CELLS // 4
    columns = {name: values * count for name, values in TRAINING.items()}
    new = write(tmp_path / "new.csv", {**columns, "code": ["12", "7", "30", "1.0"] * count, "number": ["3"] * 4 * count})
    with pytest.raises(DataError, match=r"column 'code' was read as a number, but must be a category, .* model\.read\(path\)"):
        model.predict(cr.read_table(new))
    expected = model.predict_proba({**TRAINING, "code": ["12", "7", "30", "1.0"], "number": [3.0] * 4})
    np.testing.assert_array_equal(model.predict_proba(model.read(new))[:4], expected)


def test_a_constant_of_a_large_file_is_the_number_that_it_was(tmp_path):
    """A column that is a constant in a large file, and was numbers in training, is read as its numbers."""
    count = reading.SMALL_CELLS
    new = write(tmp_path / "new.csv", {"a": ["2.5"] * count, "b": ["1", "2"] * (count // 2)})
    table = cr.read_table(new).take(slice(0, 3))
    assert table.kinds["a"] == "constant"
    assert read_as(table["a"], "number").to_list() == [2.5, 2.5, 2.5]
    with pytest.raises(DataError, match="column 'a' was read as a constant, but must be a category"):
        read_as(table["a"], "category")


@pytest.mark.parametrize("flags", [["0", "1", "", "1"], ["1", "1", "1", "1"], ["1.0", "1.0", "1.0", "1.0"]])
def test_0_and_1_of_a_large_file_are_booleans(fitted, tmp_path, flags):
    """A column of 0 and 1, or of 1 alone, in a large file is boolean where the model learnt yes and no."""
    model, _ = fitted
    count = reading.SMALL_CELLS // 4
    new = write(
        tmp_path / "new.csv", {name: values * count for name, values in {**TRAINING, "flag": flags, "code": ["007"] * 4}.items()}
    )
    truth = [{"0": False, "": None}.get(flag, True) for flag in flags]
    expected = model.predict_proba({**TRAINING, "flag": truth, "code": ["007"] * 4})
    np.testing.assert_array_equal(model.predict_proba(cr.read_table(new, kinds=KINDS))[:4], expected)


def test_other_numbers_of_a_large_file_are_not_booleans(fitted, tmp_path):
    """A column of 0, 1 and 2 is refused where the model learnt yes and no."""
    model, _ = fitted
    count = reading.SMALL_CELLS // 4
    new = write(tmp_path / "new.csv", {name: values * count for name, values in {**TRAINING, "flag": ["0", "1", "2", "1"]}.items()})
    with pytest.raises(DataError, match="column 'flag': '0' is not a boolean"):
        model.predict(cr.read_table(new, kinds=KINDS))
