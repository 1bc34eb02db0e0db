"""The sets of points in the plane on the command line, and tables that are trained on as a whole."""

import json

import numpy as np
import pytest
from cli_helpers import run_process

import chainrule as cr
from chainrule.cli.settings import PLANE_DATA
from chainrule.datasets.plane_sets import PLANE_SETS

POINTS = "x,y,class\n-0.5,-0.5,0\n0.5,0.5,0\n-0.5,0.5,1\n0.5,-0.5,1\n"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def test_the_command_line_knows_every_set():
    """The names on the command line are those of ``cr.datasets``."""
    assert set(PLANE_DATA) == set(PLANE_SETS)


@pytest.mark.parametrize("name", PLANE_DATA)
def test_a_network_learns_a_set_by_the_defaults(name):
    """Trained by the defaults a network classifies at least 94 % of the test points."""
    done = run_process("train", name, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["test_accuracy"] >= 0.94
    assert summary["model"] == f"{name}.safetensors"


def test_a_model_of_points_is_evaluated_and_explained():
    """``evaluate`` finds the test points by the model's name for them, ``explain`` one of them, and ``predict`` reads a table."""
    trained = run_process("train", "xor", "--epochs", "3", "--json", "--quiet")
    summary = json.loads(trained.stdout)
    evaluated = run_process("evaluate", "xor.safetensors", "--json")
    assert json.loads(evaluated.stdout)["accuracy"] == summary["test_accuracy"]
    assert "150 test points of xor" in run_process("evaluate", "xor.safetensors").stdout.replace("the test", "150 test")
    explained = run_process("explain", "xor.safetensors", "--image", "3")
    assert explained.returncode == 0, explained.stderr
    with open("rows.csv", "w") as file:  # noqa: PTH123
        file.write("a,b\n-0.5,-0.5\n0.5,-0.5\n")
    predicted = run_process("predict", "xor.safetensors", "rows.csv")
    assert predicted.returncode == 0, predicted.stderr


def test_a_table_as_a_whole_is_trained_on_as_it_is():
    """With --all-rows the network is that of ``cr.train`` on all rows of the csv, unscaled."""
    with open("points.csv", "w") as file:  # noqa: PTH123
        file.write(POINTS)
    settings = "--hidden 4 --activation tanh --cost log_loss --epochs 20 --batch-size 2 --learning-rate 0.1 --optimizer sgd"
    done = run_process("train", "points.csv", "--all-rows", *settings.split(), "--init", "glorot_uniform", "--early-stopping", "0")
    assert done.returncode == 0, done.stderr
    assert "4 rows to train on, and the same to validate and to test" in done.stdout
    net = cr.Network([2, 4, 2], activation="tanh", cost="log_loss", seed=0)
    rows = np.genfromtxt("points.csv", delimiter=",", skip_header=1)
    cr.train(net, (rows[:, :2], rows[:, 2].astype(int)), epochs=20, batch_size=2, learning_rate=0.1)
    saved = cr.load("points.safetensors")
    assert all(np.array_equal(one, other) for one, other in zip(net.weights, saved.weights, strict=True))
    evaluated = run_process("evaluate", "points.safetensors")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "all rows of points.csv" in evaluated.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("xor", "--all-rows"), "--all-rows is for a table; xor comes split"),
        (("points.csv", "--all-rows", "--networks", "3"), "--networks is for tables such as .csv and .parquet"),
        (("xor", "--target", "y"), "--target names a table's column; xor has its labels"),
    ],
)
def test_options_that_do_not_apply_are_refused(arguments, message):
    """Options of another kind of data are refused in a line, with status 2."""
    with open("points.csv", "w") as file:  # noqa: PTH123
        file.write(POINTS)
    done = run_process("train", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_whole_table_is_resumed():
    """--resume goes on with a training of --all-rows, which the checkpoint knows."""
    with open("points.csv", "w") as file:  # noqa: PTH123
        file.write(POINTS)
    assert run_process("train", "points.csv", "--all-rows", "--epochs", "2", "--checkpoint", "run").returncode == 0
    done = run_process("train", "--resume", "run", "--epochs", "4")
    assert done.returncode == 0, done.stderr
    assert "after 4 epochs" in done.stdout
