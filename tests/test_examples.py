"""Examples: what kinds of data there are, what is checked, and what is never copied or written to."""

import copy
import pickle
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import chainrule as cr
from chainrule.errors import DataError, DataTypeError, SettingError
from chainrule.examples import Examples, as_examples

RNG = np.random.default_rng(0)
FORMATS = ["csr", "csc", "coo", "bsr", "dia", "dok", "lil"]


def sparse_rows(m=8, n=5, dtype=np.float64):
    """A matrix of which half is zeros."""
    dense = np.round(RNG.uniform(1, 9, (m, n)))
    return np.where(RNG.random((m, n)) < 0.5, 0, dense).astype(dtype)


# Kinds and dtypes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_kept_as_they_are(dtype):
    """float32 and float64 rows are held without a copy, in their own dtype."""
    x = RNG.normal(size=(4, 3)).astype(dtype)
    examples = Examples(x)
    assert examples.kind == "dense"
    assert examples.x.dtype == dtype
    assert np.shares_memory(examples.x, x)


def test_pixels_are_kept_as_they_are():
    """uint8 rows are held without a copy, as pixels."""
    x = RNG.integers(0, 256, (4, 3)).astype(np.uint8)
    examples = Examples(x)
    assert examples.kind == "pixels"
    assert examples.x.dtype == np.uint8
    assert np.shares_memory(examples.x, x)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float16, np.float32),
        (">f4", np.float32),
        (">f8", np.float64),
        (np.longdouble, np.float64),
        (np.int8, np.float64),
        (np.int64, np.float64),
        (">i2", np.float64),
        (np.uint16, np.float64),
        (np.uint64, np.float64),
        (bool, np.float64),
    ],
)
def test_other_numbers_become_floats(dtype, expected):
    """Other real numbers become floats of this machine, with the values they had."""
    x = np.array([[0, 1], [2, 3]]).astype(dtype)
    examples = Examples(x)
    assert examples.x.dtype == expected
    assert examples.x.dtype.isnative
    assert examples.x.tolist() == x.astype(np.float64).tolist()


def test_lists_are_read():
    """Nested lists and tuples of numbers are rows; mixed whole and fractional numbers are numbers."""
    examples = Examples([(0, 1.5), [True, 2]], (0, 1))
    assert examples.x.tolist() == [[0, 1.5], [1, 2]]
    assert examples.y.tolist() == [0, 1]


def test_objects_with_numpys_array_protocol_are_read():
    """Anything with NumPy's array protocol is read as the array it gives."""

    class Table:
        def __array__(self, dtype=None, copy=None):
            return np.array([[1.0, 2.0]])

    assert Examples(Table()).x.tolist() == [[1.0, 2.0]]


def test_subclasses_of_arrays_are_plain_arrays():
    """A matrix or record of NumPy's becomes a plain array."""
    with pytest.warns(PendingDeprecationWarning):
        x = np.matrix([[1.0, 2.0]])
    assert type(Examples(x).x) is np.ndarray


def test_masked_values_are_not_read_as_values():
    """A masked array whose mask hides something is refused: the values under the mask are not data; an empty mask is accepted."""
    x = np.ma.array([[1.0, 2.0], [3.0, 99.0]], mask=[[False, False], [False, True]])
    with pytest.raises(DataError, match="mask"):
        Examples(x)
    with pytest.raises(DataError, match="mask"):
        Examples([[1.0], [2.0]], np.ma.array([0, 1], mask=[False, True]))
    assert Examples(np.ma.array([[1.0, 2.0]])).x.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    "x",
    [np.asfortranarray(RNG.normal(size=(6, 4))), RNG.normal(size=(12, 8))[::2, ::-2], np.broadcast_to(np.arange(4.0), (6, 4))],
    ids=["fortran", "strided", "broadcast"],
)
def test_any_memory_layout_gives_the_same_network(x):
    """Fortran's order, strides and broadcasts train as their contiguous copies do."""
    nets = [cr.Network([4, 3, 2], seed=0), cr.Network([4, 3, 2], seed=0)]
    for net, rows in zip(nets, (x, np.ascontiguousarray(x)), strict=True):
        cr.train(net, (rows, np.arange(6) % 2), epochs=2, batch_size=2, learning_rate=0.5)
    np.testing.assert_allclose(nets[0].weights[0], nets[1].weights[0], rtol=1e-5)


