"""``chainrule sweep``: its output, its files, the bits of ``chainrule train``, and one line for every mistake."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import ENVIRONMENT, MAIN_WITH_SIGINT, run_process

import chainrule as cr
from chainrule.cli import main

pytest.importorskip("matplotlib")
DIGITS = ("sweep", "digits", "--epochs", "2", "--early-stopping", "0")


def run(*arguments):
    """Run the program in this process; give its exit status."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def test_it_prints_the_best_and_writes_the_files(capsys):
    """The points as a table, the best run last; the folder has the results, the model, the page and the plots."""
    assert run(*DIGITS, "--hidden", "8,16x8", "--learning-rate", "0.003,0.01", "--seeds", "2") == 0
    out = capsys.readouterr().out
    assert "grid: 4 points x 2 seeds x 2 epochs" in out
    assert "defaults for this data: --batch-size 32" in out
    assert out.splitlines()[-1].startswith("the best of 8 runs: hidden ")
    assert "the report is sweep/report.html" in out
    names = {path.name for path in Path("sweep").iterdir()} - {".lock"}
    assert names == {"sweep.json", "runs.jsonl", "runs.parquet", "best.safetensors", "report.html", "scores.png", "axes.png"}
    page = Path("sweep/report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "16x8" in page
    assert "The best of 8 runs: hidden " in page


def test_a_run_has_the_numbers_of_train(capsys):
    """The best run's test accuracy is what ``chainrule train`` gives with its settings, and ``evaluate`` of its model."""
    assert run(*DIGITS, "--hidden", "16", "--learning-rate", "0.003", "--json", "--no-plot") == 0
    summary = json.loads(capsys.readouterr().out)
    best = summary["best"]
    assert (best["hidden"], best["seed"], summary["runs"], summary["diverged"]) == ([16], 0, 1, 0)
    arguments = ("train", "digits", "--epochs", "2", "--early-stopping", "0", "--hidden", "16", "--learning-rate", "0.003")
    assert run(*arguments, "--json", "--quiet") == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] == best["test_accuracy"]
    assert run("evaluate", "sweep/best.safetensors", "--json") == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == best["test_accuracy"]


def test_a_range_of_units_is_sampled_and_halved(capsys):
    """Successive halving over ranges, the command's own defaults for the rest; --random as well."""
    space = ("--hidden", "8..64:log", "--learning-rate", "0.0003..0.1:log", "--no-plot", "--json")
    assert run("sweep", "digits", *space, "--asha", "6", "--epochs", "3", "--early-stopping", "0") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["runs"] > 6
    assert any("asha: 6 points x 1 seed x 1 to 3 epochs" in note for note in summary["notes"])
    assert run("sweep", "digits", *space, "--random", "3", "--epochs", "1", "--out", "drawn") == 0
    assert json.loads(capsys.readouterr().out)["runs"] == 3


def test_a_table_of_arrays_is_scaled_and_folded(capsys):
    """The best model of an .npz takes its raw columns, of values too."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)) * [1, 1000, 0.001] + [5, 0, 1]
    np.savez("t.npz", x=x, y=x[:, 0] + x[:, 1] / 1000 + 100)
    assert run("sweep", "t.npz", "--learning-rate", "0.003,0.03", "--epochs", "20", "--no-plot", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert any("columns and target are scaled" in note for note in summary["notes"])
    assert summary["best"]["test_cost"] < 0.1
    network = cr.load("sweep/best.safetensors")
    assert np.abs(network.predict(x) - (x[:, 0] + x[:, 1] / 1000 + 100)).mean() < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--learning-rate", "0.1..3:bad"), "--learning-rate: a range is LOW..HIGH, then :log"),
        (("--hidden", "10.."), "--hidden: hidden takes whole numbers"),
        (("--optimizer", "sgd,admm"), "unknown optimizer 'admm'; did you mean 'adam'"),
        (("--optimizer", "sgd,adam"), "the default of --learning-rate depends on --optimizer, which varies; give --learning-rate"),
        (("--random", "3", "--asha", "3"), "--random and --asha are two searches"),
        (("--random", "0"), "--random must be a whole number of at least 1"),
        (("--asha", "2000000"), "--asha must be at most 1,000,000"),
        (("--early-stopping", "-1"), "--early-stopping must be a whole number of at least 0"),
        (("--epochs", "0"), "--epochs must be a whole number of at least 1"),
        (("--search-seed", "-1"), "--search-seed must be a whole number of at least 0"),
        (("--hidden", "30,0"), "--hidden: hidden takes whole numbers of at least 1, such as 10,30,128x64"),
        (("--hidden", "0..30"), "--hidden: hidden takes whole numbers of at least 1"),
        (("--hidden", "30", "-H", "40"), "--hidden is given 2 times; give it once"),
        (("--seeds", "0"), "--seeds must be a whole number of at least 1"),
        (("--threads", "many"), "threads must be a whole number"),
        (("--address", "localhost:6379"), "give on='ray' too"),
        (("--batch-size", "0"), "batch_size must be a whole number of at least 1"),
        (("--cost", "log_loss", "--output", "sigmoid"), "the cost log_loss needs output='softmax'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_one_line(arguments, message, capsys):
    """Exit status 2, the message on standard error, and no folder of results."""
    assert run("sweep", "digits", "--no-plot", *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("chainrule: error: ")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("sweep").exists()


def test_a_table_of_columns_is_refused_with_the_remedy(capsys):
    """A csv is trained by a recipe."""
    Path("t.csv").write_text("a,b\n" + "1,2\n" * 20)
    assert run("sweep", "t.csv") == 2
    assert "t.csv is a table of columns: chainrule train fits it by a recipe" in capsys.readouterr().err


def write_arrays(classes):
    """Write 60 rows as an npz file, of two classes or of values."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    np.savez("t.npz", x=x, y=(x[:, 0] > 0).astype(int) if classes else 50 * x[:, 0])


