"""Features of columns, clipped and piecewise-linear: the calculus, the inputs that hold them unexpanded, and trainings on these."""

import copy
import pickle

import naive
import numpy as np
import pytest
from drawn import largest_error

import chainrule as cr
from chainrule.calculus.input_features import Bins, bins_between, input_features, piecewise_linear, smooth_clip
from chainrule.engines import ENGINES
from chainrule.errors import DataError, DataTypeError

RNG = np.random.default_rng(4)
EDGES = [np.sort(RNG.uniform(-2, 2, 17)), [], [0.0, 0.5], np.sort(RNG.uniform(-1, 1, 40)), [-1.0, 0.0, 1.5, 2.0]]
X = np.column_stack([RNG.normal(size=(200, 4)), RNG.integers(0, 2, 200)])
FEATURES = 5 + 16 + 1 + 39 + 3
LIMITS = [3.0, np.inf, 0.5, np.inf, np.inf]
SIZES = RNG.uniform(0.2, 2, FEATURES)
Y = (np.sin(3 * X[:, 0]) + X[:, 3] > 0).astype(int)


def test_features_by_hand():
    """Below its bin a feature is 0, above it 1, and inside it the fraction; columns may have no bins."""
    bins = bins_between([np.array([0.0, 1.0, 3.0]), np.zeros(0), np.array([10.0, 20.0])])
    found = piecewise_linear(np.array([[0.5, 7.0, 12.0], [2.0, 8.0, 99.0], [-5.0, 9.0, 10.0]]), bins)
    assert found.tolist() == [[0.5, 0, 0.2], [1, 0.5, 1], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_smooth_clip_by_hand(dtype):
    """The slope at 0 is 1, a number of 4/3 limits keeps 3/5, one far beyond becomes the limit, and infinite limits do nothing."""
    largest = np.finfo(dtype).max
    x = np.array([[1e-9, -4.0, largest, -largest, largest, 7.0]], dtype)
    found = smooth_clip(x, np.array([3, 3, 3, 3, np.inf, np.inf], dtype))
    np.testing.assert_allclose(found, [[1e-9, -2.4, 3, -3, largest, 7]], rtol=1e-6)
    assert found.dtype == dtype
    assert found[0, 2:].tolist() == [3, -3, largest, 7]


def test_columns_come_first_and_each_feature_has_its_size():
    """The features are the clipped columns, then the bins of the unclipped ones, each times its size."""
    bins = bins_between([np.zeros(0), np.array([0.0, 8.0])])
    found = input_features(np.array([[5.0, 4.0]]), bins, np.array([np.inf, 3.0]), np.array([2.0, 10.0, 3.0]))
    np.testing.assert_allclose(found, [[10, 24, 1.5]], rtol=1e-15)


def test_features_agree_with_naive():
    """The features are those of a loop over single numbers, to 1e-13, and the bins' ascend with their column from 0 to 1."""
    found = input_features(X, bins_between(EDGES), np.array(LIMITS), SIZES)
    assert found.shape == (200, FEATURES)
    assert largest_error(found, [naive.input_features(row, EDGES, LIMITS, SIZES) for row in X.tolist()]) < 1e-13
    order, found = np.argsort(X[:, 0]), found / SIZES
    assert (np.diff(found[order, 5:21], axis=0) >= 0).all()
    assert found[:, 5:].min() == 0
    assert found[:, 5:].max() == pytest.approx(1)


def test_features_are_continuous_and_their_slope_is_the_scale():
    """Within its bin a feature's slope by central differences is 1 / width, outside 0, and it has no jump at its edges."""
    bins = bins_between([np.array([0.0, 0.25, 2.0])])
    x, h = np.array([[0.1], [1.0], [-1.0], [3.0]]), 1e-6
    slopes = (piecewise_linear(x + h, bins) - piecewise_linear(x - h, bins)) / (2 * h)
    np.testing.assert_allclose(slopes, [[4, 0], [0, 1 / 1.75], [0, 0], [0, 0]], rtol=1e-8, atol=1e-12)
    at_edge = piecewise_linear(np.array([[0.25 - 1e-12], [0.25 + 1e-12]]), bins)
    np.testing.assert_allclose(at_edge[0], at_edge[1], atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs_stand_for_their_features(dtype):
    """Shape, dtype, rows and ``np.asarray`` of the inputs are those of the dense features; the numbers stay small."""
    inputs = cr.PiecewiseInputs(X.astype(dtype), EDGES, limits=LIMITS, sizes=SIZES)
    dense = np.asarray(inputs)
    np.testing.assert_allclose(dense, [naive.input_features(row, EDGES, LIMITS, SIZES) for row in X.tolist()], rtol=1e-3, atol=1e-5)
    assert inputs.shape == dense.shape == (200, FEATURES)
    assert inputs.dtype == dense.dtype == dtype
    assert len(inputs) == 200
    assert inputs.numbers.shape == (200, 5)
    rows = np.array([5, 5, 0, 199])
    assert np.array_equal(np.asarray(inputs[rows]), dense[rows])
    assert np.array_equal(np.asarray(inputs[10:20]), dense[10:20])
    assert np.asarray(inputs, np.float32).dtype == np.float32
    for same in (copy.deepcopy(inputs), pickle.loads(pickle.dumps(inputs))):
        assert np.array_equal(np.asarray(same), dense)
    assert repr(inputs) == f"PiecewiseInputs(200 x 5 {dtype}, 59 bins)"


def test_bins_serve_for_new_rows():
    """The bins of some inputs give the same features of new rows as their edges do; bins of other columns are refused."""
    bins = cr.PiecewiseInputs(X[:10], EDGES).bins
    assert np.array_equal(np.asarray(cr.PiecewiseInputs(X, bins)), np.asarray(cr.PiecewiseInputs(X, EDGES)))
    with pytest.raises(DataError, match="the bins must be of as many columns as x has, 4; they are of 5"):
        cr.PiecewiseInputs(X[:, :4], bins)
    with pytest.raises(DataError, match="the bins must have a lower edge and a scale each; they are 59, 59 and 58"):
        cr.PiecewiseInputs(X, bins._replace(scale=bins.scale[1:]))


def test_inputs_are_not_written_to():
    """The caller's array stays writable, and the inputs hold a read-only view of it, not a copy."""
    x = X.copy()
    inputs = cr.PiecewiseInputs(x, EDGES)
    assert np.shares_memory(inputs.numbers, x)
    assert not inputs.numbers.flags.writeable
    assert not inputs[:3].numbers.flags.writeable
    assert x.flags.writeable


@pytest.mark.parametrize(
    ("x", "edges", "error", "match"),
    [
        (X, EDGES[:4], DataError, "edges must have an entry for each of the 5 columns of x; it has 4"),
        ([[1.0]], [[0.0]], DataError, r"edges\[0\] must be two or more numbers in one row, or none; its shape is \(1,\)"),
        ([[1.0]], [[[0.0, 1.0]]], DataError, r"edges\[0\] must be two or more numbers in one row"),
        ([[1.0]], [[0.0, 1.0, 1.0]], DataError, r"edges\[0\] must ascend, by .*; 1 follows 1: leave out one of them"),
        ([[1.0]], [[0.0, -1.0]], DataError, r"edges\[0\] must ascend, by .*; -1 follows 0"),
        ([[1.0]], [[0.0, 1e-300]], DataError, r"edges\[0\] must ascend, by .*; 1e-300 follows 0"),
        ([[1.0]], [[0.0, 1e300]], DataError, r"edges\[0\] must ascend, by 3e-39 to 9e\+37; 1e\+300 follows 0"),
        ([[1.0]], [[0.0, np.inf]], DataError, r"edges\[0\] holds NaN or inf"),
        ([[1.0]], [["a", "b"]], DataTypeError, r"edges\[0\] holds"),
        ([[np.nan]], [[0.0, 1.0]], DataError, "x holds NaN or inf"),
        ([1.0], [[0.0, 1.0]], DataError, r"x must have shape \(n, c\)"),
        (np.ones((0, 1)), [[0.0, 1.0]], DataError, r"x must have shape \(n, c\)"),
    ],
)
def test_wrong_numbers_and_edges_are_refused(x, edges, error, match):
    """Numbers that are no finite table, and edges that do not make bins, are refused with the column and the remedy."""
    with pytest.raises(error, match=match):
        cr.PiecewiseInputs(x, edges)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"limits": [1.0]}, r"limits must have shape \(2,\), one for each column; it has shape \(1,\)"),
        ({"limits": [np.inf, -np.inf]}, r"limits must be between 1e-38 and 3e\+38; limits\[1\] is -inf"),
        ({"limits": [np.nan, 1.0]}, r"limits\[0\] is nan"),
        ({"limits": [1.0, 1e300]}, r"limits\[1\] is 1e\+300"),
        ({"sizes": [1.0, 1.0]}, r"sizes must have shape \(3,\), one for each feature; it has shape \(2,\)"),
        ({"sizes": [1.0, 0.0, 1.0]}, r"sizes must be between 1e-38 and 3e\+38; sizes\[1\] is 0"),
        ({"sizes": [1.0, np.inf, 1.0]}, r"sizes\[1\] is inf"),
    ],
)
def test_wrong_limits_and_sizes_are_refused(settings, match):
    """Limits and sizes that are not one positive number for each column or feature are refused, with the entry."""
    with pytest.raises(DataError, match=match):
        cr.PiecewiseInputs([[1.0, 2.0]], [[], [0.0, 1.0]], **settings)