def test_subnormal_and_large_numbers_are_numbers():
    """Finite numbers are accepted although their sum overflows."""
    x = np.full((4, 4), 1e308)
    assert Examples(x).x.tolist() == x.tolist()
    assert len(Examples(np.full((2, 2), np.finfo(np.float32).max, np.float32))) == 2
    assert len(Examples(np.full((2, 2), 5e-324))) == 2


# Never written to


def test_the_arrays_are_read_only_views():
    """x, y and weights of an Examples cannot be written to; the caller's own arrays still can."""
    x, y, weights = RNG.normal(size=(4, 3)), np.arange(4), np.ones(4)
    examples = Examples(x, y, weights=weights)
    for held in (examples.x, examples.y, examples.weights):
        with pytest.raises(ValueError, match="read-only"):
            held[0] = 0
    assert x.flags.writeable
    assert y.flags.writeable
    assert weights.flags.writeable


def test_read_only_arrays_are_welcome():
    """Arrays that are read-only already are taken as they are."""
    x = RNG.normal(size=(4, 3))
    x.flags.writeable = False
    assert np.shares_memory(Examples(x).x, x)


# CSR


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("container", ["array", "matrix"])
def test_any_sparse_format_becomes_csr(form, container):
    """Every format of SciPy's, array or matrix, becomes a CSR of the same numbers."""
    dense = sparse_rows()
    examples = Examples(getattr(sparse, f"{form}_{container}")(dense))
    assert examples.kind == "csr"
    assert examples.x.format == "csr"
    assert examples.x.toarray().tolist() == dense.tolist()
    assert (len(examples), examples.n_in) == (8, 5)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64), (np.uint8, np.float64), (bool, np.float64)],
)
def test_sparse_numbers_become_floats(dtype, expected):
    """A CSR matrix of floats keeps its dtype, one of other numbers becomes float64; sparse uint8 is numbers, not pixels."""
    dense = sparse_rows().astype(dtype)
    examples = Examples(sparse.csr_array(dense))
    assert examples.x.dtype == expected
    assert examples.x.toarray().tolist() == dense.astype(float).tolist()


def test_a_canonical_csr_is_not_copied():
    """A canonical CSR matrix of floats is held as it is."""
    x = sparse.csr_array(sparse_rows())
    assert np.shares_memory(Examples(x).x.data, x.data)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(-3, 3)), max_size=25), st.sampled_from([float, np.int32])
)
@settings(max_examples=60)
def test_duplicates_are_summed_without_touching_the_callers_matrix(entries, dtype):
    """Unsorted and repeated entries are brought to canonical form in a copy; the caller's matrix keeps its own arrays."""
    rows, columns, values = np.array(entries, dtype=int).reshape(-1, 3).T
    order = np.argsort(rows, kind="stable")
    indptr = np.searchsorted(rows[order], np.arange(5))
    x = sparse.csr_array((values[order].astype(dtype), columns[order].astype(np.int32), indptr.astype(np.int32)), shape=(4, 5))
    before = [part.copy() for part in (x.data, x.indices, x.indptr)]
    for part in (x.data, x.indices, x.indptr):
        part.flags.writeable = False
    expected = np.zeros((4, 5))
    np.add.at(expected, (rows, columns), values)
    examples = Examples(x)
    assert examples.x.toarray().tolist() == expected.tolist()
    assert examples.x.has_canonical_format
    fresh = sparse.csr_array((examples.x.data, examples.x.indices, examples.x.indptr), shape=examples.x.shape)
    assert fresh.has_canonical_format
    for part, kept in zip((x.data, x.indices, x.indptr), before, strict=True):
        assert part.tolist() == kept.tolist()


