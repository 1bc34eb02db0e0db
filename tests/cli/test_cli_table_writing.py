"""A model's later files: what their few rows leave open is read as the training's file tells, and a contradiction is said."""

from pathlib import Path

import pytest

import chainrule as cr

FAST = ("--networks", "1", "--epochs", "3", "--hidden", "8", "--quiet")


def train(run, cells, name="x", beside="", rows=60, delimiter=";"):
    """Train on a file t.csv whose column x cycles through some texts, perhaps beside one of decimal commas."""
    lines = [delimiter.join([cells[k % len(cells)], *([f"{k},25"] if beside else []), "pq"[k % 2]]) for k in range(rows)]
    Path("t.csv").write_text("\n".join([delimiter.join(filter(None, [name, beside, "y"])), *lines]), encoding="utf-8")
    status, _, err = run("train", "t.csv", *FAST)
    assert (status, err) == (0, "")


def value_of(run, text, *options, name="x", ending="csv"):
    """Give the value of x that explain tells for the only row of a new file, and the messages of predict for it."""
    Path(f"new.{ending}").write_text(text, encoding="utf-8")
    status, _, err = run("predict", "t.safetensors", f"new.{ending}", *options)
    assert status == 0, err
    with_target = text.splitlines()[0] + ";y\n" + text.splitlines()[1] + ";p\n"
    Path("new.csv").write_text(with_target, encoding="utf-8")
    status, out, said = run("explain", "t.safetensors", "--data", "new.csv", *options)
    assert status == 0, said
    cells = next(line.split() for line in out.splitlines() if line.strip().startswith(f"{name} "))
    return " ".join(cells[2:-2]), err


WRITTEN = {
    "thousands by points": (["1.234,5", "900.000", "17", "2,25"], "900.000", "900000"),
    "thousands by commas": (['"1,234.5"', '"900,000"', "17", "2.25"], '"900,000"', "900000"),
    "decimal commas": (["1,5", "2,25", "3,125"], "3,125", "3.125"),
    "decimal points": (["1.5", "2.25", "3.125"], "3.125", "3.125"),
    "negative amounts in parentheses": (['"(5.00)"', "6.00", "7.50"], '"(5.00)"', "-5"),
    "day first": (["13/04/2021", "03/04/2021", "07/08/2021"], "03/04/2021", "2021-04-03"),
    "month first": (["04/13/2021", "03/04/2021", "07/08/2021"], "03/04/2021", "2021-03-04"),
    "a minus of Unicode": (["\u22125", "6", "7"], "\u22125", "-5"),
    "marks of gaps among numbers": (["?", "-", "7", "8", "9"], "-", "(missing)"),
    "percent": (["5%", "6%", "7,5%"], "7,125%", "7.125"),
}


@pytest.mark.parametrize(("cells", "cell", "value"), WRITTEN.values(), ids=WRITTEN)
def test_what_one_row_leaves_open_is_read_as_in_training(run, cells, cell, value):
    """The decimal mark, the order of dates and the signs that the training's file told hold for a later file of one row."""
    train(run, cells)
    assert value_of(run, f"x;z\n{cell};0\n") == (value, "")


def test_integers_are_written_as_the_other_columns_of_the_training(run):
    """Where a column of the training holds integers alone, its decimal mark is that of the other columns."""
    train(run, ["900", "17", "5"], beside="price")
    assert value_of(run, "x;price\n1.200;3\n") == ("1200", "")


def test_a_later_file_in_another_writing_is_read_by_its_own(run):
    """Values that can be read in one way only are read so, whatever the training's file was."""
    train(run, ["1.234,5", "900.000", "17"])
    assert value_of(run, 'x;z\n"1,234.5";0\n') == ("1234.5", "")


def test_a_contradiction_between_training_and_the_other_columns_is_refused(run):
    """Where the other columns of a later file tell another decimal mark than the training, an ambiguous number is refused."""
    train(run, ["1.234,5", "900.000"], beside="price")
    Path("new.csv").write_text("x;price\n900.000;2.5\n")
    status, out, err = run("predict", "t.safetensors", "new.csv")
    assert (status, out) == (2, "")
    assert "line 2, column 'x': '900.000' may be a decimal number" in err
    assert "--decimal" in err


CONTRADICTIONS = {
    "decimal": (
        ["1.234,5", "900.000"],
        "900.000",
        ("--decimal", "."),
        "900",
        "the decimal mark is '.', and in",
    ),
    "dates": (
        ["13/04/2021", "03/04/2021"],
        "03/04/2021",
        ("--month-first",),
        "2021-03-04",
        "in dates the month stands first, and in training the day did",
    ),
}


