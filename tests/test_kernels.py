"""The kernels: their vector functions over the whole range, their instruction sets, and what each object file may export."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.errors import EngineError
from chainrule.plan import State, Steps

if os.environ.get("CHAINRULE_REQUIRE_FUSED") == "1":
    assert "fused" in ENGINES, "the kernels were required, and are not built"
fused = pytest.importorskip("chainrule.engines.fused", reason="the kernels are not built here", exc_type=ModuleNotFoundError)


def through(activation, z, dtype):
    """Send numbers through one unit's activation in the kernels: weight 1, bias 0."""
    net = cr.Network([1, 1], output=activation, cost="mean_squared_error", seed=0, dtype=dtype)
    net.weights[0][...], net.biases[0][...] = 1, 0
    x = z.astype(dtype)[:, None]
    return ENGINES["fused"].forward(net.plan, net.weights, net.biases, x, threads=1)[:, 0]


def ulps(actual, expected):
    """How far numbers are from the right ones, in units of the last place of these."""
    return np.abs((actual.astype(np.longdouble) - expected) / np.spacing(np.abs(expected.astype(actual.dtype))))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "exact", "most"),
    [
        ("exp", np.exp, 2),
        ("tanh", np.tanh, 4),
        ("sigmoid", lambda z: 1 / (1 + np.exp(-z)), 4),
    ],
)
def test_vector_functions_are_right_to_a_few_ulps(name, exact, most, dtype):
    """exp, tanh and sigmoid are within a few units of the last place wherever the result is a normal number."""
    edge = {"float32": 87.0, "float64": 708.0}[dtype]
    rng = np.random.default_rng(0)
    z = np.concatenate([np.linspace(-edge, edge, 20_001), rng.normal(size=20_000), rng.normal(size=20_000) * 1e-3]).astype(dtype)
    expected = exact(z.astype(np.longdouble))
    assert ulps(through(name, z, dtype), expected).max() <= most


def test_the_logarithm_of_a_cost_is_right_to_a_few_ulps():
    """The cross-entropy of one sigmoid output is the logarithm of what was given to the right answer."""
    net, fused_engine = cr.Network([1, 1], cost="cross_entropy", seed=0, dtype="float64"), ENGINES["fused"]
    net.weights[0][...], net.biases[0][...] = 1, 0
    z = np.concatenate([np.linspace(-30, 36, 1500), np.random.default_rng(0).normal(size=500)])[:, None]
    given = fused_engine.forward(net.plan, net.weights, net.biases, z, threads=1)
    session = fused_engine.open(net.plan, State(tuple(net.weights), tuple(net.biases)), threads=1)
    costs = [session.evaluate(fused_engine.prepare(cr.Examples(z[i : i + 1], np.ones((1, 1))))).cost for i in range(len(z))]
    expected = -np.log(given[:, 0].astype(np.longdouble))
    assert ulps(np.array(costs), expected).max() <= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vector_functions_at_the_ends(dtype):
    """Beyond the range the results are the limits, and the smallest numbers keep their sign."""
    z = np.array([1000.0, -1000.0, 0.0, -0.0])
    most = np.finfo(dtype).max
    assert through("exp", z, dtype).tolist() == [most, 0, 1, 1]
    assert through("tanh", z, dtype).tolist() == [1, -1, 0, 0]
    assert through("sigmoid", z, dtype).tolist() == [1, 0, 0.5, 0.5]
    assert through("relu", z, dtype).tolist() == [1000, 0, 0, 0]


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "exp", "identity"])
def test_nan_stays_nan(name):
    """A NaN among the weights comes out as NaN, so that a divergence is seen."""
    net = cr.Network([1, 1], output=name, cost="mean_squared_error", seed=0)
    net.weights[0][...] = np.nan
    ones = np.ones((3, 1), np.float32)
    assert np.isnan(ENGINES["fused"].forward(net.plan, net.weights, net.biases, ones, threads=1)).all()


SCRIPT = """
import sys, numpy as np, chainrule as cr
rng = np.random.default_rng(0)
x = rng.integers(0, 256, (200, 37), dtype=np.uint8) * (rng.random((200, 37)) < 0.2)
net = cr.Network([37, 19, 5], seed=0, activation="tanh", cost="log_loss")
cr.train(net, (x.astype(np.uint8), rng.integers(0, 5, 200)), epochs=3, batch_size=16, learning_rate=0.1, optimizer="adam",
         dropout=0.2, engine="fused")
print(net.provenance.engine, *(f"{p:.4f}" for p in net.weights[1].ravel()[:8]))
"""


