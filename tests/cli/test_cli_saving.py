"""``chainrule train`` saves a model: what it replaces, and what is left after Ctrl-C or a divergence."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import ENVIRONMENT, FAST, MAIN_WITH_SIGINT, write_table
from sklearn.datasets import load_wine

import chainrule as cr
from chainrule import datasets


def test_replacing_a_model_is_reported(run):
    """The first run reports saved, the second replaced."""
    assert "saved digits.safetensors" in run("train", "digits", *FAST)[1]
    assert "replaced digits.safetensors" in run("train", "digits", *FAST)[1]


def test_a_path_that_cannot_be_written_is_refused_first(run):
    """Where the model cannot be saved, nothing is loaded or trained."""
    for out in ("nowhere/m.safetensors", "."):
        status, out_text, err = run("train", "digits", "--out", out)
        assert (status, out_text) == (2, "")
        assert "cannot write" in err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="an administrator may write anywhere")
def test_a_read_only_folder_is_refused_first(run, tmp_path):
    """A folder that may not be written to is refused before the training."""
    tmp_path.chmod(0o500)
    status, out_text, err = run("train", "digits")
    tmp_path.chmod(0o700)
    assert (status, out_text) == (2, "")
    assert "Permission denied" in err


def test_ctrl_c_saves_the_parameters_learnt_so_far():
    """Ctrl-C in the middle ends with status 130, one line, and a model with the parameters learnt so far."""
    command = [sys.executable, "-c", MAIN_WITH_SIGINT, "train", "--epochs", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as running:
        next(line for line in running.stdout if line.startswith("epoch "))
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    network = cr.load("mnist.safetensors")
    assert running.returncode == 130
    assert err.count("\n") == 1
    assert re.search(r"interrupted .*; saved mnist\.safetensors, with the parameters learnt so far", err)
    assert network.provenance.stopped == "interrupted"
    assert out.splitlines()[-1] == f"test accuracy {100 * network.accuracy(datasets.mnist().test):.2f} %"


def test_a_training_that_diverges_at_once_saves_nothing(run):
    """A training that diverges in its first epoch prints one line and leaves the existing file; status 1."""
    cr.Network([2, 1], seed=0).save("digits.safetensors")
    mine = Path("digits.safetensors").read_bytes()
    status, out, err = run("train", "digits", "--cost", "mean_squared_error", "--optimizer", "sgd", "-r", 1e30, "-q")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "diverged in epoch 1" in err
    assert "nothing was saved" in err
    assert Path("digits.safetensors").read_bytes() == mine


def test_a_training_that_diverges_later_saves_the_last_finite_epoch(run):
    """A training that diverges after some epochs leaves a model with finite weights, a valid summary, and status 1."""
    x = np.random.default_rng(0).normal(size=(100, 3))
    np.savez("t.npz", x=x, y=x.sum(axis=1))
    command = ("train", "t.npz", "--optimizer", "sgd", "-r", 30, "--activation", "identity", "--early-stopping", 0, "--json")
    status, out, err = run(*command)
    summary = json.loads(out.splitlines()[-1], parse_constant=pytest.fail)
    assert status == 1
    assert err.count("\n") == 1
    assert (summary["stopped"], summary["model"]) == ("diverged", "t.safetensors")
    assert summary["epochs"] > 0
    assert all(np.isfinite(w).all() for w in cr.load("t.safetensors").weights)


def test_no_epochs_keep_the_existing_model(run):
    """--epochs 0 is refused before an untrained network can replace a trained one."""
    cr.Network([2, 1], seed=0).save("digits.safetensors")
    mine = Path("digits.safetensors").read_bytes()
    assert run("train", "digits", "--epochs", 0)[:2] == (2, "")
    assert Path("digits.safetensors").read_bytes() == mine


def test_ctrl_c_before_the_first_step_keeps_the_existing_model(run, monkeypatch):
    """Ctrl-C before anything was learnt saves nothing: status 130, and the existing file stays."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.executor.block_length", interrupted)
    cr.Network([2, 1], seed=0).save("digits.safetensors")
    mine = Path("digits.safetensors").read_bytes()
    status, _, err = run("train", "digits", *FAST)
    assert status == 130
    assert "nothing was saved" in err
    assert Path("digits.safetensors").read_bytes() == mine


def test_ctrl_c_reports_the_model_that_it_replaced(run, monkeypatch):
    """Ctrl-C in the second epoch replaces the existing model, and reports that."""
    lengths = iter([100])
    blocks = cr.executor.block_length

    def once(*arguments):
        if next(lengths, None) is None:
            raise KeyboardInterrupt
        return blocks(*arguments)

    monkeypatch.setattr("chainrule.executor.block_length", once)
    cr.Network([2, 1], seed=0).save("digits.safetensors")
    status, _, err = run("train", "digits", *FAST)
    assert status == 130
    assert "replaced digits.safetensors, with the parameters learnt so far" in err
    assert cr.load("digits.safetensors").provenance.epochs == 1


def test_the_data_itself_is_never_overwritten(run):
    """A model that would replace its data is refused."""
    write_table("wine.csv", load_wine())
    before = Path("wine.csv").read_bytes()
    status, _, err = run("train", "wine.csv", "--out", "./wine.csv")
    assert status == 2
    assert "a name of its own" in err
    assert Path("wine.csv").read_bytes() == before


@pytest.mark.parametrize("contents", [b"mine", b"\x02" + bytes(7) + b"{}", b"\xff" * 64, b"\x02" + bytes(7) + b"[]"])
def test_a_file_that_is_not_a_model_is_not_replaced(run, contents):
    """A file that is not a model, such as the data, is kept, and one line gives the remedy; the status is 2."""
    Path("mine.idx").write_bytes(contents)
    status, out, err = run("train", "digits", "--out", "mine.idx")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "is not a chainrule model; remove it, or choose another name" in err
    assert Path("mine.idx").read_bytes() == contents


def test_an_empty_file_is_replaced(run):
    """An empty file is replaced."""
    Path("m.safetensors").touch()
    assert run("train", "digits", *FAST, "--out", "m.safetensors")[0] == 0
    assert cr.load("m.safetensors").sizes[0] == 64


@pytest.mark.skipif(sys.platform == "win32", reason="links are not everyone's there")
@pytest.mark.parametrize(
    "arguments", ["train LONG", "train loop", "train loop.csv", "train digits -o loop", "train digits -o LONG"]
)
def test_names_that_no_file_can_have(run, arguments):
    """A name that is too long, and links that go in a circle, give an error of one line; the status is 2."""
    for loop in ("loop", "loop.csv"):
        Path(loop).symlink_to(loop)
    status, out, err = run(*arguments.replace("LONG", 300 * "n").split())
    assert (status, out, err.count("\n")) == (2, "", 1)
