"""Check the fused engine's choice of an instruction set and a training, on a processor that ``scripts/emulate`` emulates.

Two arguments: the instruction sets that the processor has, the best first, and those that it lacks.
"""

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


def trained_weights(engine, optimizer):
    """Train a network, always from the same parameters, and give its weights."""
    net = cr.Network([40, 17, 3], seed=0, dtype="float64")
    cr.train(net, examples, epochs=2, batch_size=7, learning_rate=0.1, optimizer=optimizer, engine=engine, threads=2)
    return net.weights


assert fused.available() == has, f"this processor has {has}; the engine lists {fused.available()}"
assert fused.instruction_set() == has[0], f"the engine chooses {fused.instruction_set()}, not the best"
for optimizer in ("sgd", "adam"):
    expected = trained_weights("reference", optimizer)
    for name in ("", *has):
        os.environ["CHAINRULE_ISA"] = name
        for actual_w, expected_w in zip(trained_weights("fused", optimizer), expected, strict=True):
            np.testing.assert_allclose(actual_w, expected_w, rtol=0, atol=1e-10)
for name in lacks:
    os.environ["CHAINRULE_ISA"] = name
    try:
        trained_weights("fused", "sgd")
        message = "no error"
    except EngineError as error:
        message = str(error)
    assert repr(name) in message, f"CHAINRULE_ISA={name} must be refused; got: {message}"
print(f"the engine chooses {has[0]} and refuses {' and '.join(lacks)}")
