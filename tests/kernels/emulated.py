"""What ``scripts/emulate`` asks of the fused engine on a processor with some instruction sets (its two arguments: has, lacks)."""

import os
import sys

import numpy as np

import chainrule as cr
from chainrule.engines import fused
from chainrule.errors import EngineError

has, lacks = sys.argv[1].split(), sys.argv[2].split()
rng = np.random.default_rng(0)
x = rng.integers(2, 256, (60, 40)).astype(np.uint8) * (rng.random((60, 40)) < 0.3)
examples = cr.Examples(x, rng.integers(0, 3, 60))


def trained(engine, optimizer):
    """Train a network from the same start."""
    net = cr.Network([40, 17, 3], seed=0, dtype="float64")
    cr.train(net, examples, epochs=2, batch_size=7, learning_rate=0.1, optimizer=optimizer, engine=engine, threads=2)
    return net


assert fused.available() == has, f"this processor runs {has}; the engine says {fused.available()}"
assert fused.instruction_set() == has[0], "the best is chosen"
for optimizer in ("sgd", "adam"):
    due = trained("reference", optimizer)
    for name in ("", *has):
        os.environ["CHAINRULE_ISA"] = name
        for ours, theirs in zip(trained("fused", optimizer).weights, due.weights, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)
for name in lacks:
    os.environ["CHAINRULE_ISA"] = name
    try:
        trained("fused", "sgd")
        refusal = "none"
    except EngineError as error:
        refusal = str(error)
    assert f"asks for {name!r}, but this machine runs" in refusal, refusal
print(f"the engine takes {has[0]} and refuses {' and '.join(lacks)}")
