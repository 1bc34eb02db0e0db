"""The scaling of a table's columns, and its folding into the network."""

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.scaler import scale_table


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("sizes", [[4, 5, 2], [4, 2]])
def test_folding_the_scale_in_changes_no_output(kind, sizes):
    """A network trained on scaled columns and targets gives the same for raw ones, constant columns and targets included."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)) * [1, 1e-3, 1e4, 0] + ([0, 5, 1e6, 7] if kind is np.asarray else 0)
    y = np.column_stack([rng.normal(size=50) * 100 + 3, np.full(50, 4.0)])
    raw = cr.Examples(kind(x), y)
    network = cr.Network(sizes, cost="mean_squared_error", activation="tanh", seed=0, dtype="float64")
    scaled = scale_table(raw, raw, targets=True)
    before = network.feedforward(scaled.train.x)
    scaled.fold(network)
    after = network.feedforward(raw.x)
    assert np.allclose(after, before * scaled.outputs.scale + scaled.outputs.mean, rtol=1e-9, atol=1e-9)
    assert not network.weights[0][:, 3].any()


def test_scaled_columns_have_one_size():
    """Dense columns get mean 0 and deviation 1, sparse ones the largest magnitude 1, zeros kept; constants become 0."""
    x = np.random.default_rng(0).normal(size=(60, 3)) * [1, 1000, 0] + [0, 50, 3]
    dense = scale_table(cr.Examples(x, np.zeros(60)), cr.Examples(x, np.zeros(60)), targets=False).train.x
    csr = sparse.csr_matrix(-np.where(x > 0, x, 0))
    stored = scale_table(cr.Examples(csr, np.zeros(60)), cr.Examples(csr, np.zeros(60)), targets=False).train.x
    assert np.allclose(dense.mean(axis=0), 0)
    assert np.allclose(dense.std(axis=0), [1, 1, 0])
    assert np.allclose(abs(stored).max(axis=0).toarray(), 1)
    assert stored.nnz == csr.nnz


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_columns_of_any_size_are_scaled(size):
    """Columns times 1e200 or 1e-200 are scaled to the same values as without."""
    x = np.random.default_rng(0).normal(size=(40, 2))
    small, large = (scale_table(cr.Examples(part), cr.Examples(part), targets=False).train.x for part in (x, x * size))
    assert np.allclose(small, large)
    assert np.allclose(large.std(axis=0), 1)


@pytest.mark.parametrize(("size", "says"), [(1e308, "too large"), (1e-300, "too small")])
def test_a_column_beyond_all_scales_is_named(size, says):
    """A column that float64 cannot scale is named by its number."""
    x = np.random.default_rng(0).uniform(-1, 1, size=(40, 2)) * [1, size]
    with pytest.raises(cr.errors.DataError, match=f"column 1 .*{says}"):
        scale_table(cr.Examples(x), cr.Examples(x), targets=False)
