"""``chainrule train``: the options, the defaults, and the lines that it prints."""

import re

import numpy as np
import pytest
from cli_helpers import FAST, percentages, run_process

import chainrule as cr
from chainrule import datasets
from chainrule.cli.settings import DIGITS_DEFAULTS, defaults_as_options
from chainrule.history import EpochRecord
from chainrule.training import Run


def test_mnist_out_of_the_box(mnist_model, run_json):
    """One epoch of the notes' network passes 85 %, the last percentage printed is the test accuracy, and the model holds it."""
    path, lines = mnist_model
    accuracy = percentages("\n".join(lines))[-1]
    assert re.fullmatch(r"test accuracy \d\d\.\d\d %", lines[-1])
    assert accuracy > 85
    assert accuracy == round(100 * cr.load(path).accuracy(datasets.mnist().test), 2)
    plan = run_json("info", path)[0]["trained"]["plan"]
    assert [layer["n_out"] for layer in plan["layers"]] == [30, 10]
    assert {layer["activation"] for layer in plan["layers"]} == {"sigmoid"}
    assert (plan["cost"], plan["batch_size"], plan["optimizer"]["name"], plan["optimizer"]["momentum"]) == (
        "quadratic",
        10,
        "sgd",
        0.0,
    )
    assert run_json("info", path)[0]["trained"]["learning_rate"] == 3.0


def test_a_whole_training_in_a_process():
    """On a pipe there is a line for each epoch, a line with the defaults, and last the test accuracy."""
    done = run_process("train", "digits", "--epochs", 4)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/4", "2/4", "3/4", "4/4"]
    assert f"defaults for this data: {defaults_as_options(DIGITS_DEFAULTS, {'epochs': 4})}" in lines
    assert "\x1b" not in done.stdout
    network = cr.load("digits.safetensors")
    assert lines[-1] == f"test accuracy {100 * network.accuracy(datasets.digits().test):.2f} %"
    assert network.provenance.data == "digits"


def test_the_defaults_read_digits(models):
    """The defaults for the digits classify more than 95 % of their test images correctly."""
    assert cr.load(models / "digits.safetensors").accuracy(datasets.digits().test) > 0.95


def test_the_same_command_gives_the_same_model(run):
    """Two runs with a seed agree in every weight, and another seed does not."""
    for seed, out in ((5, "a"), (5, "b"), (6, "c")):
        assert run("train", "digits", *FAST, "--seed", seed, "--out", f"{out}.safetensors")[0] == 0
    a, b, c = (cr.load(f"{name}.safetensors").weights[0] for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_json_is_a_line_an_epoch_and_a_summary(run_json):
    """Each epoch is an object of the record's fields; the summary has the accuracy as a fraction, seconds and model."""
    *epochs, summary = run_json("train", "digits", *FAST)
    assert [record["epoch"] for record in epochs] == [1, 2]
    assert all(set(record) == set(EpochRecord._fields) for record in epochs)
    assert summary["test_accuracy"] == cr.load(summary["model"]).accuracy(datasets.digits().test)
    assert summary["model"] == "digits.safetensors"
    assert summary["seconds"] > 0
    facts = {"data": "digits", "epochs": 2, "seed": 0, "stopped": "finished", "engine": summary["engine"]}
    assert {name: summary[name] for name in facts} == facts
    assert any("defaults for this data" in note for note in summary["notes"])


def test_quiet_is_the_last_line(run, run_json):
    """--quiet leaves the test accuracy, or with --json the summary."""
    status, out, err = run("train", "digits", *FAST, "--quiet")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"test accuracy \d+\.\d\d %\n", out)
    assert [*map(len, [run_json("train", "digits", *FAST, "--quiet")])] == [1]


