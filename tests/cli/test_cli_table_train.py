"""``chainrule train`` on a table of columns: the target, the test rows, the settings, and what is printed and saved."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_helpers import ENVIRONMENT, MAIN_WITH_SIGINT
from table_helpers import QUICK, people, write_frame

import chainrule as cr
from chainrule.loading import load_model


def test_texts_categories_dates_and_gaps_are_learnt(run):
    """A table of every kind of column is learnt by the names of its classes; what was made of each column is printed."""
    frame = people(400)
    frame.loc[::7, "height"] = np.nan
    frame.loc[::5, "colour"] = None
    write_frame(frame, "people.csv")
    status, out, err = run("train", "people.csv", "--networks", 2, "--epochs", 20, "--hidden", 16)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "people.csv: 340 rows to train on, 60 to test (seed 0), 5 columns and the target"
    assert lines[1] == "the target 'size' holds 2 classes, because they are texts"
    report = {line.split()[0]: line.split()[1] for line in lines if line.startswith(" ") and len(line.split()) > 3}
    kinds = {"height": "number", "colour": "category", "born": "date", "member": "boolean", "id": "identifier"}
    assert {name: report[name] for name in kinds} == kinds
    assert lines[-1].startswith("test accuracy ")
    assert load_model("people.safetensors").target.classes == ("short", "tall")


def test_the_test_rows_are_15_percent_of_each_class(run_json):
    """Of each class 15 % of the rows are kept for the test; another seed keeps others."""
    frame = people(400)
    frame["size"] = np.where(np.arange(400) < 100, "rare", "usual")
    write_frame(frame, "t.csv")
    tested = {}
    for seed in (0, 1):
        (summary,) = run_json("train", "t.csv", *QUICK, "--quiet", "--seed", seed)
        found = run_json("evaluate", "t.safetensors", "--worst", 400)[0]
        assert (summary["rows"], found["rows"]) == (340, 60)
        assert [entry["rows"] for entry in found["by_class"]] == [15, 45]
        assert summary["test_accuracy"] == found["accuracy"]
        tested[seed] = load_model("t.safetensors").training.seed
    assert tested == {0: 0, 1: 1}


def test_json_is_a_line_an_epoch_and_a_summary(run_json):
    """With --json each network's epochs are objects; the summary has the scores, the settings and the notes."""
    write_frame(people(), "t.csv")
    *epochs, summary = run_json("train", "t.csv", "--networks", 2, "--epochs", 3, "--hidden", 8)
    assert sorted(record["epoch"] for record in epochs) == [1, 1, 2, 2, 3, 3]
    facts = {"model": "t.safetensors", "data": "t.csv", "target": "size", "rows": 102, "networks": 2, "epochs": 3, "seed": 0}
    assert {name: summary[name] for name in facts} == facts
    assert summary["stopped"] == "finished"
    assert "/" in summary["engine"]
    assert len(summary["best_epochs"]) == 2
    scores = {"test_accuracy", "test_baseline", "test_log_loss", "test_auc", "test_calibration_error"}
    assert all(summary[name] >= 0 for name in scores)
    assert any("holds 2 classes" in note for note in summary["notes"])


def test_quiet_prints_the_score_alone(run):
    """--quiet leaves the line of the score on the test rows."""
    write_frame(people(), "t.csv")
    status, out, err = run("train", "t.csv", *QUICK, "--quiet")
    assert (status, err, out.count("\n")) == (0, "", 1)
    assert out.startswith("test accuracy ")


def test_values_are_told_in_their_own_unit(run, run_json):
    """A target of values is scored by RMSE in its unit, beside the error of the mean, and is never a percentage."""
    frame = people(300)
    frame["size"] = 1000 + 10 * frame["height"]
    write_frame(frame, "t.csv")
    status, out, _ = run("train", "t.csv", "--networks", 1, "--epochs", 60, "--hidden", 16)
    assert status == 0
    assert "the target 'size' holds values from " in out
    assert out.splitlines()[-1].startswith("test RMSE ")
    assert "%" not in out
    found = run_json("evaluate", "t.safetensors")[0]
    assert found["rmse"] < 0.5 * found["baseline"]
    assert found["r2"] > 0.75


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--cost", "quadratic", "--optimizer", "sgd", "--hidden", "20", "--networks", "1"), {"cost": "quadratic", "hidden": [20]}),
        (("--optimizer", "nesterov", "--momentum", "0.8"), {"optimizer": "nesterov", "momentum": 0.8}),
        (("--learning-rate", "0.01", "--batch-size", "16"), {"learning_rate": 0.01, "batch_size": 16}),
        (("--activation", "tanh", "--init", "glorot_uniform"), {"activation": "tanh", "init": "glorot_uniform"}),
        (("--hidden", "4,4", "--activation", "relu,tanh"), {"hidden": [4, 4], "activation": ["relu", "tanh"]}),
        (("--output", "sigmoid", "--cost", "cross_entropy"), {"output": "sigmoid", "cost": "cross_entropy"}),
        (("--l2", "0.001", "--dropout", "0.25"), {"l2": 0.001, "dropout": 0.25}),
        (("--schedule", "constant", "--epochs", "3"), {"schedule": "constant", "epochs": 3}),
        (("--metric", "auc"), {"metric": "auc", "label_smoothing": 0.0}),
        (("--early-stopping", "2"), {"early_stopping": 2}),
        (("--networks", "3"), {"networks": 3}),
        (("--hidden", "none"), {"hidden": []}),
    ],
)
def test_an_option_takes_precedence_over_the_recipe(run_json, options, expected):
    """A setting of the command line replaces the recipe's, and the model file tells it."""
    write_frame(people(), "t.csv")
    quick = {"--networks": 1, "--epochs": 2, "--hidden": 8}
    others = [word for name, value in quick.items() if name not in options for word in (name, value)]
    run_json("train", "t.csv", *others, *options, "--quiet")
    settings = run_json("info", "t.safetensors")[0]["trained"]["settings"]
    assert {name: settings[name] for name in expected} == expected


