"""Every function of the native module with arguments of any kind: it does its work, or raises; it never reads beyond an array.

The library checks arguments before it calls the module, so these calls never come from it. Under ``scripts/sanitize`` these tests
run with AddressSanitizer and UndefinedBehaviorSanitizer, which end the process where an array's end is passed.
"""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

fused = pytest.importorskip("chainrule.engines._fused")

MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
REFUSALS = (TypeError, ValueError, RuntimeError, MemoryError, OverflowError, IndexError)
HUGE = st.sampled_from([-(2**63), -(2**31), -1, 0, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**64, 2**70])
DTYPES = ("uint8", "uint16", "int32", "uint32", "int64", "float32", "float64", "bool", "complex128", ">f4", ">i8")
ISA = fused.instruction_sets()[0]


def contents(n, dtype, rng):
    """Numbers that may be meant as rows, columns, classes or inputs: mostly small, some of them far outside."""
    values = rng.integers(-1, 6, n).astype(np.float64)
    if rng.random() < 0.3:
        values[rng.random(n) < 0.2] = rng.choice([2.0**31, 1e9, -5.0, np.nan, np.inf])
    with np.errstate(all="ignore"):
        return values.astype(dtype)


@st.composite
def mostly(draw, usual, *unusual):
    """The usual value, and one of the others at one of twenty draws, so that most calls have one fault or none."""
    return draw(st.one_of(*unusual)) if draw(st.integers(0, 19)) == 7 else draw(usual)


@st.composite
def arrays(draw, shape=None, dtype=None):
    """An array of this shape and dtype, or of others; or laid out in another way; or no array."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    any_shape, any_dtype = st.lists(st.integers(0, 5), max_size=3), st.sampled_from(DTYPES)
    shape = draw(any_shape if shape is None else mostly(st.just(shape), any_shape))
    dtype = draw(any_dtype if dtype is None else mostly(st.just(dtype), any_dtype))
    array = np.ascontiguousarray(contents(int(np.prod(shape)), dtype, rng)).reshape(shape)
    return laid_out(array, draw(mostly(st.just(0), st.integers(1, 10))))


def laid_out(array, way):
    """Give an array as it is; or in Fortran's order, strided, backwards, misaligned, read-only, endless; or something else."""
    if way == 1 and array.ndim == 2:
        return np.asfortranarray(array)
    if way == 2 and array.ndim:
        return np.repeat(array, 2, axis=0)[::2]
    if way == 3 and array.ndim:
        return array[::-1]
    if way == 4:
        room = np.zeros(array.nbytes + 1, np.uint8)
        misaligned = room[1:].view(array.dtype).reshape(array.shape)
        misaligned[...] = array
        return misaligned
    if way == 5:
        array = array.copy()
        array.flags.writeable = False
    if way == 6:
        return np.broadcast_to(array, (2**40, *array.shape))  # strides of 0: as large as one array
    return {7: None, 8: array.tolist(), 9: memoryview(array) if array.dtype.isnative else b"", 10: object()}.get(way, array)


def tried(function, *arguments):
    """Call a function; give its result, or None where it raises what a refusal may be."""
    try:
        return function(*arguments)
    except REFUSALS:
        return None


@st.composite
def data_sets(draw, n_in, n_out):
    """Data of this width, dense or sparse, with targets and features or without; some of it made of false arrays."""
    n = draw(st.integers(1, 6))
    data = fused.Data()
    claimed, width = draw(mostly(st.just(n), HUGE)), draw(mostly(st.just(n_in), HUGE))
    for _ in range(draw(st.integers(1, 2))):  # data may be set anew, after it had targets
        if draw(st.booleans()):
            tried(data.set_dense, claimed, width, draw(arrays((n, n_in), draw(st.sampled_from(["uint8", "float32", "float64"])))))
        else:
            starts, columns, values = draw(csr_parts(n, n_in))
            wide = draw(mostly(st.just(getattr(columns, "dtype", None) == np.uint32), st.booleans()))
            tried(data.set_sparse, claimed, width, starts, columns, wide, values, False)
        if draw(st.integers(0, 3)) == 0:
            bins = n_in
            starts = draw(mostly(st.just(np.arange(n_in + 1, dtype=np.int32)), arrays((n_in + 1,), "int32")))
            lower, scale = draw(arrays((bins,), "float32")), draw(arrays((bins,), "float32"))
            limits, sizes = draw(arrays((n_in,), "float32")), draw(arrays((n_in + bins,), "float32"))
            data = tried(data.with_features, starts, lower, scale, limits, sizes, draw(st.integers(-1, n_in + 1))) or data
        labels = draw(st.one_of(st.none(), st.just(np.arange(n, dtype=np.int32) % n_out), arrays((n,), "int32")))
        targets = draw(st.one_of(st.none(), arrays((n, n_out), "float64")))
        classes, weights = draw(st.one_of(st.none(), arrays((n,), "int32"))), draw(st.one_of(st.none(), arrays((n,), "float64")))
        outputs = draw(mostly(st.just(n_out), HUGE))
        data = tried(data.with_targets, labels, targets, classes, weights, outputs) or data
        n = draw(mostly(st.just(n), st.integers(1, 40)))
    return data


