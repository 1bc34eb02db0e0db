"""What crosses from ``python -m benchmarks`` to a peer's process and back: the same data, start and order of work for all.

A job is a folder with ``job.json`` (the settings) and ``job.npz`` (the arrays); an answer is a line of JSON on standard output and
an ``.npz`` with the parameters after the first epoch.
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
"""A process times at least 2 epochs, then goes on until 10, or until they took 2 seconds together."""


@dataclass(frozen=True)
class Settings:
    """A network and how it is trained, in words that every peer can be told.

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
    """One cell's work: settings, data, start, and the order of the examples in each epoch.

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
        """Write the job into a folder of its own."""
        folder.mkdir(parents=True)
        (folder / "job.json").write_text(json.dumps(asdict(self.settings)))
        sparse = hasattr(self.x, "indptr")
        parts = {"data": self.x.data, "indices": self.x.indices, "indptr": self.x.indptr} if sparse else {"x": self.x}
        starts = {f"w{i}": w for i, w in enumerate(self.weights)} | {f"b{i}": b for i, b in enumerate(self.biases)}
        np.savez(folder / "job.npz", y=self.y, orders=self.orders, **parts, **starts)


def load_job(folder: Path) -> Job:
    """Read a job back."""
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
class Answer:
    """What a peer's process found: seconds of each timed epoch, the parameters after the first, and other figures by name."""

    seconds: list[float] = field(default_factory=list)
    weights: Arrays = field(default_factory=list)
    biases: Arrays = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)

    def save(self, path: Path) -> str:
        """Write the parameters, and give the line of JSON."""
        arrays = {f"w{i}": w for i, w in enumerate(self.weights)} | {f"b{i}": b for i, b in enumerate(self.biases)}
        np.savez(path, **arrays)
        return json.dumps({"seconds": self.seconds, "facts": self.facts})


def load_answer(line: str, path: Path) -> Answer:
    """Read an answer back."""
    said = json.loads(line)
    with np.load(path) as file:
        arrays = dict(file)
    layers = range(len(arrays) // 2)
    return Answer(said["seconds"], [arrays[f"w{i}"] for i in layers], [arrays[f"b{i}"] for i in layers], said["facts"])


class Trainer(Protocol):
    """A peer that is ready to train: its data prepared, its parameters at the start."""

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train through one epoch in this order, and wait until it is done."""

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Give weights, each (n_out, n_in), and biases, each (n_out,)."""


def enough(seconds: list[float]) -> bool:
    """Say whether a process has timed enough epochs."""
    return len(seconds) >= LEAST_EPOCHS and (len(seconds) >= MOST_EPOCHS or sum(seconds) >= SECONDS)


def timed(trainer: Trainer, job: Job) -> Answer:
    """Train one epoch that does not count, as whatever compiles does so then; keep its parameters; time the following."""
    trainer.epoch(job.orders[0])
    weights, biases = trainer.parameters()
    copies = [np.array(w, np.float32) for w in weights], [np.array(b, np.float32) for b in biases]
    seconds: list[float] = []
    for order in job.orders[1:]:
        began = time.perf_counter()
        trainer.epoch(order)
        seconds.append(time.perf_counter() - began)
        if enough(seconds):
            break
    return Answer(seconds, *copies)


def microseconds(call: Callable[[Any], object], arguments: list[Any], *, repeats: int = 15) -> float:
    """Time a short call: the median over repeats of some 20 ms each, the arguments taken in turn."""
    began = time.perf_counter()
    for argument in arguments:
        call(argument)
    once = max(time.perf_counter() - began, 1e-9)
    turns = range(max(1, round(0.02 / once)))
    figures = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in turns:
            for argument in arguments:
                call(argument)
        figures.append((time.perf_counter() - began) / (len(turns) * len(arguments)))
    return float(np.median(figures)) * 1e6


def predicting(job: Job, **calls: Callable[[Any], Any]) -> Answer:
    """Time calls with one row, over rows in turn, and with all rows; ``calls`` are predict and feedforward, or one of them."""
    x = job.inputs
    rows = [np.ascontiguousarray(x[i : i + 1]) for i in range(min(64, len(x)))]
    facts = {name: microseconds(call, rows) for name, call in calls.items()}
    facts |= {f"{name}_all": microseconds(call, [x], repeats=7) for name, call in calls.items()}
    return Answer(facts=facts)