def test_several_seeds_of_a_divided_table_are_refused(capsys):
    """The seed divides the rows: evaluate would test the model of another seed on rows that it was trained on."""
    write_arrays(classes=True)
    assert run("sweep", "t.npz", "--seeds", "3") == 2
    assert "the seed divides the rows of t.npz into training, validation and test rows" in capsys.readouterr().err


def test_costs_of_two_tasks_are_refused_in_any_order(capsys):
    """Whether the target is of classes does not depend on which cost is named first."""
    write_arrays(classes=True)
    for costs in ("log_loss,mean_squared_error", "mean_squared_error,log_loss"):
        assert run("sweep", "t.npz", "--cost", costs) == 2
        assert "some of the costs or outputs are for classes, and others for values" in capsys.readouterr().err


def test_a_sweep_of_values_says_the_unit_of_its_costs(capsys):
    """One cost may be chosen; the costs are those of the scaled target, and evaluate gives raw units."""
    write_arrays(classes=False)
    settings = ("--cost", "huber", "--epochs", "2", "--hidden", "4", "--no-plot")
    assert run("sweep", "t.npz", *settings) == 0
    assert "columns and target are scaled, for all costs, that of the test too" in capsys.readouterr().out
    assert run("sweep", "t.npz", "--cost", "huber,mean_squared_error", "--learning-rate", "0.01", *settings[2:], "--out", "b") == 2
    assert "runs are compared by their validation cost, and the cost varies" in capsys.readouterr().err


def test_a_sweep_that_diverges_exits_with_1(capsys):
    """Without any finite run there is no model, and the last line says what to do."""
    settings = ("--activation", "identity", "--cost", "mean_squared_error", "--optimizer", "sgd")
    assert run(*DIGITS, *settings, "--learning-rate", "1e8,1e9", "--no-plot") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "all of 2 runs diverged: lower the learning rate"
    assert not Path("sweep/best.safetensors").exists()


def test_an_existing_sweep_is_refused_and_resumed(capsys):
    """Without --resume it is refused; with it nothing is trained again; with other options what differs is named."""
    arguments = (*DIGITS, "--learning-rate", "0.003,0.01", "--no-plot")
    assert run(*arguments) == 0
    before = Path("sweep/runs.jsonl").read_bytes()
    capsys.readouterr()
    assert run(*arguments) == 2
    assert "sweep holds 2 runs of a sweep; go on with it by --resume" in capsys.readouterr().err
    assert run(*arguments, "--resume", "--quiet") == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert Path("sweep/runs.jsonl").read_bytes() == before
    assert run(*DIGITS, "--learning-rate", "0.003,0.02", "--no-plot", "--resume") == 2
    assert "learning_rate was '0.003,0.01', and is '0.003,0.02' now" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_says_how_to_go_on():
    """Exit status 130, one line on standard error; the same command with --resume ends the sweep."""
    command = (
        *DIGITS[:2],
        "--epochs",
        "40",
        "--early-stopping",
        "0",
        "--learning-rate",
        "0.001..0.01:log:4",
        "--seeds",
        "8",
        "--no-plot",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN_WITH_SIGINT, *command],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    path = Path("sweep/runs.jsonl")
    while process.poll() is None and (not path.exists() or path.read_bytes().count(b"\n") < 2):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.startswith("chainrule: interrupted after ")
    assert err.rstrip().endswith("runs; the same command with --resume goes on")
    ended = run_process(*command, "--resume", "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert path.read_bytes().count(b"\n") == 32
