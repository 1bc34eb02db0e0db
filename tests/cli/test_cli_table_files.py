"""A model's later files: read with the options of its training, in the positions of its columns, and recognized or not."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

FAST = ("--networks", "1", "--quiet")


def test_the_marks_of_the_training_hold_for_every_file(run, run_json):
    """A gap's mark that the training was given is a gap in predict, in evaluate of a copy, and beside other options."""
    rng = np.random.default_rng(0)
    x = [str(-999) if k % 3 == 0 else f"{v:.2f}" for k, v in enumerate(rng.uniform(0, 10, 300))]
    rows = [f"{value},{'gone' if value == '-999' else 'a' if float(value) > 5 else 'b'}" for value in x]
    Path("mm.csv").write_text("\n".join(["x,y", *rows]))
    assert run("train", "mm.csv", "--missing=-999", *FAST)[0] == 0
    Path("new.csv").write_text("x\n-999\n6\n")
    labels = [entry["label"] for entry in run_json("predict", "mm.safetensors", "new.csv")]
    assert labels == ["gone", "a"]
    Path("copy.csv").write_bytes(Path("mm.csv").read_bytes())
    assert run_json("evaluate", "mm.safetensors", "copy.csv")[0]["accuracy"] > 0.95
    assert run_json("evaluate", "mm.safetensors", "--encoding", "utf-8")[0]["accuracy"] > 0.95


def test_the_order_of_dates_of_the_training_holds_for_every_file(run, run_json):
    """Dates that could be read in two ways are read as in the training."""
    rows = [f"{1 + k % 12:02}/{1 + k % 9:02}/2021,{'late' if k % 9 > 4 else 'early'}" for k in range(200)]
    Path("d.csv").write_text("\n".join(["day,y", *rows]))
    assert run("train", "d.csv", "--day-first", *FAST)[0] == 0
    Path("new.csv").write_text("day\n03/09/2021\n09/03/2021\n")
    assert [entry["label"] for entry in run_json("predict", "d.safetensors", "new.csv")] == ["late", "early"]


