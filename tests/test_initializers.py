"""Initializers: shapes, distributions and seeds."""

import numpy as np
import pytest

from chainrule.calculus.initializers import INITIALIZERS, initial_parameters
from chainrule.errors import SettingError, UnknownName


@pytest.mark.parametrize("init", INITIALIZERS)
@pytest.mark.parametrize("sizes", [[1, 1], [3, 2], [2, 5, 4, 1]])
def test_shapes_of_any_sizes(init, sizes):
    """Any two sizes or more make one matrix (n_out, n_in) and one bias (n_out,) a layer, in float64, by every initializer."""
    weights, biases = initial_parameters(sizes, init, np.random.default_rng(0))
    assert [w.shape for w in weights] == list(zip(sizes[1:], sizes[:-1], strict=True))
    assert [b.shape for b in biases] == [(n,) for n in sizes[1:]]
    assert {part.dtype for part in (*weights, *biases)} == {np.dtype("float64")}


@pytest.mark.parametrize(
    ("init", "spread", "bias_spread"),
    [
        ("normal", 1, 1),
        ("scaled", 1 / np.sqrt(400), 1),
        ("glorot_uniform", np.sqrt(2 / 1000), 0),
        ("he_normal", np.sqrt(2 / 400), 0),
        ("lecun_normal", np.sqrt(1 / 400), 0),
    ],
)
def test_spread_of_the_initializers(init, spread, bias_spread):
    """Over a large layer an initializer's weights and biases have mean 0 and the spread that its docstring states."""
    (w,), (b,) = initial_parameters([400, 600], init, np.random.default_rng(1))
    assert abs(w.mean()) < 5 * spread / np.sqrt(w.size)
    assert w.std() == pytest.approx(spread, rel=0.01)
    assert abs(b.mean()) <= 5 * bias_spread / np.sqrt(b.size)
    assert b.std() == pytest.approx(bias_spread, rel=0.1)


def test_glorot_is_uniform_the_others_normal():
    """Glorot's weights fill an interval and stay in it; the normal initializers have a normal's tails."""
    (w,), _ = initial_parameters([400, 600], "glorot_uniform", np.random.default_rng(2))
    bound = np.sqrt(6 / 1000)
    assert bound * 0.999 < np.abs(w).max() <= bound
    assert np.mean(np.abs(w) < bound / 2) == pytest.approx(0.5, abs=0.01)
    for init in ("normal", "scaled", "he_normal", "lecun_normal"):
        (w,), _ = initial_parameters([400, 600], init, np.random.default_rng(2))
        assert np.mean(np.abs(w) < w.std()) == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize("init", INITIALIZERS)
def test_seed_reproduces_the_parameters(init):
    """The same seed gives the same bits, another seed another network, and global random state is left alone."""
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (initial_parameters([5, 4, 3], init, np.random.default_rng(seed)) for seed in (7, 7, 8))
    for one, same, different in zip(first[0], again[0], other[0], strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, different)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_unknown_initializer():
    """An unknown initializer is refused, and the nearest name is suggested."""
    with pytest.raises(UnknownName, match="did you mean 'normal'") as caught:
        initial_parameters([2, 1], "nromal", np.random.default_rng(0))
    assert isinstance(caught.value, SettingError)