def test_a_csr_of_nothing_but_zeros_trains():
    """A CSR matrix without a single entry is data like any other."""
    net = cr.Network([5, 3, 2], seed=0)
    history = cr.train(net, (sparse.csr_array((6, 5)), np.arange(6) % 2), epochs=1, batch_size=2, learning_rate=0.5)
    assert history.stopped == "finished"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_csr_with_nan_or_inf_is_refused(value):
    """NaN and inf among a CSR matrix's entries are found."""
    x = sparse.csr_array(sparse_rows())
    x.data[1] = value
    with pytest.raises(DataError, match="x holds NaN or inf"):
        Examples(x)


def test_a_csr_that_is_broken_is_refused():
    """A CSR matrix whose indices point outside it is refused rather than read."""
    x = sparse.csr_array(np.eye(4))
    x.indices[2] = 1000
    with pytest.raises(DataError):
        Examples(x)
    x = sparse.csr_array(np.eye(4))
    x.indices[2] = -1
    with pytest.raises(DataError):
        Examples(x)


# Some of the examples


@pytest.mark.parametrize("kind", ["dense", "pixels", "csr"])
@pytest.mark.parametrize(
    "rows",
    [slice(2, 5), slice(None, None, -1), slice(-3, None), [0, 3, 3], np.array([7, 1]), np.arange(8) % 2 == 0],
    ids=["slice", "backwards", "from the end", "list", "array", "mask"],
)
def test_some_rows_are_those_rows(kind, rows):
    """Slices, lists, arrays of row numbers and masks choose x, y and weights alike, of every kind."""
    dense = {"dense": RNG.normal(size=(8, 3)), "pixels": RNG.integers(0, 256, (8, 3)).astype(np.uint8), "csr": sparse_rows(8, 3)}[
        kind
    ]
    x = sparse.csr_array(dense) if kind == "csr" else dense
    y, weights = np.arange(8), np.linspace(1, 2, 8)
    part = Examples(x, y, weights=weights)[rows]
    actual = part.x.toarray() if kind == "csr" else part.x
    assert actual.tolist() == dense[rows].tolist()
    assert part.y.tolist() == y[rows].tolist()
    assert part.weights.tolist() == weights[rows].tolist()
    assert part.kind == kind
    assert len(part) == len(dense[rows])


