"""The weights of a table's columns in training."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.recipes.column_weights import column_weights, fold_into_inputs, multiply_features
from chainrule.tables.frames import table_from

RNG = np.random.default_rng(1)
N = 400
TABLE = table_from(
    {
        "signal": RNG.normal(size=N),
        "noise": RNG.normal(size=N),
        "letter": RNG.choice(["a", "b", "c"], N),
        "huge": RNG.normal(size=N) * 1e300,
        "day": np.datetime64("2021-01-01") + RNG.integers(0, 365, N),
    }
)
GROUPS = {
    "signal": np.array([0, 1]),
    "noise": np.array([2]),
    "letter": np.array([3, 4, 5]),
    "huge": np.array([6]),
    "day": np.array([7]),
}


@pytest.mark.parametrize("classes", [True, False])
def test_a_column_that_tells_the_target_weighs_the_most(classes):
    """The features of the column that the target follows have the largest weight, all the same; the mean square is 1."""
    y = TABLE["signal"].data
    weights = column_weights(TABLE, GROUPS, (y > 0).astype(int) if classes else y, 8, 0, classes=classes)
    assert weights.dtype == np.float32
    assert weights[0] == weights[1] == weights.max()
    assert weights[0] > 2 * weights[2]
    assert np.mean(weights.astype(float) ** 2) == pytest.approx(1, rel=1e-5)
    assert weights.min() > 0


def test_weights_have_the_same_bits_again():
    """The seed decides the forest, and the number of threads changes no bit."""
    y = TABLE["signal"].data
    one, two, three = (column_weights(TABLE, GROUPS, y, 8, 5, classes=False, threads=threads) for threads in (1, 1, 3))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, three)


def test_gaps_are_taken():
    """A column with gaps is weighed; the weights stay finite."""
    signal = TABLE["signal"].data.copy()
    signal[::3] = np.nan
    table = table_from({"signal": signal, "noise": TABLE["noise"].data})
    groups = {"signal": np.array([0]), "noise": np.array([1])}
    weights = column_weights(table, groups, TABLE["signal"].data, 2, 0, classes=False)
    assert np.isfinite(weights).all()
    assert weights[0] > weights[1]


@pytest.mark.parametrize("kind", ["dense", "csr"])
def test_folded_weights_give_the_outputs_of_multiplied_features(kind):
    """A network gives for multiplied features what it gives for the features once the weights are folded into it."""
    net = cr.Network([8, 5, 2], cost="log_loss", seed=0)
    x = RNG.normal(size=(20, 8)).astype(np.float32) * (RNG.random((20, 8)) < 0.5)
    x = sparse.csr_matrix(x) if kind == "csr" else x
    weights = RNG.uniform(0.2, 3, 8).astype(np.float32)
    multiplied = x.copy()
    multiply_features(multiplied, weights)
    expected = net.feedforward(multiplied)
    fold_into_inputs(net, weights)
    np.testing.assert_allclose(net.feedforward(x), expected, rtol=1e-5, atol=1e-6)