@pytest.mark.parametrize(("cells", "cell", "options", "value", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_an_option_that_contradicts_the_training_is_obeyed_and_said(run, cells, cell, options, value, said):
    """An option decides what a file leaves open, and a line says that the training's file was written otherwise."""
    train(run, cells)
    found, err = value_of(run, f"x;z\n{cell};0\n", *options)
    assert found == value
    assert f"new.csv: column 'x': {said}" in err


def test_other_marks_of_gaps_than_those_of_the_training_are_said(run):
    """--missing takes the place of the training's marks, and a line names both."""
    Path("t.csv").write_text("x,y\n" + "-9,p\n1,q\n2,p\n" * 20)
    assert run("train", "t.csv", "--missing=-9", *FAST)[0] == 0
    Path("new.csv").write_text("x\n-9\n")
    status, _, err = run("predict", "t.safetensors", "new.csv", "--missing", "none")
    assert status == 0
    assert "new.csv: the marks of gaps are none, and in training they were -9" in err


@pytest.mark.parametrize(("cells", "cell"), [(["5%", "6%", "7%"], "0.05"), (["$5", "$6"], "5"), (["5", "6"], "5%")])
def test_numbers_of_another_unit_are_refused(run, cells, cell):
    """5 % is not 0.05: numbers without the unit of the training's, or with another, are refused."""
    train(run, cells)
    Path("new.csv").write_text(f"x;y\n{cell};p\n")
    for command in (["predict", "t.safetensors", "new.csv"], ["evaluate", "t.safetensors", "new.csv"]):
        status, out, err = run(*command)
        assert (status, out) == (2, "")
        assert "column 'x': its numbers have" in err
    assert run("explain", "t.safetensors", "--data", "new.csv")[0] == 2


def test_a_table_of_python_knows_how_the_training_was_written(tmp_path):
    """A table that was read apart from the model is refused where its decimal mark was assumed, and is not that of the training."""
    (tmp_path / "t.csv").write_text("x,y\n" + '"1.234,5",p\n900.000,q\n' * 20)
    (tmp_path / "new.csv").write_text("x\n900.000\n")
    model = cr.TableClassifier(networks=1, epochs=2, hidden=(8,)).fit(cr.read_table(tmp_path / "t.csv"), "y")
    model.save(tmp_path / "m.safetensors")
    for loaded in (model, cr.load(tmp_path / "m.safetensors")):
        with pytest.raises(cr.errors.DataError, match=r"were read with '\.'; in training it was ','.*decimal="):
            loaded.predict(cr.read_table(tmp_path / "new.csv"))
        assert len(loaded.predict(cr.read_table(tmp_path / "new.csv", decimal=","))) == 1


@pytest.mark.parametrize("row", ["39, State-gov", "red, dark", "1, 0"])
def test_one_row_without_a_header_is_a_row(run, row):
    """A model of a file without a header takes the first line of a later one as a row, also where it is the only one."""
    Path("t.csv").write_text("39, State-gov, p\n50, Private, q\n" * 30)
    assert run("train", "t.csv", *FAST)[0] == 0
    Path("new.csv").write_text(f"{row if row[0].isdigit() else '7, red'}\n")
    assert run("predict", "t.safetensors", "new.csv")[1].count("\n") == 1


def test_a_header_is_known_by_the_names_of_the_model(run, run_json):
    """Where the first line holds the names that the model learnt, it is the header, though names are years and rows are numbers."""
    Path("t.csv").write_text("2019,2020,y\n" + "1,2,p\n3,4,q\n" * 30)
    assert run("train", "t.csv", "--header", *FAST)[0] == 0
    Path("new.csv").write_text("2019,2020\n1,2\n")
    assert len(run_json("predict", "t.safetensors", "new.csv")) == 1


@pytest.mark.parametrize("option", ["--drop", "--number", "--category", "--date", "--text"])
@pytest.mark.parametrize("command", ["train", "columns", "predict", "evaluate"])
def test_an_option_for_a_column_that_does_not_exist_names_the_nearest(run, command, option):
    """A misspelt column of --drop, --number, --category, --date or --text is refused by every command."""
    Path("t.csv").write_text("size,colour,y\n" + "1,a,p\n2,b,q\n" * 30)
    assert run("train", "t.csv", *FAST)[0] == 0
    arguments = {"train": ["t.csv"], "columns": ["t.csv"]}.get(command, ["t.safetensors", "t.csv"])
    status, out, err = run(command, *arguments, option, "colou")
    assert (status, out) == (2, "")
    assert "unknown column 'colou'; did you mean 'colour'?" in err


def test_another_kind_than_that_of_the_training_is_refused(run):
    """--category for a column that the model learnt as a number is refused."""
    Path("t.csv").write_text("size,colour,y\n" + "1,a,p\n2,b,q\n" * 30)
    assert run("train", "t.csv", *FAST)[0] == 0
    status, _, err = run("predict", "t.safetensors", "t.csv", "--category", "size")
    assert status == 2
    assert "--category names the column 'size', which the model learnt as number" in err


@pytest.mark.parametrize("given", ["e\u0301", "\u00e9"])
@pytest.mark.parametrize("stored", ["e\u0301", "\u00e9"])
def test_names_are_equal_in_any_form_of_unicode(run, run_json, given, stored):
    """A name with an accent, composed or not, is found in a file that has the other form, as target, in --category and --drop."""
    Path("t.csv").write_text(f"size,n{stored},{stored}\n1,1,p\n2,2,q\n" * 1 + "1,1,p\n2,2,q\n" * 30, encoding="utf-8")
    assert run("train", "t.csv", "--target", given, "--category", f"n{given}", *FAST)[0] == 0
    assert run_json("evaluate", "t.safetensors", "t.csv", "--target", given)[0]["accuracy"] > 0
    assert len(run_json("predict", "t.safetensors", "t.csv", "--category", f"n{given}")) == 62
    assert run("train", "t.csv", "--target", given, "--drop", f"n{given}", *FAST)[0] == 0


def test_the_advice_on_a_value_that_does_not_fit_can_be_followed(run):
    """Predict names no option that it refuses: neither another kind of the column, nor leaving it out."""
    train(run, ["5,5", "6,5", "7,5"])
    Path("new.csv").write_text("x;y\nviel;p\n")
    status, _, err = run("predict", "t.safetensors", "new.csv")
    assert status == 2
    assert "'viel'" in err
    assert "--missing" in err
    assert "--category" not in err
    assert "--drop" not in err
    assert run("predict", "t.safetensors", "new.csv", "--missing", "viel")[0] == 0
    status, _, err = run("predict", "t.safetensors", "new.csv", "--drop", "x")
    assert status == 2
    assert "--drop names the column 'x', from which the model predicts" in err


UNITS = {
    "numbers of a small file": (["5%", "6%", "7,5%"], "x;z\n6,5;1\n", "6.5"),
    "one value in all rows": (["5%", "6%", "7,5%"], "x;z\n6;1\n", "6"),
    "an amount": (["$5", "$6"], "x;z\n5;1\n", "5"),
}


@pytest.mark.parametrize(("cells", "text", "value"), UNITS.values(), ids=UNITS)
def test_the_unit_of_numbers_without_one_can_be_told(run, cells, text, value):
    """Numbers without the unit of the training are refused, and the option that the message names takes them as of this unit."""
    train(run, cells)
    Path("new.csv").write_text(text)
    status, _, err = run("predict", "t.safetensors", "new.csv")
    unit = "%" if "%" in cells[0] else "$"
    assert status == 2
    assert f"convert them, and write them as in training, or say that this is their unit too (--units 'x'={unit}, units=)" in err
    assert value_of(run, text, "--units", f"x={unit}") == (value, "")
    with pytest.raises(cr.errors.DataError, match="its numbers have no unit, but in training"):
        cr.load("t.safetensors").predict(cr.read_table("new.csv", columns=["x"], kinds={"x": "number"}))
    model = cr.load("t.safetensors")
    assert len(model.predict(model.read("new.csv", units={"x": unit}))) == 1


def test_a_unit_told_in_training_holds_for_later_files(run):
    """The unit of --units is that of the training: a file with it and one without it are read, and another unit is refused."""
    train(run, ["5", "6", "7"])
    assert run("train", "t.csv", "--units", "x=%", *FAST)[0] == 0
    assert value_of(run, "x;z\n5%;1\n") == value_of(run, "x;z\n5;1\n") == ("5", "")
    Path("new.csv").write_text("x;z\n$5;1\n")
    status, _, err = run("predict", "t.safetensors", "new.csv")
    assert status == 2
    assert "line 2, column 'x': '$5' has another unit than the one that is required, %; convert the column, or name its own" in err
    status, _, err = run("predict", "t.safetensors", "new.csv", "--units", "x=$")
    assert status == 2
    assert "its numbers have the unit $, but in training they had the unit %; convert them, and write them as in training\n" in err


def test_a_large_file_without_the_unit_is_read_with_it(run, monkeypatch):
    """The unit that is told holds for columns that are read as numbers at once, too."""
    from chainrule.tables import read

    train(run, ["5%", "6%", "7%"])
    monkeypatch.setattr(read, "SMALL_CELLS", 0)
    Path("new.csv").write_text("x;z\n" + "5;1\n6;1\n" * 20)
    assert run("predict", "t.safetensors", "new.csv")[0] == 2
    status, out, err = run("predict", "t.safetensors", "new.csv", "--units", "x=%")
    assert (status, out.count("\n"), err) == (0, 40, "")


@pytest.mark.parametrize(
    ("given", "says"),
    [("x", "--units takes a column and its unit, such as rate=%; it is 'x'"), ("x=", "it is 'x='"), ("z=%", "unknown column 'z'")],
)
@pytest.mark.parametrize("command", [["train", "t.csv"], ["columns", "t.csv"], ["predict", "t.safetensors", "t.csv"]])
def test_a_wrong_unit_is_refused(run, given, says, command):
    """A unit without its column, or of a column that does not exist, is refused in one line."""
    train(run, ["5%", "6%", "7%"])
    status, out, err = run(*command, "--units", given)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
