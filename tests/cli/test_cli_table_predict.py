"""``chainrule predict`` with a model of a table: every ending, gaps, other columns, and the same bits however it is asked."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from table_helpers import QUICK, people, write_frame

import chainrule as cr
from chainrule import cli
from chainrule.loading import load_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of ``people``, in a folder of its own."""
    folder = tmp_path_factory.mktemp("people")
    write_frame(people(), folder / "people.csv")
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", str(folder / "people.csv"), *QUICK, "--quiet", "--out", str(folder / "people.safetensors")])
    assert ended.value.code == 0
    return folder / "people.safetensors"


def answers(run_json, model, path):
    """Predict a file with all probabilities; return them without the file's name."""
    return [{**entry, "file": ""} for entry in run_json("predict", model, path, "--outputs")]


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "txt", "data", "parquet", "jsonl", "ndjson"])
def test_every_ending_that_train_reads_is_predicted_to_the_bit(run_json, trained, ending):
    """Each format gives the same answers, to the last bit of each probability."""
    new = people(20, seed=3)
    write_frame(new, "expected.csv")
    write_frame(new, f"new.{ending}")
    assert answers(run_json, trained, f"new.{ending}") == answers(run_json, trained, "expected.csv")


def test_the_same_rows_give_the_same_bits_alone_in_a_batch_and_in_python(run_json, trained):
    """A row's probabilities are the same bits in a file of many rows, in a file of one, and from ``cr.load``."""
    new = people(7, seed=3)
    write_frame(new, "new.csv")
    together = answers(run_json, trained, "new.csv")
    for k in range(len(new)):
        write_frame(new.iloc[k : k + 1], "one.csv")
        assert answers(run_json, trained, "one.csv")[0]["probabilities"] == together[k]["probabilities"]
    estimator = cr.load(trained)
    found = estimator.predict_proba(new)
    assert [list(entry["probabilities"].values()) for entry in together] == found.tolist()
    assert [entry["label"] for entry in together] == estimator.predict(new).tolist()


def test_columns_are_found_by_name_and_others_may_hold_anything(run_json, run, trained):
    """Columns may be in any order and among others; the target's may be missing, empty or hold other texts."""
    new = people(5, seed=3)
    write_frame(new, "new.csv")
    expected = answers(run_json, trained, "new.csv")
    for size in (None, ["?"] * 5, [""] * 5, ["huge", 'a "b", c', "", "1", "x"]):
        other = new[["member", "born", "height", "colour"]].assign(note=["a", "", "1e999", "May 3", "x"])
        if size is not None:
            other = other.assign(size=size)
        write_frame(other, "other.csv")
        assert answers(run_json, trained, "other.csv") == expected


