"""The trainings: the failures that the book describes, one made for each other finding, and healthy ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.examples import Examples

Parts = tuple[Examples, Examples]
"""The examples to train on, and those to judge by."""


@dataclass(frozen=True)
class Case:
    """A training.

    Attributes
    ----------
    name : str
    expected : str
        The finding that must be named; empty of a healthy training.
    data : callable
        From a seed to the training examples, and those to judge by.
    sizes : tuple of int
    network, training : dict
        The settings of ``cr.Network`` and of ``cr.train``.
    set_start : callable, optional
        Sets a network's initial parameters by hand, given a seed.
    mended_data : callable, optional
        From a seed to the data as the remedy makes them.
    score : {"accuracy", "cost", "balanced accuracy", "R^2"}
    may_advise : bool
        Whether a healthy training may have advice.
    """

    name: str
    expected: str
    data: Callable[[int], Parts]
    sizes: tuple[int, ...]
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    set_start: Callable[[cr.Network, int], None] | None = None
    mended_data: Callable[[int], Parts] | None = None
    score: str = "accuracy"
    may_advise: bool = False


@cache
def _mnist() -> Any:
    return cr.datasets.mnist()


def mnist(seed: int) -> Parts:
    """All 50,000 training images of MNIST, and its 10,000 validation images."""
    return _mnist().train, _mnist().validation


def first_images(count: int) -> Callable[[int], Parts]:
    """The first so many training images of MNIST."""
    return lambda seed: (_mnist().train[:count], _mnist().validation)


def half_of_1000_inputs(seed: int) -> Parts:
    """The book's example of chapter 3: 1,000 inputs of which half are 1. Here ten patterns, of which each row flips 40 %."""
    rng = np.random.default_rng(seed)
    patterns = rng.permuted(np.tile([0.0, 1.0], (10, 500)), axis=1)
    labels = rng.integers(10, size=3000)
    x = np.abs(patterns[labels] - (rng.random((3000, 1000)) < 0.4))
    return Examples(x[:2000], labels[:2000]), Examples(x[2000:], labels[2000:])


def one_example(seed: int) -> Parts:
    """The book's single neuron of chapter 3: input 1, target 0."""
    pair = Examples(np.ones((1, 1)), np.zeros((1, 1)))
    return pair, pair


def start_at_2(network: cr.Network, seed: int) -> None:
    """Set w = b = 2; seeds other than 0 move both a little, since nothing else is random here."""
    shift = 0.0 if seed == 0 else np.random.default_rng(seed).uniform(-0.2, 0.2)
    network.weights[0][...] = 2 + shift
    network.biases[0][...] = 2 - shift / 2


def _split(x: Any, y: Any, seed: int, fraction: float = 0.7) -> Parts:
    train, rest = Examples(x, y).split(fraction, seed=seed)
    return train, rest


def wine(seed: int) -> Parts:
    """scikit-learn's wines, whose columns reach from 0.1 to 1,680."""
    from sklearn.datasets import load_wine

    return _split(*load_wine(return_X_y=True), seed)


def standardized_wine(seed: int) -> Parts:
    """The same, each column with mean 0 and standard deviation 1."""
    train, rest = wine(seed)
    mean, spread = np.asarray(train.x).mean(axis=0), np.asarray(train.x).std(axis=0)
    return Examples((train.x - mean) / spread, train.y), Examples((rest.x - mean) / spread, rest.y)


def float_pixels(seed: int) -> Parts:
    """5,000 images as floats from 0 to 255."""
    train, rest = first_images(5000)(seed)
    return Examples(train.x.astype(np.float32), train.y), Examples(rest.x.astype(np.float32), rest.y)


def shuffled_labels(seed: int) -> Parts:
    """5,000 images whose labels were permuted."""
    train, rest = first_images(5000)(seed)
    return Examples(train.x, np.random.default_rng(seed).permutation(train.y)), rest


def constant_labels(seed: int) -> Parts:
    """5,000 images, all labelled 3."""
    train, rest = first_images(5000)(seed)
    return Examples(train.x, np.full(len(train), 3)), rest


def _overlapping(seed: int, weights: bool) -> Parts:
    rng = np.random.default_rng(seed)
    y = (rng.random(6000) < 0.03).astype(int)
    x = rng.normal(size=(6000, 10)) + 0.6 * y[:, None]
    weight = np.where(y == 1, 1 / 0.03, 1.0) if weights else np.ones(6000)
    return Examples(x[:4000], y[:4000], weights=weight[:4000]), Examples(x[4000:], y[4000:])


def rare_class(seed: int) -> Parts:
    """Two overlapping clouds, of which one has 3 % of the rows."""
    return _overlapping(seed, weights=False)


def weighted_rare_class(seed: int) -> Parts:
    """The same, each row weighted by the inverse frequency of its class."""
    return _overlapping(seed, weights=True)