def test_a_slice_shares_memory_and_is_read_only():
    """A slice is a view: no copy, and not to be written to."""
    x = RNG.normal(size=(8, 3))
    part = Examples(x, np.arange(8))[2:5]
    assert np.shares_memory(part.x, x)
    with pytest.raises(ValueError, match="read-only"):
        part.x[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        part.y[0] = 1


def test_a_slice_of_black_pixels_is_still_pixels():
    """Rows taken from checked pixels are not checked again, even if all of them are black."""
    x = np.zeros((3, 4), np.uint8)
    x[2] = 255
    assert Examples(x)[:1].kind == "pixels"


def test_a_single_row_is_a_slice():
    """A number instead of rows is refused with how to write it."""
    for k in (0, np.int64(1), -1):
        with pytest.raises(SettingError, match=r"is one row, not a batch of rows; write examples\["):
            Examples(np.eye(3))[k]


@pytest.mark.parametrize(
    "rows",
    [slice(0, 0), [], [100], [-100], "text", 1.5, None, (slice(None), 0), [[0, 1]], [0.5], np.zeros(8, bool), np.zeros(3, bool)],
    ids=repr,
)
def test_invalid_rows_are_refused(rows):
    """An empty selection, row numbers out of range, and objects that do not select rows are refused."""
    examples = Examples(np.eye(8), np.arange(8))
    with pytest.raises(cr.ChainruleError):
        examples[rows]


def test_a_part_of_weight_0_is_refused():
    """Selecting only rows of weight 0 is refused, since they have no mean."""
    examples = Examples(np.eye(4), np.arange(4), weights=[0, 0, 1, 1])
    with pytest.raises(DataError, match="weigh"):
        examples[:2]
    assert len(examples[1:3]) == 2


# Splitting


@given(st.integers(2, 60), st.lists(st.floats(0.05, 0.4), min_size=1, max_size=2), st.integers(0, 2**64 - 1))
@settings(max_examples=50)
def test_a_split_deals_every_example_once(n, fractions, seed):
    """The parts of a split hold each example once, x with its y, in sizes near the fractions, the same for the same seed."""
    examples = Examples(np.arange(n)[:, None], np.arange(n))
    try:
        parts = examples.split(*fractions, seed=seed)
    except DataError:
        assert min([*fractions, 1 - sum(fractions)]) * n < 1.5  # a part would be empty
        return
    assert len(parts) == len(fractions) + 1
    dealt = np.concatenate([part.y for part in parts])
    assert sorted(dealt.tolist()) == list(range(n))
    for part in parts:
        assert part.x[:, 0].tolist() == part.y.tolist()
    for part, fraction in zip(parts, fractions, strict=False):
        assert abs(len(part) - fraction * n) <= 1
    again = examples.split(*fractions, seed=seed)
    assert [part.y.tolist() for part in again] == [part.y.tolist() for part in parts]


def test_a_split_is_random():
    """A split draws rows at random from all the examples, and differently for another seed."""
    examples = Examples(np.arange(100)[:, None], np.arange(100))
    first, _ = examples.split(0.5)
    other, _ = examples.split(0.5, seed=1)
    assert first.y.max() > 60
    assert first.y.tolist() != other.y.tolist()


@pytest.mark.parametrize(
    "fractions", [(), (0.0,), (1.0,), (-0.1,), (0.5, 0.5), (2,), (float("nan"),), ("half",), (None,)], ids=repr
)
def test_invalid_fractions_are_refused(fractions):
    """Fractions that are missing, not numbers, not above 0, or that leave no rest are refused."""
    with pytest.raises(SettingError, match="fractions must be above 0 and together below 1"):
        Examples(np.eye(10)).split(*fractions)


@pytest.mark.parametrize("seed", [-1, 1.5, "a"])
def test_a_splits_seed_is_checked(seed):
    """A seed that is none is refused as a setting."""
    with pytest.raises(SettingError, match="seed"):
        Examples(np.eye(10)).split(0.5, seed=seed)


# Targets


def test_one_dimension_is_labels_for_several_outputs():
    """1-D y is labels for a network with several outputs, whatever numbers hold them, and targets for one output."""
    for dtype in (int, float, np.uint8, np.int8, bool, np.float16):
        examples = Examples(np.eye(2), np.array([1, 0]).astype(dtype))
        found = examples.targets(3)
        assert found.values is None
        assert found.labels.tolist() == [1, 0]
        assert found.labels.dtype == np.intp
        assert examples.targets(1).values.tolist() == [[1], [0]]


def test_two_dimensions_are_targets():
    """2-D y is targets, as many columns as outputs."""
    y = RNG.uniform(size=(3, 2))
    found = Examples(np.eye(3), y).targets(2)
    assert found.labels is None
    assert found.values.tolist() == y.tolist()
    assert Examples(np.eye(3), y[:, :1]).targets(1).values.shape == (3, 1)


def test_without_y_there_are_no_targets():
    """Inputs alone are examples, until someone asks for their targets."""
    examples = Examples(np.eye(3))
    assert examples.y is None
    with pytest.raises(DataError, match="these examples have no y; give labels or targets as well"):
        examples.targets(3)


def test_the_least_and_largest_target_are_reported():
    """A target out of its cost's range is refused with the range and the value; the borders themselves are fine."""
    with pytest.raises(DataError, match=r"targets of cross_entropy lie between 0 and 1; y holds 1\.5"):
        Examples(np.eye(2), [[0.0], [1.5]]).targets(1, least=0, most=1, cost="cross_entropy")
    with pytest.raises(DataError, match=r"targets of poisson are at least 0; y holds -2"):
        Examples(np.eye(2), [3, -2]).targets(1, least=0, cost="poisson")
    assert len(Examples(np.eye(2), [[0], [1]]).targets(1, least=0, most=1).values) == 2


# What is prepared


def test_prepared_data_is_kept_by_key():
    """An engine's prepared form is made once for each key, and kept with these examples alone."""
    examples, made = Examples(np.eye(3)), []
    prepare = lambda these: made.append(these) or object()  # noqa: E731
    first = examples.prepared("a", prepare)
    assert examples.prepared("a", prepare) is first
    assert examples.prepared("b", prepare) is not first
    assert examples[:2].prepared("a", prepare) is not first
    assert made[:2] == [examples, examples]


def test_examples_can_be_copied_and_sent():
    """An Examples survives copying and pickling, for those who train in several processes."""
    examples = Examples(np.eye(3), np.arange(3), weights=[1, 2, 3])
    for twin in (copy.copy(examples), copy.deepcopy(examples), pickle.loads(pickle.dumps(examples))):
        assert twin.x.tolist() == examples.x.tolist()
        assert twin.y.tolist() == examples.y.tolist()
        assert twin.weights.tolist() == examples.weights.tolist()


# Pairs


def test_a_pair_is_examples():
    """``as_examples`` takes a pair, x and y, or an Examples, which it gives back."""
    examples = Examples(np.eye(3), np.arange(3))
    assert as_examples(examples) is examples
    assert as_examples((np.eye(3), [0, 1, 2])).y.tolist() == [0, 1, 2]
    assert as_examples(np.eye(3), [0, 1, 2]).y.tolist() == [0, 1, 2]
    assert as_examples(np.eye(3)).y is None


def test_other_forms_than_a_pair_are_refused():
    """An Examples with another y beside it, and tuples of other lengths, are refused."""
    with pytest.raises(SettingError, match="an Examples has its y already; pass it alone"):
        as_examples(Examples(np.eye(3)), [0, 1, 2])
    for parts in [(np.eye(3),), (np.eye(3), [0, 1, 2], [1, 1, 1])]:
        with pytest.raises(DataError, match=f"come as a pair .* this tuple has {len(parts)} parts"):
            as_examples(parts)


# repr


@pytest.mark.parametrize(
    ("examples", "expected"),
    [
        (Examples(np.eye(3)), "Examples(3 x 3 float64)"),
        (Examples(np.eye(3, dtype=np.float32), [0, 4, 9]), "Examples(3 x 3 float32, labels 0..9)"),
        (Examples(np.full((2, 784), 255, np.uint8), [0, 1]), "Examples(2 x 784 pixels, labels 0..1)"),
        (Examples(sparse.csr_array(np.eye(3)), np.eye(3)), "Examples(3 x 3 CSR, targets 3 x 3)"),
        (Examples(np.eye(3), [0.5, 1, 2], weights=[1, 2, 3]), "Examples(3 x 3 float64, targets 3, weighted)"),
        (Examples(np.eye(2), [True, False]), "Examples(2 x 2 float64, labels 0..1)"),
    ],
    ids=["inputs", "labels", "pixels", "csr", "weighted", "bool"],
)
def test_repr_says_what_there_is(examples, expected):
    """The repr shows the number and kind of rows, the labels or targets, and whether they are weighted."""
    assert repr(examples) == expected


def test_a_dataset_is_refused_as_examples():
    """Passing a Dataset where examples go says which part to pass."""
    with pytest.raises(cr.ChainruleError, match=r"pass one of its parts, such as mnist\.train"):
        cr.Network([64, 10], seed=0).cost(cr.datasets.digits())


@pytest.mark.parametrize("again", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))], ids=["deepcopy", "pickle"])
def test_a_copy_is_as_read_only_and_carries_nothing_prepared(again):
    """A copied or unpickled Examples cannot be written to, and does not contain the engines' prepared forms."""
    examples = Examples(np.eye(4), np.arange(4), weights=[1, 2, 3, 4])
    cr.Network([4, 4], seed=0).cost(examples)
    other = again(examples)
    assert not other._prepared
    assert not any(part.flags.writeable for part in (other.x, other.y, other.weights))
    assert cr.Network([4, 4], seed=0).cost(other) == cr.Network([4, 4], seed=0).cost(examples)


