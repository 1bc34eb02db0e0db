"""Resident memory: it must stay flat over epochs, over trainings in one process, and over trainings that fail."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import chainrule as cr
from benchmarks.faults.trials import Trials

SAMPLES = 40
"""How often the memory is read over a scenario."""

MEGABYTES_ALLOWED = 2.0
"""The growth over the last three quarters of a scenario, by the line of least squares, that counts as flat: a history of 1,000
epochs and the allocator's own arenas take about 1 MB."""

Step = Callable[[int], Any]


def run(times: int, seed: int) -> bool:
    """Repeat each scenario ``times`` times in a process of its own, tables a 25th of that, and print the memory."""
    trials = Trials("memory")
    context = multiprocessing.get_context("spawn")
    for name in SCENARIOS:
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=measure, args=(name, times, send))
        process.start()
        send.close()
        try:
            sizes = receive.recv()
        except EOFError:
            sizes = []
        process.join()
        report(trials, name, repeats(name, times), sizes)
    return trials.end()


def repeats(name: str, times: int) -> int:
    """Give the times of a scenario: a table takes as long as many networks."""
    return max(8, times // 25) if "table" in name else times


def report(trials: Trials, name: str, times: int, sizes: list[float]) -> None:
    """Print the memory at quarters and the slope, and whether it is flat."""
    title = f"{name} x {times:,}"
    if len(sizes) < 4:
        trials.add(title, "the process failed")
        return
    later = sizes[len(sizes) // 4 :]
    slope = float(np.polyfit(np.linspace(0.25, 1, len(later)), later, 1)[0])
    quarters = ", ".join(f"{sizes[k * (len(sizes) - 1) // 4]:.1f}" for k in range(5))
    text = f"{quarters} MB at quarters; {1024 * slope / max(times, 1):+.2f} KB each"
    grown = 0.75 * slope > MEGABYTES_ALLOWED
    trials.add(title, f"NOT FLAT: {text}" if grown else "", f"{text}: flat")


def measure(name: str, times: int, send: Any) -> None:
    """Run a scenario and send the resident memory in MB, read at even distances."""
    warnings.simplefilter("ignore")
    times = repeats(name, times)
    sizes: list[float] = []

    def sample(k: int) -> None:
        if k % max(1, times // SAMPLES) == 0:
            gc.collect()
            sizes.append(resident())

    with tempfile.TemporaryDirectory() as folder:
        SCENARIOS[name](times, Path(folder), sample)
    send.send(sizes)


def resident() -> float:
    """Read the resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def data() -> tuple[Any, Any]:
    """Draw rows and their classes."""
    x = np.random.default_rng(0).normal(size=(400, 30))
    return x, x[:, :3].argmax(axis=1)


def train(seed: int, **settings: Any) -> cr.Network:
    """Train a network for a few epochs."""
    network = cr.Network([30, 40, 3], cost="log_loss", seed=seed)
    cr.train(network, data(), **{"epochs": 2, "batch_size": 20, "learning_rate": 0.1, "threads": 2, **settings})
    return network


def epochs(times: int, folder: Path, sample: Step, **settings: Any) -> None:
    """Train for ``times`` epochs."""
    train(0, epochs=times, validation=data(), callbacks=[lambda record: sample(record.epoch)], **settings)


def epochs_with_checkpoints(times: int, folder: Path, sample: Step) -> None:
    """Train for ``times`` epochs with a checkpoint as often as it can be written."""
    epochs(times, folder, sample, checkpoint=folder / "run", checkpoint_every="0.001 s")


def trainings(times: int, folder: Path, sample: Step) -> None:
    """Train new networks, by both engines and all optimizers in turn, and one in eight with checkpoints."""
    for k in range(times):
        settings: dict[str, Any] = {"optimizer": ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"][k % 6]}
        if k % 8 == 0:
            settings["checkpoint"] = folder / "run"
        train(k, learning_rate=0.01, dropout=0.1, engine=["fused", "reference"][k % 2], **settings)
        shutil.rmtree(folder / "run", ignore_errors=True)
        sample(k)


def stop(record: cr.EpochRecord) -> None:
    """Raise an error in a callback."""
    raise RuntimeError("of a callback")


def failures(times: int, folder: Path, sample: Step) -> None:
    """Let trainings fail: divergence, a wrong setting, bad data, an error in a callback, the same with checkpoints."""
    x, y = data()
    bad = x.copy()
    bad[7, 3] = np.nan
    kinds: list[Callable[[], Any]] = [
        lambda: train(0, learning_rate=1e30, epochs=3),
        lambda: train(0, learning_rate=-1.0),
        lambda: cr.train(cr.Network([30, 3], seed=0), (bad, y), epochs=1, batch_size=10, learning_rate=0.1),
        lambda: cr.train(cr.Network([29, 3], seed=0), (x, y), epochs=1, batch_size=10, learning_rate=0.1),
        lambda: train(0, callbacks=[stop]),
        lambda: train(0, callbacks=[stop], checkpoint=folder / "run"),
        lambda: train(0, learning_rate=1e30, checkpoint=folder / "run"),
        lambda: cr.load(folder / "none.safetensors"),
    ]
    for k in range(times):
        with suppress(cr.ChainruleError, RuntimeError):
            kinds[k % len(kinds)]()
        shutil.rmtree(folder / "run", ignore_errors=True)
        sample(k)


def files(times: int, folder: Path, sample: Step) -> None:
    """Predict, save and load."""
    network, x = train(0), data()[0]
    for k in range(times):
        network.save(folder / "model.safetensors")
        loaded = cr.load(folder / "model.safetensors")
        loaded.predict(x)
        loaded.feedforward(x[:1])
        sample(k)


def estimators(times: int, folder: Path, sample: Step) -> None:
    """Fit estimators by each solver, and predict."""
    x, y = data()
    for k in range(times):
        solver = ("adam", "sgd", "lbfgs")[k % 3]
        cr.MLPClassifier((10,), max_iter=3, random_state=k, solver=solver).fit(x, y).predict_proba(x)
        sample(k)


def tables(times: int, folder: Path, sample: Step) -> None:
    """Fit table models, with a column of texts and missing values; predict, save and load."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300))
    colours = rng.choice(["red", "green", "blue", ""], 300)
    frame = pd.DataFrame({"a": a, "b": b, "colour": colours, "answer": np.where(a > b, "yes", "no")})
    frame.to_csv(folder / "t.csv", index=False)
    for k in range(times):
        model = cr.TableClassifier(epochs=3, networks=2, random_state=k).fit(frame, "answer")
        model.predict_proba(frame)
        model.save(folder / "t.safetensors")
        cr.load(folder / "t.safetensors")
        cr.read_table(folder / "t.csv")
        sample(k)


SCENARIOS: dict[str, Callable[[int, Path, Step], None]] = {
    "epochs": epochs,
    "epochs with checkpoints": epochs_with_checkpoints,
    "trainings": trainings,
    "failed trainings": failures,
    "predict, save and load": files,
    "fits of estimators": estimators,
    "fits of table models": tables,
}
"""The scenarios, by name."""
