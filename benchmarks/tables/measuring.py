"""One peer on one data set, in a process of its own: ``python -m benchmarks.tables.measuring SET PEER SEEDS THREADS``.

A process of its own keeps the peers' thread pools and memory apart. It fits the peer on a few rows first, which is not timed, so
that imports and thread pools are not counted; then for each seed it times ``fit`` on the training part and ``predict`` on the test
part.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from benchmarks.processes import environment, last_line, run
from benchmarks.tables.data_sets import DATA_SETS, DataSet, Task
from benchmarks.tables.peers import PEERS, Peer, Setting
from benchmarks.tables.splits import Split, split

WARM_UP_ROWS = 300
TIMEOUT_OF_ONE_FIT = 1800.0
"""Seconds."""


@dataclass(frozen=True)
class Measurement:
    """One peer on one split of one data set.

    Attributes
    ----------
    data_set, peer : str
    seed : int
    error : float
        The fraction of wrong classes; or nRMSE, the root of the mean squared error over the standard deviation of the test values.
    test_rows : int
    fit_seconds, predict_seconds : float
    threads : int
    """

    data_set: str
    peer: str
    seed: int
    error: float
    test_rows: int
    fit_seconds: float
    predict_seconds: float
    threads: int


def measure(data_set: DataSet, peer: Peer, seeds: list[int], threads: int) -> list[Measurement] | str:
    """Run one peer on one data set in a process of its own; a string is the reason why it failed."""
    arguments = [data_set.name, peer.name, ",".join(map(str, seeds)), str(threads)]
    command = [sys.executable, "-m", "benchmarks.tables.measuring", *arguments]
    status, out, err = run(command, environment(threads), timeout=TIMEOUT_OF_ONE_FIT * len(seeds))
    if status:
        return last_line(err) or f"ended with status {status}"
    return [Measurement(**figures) for figures in json.loads(out.splitlines()[-1])]


def measure_here(data_set: DataSet, peer: Peer, seeds: list[int], threads: int) -> list[Measurement]:
    """Run one peer on one data set in this process."""
    frame = data_set.read()
    splits = {seed: split(data_set, frame, seed) for seed in seeds}
    warm_up(peer, splits[seeds[0]], Setting(data_set.task, seeds[0], threads))
    return [measure_split(data_set, peer, splits[seed], seed, threads) for seed in seeds]


def warm_up(peer: Peer, part: Split, setting: Setting) -> None:
    """Fit a peer on a few rows, and predict one."""
    rows = np.random.default_rng(0).permutation(len(part.train))[:WARM_UP_ROWS]
    estimator = peer.make(setting)
    estimator.fit(part.train.iloc[rows].reset_index(drop=True), part.train_target.iloc[rows].reset_index(drop=True))
    estimator.predict(part.test.iloc[:1])


def measure_split(data_set: DataSet, peer: Peer, part: Split, seed: int, threads: int) -> Measurement:
    """Time a fit and a prediction, and compute the error."""
    estimator = peer.make(Setting(data_set.task, seed, threads))
    start = time.perf_counter()
    estimator.fit(part.train, part.train_target)
    fitted = time.perf_counter()
    told = estimator.predict(part.test)
    predicted = time.perf_counter()
    error = error_of(data_set.task, part.test_target, told)
    return Measurement(data_set.name, peer.name, seed, error, len(part.test), fitted - start, predicted - fitted, threads)


def error_of(task: Task, truth: pd.Series, told: np.ndarray) -> float:
    """Compute the classification error, or nRMSE."""
    if task == "classes":
        return float(np.mean(truth.to_numpy() != np.asarray(told)))
    values = truth.to_numpy(dtype=float)
    return float(np.sqrt(np.mean((np.asarray(told) - values) ** 2)) / np.std(values))


def main(arguments: list[str]) -> None:
    """Measure what the arguments name, and print the measurements as one line of JSON."""
    data_set, peer, seeds, threads = arguments
    warnings.simplefilter("ignore")  # of a rival's own making: scikit-learn's ConvergenceWarning, pandas' deprecations
    found = measure_here(DATA_SETS[data_set], PEERS[peer], [int(seed) for seed in seeds.split(",")], int(threads))
    print(json.dumps([asdict(measurement) for measurement in found]))


if __name__ == "__main__":
    main(sys.argv[1:])