def test_a_csr_is_held_read_only():
    """The entries of a CSR matrix cannot be written to through the Examples, and the caller's matrix stays writable."""
    mine = sparse.csr_array(np.eye(4))
    examples = Examples(mine)
    with pytest.raises(ValueError, match="read-only"):
        examples.x.data[:] = 2
    mine.data[:] = 3


# Frames, and Python objects that are numbers


def frames(kind):
    """A frame with columns of several types, and its numbers."""
    numbers = np.array([[1, 2.5, 1, 7, 3], [0, -1.0, 0, 8, 4], [1, 0.5, 1, 9, 5]])
    columns = {"flag": [True, False, True], "x": [2.5, -1.0, 0.5], "other": [1, 0, 1], "big": [7, 8, 9], "whole": [3, 4, 5]}
    if kind.startswith("polars"):
        import polars as pl

        frame = pl.DataFrame(columns)
        return frame, numbers
    import pandas as pd

    frame = pd.DataFrame(columns)
    if kind == "pandas, nullable":
        frame = frame.astype({"flag": "boolean", "x": "Float64", "other": "Int8", "big": "UInt16", "whole": "Int64"})
    if kind == "pandas, objects":
        frame = frame.astype(object)
        frame["big"] = [Decimal(7), Fraction(8), np.int16(9)]
    if kind == "pandas, Arrow":
        frame = frame.convert_dtypes(dtype_backend="pyarrow")
    return frame, numbers


