"""Training one network on the rows of an .npz or .svmlight file: classes and values, the split, the target."""

import re
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import percentages
from sklearn.datasets import dump_svmlight_file, load_wine

import chainrule as cr
from chainrule import datasets
from chainrule.cli.data_source import Source, split_table


def test_classes(models, run_json):
    """The defaults learn wine's classes from raw columns; the model takes raw columns."""
    network = cr.load(models / "wine.safetensors")
    table = datasets.table(models / "wine.npz")
    assert network.plan.cost_function.name == "log_loss"
    assert network.sizes == [13, 64, 3]
    assert network.accuracy(table) > 0.95
    assert run_json("evaluate", models / "wine.safetensors")[0]["accuracy"] > 0.85


def test_values(models, run_json):
    """The defaults learn diabetes in the target's own units, better than the mean of the target."""
    network = cr.load(models / "diabetes.safetensors")
    table = datasets.table(models / "diabetes.npz")
    assert network.plan.cost_function.name == "mean_squared_error"
    assert network.cost(table) < 0.7 * table.y.var()
    assert run_json("evaluate", models / "diabetes.safetensors")[0]["r2"] > 0.2


def test_a_regression_prints_cost_and_r2(run, models):
    """Where there are no classes, the last line is the test cost and R^2, and no percentage is printed."""
    status, out, _ = run("train", models / "diabetes.npz", "--epochs", 3)
    assert status == 0
    assert re.fullmatch(r"test cost [\d.]+, R\^2 -?\d\.\d{4}, RMSE [\d.]+ in the target's unit", out.splitlines()[-1])
    cost, rmse = (float(number) for number in re.findall(r"(?:cost|RMSE) ([\d.]+)", out.splitlines()[-1]))
    assert rmse == pytest.approx(cost**0.5, rel=1e-3)
    assert "scaled for the training and its costs; the model and the test result are in raw units" in out
    assert percentages(out) == []
    assert Path("diabetes.safetensors").exists()


def test_evaluate_finds_the_test_rows_of_the_training(run_json, models):
    """The rows are split by the seed, which evaluate reads from the model: it takes the same test rows as train."""
    summary = run_json("train", models / "wine.npz", "--seed", 3, "--epochs", 5, "--out", "w.safetensors")[-1]
    judged = run_json("evaluate", "w.safetensors")[0]
    parts = split_table(Source("wine.npz"), datasets.table(models / "wine.npz"), 3)
    assert any("125 rows to train on, 26 to validate, 27 to test (seed 3), 13 columns, 3 classes" in n for n in summary["notes"])
    assert summary["test_accuracy"] == judged["accuracy"] == cr.load("w.safetensors").accuracy(parts.test)
    assert judged["examples"] == 27
    assert {row["row"] for row in judged["worst"]} <= set(parts.test_rows.tolist())


def test_the_parts_of_the_split_are_disjoint(models):
    """Train, validation and test rows together are the table's, each once."""
    table = datasets.table(models / "wine.npz")
    parts = split_table(Source("wine.npz"), table, 0)
    rows = np.vstack([part.x for part in (parts.train, parts.validation, parts.test)])
    assert np.array_equal(np.sort(rows, axis=0), np.sort(table.x, axis=0))
    assert np.array_equal(parts.test.x, table.x[parts.test_rows])


def test_another_table_is_evaluated_on_all_rows(run_json, models):
    """A model is evaluated on all rows of a table that it was not trained on."""
    table = datasets.table(models / "wine.npz")
    np.savez("other.npz", x=table.x[50:80], y=table.y[50:80])
    assert run_json("evaluate", models / "wine.safetensors", "other.npz")[0]["examples"] == 30


