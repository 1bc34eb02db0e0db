"""The exchange between ``python -m benchmarks`` and a peer's process: the same data, initial parameters and orders for all peers.

A job is a folder with ``job.json`` (the settings) and ``job.npz`` (the arrays). A measurement is a line of JSON on standard
output and an ``.npz`` with the parameters after the first epoch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[np.float32]]

LEAST_EPOCHS, MOST_EPOCHS, SECONDS = 2, 10, 2.0
"""A process times at least 2 epochs, and stops after 10 epochs or after 2 seconds in total."""


@dataclass(frozen=True)
class Settings:
    """A network and its training, in terms that every peer supports.

    ``hidden`` is sigmoid, tanh or relu; ``output`` and ``cost`` are sigmoid and quadratic, softmax and log_loss, or identity and
    quadratic; ``optimizer`` is sgd or adam (beta 0.9 and 0.999, epsilon 1e-8 on the corrected root).
    """

    sizes: tuple[int, ...]
    hidden: str
    output: str
    cost: str
    optimizer: str
    learning_rate: float
    batch_size: int
    seed: int = 0


@dataclass(frozen=True)
class Job:
    """One cell's work: settings, data, initial parameters, and the order of the examples in each epoch.

    ``x`` is (n, n_in) of float32, pixels of uint8, or a CSR matrix of float32; ``y`` is labels (n,) or values (n, n_out) of
    float32; ``orders`` is (epochs, n).
    """

    settings: Settings
    x: Any
    y: NDArray[Any]
    orders: NDArray[np.int64]
    weights: Arrays
    biases: Arrays
    folder: Path = field(default_factory=Path)

    @property
    def inputs(self) -> Any:
        """The inputs as float32 numbers, pixels divided by 255."""
        return self.x.astype(np.float32) / np.float32(255) if self.x.dtype == np.uint8 else self.x

    @property
    def targets(self) -> NDArray[np.float32]:
        """The targets as (n, n_out) of float32: labels become rows with a single 1."""
        return self.y if self.y.ndim == 2 else np.eye(self.settings.sizes[-1], dtype=np.float32)[self.y]

    def save(self, folder: Path) -> None:
        """Write the job into a new folder."""
        folder.mkdir(parents=True)
        (folder / "job.json").write_text(json.dumps(asdict(self.settings)))
        sparse = hasattr(self.x, "indptr")
        parts = {"data": self.x.data, "indices": self.x.indices, "indptr": self.x.indptr} if sparse else {"x": self.x}
        parameters = {f"w{i}": w for i, w in enumerate(self.weights)} | {f"b{i}": b for i, b in enumerate(self.biases)}
        np.savez(folder / "job.npz", y=self.y, orders=self.orders, **parts, **parameters)


def load_job(folder: Path) -> Job:
    """Read a job."""
    settings = json.loads((folder / "job.json").read_text())
    settings = Settings(**{**settings, "sizes": tuple(settings["sizes"])})
    with np.load(folder / "job.npz") as file:
        arrays = dict(file)
    if "indptr" in arrays:
        from scipy.sparse import csr_matrix

        shape = (len(arrays["y"]), settings.sizes[0])
        x = csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
    else:
        x = arrays["x"]
    layers = range(len(settings.sizes) - 1)
    weights, biases = [arrays[f"w{i}"] for i in layers], [arrays[f"b{i}"] for i in layers]
    return Job(settings, x, arrays["y"], arrays["orders"], weights, biases, folder)


@dataclass(frozen=True)
class Measurement:
    """A peer process's result: the seconds of each timed epoch, the parameters after the first, and further figures by name."""

    seconds: list[float] = field(default_factory=list)
    weights: Arrays = field(default_factory=list)
    biases: Arrays = field(default_factory=list)
    extras: dict[str, float] = field(default_factory=dict)

    def save(self, path: Path) -> str:
        """Write the parameters, and return the line of JSON."""
        arrays = {f"w{i}": w for i, w in enumerate(self.weights)} | {f"b{i}": b for i, b in enumerate(self.biases)}
        np.savez(path, **arrays)
        return json.dumps({"seconds": self.seconds, "extras": self.extras})


def load_measurement(line: str, path: Path) -> Measurement:
    """Read a measurement."""
    figures = json.loads(line)
    with np.load(path) as file:
        arrays = dict(file)
    layers = range(len(arrays) // 2)
    weights, biases = [arrays[f"w{i}"] for i in layers], [arrays[f"b{i}"] for i in layers]
    return Measurement(figures["seconds"], weights, biases, figures["extras"])


class Trainer(Protocol):
    """A peer that is ready to train: its data are prepared, its parameters are the initial ones."""

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train one epoch in this order, and wait until it is finished."""

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the weights, each (n_out, n_in), and the biases, each (n_out,)."""


def enough_epochs(seconds: list[float]) -> bool:
    """Test whether a process has timed enough epochs."""
    return len(seconds) >= LEAST_EPOCHS and (len(seconds) >= MOST_EPOCHS or sum(seconds) >= SECONDS)


def time_epochs(trainer: Trainer, job: Job) -> Measurement:
    """Train one epoch untimed, since some peers compile in it, keep the parameters after it, and time the following epochs."""
    trainer.epoch(job.orders[0])
    weights, biases = trainer.parameters()
    copies = [np.array(w, np.float32) for w in weights], [np.array(b, np.float32) for b in biases]
    seconds: list[float] = []
    for order in job.orders[1:]:
        start = time.perf_counter()
        trainer.epoch(order)
        seconds.append(time.perf_counter() - start)
        if enough_epochs(seconds):
            break
    return Measurement(seconds, *copies)


def microseconds_per_call(call: Callable[[Any], object], arguments: list[Any], *, repeats: int = 15) -> float:
    """Time a short call: the median over repeats of about 20 ms, each of which goes through the arguments in turn."""
    start = time.perf_counter()
    for argument in arguments:
        call(argument)
    once = max(time.perf_counter() - start, 1e-9)
    passes = range(max(1, round(0.02 / once)))
    figures = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in passes:
            for argument in arguments:
                call(argument)
        figures.append((time.perf_counter() - start) / (len(passes) * len(arguments)))
    return float(np.median(figures)) * 1e6


def time_prediction(job: Job, **calls: Callable[[Any], Any]) -> Measurement:
    """Time calls with single rows and with all rows; ``calls`` are named ``predict`` and ``feedforward``, or one of them."""
    x = job.inputs
    rows = [np.ascontiguousarray(x[i : i + 1]) for i in range(min(64, len(x)))]
    extras = {name: microseconds_per_call(call, rows) for name, call in calls.items()}
    extras |= {f"{name}_all": microseconds_per_call(call, [x], repeats=7) for name, call in calls.items()}
    return Measurement(extras=extras)