@pytest.mark.parametrize(
    ("option", "where", "value"),
    [
        ("--hidden 12,7", "sizes", [64, 12, 7, 10]),
        ("--hidden 12 --hidden 7", "sizes", [64, 12, 7, 10]),
        ("-H 5", "sizes", [64, 5, 10]),
        ("--hidden none", "sizes", [64, 10]),
        ("--activation tanh", "activations", ["tanh", "softmax"]),
        ("--hidden 4,4 --activation relu,tanh", "activations", ["relu", "tanh", "softmax"]),
        ("--output sigmoid", "activations", ["relu", "sigmoid"]),
        ("--output sigmoid", "cost", "cross_entropy"),
        ("--cost quadratic", "cost", "quadratic"),
        ("--cost mean_squared_error", "activations", ["relu", "identity"]),
        ("--init glorot_uniform", "init", "glorot_uniform"),
        ("--seed 7", "seed", 7),
        ("--epochs 3", "trained.epochs", 3),
        ("-e 1", "trained.epochs", 1),
        ("--batch-size 50", "trained.plan.batch_size", 50),
        ("-b 50", "trained.steps", 2 * 24),
        ("--learning-rate 0.01", "trained.learning_rate", 0.01),
        ("-r 0.01", "trained.learning_rate", 0.01),
        ("--optimizer rmsprop", "trained.plan.optimizer.name", "rmsprop"),
        ("--optimizer sgd --momentum 0.5", "trained.plan.optimizer.momentum", 0.5),
        ("--optimizer nesterov --momentum 0.8", "trained.plan.optimizer.nesterov", True),
        ("--optimizer nesterov --momentum 0.8", "trained.plan.optimizer.momentum", 0.8),
        ("--l2 0.001", "trained.plan.l2", 0.001),
        ("--dropout 0.25", "trained.plan.layers.0.dropout", 0.25),
        ("--schedule cosine", "trained.schedule", "cosine"),
        ("--engine reference", "trained.engine", "reference/numpy-" + np.__version__),
        ("--seed 7", "trained.plan.seed", 7),
    ],
)
def test_every_option_reaches_the_training(run_json, option, where, value):
    """The options of the command line are in the model's description of its training."""
    epochs = () if option.split()[0] in ("-e", "--epochs") else ("--epochs", 2)
    run_json("train", "digits", *epochs, *option.split(), "--out", "m.safetensors")
    found = run_json("info", "m.safetensors")[0]
    for key in where.split("."):
        found = found[int(key) if key.isdecimal() else key]
    assert found == value


@pytest.mark.parametrize(("options", "threads"), [((), "auto"), (("--threads", "1"), 1), (("--threads", "3"), 3)])
def test_the_number_of_threads_reaches_the_training(run, monkeypatch, options, threads):
    """--threads is the ``threads`` of the run; a model file does not hold it, because no bit depends on it."""
    passed = []

    class RecordingRun(Run):
        def __init__(self, *arguments, **settings):
            passed.append(settings["threads"])
            super().__init__(*arguments, **settings)

    monkeypatch.setattr("chainrule.cli.training_job.Run", RecordingRun)
    assert run("train", "digits", *FAST, *options)[0] == 0
    assert passed == [threads]


def test_early_stopping_keeps_the_best(run_json):
    """With a patience of 1 and a rate that is too high it stops early, and the model is the best epoch's."""
    *epochs, summary = run_json("train", "digits", "--early-stopping", 1, "--learning-rate", 0.05, "--epochs", 60)
    costs = [record["validation_cost"] for record in epochs]
    assert summary["stopped"] == "early"
    assert len(epochs) < 60
    assert summary["best_epoch"] == 1 + int(np.argmin(costs)) == len(epochs) - 1


def test_early_stopping_can_be_left_out(run_json):
    """--early-stopping 0 goes through every epoch, whatever suits the data."""
    *epochs, summary = run_json("train", "digits", "--early-stopping", 0, "--learning-rate", 0.05, "--epochs", 25, "--hidden", 8)
    assert (len(epochs), summary["best_epoch"]) == (25, None)


@pytest.mark.parametrize("wrong", ["--cost no", "--engine no", "--dropout 2", "--threads 0", "--schedule no", "--momentum 2"])
def test_a_wrong_setting_is_refused_before_anything_is_printed(run, wrong):
    """A wrong setting is an error, with nothing on standard output."""
    assert run("train", "digits", *wrong.split())[:2] == (2, "")
