"""What a fit tells while it goes on: nothing, scikit-learn's lines, or the command line's live line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .._stdout import tolerate_closed_stdout
from ..calculus.descent import number_of_steps
from ..examples import Examples
from ..history import EpochRecord, History
from ..plan import BlockResult, Plan
from ..progress import ResultsFormatter, live

if TYPE_CHECKING:
    from .epochs import Record


@contextmanager
def telling(verbose: Any, plan: Plan, examples: Examples, epochs: int, formatter: ResultsFormatter) -> Iterator[Quiet]:
    """Give what is told of a training's events, as the parameter ``verbose`` asks."""
    if verbose != "live":
        yield Lines() if verbose else Quiet()
        return
    shown = Live(plan, examples, epochs)
    with live(shown, formatter=formatter):
        yield shown


class Quiet:
    """Tell nothing."""

    each_epoch = False  # whether an epoch is told of as soon as it ends, or with those that were trained at one call with it

    def block(self, progress: BlockResult) -> None:
        """Take note of a block of mini-batches."""

    def epoch(self, record: Record) -> None:
        """Tell of an epoch, its validation done."""

    def stall(self, line: str) -> None:
        """Tell that the epochs do not improve, and what follows."""

    def iteration(self, loss: float) -> None:
        """Tell of an iteration of L-BFGS."""


class Lines(Quiet):
    """Print scikit-learn's lines; of L-BFGS, whose SciPy prints none any more, there are none."""

    def epoch(self, record: Record) -> None:
        """Print the loss, and with early stopping the score."""
        print(f"Iteration {record.n_iter}, loss = {record.loss_curve[-1]:.8f}")
        if record.validation_scores:
            print(f"Validation score: {record.validation_scores[-1]:f}")

    def stall(self, line: str) -> None:
        """Print the line."""
        print(line)


class Live(Quiet):
    """Draw the live line, for which this is the training."""

    each_epoch = True

    def __init__(self, plan: Plan, examples: Examples, epochs: int) -> None:
        self.plan = plan
        self.epochs = epochs
        self.examples = examples
        self.steps = number_of_steps(len(examples), plan.batch_size, epochs)
        self.done = 0
        self.callbacks: Any = ()
        self.history = History(seed=plan.seed, engine="")
        self.right: list[Any] = []
        self.began = self.now = time.perf_counter()

    def block(self, progress: BlockResult) -> None:
        """Move the bar."""
        self.done += len(progress.costs)
        self.right.append(progress.right)
        self.now = time.perf_counter()

    def epoch(self, record: Record) -> None:
        """Write the epoch's line."""
        scores, losses = record.validation_scores, record.validation_loss_curve
        self._write(record.loss_curve[-1], losses[-1] if losses else None, scores[-1] if scores else None, record.rate.now)

    def stall(self, line: str) -> None:
        """Write it between the epochs' lines."""
        with tolerate_closed_stdout():
            print(line)

    def iteration(self, loss: float) -> None:
        """Write the line of an iteration, which takes an epoch's place."""
        self.done = (len(self.history) + 1) * self.steps // self.epochs
        self.now = time.perf_counter()
        self._write(loss, None, None, 1.0)

    def _write(self, loss: float, validation_loss: float | None, score: float | None, rate: float) -> None:
        seconds = self.now - self.began
        number, speed = len(self.history) + 1, len(self.examples) / seconds
        record = EpochRecord(number, loss, self._accuracy(), validation_loss, score, rate, seconds, speed)
        self.history.records.append(record)
        for callback in self.callbacks:
            callback(record)
        self.began, self.right = time.perf_counter(), []

    def _accuracy(self) -> float | None:
        """Give the fraction that the epoch's mini-batches had right; None where there are no classes to be right about."""
        if not self.right or self.right[0] is None:
            return None
        weights = self.examples.weights
        return float(np.concatenate(self.right).sum() / (len(self.examples) if weights is None else weights.sum()))
