"""``predict --out``: the rows as they came, with the answer and its probabilities added."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.estimators import UnseenValuesWarning

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


RAW = {
    "texts that read_table would change": ("size,colour,e\u0301\n1234567.10,blue,NA\n01, red ,\n 2.50,red,1e400\n", "csv"),
    "tabs": ("colour\tsize\tnote\n blue\t1.0\ta, b\n  red\t0.50\t\n", "tsv"),
    "semicolons": ("size;colour;when\n1,50; blue;01/02/2021\n2,25;red;?\n", "txt"),
    "one column": ("size\n1.0\n 02\n", "tsv"),
    "no header": ("5.10, blue, no\n0.2,red,yes\n", "csv"),
}


@pytest.mark.parametrize(("text", "ending"), RAW.values(), ids=RAW)
def test_every_character_of_a_row_is_kept(run, text, ending):
    """Each line begins with the line as it came, with its blanks, zeros and marks of gaps; the delimiter is the file's."""
    Path(f"new.{ending}").write_text(text, encoding="utf-8")
    numbered = text[0].isdigit()
    train = {"0": [0.1, 5.0] * 20, "y": ["no", "yes"] * 20} if numbered else {"size": [0.1, 5.0] * 20, "y": ["no", "yes"] * 20}
    name = "0" if numbered else "size"
    cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0).fit({name: train[name]}, train["y"]).save("n.safetensors")
    assert run("predict", "n.safetensors", f"new.{ending}", "--out", f"answers.{ending}")[0] == 0
    delimiter = {"txt": ";", "tsv": "\t", "csv": ","}[ending]
    for line, row in zip(Path(f"answers.{ending}").read_text(encoding="utf-8").splitlines(), text.splitlines(), strict=True):
        assert line.startswith(row + delimiter)
        assert line.removeprefix(row).count(delimiter) == 3


@pytest.mark.parametrize("line", ['"size", "colour", "note"', ' "size","colour","note"'])
def test_a_quote_after_a_blank_opens_a_quoted_field(run, model, line):
    """In a file with a blank before a quote, the delimiter inside the quotes divides nothing, as where the rows are read."""
    Path("new.csv").write_text(line + '\n5.1, "red, dark", "x"\n0.2, "blue", "y"\n')
    assert run("predict", "m.safetensors", "new.csv", "--out", "answers.csv")[0] == 0
    header, *rows = written("answers.csv")
    assert [header[:3], *(row[:3] for row in rows)] == [["size", "colour", "note"], ["5.1", "red, dark", "x"], ["0.2", "blue", "y"]]


