"""Arrays that were set by hand as a network's weights and biases: computed with at full precision, or refused."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.errors import SettingError, UnknownName
from chainrule.plan import Layer, Plan

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
DTYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "f2", "f4", "f8", "g", ">f8", ">f4", ">i4", "<i8"]


def draw_parameters(dtype):
    """Small integers of a dtype as weights and biases of a network 3 x 4 x 2."""
    parts = [RNG.integers(0, 4, shape) - 1 * (np.dtype(dtype).kind not in "u?") for shape in ((4, 3), (2, 4), (4,), (2,))]
    weights_and_biases = [part.astype(dtype) for part in parts]
    return weights_and_biases[:2], weights_and_biases[2:]


def outputs_in_float64(weights, biases):
    """The outputs for X of a network with relu and identity layers, computed by NumPy in float64."""
    (w1, w2), (b1, b2) = ([part.astype(np.float64) for part in parts] for parts in (weights, biases))
    return np.maximum(X @ w1.T + b1, 0) @ w2.T + b2


@pytest.mark.parametrize("net_dtype", ["float32", "float64"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 30])
def test_arrays_of_any_dtype_are_computed_with_at_full_precision(tmp_path, dtype, rows, net_dtype):
    """Weights and biases of any real dtype give NumPy's float64 results: outputs, cost, gradient and file."""
    weights, biases = draw_parameters(dtype)
    net = cr.Network([3, 4, 2], activation="relu", cost="mean_squared_error", seed=0, dtype=net_dtype)
    net.weights, net.biases = weights, biases
    x, expected = X[:rows], outputs_in_float64(weights, biases)[:rows]
    outputs = net.feedforward(x)
    single = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize == 4
    tolerance = 1e-5 if single else 1e-12
    assert outputs.dtype == ("float32" if single else "float64")
    np.testing.assert_allclose(outputs, expected, rtol=tolerance, atol=tolerance)
    y = np.zeros((rows, 2))
    assert net.cost(x, y) == pytest.approx((expected**2).sum(axis=1).mean(), rel=tolerance)
    np.testing.assert_allclose(net.backprop(x, y).nabla_b[1], 2 * expected.sum(axis=0), rtol=1e-4 if single else 1e-11)
    net.save(tmp_path / "net.safetensors")
    np.testing.assert_allclose(cr.load(tmp_path / "net.safetensors").feedforward(x), outputs, rtol=tolerance)


def test_biases_may_be_columns():
    """Biases of the shape (n_out, 1), as in the book, have the same values, and are trained in place."""
    net, other = (cr.Network([3, 4, 2], seed=0, dtype="float64") for _ in range(2))
    columns = [b[:, None].copy() for b in net.biases]
    net.biases = columns
    assert np.array_equal(net.feedforward(X), other.feedforward(X))
    for network in (net, other):
        cr.train(network, (X, np.arange(30) % 2), epochs=2, batch_size=5, learning_rate=0.5)
    assert all(net.biases[k] is columns[k] for k in range(2))
    assert all(np.array_equal(b.ravel(), expected) for b, expected in zip(net.biases, other.biases, strict=True))


@pytest.mark.parametrize("value", [[[1.0, 2.0, 3.0]] * 4, np.ones((4, 3), int), np.ones((4, 3))], ids=["list", "int", "float64"])
def test_training_names_the_array_that_it_cannot_write_into(value):
    """Training refuses an array that it cannot write into by name, and the remedy in its message works."""
    net = cr.Network([3, 4, 2], seed=0)
    net.weights[0] = value
    before = net.feedforward(X)
    with pytest.raises(SettingError, match=r"must be float32; weights\[0\] is \w+: net.weights\[0\] = np.array") as error:
        cr.train(net, (X, np.arange(30) % 2), epochs=1, batch_size=5, learning_rate=0.5)
    exec(str(error.value).rpartition(": ")[2], {"net": net, "np": np})
    np.testing.assert_allclose(net.feedforward(X), before, atol=1e-6)
    cr.train(net, (X, np.arange(30) % 2), epochs=1, batch_size=5, learning_rate=0.5)


def test_a_plan_of_another_dtype_is_refused():
    """A plan's dtype is float32 or float64."""
    for dtype in ("int64", "float16", "longdouble", ">f8", np.float64):
        with pytest.raises(UnknownName, match="dtype"):
            Plan((Layer(1, 1, "sigmoid"),), dtype=dtype)


@pytest.mark.skipif("fused" not in ENGINES, reason="the kernels are not installed")
def test_the_kernels_convert_no_array():
    """The native module refuses an array of another dtype or layout, since its results would be written into a copy and lost."""
    from chainrule.engines import _fused
    from chainrule.engines.fused import FILL_WITH_NAN, allocate_result

    net = cr.Network([3, 4, 2], seed=0)
    given = (_fused.instruction_sets()[0], [3, 4, 2], ["sigmoid", "sigmoid"], net.weights, net.biases, X)
    for out in (np.zeros((30, 2), int), np.zeros((30, 2), np.float16), np.zeros((2, 30)).T):
        with pytest.raises(TypeError):
            _fused.forward_small(*given, out, -np.inf, np.inf)
        assert not out.any()
    with pytest.raises(TypeError):
        _fused.count_entries(X, np.zeros(30, np.int32), 1)
    assert FILL_WITH_NAN
    assert np.isnan(allocate_result(3)).all()


def test_nan_outputs_predict_no_label():
    """Outputs that are NaN are refused in predict; argmax would make a label of them."""
    for sizes in ([3, 4, 2], [3, 4, 1]):
        net = cr.Network(sizes, seed=0)
        net.weights[1][...] = np.nan
        for rows in (1, 30):
            with pytest.raises(cr.ChainruleError, match="outputs hold NaN, which stands for no label"):
                net.predict(X[:rows])