def test_a_target_by_name_is_remembered(run_json):
    """--target names the array to learn, and evaluate takes the same array."""
    wine = load_wine()
    np.savez("wine.npz", x=wine.data, y=np.zeros(len(wine.target)), kind=wine.target)
    summary = run_json("train", "wine.npz", "--target", "kind", "--epochs", 20)[-1]
    assert run_json("info", "wine.safetensors")[0]["trained"]["data"] == "wine.npz#kind"
    assert run_json("evaluate", "wine.safetensors")[0]["accuracy"] == summary["test_accuracy"] > 0.7


def test_an_explicit_option_wins(run_json, models):
    """An option overrides the default for the data."""
    run_json("train", models / "wine.npz", "-e", 1, "-H", 9, "--cost", "cross_entropy", "-r", 0.5, "--optimizer", "sgd", "-b", 7)
    found = run_json("info", "wine.safetensors")[0]
    assert (found["sizes"], found["cost"], found["activations"]) == ([13, 9, 3], "cross_entropy", ["relu", "sigmoid"])
    assert (found["trained"]["learning_rate"], found["trained"]["plan"]["batch_size"]) == (0.5, 7)


def test_whole_numbers_can_be_learnt_as_values(run_json):
    """A cost for values learns labels as numbers, in their own units."""
    x = np.random.default_rng(0).normal(size=(300, 3))
    np.savez("t.npz", x=x, y=100 + 10 * (x[:, 0] > 0) + 10 * (x[:, 1] > 0))
    run_json("train", "t.npz", "--cost", "mean_squared_error")
    assert cr.load("t.safetensors").sizes == [3, 64, 1]
    assert run_json("evaluate", "t.safetensors")[0]["r2"] > 0.7


def test_svmlight_with_labels_of_minus_one(run_json):
    """Sparse rows are learnt as they are stored, and the labels -1 and 1 as classes 0 and 1."""
    x = np.random.default_rng(0).normal(size=(400, 6)) * (np.random.default_rng(1).random((400, 6)) < 0.5)
    x[:, 5] *= 1000
    dump_svmlight_file(x, np.where(x[:, 0] + x[:, 1] > 0, 1, -1), "t.svmlight")
    assert run_json("train", "t.svmlight")[-1]["test_accuracy"] > 0.8
    network = cr.load("t.safetensors")
    assert network.sizes == [6, 64, 2]
    assert network.accuracy(x, (x[:, 0] + x[:, 1] > 0).astype(int)) > 0.8
    assert run_json("evaluate", "t.safetensors")[0]["accuracy"] > 0.8


@pytest.mark.parametrize("command", [("evaluate",), ("explain", "--data"), ("check", "--data")])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"\x00\x80\xff" * 50, "t.csv holds NUL bytes"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "the model takes 13 columns, but all rows of t.csv have 1 column"),
        (
            "t.csv",
            b"a" * 131_073 + b",b\n1,2\n",
            "t.csv, line 1: a field is longer than 131,072 characters; close its quote, or give",
        ),
        ("t.parquet", b"PAR1\x15\x04", "t.parquet is not a valid parquet file"),
    ],
)
def test_an_unreadable_table_is_refused_in_one_line(run, models, command, name, content, message):
    """A network refuses a table that is not valid, in one line that names the file; the status is 2."""
    Path(name).write_bytes(content)
    command, *option = command
    status, out, err = run(command, models / "wine.safetensors", *option, name)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_too_few_rows_cannot_be_split(run):
    """A table of 9 rows is refused with a sentence."""
    np.savez("t.npz", x=np.arange(9.0)[:, None], y=np.arange(9))
    status, _, err = run("train", "t.npz")
    assert status == 2
    assert "t.npz has 9 rows" in err


def test_labels_too_large_for_classes_are_refused(run):
    """A label of a million is refused instead of making a network of a million outputs."""
    np.savez("t.npz", x=np.arange(40.0)[:, None], y=np.arange(40) % 2 * 1_000_000)
    status, _, err = run("train", "t.npz", "--cost", "log_loss")
    assert status == 2
    assert "1e+06" in err
