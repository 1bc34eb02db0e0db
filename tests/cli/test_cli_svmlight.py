"""svmlight files: the number of the first column, and columns that no row names."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file

import chainrule as cr
from chainrule import datasets


@pytest.fixture
def sparse_rows():
    """Rows whose first and last columns are never 0 in training, and three svmlight files: to train on, and with fewer columns."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random((80, 9)) < 0.4, rng.normal(size=(80, 9)), 0)
    x[:, 0], x[:, 8] = 1.0, rng.normal(size=80)
    return x, (x[:, 8] > 0).astype(int)


@pytest.mark.parametrize("zero_based", [False, True])
def test_columns_that_no_row_names_are_0(run_json, run, sparse_rows, zero_based):
    """A file with fewer columns than the model's, first or last ones, counts as if those were written as 0, in every command."""
    x, y = sparse_rows
    dump_svmlight_file(x, y, "train.svmlight", zero_based=zero_based)
    run_json("train", "train.svmlight", "--epochs", 5, "--quiet")
    net = cr.load("train.safetensors")
    assert net.inputs.first_column == (0 if zero_based else 1)
    fewer = x.copy()
    fewer[:, [0, 7, 8]] = 0
    dump_svmlight_file(fewer, y, "fewer.svmlight", zero_based=zero_based)
    assert "8:" not in Path("fewer.svmlight").read_text().replace("#", "")
    expected = net.feedforward(fewer)
    found = run_json("predict", "train.safetensors", "fewer.svmlight", "--outputs")
    np.testing.assert_allclose([one["outputs"] for one in found], expected, atol=1e-9)
    accuracy = run_json("evaluate", "train.safetensors", "fewer.svmlight")[0]["accuracy"]
    assert accuracy == np.mean(expected.argmax(axis=1) == y)
    for command in ("explain", "check"):
        assert run(command, "train.safetensors", "--data", "fewer.svmlight")[0] == 0
    table = datasets.table("fewer.svmlight", n_features=9, first_column=int(not zero_based))
    np.testing.assert_allclose(table.x.toarray(), fewer, rtol=1e-14)


@pytest.mark.parametrize("zero_based", [False, True])
def test_columns_that_the_model_does_not_have_are_refused(run, run_json, sparse_rows, zero_based):
    """A file that names a column beyond the model's is refused, with the column."""
    x, y = sparse_rows
    dump_svmlight_file(x, y, "train.svmlight", zero_based=zero_based)
    run_json("train", "train.svmlight", "--epochs", 1, "--quiet")
    dump_svmlight_file(np.hstack([x, x[:, -1:]]), y, "more.svmlight", zero_based=zero_based)
    for command in (("predict", "train.safetensors"), ("evaluate", "train.safetensors"), ("check", "train.safetensors", "--data")):
        status, _, err = run(*command, "more.svmlight")
        assert status == 2
        assert (
            f"more.svmlight names column {9 if zero_based else 10}, counted from {int(not zero_based)}, but there are 9 columns"
            in err
        )


def test_a_file_that_counts_from_0_for_a_model_of_one_that_counts_from_1(run, run_json, sparse_rows):
    """A file whose columns are counted from 0 is refused by a model whose training counted from 1."""
    x, y = sparse_rows
    dump_svmlight_file(x, y, "train.svmlight", zero_based=False)
    run_json("train", "train.svmlight", "--epochs", 1, "--quiet")
    dump_svmlight_file(x, y, "other.svmlight", zero_based=True)
    status, _, err = run("evaluate", "train.safetensors", "other.svmlight")
    assert status == 2
    assert "other.svmlight counts its columns from 0, but they must be counted from 1, as in the training of the model" in err


def test_a_guess_at_the_first_column_gives_a_warning():
    """A file that could count its columns from 0 or from 1 gives a warning, and ``first_column`` decides."""
    Path("x.svmlight").write_text("1 2:5\n0 3:7\n")
    with pytest.warns(UserWarning, match=r"names columns 2 to 3 of 4; they are assumed to count from 1\. If .* first_column=0"):
        table = datasets.table("x.svmlight", n_features=4)
    assert table.x.toarray().tolist() == [[0, 5, 0, 0], [0, 0, 7, 0]]
    table = datasets.table("x.svmlight", n_features=4, first_column=0)
    assert table.x.toarray().tolist() == [[0, 0, 5, 0], [0, 0, 0, 7]]
    assert datasets.table("x.svmlight", n_features=3).x.shape == (2, 3)  # column 3 of 3 counts from 1
    for settings in ({"first_column": 2}, {"first_column": True}, {"n_features": 0}, {"n_features": 2.5}):
        with pytest.raises(cr.ChainruleError, match=r"first_column must be 0 or 1|n_features must be a whole number"):
            datasets.table("x.svmlight", **settings)
