"""The scaler of columns, and folding it into a trained network: one way for the command line's tables and for the estimators."""

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.errors import DataError
from chainrule.scaler import ColumnScaler, fit_max_abs_scaler, fit_standard_scaler, scale_table

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) * [1, 1000, 0] + [0, 50, 3]  # the last column is constant


def network(dtype="float64", sizes=(3, 5, 2)):
    return cr.Network([*sizes], cost="mean_squared_error", activation="tanh", seed=0, dtype=dtype)


def test_dense_columns_get_mean_0_and_deviation_1():
    """Scaled dense columns have mean 0 and standard deviation 1; a constant column becomes 0."""
    scaled = fit_standard_scaler(X).transform(X)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 0], atol=1e-12)


def test_csr_columns_get_the_largest_magnitude_1_and_keep_their_zeros():
    """Scaled CSR columns have the largest magnitude 1 and store the same elements as before."""
    csr = sparse.csr_matrix(-np.where(X > 0, X, 0))
    scaled = fit_max_abs_scaler(csr).transform(csr)
    np.testing.assert_allclose(abs(scaled).max(axis=0).toarray().ravel(), 1)
    assert np.array_equal(scaled.indices, csr.indices)
    assert np.array_equal(scaled.indptr, csr.indptr)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_columns_of_any_size_are_scaled_alike(size):
    """Columns times 1e200 or 1e-200 are scaled to the same values as without the factor."""
    x = RNG.normal(size=(40, 2))
    np.testing.assert_allclose(fit_standard_scaler(x * size).transform(x * size), fit_standard_scaler(x).transform(x), rtol=1e-9)


@pytest.mark.parametrize(("size", "message"), [(1e308, "too large"), (1e-300, "too small")])
def test_a_column_that_float64_cannot_scale_is_named(size, message):
    """A column too small or too large to divide by is refused by its number."""
    x = RNG.uniform(-1, 1, size=(40, 2)) * [1, size]
    with pytest.raises(DataError, match=f"column 1 .*{message}"):
        fit_standard_scaler(x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(3, 5, 2), (3, 2)])
def test_a_folded_network_gives_from_raw_columns_what_it_gave_from_scaled_ones(dtype, sizes):
    """Folding the inputs' scale changes no output, and puts the network in float64 without writing to its former arrays."""
    net, scaler = network(dtype, sizes), fit_standard_scaler(X)
    expected = net.feedforward(scaler.transform(X))
    former = [*net.weights, *net.biases]
    copies = [part.copy() for part in former]
    scaler.fold_into_inputs(net)
    assert net.plan.dtype == "float64"
    assert {part.dtype for part in (*net.weights, *net.biases)} == {np.dtype("float64")}
    np.testing.assert_allclose(net.feedforward(X), expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)
    assert not net.weights[0][:, 2].any()
    assert all(np.array_equal(part, copy) for part, copy in zip(former, copies, strict=True))


def test_a_folded_network_gives_targets_in_their_own_units():
    """Folding the targets' scale into an identity output turns scaled outputs back into raw ones."""
    net, scaler = network(), ColumnScaler(np.array([3.0, -1.0]), np.array([100.0, 0.5]))
    expected = net.feedforward(X) * scaler.scale + scaler.mean
    scaler.fold_into_outputs(net)
    np.testing.assert_allclose(net.feedforward(X), expected, rtol=1e-12)


def test_a_table_is_scaled_by_its_training_part_alone():
    """The validation part is scaled by the training part's columns, and a constant target keeps a scale that can be inverted."""
    y = np.column_stack([X[:, 1], np.full(60, 4.0)])
    train, validation = cr.Examples(X[:40], y[:40]), cr.Examples(X[40:], y[40:])
    table = scale_table(train, validation, targets=True)
    assert np.array_equal(table.validation.x, fit_standard_scaler(X[:40]).transform(X[40:]))
    assert table.outputs.scale[1] == 1
    net = network()
    expected = net.feedforward(table.validation.x) * table.outputs.scale + table.outputs.mean
    table.fold(net)
    np.testing.assert_allclose(net.feedforward(validation.x), expected, rtol=1e-9)
