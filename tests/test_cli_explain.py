"""``chainrule explain`` and ``chainrule check``: what a user types, and what comes back."""

import json
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import cli

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Every test runs where it may write what it likes, in a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def chainrule(capsys):
    """The program: call it with its arguments for the exit status, and what stood on the two outputs."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def digits_model(chainrule):
    """A model of scikit-learn's digits."""
    assert chainrule("train", "digits", "--epochs", "1", "--quiet")[0] == 0
    return Path("digits.safetensors")


def test_explain_without_a_model_takes_the_notes_network(chainrule):
    """The notes' network after one quick epoch is explained, in 80 columns, each step under its equation."""
    status, out, err = chainrule("explain")
    assert (status, err) == (0, "")
    assert out.startswith("784 × 30 × 10: one example, forward and back")
    assert all(f"({tag})" in out for tag in ("N9", "N10", "N1", "BP1", "BP2", "BP3, BP4", "N12"))
    assert max(map(len, out.splitlines())) <= 80
    assert cr.datasets.mnist().test.y[0] == 7
    assert "The example is a 7" in " ".join(out.split())


def test_explain_takes_an_image_and_a_weight(chainrule):
    """``--image`` chooses the example, ``--layer``, ``--unit`` and ``--input`` the weight that is worked out, alone."""
    status, out, _ = chainrule("explain", "--image", "8", "--layer", "1", "--unit", "3", "--input", "412")
    assert status == 0
    assert "The example is a 5" in " ".join(out.split())
    assert out.count("One entry by hand") == 1
    assert "w[1][3, 412]" in out


def test_explain_writes_a_page(chainrule):
    """``--html`` writes the page and says where."""
    status, out, _ = chainrule("explain", "--html", "digit.html")
    assert (status, out) == (0, "written to digit.html: open it in a browser\n")
    assert Path("digit.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_explain_takes_a_model_and_a_row_of_its_data(chainrule, digits_model):
    """A model is explained on the data that it remembers."""
    status, out, _ = chainrule("explain", digits_model, "--row", "3")
    assert status == 0
    assert out.startswith("64 × 64 × 10: one example")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--image", "10000"), "there is no example 10000: the test images of mnist are numbered from 0 to 9,999"),
        (("--image", "-1"), "at least 0"),
        (("--image", "1", "--row", "1"), "give one of them"),
        (("--layer", "3"), "layer must be at most 2"),
        (("--unit", "3"), "need a layer"),
        (("--layer", "1", "--unit", "30"), "unit must be below 30"),
        (("--data", "digits"), "takes 784 columns"),
        (("--data", "nothing.csv"), "no such file"),
        (("--html", "missing/x.html"), "cannot write missing/x.html"),
        (("nothing.safetensors",), "no such file"),
    ],
)
def test_explain_tells_a_mistake_in_a_line(chainrule, arguments, says):
    """A row that is not there, data of another size, a file that cannot be written: one line, and exit status 2."""
    status, out, err = chainrule("explain", *arguments)
    assert status == 2
    assert says in err
    assert err.count("\n") == 1
    assert out == ""


def test_explain_refuses_a_model_with_a_nan(chainrule, digits_model):
    """A model file cannot hold NaN, so neither can what is explained; data without labels are refused by name."""
    np.savez("no_labels.npz", x=np.ones((3, 64)))
    status, _, err = chainrule("explain", digits_model, "--data", "no_labels.npz")
    assert status == 2
    assert err.count("\n") == 1


def test_check_agrees(chainrule, digits_model):
    """The notes' network, a model on drawn examples, and on its data all pass, with exit status 0."""
    for arguments in ((), (digits_model,), (digits_model, "--data", "digits", "--examples", "5")):
        status, out, err = chainrule("check", *arguments)
        assert (status, err) == (0, "")
        assert "Backpropagation agrees" in out


def test_check_in_json(chainrule):
    """``--json`` prints one object."""
    status, out, _ = chainrule("check", "--json", "--seed", "3")
    told = json.loads(out)
    assert status == 0
    assert told["ok"] is True
    assert told["findings"] == []
    assert told["compared"] > 20


@pytest.mark.parametrize(
    "arguments", [("--examples", "0"), ("--examples", "201"), ("--seed", "-1"), ("--data", "digits"), ("none",)]
)
def test_check_tells_a_mistake_in_a_line(chainrule, arguments):
    """Too few or too many examples, a seed below 0, data of another size: one line, and exit status 2."""
    status, _, err = chainrule("check", *arguments)
    assert status == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy", "log_loss", "poisson", "mean_squared_error"])
@pytest.mark.parametrize("sizes", [[3, 4, 1], [3, 4, 3]])
def test_check_draws_examples_that_suit(chainrule, cost, sizes):
    """Whatever the cost, the examples that are drawn are such as it takes."""
    if cost == "log_loss" and sizes[-1] == 1:
        return
    cr.Network(sizes, cost=cost, seed=0).save("model.safetensors")
    assert chainrule("check", "model.safetensors")[0] == 0