def test_gaps_and_new_categories_are_answered(run, trained):
    """A gap in any column and a category that was not in training have an answer, and a note for each column."""
    new = people(6, seed=3).astype(object)
    new["colour"] = ["violet", None, "red", "", "?", "NA"]
    new["height"] = [None, 170, None, 171, 172, 173]
    new.loc[5, ["born", "member"]] = None
    write_frame(new, "new.csv")
    status, out, err = run("predict", trained, "new.csv", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert "column 'colour' holds 1 value that training did not have, taken as no category: 'violet'" in err
    assert "column 'height' has 2 gaps, and training had none: taken as the median" in err
    assert [entry["row"] for entry in found] == list(range(6))
    assert all(entry["label"] in ("short", "tall") and 0.5 <= entry["probability"] <= 1 for entry in found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"height": None}, "height"),
        ({"height": ["tall"] * 3}, "'tall'"),
        ({"born": ["1990-01-01", "someday", "1990-01-03"]}, "'someday'"),
        ({"height": ["170", "171", "1e999"]}, "infinite"),
    ],
)
def test_a_table_that_does_not_fit_the_model_is_refused(run, trained, change, says):
    """A missing column, and a value that is not of the column's kind, are named in one line; the status is 2."""
    new = people(3, seed=3).astype(object)
    for name, values in change.items():
        new = new.drop(columns=name) if values is None else new.assign(**{name: values})
    write_frame(new, "new.csv")
    status, out, err = run("predict", trained, "new.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert "new.csv" in err
    assert next(iter(change)) in err


@pytest.mark.parametrize("name", ["new.npz", "new.npy", "new.png", "new.svmlight"])
def test_other_files_are_refused(run, trained, name):
    """A file that is not a table of named columns is refused in one line that lists the endings."""
    Path(name).write_bytes(b"\x89PNG")
    status, out, err = run("predict", trained, name)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"{name} is not a table" in err
    assert ".parquet" in err


def test_a_bad_file_leaves_the_others_predicted(run, trained):
    """A file that cannot be read is an error in its order, the others are predicted, and the status is 2."""
    write_frame(people(1), "good.csv")
    status, out, err = run("predict", trained, "gone.csv", "good.csv", "--json")
    bad, good = map(json.loads, out.splitlines())
    assert (status, err.count("\n")) == (2, 1)
    assert (bad["file"], good["file"]) == ("gone.csv", "good.csv")
    assert "gone.csv" in bad["error"]


def test_labels_keep_their_type_and_their_sign(run, run_json):
    """Labels -1 and 1 are told as -1 and 1 by predict and evaluate, and a table with only -1 is evaluated."""
    x = np.random.default_rng(0).normal(size=(200, 2))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] > 0, 1, -1)})
    write_frame(frame, "t.csv")
    run_json("train", "t.csv", "--networks", 1, "--epochs", 30, "--hidden", 8, "-q")
    found = np.array([entry["label"] for entry in run_json("predict", "t.safetensors", "t.csv")])
    assert set(found) == {-1, 1}
    assert np.mean(found == frame["y"]) > 0.9
    assert run("predict", "t.safetensors", "t.csv")[1].split()[1] in ("-1", "1")
    judged = run_json("evaluate", "t.safetensors", "t.csv")[0]
    assert judged["classes"] == ["-1", "1"]
    assert {row["true"] for row in judged["worst"]} <= {"-1", "1"}
    write_frame(frame[frame["y"] < 0], "minus.csv")
    alone = run_json("evaluate", "t.safetensors", "minus.csv")[0]
    assert alone["accuracy"] == np.mean(found[frame["y"] < 0] == -1)
    assert alone["auc"] is None


def test_a_file_without_a_header_is_predicted_by_position(run_json):
    """The columns of a file without a header are numbered, and a new file without one is predicted by these numbers."""
    x = np.random.default_rng(0).normal(size=(80, 2))
    rows = np.column_stack([x, x[:, 0] > 0])
    np.savetxt("t.csv", rows, delimiter=",", fmt="%.6g")
    run_json("train", "t.csv", *QUICK, "-q")
    assert list(load_model("t.safetensors").preprocessing.input_kinds) == ["0", "1"]
    np.savetxt("new.csv", rows[:5, :2], delimiter=",", fmt="%.6g")
    with_target = [entry["probability"] for entry in run_json("predict", "t.safetensors", "t.csv")]
    assert [entry["probability"] for entry in run_json("predict", "t.safetensors", "new.csv")] == with_target[:5]


def test_reading_options_are_for_models_of_tables(run):
    """An option that says how a table is read is refused for one network."""
    cr.Network([2, 2], seed=0).save("m.safetensors")
    np.save("x.npy", np.zeros((1, 2)))
    status, out, err = run("predict", "m.safetensors", "x.npy", "--decimal", ",")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--decimal is for a model of a table" in err


def test_a_decimal_comma_is_read_as_required(run_json, trained):
    """--delimiter and --decimal say how a new file is written, whatever the file of the training was."""
    new = people(4, seed=3)
    write_frame(new, "new.csv")
    new.to_csv("german.csv", index=False, sep=";", decimal=",")
    found = [{**e, "file": ""} for e in run_json("predict", trained, "german.csv", "-a", "--delimiter", ";", "--decimal", ",")]
    assert found == answers(run_json, trained, "new.csv")
