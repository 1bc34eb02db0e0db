"""One run of a sweep: a network trained on one thread, and its scores. The result depends on the arguments alone."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any

from ..engines import Threads
from ..errors import ChainruleError, DataError
from ..examples import Examples
from ..network import Network
from ..plan import Evaluation
from ..training import Run
from .search import SweepRun
from .space import network_settings, show


@dataclass(frozen=True)
class SweepTask:
    """What all runs of a sweep share.

    Attributes
    ----------
    train, validation : Examples
    test : Examples or None
    n_out : int
        The outputs of each network.
    settings : mapping
        The settings that do not vary.
    engine : str
    """

    train: Examples
    validation: Examples
    test: Examples | None
    n_out: int
    settings: Mapping[str, Any]
    engine: str = "auto"

    def start(self, run: SweepRun, *, threads: Threads = 1) -> Run:
        """Make the network and the training of a run; a setting that does not fit raises the error of ``Network`` or ``Run``."""
        settings = deepcopy({**self.settings, **dict(run.settings)})
        sizes = [self.train.n_in, *settings.pop("hidden", ()), self.n_out]
        own = {name: settings.pop(name) for name in network_settings() if name in settings}
        network = Network(sizes, seed=run.seed, **own)
        training = Run(
            network,
            self.train,
            validation=self.validation,
            epochs=run.epochs,
            engine=self.engine,
            threads=threads,
            **settings,
        )
        training.warns_of_divergence = False  # it is in the result
        return training

    def work_of(self, run: SweepRun) -> float:
        """Estimate a run's work: multiplications of a training, three times as many for an example as in an evaluation."""
        sizes = [self.train.n_in, *{**self.settings, **dict(run.settings)}.get("hidden", ()), self.n_out]
        weights = sum(n_in * n_out for n_in, n_out in zip(sizes, sizes[1:], strict=False))
        examples = run.epochs * (3.0 * len(self.train) + len(self.validation)) + (len(self.test) if self.test is not None else 0)
        return weights * examples + 1e6  # and what a run takes at any size


@dataclass(frozen=True)
class RunResult:
    """The result of a run. A training that diverged has no scores: its last finite parameters are no result of its settings.

    Attributes
    ----------
    point, seed : int
    epochs : int
        That were planned.
    settings : tuple of (name, value)
        Those that vary.
    trained_epochs : int
    best_epoch : int or None
        The epoch whose parameters were kept, where the training was stopped early.
    cost : float or None
        Of the last epoch, on the training examples.
    validation_accuracy, test_accuracy : float or None
        Where y holds classes.
    validation_cost, test_cost : float or None
    stopped : str
        finished, early or diverged.
    seconds : float
        The processor time of the training and its evaluations.
    engine : str
        The engine and instruction set that decide the bits.
    """

    point: int
    seed: int
    epochs: int
    settings: tuple[tuple[str, Any], ...]
    trained_epochs: int
    best_epoch: int | None
    cost: float | None
    validation_accuracy: float | None
    validation_cost: float | None
    test_accuracy: float | None
    test_cost: float | None
    stopped: str
    seconds: float
    engine: str

    @property
    def run(self) -> SweepRun:
        """The run."""
        return SweepRun(self.point, self.seed, self.epochs, self.settings)

    @property
    def score(self) -> float:
        """What runs are compared by: the validation accuracy, of values minus the validation cost; -inf if it diverged."""
        if self.validation_accuracy is not None:
            return self.validation_accuracy
        return -math.inf if self.validation_cost is None else -self.validation_cost

    def same_bits(self, other: RunResult) -> bool:
        """Whether everything but the time is the same."""
        return all(getattr(self, each.name) == getattr(other, each.name) for each in fields(self) if each.name != "seconds")

    def to_line(self) -> str:
        """Write it as a line of JSON."""
        entries = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps({**entries, "settings": dict(self.settings)}, allow_nan=False)


_WHOLE = ("point", "seed", "epochs", "trained_epochs")
_NUMBERS = ("cost", "validation_accuracy", "validation_cost", "test_accuracy", "test_cost")


