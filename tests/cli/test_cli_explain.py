"""``chainrule explain``: the example, the weight, and the page."""

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr


def test_explain_without_a_model_takes_the_notes_network(run):
    """The notes' network after one quick epoch is explained, in 80 columns, each step under its equation."""
    status, out, err = run("explain")
    assert (status, err) == (0, "")
    assert out.startswith("784 × 30 × 10: one example, forward and back")
    assert all(f"({tag})" in out for tag in ("N9", "N10", "N1", "BP1", "BP2", "BP3, BP4", "N12"))
    assert max(map(len, out.splitlines())) <= 80
    assert cr.datasets.mnist().test.y[0] == 7
    assert "The example is a 7" in " ".join(out.split())


def test_explain_takes_an_image_and_a_weight(run):
    """``--image`` chooses the example, ``--layer``, ``--unit`` and ``--input`` the only weight that is worked out by hand."""
    status, out, _ = run("explain", "--image", "8", "--layer", "1", "--unit", "3", "--input", "412")
    assert status == 0
    assert "The example is a 5" in " ".join(out.split())
    assert out.count("One entry by hand") == 1
    assert "w[1][3, 412]" in out


def test_explain_writes_a_page(run):
    """``--html`` writes the page and prints its path."""
    status, out, _ = run("explain", "--html", "digit.html")
    assert (status, out) == (0, "written to digit.html: open it in a browser\n")
    assert Path("digit.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_explain_takes_a_model_and_a_row_of_its_data(run, digits_model):
    """Without data a model is explained on that of its training."""
    status, out, _ = run("explain", digits_model, "--row", "3")
    assert status == 0
    assert out.startswith("64 × 64 × 10: one example")


def test_explain_takes_the_number_that_evaluate_lists(run, run_json, models):
    """A row with a large error has one number, that of its place in the file, in ``evaluate`` and in ``explain --row``."""
    for worst in run_json("evaluate", models / "diabetes.safetensors")[0]["worst"]:
        status, out, _ = run("explain", models / "diabetes.safetensors", "--row", worst["row"])
        assert status == 0
        assert f"The cost is {worst['error'] ** 2:.5g}." in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--image", "10000"), "there is no example 10000: the test images of mnist have numbers from 0 to 9,999"),
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
def test_explain_reports_an_error_in_one_line(run, arguments, says):
    """A row that does not exist, data of another size, a file that cannot be written: one line, and exit status 2."""
    status, out, err = run("explain", *arguments)
    assert status == 2
    assert says in err
    assert err.count("\n") == 1
    assert out == ""


def test_explain_refuses_data_without_labels(run, digits_model):
    """Data without labels are refused in one line."""
    np.savez("no_labels.npz", x=np.ones((3, 64)))
    status, _, err = run("explain", digits_model, "--data", "no_labels.npz")
    assert status == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["explain", "diagnose"])
def test_a_page_replaces_pages_alone(run, digits_model, command):
    """``--html`` replaces a page and an empty file; a model, such as the one that is looked at, stays as it is."""
    before = Path(digits_model).read_bytes()
    status, _, err = run(command, digits_model, "--html", digits_model)
    assert (status, err) == (
        2,
        f"chainrule: error: {digits_model} exists and is not an HTML page; remove it, or choose another name with --html\n",
    )
    assert Path(digits_model).read_bytes() == before
    Path("page.html").touch()
    for _ in range(2):
        assert run(command, digits_model, "--html", "page.html")[0] == 0
