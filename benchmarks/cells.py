"""The benchmark's cells: the network, the data, the peers and the required figures of each.

The data are MNIST, or drawn from a generator with a fixed seed. Nothing is measured in this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from benchmarks.job import MOST_EPOCHS, Job, Settings
from chainrule.epoch_blocks import epoch_order

Data = tuple[Any, NDArray[Any]]
ALL_PEERS = ("chainrule", "numpy", "torch", "jax", "sklearn", "rival")


@dataclass(frozen=True)
class Targets:
    """The required figures of a training cell; None where there is no requirement.

    Attributes
    ----------
    python, hand_written : float
        The speed as a multiple of the fastest Python peer's at any number of threads, and of the hand-written C++.
    against : tuple of (peer, float)
        The speed as a multiple of a named peer's.
    first_epoch : float
        The speed of the first epoch, with the preparation, as a multiple of the fastest Python peer's epoch.
    peak : float
        The share of the machine's float32 peak at the largest number of threads. Only matrix products count as work, but the time
        includes the updates.
    sparse_memory : bool
        Whether the process's peak memory must stay below the size of a dense copy of x.
    """

    python: float
    hand_written: float | None = None
    against: tuple[tuple[str, float], ...] = ()
    first_epoch: float | None = None
    peak: float | None = None
    sparse_memory: bool = False


@dataclass(frozen=True)
class TrainingCell:
    """One network trained on one data set by all peers that can.

    ``check_rate`` is the learning rate of the epoch after which all costs must agree, where the cell's own rate would amplify
    rounding: on MNIST, with the notes' network and eta 3, a relative change of 1e-7 in the initial weights changes the cost after
    one epoch by 2e-2.
    """

    name: str
    title: str
    settings: Settings
    data: Callable[[int | None], Data]
    targets: Targets
    peers: tuple[str, ...] = ALL_PEERS
    incomparable: tuple[str, ...] = ()
    note: str = ""
    check_rate: float | None = None

    def job(self, rows: int | None = None) -> Job:
        """Draw the data, the initial parameters and the orders; ``rows`` shortens the data for a quick test."""
        x, y = self.data(rows)
        s = self.settings
        network = cr.Network(s.sizes, activation=s.hidden, output=s.output, cost=s.cost, seed=s.seed)
        orders = np.stack([epoch_order(x.shape[0], seed=s.seed, epoch=epoch) for epoch in range(1, MOST_EPOCHS + 2)])
        return Job(s, x, y, orders, network.weights, network.biases)


@dataclass(frozen=True)
class PopulationCell:
    """Many networks trained together: networks per second with the most threads, relative to one thread."""

    name: str
    title: str
    settings: Settings
    networks: int = 100
    speedup: float = 1.9


@dataclass(frozen=True)
class PredictionCell:
    """Prediction of one row, and of many."""

    name: str
    title: str
    settings: Settings
    peers: tuple[str, ...] = ("chainrule", "onnx", "numpy", "torch", "sklearn")
    rows: int = 10_000
    microseconds: float = 10
    sklearn: float = 20


@dataclass(frozen=True)
class ProcessCell:
    """Whole processes, with their imports: ``chainrule train`` with its default 30 epochs, and a PyTorch script with one."""

    name: str
    title: str
    megabytes: float = 250


Cell = TrainingCell | PopulationCell | PredictionCell | ProcessCell


def pixels(rows: int | None) -> Data:
    """Load MNIST's training images and labels."""
    train = cr.datasets.mnist().train[:rows]
    return np.ascontiguousarray(train.x), train.y.astype(np.int64)


def values(n_in: int) -> Callable[[int | None], Data]:
    """Make a function that draws 20,000 rows of normal inputs and a smooth target with some noise."""

    def draw(rows: int | None) -> Data:
        rng = np.random.default_rng([1, n_in])
        x = rng.standard_normal((20_000, n_in), dtype=np.float32)
        inner = np.tanh(x @ rng.normal(size=(n_in, 8)) / np.sqrt(n_in))
        y = inner @ rng.normal(size=(8, 1)) + 0.1 * rng.normal(size=(20_000, 1))
        return x[:rows], y.astype(np.float32)[:rows]

    return draw


def classes(n_in: int, n_out: int) -> Callable[[int | None], Data]:
    """Make a function that draws 20,000 rows of normal inputs and the class to which a random layer gives the highest score."""

    def draw(rows: int | None) -> Data:
        rng = np.random.default_rng([2, n_in])
        x = rng.standard_normal((20_000, n_in), dtype=np.float32)
        scores = np.tanh(x @ rng.normal(size=(n_in, 16)) / np.sqrt(n_in)) @ rng.normal(size=(16, n_out))
        return x[:rows], scores.argmax(axis=1)[:rows]

    return draw


