"""Reporters of a fit's progress: scikit-learn's lines of text, or the command line's live line.

A trainer builds an ``EpochRecord`` after each epoch and hands it to a reporter. Its ``cost`` is the loss, and its
``validation_accuracy`` is the score of the validation set, accuracy or R2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._stdout import tolerate_closed_stdout
from ..calculus.descent import number_of_steps
from ..examples import Examples
from ..history import EpochRecord, History
from ..plan import Plan
from ..progress import ResultsFormatter, live


class Reporter(ABC):
    """Shows a fit's progress."""

    immediate = False
    """Whether each epoch must be reported as soon as it ends, rather than together with the epochs of the same engine call."""

    @abstractmethod
    def steps_done(self, count: int) -> None:
        """Report that ``count`` more mini-batches are done."""

    @abstractmethod
    def epoch_done(self, record: EpochRecord) -> None:
        """Report an epoch, or an iteration of L-BFGS."""

    @abstractmethod
    def message(self, text: str) -> None:
        """Show a line of text."""


class TextReporter(Reporter):
    """Prints scikit-learn's lines."""

    def steps_done(self, count: int) -> None:
        """Print nothing."""

    def epoch_done(self, record: EpochRecord) -> None:
        """Print the loss, and with early stopping the score."""
        print(f"Iteration {record.epoch}, loss = {record.cost:.8f}")
        if record.validation_accuracy is not None:
            print(f"Validation score: {record.validation_accuracy:f}")

    def message(self, text: str) -> None:
        """Print the line."""
        print(text)


class LiveReporter(Reporter):
    """Draws the live line; it is the ``Training`` that ``progress.live`` watches."""

    immediate = True

    def __init__(self, plan: Plan, examples: Examples, epochs: int) -> None:
        self.plan = plan
        self.epochs = epochs
        self.steps = number_of_steps(len(examples), plan.batch_size, epochs)
        self.done = 0
        self.callbacks: Any = ()
        self.history = History(seed=plan.seed, engine="")

    def steps_done(self, count: int) -> None:
        """Move the bar."""
        self.done += count

    def epoch_done(self, record: EpochRecord) -> None:
        """Move the bar to the end of the epoch, and write the epoch's line."""
        self.done = record.epoch * self.steps // self.epochs
        self.history.records.append(record)
        for callback in self.callbacks:
            callback(record)

    def message(self, text: str) -> None:
        """Write a line between the epochs' lines."""
        with tolerate_closed_stdout():
            print(text)


@contextmanager
def make_reporter(
    verbose: Any, plan: Plan, examples: Examples, epochs: int, formatter: ResultsFormatter
) -> Iterator[Reporter | None]:
    """Yield the reporter that the hyperparameter ``verbose`` asks for; None where it is false.

    ``formatter`` formats the cost and the scores in the live line.
    """
    if verbose != "live":
        yield TextReporter() if verbose else None
        return
    reporter = LiveReporter(plan, examples, epochs)
    with live(reporter, formatter=formatter):
        yield reporter
