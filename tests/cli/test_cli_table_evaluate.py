"""``chainrule evaluate`` and ``chainrule info`` with a model of a table: scores by class name, beside independent ones."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from table_helpers import QUICK, people, write_frame

import chainrule as cr
from chainrule import cli


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with tables of classes and of values, and a model of each."""
    folder = tmp_path_factory.mktemp("tables")
    write_frame(people(300), folder / "classes.csv")
    write_frame(people(300).assign(size=lambda frame: frame["height"] * 10), folder / "values.csv")
    for name in ("classes", "values"):
        with pytest.raises(SystemExit) as ended:
            cli.main(["train", str(folder / f"{name}.csv"), *QUICK, "--quiet", "--out", str(folder / f"{name}.safetensors")])
        assert ended.value.code == 0
    return folder


def test_class_scores_agree_with_scikit_learn(run_json, folder):
    """Accuracy, log loss, AUC, confusion, precision and recall on another table are those of scikit-learn."""
    new = people(150, seed=9)
    write_frame(new, "new.csv")
    found = run_json("evaluate", folder / "classes.safetensors", "new.csv")[0]
    model = cr.load(folder / "classes.safetensors")
    true, told, chances = new["size"], model.predict(new), model.predict_proba(new)
    assert (found["rows"], found["classes"]) == (150, ["short", "tall"])
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(true, told))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(true, chances))
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(true, chances[:, 1]))
    assert found["baseline"] == max(np.mean(true == name) for name in ("short", "tall"))
    assert found["confusion"] == metrics.confusion_matrix(true, told).tolist()
    for score, function in (("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)):
        expected = function(true, told, average=None, zero_division=0)
        assert [row[score] or 0 for row in found["by_class"]] == pytest.approx(expected.tolist())
    wrong = np.flatnonzero(told != true.to_numpy())
    assert {entry["row"] for entry in found["worst"]} <= set(wrong.tolist())


def test_value_scores_agree_with_scikit_learn(run_json, folder):
    """RMSE, mean absolute error and R^2 of values are those of scikit-learn, in the target's unit; the worst rows come first."""
    new = people(150, seed=9).assign(size=lambda frame: frame["height"] * 10)
    write_frame(new, "new.csv")
    found = run_json("evaluate", folder / "values.safetensors", "new.csv")[0]
    told = cr.load(folder / "values.safetensors").predict(new)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(new["size"], told))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(new["size"], told))
    assert found["r2"] == pytest.approx(metrics.r2_score(new["size"], told))
    assert found["baseline"] == pytest.approx(new["size"].std(ddof=0))
    order = np.argsort(-np.abs(told - new["size"]), kind="stable")[:10]
    assert [entry["row"] for entry in found["worst"]] == order.tolist()
    assert [entry["true"] for entry in found["worst"]] == new["size"][order].tolist()


def test_the_report_names_classes_and_fits_80_columns(run, folder):
    """The report for people names the classes, the baseline and the errors, in lines of at most 80 columns."""
    status, out, err = run("evaluate", folder / "classes.safetensors", "--worst", 3)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"the test rows of {folder / 'classes.csv'}: 45"
    for expected in ("most frequent class: ", "log loss ", "AUC ", "calibration error ", "precision", "recall"):
        assert expected in out
    assert out.count(" tall ") >= 3
    assert max(map(len, out.splitlines()[1:])) <= 80