def text(columns: int, words: int, n_out: int) -> Callable[[int | None], Data]:
    """Make a function that draws 10,000 rows like texts: ``words`` distinct words per row by Zipf's law, each row of norm 1."""

    def draw(rows: int | None) -> Data:
        from scipy.sparse import csr_matrix

        rng, n = np.random.default_rng(3), rows or 10_000
        cumulative = np.cumsum(1 / np.arange(1, columns + 1))
        vocabulary = rng.permutation(columns)  # not sorted by frequency
        ranks = np.searchsorted(cumulative, rng.random((n, 4 * words)) * cumulative[-1])
        indices = np.concatenate([np.sort(rng.permutation(np.unique(row))[:words]) for row in vocabulary[ranks]])
        data = rng.uniform(0.5, 1.5, (n, words))
        data /= np.linalg.norm(data, axis=1, keepdims=True)
        indptr = np.arange(0, n * words + 1, words)
        parts = (data.astype(np.float32).ravel(), indices.astype(np.int32), indptr.astype(np.int32))
        x = csr_matrix(parts, shape=(n, columns))
        return x, np.asarray(x @ rng.normal(size=(columns, n_out))).argmax(axis=1)

    return draw


NOTES = Settings((784, 30, 10), "sigmoid", "sigmoid", "quadratic", "sgd", 3.0, 10)

CELLS: dict[str, Cell] = {
    cell.name: cell
    for cell in (
        TrainingCell(
            "mnist-30",
            "MNIST 784-30-10, batch 10, sigmoid, quadratic, SGD",
            NOTES,
            pixels,
            Targets(14, 4.5, against=(("torch", 50), ("sklearn", 25)), first_epoch=5),
            incomparable=("sklearn",),
            note="scikit-learn has no quadratic cost with sigmoid outputs: it trains softmax with log-loss, which is as much work",
            check_rate=1.0,
        ),
        TrainingCell(
            "mnist-128-64",
            "MNIST 784-128-64-10, batch 32, ReLU, softmax, Adam",
            Settings((784, 128, 64, 10), "relu", "softmax", "log_loss", "adam", 1e-3, 32),
            pixels,
            Targets(5, 2.6),
            check_rate=3e-4,
        ),
        TrainingCell(
            "mnist-512-512",
            "MNIST 784-512-512-10, batch 128, ReLU, softmax, Adam",
            Settings((784, 512, 512, 10), "relu", "softmax", "log_loss", "adam", 1e-3, 128),
            pixels,
            Targets(2.4, 2),
            check_rate=3e-4,
        ),
        TrainingCell(
            "tanh-300",
            "dense 28-300-300-300-1, batch 100, tanh, Adam",
            Settings((28, 300, 300, 300, 1), "tanh", "identity", "quadratic", "adam", 1e-3, 100),
            values(28),
            Targets(1.5, 1.4, peak=0.7),
        ),
        TrainingCell(
            "table-16",
            "dense 16-32-1, batch 32, ReLU, Adam",
            Settings((16, 32, 1), "relu", "identity", "quadratic", "adam", 1e-3, 32),
            values(16),
            Targets(2, 1.3),
        ),
        TrainingCell(
            "table-64",
            "dense 64-128-128-5, batch 32, ReLU, softmax, Adam",
            Settings((64, 128, 128, 5), "relu", "softmax", "log_loss", "adam", 1e-3, 32),
            classes(64, 5),
            Targets(2, 1.3),
        ),
        TrainingCell(
            "text",
            "CSR 50,000 columns, 60 non-zeros a row, 128 ReLU, 50 classes, batch 64, SGD",
            Settings((50_000, 128, 50), "relu", "softmax", "log_loss", "sgd", 0.5, 64),
            text(50_000, 60, 50),
            Targets(100, against=(("sklearn", 100),), sparse_memory=True),
            peers=("chainrule", "numpy", "torch", "sklearn"),
        ),
        PopulationCell("population", "100 networks 784-30-10 together, an epoch of MNIST each", NOTES),
        PredictionCell("prediction", "prediction through 784-30-10", NOTES),
        ProcessCell("process", "whole process: chainrule train (30 epochs) and one epoch of a PyTorch script"),
    )
}
GEOMETRIC_MEAN = 6
"""The required speed as a multiple of the fastest Python peer's: the geometric mean over the training cells."""
