"""Many threads at once: on networks of their own the results are those of one thread, and on one network its predictions too."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from benchmarks.faults.trials import Trials, require
from chainrule.errors import FileError

ROUNDS = 5
"""How often each thread trains, fits, saves, loads and predicts."""


def run(times: int, seed: int) -> bool:
    """Let ``times`` threads work at once."""
    trials = Trials("threads")
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try_own_networks(trials, times, seed, folder)
        try_one_network(trials, times, seed)
        try_one_estimator(trials, times, seed)
        try_one_file(trials, times, seed, folder / "one.safetensors")
        try_one_folder(trials, times, folder)
    return trials.end()


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Call ``work(k)`` in a thread for each k, all beginning together; give their results, or raise the first error."""
    barrier, results = threading.Barrier(count), [None] * count
    errors: list[Exception] = []

    def begin(k: int) -> None:
        barrier.wait()
        try:
            results[k] = work(k)
        except Exception as error:  # raised again below
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def data(seed: int) -> tuple[Any, Any]:
    """Draw rows and their classes."""
    x = np.random.default_rng(seed).normal(size=(300, 12))
    return x, x[:, :3].argmax(axis=1)


def work_on_own(seed: int, path: Path) -> bytes:
    """Train a network, save and load it, predict with it, and fit an estimator; give all results as bytes."""
    x, y = data(seed)
    network = cr.Network([12, 8 + seed % 5, 3], cost="log_loss", seed=seed)
    engine = "reference" if seed % 4 == 3 else "auto"
    cr.train(network, (x, y), epochs=3, batch_size=16, learning_rate=0.1, engine=engine, dropout=0.25 * (seed % 2))
    network.save(path)
    loaded = cr.load(path)
    fitted = cr.MLPClassifier((5,), max_iter=3, random_state=seed).fit(x, y)
    parts = [*network.weights, loaded.predict(x), loaded.feedforward(x), loaded.predict(x[:1]), fitted.predict_proba(x)]
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def try_own_networks(trials: Trials, count: int, seed: int, folder: Path) -> None:
    """Compare the results of threads that work at once with those of one thread that does the same one after the other."""
    mask = os.umask(0o022)
    try:
        expected = [work_on_own(seed + k, folder / f"alone-{k}.safetensors") for k in range(count)]
        for k in range(ROUNDS):
            with trials.trial(f"{count} threads train, fit, predict, save and load, round {k + 1}"):
                found = at_once(count, lambda k: work_on_own(seed + k, folder / f"thread-{k}.safetensors"))
                require(found == expected, "other bits than in one thread")
                check_modes(folder)
    finally:
        os.umask(mask)


def check_modes(folder: Path) -> None:
    """Require that the process's mask of file modes is as it was, and that each file has the mode of a new one."""
    mask = os.umask(0o022)
    require(mask == 0o022, f"the mask of file modes is now {mask:03o}")
    require(all(path.stat().st_mode & 0o777 == 0o644 for path in folder.glob("*.safetensors")), "a file has another mode")


def try_one_network(trials: Trials, count: int, seed: int) -> None:
    """Let all threads predict with one network, a row and many rows at a time."""
    x, y = data(seed)
    for engine in ("auto", "reference"):
        network = cr.Network([12, 40, 3], cost="log_loss", seed=seed)
        cr.train(network, (x, y), epochs=2, batch_size=16, learning_rate=0.1, engine=engine)
        expected = network.feedforward(x).tobytes(), [network.feedforward(row[None]).tobytes() for row in x[:50]]
        with trials.trial(f"{count} threads predict with one network trained by {engine}"):

            def predict(_: int, network: cr.Network = network, expected: Any = expected) -> bool:
                return all(
                    (network.feedforward(x).tobytes(), [network.feedforward(row[None]).tobytes() for row in x[:50]]) == expected
                    for _ in range(ROUNDS)
                )

            require(all(at_once(count, predict)), "other bits than in one thread")


def try_one_estimator(trials: Trials, count: int, seed: int) -> None:
    """Let all threads predict with one fitted estimator, and with one fitted model of a table."""
    x, y = data(seed)
    frame = pd.DataFrame(x, columns=[f"x{k}" for k in range(x.shape[1])]).assign(colour=np.array(["red", "green", "blue"])[y])
    for fitted, rows in (
        (cr.MLPClassifier((5,), max_iter=3, random_state=seed).fit(x, y), x),
        (cr.TableClassifier(epochs=3, networks=2, random_state=seed).fit(frame, "colour"), frame),
    ):
        expected = fitted.predict_proba(rows).tobytes()
        with trials.trial(f"{count} threads predict with one {type(fitted).__name__}"):

            def predict(_: int, fitted: Any = fitted, rows: Any = rows, expected: bytes = expected) -> bool:
                return all(fitted.predict_proba(rows).tobytes() == expected for _ in range(ROUNDS))

            require(all(at_once(count, predict)), "other bits than in one thread")


def try_one_file(trials: Trials, count: int, seed: int, path: Path) -> None:
    """Let all threads save a network of their own as one file and load it: each loads one that was saved, whole."""
    networks = [cr.Network([12, 3 + k, 3], seed=seed + k) for k in range(count)]
    saved = {network.weights[0].tobytes() for network in networks}

    def save_and_load(k: int) -> bool:
        networks[k].save(path)
        return cr.load(path).weights[0].tobytes() in saved

    with trials.trial(f"{count} threads save as one file and load it"):
        for _ in range(ROUNDS):
            require(all(at_once(count, save_and_load)), "a network that was never saved")
        left = [file.name for file in path.parent.iterdir() if file.name.startswith(".")]
        require(not left, f"temporary files are left: {left}")


def try_one_folder(trials: Trials, count: int, folder: Path) -> None:
    """Let all threads begin a training in one folder for checkpoints, then resume it: one of them may, each time."""
    for resume in (False, True):
        for k in range(ROUNDS):
            with trials.trial(f"{count} threads {'resume' if resume else 'begin'} in one folder, round {k + 1}"):
                winners = sum(contest(count, folder / f"run-{k}", resume))
                require(winners == 1, f"{winners} threads got the folder")
                require(not list(folder.glob(".chainrule-*")), "a temporary folder is left")


def contest(count: int, folder: Path, resume: bool) -> list[bool]:
    """Begin a training in one folder in all threads; say which of them got it."""
    x, y = data(0)
    all_tried = threading.Barrier(count)

    def begin(k: int) -> bool:
        network = cr.Network([12, 3], seed=0)
        try:
            training = cr.Run(
                network, (x, y), epochs=2 + resume, batch_size=16, learning_rate=0.1, checkpoint=folder, resume=resume
            )
            next(training)
        except FileError:
            return False
        finally:
            all_tried.wait()  # the one that got the folder keeps it until the last one has tried
        list(training)
        return True

    return at_once(count, begin)