def test_a_target_of_another_name_and_gaps_in_it(run_json, run, folder):
    """--target names the column to compare with; rows in which it is missing are left out and counted."""
    new = people(30, seed=9).rename(columns={"size": "measured"})
    new.loc[:9, "measured"] = None
    write_frame(new, "new.csv")
    assert run_json("evaluate", folder / "classes.safetensors", "new.csv", "--target", "measured")[0]["rows"] == 20
    out = run("evaluate", folder / "classes.safetensors", "new.csv", "--target", "measured")[1]
    assert out.splitlines()[0] == "all rows of new.csv: 20 (10 rows without a target left out)"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"size": None},
            "no column 'size' to compare with (it has height, colour, born, member, id); name the target's column by --target",
        ),
        ({"size": ["huge"] * 30}, "holds 'huge' in row"),
        ({"size": [None] * 30}, "is missing in every row"),
        ({"height": None}, "'height'"),
    ],
)
def test_a_table_without_what_the_model_needs_is_refused(run, folder, change, says):
    """A table without the target or a column, or with a class that the model does not know, is refused in one line."""
    new = people(30, seed=9).astype(object)
    for name, values in change.items():
        new = new.drop(columns=name) if values is None else new.assign(**{name: values})
    write_frame(new, "new.csv")
    status, out, err = run("evaluate", folder / "classes.safetensors", "new.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_changed_file_is_evaluated_on_all_rows(run_json, run):
    """Where the file of the training has other rows now, its test rows are not known: all rows are evaluated, and named so."""
    write_frame(people(100), "t.csv")
    run_json("train", "t.csv", *QUICK, "-q")
    write_frame(people(130), "t.csv")
    found = run_json("evaluate", "t.safetensors")[0]
    assert (found["data"], found["rows"]) == ("all rows of t.csv, which has changed since the training", 130)


def test_the_options_of_the_training_read_its_file_again(run_json):
    """The file of the training is read as it was in the training, without the options being given again."""
    frame = people(100)
    frame["size"] = np.where(frame["height"] > 170, "1", "?")
    frame.to_csv("t.csv", sep=";", decimal=",", index=False, header=False)
    options = ("--delimiter", ";", "--decimal", ",", "--no-header", "--missing", "none")
    summary = run_json("train", "t.csv", *QUICK, "-q", *options)[0]
    assert run_json("evaluate", "t.safetensors")[0]["accuracy"] == summary["test_accuracy"]


def test_confusions_of_many_classes_are_a_list(run, run_json):
    """A matrix of 26 classes does not fit into 80 columns: the most frequent confusions are listed."""
    labels = np.repeat([chr(97 + k) for k in range(26)], 11)
    pd.DataFrame({"x": np.random.default_rng(0).normal(size=286), "letter": labels}).to_csv("t.csv", index=False)
    run_json("train", "t.csv", *QUICK, "-q")
    out = run("evaluate", "t.safetensors")[1]
    assert "most frequent confusions:" in out
    assert " predicted as " in out
    assert max(map(len, out.splitlines())) <= 80


def test_names_are_not_markup(run, run_json):
    """Names of classes and columns with rich's markup or terminal codes are printed as they are, or as question marks."""
    frame = people(60).rename(columns={"height": "[bold]h[/bold]"})
    frame["size"] = np.where(np.arange(60) % 2, "[red]a[/red]", "b\x1b[2Jc")
    write_frame(frame, "t.csv")
    run_json("train", "t.csv", *QUICK, "-q")
    for command in ("evaluate", "info"):
        status, out, _ = run(command, "t.safetensors")
        assert status == 0
        assert "\x1b" not in out
        assert "[red]a" in out
    assert "[bold]h" in out


def test_info_tells_target_networks_training_and_columns(run, run_json, folder):
    """Info prints the target and its classes, the networks, the training, and the columns with their kinds."""
    status, out, err = run("info", folder / "classes.safetensors")
    text = " ".join(out.split())
    assert (status, err) == (0, "")
    for expected in (
        "target size: 2 classes, short, tall",
        "networks 1",
        "classes.csv, 255 rows",
        "cost log_loss",
        "metric accuracy",
    ):
        assert expected in text
    for name, kind in {"height": "number", "colour": "category", "born": "date", "member": "boolean", "id": "identifier"}.items():
        assert f" {name} {kind} " in text
    found = run_json("info", folder / "values.safetensors")[0]
    assert found["target"]["task"] == "regression"
    assert [column["column"] for column in found["columns"]] == ["height", "colour", "born", "member", "id"]
    json.dumps(found)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_explain_takes_the_number_that_evaluate_lists(run_json, run, folder, ending):
    """A row in the list of the largest errors has one number, in the file and from 0, also for ``explain --row``."""
    new = people(150, seed=9).assign(size=lambda frame: frame["height"] * 10)
    write_frame(new, f"new.{ending}")
    for data in ([], [f"new.{ending}"]):
        file = data[0] if data else str(folder / "values.csv")
        worst = run_json("evaluate", folder / "values.safetensors", *data)[0]["worst"][0]
        status, out, _ = run("evaluate", folder / "values.safetensors", *data)
        assert status == 0
        assert "largest errors, by the rows of the file, counted from 0:\n  row " in out
        frame = people(300).assign(size=lambda frame: frame["height"] * 10) if not data else new
        assert frame["size"][worst["row"]] == pytest.approx(worst["true"])
        status, out, _ = run("explain", folder / "values.safetensors", *(["--data", *data] if data else []), "--row", worst["row"])
        assert status == 0
        assert out.startswith(f"{file}, row {worst['row']} (counted from 0): true {worst['true']:.6g}\n")
        assert f"predicted {worst['predicted']:.6g}" in out


def test_explain_takes_any_row_of_the_training(run, folder):
    """Without --row the first test row is explained; --row takes any row of the file, and one that does not exist is refused."""
    first = run("explain", folder / "classes.safetensors")[1].splitlines()[0]
    assert "counted from 0" in first
    frame = people(300)
    for row in (0, 1, 2, 299):
        out = run("explain", folder / "classes.safetensors", "--row", row)[1]
        assert out.startswith(f"{folder / 'classes.csv'}, row {row} (counted from 0): true {frame['size'][row]}\n")
    status, out, err = run("explain", folder / "classes.safetensors", "--row", 300)
    assert (status, out) == (2, "")
    assert f"there is no example 300: all rows of {folder / 'classes.csv'} have numbers from 0 to 299" in err
