"""The kernels: their vector functions over the whole range, their instruction sets, and what each object file may export."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.errors import EngineError

if os.environ.get("CHAINRULE_REQUIRE_FUSED") == "1":
    assert "fused" in ENGINES, "the kernels were required, and are not built"
fused = pytest.importorskip("chainrule.engines.fused", reason="the kernels are not built here", exc_type=ModuleNotFoundError)


def through(activation, z, dtype):
    """Send numbers through one unit's activation in the kernels: weight 1, bias 0."""
    net = cr.Network([1, 1], output=activation, cost="mean_squared_error", seed=0, dtype=dtype)
    net.weights[0][...], net.biases[0][...] = 1, 0
    x = z.astype(dtype)[:, None]
    return ENGINES["fused"].forward(net.plan, net.weights, net.biases, x, threads=1)[:, 0]


def ulps(came, due):
    """How far numbers are from the right ones, in units of the last place of these."""
    return np.abs((came.astype(np.longdouble) - due) / np.spacing(np.abs(due.astype(came.dtype))))


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
    due = exact(z.astype(np.longdouble))
    assert ulps(through(name, z, dtype), due).max() <= most


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
    """No inline function of one instruction set can be taken for another's: what is weak in the module is none of the kernels'."""
    module = Path(sys.modules["chainrule.engines._fused"].__file__)
    listed = subprocess.run(["nm", "-DC", module], capture_output=True, text=True, check=True).stdout.splitlines()
    weak = [line for line in listed if " W " in line or " V " in line or " u " in line]
    assert not [line for line in weak if "chainrule::" in line and "chainrule::host::" not in line]


@pytest.mark.parametrize("columns_of", [np.uint16, np.uint32])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("n_in", [1, 7, 8, 131, 784])
def test_records_are_the_rows(n_in, dtype, columns_of):
    """Rows kept as what is not 0 are those rows; a negative zero is a zero, and the number of threads changes nothing."""
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
    fused._fused.Data().sparse(2, 5, *good[:2], False, good[2], False)
    for wrong in ([4, 4, 0], [4, 1, 0], [1, 5, 0]):
        with pytest.raises(ValueError, match="a record's columns must rise"):
            fused._fused.Data().sparse(2, 5, good[0], np.array(wrong, np.uint16), False, good[2], False)
    with pytest.raises(ValueError, match="starts must rise"):
        fused._fused.Data().sparse(2, 5, np.array([0, 4, 3]), *good[1:2], False, good[2], False)


PIXELS = np.random.default_rng(0).integers(1, 256, (90, 50)).astype(np.uint8) * (np.random.default_rng(1).random((90, 50)) < 0.2)
FLOATS = np.random.default_rng(2).normal(size=(90, 50))
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
}


@pytest.mark.parametrize("name", TRAININGS)
def test_no_bit_depends_on_the_number_of_threads(name):
    """Weights after a training have the same SHA-256 whatever the threads, fifty times for each number of them."""
    x, sizes, network, training = TRAININGS[name]
    examples = cr.Examples(x, LABELS, weights=np.linspace(0.5, 2, 90))
    seen = set()
    for threads in (1, 2, 3, 7, "auto"):
        for _ in range(50):
            net = cr.Network(sizes, seed=0, **network)
            cr.train(net, examples, epochs=1, learning_rate=0.01, engine="fused", threads=threads, **training)
            seen.add(hashlib.sha256(b"".join(part.tobytes() for part in net.weights + net.biases)).hexdigest())
    assert len(seen) == 1


@pytest.mark.parametrize(("l2", "rate"), [(0.01, 0.5), (0.9, 0.5), (3.0, 0.5), (1e-5, 0.1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_penalty_that_goes_into_the_scale_is_the_penalty(dtype, l2, rate):
    """Plain steps over sparse inputs, the L2 penalty kept in one number, give the reference's weights, however fast they shrink."""
    nets = {}
    for engine in ("fused", "reference"):
        nets[engine] = cr.Network([50, 20, 4], seed=0, dtype=dtype)
        cr.train(nets[engine], (PIXELS, LABELS), epochs=3, batch_size=10, learning_rate=rate, l2=l2, engine=engine)
    for ours, due in zip(nets["fused"].weights, nets["reference"].weights, strict=True):
        np.testing.assert_allclose(ours, due, rtol=0, atol=(1e-11 if dtype == "float64" else 2e-5) * max(1, np.abs(due).max()))


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
    """Rows taken straight through the network's own arrays give what the long way gives, to rounding."""
    net = cr.Network(sizes, seed=0, dtype=dtype, **network)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, sizes[0])).astype(np.uint8) if kind == "pixels" else rng.normal(size=(40, sizes[0])).astype(kind)
    if kind == "pixels":
        x[:, 0] = 200
    due = net.feedforward(x)
    for rows in (x[:1], x[:16]):
        quick = ENGINES["fused"].few(net.plan, net.weights, net.biases, rows)
        np.testing.assert_allclose(
            quick, due[: len(rows)], rtol=2e-5 if dtype == "float32" else 1e-13, atol=1e-6 if dtype == "float32" else 1e-15
        )
        assert quick.dtype == dtype


def test_what_a_few_rows_may_not_be_goes_the_long_way():
    """Rows with NaN, dim images, and arrays that don't fit are told as ever, however few the rows are."""
    net = cr.Network([4, 3, 2], seed=0)
    few = ENGINES["fused"].few
    good = np.ones((1, 4))
    assert few(net.plan, net.weights, net.biases, good) is not None
    for x in (
        good * np.nan,
        good * np.inf,
        good.astype(np.uint8),
        good.astype(int),
        np.ones((2, 8))[:, ::2],
        np.ones((17, 4)),
        [[1.0] * 4],
    ):
        assert few(net.plan, net.weights, net.biases, x) is None
    with pytest.raises(cr.ChainruleError, match="NaN or inf"):
        net.predict(good * np.nan)
    for wrong in (np.zeros((3, 4)), np.zeros((3, 5), np.float32), "text"):
        assert few(net.plan, [wrong, net.weights[1]], net.biases, good) is None
    assert few(net.plan, net.weights[:1], net.biases, good) is None


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
    for mine, theirs in zip(nets["fused"].weights, nets["reference"].weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