@pytest.mark.parametrize("kind", ["polars", "pandas", "pandas, nullable", "pandas, objects", "pandas, Arrow"])
def test_frames_are_their_numbers(kind):
    """A frame with booleans, nullable columns or columns of objects that are numbers gives those numbers, as to an estimator."""
    frame, numbers = frames(kind)
    examples = Examples(frame, frame["whole"])
    assert np.array_equal(np.asarray(examples.x, np.float64), numbers)
    assert np.array_equal(examples.y, [3, 4, 5])
    assert examples.columns == ("flag", "x", "other", "big", "whole")
    net = cr.Network([5, 4, 2], seed=0)
    np.testing.assert_allclose(net.feedforward(frame), net.feedforward(numbers), rtol=1e-6)
    assert np.array_equal(net.predict(frame), net.predict(numbers))
    y = frame["flag"]
    assert net.cost(frame, y) == pytest.approx(net.cost(numbers, [1, 0, 1]), rel=1e-6)
    cr.train(net, (frame, y), epochs=1, batch_size=2, learning_rate=0.1)
    model = cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(frame, frame["x"])


@pytest.mark.parametrize("kind", ["polars", "pandas, nullable", "pandas, objects"])
def test_a_gap_in_a_frame_is_refused(kind):
    """A missing value of any form is refused with its position."""
    frame, _ = frames(kind)
    frame = frame.clone() if kind == "polars" else frame.copy()
    if kind == "polars":
        frame[1, "big"] = None
    else:
        frame.loc[1, "big"] = None
    with pytest.raises(DataError, match=r"x (has no value at|holds NaN or inf, first at) \[1, 3\]"):
        Examples(frame)


def test_objects_that_are_whole_numbers_are_labels():
    """Python integers in an array of objects are labels; beyond 64 bits they are numbers, to float64's rounding."""
    y = np.array([2, 0, np.int8(1), True], dtype=object)
    assert Examples(np.eye(4), y).y.dtype.kind == "i"
    assert Examples(np.array([[2**70, 1]], dtype=object)).x.tolist() == [[2.0**70, 1.0]]