@st.composite
def csr_parts(draw, n, n_in):
    """The row starts, columns and values of a CSR matrix, valid or not."""
    counts = [draw(st.integers(0, n_in)) for _ in range(n)]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    columns = np.concatenate([np.arange(count) for count in counts] or [[]]).astype(draw(st.sampled_from(["uint16", "uint32"])))
    if draw(st.integers(0, 7)) == 0:
        starts[draw(st.integers(0, n))] = draw(st.sampled_from([-5, -1, 0, 3, 2**40, 2**62]))
    if len(columns) and draw(st.integers(0, 7)) == 0:
        columns[draw(st.integers(0, len(columns) - 1))] = 65_535
    entries = len(columns)
    return starts, draw(mostly(st.just(columns), arrays((entries,)))), draw(arrays((entries,), "float32"))


OPTIMIZERS = {
    "sgd": {"momentum": 0.5, "nesterov": False},
    "adam": {"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "epsilon_on": "corrected"},
}


@st.composite
def sessions(draw):
    """A session, its type of number, and its sizes; None where its arguments were refused."""
    dtype = draw(st.sampled_from(["float32", "float64"]))
    sizes = draw(st.lists(st.integers(1, 7), min_size=2, max_size=4))
    called = draw(mostly(st.just(sizes), st.just([2**31 - 1] * 3), st.just([-1, 2]), st.just([]), st.just([2**40, 1])))
    layers = max(len(called) - 1, 0)
    names = [draw(st.sampled_from(fused.activations())) for _ in range(layers)]
    optimizer = draw(st.sampled_from(sorted({*fused.optimizers()} & {*OPTIMIZERS})))
    given_settings = draw(mostly(st.just(OPTIMIZERS[optimizer]), st.just({}), st.just({"momentum": "x", "nesterov": 3})))
    kind = fused.SessionF32 if dtype == "float32" else fused.SessionF64
    session = tried(
        kind,
        draw(mostly(st.just(ISA), st.just("v9"))),
        called,
        names,
        [draw(mostly(st.sampled_from([0.0, 0.3]), st.sampled_from([1.0, float("nan"), -1.0])))] * layers,
        draw(st.sampled_from(fused.costs())),
        draw(mostly(st.just({"delta": 1.0}), st.just({}))),
        draw(st.booleans()),
        draw(mostly(st.sampled_from([0.0, 0.1]), st.sampled_from([-1.0, float("nan")]))),
        optimizer,
        given_settings,
        draw(mostly(st.sampled_from([0.0, 0.1]), st.just(float("nan")))),
        draw(st.sampled_from([None, 1.0, -1.0])),
        draw(mostly(st.sampled_from([0, 2**64 - 1]), st.just(-1))),
        draw(mostly(st.sampled_from([0, 5]), st.sampled_from([-1, 2**63 - 1]))),
        draw(mostly(st.sampled_from([1, 2, 3]), st.sampled_from([0, -1, -(2**31)]))),
        draw(st.booleans()),
    )
    return session, dtype, sizes


@MANY
@given(st.data())
def test_a_session_with_any_arguments(data):
    """A session made, filled, trained, evaluated and read with any arrays either does so or raises."""
    session, dtype, sizes = data.draw(sessions())
    if session is None:
        return
    for layer, slot in itertools.product(range(len(sizes) - 1), (-1, 0)):
        shape = sizes[layer + 1], sizes[layer]
        tried(session.put, layer, slot, data.draw(arrays(shape, dtype)), data.draw(arrays(shape[:1], dtype)))
    examples = data.draw(data_sets(sizes[0], sizes[-1]))
    orders = (arrays((3,), "int64"), arrays((2, 2), "int64"), arrays((0,), "int64"))
    order = data.draw(st.one_of(st.just(np.zeros(1, np.int64)), *orders))
    batch_size = data.draw(mostly(st.integers(1, 4), HUGE))
    epochs, length = (len(order), 2) if np.shape(order) == (2, 2) else (1, min(np.size(order), 30))
    steps = data.draw(mostly(st.just(epochs * -(-length // max(batch_size, 1))), st.integers(0, 3)))
    floats = [data.draw(arrays((steps,), "float64")) for _ in range(5)]
    parameters = sum((a + 1) * b for a, b in itertools.pairwise(sizes))
    rows = data.draw(st.one_of(st.none(), arrays((3,), "int64"), arrays()))
    layer, slot = data.draw(st.integers(-1, 4)), data.draw(st.integers(-2, 2))
    w, b = (data.draw(arrays(shape, dtype)) for shape in ((sizes[1], sizes[0]), (sizes[1],)))
    calls = [
        (session.advance, examples, order, batch_size, *floats),
        (session.evaluate, examples, rows),
        (session.value_and_gradient, examples, rows, *(data.draw(arrays((parameters,), dtype)) for _ in range(2))),
        (session.forward, examples, data.draw(arrays((data.draw(st.integers(1, 6)), sizes[-1]), dtype))),
        (session.get, layer, slot, w, b),
        (session.put, layer, slot, w, b),
        (session.put_unscaled, w, b, data.draw(st.sampled_from([1.0, 0.0, float("nan")]))),
        (session.get_unscaled, w, b),
        (session.finite,),
        (session.step,),
        (session.w_scale,),
    ]
    for call in data.draw(st.permutations(calls)):
        tried(*call)


@MANY
@given(st.data())
def test_a_few_rows_with_any_arguments(data):
    """The forward pass of a few rows with any sizes, parameters and inputs either gives outputs or raises."""
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    sizes = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))
    rows = data.draw(st.integers(0, 4))
    shapes = [(b, a) for a, b in itertools.pairwise(sizes)]
    weights, biases = (
        [data.draw(arrays(shape, dtype)) for shape in shapes],
        [data.draw(arrays(shape[:1], dtype)) for shape in shapes],
    )
    n_names = data.draw(mostly(st.just(len(shapes)), st.sampled_from([0, 5])))
    names = [data.draw(st.sampled_from(fused.activations())) for _ in range(n_names)]
    claimed = tuple(data.draw(mostly(st.just(size), HUGE)) for size in sizes)
    x, out = data.draw(arrays((rows, sizes[0]), dtype)), data.draw(arrays((rows, sizes[-1]), dtype))
    tried(fused.forward_small, ISA, claimed, names, weights, biases, x, out, -1.0, data.draw(st.sampled_from([1.0, float("nan")])))


@MANY
@given(st.data())
def test_compressing_with_any_arguments(data):
    """Rows are counted and compressed, or refused, whatever the arrays and the starts."""
    n, n_in = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 20))
    dtype = data.draw(st.sampled_from(["uint8", "float32", "float64"]))
    x = data.draw(arrays((n, n_in), dtype))
    threads = data.draw(mostly(st.sampled_from([1, 2, 3]), st.sampled_from([0, -1, -(2**31)])))
    starts = np.zeros(n + 1, np.int64)
    tried(fused.count_entries, x, data.draw(mostly(st.just(starts[1:]), arrays((n,), "int64"))), threads)
    starts = np.cumsum(starts)
    if data.draw(st.integers(0, 7)) == 0:
        starts[data.draw(st.integers(0, n))] = data.draw(st.sampled_from([-2, -1, 1, 3, 2**40, -(2**62)]))
    entries = int(starts[-1]) if 0 <= starts[-1] <= 200 else 3
    columns = data.draw(arrays((entries,), data.draw(st.sampled_from(["uint16", "uint32"]))))
    tried(
        fused.fill_entries,
        x,
        data.draw(st.one_of(st.just(starts), arrays((n + 1,), "int64"))),
        columns,
        data.draw(arrays((entries,), dtype)),
        threads,
    )


@MANY
@given(st.data())
def test_distorting_with_any_arguments(data):
    """Images are distorted, or refused, whatever the arrays, the maps and the number of threads."""
    n, rows, columns = (data.draw(st.integers(least, 5)) for least in (0, 0, 0))
    dtype = data.draw(st.sampled_from(["uint8", "float32", "float64"]))
    images, out = (data.draw(arrays((n, rows, columns), dtype)) for _ in range(2))
    numbers = st.one_of(
        st.integers(-(2**18), 2**18), st.sampled_from([2**30, -(2**30), 2**31, 2**60, -(2**60), 2**63 - 1, -(2**63)])
    )
    maps = np.array([data.draw(numbers) for _ in range(6 * n)], np.int64).reshape(n, 2, 3)
    threads = data.draw(mostly(st.sampled_from([1, 2, 3]), st.sampled_from([0, -1, -(2**31)])))
    tried(
        fused.distort_images,
        images,
        data.draw(mostly(st.just(maps), arrays((n, 2, 3), "int64"))),
        data.draw(st.booleans()),
        out,
        threads,
    )


def test_no_images_need_no_memory():
    """None of images that are too large for any memory are distorted without allocating one."""
    none = np.empty((0, 2**20, 2**20), np.uint8)
    fused.distort_images(none, np.empty((0, 2, 3), np.int64), False, none.copy(), 1)


def test_maps_whose_places_could_overflow_are_refused():
    """Entries above 2^30 a pixel, or offsets above 2^60, are refused: sums of them may pass 2^63."""
    images = np.ones((1, 2, 2), np.uint8)
    for place, number in ((0, 2**30 + 1), (4, -(2**30) - 1), (2, 2**60 + 1), (5, -(2**63))):
        maps = np.zeros(6, np.int64)
        maps[place] = number
        with pytest.raises(ValueError, match="maps must be at most"):
            fused.distort_images(images, maps, False, np.empty_like(images), 1)


def session_of(n_in, n_out, step=0):
    """A session of one layer."""
    settings_of_sgd = {"momentum": 0.0, "nesterov": False}
    arguments = (
        [n_in, n_out],
        ["sigmoid"],
        [0.0],
        "quadratic",
        {},
        False,
        0.0,
        "sgd",
        settings_of_sgd,
        0.0,
        None,
        0,
        step,
        1,
        False,
    )
    return fused.SessionF64(ISA, *arguments)


def test_a_number_of_steps_that_would_overflow_is_refused():
    """A session cannot begin below 0 steps, nor where the next step's number has no place in 64 bits."""
    for step in (-1, 2**63 - 1):
        with pytest.raises(ValueError, match=r"step must be from 0 to 2\^62"):
            session_of(2, 1, step)


def test_sizes_whose_product_overflows_are_refused():
    """2^62 rows of 4 columns have a product of 0 in 64 bits, the length of an empty array; they are refused."""
    for n, n_in in ((2**62, 4), (2**61, 8), (-1, -1), (0, 0)):
        with pytest.raises(ValueError, match=r"n must be at least 0, and a width|too large"):
            fused.Data().set_dense(n, n_in, np.zeros(n * n_in % 2**64))


def test_data_that_are_set_anew_have_no_targets():
    """Labels of two rows are not read for a hundred rows that replace these."""
    data = fused.Data()
    data.set_dense(2, 3, np.zeros((2, 3)))
    data = data.with_targets(np.zeros(2, np.int32), None, None, None, 1)
    data.set_dense(100, 3, np.zeros((100, 3)))
    with pytest.raises(ValueError, match="targets must be as wide"):
        session_of(3, 1).evaluate(data, None)


def test_starts_below_0_are_refused():
    """Row starts that agree with the counts, but begin below 0, or fall in between, are refused: they would be written to."""
    x = np.ones((2, 2), np.float32)
    for starts in ([-2, 0, 2], [0, 2**40, 4], [1, 3, 4]):
        with pytest.raises(ValueError, match=r"row_starts must ascend from 0|as many entries as"):
            fused.fill_entries(x, np.array(starts), np.empty(2, np.uint16), np.empty(2, np.float32), 2)


def test_misaligned_arrays_are_refused():
    """An array whose numbers begin at odd places is refused by the module; the library copies it first."""
    misaligned = np.zeros(8 * 4 + 1, np.uint8)[1:].view(np.float64)
    with pytest.raises(ValueError, match="aligned"):
        fused.Data().set_dense(2, 2, misaligned)
    with pytest.raises(ValueError, match="aligned"):
        session_of(2, 2).put(0, -1, misaligned.reshape(2, 2), np.zeros(2))
