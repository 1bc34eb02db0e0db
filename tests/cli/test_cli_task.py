"""Classification or regression: inferred from the labels, or chosen."""

import numpy as np
import pytest
from cli_helpers import rows_with_signs

import chainrule as cr
from chainrule.cli.data_source import Source, split_table
from chainrule.cli.settings import resolve_task
from chainrule.cli.task import count_outputs, infer_task


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.arange(100) % 2, "classification"),
        (np.arange(100) % 2 * 1.0, "classification"),
        (np.arange(100) % 20, "classification"),
        (np.arange(100) % 21, "regression"),
        (np.arange(100) % 50 - 1, "regression"),
        (np.arange(12), "regression"),
        (np.arange(100) / 7, "regression"),
        (np.arange(3000) % 100, "classification"),
        (np.arange(3000) % 2 * 5000, "regression"),
        (np.eye(3)[np.arange(30) % 3], "classification"),
        (np.ones((30, 2)), "regression"),
        (np.arange(30.0)[:, None], "regression"),
    ],
)
def test_the_task_is_inferred_from_the_labels(y, task):
    """Whole numbers from 0 that repeat, and one-hot rows, are classes."""
    assert infer_task(cr.Examples(np.ones((len(y), 1)), y)) == task


def test_a_chosen_cost_decides_the_task():
    """The chosen cost or output decides between classification and regression, else the labels do."""
    assert resolve_task("classification", {"cost": "mean_squared_error"}) == "regression"
    assert resolve_task("regression", {"output": "softmax"}) == "classification"
    assert resolve_task("regression", {"cost": "quadratic"}) == "regression"


def test_outputs_are_counted_over_all_parts():
    """A class that only the test part holds has its output too; two are the least."""
    x = np.ones((60, 1))
    parts = split_table(Source("t"), cr.Examples(x, np.r_[np.zeros(59), 1].astype(int)), 0)
    assert count_outputs([parts.train, parts.test], "classification", "t") == 2
    assert count_outputs([cr.Examples(x, np.zeros(60, int))], "classification", "t") == 2
    assert count_outputs([parts.train, parts.test], "regression", "t") == 1


def signs(n=200):
    """Rows, and targets in [-1, 1] of which many are exactly -1 or 1."""
    x = np.random.default_rng(0).normal(size=(n, 3))
    return x, np.clip(x[:, 0], -1, 1)


def test_signs_are_values_to_a_model_of_values(run_json):
    """A model of values is compared with targets -1 and 1 unchanged, whether the command line or the library trained it."""
    x, y = rows_with_signs()
    np.savez("reg.npz", x=x, y=y)
    run_json("train", "reg.npz", "--epochs", 60, "--quiet")
    at_the_ends = np.abs(y) == 1
    np.savez("ends.npz", x=x[at_the_ends], y=y[at_the_ends])
    found = run_json("evaluate", "reg.safetensors", "ends.npz")[0]
    net = cr.load("reg.safetensors")
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((net.feedforward(x[at_the_ends]).ravel() - y[at_the_ends]) ** 2)))
    net = cr.Network([3, 1], output="tanh", seed=0)
    cr.train(net, (x, np.sign(y)), epochs=20, batch_size=10, learning_rate=0.1)
    net.save("tanh.safetensors")
    expected = net.cost(x[at_the_ends], y[at_the_ends])
    assert run_json("evaluate", "tanh.safetensors", "ends.npz")[0]["cost"] == pytest.approx(expected)


def test_signs_are_classes_by_default(run, run_json):
    """Labels -1 and 1 are the classes 0 and 1, with a note; with a cost of values they are values."""
    x, y = rows_with_signs()
    y = np.where(y > 0, 1, -1)
    np.savez("signs.npz", x=x, y=y)
    status, out, _ = run("train", "signs.npz", "--epochs", "5")
    assert status == 0
    assert "labels -1 and 1 are the classes 0 and 1" in out
    assert run_json("evaluate", "signs.safetensors")[0]["accuracy"] > 0.9
    np.savez("minus.npz", x=x[y < 0], y=y[y < 0])
    assert run_json("evaluate", "signs.safetensors", "minus.npz")[0]["accuracy"] > 0.9
    run_json("train", "signs.npz", "--cost", "mean_squared_error", "--epochs", 20, "--quiet", "--out", "values.safetensors")
    np.save("x.npy", x)
    values = [one["value"] for one in run_json("predict", "values.safetensors", "x.npy")]
    np.testing.assert_allclose(values, cr.load("values.safetensors").feedforward(x).ravel())
    assert min(values) < -0.5
