"""Other processes: children that are started within and after a training, and processes that load a file while it is replaced.

``python -m benchmarks.faults.forks FOLDER`` is a training that forks a child which outlives it; the campaign kills it.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.faults.trials import Trials, require

METHODS = ("fork", "forkserver", "spawn")
READERS = 16
EPOCHS = 12


def run(times: int, seed: int) -> bool:
    """Start children by each method within and after trainings, each ``times`` times; load a file while it is replaced."""
    trials, moments = Trials("processes"), random.Random(seed)
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model(0).save(folder / "model.safetensors")
        for k in range(times):
            for method in METHODS:
                try_child(trials, method, folder, k)
            for child in (leave, go_on, return_from_target):
                try_fork_with_checkpoints(trials, child, folder / f"{child.__name__}-{k}")
            try_orphan(trials, folder / f"orphan-{k}", moments)
        try_replacement(trials, folder / "replaced.safetensors", replacements=40 * times)
    return trials.end()


def model(seed: int, hidden: int = 16) -> cr.Network:
    """Make an untrained network."""
    return cr.Network([20, hidden, 3], cost="log_loss", seed=seed)


def data() -> cr.Examples:
    """Draw examples for ``model``."""
    x = np.random.default_rng(0).normal(size=(3_000, 20))
    return cr.Examples(x, (x[:, :3]).argmax(axis=1))


def digest(network: cr.Network) -> str:
    """Give a digest of a network's parameters."""
    return hashlib.sha256(b"".join(part.tobytes() for part in [*network.weights, *network.biases])).hexdigest()


def train(seed: int, **settings: Any) -> str:
    """Train a network on two threads; give a digest of its parameters."""
    network = model(seed)
    cr.train(network, data(), **{"epochs": EPOCHS, "batch_size": 16, "learning_rate": 0.1, "threads": 2, **settings})
    return digest(network)


# Children that train, predict and load


def use_library(path: Path) -> None:
    """Train, predict and load in a child; the exit status says whether the results are those of the parent."""
    loaded = cr.load(path)
    same = digest(loaded) == digest(model(0)) and loaded.predict(data().x).shape == (3_000,)
    os._exit(0 if same and train(5) == os.environ["CHAINRULE_EXPECTED"] else 1)


def try_child(trials: Trials, method: str, folder: Path, seed: int) -> None:
    """Start a child from a callback, while another thread trains, and after the training; the parent's training goes on."""
    expected, os.environ["CHAINRULE_EXPECTED"] = train(seed), train(5)
    context = multiprocessing.get_context(method)

    def start() -> Any:
        child = context.Process(target=use_library, args=(folder / "model.safetensors",))  # type: ignore[attr-defined]
        child.start()
        return child

    children: list[Any] = []
    with trials.trial(f"{method} in a callback and after the training"):
        result = train(seed, callbacks=[lambda record: children.append(start()) if record.epoch == 3 else None])
        children.append(start())
        require(result == expected, "the parent's training has other bits")
        check_children(children)
    with trials.trial(f"{method} while another thread trains"):
        results: list[str] = []
        thread = threading.Thread(target=lambda: results.append(train(seed, epochs=60)))
        thread.start()
        children = [start() for _ in range(3)]
        thread.join()
        require(results == [train(seed, epochs=60)], "the parent's training has other bits")
        check_children(children)


def check_children(children: list[Any]) -> None:
    """Wait for children; each must have ended with status 0."""
    for child in children:
        child.join(120)
        if child.exitcode is None:
            child.kill()
        require(child.exitcode == 0, f"a child ended with {child.exitcode}")


# Children of a training with checkpoints


def leave(record: cr.EpochRecord) -> None:
    """Leave the training by an exception."""
    raise SystemExit(0)


def go_on(record: cr.EpochRecord) -> None:
    """Go on with the training."""


def return_from_target(record: cr.EpochRecord) -> None:
    """End as a child of multiprocessing does."""
    os._exit(0)