def test_the_networks_are_those_of_the_options(run_json):
    """Sizes, activations and cost of the options are the network's own, beside what the file tells of the settings."""
    write_frame(people(), "t.csv")
    run_json("train", "t.csv", "--cost", "quadratic", "--optimizer", "sgd", "--hidden", 20, "--networks", 1, "--epochs", 2, "-q")
    (network,) = load_model("t.safetensors").networks
    assert network.sizes[1:] == [20, 2]
    assert network.plan.cost_function.name == "quadratic"
    assert network.provenance.plan["optimizer"]["name"] == "sgd"


def test_the_same_command_gives_the_same_model(run_json):
    """Two runs with a seed agree in every weight, whatever the threads; another seed does not."""
    write_frame(people(), "t.csv")
    weights = []
    for threads, seed in ((1, 5), (2, 5), (1, 6)):
        run_json("train", "t.csv", "--networks", 2, "--epochs", 3, "--hidden", 8, "-q", "--threads", threads, "--seed", seed)
        weights.append(np.concatenate([network.weights[0].ravel() for network in load_model("t.safetensors").networks]))
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_a_target_is_named_or_numbered(run_json):
    """--target takes a column's name, or its number from 0 or from the end; evaluate takes the same column."""
    frame = people()
    write_frame(frame[["size", *frame.columns[:-1]]], "t.csv")
    for target in ("size", "0", "-6"):
        summary = run_json("train", "t.csv", "--target", target, *QUICK, "-q")[0]
        assert summary["target"] == "size"
        assert run_json("evaluate", "t.safetensors")[0]["accuracy"] == summary["test_accuracy"]


def test_an_unknown_target_names_the_nearest(run):
    """A target that is not there is refused, and the nearest column is named."""
    write_frame(people(), "t.csv")
    status, out, err = run("train", "t.csv", "--target", "sise")
    assert (status, out) == (2, "")
    assert err == "chainrule: error: t.csv has no column 'sise'; do you mean 'size'?\n"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.repeat(np.arange(1, 27), 11), "26 classes, because the whole numbers from 1 to 26 number them (--task regression"),
        (np.arange(300) % 15 + 18, "values from 18 to 32, because 15 distinct whole numbers"),
        (np.arange(300) % 2 * 2 - 1, "2 classes, because it has only 2 distinct whole numbers (--task regression"),
    ],
)
def test_whole_numbers_are_classes_or_values_by_their_rules(run, labels, said):
    """Letters 1..26 of 11 rows each are classes, ages 18..32 are values, and the note names the option that decides otherwise."""
    x = np.random.default_rng(0).normal(size=len(labels))
    pd.DataFrame({"x": x, "label": labels}).to_csv("t.csv", index=False)
    status, out, _ = run("train", "t.csv", "--networks", 1, "--epochs", 1, "--hidden", 4)
    assert status == 0
    assert f"the target 'label' holds {said}" in out
    assert "--task" in out


@pytest.mark.parametrize(("task", "kind"), [("classification", "33 classes"), ("regression", "values from 0 to 32")])
def test_the_task_can_be_required(run, task, kind):
    """--task decides between classes and values where the rules would decide otherwise."""
    labels = np.arange(330) % 33
    pd.DataFrame({"x": labels + 0.5, "label": labels}).to_csv("t.csv", index=False)
    status, out, _ = run("train", "t.csv", "--task", task, "--networks", 1, "--epochs", 1, "--hidden", 4)
    assert status == 0
    assert f"holds {kind}, as the task requires" in out