def test_bounds_are_those_of_the_features():
    """The bounds are the smallest and the largest dense feature where the bins are passed over, also without bins."""
    for edges, limits in (([[0.0, 1.0], []], [0.5, np.inf]), ([[], []], [1.0, 0.25])):
        x = np.array([[-5.0, 2.0], [7.0, 4.0]])
        inputs = cr.PiecewiseInputs(x, edges, limits=limits, sizes=np.linspace(0.5, 3, 2 + (edges[0] != [])))
        dense = np.asarray(inputs)
        np.testing.assert_allclose(inputs.bounds, (dense.min(), dense.max()), rtol=1e-15)


def test_examples_of_piecewise_inputs():
    """Examples know their kind, count features as columns, and choose rows without expanding them."""
    examples = cr.Examples(cr.PiecewiseInputs(X, EDGES), Y)
    assert (examples.kind, examples.n_in, len(examples)) == ("piecewise", FEATURES, 200)
    assert repr(examples) == f"Examples(200 x {FEATURES} piecewise, labels 0..1)"
    assert examples.bounds == (X.min(), X.max())
    part = examples[[3, 1]]
    assert np.array_equal(part.x.numbers, X[[3, 1]])
    train, rest = examples.split(0.75)
    assert (len(train), len(rest)) == (150, 50)
    assert pickle.loads(pickle.dumps(examples)).x.shape == (200, FEATURES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_training_on_bins_is_one_on_dense_features(engine, kind, dtype):
    """A network trained on unexpanded inputs has the costs, the parameters and the outputs of one trained on the dense features."""
    inputs = cr.PiecewiseInputs(X.astype(kind), EDGES, limits=LIMITS, sizes=SIZES)
    dense = np.asarray(inputs, dtype)
    nets = [cr.Network([FEATURES, 8, 2], activation="relu", cost="log_loss", dtype=dtype, seed=0) for _ in range(2)]
    settings = {"epochs": 3, "batch_size": 16, "learning_rate": 0.1, "engine": engine.name}
    histories = [
        cr.train(net, (x, Y), validation=(x[:50], Y[:50]), **settings) for net, x in zip(nets, (inputs, dense), strict=True)
    ]
    tolerance = {"rtol": 1e-9, "atol": 1e-12} if kind == dtype == "float64" else {"rtol": 1e-3, "atol": 1e-4}
    for column in ("cost", "validation_cost"):
        np.testing.assert_allclose(histories[0][column], histories[1][column], rtol=1e-4)
    for actual, expected in zip(nets[0].weights + nets[0].biases, nets[1].weights + nets[1].biases, strict=True):
        np.testing.assert_allclose(actual, expected, **tolerance)
    for rows in (slice(0, 1), slice(0, 16), slice(0, 200)):
        np.testing.assert_allclose(nets[0].feedforward(inputs[rows]), nets[0].feedforward(dense[rows]), **tolerance)


def test_a_row_has_the_same_bits_alone_and_in_a_batch_of_the_reference():
    """The features of a row do not depend on the other rows."""
    inputs = cr.PiecewiseInputs(X.astype(np.float32), EDGES, limits=LIMITS, sizes=SIZES)
    together = np.asarray(inputs)
    assert all(np.array_equal(np.asarray(inputs[i : i + 1])[0], together[i]) for i in range(200))


def test_a_trained_network_of_bins_is_saved_like_any(tmp_path):
    """The model file holds the network on features: it predicts the same after loading, and refuses columns alone."""
    inputs = cr.PiecewiseInputs(X, EDGES)
    net = cr.Network([FEATURES, 4, 2], cost="log_loss", seed=0)
    cr.train(net, (inputs, Y), epochs=2, batch_size=20, learning_rate=0.1)
    net.save(tmp_path / "bins.safetensors")
    loaded = cr.load(tmp_path / "bins.safetensors")
    assert np.array_equal(loaded.feedforward(inputs), net.feedforward(inputs))
    with pytest.raises(DataError, match=f"x has 5 columns, but the network's first layer takes {FEATURES}"):
        loaded.predict(X)


def test_an_explanation_and_a_gradient_check_take_bins():
    """``explain`` and ``check_gradient`` read the dense features, clipped and of their sizes."""
    inputs = cr.PiecewiseInputs(X, EDGES, limits=LIMITS, sizes=SIZES)
    net = cr.Network([FEATURES, 3, 2], activation="tanh", cost="log_loss", seed=0)
    assert str(FEATURES) in str(cr.explain(net, inputs[:2], Y[:2]))
    assert cr.check_gradient(net, inputs[:6], Y[:6]).ok


def test_a_number_beyond_float32_is_refused(engine):
    """A float32 network refuses a column that float32 cannot hold, whichever engine reads it."""
    net = cr.Network([2, 2], seed=0)
    with pytest.raises(DataError, match="beyond float32"):
        cr.train(net, (cr.PiecewiseInputs([[1e300], [0.0]], [[0.0, 1.0]]), [0, 1]), epochs=1, batch_size=1, learning_rate=1,
                 engine=engine.name)  # fmt: skip


@pytest.mark.skipif("fused" not in ENGINES, reason="these are checks of the kernels' binding")
@pytest.mark.parametrize(
    ("starts", "bins", "match"),
    [
        ([0, 1], 2, "starts must have n_in"),
        ([1, 1, 2], 2, "must start at 0"),
        ([0, 2, 1], 1, "starts must ascend"),
        ([0, 1, 3], 2, "one entry a bin"),
    ],
)
def test_the_kernels_refuse_bins_that_do_not_fit(starts, bins, match):
    """The binding checks the starts of the columns' bins and the number of bins before a kernel reads them."""
    import chainrule.engines._fused as native

    data = native.Data()
    data.set_dense(3, 2, np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match=match):
        native_features(data, starts, bins)


def native_features(data, starts, bins, *, limits=2, sizes=None, clipped=0):
    """Give data of two columns features in the kernels, from arrays of these lengths."""
    ones = [np.ones(length, np.float32) for length in (bins, bins, limits, 2 + bins if sizes is None else sizes)]
    return data.with_features(np.array(starts, np.int32), *ones, clipped)


@pytest.mark.skipif("fused" not in ENGINES, reason="these are checks of the kernels' binding")
@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"limits": 1}, "limits must have one entry a column"),
        ({"sizes": 2}, "sizes must have one entry a feature"),
        ({"clipped": 3}, "clipped must be from 0 to n_in"),
        ({"clipped": -1}, "clipped must be from 0 to n_in"),
    ],
)
def test_the_kernels_refuse_limits_and_sizes_that_do_not_fit(settings, match):
    """The binding checks the number of limits, of sizes and of clipped columns before a kernel reads them."""
    import chainrule.engines._fused as native

    data = native.Data()
    data.set_dense(3, 2, np.zeros((3, 2), np.float32))
    native_features(data, [0, 0, 1], 1)
    with pytest.raises(ValueError, match=match):
        native_features(data, [0, 0, 1], 1, **settings)


def test_bins_are_a_named_tuple():
    """``bins_between`` gives starts of every column, and each bin's lower edge and scale."""
    bins = bins_between([np.zeros(0), np.array([1.0, 3.0, 3.5])])
    assert isinstance(bins, Bins)
    assert [part.tolist() for part in bins] == [[0, 0, 2], [1.0, 3.0], [0.5, 2.0]]
