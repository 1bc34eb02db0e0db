"""``chainrule evaluate``: the score, the confusion matrix, and the largest errors."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import datasets
from chainrule.cli.evaluation_report import as_braille
from chainrule.cli.scores import r_squared


def test_it_prints_score_confusion_and_errors(run, models):
    """Accuracy, cost, the confusion matrix within 80 columns, and the images with the largest errors."""
    status, out, err = run("evaluate", models / "digits.safetensors")
    assert (status, err) == (0, "")
    test, network = datasets.digits().test, cr.load(models / "digits.safetensors")
    wrong = np.flatnonzero(network.predict(test.x) != test.y)
    assert f"accuracy {100 * network.accuracy(test):.2f} %, log_loss cost {network.cost(test):.5g}" in out
    assert max(map(len, out.splitlines())) <= 80
    listed = [int(row) for row in re.findall(r"^ +(\d+)  label \d, predicted \d ", out, flags=re.MULTILINE)]
    assert sorted(listed) == [*wrong]


def test_json_holds_the_same(run_json, models):
    """One object: the confusion matrix counts each image once, and the largest errors come first, with their outputs."""
    (found,) = run_json("evaluate", models / "digits.safetensors", "--worst", 2)
    test, network = datasets.digits().test, cr.load(models / "digits.safetensors")
    counts = np.array(found["confusion"])
    outputs = network.feedforward(test.x)
    assert counts.sum() == found["examples"] == 300
    assert np.trace(counts) / 300 == found["accuracy"]
    assert counts[3].sum() == (test.y == 3).sum()
    assert found["wrong"] == 300 - np.trace(counts)
    for one in found["worst"]:
        assert (one["label"], one["told"]) == (test.y[one["row"]], outputs[one["row"]].argmax())
        assert one["probability"] == pytest.approx(float(outputs[one["row"]].max()))
    margins = [outputs[one["row"], one["told"]] - outputs[one["row"], one["label"]] for one in found["worst"]]
    assert len(margins) == 2
    assert margins[0] >= margins[1]
    assert [one["margin"] for one in found["worst"]] == pytest.approx(margins)


def test_a_narrow_terminal_keeps_all_counts(run, mnist_model, monkeypatch):
    """A matrix that is too wide loses decimals, and where that does not suffice it becomes a list."""
    monkeypatch.setenv("COLUMNS", "60")
    assert "…" not in run("evaluate", mnist_model[0])[1]
    monkeypatch.setenv("COLUMNS", "30")
    assert "most frequent confusions" in run("evaluate", mnist_model[0])[1]


def test_data_can_be_named(run_json, models):
    """The model is evaluated on the data named on the command line."""
    assert run_json("evaluate", models / "digits.safetensors", "digits")[0]["data"] == "the test images of digits"


def test_data_of_another_width_is_refused(run, models):
    """A model of 8 x 8 images refuses MNIST's 28 x 28 images."""
    status, _, err = run("evaluate", models / "digits.safetensors", "mnist")
    assert status == 2
    assert "takes 64 columns (8 x 8 images), but the test images of mnist have 784 columns (28 x 28 images)" in err


def test_a_model_of_unnamed_data_needs_data(run, run_json):
    """A model that does not name its training data needs the data on the command line."""
    cr.Network([64, 10], seed=0).save("own.safetensors")
    status, _, err = run("evaluate", "own.safetensors")
    assert status == 2
    assert "name the data" in err
    assert run_json("evaluate", "own.safetensors", "digits")[0]["examples"] == 300


def test_confusions_of_many_classes_are_a_list(run):
    """A matrix of 30 classes does not fit, so the most frequent confusions are listed."""
    x = np.eye(30)[np.arange(90) % 30]
    np.savez("many.npz", x=x, y=(np.arange(90) % 30 + (np.arange(90) % 30 == 4)))
    network = cr.Network([30, 30], cost="log_loss", seed=0)
    network.weights[0][...] = 10 * np.eye(30)
    network.save("many.safetensors")
    _, out, _ = run("evaluate", "many.safetensors", "many.npz")
    assert "  label 5 predicted as 4: 3 times" in out


def test_values_list_the_worst_rows(run, models):
    """Where y holds values, the rows with the largest errors are listed."""
    _, out, _ = run("evaluate", models / "diabetes.safetensors", "--worst", 3)
    rows = [line.split() for line in out.splitlines() if "predicted" in line]
    table = datasets.table(models / "diabetes.npz")
    errors = [abs(table.y[int(row[0])] - float(row[-3].rstrip(","))) for row in rows]
    assert [float(row[-1]) for row in rows] == pytest.approx(errors, rel=1e-4)
    assert all(len(row[-3].rstrip(",").replace(".", "")) <= 6 for row in rows)
    assert len(rows) == 3
    assert errors == sorted(errors, reverse=True)


def test_one_output_is_compared_with_one_half(run_json):
    """A network with one sigmoid output predicts class 1 above 0.5, else class 0."""
    x = np.linspace(-1, 1, 40)[:, None]
    np.savez("t.npz", x=x, y=(x[:, 0] > 0.2).astype(int))
    network = cr.Network([1, 1], cost="cross_entropy", seed=0)
    network.weights[0][...], network.biases[0][...] = 10, 0
    network.save("one.safetensors")
    (found,) = run_json("evaluate", "one.safetensors", "t.npz")
    wrong = ((x[:, 0] > 0.2) != (x[:, 0] > 0)).sum()
    assert found["confusion"] == [[int((x[:, 0] <= 0).sum()), int(wrong)], [0, int((x[:, 0] > 0.2).sum())]]
    assert found["worst"][0]["row"] == 23


def test_braille_has_one_dot_per_pixel():
    """28 x 28 pixels are 7 lines of 14 letters; dark pixels leave no dot."""
    image = np.zeros((28, 28), np.uint8)
    assert as_braille(image) == ["\u2800" * 14] * 7
    image[:] = 255
    assert as_braille(image) == ["\u28ff" * 14] * 7


@pytest.mark.parametrize("size", [1.0, 1e200, 1e-200])
def test_r2_has_no_unit(size):
    """R^2 is the same in any unit of the target, and None where that does not vary."""
    y, a = np.array([[1.0], [2], [4]]), np.array([[1.5], [2], [3]])
    assert r_squared(y * size, a * size) == pytest.approx(1 - 1.25 / (14 / 3))
    assert r_squared(np.full((3, 1), size), a * size) is None


def test_only_a_whole_is_100_percent(run):
    """One error in 30,000 rows is 99.99 %, not 100.00 %, and one correct row is 0.01 %."""
    net = cr.Network([1, 1], seed=0, cost="cross_entropy", dtype="float64")
    net.weights[0][...], net.biases[0][...] = 1, 0
    net.save("net.safetensors")
    x = np.ones((30_000, 1))
    for y, said in ((np.ones(30_000), "100.00 %"), (np.arange(30_000) > 0, "99.99 %"), (np.arange(30_000) < 1, "0.01 %")):
        np.savez("x.npz", x=x, y=y.astype(int))
        assert f"accuracy {said}," in run("evaluate", "net.safetensors", "x.npz")[1]