def test_objects_keep_their_text(run, model):
    """Answers are keys after those of the line's object, whose text is unchanged: digits, order, nested values, types."""
    lines = [
        '{"id": 1234567, "colour": "red, dark", "size": 5.10, "tags": ["a", {"b": 1}], "odd": 1}',
        '{"size":0.2,"colour":"blue","id":9007199254740993,"odd":"NA","big":1e400,"predicted good":"old"}',
        "",
        "{ }",
    ]
    with gzip.open("new.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\r\n".join(lines))
    status, out, _ = run("predict", "m.safetensors", "new.jsonl.gz", "--out", "answers.jsonl")
    assert status == 0
    assert "3 rows of new.jsonl.gz, with 'predicted good (chainrule)'" in out
    found = Path("answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert [line.startswith(row[:-1].strip()) for line, row in zip(found, filter(None, lines), strict=True)] == [True] * 3
    added = [list(json.loads(line).items())[-3:] for line in found]
    table = {"size": [5.1, 0.2, None], "colour": ["red, dark", "blue", None]}
    with pytest.warns(UnseenValuesWarning, match="'colour' has 1 gap"):
        assert [entries[0] for entries in added] == [("predicted good (chainrule)", one) for one in model.predict(table)]
    probabilities = [[value for name, value in entries[1:]] for entries in added]
    with pytest.warns(UnseenValuesWarning, match="'colour' has 1 gap"):
        np.testing.assert_array_equal(probabilities, model.predict_proba(table))
    assert len(json.loads(found[2])) == 3


def test_a_column_named_as_the_answer_is_kept(run, model):
    """An answer's column takes another name where the file has one of that name."""
    Path("new.csv").write_text("size,colour,predicted good\n5.1,blue,old\n0.1,blue,old\n")
    assert run("predict", "m.safetensors", "new.csv", "--out", "answers.csv")[0] == 0
    assert written("answers.csv")[0][:4] == ["size", "colour", "predicted good", "predicted good (chainrule)"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["training.csv", "--out", "training.csv"], "--out names the rows themselves"),
        (
            ["training.csv", "--out", "answers.xlsx"],
            "are text, and with their answers are written as .csv, .tsv",
        ),
        (["training.csv", "--out", "answers.parquet"], "are text, and with their answers are written as .csv, .tsv, .txt, .data"),
        (["training.csv", "--out", "answers.jsonl"], "are text, and with their answers are written as .csv, .tsv, .txt, .data"),
        (["new.jsonl", "--out", "answers.csv"], "are lines of JSON, and with their answers are written as .jsonl, .ndjson"),
        (
            ["new.parquet", "--out", "answers.csv.gz"],
            "are parquet, and with their answers are written as .parquet, .csv, .tsv, .txt",
        ),
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


@pytest.mark.filterwarnings("ignore::chainrule.estimators.UnseenValuesWarning")  # of the estimator, compared below
@pytest.mark.parametrize("ending", ["parquet", "csv", "tsv"])
def test_rows_of_parquet_come_with_answers(run, model, ending):
    """Rows of parquet keep their order and their types of every kind, and in text their values; the answers are those of Python."""
    n = 30_000
    frame = pd.DataFrame(
        {
            "colour": (["blue", "red, dark", None] * n)[:n],
            "size": np.arange(n) / 7,
            "when": pd.date_range("2020-01-01", periods=n, freq="h"),
            "count": np.arange(n) + 2**60,
            "Predicted Good": "old",
        }
    )
    expected = frame.assign(took=np.arange(n))
    frame["took"] = pd.to_timedelta(np.arange(n), unit="us").astype("timedelta64[us]")
    frame.to_parquet("new.parquet", index=False, row_group_size=1000)
    status, out, err = run("predict", "m.safetensors", "new.parquet", "--out", f"answers.{ending}")
    assert status == 0, err
    assert "durations became whole numbers of their unit, in 1 column: 'took'" in err
    assert "30,000 rows of new.parquet, with 'predicted good (chainrule)', 'probability no'" in out
    dtypes = {"count": "int64"}
    found = (
        pd.read_parquet("answers.parquet")
        if ending == "parquet"
        else pd.read_csv(f"answers.{ending}", sep="\t" if ending == "tsv" else ",", parse_dates=["when"], dtype=dtypes)
    )
    pd.testing.assert_frame_equal(found[list(frame)], expected, check_dtype=False)
    np.testing.assert_array_equal(found["predicted good (chainrule)"], model.predict(frame))
    np.testing.assert_array_equal(found[["probability no", "probability yes"]], model.predict_proba(frame))
    if ending == "parquet":
        assert (found.dtypes[list(frame)].astype(str) == expected.dtypes.astype(str)).all()


def test_columns_of_parquet_that_differ_in_case_alone_are_refused(run, model):
    """DuckDB would rename one of size and Size, so that the rows would not be as they came; nothing is written."""
    pd.DataFrame({"size": [1.0], "Size": [2.0], "colour": ["red"]}).to_parquet("new.parquet")
    status, out, err = run("predict", "m.safetensors", "new.parquet", "--out", "answers.parquet")
    assert (status, out) == (2, "")
    assert "'size' and 'Size' differ in the case of letters only" in err
    assert sorted(path.name for path in Path().iterdir()) == ["m.safetensors", "new.parquet", "training.csv"]


@pytest.mark.parametrize(("source", "answers"), [("new.csv", "a.csv.gz"), ("new.data", "a.data"), ("new.ndjson", "a.jsonl.gz")])
def test_answers_are_packed_as_their_ending_says(run, model, source, answers):
    """Answers of text and of lines of JSON are packed with gzip where their path ends in .gz."""
    rows = '{"size": 1, "colour": "blue"}\n' if "json" in source else "size,colour\n1,blue\n"
    Path(source).write_text(rows)
    assert run("predict", "m.safetensors", source, "--out", answers)[0] == 0
    data = Path(answers).read_bytes()
    text = (gzip.decompress(data) if answers.endswith(".gz") else data).decode()
    assert text.startswith(rows.splitlines()[0].removesuffix("}"))
    assert "predicted good" in text


def test_the_header_is_found_by_the_marks_that_are_given(run):
    """Where a mark of --missing stands in the first line, it is a row in the answers too, as where the rows are read."""
    Path("t.csv").write_text("x,1,p\nz,2,q\n" * 30)
    assert run("train", "t.csv", "--networks", "1", "--epochs", "2", "--hidden", "8", "--quiet")[0] == 0
    Path("new.csv").write_text("x,gone,p\nx,1,p\nz,2,q\n")
    read = run("predict", "t.safetensors", "new.csv", "--missing", "gone")[1].splitlines()
    assert run("predict", "t.safetensors", "new.csv", "--missing", "gone", "--out", "answers.csv")[0] == 0
    assert len(written("answers.csv")) == len(read) == 3


def test_json_says_what_was_written(run, run_json, model):
    """With --json the line for people is one object; the file is the same, with --outputs too: it holds all probabilities."""
    assert run("predict", "m.safetensors", "training.csv", "--out", "plain.csv")[0] == 0
    (said,) = run_json("predict", "m.safetensors", "training.csv", "--out", "answers.csv", "--outputs")
    added = ["predicted good", "probability no", "probability yes"]
    assert said == {"file": "training.csv", "out": "answers.csv", "rows": 60, "added": added}
    assert Path("answers.csv").read_bytes() == Path("plain.csv").read_bytes()


GERMAN = {
    "decimal commas": ("größe;farbe\n5,1;blau\n0,25;rot\n", "größe;farbe\n0,5;blau\n12,25;rot\n", ","),
    "decimal points": ("größe;farbe\n5.1;blau\n0.25;rot\n", "größe;farbe\n0.5;blau\n12.25;rot\n", "."),
    "points after commas": ("größe;farbe\n5,1;blau\n0,25;rot\n", "größe;farbe\n0.5;blau\n12.25;rot\n", "."),
    "whole numbers after commas": ("größe;farbe\n5,1;blau\n0,25;rot\n", "größe;farbe\n5;blau\n12;rot\n", ","),
    "whole numbers between commas": ("größe;farbe\n5,1;blau\n0,25;rot\n", "größe,farbe\n5,blau\n12,rot\n", "."),
    "quoted commas": ("größe;farbe\n5.1;blau\n0.25;rot\n", 'größe,farbe\n"0,5",blau\n"12,25",rot\n', ","),
    "thousands": ("größe;farbe\n5,1;blau\n0,25;rot\n", "größe;farbe\n1.000;blau\n1.500;rot\n", ","),
}


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(("training", "rows", "mark"), GERMAN.values(), ids=GERMAN)
def test_answers_have_the_decimal_mark_of_the_rows(run, run_json, training, rows, mark, task):
    """Answers are written as the file writes its numbers, are read back to the same bits, and keep the file's fields apart."""
    header, *lines = training.splitlines()
    comma = "," in lines[0]
    target = [
        ("1,5" if comma else "1.5", "2,25" if comma else "2.25")[k % 2] if task == "regression" else "pq"[k % 2] for k in range(60)
    ]
    Path("t.csv").write_text("\n".join([f"{header};y", *(f"{lines[k % 2]};{target[k]}" for k in range(60))]), encoding="utf-8")
    assert run("train", "t.csv", "--task", task, "--networks", 1, "--epochs", 3, "--hidden", 8, "--quiet")[0] == 0
    Path("new.csv").write_text(rows, encoding="utf-8")
    delimiter = ";" if ";" in rows else ","
    printed = run_json("predict", "t.safetensors", "new.csv", "-a")
    expected = [[one["value"]] if "value" in one else list(one["probabilities"].values()) for one in printed]
    assert run("predict", "t.safetensors", "new.csv", "--out", "answers.csv")[0] == 0
    found = written("answers.csv", delimiter)
    assert [row[:2] for row in found] == [row[:2] for row in written("new.csv", delimiter)]
    numbers = [row[2:] if task == "regression" else row[3:] for row in found[1:]]
    assert all(mark in text and (".,".replace(mark, "")) not in text for row in numbers for text in row)
    assert [[float(text.replace(",", ".")) for text in row] for row in numbers] == expected
    again = cr.read_table("answers.csv", delimiter=delimiter)
    assert [list(row) for row in zip(*(again.column(name) for name in found[0][-len(expected[0]) :]), strict=True)] == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_answers_have_the_encoding_of_the_rows(run, encoding, packed):
    """Names, rows and classes with letters beyond ASCII are written in the file's encoding, with its mark, as Excel needs it."""
    y = ["groß", "klein"] * 20
    cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0).fit({"größe": [5.0, 1.0] * 20}, y).save("m.safetensors")
    data = "größe;wort\n1,5;süß\n5,5;öde\n".encode(encoding)
    Path("new.csv").write_bytes(data)
    given = ["--encoding", encoding] if encoding in ("latin-1", "cp1252") else []
    out = "answers.csv.gz" if packed else "answers.csv"
    assert run("predict", "m.safetensors", "new.csv", *given, "--out", out)[0] == 0
    found = gzip.decompress(Path(out).read_bytes()) if packed else Path(out).read_bytes()
    assert found.startswith(data[: len("größe;wort".encode(encoding))])
    lines = found.decode(encoding).splitlines()
    assert lines[0] == "größe;wort;predicted target;probability groß;probability klein"
    assert [line.split(";")[1] for line in lines[1:]] == ["süß", "öde"]
    assert {line.split(";")[2] for line in lines[1:]} <= {"groß", "klein"}


def test_a_class_that_the_encoding_lacks_is_refused(run):
    """A class that the rows' encoding cannot write is named, with the remedy, and nothing is written."""
    y = ["≥ 5", "< 5"] * 20
    cr.TableClassifier(networks=1, hidden=(8,), epochs=2, random_state=0).fit({"x": [5.0, 1.0] * 20}, y).save("m.safetensors")
    Path("new.csv").write_bytes("x;größe\n1,5;3\n".encode("latin-1"))
    status, out, err = run("predict", "m.safetensors", "new.csv", "--encoding", "latin-1", "--out", "answers.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "answers.csv has the encoding of the rows, latin-1, in which there is no '≥'; save the rows as UTF-8" in err
    assert sorted(path.name for path in Path().iterdir()) == ["m.safetensors", "new.csv"]
