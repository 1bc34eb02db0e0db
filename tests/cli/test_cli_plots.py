"""``train --plot``, ``evaluate --plot`` and ``evaluate --importance``."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import chainrule as cr

pytest.importorskip("matplotlib")


@pytest.fixture
def table():
    """A csv whose class follows from one of its two columns."""
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=120), rng.normal(size=120)
    rows = [f"{a:.3f},{b:.3f},{'up' if a > 0 else 'down'}" for a, b in zip(signal, noise, strict=True)]
    Path("t.csv").write_text("\n".join(["signal,noise,kind", *rows]))
    return "t.csv"


def is_picture(path):
    with Image.open(path) as image:
        return min(image.size) > 200


def test_a_table_is_drawn_and_its_columns_are_ranked(run, run_json, table):
    """Training draws its curves; evaluation the confusion and, of two classes, the calibration; the column that tells is first."""
    status, out, err = run("train", table, "--networks", "2", "--epochs", "15", "--plot", "curves.png")
    assert (status, err) == (0, "")
    assert "drew curves.png" in out
    assert is_picture("curves.png")
    status, out, err = run("evaluate", "t.safetensors", "--plot", "test.png")
    assert (status, err) == (0, "")
    assert "drew test.png" in out
    assert is_picture("test.png")
    assert is_picture("test-calibration.png")
    status, out, err = run("evaluate", "t.safetensors", "--importance", "--plot", "importance.png")
    assert (status, err) == (0, "")
    lines = out[out.index("importance:") :].splitlines()
    assert lines[1].split()[0] == "signal"
    assert is_picture("importance.png")
    (summary,) = run_json("evaluate", "t.safetensors", "--importance")
    assert [entry["column"] for entry in summary["importance"]] == ["signal", "noise"]
    assert summary["importance"][0]["importance"] > 0.2 > abs(summary["importance"][1]["importance"])


def test_values_are_drawn(run):
    """A model of values is drawn as predicted against true, and its importance is in the unit of the target."""
    Path("v.csv").write_text("x,price\n" + "".join(f"{k % 37},{100 * (k % 37)}\n" for k in range(120)))
    assert run("train", "v.csv", "--networks", "1", "--epochs", "15", "--quiet")[0] == 0
    status, out, err = run("evaluate", "v.safetensors", "--plot", "v.svg", "--importance")
    assert (status, err) == (0, "")
    assert "the RMSE grows" in out
    assert "<svg" in Path("v.svg").read_text()[:500]


def test_a_network_is_drawn(run, models):
    """One network's training and evaluation are drawn as well; inputs without names are numbered."""
    status, out, err = run("evaluate", models / "wine.safetensors", models / "wine.npz", "--importance", "--plot", "i.png")
    assert (status, err) == (0, "")
    assert "input " in out
    assert is_picture("i.png")
    status, out, err = run("train", models / "wine.npz", "--epochs", "3", "--plot", "c.pdf", "--out", "w.safetensors")
    assert (status, err) == (0, "")
    assert Path("c.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("command", [["train", "t.csv"], ["evaluate", "t.safetensors"]])
def test_another_ending_is_refused_before_the_work(run, table, command):
    """A picture is a .png, .svg or .pdf; nothing is trained or saved otherwise."""
    cr.TableClassifier(networks=1, epochs=2, random_state=0).fit(cr.read_table(table), "kind").save("t.safetensors")
    before = Path("t.safetensors").read_bytes()
    status, out, err = run(*command, "--plot", "picture.gif")
    assert (status, out) == (2, "")
    assert ".png, .svg or .pdf" in err
    assert Path("t.safetensors").read_bytes() == before