def rings(seed: int) -> Parts:
    """Two rings, one inside the other, which no line divides."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=1500)
    angle, radius = rng.uniform(0, 2 * np.pi, 1500), 1 + y + rng.normal(scale=0.1, size=1500)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return Examples(x[:1000], y[:1000]), Examples(x[1000:], y[1000:])


def far_values(seed: int) -> Parts:
    """Values of mean 1,000 and spread 50, which the first of four columns determines."""
    x = np.random.default_rng(seed).normal(size=(600, 4))
    return Examples(x[:400], 1000 + 50 * x[:400, :1]), Examples(x[400:], 1000 + 50 * x[400:, :1])


def standardized_values(seed: int) -> Parts:
    """The same, with mean 0 and standard deviation 1."""
    train, rest = far_values(seed)
    y = np.asarray(train.y)
    return tuple(Examples(part.x, (part.y - y.mean()) / y.std()) for part in (train, rest))  # type: ignore[return-value]


NOTES = {"batch_size": 10}

FAILURES = (
    Case("eta = 100", "learning rate too high", mnist, (784, 30, 10), {}, {**NOTES, "epochs": 3, "learning_rate": 100.0}),
    Case("eta = 0.001", "learning rate too low", mnist, (784, 100, 10), {}, {**NOTES, "epochs": 10, "learning_rate": 0.001}),
    Case(
        "N(0, 1) start, 1,000 inputs",
        "hidden units saturated at the start",
        half_of_1000_inputs,
        (1000, 30, 10),
        {},
        {**NOTES, "epochs": 5, "learning_rate": 0.5},
    ),
    Case(
        "one neuron, w = b = 2",
        "outputs saturated and wrong",
        one_example,
        (1, 1),
        {"dtype": "float64"},
        {"epochs": 50, "batch_size": 1, "learning_rate": 0.15},
        set_start=start_at_2,
        score="cost",
    ),
    Case(
        "1,000 images, 400 epochs",
        "overfitting",
        first_images(1000),
        (784, 30, 10),
        {"cost": "cross_entropy"},
        {**NOTES, "epochs": 400, "learning_rate": 0.5},
    ),
    Case(
        "ReLU, eta = 1",
        "dead ReLUs",
        first_images(5000),
        (784, 30, 10),
        {"activation": "relu", "cost": "log_loss"},
        {**NOTES, "epochs": 5, "learning_rate": 1.0},
    ),
    Case(
        "five hidden layers of sigmoids",
        "vanishing delta",
        first_images(10000),
        (784, 30, 30, 30, 30, 30, 10),
        {"init": "scaled", "cost": "log_loss"},
        {**NOTES, "epochs": 3, "learning_rate": 0.1},
    ),
    Case(
        "five layers of ReLU, N(0, 1) start",
        "exploding delta",
        first_images(5000),
        (784, 100, 100, 100, 100, 10),
        {"activation": "relu", "init": "normal", "cost": "log_loss"},
        {**NOTES, "epochs": 5, "learning_rate": 0.1},
    ),
    Case(
        "tanh and softmax, eta = 3",
        "learning rate too high",
        first_images(5000),
        (784, 30, 10),
        {"init": "scaled", "activation": "tanh", "cost": "log_loss"},
        {**NOTES, "epochs": 10, "learning_rate": 3.0},
    ),
    Case(
        "wine, columns up to 1,680",
        "inputs not scaled",
        wine,
        (13, 20, 3),
        {"cost": "log_loss", "init": "scaled"},
        {**NOTES, "epochs": 100, "learning_rate": 0.1},
        mended_data=standardized_wine,
    ),
    Case(
        "pixels from 0 to 255 as floats",
        "inputs not scaled",
        float_pixels,
        (784, 30, 10),
        {},
        {**NOTES, "epochs": 5, "learning_rate": 3.0},
        mended_data=first_images(5000),
    ),
    Case(
        "values of about 1,000",
        "targets not scaled",
        far_values,
        (4, 16, 1),
        {"activation": "relu", "cost": "mean_squared_error", "init": "he_normal"},
        {"batch_size": 20, "epochs": 60, "learning_rate": 0.001, "optimizer": "adam"},
        mended_data=standardized_values,
        score="R^2",
    ),
    Case(
        "labels shuffled",
        "labels unrelated to the inputs",
        shuffled_labels,
        (784, 30, 10),
        {"cost": "cross_entropy", "init": "scaled"},
        {**NOTES, "epochs": 5, "learning_rate": 0.5},
        mended_data=first_images(5000),
    ),
    Case(
        "labels all 3",
        "labels constant",
        constant_labels,
        (784, 30, 10),
        {"cost": "cross_entropy", "init": "scaled"},
        {**NOTES, "epochs": 3, "learning_rate": 0.5},
        mended_data=first_images(5000),
    ),
    Case(
        "3 % of the rows in one class",
        "class imbalance",
        rare_class,
        (10, 10, 2),
        {"cost": "log_loss", "init": "scaled"},
        {**NOTES, "epochs": 20, "learning_rate": 0.1},
        mended_data=weighted_rare_class,
        score="balanced accuracy",
    ),
    Case(
        "two rings, 1 hidden unit",
        "underfitting",
        rings,
        (2, 1, 2),
        {"cost": "log_loss", "init": "scaled"},
        {**NOTES, "epochs": 200, "learning_rate": 0.3},
    ),
    Case(
        "eta = 1e-9 in float32",
        "weights that never moved",
        first_images(5000),
        (784, 30, 10),
        {"cost": "cross_entropy", "init": "scaled"},
        {**NOTES, "epochs": 3, "learning_rate": 1e-9},
    ),
)
"""The book's failures, then one made for each finding that they do not show."""

HEALTHY = (
    Case("the notes' run", "", mnist, (784, 30, 10), {}, {**NOTES, "epochs": 30, "learning_rate": 3.0}, may_advise=True),
    Case(
        "scaled start, cross-entropy",
        "",
        mnist,
        (784, 30, 10),
        {"init": "scaled", "cost": "cross_entropy"},
        {**NOTES, "epochs": 30, "learning_rate": 0.5, "l2": 5 / 50_000},
    ),
)
"""The notes' run, and that of the book's chapter 3 with its start of 1/sqrt(n), cross-entropy and lambda = 5."""