@pytest.mark.parametrize("isa", fused.available())
def test_every_instruction_set_computes_the_same_network(isa):
    """Each instruction set that this machine has, when forced, trains the same network to rounding, and says its name."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, "CHAINRULE_ISA": isa}, capture_output=True, text=True, check=True
    )
    name, *numbers = run.stdout.split()
    best = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert name == f"fused/{isa}"
    np.testing.assert_allclose([float(n) for n in numbers], [float(n) for n in best.stdout.split()[1:]], atol=2e-3)


def test_an_instruction_set_that_is_not_here_is_refused(monkeypatch):
    """An instruction set that the machine lacks, or that there is not, is refused with those there are."""
    monkeypatch.setenv("CHAINRULE_ISA", "v9")
    with pytest.raises(EngineError, match="CHAINRULE_ISA asks for 'v9', but this machine runs"):
        cr.Network([2, 1], seed=0).feedforward([[1.0, 2.0]])


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not here")
def test_the_module_exports_no_weak_symbol_of_the_kernels():
    """No inline function of one instruction set can be taken for another's: no weak symbol of the module belongs to a kernel."""
    module = Path(sys.modules["chainrule.engines._fused"].__file__)
    listed = subprocess.run(["nm", "-DC", module], capture_output=True, text=True, check=True).stdout.splitlines()
    weak = [line for line in listed if " W " in line or " V " in line or " u " in line]
    assert not [line for line in weak if "chainrule::" in line and "chainrule::host::" not in line]


@pytest.mark.parametrize("columns_of", [np.uint16, np.uint32])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("n_in", [1, 7, 8, 131, 784])
def test_records_are_the_rows(n_in, dtype, columns_of):
    """Rows stored as their nonzero entries are those rows; a negative zero is a zero, and the number of threads changes nothing."""
    rng = np.random.default_rng(n_in)
    x = (rng.integers(1, 256, (37, n_in)) * (rng.random((37, n_in)) < 0.3)).astype(dtype)
    x[3], x[5] = 0, 1
    if dtype != np.uint8:
        x[4] = -0.0
    for threads in (1, 3):
        starts = np.zeros(38, np.int64)
        fused._fused.count_entries(x, starts[1:], threads)
        np.cumsum(starts, out=starts)
        columns, values = np.empty(starts[-1], columns_of), np.empty(starts[-1], dtype)
        fused._fused.fill_entries(x, starts, columns, values, threads)
        rows, at = np.nonzero(x)
        assert np.array_equal(starts, np.searchsorted(rows, np.arange(38)))
        assert np.array_equal(columns, at)
        assert np.array_equal(values, x[rows, at])


def test_records_from_outside_are_checked():
    """Columns that lie outside, or do not rise, and starts that fall, are refused before a kernel goes by them."""
    good = np.array([0, 2, 3]), np.array([1, 4, 0], np.uint16), np.ones(3)
    fused._fused.Data().set_sparse(2, 5, *good[:2], False, good[2], False)
    for wrong in ([4, 4, 0], [4, 1, 0], [1, 5, 0]):
        with pytest.raises(ValueError, match="the columns of a CSR row must ascend"):
            fused._fused.Data().set_sparse(2, 5, good[0], np.array(wrong, np.uint16), False, good[2], False)
    with pytest.raises(ValueError, match="row starts must ascend"):
        fused._fused.Data().set_sparse(2, 5, np.array([0, 4, 3]), *good[1:2], False, good[2], False)


def test_records_of_inputs_that_changed_are_refused():
    """Inputs that another thread wrote to between the counting and the filling are refused, not written beyond their room."""
    x = np.array([[0, 1, 0, 2, 0], [0, 0, 0, 0, 0]], np.float32)
    with pytest.raises(RuntimeError, match="x was written to while it was prepared"):
        fused._fused.fill_entries(x, np.array([0, 1, 2]), np.empty(2, np.uint16), np.empty(2, np.float32), 1)


