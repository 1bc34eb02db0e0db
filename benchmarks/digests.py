"""Digests of the bits of many trainings: run ``python -m benchmarks.digests`` before and after a change that keeps all results.

Networks of every activation, cost and optimizer are trained on every kind of data, in both dtypes, by each engine, on one and two
threads, and the estimators are fitted. Each line holds the SHA-256 of one training's parameters, costs and predictions. The bits
are reproducible only on one machine with one set of libraries: compare two runs with ``diff``.
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, product
from typing import Any

import numpy as np
from scipy import sparse

import chainrule as cr
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.costs import COSTS
from chainrule.calculus.optimizers import OPTIMIZERS
from chainrule.engines import ENGINES

HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]
PAIRS = [(output, cost.name) for cost in COSTS.values() for output in (cost.outputs or tuple(ACTIVATIONS))]
EXTRAS: list[dict[str, Any]] = [
    {},
    {"l2": 0.01},
    {"l1": 0.01},
    {"clip": 0.5},
    {"dropout": 0.3},
    {"schedule": "cosine"},
    {"shuffle": False},
]
SIZES = [(20,), (33, 17), (), (130, 5, 9)]  # units of the hidden layers; 130 is wider than a kernel's panel
ROWS, COLUMNS = 230, 37


def inputs(kind: str, rng: np.random.Generator) -> Any:
    """Draw inputs of a kind, (ROWS, COLUMNS)."""
    dense = rng.standard_normal((ROWS, COLUMNS)) / 2
    if kind == "pixels":
        return rng.integers(0, 256, (ROWS, COLUMNS)).astype(np.uint8)
    mostly_0 = np.where(rng.random((ROWS, COLUMNS)) < 0.15, dense, 0)
    return {"dense": dense, "single": dense.astype(np.float32), "mostly 0": mostly_0, "csr": sparse.csr_array(mostly_0)}[kind]


def targets(cost: str, output: str, rng: np.random.Generator) -> Any:
    """Draw labels where the outputs may be classes, else values within the output activation's range."""
    if output in ("softmax", "sigmoid") and cost != "poisson":
        return rng.integers(0, 3, ROWS)
    sigma = ACTIVATIONS[output]
    values = rng.standard_normal((ROWS, 3)) if cost != "poisson" else rng.poisson(0.4, (ROWS, 3)).astype(float)
    return np.clip(values, max(sigma.least, COSTS[cost].least), min(sigma.most, COSTS[cost].most))


def train(sizes: list[int], network: dict[str, Any], examples: cr.Examples, training: dict[str, Any]) -> list[Any]:
    """Train a network; return its parameters, costs, outputs and gradients."""
    net = cr.Network(sizes, **network)
    history = cr.train(net, examples, validation=examples[:50], **training)
    costs = history["cost"], history["validation_cost"]
    return [*net.weights, *net.biases, *costs, net.feedforward(examples.x), *net.backprop(examples[:9]).nabla_w]


def fit(model: Any, x: Any, y: Any) -> list[Any]:
    """Fit an estimator; return its parameters, loss and predictions."""
    model.fit(x, y)
    return [*model.coefs_, *model.intercepts_, model.loss_, model.predict(x)]


def trainings() -> Iterator[tuple[str, Callable[[], list[Any]]]]:
    """Iterate over the trainings of networks: a name, and a function that trains."""
    choices = zip(
        PAIRS * len(HIDDEN), cycle(HIDDEN), cycle(OPTIMIZERS), cycle(EXTRAS), cycle(SIZES), cycle((1, 7, 32, 300)), strict=False
    )
    kinds = ("dense", "single", "pixels", "mostly 0", "csr")
    for k, ((output, cost), hidden, optimizer, extra, sizes, batch_size) in enumerate(choices):
        for kind, dtype in product(kinds, ("float32", "float64")):
            rng = np.random.default_rng(k)
            weights = rng.random(ROWS) if k % 3 == 0 else None
            examples = cr.Examples(inputs(kind, rng), targets(cost, output, rng), weights=weights)
            settings = {"epochs": 2, "batch_size": batch_size, "learning_rate": 0.003, "optimizer": optimizer, **extra}
            for engine, threads in product(ENGINES, (1, 2)):
                name = f"{hidden} {sizes} {output} {cost} {optimizer} {extra} {batch_size} {kind} {dtype} {engine} {threads}"
                network = {"activation": hidden, "output": output, "cost": cost, "seed": k, "dtype": dtype}
                training = {**settings, "engine": engine, "threads": threads}
                yield name, partial(train, [COLUMNS, *sizes, 3], network, examples, training)


def fits() -> Iterator[tuple[str, Callable[[], list[Any]]]]:
    """Iterate over the fits of estimators: a name, and a function that fits."""
    rng = np.random.default_rng(0)
    for solver, activation, kind, early in product(
        ("adam", "sgd", "lbfgs"), ("relu", "tanh", "logistic"), ("dense", "single", "csr"), (False, True)
    ):
        x = inputs(kind, rng)
        for name, y in (
            ("two", rng.integers(0, 2, ROWS)),
            ("three", rng.integers(0, 3, ROWS)),
            ("values", rng.standard_normal(ROWS)),
        ):
            estimator: Any = cr.MLPRegressor if name == "values" else cr.MLPClassifier
            settings = {"hidden_layer_sizes": (20, 9), "solver": solver, "activation": activation, "max_iter": 6, "random_state": 0}

            early_stopping = early and solver != "lbfgs"
            yield (
                f"{estimator.__name__} {name} {solver} {activation} {kind} {early}",
                partial(fit, estimator(early_stopping=early_stopping, **settings), x, y),
            )


def digest(arrays: list[Any]) -> str:
    """Compute the SHA-256 of arrays' bits, dtypes and shapes."""
    total = hashlib.sha256()
    for array in map(np.asarray, arrays):
        total.update(f"{array.dtype} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def main() -> None:
    """Print one line per training, and the digest of all digests."""
    every = hashlib.sha256()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, call in (*trainings(), *fits()):
            one = digest(call())
            every.update(one.encode())
            print(one[:16], name, flush=True)
    print(every.hexdigest(), "all")


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m benchmarks.digests", description="Print a digest of the bits of many trainings."
    ).parse_args()
    main()
