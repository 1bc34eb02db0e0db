"""``chainrule diagnose``: its findings, its exit status, its history, its page."""

import json
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture
def failing(run):
    """Train the digits at far too high a rate, with checkpoints."""
    assert (
        run("train", "digits", "--epochs", "6", "--learning-rate", "300", "--checkpoint", "run", "--out", "f.safetensors")[0] == 0
    )
    return "f.safetensors"


def test_a_failing_model_is_named(run, failing):
    """The rate is named with its equation and a remedy, in 80 columns, with exit status 1; curves come from the run's folder."""
    status, out, err = run("diagnose", failing, "--history", "run")
    assert (status, err) == (1, "")
    assert "Finding: learning rate too high  (N12)" in out
    assert "--learning-rate" in out
    assert "needs history" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert "not examined: needs history" in " ".join(run("diagnose", failing)[1].split())


def test_a_healthy_model_has_exit_status_0(run, digits_model):
    """A model that learnt has nothing to hear but advice."""
    status, out, err = run("diagnose", digits_model)
    assert (status, err) == (0, "")
    assert "Finding:" not in out


def test_a_diagnosis_in_json(run, failing):
    """``--json`` prints the findings, what was not examined, and every measurement."""
    status, out, err = run("diagnose", failing, "digits", "--json")
    assert (status, err) == (1, "")
    printed = json.loads(out)
    finding = next(finding for finding in printed["findings"] if finding["name"] == "learning rate too high")
    assert finding["level"] == "finding"
    assert finding["equations"] == ["N12"]
    assert finding["remedies"][0]["training"]["learning_rate"] < 300
    assert "overfitting" in printed["not_examined"]
    assert printed["measurements"]["rows"] == 300


def test_a_diagnosis_as_a_page(run, failing):
    """``--html`` writes the page and prints its path, with the number of findings that the exit status stands for."""
    status, out, _ = run("diagnose", failing, "--html", "d.html")
    assert status == 1
    findings = sum(one["level"] == "finding" for one in json.loads(run("diagnose", failing, "--json")[1])["findings"])
    assert out.startswith(f"{findings} finding{'s' if findings > 1 else ''}")
    assert out.endswith("written to d.html: open it in a browser\n")
    assert out.count("\n") == 1
    assert Path("d.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_tables_model_is_diagnosed(run):
    """Of a table's model the first network is examined, on the prepared rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    rows = "".join(f"{value},{'up' if value > 0 else 'down'}\n" for value in x)
    Path("t.csv").write_text(f"x,y\n{rows}", encoding="utf-8")
    model = cr.TableClassifier(networks=2, hidden=(8,), epochs=20, random_state=0)
    model.fit(cr.read_table("t.csv"), "y").save("t.safetensors")
    status, out, err = run("diagnose", "t.safetensors", "t.csv")
    assert status == 0
    assert err == "chainrule: the model holds 2 networks; the first is examined\n"
    assert "needs the initial weights" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere.safetensors",), "nowhere.safetensors"),
        (("f.safetensors", "mnist"), "the model takes 64 columns"),
        (("f.safetensors", "--history", "nowhere"), "no such file or folder: nowhere"),
        (("f.safetensors", "--history", "."), "has no checkpoint"),
        (("f.safetensors", "--delimiter", ";"), "--delimiter"),
    ],
)
def test_user_errors(run, failing, arguments, says):
    """A missing model, data of another width, a history that is none: one line, and exit status 2."""
    status, out, err = run("diagnose", *arguments)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