PIXELS = np.random.default_rng(0).integers(1, 256, (90, 50)).astype(np.uint8) * (np.random.default_rng(1).random((90, 50)) < 0.2)
FLOATS = np.random.default_rng(2).normal(size=(90, 50))
MANY = np.random.default_rng(4).normal(size=(400, 50))
LABELS = np.random.default_rng(3).integers(0, 4, 90)
TRAININGS = {
    "pixels in place": (PIXELS, [50, 100, 4], {}, {"batch_size": 10}),
    "pixels in place, one layer": (PIXELS, [50, 4], {}, {"batch_size": 7, "l2": 0.01}),
    "softmax by lists": (PIXELS, [50, 4], {"cost": "log_loss"}, {"batch_size": 7, "optimizer": "adam"}),
    "pixels by lists": (
        PIXELS,
        [50, 80, 40, 4],
        {"activation": "relu", "cost": "log_loss"},
        {"batch_size": 32, "optimizer": "adam"},
    ),
    "floats": (FLOATS, [50, 100, 80, 4], {"activation": "tanh"}, {"batch_size": 20, "optimizer": "adam", "l2": 0.1}),
    "dropout": (
        FLOATS,
        [50, 70, 4],
        {"activation": "relu"},
        {"batch_size": 9, "dropout": 0.4, "optimizer": cr.optimizers.SGD(momentum=0.9)},
    ),
    "clipped": (PIXELS, [50, 30, 4], {"dtype": "float64"}, {"batch_size": 16, "clip": 0.01, "l1": 0.001}),
    "in pieces": (MANY, [50, 40, 4], {"activation": "relu"}, {"batch_size": 320, "dropout": 0.2, "optimizer": "adam", "l2": 0.1}),
    "in clipped pieces": (MANY, [50, 12, 9, 4], {"dtype": "float64", "cost": "log_loss"}, {"batch_size": 170, "clip": 0.01}),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_no_bit_depends_on_the_number_of_threads(name):
    """Weights after a training have the same SHA-256 whatever the threads, fifty times for each number of them."""
    x, sizes, network, training = TRAININGS[name]
    examples = cr.Examples(x, np.resize(LABELS, len(x)), weights=np.linspace(0.5, 2, len(x)))
    seen = set()
    for threads in (1, 2, 3, 7, "auto"):
        for _ in range(50):
            net = cr.Network(sizes, seed=0, **network)
            cr.train(net, examples, epochs=1, learning_rate=0.01, engine="fused", threads=threads, **training)
            seen.add(hashlib.sha256(b"".join(part.tobytes() for part in net.weights + net.biases)).hexdigest())
    assert len(seen) == 1


def test_slices_of_a_training_give_the_bits_of_the_whole():
    """A training long enough to go back and forth between one thread and all has the bits of one, its penalty in one number."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(20_000, 300)) * (rng.random((20_000, 300)) < 0.1)).astype(np.float32)
    examples, seen = cr.Examples(x, rng.integers(0, 3, 20_000)), set()
    for threads in (1, "auto"):
        net = cr.Network([300, 64, 3], seed=0)
        cr.train(net, examples, epochs=1, batch_size=10, learning_rate=0.1, l2=1e-3, engine="fused", threads=threads)
        seen.add(net.weights[0].tobytes())
    assert len(seen) == 1


@pytest.mark.parametrize(("l2", "rate"), [(0.01, 0.5), (0.9, 0.5), (3.0, 0.5), (1e-5, 0.1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_penalty_that_goes_into_the_scale_is_the_penalty(dtype, l2, rate):
    """Plain steps over sparse inputs, the L2 penalty kept in one number, give the reference's weights, however fast they shrink."""
    nets = {}
    for engine in ("fused", "reference"):
        nets[engine] = cr.Network([50, 20, 4], seed=0, dtype=dtype)
        cr.train(nets[engine], (PIXELS, LABELS), epochs=3, batch_size=10, learning_rate=rate, l2=l2, engine=engine)
    for actual, expected in zip(nets["fused"].weights, nets["reference"].weights, strict=True):
        np.testing.assert_allclose(
            actual, expected, rtol=0, atol=(1e-11 if dtype == "float64" else 2e-5) * max(1, np.abs(expected).max())
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["pixels", "float32", "float64"])
@pytest.mark.parametrize(
    ("sizes", "network"),
    [
        ([784, 30, 10], {}),
        ([1, 1], {"cost": "mean_squared_error"}),
        ([17, 33, 5, 3], {"activation": ["tanh", "leaky_relu"], "cost": "log_loss"}),
        ([64, 65, 1], {"activation": "relu", "cost": "poisson"}),
    ],
)
def test_a_few_rows_are_answered_as_many_are(sizes, network, kind, dtype):
    """The fast path through the network's own arrays gives the bits of the general path: a row alone is as in a large batch."""
    net = cr.Network(sizes, seed=0, dtype=dtype, **network)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, sizes[0])).astype(np.uint8) if kind == "pixels" else rng.normal(size=(40, sizes[0])).astype(kind)
    if kind == "pixels":
        x[:, 0] = 200
    expected = net.feedforward(x)
    for rows in (x[:1], x[:16]):
        quick = ENGINES["fused"].forward_small(net.plan, net.weights, net.biases, rows)
        np.testing.assert_array_equal(quick, expected[: len(rows)])
        assert quick.dtype == dtype