def test_a_cost_of_values_requires_values(run_json, run):
    """--cost mean_squared_error learns the labels -1 and 1 as the values -1 and 1."""
    x = np.random.default_rng(0).normal(size=(300, 2))
    pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] > 0, 1, -1)}).to_csv("t.csv", index=False)
    summary = run_json("train", "t.csv", "--cost", "mean_squared_error", "--networks", 1, "--epochs", 60, "--hidden", 16, "-q")[0]
    assert summary["test_r2"] > 0.5
    values = np.array([row["value"] for row in run_json("predict", "t.safetensors", "t.csv")])
    assert values.min() < -0.8
    assert values.max() > 0.8
    (found,) = run_json("evaluate", "t.safetensors")
    assert found["rmse"] == pytest.approx(summary["test_rmse"], rel=1e-12)
    assert {entry["true"] for entry in found["worst"]} <= {-1.0, 1.0}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["a,y", *(f"{k},-1" for k in range(30))], "holds only one class or value, '-1', in all 30 rows"),
        (["a,y", *(f"{k},{k % 2}" for k in range(9))], "t.csv has 9 rows with a target"),
        (["a,y", *(f"{k}," for k in range(30))], "no value in any of its 30 rows"),
        (["y", *(str(k % 2) for k in range(30))], "has one column; a table needs the target's and at least one other"),
        (["a,y", *(f"{k},name{k}" for k in range(30))], "30 distinct texts in 30 rows"),
    ],
)
def test_a_table_that_cannot_be_learnt_is_refused(run, rows, says):
    """A target of one class, of too few rows, without a value or of identifiers is refused in one line; nothing is saved."""
    Path("t.csv").write_text("\n".join(rows) + "\n")
    status, out, err = run("train", "t.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert not Path("t.safetensors").exists()


def test_rows_without_a_target_are_left_out_and_counted(run):
    """Rows whose target is a gap are neither learnt nor tested; a note counts them."""
    frame = people(120)
    frame.loc[:19, "size"] = None
    write_frame(frame, "t.csv")
    status, out, _ = run("train", "t.csv", *QUICK)
    assert status == 0
    assert "20 of 120 rows are left out, because their target 'size' is missing" in out
    assert "85 rows to train on, 15 to test" in out


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("--networks 0", "networks must be"),
        ("--networks 1001", "networks must be at most"),
        ("--time-limit 0", "--time-limit must be"),
        ("--time-limit nan", "--time-limit must be"),
        ("--hidden 0", "--hidden takes whole numbers of at least 1"),
        ("--epochs 0", "epochs must be"),
        ("--batch-size 0", "batch_size must be"),
        ("--dropout 2", "dropout must be"),
        ("--learning-rate nan", "learning_rate must be"),
        ("--l2 -1", "l2 must be"),
        ("--early-stopping -1", "must be a whole number"),
        ("--threads 0", "threads must be"),
        ("--seed -1", "seed must be"),
        ("--engine fast", "unknown engine 'fast'"),
        ("--schedule cosin", "did you mean 'cosine'"),
        ("--metric acuracy", "did you mean 'accuracy'"),
        ("--metric rmse", "does not go with a target of classes"),
        ("--cost huber --task classification", "does not suit"),
        ("--output softmax --cost cross_entropy", "log_loss"),
        ("--momentum 0.5", "adam has no momentum to set"),
        ("--activation relu,tanh --hidden 4", "names 2"),
        ("--drop colours", "unknown column 'colours'; did you mean 'colour'?"),
        ("--number colour", "'colour'"),
        ("--transpose", "--transpose is for a folder of IDX files"),
        ("--out nowhere/m.safetensors", "cannot write nowhere"),
        ("--out t.csv", "a name of its own"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_printed(run, wrong, says):
    """A wrong setting is one line on standard error, with status 2, before the training; nothing is saved."""
    write_frame(people(), "t.csv")
    before = Path("t.csv").read_bytes()
    status, out, err = run("train", "t.csv", *wrong.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert not Path("t.safetensors").exists()
    assert Path("t.csv").read_bytes() == before


@pytest.mark.parametrize(
    "option", ["--networks 2", "--metric auc", "--task regression", "--time-limit 5", "--decimal ,", "--drop x"]
)
def test_options_of_tables_are_refused_elsewhere(run, option):
    """An option for tables is refused for other data, in one line that names it."""
    status, out, err = run("train", "digits", *option.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert f"{option.split()[0]} is for tables such as .csv and .parquet; digits is not one" in err


def test_columns_are_dropped_and_read_as_required(run_json):
    """--drop leaves columns out; --category and --text make of a column what they say."""
    frame = people().assign(code=np.arange(120) % 4)
    write_frame(frame[[*frame.columns.drop("size"), "size"]], "t.csv")
    run_json("train", "t.csv", *QUICK, "-q", "--drop", "id,born", "--category", "code", "--text", "colour")
    kinds = load_model("t.safetensors").preprocessing.input_kinds
    assert kinds == {"height": "number", "colour": "text", "member": "boolean", "code": "category"}


def test_the_time_limit_ends_the_training(run_json):
    """After --time-limit no further epoch begins; the model has the best of the epochs until then."""
    write_frame(people(400), "t.csv")
    (summary,) = run_json("train", "t.csv", "--networks", 2, "--epochs", 100_000, "--time-limit", 2, "-q")
    assert summary["stopped"] == "time limit"
    assert summary["epochs"] == 100_000
    assert 1 <= max(summary["best_epochs"]) < 100_000
    assert cr.load("t.safetensors").predict(people(5)).shape == (5,)


def start_training(*options):
    """Start a long training of a table in a process of its own."""
    write_frame(people(400), "t.csv")
    command = [sys.executable, "-c", MAIN_WITH_SIGINT, "train", "t.csv", "--hidden", "8", "--epochs", "100000", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


@pytest.mark.parametrize("networks", ["1", "3"])
def test_ctrl_c_saves_the_networks_trained_so_far(run_json, networks):
    """Ctrl-C in the middle ends with status 130, one line, and a model of the best epochs so far, which evaluate takes."""
    with start_training("--networks", networks, "--json") as running:
        next(line for line in running.stdout if '"epoch": 4,' in line)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert running.returncode == 130
    assert err.count("\n") == 1
    assert "the training was interrupted; saved t.safetensors, with the best epoch of " in err
    summary = json.loads(out.splitlines()[-1])
    assert (summary["stopped"], summary["model"]) == ("interrupted", "t.safetensors")
    assert 1 <= summary["networks"] <= int(networks)
    assert run_json("evaluate", "t.safetensors")[0]["accuracy"] == summary["test_accuracy"]


def test_ctrl_c_before_the_first_epoch_keeps_the_existing_model(run, monkeypatch):
    """Ctrl-C before anything was learnt saves nothing: status 130, one line, and the existing file stays."""

    def interrupted(*_):
        raise KeyboardInterrupt

    write_frame(people(), "t.csv")
    cr.Network([2, 1], seed=0).save("t.safetensors")
    mine = Path("t.safetensors").read_bytes()
    for place in ("chainrule.executor.block_length", "chainrule.tables.read.read_by_rules"):
        with monkeypatch.context() as patch:
            patch.setattr(place, lambda *_, **__: interrupted())
            status, _, err = run("train", "t.csv", *QUICK)
        assert status == 130
        assert err == "chainrule: interrupted; nothing was learnt, so nothing was saved\n"
        assert Path("t.safetensors").read_bytes() == mine


@pytest.mark.parametrize("networks", [1, 2])
def test_a_training_that_diverges_at_once_saves_nothing(run, networks):
    """A training that diverges in its first epoch prints one line, with status 1 and a summary without a model."""
    write_frame(people(), "t.csv")
    options = ("--optimizer", "sgd", "--learning-rate", "1e30", "--networks", networks, "--json", "-q")
    status, out, err = run("train", "t.csv", *options)
    assert (status, err.count("\n")) == (1, 1)
    assert "the training diverged in the first epoch" in err
    assert "nothing was saved" in err
    summary = json.loads(out)
    assert (summary["stopped"], summary["model"], summary["networks"]) == ("diverged", None, 0)
    assert not Path("t.safetensors").exists()


def test_replacing_a_model_is_reported(run):
    """The first run reports saved, the second replaced; a file that is not a model is kept."""
    write_frame(people(), "t.csv")
    assert "; saved t.safetensors" in run("train", "t.csv", *QUICK)[1]
    assert "; replaced t.safetensors" in run("train", "t.csv", *QUICK)[1]
    Path("mine.safetensors").write_text("mine")
    status, out, err = run("train", "t.csv", *QUICK, "--out", "mine.safetensors")
    assert (status, out) == (2, "")
    assert "is not a chainrule model" in err


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "txt", "parquet", "jsonl"])
def test_every_ending_gives_the_same_model(run_json, ending):
    """A table gives the same networks in every format, True and False in csv and parquet alike."""
    frame = people()
    frame["size"] = frame["size"] == "tall"
    write_frame(frame, "t.csv")
    write_frame(frame, f"other.{ending}")
    expected = run_json("train", "t.csv", *QUICK, "-q")[0]
    found = run_json("train", f"other.{ending}", *QUICK, "-q")[0]
    assert found["test_log_loss"] == expected["test_log_loss"]
    assert load_model("other.safetensors").target.classes == ("False", "True")
    a, b = (load_model(f"{name}.safetensors").networks[0].weights[0] for name in ("t", "other"))
    assert np.array_equal(a, b)