def try_fork_with_checkpoints(trials: Trials, child: Callable[[cr.EpochRecord], None], folder: Path) -> None:
    """Fork in a callback of a training with checkpoints: the child must leave the folder alone, and end in 60 seconds."""
    parent, found = os.getpid(), []

    def fork(record: cr.EpochRecord) -> None:
        if record.epoch != 3 or os.getpid() != parent:
            return
        before = contents(folder)
        pid = os.fork()
        if not pid:
            child(record)
            return
        found.append("" if wait(pid) == 0 else "the child failed or did not end")
        if contents(folder) != before:
            found.append("the child wrote to the folder")

    with trials.trial(f"a forked child of a training with checkpoints: {child.__name__}"):
        expected, result = train(7), ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", cr.training.CheckpointWarning)
                result = train(7, callbacks=[fork], checkpoint=folder, checkpoint_every="1 h")
        finally:
            if os.getpid() != parent:
                os._exit(0 if not result or result == expected else 1)
        require(not any(found), ", ".join(filter(None, found)))
        require(result == expected, "the parent's training has other bits")
        require(train(7, checkpoint=folder, resume=True) == expected, "the resumed training has other bits")


def contents(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def wait(pid: int, seconds: float = 60) -> int | None:
    """Wait for a child that was forked; give its exit status, or None after killing it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def train_with_orphan(folder: str) -> None:
    """Train with a checkpoint at each block, and fork a child that sleeps on after this process is killed."""

    def fork(record: cr.EpochRecord) -> None:
        if record.epoch == 2:
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            print(pid, flush=True)

    train(9, epochs=400, callbacks=[fork], checkpoint=folder, checkpoint_every="0.001 s")


def try_orphan(trials: Trials, folder: Path, moments: random.Random) -> None:
    """Kill a training whose child lives on: another training must be able to resume it at once."""
    with trials.trial("the parent of a forked child is killed, and its training resumed"):
        command = [sys.executable, "-m", "benchmarks.faults.forks", str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None  # it is a pipe
        orphan = int(process.stdout.readline())
        try:
            time.sleep(moments.uniform(0, 0.3))
            process.kill()
            process.wait()
            result = train(9, epochs=400, checkpoint=folder, resume=True)
        finally:
            os.kill(orphan, signal.SIGKILL)
            process.stdout.close()
        require(result == train(9, epochs=400), "other bits")


# Readers of a file that is replaced


def load_in_a_loop(path: Path, whole: set[str], stop: Any, loads: Any, faults: Any) -> None:
    """Load a file until the event, and count the loads; an error or a network that was never saved is a fault."""
    while not stop.is_set():
        try:
            found = digest(cr.load(path)) in whole
            error = "a network that was never saved"
        except Exception as caught:  # any error is a fault here
            found, error = False, f"{type(caught).__name__}: {caught}"
        if not found:
            faults.put(error)
            return
        with loads.get_lock():
            loads.value += 1


def try_replacement(trials: Trials, path: Path, replacements: int) -> None:
    """Let 16 processes load a file in a loop while this one replaces it by models of two sizes in turn."""
    context = multiprocessing.get_context("fork")
    stop, loads, faults = context.Event(), context.Value("q", 0), context.SimpleQueue()
    networks = [model(1), model(2, hidden=400)]
    networks[0].save(path)
    arguments = (path, {digest(network) for network in networks}, stop, loads, faults)
    readers = [context.Process(target=load_in_a_loop, args=arguments) for _ in range(READERS)]
    with trials.trial(f"{READERS} processes load a file while another replaces it") as notes:
        for reader in readers:
            reader.start()
        for k in range(replacements):
            networks[(k + 1) % 2].save(path)
            time.sleep(0.005)
        stop.set()
        check_children(readers)
        require(faults.empty(), "a reader failed" if faults.empty() else faults.get())
        require(loads.value > READERS, "the readers loaded nothing")
        notes.append(f"{loads.value:,} loads during {replacements:,} replacements, each of a whole file")


if __name__ == "__main__":
    train_with_orphan(sys.argv[1])
