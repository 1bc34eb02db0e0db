"""Fixtures of the command line's tests: the program in this process, and small trained models."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import run_process
from sklearn.datasets import load_diabetes, load_wine

from chainrule import cli


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    """Run every test in an empty folder, and in a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """The program in this process: a function of its arguments that returns the exit status, standard output and standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def run_json(run):
    """The program with --json: a function of its arguments that checks its success, and returns the objects that it printed."""

    def call(*arguments):
        status, out, err = run(*arguments, "--json")
        assert (status, err) == (0, "")
        return [json.loads(line, parse_constant=pytest.fail) for line in out.splitlines()]

    return call


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with three small trained networks and their data as .npz: digits, wine (classes) and diabetes (values)."""
    folder = tmp_path_factory.mktemp("models")
    for name, bunch in (("wine", load_wine()), ("diabetes", load_diabetes(scaled=False))):
        np.savez(folder / f"{name}.npz", x=bunch.data, y=bunch.target)
    for data in ("digits", folder / "wine.npz", folder / "diabetes.npz"):
        out = folder / f"{Path(data).stem}.safetensors"
        with pytest.raises(SystemExit) as ended:
            cli.main(["train", str(data), "--quiet", "--out", str(out)])
        assert ended.value.code == 0
    return folder


@pytest.fixture(scope="session")
def mnist_model(tmp_path_factory):
    """A model of MNIST after one epoch, and the lines that its training printed."""
    out = tmp_path_factory.mktemp("mnist") / "mnist.safetensors"
    done = run_process("train", "--epochs", "1", "--seed", "1", "--out", out)
    return out, done.stdout.splitlines()


@pytest.fixture
def digits_model(models):
    """A model of scikit-learn's digits."""
    return models / "digits.safetensors"