def test_a_frames_columns_are_known_again(tmp_path):
    """A network that learnt a frame refuses one with other columns, or in another order; numbers without names it takes."""
    import pandas as pd

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=["a", "b", "c"])
    net = cr.Network([3, 2], seed=0)
    cr.train(net, (frame, np.arange(20) % 2), epochs=1, batch_size=4, learning_rate=0.1)
    net.save(tmp_path / "net.safetensors")
    for network in (net, cr.load(tmp_path / "net.safetensors")):
        assert network.provenance.columns == ["a", "b", "c"]
        with pytest.raises(DataError, match=r"in another order.*pass x\[net.provenance.columns\]"):
            network.feedforward(frame[["b", "a", "c"]])
        with pytest.raises(DataError, match="x has no column 'c', which the network was trained on"):
            network.predict(frame.rename(columns={"c": "d"}))
        shuffled = frame[["c", "a", "b"]]
        assert np.array_equal(network.feedforward(shuffled[network.provenance.columns]), network.feedforward(frame.to_numpy()))


# The book's forms


@pytest.mark.parametrize("columns", [True, False])
def test_the_error_for_the_books_pairs_has_a_remedy_that_works(columns):
    """A list of pairs, as the book has its data, is refused; the message names the two arrays needed and the code for them."""
    rng = np.random.default_rng(0)
    shape = (lambda n: (n, 1)) if columns else (lambda n: (n,))
    pairs = [(rng.random(shape(6)), rng.random(shape(2))) for _ in range(8)]
    net = cr.Network([6, 3, 2], seed=0)
    for data in (pairs, zip(*zip(*pairs, strict=True), strict=True)):
        with pytest.raises(DataTypeError, match=r"these are pairs \(x, y\), one an example, as the book has them") as error:
            cr.train(net, data, epochs=1, batch_size=2, learning_rate=0.1)
    remedy = re.search(r"np.hstack\(.*?\).T" if columns else r"np.array\(.*?\)", str(error.value))[0]
    x = eval(remedy, {"np": np, "pairs": pairs})
    y = eval(remedy.replace("[x for", "[y for").replace("x, _", "_, y"), {"np": np, "pairs": pairs})
    assert (x.shape, y.shape) == ((8, 6), (8, 2))
    cr.train(net, (x, y), epochs=1, batch_size=2, learning_rate=0.1)


def test_a_column_says_what_to_pass():
    """One example as a column, as the book has it, is refused with the transpose that is wanted."""
    with pytest.raises(DataError, match=r"columns are examples here: pass x\.T"):
        cr.Network([6, 2], seed=0).feedforward(np.ones((6, 1)))


def test_a_list_of_x_and_y_says_what_to_pass():
    """X and y in a list, which might be two rows, are refused with the tuple that is wanted."""
    with pytest.raises(DataTypeError, match=r"x and y come as a tuple, \(x, y\)"):
        cr.train(cr.Network([2, 2], seed=0), [np.ones((2, 2)), np.array([0, 1])], epochs=1, batch_size=1, learning_rate=0.1)


def test_an_arrow_tables_columns_are_known_again():
    """An Arrow table's names are kept and compared as a frame's are."""
    import pyarrow as pa

    table = pa.table({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.0]})
    net = cr.Network([2, 2], seed=0)
    cr.train(net, (table, [0, 1, 0]), epochs=1, batch_size=1, learning_rate=0.1)
    assert net.provenance.columns == ["a", "b"]
    with pytest.raises(DataError, match="another order"):
        net.feedforward(table.select(["b", "a"]))


def test_true_twice_is_true():
    """A CSR matrix of booleans that names an entry twice has it once."""
    x = sparse.csr_array((np.array([True, True, True]), np.array([0, 0, 1]), np.array([0, 2, 3])), shape=(2, 2))
    assert Examples(x).x.toarray().tolist() == [[1.0, 0.0], [0.0, 1.0]]
