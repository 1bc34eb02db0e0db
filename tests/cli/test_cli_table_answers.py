"""``predict --out``: the rows as they came, with the answer and its probabilities added."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr

ROWS = [["5.1", "red, dark", "yes"], ["0.2", "blue", "no"], ["4.9", 'red "x"', "yes"], ["", "blue", "no"]] * 15


@pytest.fixture
def model():
    """A model of the file training.csv, which it leaves in the folder."""
    with Path("training.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["size", "colour", "good"], *ROWS])
    table = cr.read_table("training.csv")
    cr.TableClassifier(networks=1, epochs=20, random_state=0).fit(table, "good").save("m.safetensors")
    return cr.load("m.safetensors")


def written(path, delimiter=","):
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_the_rows_come_with_answers(run, model):
    """Every field is as it came, also with quotes and the delimiter in it; the answers are those of ``predict_proba``."""
    status, out, err = run("predict", "m.safetensors", "training.csv", "--out", "answers.csv")
    assert (status, err) == (0, "")
    assert out.startswith("wrote answers.csv: 60 rows of training.csv, with 'predicted good', 'probability no'")
    header, *rows = written("answers.csv")
    assert header == ["size", "colour", "good", "predicted good", "probability no", "probability yes"]
    assert [row[:3] for row in rows] == ROWS
    probabilities = model.predict_proba(cr.read_table("training.csv"))
    np.testing.assert_array_equal(np.array([row[4:] for row in rows], float), probabilities)
    assert [row[3] for row in rows] == model.predict(cr.read_table("training.csv")).tolist()


def test_blank_lines_and_excels_first_line_move_no_answer(run, model):
    """Answers stand beside their own rows where the file has sep=;, blank lines, line breaks in quotes and another delimiter."""
    lines = ["sep=;", "colour;size;note", 'blue;0.2;"two\nlines"', "", "red, dark;5.1;b", "", ""]
    with gzip.open("new.csv.gz", "wt", newline="", encoding="utf-8") as file:
        file.write("\r\n".join(lines))
    status, _, err = run("predict", "m.safetensors", "new.csv.gz", "--out", "answers.csv")
    assert (status, err) == (0, "")
    header, *rows = written("answers.csv", ";")
    assert header[:4] == ["colour", "size", "note", "predicted good"]
    assert [row[:3] for row in rows] == [["blue", "0.2", "two\nlines"], ["red, dark", "5.1", "b"]]
    expected = model.predict({"colour": ["blue", "red, dark"], "size": [0.2, 5.1]}).tolist()
    assert [row[3] for row in rows] == expected == ["no", "yes"]


def test_a_column_named_as_the_answer_is_kept(run, model):
    """An answer's column takes another name where the file has one of that name."""
    Path("new.csv").write_text("size,colour,predicted good\n5.1,blue,old\n0.1,blue,old\n")
    assert run("predict", "m.safetensors", "new.csv", "--out", "answers.csv")[0] == 0
    assert written("answers.csv")[0][:4] == ["size", "colour", "predicted good", "predicted good (chainrule)"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["training.csv", "--out", "training.csv"], "--out names the rows themselves"),
        (["training.csv", "--out", "answers.xlsx"], "--out writes a table, .csv, .txt, .tsv"),
        (["training.csv", "training.csv", "--out", "answers.csv"], "--out takes the rows of one file; 2 are given"),
        (["training.csv", "--out", "nowhere/answers.csv"], "nowhere"),
    ],
)
def test_an_unusable_path_is_refused(run, model, arguments, message):
    """The answers have a file of their own, of a table's ending, in an existing folder; else nothing is written."""
    before = written("training.csv")
    status, out, err = run("predict", "m.safetensors", *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert written("training.csv") == before


def test_values_are_in_the_targets_unit(run):
    """A model of values adds one column, in the unit of its target."""
    Path("t.csv").write_text("x,price\n" + "".join(f"{k},{1000 + 10 * k}\n" for k in range(60)))
    model = cr.TableRegressor(networks=1, epochs=20, random_state=0).fit(cr.read_table("t.csv"), "price")
    model.save("v.safetensors")
    assert run("predict", "v.safetensors", "t.csv", "--out", "a.tsv")[0] == 0
    header, *rows = written("a.tsv", "\t")
    assert header == ["x", "price", "predicted price"]
    np.testing.assert_array_equal([float(row[2]) for row in rows], model.predict(cr.read_table("t.csv")))
