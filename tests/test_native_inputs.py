"""Arrays as the world hands them over: laid out anyhow, of another byte order, empty, or larger than any memory.

Each works, with the numbers that a plain copy of it gives, or is refused in a sentence.
"""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.errors import DataError, SettingError

RNG = np.random.default_rng(0)
N, N_IN, N_OUT = 40, 17, 3
MOSTLY_0 = RNG.random((N, N_IN)) < 0.3
INPUTS = {
    "float32": RNG.normal(size=(N, N_IN)).astype(np.float32),
    "float64": RNG.normal(size=(N, N_IN)),
    "mostly 0": RNG.normal(size=(N, N_IN)) * MOSTLY_0,
    "pixels": RNG.integers(2, 256, (N, N_IN)).astype(np.uint8),
    "dark pixels": RNG.integers(2, 256, (N, N_IN)).astype(np.uint8) * MOSTLY_0,
}
LABELS = RNG.integers(0, N_OUT, N)
WEIGHTS = RNG.uniform(0.5, 2, N)
MANY = 2**31 + 5


def misaligned(array):
    """Copy an array to where no number begins at a multiple of its size."""
    room = np.zeros(array.nbytes + 1, np.uint8)
    copy = room[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert copy.dtype.itemsize == 1 or not copy.flags.aligned
    return copy


def every_other(array):
    """Copy an array into every second place of each axis of a larger one."""
    room = np.zeros([2 * length for length in array.shape], array.dtype)
    view = room[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def backwards(array):
    """Give the same numbers through negative strides."""
    turned = tuple(slice(None, None, -1) for _ in array.shape)
    return array[turned].copy()[turned]


def read_only(array):
    """Copy an array that refuses to be written to."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "misaligned": misaligned,
    "strided": every_other,
    "Fortran": np.asfortranarray,
    "backwards": backwards,
    "read-only": read_only,
    "byte-swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "misaligned and byte-swapped": lambda array: misaligned(array.astype(array.dtype.newbyteorder())),
    "columns of a wider array": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
}


def network(dtype="float64"):
    """A network for these inputs."""
    return cr.Network([N_IN, 9, N_OUT], seed=0, dtype=dtype)


def trained(engine, x, y, weights=None, **training):
    """Train on some arrays, and give the network's parameters in one row."""
    net = network()
    settings = {"epochs": 2, "batch_size": 7, "learning_rate": 0.1, "engine": engine.name} | training
    cr.train(net, cr.Examples(x, y, weights=weights), **settings)
    return np.concatenate([part.ravel() for part in net.weights + net.biases])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", INPUTS)
def test_a_layout_changes_no_outputs(kind, layout):
    """Few rows and many, in any memory layout, give the outputs of a contiguous copy."""
    x, net = INPUTS[kind], network()
    expected = ENGINES["reference"].forward(net.plan, net.weights, net.biases, x, threads=1)
    given = LAYOUTS[layout](x)
    for rows in (1, 5, N):
        np.testing.assert_allclose(net.feedforward(given[:rows]), expected[:rows], rtol=0, atol=1e-13)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", INPUTS)
def test_a_layout_changes_no_training(engine, kind, layout):
    """Inputs, labels and row weights laid out anyhow train to the same bits as plain copies of them."""
    change = LAYOUTS[layout]
    expected = trained(engine, INPUTS[kind], LABELS, WEIGHTS)
    assert np.array_equal(trained(engine, change(INPUTS[kind]), change(LABELS), change(WEIGHTS)), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_of_targets_changes_no_training(engine, layout):
    """Targets laid out anyhow train to the same bits as a plain copy of them."""
    targets = RNG.random((N, N_OUT))
    expected = trained(engine, INPUTS["float64"], targets)
    assert np.array_equal(trained(engine, INPUTS["float64"], LAYOUTS[layout](targets)), expected)


@pytest.mark.parametrize("layout", ["misaligned", "strided", "Fortran", "backwards", "read-only", "byte-swapped"])
def test_a_layout_of_parameters_is_read(layout):
    """A network's arrays, replaced by others of the same numbers, give the same outputs."""
    net = network()
    dues = {rows: net.feedforward(INPUTS["float64"][:rows]) for rows in (1, N)}
    net.weights[0] = LAYOUTS[layout](net.weights[0])
    net.biases[1] = LAYOUTS[layout](net.biases[1])
    for rows, expected in dues.items():
        np.testing.assert_allclose(net.feedforward(INPUTS["float64"][:rows]), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("layout", ["misaligned", "strided", "backwards", "read-only", "byte-swapped"])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_a_layout_of_csr_parts_changes_no_training(engine, index, layout):
    """A CSR matrix whose three arrays lie anyhow trains to the same bits as one of plain copies."""
    plain = sparse.csr_array(INPUTS["mostly 0"])
    expected = trained(engine, plain, LABELS)
    given = plain.copy()
    given.data, given.indices, given.indptr = (
        LAYOUTS[layout](part) for part in (plain.data, plain.indices.astype(index), plain.indptr.astype(index))
    )
    assert np.array_equal(trained(engine, given, LABELS), expected)


def test_no_rows_are_refused():
    """No rows, or no columns, are refused with the shape that came, few or many rows being wanted."""
    for shape in ((0, N_IN), (N, 0), (0, 0)):
        for given in (np.zeros(shape), np.zeros(shape, np.uint8), sparse.csr_array(shape)):
            for use in (network().feedforward, cr.Examples):
                with pytest.raises(DataError, match=rf"\({shape[0]}, {shape[1]}\)"):
                    use(given)


@pytest.mark.parametrize("stored", ["no entries at all", "zeros that are written down", "dense zeros", "some empty rows"])
def test_rows_without_entries_train_biases_alone(engine, stored):
    """Rows of zeros, however they are stored, are rows: they move the biases, and no weight of the first layer."""
    matrix = sparse.csr_array((N, N_IN))
    if stored == "zeros that are written down":
        matrix = sparse.csr_array((np.zeros(N), np.arange(N) % N_IN, np.arange(N + 1)), shape=(N, N_IN))
    if stored == "some empty rows":
        matrix = sparse.csr_array(np.where(np.arange(N)[:, None] % 3 == 1, INPUTS["float64"], 0))
    given = matrix.toarray() if stored == "dense zeros" else matrix
    start = network()
    for optimizer in ("sgd", "adam"):
        came = trained(engine, given, LABELS, optimizer=optimizer)
        expected = trained(ENGINES["reference"], matrix.toarray(), LABELS, optimizer=optimizer)
        np.testing.assert_allclose(came, expected, rtol=0, atol=1e-10)
        if stored != "some empty rows":
            assert np.array_equal(came[: start.weights[0].size], start.weights[0].ravel())
            assert not np.array_equal(came[-N_OUT:], start.biases[-1])


def test_one_example_of_one_number(engine):
    """The smallest data there are train, in batches that could be larger."""
    net = cr.Network([1, 1], seed=0, dtype="float64")
    before = net.cost([[0.5]], [1.0])
    cr.train(net, ([[0.5]], [1.0]), epochs=3, batch_size=2**31 - 1, learning_rate=1.0, engine=engine.name)
    assert net.cost([[0.5]], [1.0]) < before


def peak_of(act):
    """The most memory that a call asks of Python and NumPy, in bytes."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_one_row_shown_two_billion_times_is_refused():
    """A view of more rows than anything can hold is refused by its width before any of it is looked at."""
    row = np.arange(2, N_IN + 3, dtype=np.uint8)
    huge = np.broadcast_to(row, (MANY, N_IN + 1))

    def act():
        with pytest.raises(DataError, match=f"x has {N_IN + 1} columns, but the network's first layer takes {N_IN}"):
            network().feedforward(huge[:3])
        with pytest.raises(DataError, match=r"y must have a row for each of the 3 rows of x; it has 2147483653"):
            cr.Examples(huge[:3], np.broadcast_to(np.uint8(1), MANY))

    assert peak_of(act) < 1e6


def test_more_than_two_billion_columns_are_refused():
    """A CSR matrix of more columns than a network may have inputs is refused, and so is the network."""
    wide = sparse.csr_array((np.ones(2), np.array([0, MANY - 1]), np.array([0, 1, 2])), shape=(2, MANY))
    assert wide.indices.dtype == np.int64
    with pytest.raises(DataError, match=f"x has {MANY} columns"):
        network().feedforward(wide)
    with pytest.raises(SettingError, match="at most 2,147,483,647"):
        cr.Network([MANY, 1], seed=0)


def test_columns_beyond_16_and_31_bits_are_not_cut_short(engine):
    """Column numbers of a wide CSR matrix are not truncated to 16 bits: column 65,536 is not column 0."""
    n_in = 2**16 + 3
    x = sparse.csr_array((np.ones(4), np.array([0, 2**16, 2**16 + 2, 1]), np.arange(5)), shape=(4, n_in))
    net = cr.Network([n_in, 2], seed=0, dtype="float64")
    start = net.weights[0].copy()
    cr.train(net, (x[:3], [0, 1, 0]), epochs=1, batch_size=1, learning_rate=1.0, engine=engine.name)
    assert set(np.flatnonzero((net.weights[0] != start).any(axis=0))) == {0, 2**16, 2**16 + 2}


def test_starts_beyond_31_bits_are_refused():
    """A CSR matrix that claims more entries than it has is refused, its 64-bit starts not cut to a smaller number."""
    good = sparse.csr_array(INPUTS["mostly 0"])
    broken = good.copy()
    broken.indptr = good.indptr.astype(np.int64)
    broken.indptr[1:] += 2**32
    with pytest.raises(DataError, match="not a valid CSR matrix"):
        cr.Examples(broken, LABELS)


def test_batches_larger_than_31_bits_are_refused(engine):
    """A batch size beyond what is counted is refused; the largest allowed takes no more memory than the examples do."""

    def act():
        with pytest.raises(SettingError, match="batch_size must be at most 2,147,483,647"):
            trained(engine, INPUTS["float64"], LABELS, batch_size=2**31)
        assert np.isfinite(trained(engine, INPUTS["float64"], LABELS, batch_size=2**31 - 1)).all()

    assert peak_of(act) < 1e8