def test_rows_that_need_a_check_take_the_general_path():
    """Few rows with NaN, images without a bright pixel, and arrays that do not fit get the same errors as many rows."""
    net = cr.Network([4, 3, 2], seed=0)
    forward_small = ENGINES["fused"].forward_small
    good = np.ones((1, 4))
    assert forward_small(net.plan, net.weights, net.biases, good) is not None
    for x in (
        good * np.nan,
        good * np.inf,
        good.astype(np.uint8),
        good.astype(int),
        np.ones((2, 8))[:, ::2],
        np.ones((17, 4)),
        [[1.0] * 4],
    ):
        assert forward_small(net.plan, net.weights, net.biases, x) is None
    with pytest.raises(cr.ChainruleError, match="NaN or inf"):
        net.predict(good * np.nan)
    for wrong in (np.zeros((3, 4)), np.zeros((3, 5), np.float32), "text"):
        assert forward_small(net.plan, [wrong, net.weights[1]], net.biases, good) is None
    assert forward_small(net.plan, net.weights[:1], net.biases, good) is None


def test_columns_beyond_16_bits():
    """A CSR matrix of more than 65,536 columns trains as in the reference."""
    from scipy import sparse

    rng = np.random.default_rng(0)
    x = sparse.random_array((40, 70_000), density=1e-4, format="csr", rng=rng, dtype=np.float32)
    x = sparse.hstack([x, np.ones((40, 1), np.float32)], format="csr")
    y = rng.integers(0, 3, 40)
    nets = {}
    for engine in ("fused", "reference"):
        nets[engine] = cr.Network([70_001, 4, 3], seed=0, init="scaled")
        cr.train(nets[engine], (x, y), epochs=1, batch_size=8, learning_rate=0.5, engine=engine)
    for actual, expected in zip(nets["fused"].weights, nets["reference"].weights, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_a_session_that_is_in_use_takes_no_parameters():
    """While one thread trains a session, another that puts parameters into it is refused."""
    rng = np.random.default_rng(0)
    net = cr.Network([50, 200, 3], seed=0)
    examples = cr.Examples(rng.normal(size=(2000, 50)), rng.integers(0, 3, 2000))
    run = cr.Run(net, examples, epochs=1, batch_size=10, learning_rate=1e-6)
    session, data = ENGINES["fused"].open(run.plan, net.state(), threads=1), ENGINES["fused"].prepare(examples)

    def train():
        for _ in range(20):
            with suppress(RuntimeError):  # where the other was first
                session.advance(data, np.arange(2000), Steps(np.full(200, 1e-6), np.zeros(200)))

    thread, refused = threading.Thread(target=train), 0
    thread.start()
    while thread.is_alive():
        try:
            session.native.put(0, fused.PARAMETERS, net.weights[0], net.biases[0])
        except RuntimeError as error:
            refused += "in use by another thread" in str(error)
    assert refused


FORKED = """
import os, signal
import numpy as np
import chainrule as cr
rng = np.random.default_rng(0)
examples = cr.Examples(rng.normal(size=(500, 64)), rng.integers(0, 2, 500))

def train():
    net = cr.Network([64, 64, 2], seed=0)
    cr.train(net, examples, epochs=1, batch_size=50, learning_rate=0.1, engine="fused", threads=2)
    return net.weights[0].tobytes()

expected = train()
child = os.fork()
if child == 0:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(20)  # ends a child that waits for threads that only its parent has
    os._exit(0 if train() == expected else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_trains_with_threads_of_its_own():
    """A fork of a process that has trained with helper threads, none of which it has, trains with its own to the same bits."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["0"]


BROKEN = """
import sys
from importlib.util import spec_from_file_location

class Finder:
    def find_spec(name, path, target=None):
        return spec_from_file_location(name, sys.argv[1]) if name == "chainrule.engines._fused" else None

sys.meta_path.insert(0, Finder)
import chainrule.engines
"""


def test_kernels_that_cannot_be_loaded_are_an_error(tmp_path):
    """Kernels that were built and cannot be loaded raise, rather than leave a slower engine to do it all without a word."""
    module = tmp_path / Path(fused._fused.__file__).name
    module.write_bytes(b"no library")
    run = subprocess.run([sys.executable, "-c", BROKEN, module], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].startswith("ImportError: ")
    assert str(module) in run.stderr


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured and limited by Linux's own means")


def printed_by(script):
    """Run a script in a process of its own, large blocks straight from the system and back; give the words that it printed."""
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return run.stdout.split()


LIMITED = """
import resource
import numpy as np
import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.plan import State, Steps
fused, no_limit = ENGINES["fused"], resource.getrlimit(resource.RLIMIT_AS)

def said_with(more, act):
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, no_limit[1]))
    try:
        act()
    except MemoryError:
        return "MemoryError"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, no_limit)
"""
RETRIED = """
rng = np.random.default_rng(0)
examples = cr.Examples(rng.random((5000, 2000), np.float32), rng.integers(0, 2, 5000))
net = cr.Network([2000, 8, 2], seed=0)
plan = cr.Run(net, examples, epochs=1, batch_size=5000, learning_rate=0.1).plan
data = fused.prepare(examples)
session, same = (fused.open(plan, net.state(), threads=1) for _ in range(2))

def step(session, n):
    return session.advance(data, np.arange(n), Steps(np.full(1, 0.1), np.zeros(1)))

step(session, 200)
print(said_with(2**24, lambda: step(session, 5000)))
step(session, 200)
step(same, 200), step(same, 200)
print(all(map(np.array_equal, session.state().weights, same.state().weights)))
"""


@on_linux
def test_a_session_whose_memory_ran_out_goes_on():
    """A mini-batch that memory does not suffice for raises MemoryError; smaller ones then go on as if it had not been."""
    assert printed_by(LIMITED + RETRIED) == ["MemoryError", "True"]


IN_A_HELPER = """
small = cr.Examples(np.eye(64, dtype=np.float32), np.arange(64) % 2)
cr.train(cr.Network([64, 2], seed=0), small, epochs=1, batch_size=8, learning_rate=0.1, threads=2)
x, starts = np.zeros((2, 20_000_000), np.float32), np.array([0, 1, 2])
x[:, 7] = 1
columns, values = np.empty(2, np.uint32), np.empty(2, np.float32)
module = type(fused).prepare.__globals__["_fused"]
print(said_with(2**25, lambda: module.fill_entries(x, starts, columns, values, 2)))
module.fill_entries(x, starts, columns, values, 2)
print(columns, values)
"""


@on_linux
def test_a_helper_whose_memory_ran_out_says_so():
    """Where memory does not suffice for what a helper thread needs, MemoryError is raised, and the process lives to do it again."""
    assert printed_by(LIMITED + IN_A_HELPER) == ["MemoryError", "[7", "7]", "[1.", "1.]"]


SKEWED = """
import numpy as np, chainrule as cr
from scipy import sparse
n, n_in = 4000, 50_000
columns = np.random.default_rng(0).integers(0, n_in, (n, 60))
some = sparse.csr_array((np.ones(n * 60, np.float32), columns.ravel(), np.arange(0, n * 60 + 1, 60)), shape=(n, n_in))
x = sparse.vstack([some, np.ones((1, n_in), np.float32)], format="csr")
examples, net = cr.Examples(x, np.arange(n + 1) % 2), cr.Network([n_in, 8, 2], seed=0)

def most():
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024

before = most()
cr.train(net, examples, epochs=1, batch_size=512, learning_rate=0.01, optimizer="adam", engine="fused", threads=2)
print(most() - before)
"""


@on_linux
def test_memory_goes_by_the_batch_not_by_the_longest_example():
    """One full row of 50,000 among 4,000 of 60 costs a training with batches of 512 no more than its own entries."""
    assert float(*printed_by(SKEWED)) < 100  # MiB


@pytest.mark.parametrize("which", range(4))
def test_a_state_of_another_shape_is_refused(which):
    """As many numbers in another shape, such as a transposed matrix, are refused as a state of this network."""
    net = cr.Network([3, 2, 3], seed=0)
    parts = [*net.weights, *net.biases]
    parts[which] = np.ascontiguousarray(parts[which].T) if which < 2 else parts[which][:, None]
    with pytest.raises(ValueError, match=r"(w|b) must have"):
        ENGINES["fused"].open(net.plan, State(tuple(parts[:2]), tuple(parts[2:])), threads=1)
    with pytest.raises(ValueError, match="parameters must have one entry"):
        ENGINES["fused"].gradient(net.plan, ENGINES["fused"].prepare(cr.Examples(np.eye(3), np.arange(3))), None, threads=1)(
            np.zeros(16, net.plan.dtype)
        )