def parse_result(line: str) -> RunResult:
    """Read a line of a file, which may hold anything.

    Raises
    ------
    DataError
        When it is not a result as ``to_line`` writes it.
    """
    try:
        entries = json.loads(line)
        settings = tuple((name, _as_tuple(value)) for name, value in entries["settings"].items())
        result = RunResult(**{**entries, "settings": settings})
        result.engine.encode()  # JSON may hold half of a surrogate pair, which no file of text can
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DataError("it is not a JSON object with the entries of a run") from None
    numbers = [number for name in _NUMBERS if (number := getattr(result, name)) is not None]
    if any(type(getattr(result, name)) is not int for name in _WHOLE) or not (
        result.best_epoch is None or type(result.best_epoch) is int
    ):
        raise DataError("point, seed and epochs must be whole numbers")
    if not all(_is_finite(number) for number in (*numbers, result.seconds)):
        raise DataError("costs, accuracies and seconds must be finite numbers")
    accuracies = [accuracy for accuracy in (result.validation_accuracy, result.test_accuracy) if accuracy is not None]
    if result.seconds < 0 or not all(0 <= accuracy <= 1 for accuracy in accuracies):
        raise DataError("accuracies must be from 0 to 1, and seconds at least 0")
    if result.stopped not in ("finished", "early", "diverged") or not isinstance(result.engine, str):
        raise DataError("stopped must be finished, early or diverged, and engine a text")
    return result


def _is_finite(number: Any) -> bool:
    """Whether it is a number that a float can hold."""
    try:
        return type(number) in (int, float) and math.isfinite(number)
    except OverflowError:  # JSON's whole numbers have no limit
        return False


def _as_tuple(value: Any) -> Any:
    """Read a value of a setting, as it was before JSON made lists of tuples."""
    if isinstance(value, dict):
        raise TypeError("a setting is no mapping")
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def name_of(run: SweepRun) -> str:
    """Name a run by its settings, for people.

    Examples
    --------
    >>> name_of(SweepRun(3, 1, 5, (("hidden", (30,)), ("learning_rate", 0.5))))
    'hidden 30, learning rate 0.5, seed 1'
    """
    return ", ".join([*(f"{name.replace('_', ' ')} {show(value)}" for name, value in run.settings), f"seed {run.seed}"])


def train_run(task: SweepTask, run: SweepRun, ended: Callable[[], bool] = lambda: False) -> RunResult | None:
    """Train a run to its end and give its result; None when ``ended`` gives True before.

    Raises
    ------
    ChainruleError
        When the settings do not fit; the message names the run.
    """
    began = time.thread_time()
    try:
        training = task.start(run)
        for _ in training:
            if ended() and training.history.stopped is None:
                training.interrupt()
                return None
        return result_of(task, run, training, time.thread_time() - began)
    except ChainruleError as error:
        raise with_name(run, error) from None


def with_name(run: SweepRun, error: ChainruleError) -> ChainruleError:
    """Give the error of a run, its message led by the run's name."""
    named = type(error).__new__(type(error))
    ChainruleError.__init__(named, f"the run with {name_of(run)}: {error}")
    return named


def result_of(task: SweepTask, run: SweepRun, training: Run, seconds: float) -> RunResult:
    """Sum up a training that has ended."""
    history = training.history
    diverged = history.stopped == "diverged"
    records = history.records
    kept = None if diverged or not records else records[(history.best_epoch or len(records)) - 1]
    test = None if diverged or task.test is None else _evaluate(training, task.test)
    return RunResult(
        point=run.point,
        seed=run.seed,
        epochs=run.epochs,
        settings=run.settings,
        trained_epochs=len(records),
        best_epoch=history.best_epoch,
        cost=None if diverged or not records else _finite(records[-1].cost),
        validation_accuracy=None if kept is None else kept.validation_accuracy,
        validation_cost=None if kept is None else _finite(kept.validation_cost),
        test_accuracy=None if test is None else test.accuracy,
        test_cost=None if test is None else _finite(test.cost),
        stopped=history.stopped or "finished",
        seconds=round(seconds, 4),
        engine=training.engine.made_by(),
    )


def _evaluate(training: Run, examples: Examples) -> Evaluation:
    """Evaluate the trained network, on the training's number of threads."""
    engine = training.engine
    session = engine.open(training.plan, training.network.state(), threads=training.threads)
    return session.evaluate(engine.prepare(examples))


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)
