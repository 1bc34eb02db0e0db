"""The trainings of a replay: one for each experiment and seed, several at a time, each on one thread, over one prepared MNIST.

This is a population (``population.py``) whose members have settings of their own and end at different times: each result is written
as soon as its training has ended, and the longest trainings begin first, so that all threads end at about the same time.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..checkpoints.fingerprint import digest_of, fingerprint
from ..errors import DivergenceError
from ..examples import Examples
from ..network import Network
from ..training import Run
from .experiments import BATCH_SIZE, Experiment
from .result_file import SeedResult

if TYPE_CHECKING:
    from ..datasets import Dataset

POLL_SECONDS = 0.2
"""A wait without a limit would not end on Ctrl-C beside a library with its own signal handler."""

PIXELS_DIVISOR = 255

Report = Callable[[float], None]
"""Called with the work that has just been done, in the unit of ``work_of_epoch``."""


@dataclass(frozen=True)
class SeedTraining:
    """One training: an experiment and a seed."""

    experiment: Experiment
    seed: int

    @property
    def work(self) -> float:
        """The work of all epochs."""
        return self.experiment.epochs * work_of_epoch(self.experiment)


def work_of_epoch(experiment: Experiment, evaluated: int = 10_000, rows: int = 50_000) -> float:
    """Estimate an epoch's work: multiplications of the first layer; training takes three times as many per image as evaluation."""
    trained = experiment.rows or rows
    return experiment.sizes[1] * (3.0 * trained + evaluated)


class ReplayData:
    """MNIST, or another data set, as the experiments use it; arrays are prepared once for all trainings.

    Parameters
    ----------
    data : Dataset
        Its inputs are pixels.
    """

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self._parts: dict[tuple[str, int], Examples] = {}
        self._fingerprints: dict[tuple[str, int], str] = {}

    def part(self, name: str, divisor: int) -> Examples:
        """Give the train, validation or test examples, their pixels divided by 255, or by another number as float32."""
        if (name, divisor) not in self._parts:
            pixels: Examples = getattr(self.data, name)
            scaled = np.asarray(pixels.x) / np.float32(divisor)
            self._parts[name, divisor] = pixels if divisor == PIXELS_DIVISOR else Examples(scaled, pixels.y)
        return self._parts[name, divisor]

    def fingerprint(self, name: str, divisor: int) -> str:
        """Give the digest of a part, computed once."""
        if (name, divisor) not in self._fingerprints:
            self._fingerprints[name, divisor] = fingerprint(self.part(name, divisor))
        return self._fingerprints[name, divisor]

    def start(self, training: SeedTraining) -> Run:
        """Make the run of a training, on one thread."""
        experiment, train = training.experiment, self.part("train", training.experiment.divisor)
        network = Network(experiment.sizes, cost=experiment.cost, init=experiment.init, seed=training.seed, dtype=experiment.dtype)
        run = Run(
            network,
            train,
            rows=None if experiment.rows is None else slice(0, experiment.rows),
            epochs=experiment.epochs,
            batch_size=BATCH_SIZE,
            learning_rate=experiment.learning_rate,
            l2=experiment.lmbda / (experiment.rows or len(train)),
            validation=self.part(experiment.evaluated_on, experiment.divisor),
            threads=1,
        )
        run.warns_of_divergence = False
        return run

    def prepare(self, trainings: Iterable[SeedTraining]) -> None:
        """Prepare the arrays before the threads start, so that no two threads prepare the same."""
        data_of = {
            (training.experiment.evaluated_on, training.experiment.divisor, training.experiment.dtype): training
            for training in trainings
        }
        for training in data_of.values():
            self.start(training).prepare_data()

    def digest(self, experiment: Experiment) -> str:
        """Give a digest of everything that a result depends on beside the seed: settings, data, engine and version."""
        run = self.start(SeedTraining(experiment, 0))
        facts = {
            "plan": run.plan.to_dict(),
            "init": experiment.init,
            "learning_rate": experiment.learning_rate,
            "epochs": experiment.epochs,
            "rows": experiment.rows,
            "train": self.fingerprint("train", experiment.divisor),
            "evaluated on": self.fingerprint(experiment.evaluated_on, experiment.divisor),
            "engine": run.engine.made_by(),
            "version": __version__,
        }
        return digest_of(text=json.dumps(facts, sort_keys=True))

    def train(self, training: SeedTraining, digest: str, report: Report, ended: threading.Event) -> SeedResult | None:
        """Train to the end and give the result; None when ``ended`` is set before.

        Raises
        ------
        DivergenceError
            When the training reached NaN or infinity.
        """
        started = time.thread_time()
        run, experiment = self.start(training), training.experiment
        for _ in run:
            report(work_of_epoch(experiment))
            if ended.is_set() and run.history.stopped is None:
                return None
        if run.history.stopped != "finished":
            raise DivergenceError(f"{experiment.name} with seed {training.seed}: {run.history.message}")
        return SeedResult(
            experiment=experiment.name,
            seed=training.seed,
            digest=digest,
            accuracies=tuple(record.validation_accuracy or 0.0 for record in run.history),
            training_accuracy=self._training_accuracy(run) if experiment.needs_training_accuracy else None,
            seconds=round(time.thread_time() - started, 3),
        )

    @staticmethod
    def _training_accuracy(run: Run) -> float:
        rows = slice(None) if run.data.rows is None else run.data.rows
        return run.network.accuracy(run.examples[rows])


def trainings_of(experiments: Iterable[Experiment], seeds: int) -> list[SeedTraining]:
    """Give a training for each experiment and seed, the longest first."""
    trainings = [SeedTraining(experiment, seed) for experiment in experiments for seed in range(seeds)]
    return sorted(trainings, key=lambda training: -training.work)


def train_all(
    data: ReplayData,
    trainings: Sequence[SeedTraining],
    digests: Mapping[str, str],
    *,
    threads: int,
    report: Report,
    keep: Callable[[SeedResult], None],
) -> None:
    """Train in a pool of threads. Each thread calls ``keep`` with its results: Ctrl-C reaches the main thread alone.

    Raises
    ------
    DivergenceError
        When a training diverged.
    KeyboardInterrupt
        On Ctrl-C, once the epochs under way are done.
    """
    data.prepare(trainings)
    ended = threading.Event()

    def train(training: SeedTraining) -> None:
        result = None if ended.is_set() else data.train(training, digests[training.experiment.name], report, ended)
        if result is not None:
            keep(result)

    with ThreadPoolExecutor(threads) as pool:
        try:
            pending = {pool.submit(train, training) for training in trainings}
            while pending:
                done, pending = wait(pending, POLL_SECONDS, FIRST_EXCEPTION)
                for future in done:
                    future.result()
        finally:
            ended.set()