def test_a_file_without_a_header_must_have_the_columns_of_the_training(run):
    """Where columns have no names, a file without the target's column is refused: its columns would be others."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(100, 3)).round(2).tolist()
    rows = [f"{'p' if b > 0 else 'n'},{a},{b},{c}" for a, b, c in values]
    Path("hl.csv").write_text("\n".join(rows))
    assert run("train", "hl.csv", "--target", "0", *FAST)[0] == 0
    Path("new.csv").write_text("\n".join(row.partition(",")[2] for row in rows))
    status, out, err = run("predict", "hl.safetensors", "new.csv", "--out", "answers.csv")
    assert (status, out) == (2, "")
    assert "new.csv has 3 columns, but the model learnt from a file without a header and with 4 columns" in err
    Path("empty.csv").write_text("\n".join(f",{row.partition(',')[2]}" for row in rows))
    assert run("predict", "hl.safetensors", "empty.csv")[0] == 0


@pytest.mark.parametrize("change", ["reordered", "longer"])
def test_a_training_file_that_has_changed_has_no_test_rows(run, run_json, change):
    """The test rows are those of the file as it was; of a changed file all rows are evaluated, and the report says so."""
    rng = np.random.default_rng(2)
    rows = [f"{a:.3f},{'p' if b > 0 else 'n'}" for a, b in rng.normal(size=(120, 2))]
    Path("t.csv").write_text("\n".join(["x,y", *rows]))
    assert run("train", "t.csv", *FAST)[0] == 0
    assert run_json("evaluate", "t.safetensors")[0]["data"] == "the test rows of t.csv"
    if change == "reordered":
        random.Random(0).shuffle(rows)
    else:
        rows.append("0.5,p")
    Path("t.csv").write_text("\n".join(["x,y", *rows]))
    report = run_json("evaluate", "t.safetensors")[0]
    assert report["data"] == "all rows of t.csv, which has changed since the training"
    assert report["rows"] == len(rows)


def test_a_value_beyond_the_trainings_is_explained_as_predicted(run, run_json):
    """The explanation tells the value that predict tells, and the value before its limits."""
    Path("v.csv").write_text("x,y\n" + "".join(f"{k},{k}\n" for k in range(100)))
    assert run("train", "v.csv", "--epochs", "40", *FAST)[0] == 0
    Path("far.csv").write_text("x,y\n100000,7\n")
    (answer,) = run_json("predict", "v.safetensors", "far.csv")
    status, out, err = run("explain", "v.safetensors", "--data", "far.csv")
    assert (status, err) == (0, "")
    assert f"predicted {answer['value']:.6g}" in out


def test_the_test_rows_do_not_limit_the_predictions(run):
    """The range, the mean and the scale of a model of values are those of the rows that it is trained on."""
    from chainrule.cli.table_source import read_target, split_for_test
    from chainrule.loading import load_model
    from chainrule.tables.read import read_table

    Path("v.csv").write_text("x,y\n" + "".join(f"{k},{k * k}\n" for k in range(100)))
    assert run("train", "v.csv", "--epochs", "2", *FAST)[0] == 0
    table = read_table("v.csv")
    seed = next(seed for seed in range(100) if 99 in split_for_test(table, read_target(table, "y", None), seed).test_rows)
    assert run("train", "v.csv", "--epochs", "2", "--seed", str(seed), *FAST)[0] == 0
    split = split_for_test(table, read_target(table, "y", None), seed)
    seen = table["y"].data[split.rows[split.train_places]]
    target = load_model("v.safetensors").target
    assert (target.low, target.high, target.mean) == (seen.min(), seen.max(), pytest.approx(seen.mean()))
    assert target.high < 99 * 99


def test_a_column_of_the_model_is_not_compared_with(run):
    """--target of evaluate names a column that the model does not predict from."""
    Path("t.csv").write_text("a,b,y\n" + "".join(f"{k % 7},{k % 5},{'p' if k % 7 > 3 else 'n'}\n" for k in range(60)))
    assert run("train", "t.csv", *FAST)[0] == 0
    status, out, err = run("evaluate", "t.safetensors", "--target", "b")
    assert (status, out) == (2, "")
    assert "--target names 'b', from which the model predicts" in err


def headless(run):
    """Train a model on a file without a header, of a number, a category and the target."""
    Path("t.csv").write_text("".join(f"{k % 7},{'ab'[k % 2]},{'pq'[k % 7 > 3]}\n" for k in range(70)))
    assert run("train", "t.csv", *FAST)[0] == 0


def test_a_header_above_the_rows_of_a_model_without_names_is_told(run, run_json):
    """A line of names is refused with the option that reads it; with the option the columns are taken in their order."""
    headless(run)
    Path("bare.csv").write_text("1,a\n6,b\n")
    Path("new.csv").write_text("size,group\n1,a\n6,b\n")
    status, out, err = run("predict", "t.safetensors", "new.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "new.csv, line 1, column '0': 'size' is not a number" in err
    assert "; if this line holds the names of the columns, say so (--header, header=); else correct it, or declare" in err
    expected = [one["probability"] for one in run_json("predict", "t.safetensors", "bare.csv")]
    status, out, err = run("predict", "t.safetensors", "new.csv", "--header", "--json")
    assert [json.loads(line)["probability"] for line in out.splitlines()] == expected
    assert err == "chainrule: new.csv: the model has no column names; the columns were taken in their order\n"
    assert run("predict", "t.safetensors", "new.csv", "--header", "--out", "answers.csv")[0] == 0
    assert Path("answers.csv").read_text().splitlines()[0] == "size,group,predicted 2,probability p,probability q"
    Path("new.csv").write_text("size,group\nhuge,a\n")
    err = run("predict", "t.safetensors", "new.csv", "--header")[2]
    assert "line 2, column '0': 'huge' is not a number" in err
    assert "--header" not in err
    Path("new.csv").write_text("size,group,more,other\n1,a,2,3\n")
    err = run("predict", "t.safetensors", "new.csv", "--header")[2]
    assert "new.csv has 4 columns, but the model learnt from a file without a header and with 3 columns" in err


def test_columns_with_names_are_refused_by_a_model_without(run):
    """Rows of a format that names its columns are refused where the model knows columns by their position, with the remedy."""
    headless(run)
    Path("new.jsonl").write_text('{"size": 1, "group": "a"}\n')
    status, out, err = run("predict", "t.safetensors", "new.jsonl")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "new.jsonl names its columns, but the model knows them by their position" in err
    Path("new.jsonl").write_text('{"0": 1, "1": "a"}\n')
    assert run("predict", "t.safetensors", "new.jsonl")[0] == 0


def test_a_file_without_the_names_of_the_model_is_told_to_have_them(run):
    """Where none of the model's columns is found, as where the line of names is missing, the remedy is to give the names."""
    Path("t.csv").write_text("a,b,y\n" + "".join(f"{k % 7},{k % 5},{'p' if k % 7 > 3 else 'n'}\n" for k in range(60)))
    assert run("train", "t.csv", *FAST)[0] == 0
    Path("new.csv").write_text("1.5,2\n3,4\n")
    status, out, err = run("predict", "t.safetensors", "new.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "lacks 2 columns from which the model learnt: 'a', 'b'; give a table of these columns, with their names" in err
