"""The kernels: their vector functions over the whole range, their instruction sets, and what each object file may export."""

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
    assert not [line for line in weak if "chainrule::" in line]


def test_compressed_rows_are_the_rows():
    """Rows that are mostly 0 are kept as what is not; the others as they are."""
    sparse = np.zeros((3, 5), np.uint8)
    sparse[0, 1], sparse[2, 4], sparse[2, 0] = 7, 9, 255
    rows = fused.compressed(sparse)
    assert (rows.starts.tolist(), rows.columns.tolist(), rows.values.tolist()) == ([0, 1, 1, 3], [1, 0, 4], [7, 255, 9])
    assert fused.compressed(np.ones((2, 2))).x.tolist() == [[1, 1], [1, 1]]


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
