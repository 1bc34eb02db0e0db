"""The progress report of a training: one line an epoch, and below them a live line in a terminal or a notebook.

The training does not know of the live line. rich redraws it a few times a second, from a thread of its own, by reading the
training's counters; the epochs' lines are written by a callback.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ._format import format_fraction, percent
from ._stdout import can_redraw, tolerate_closed_stdout
from .history import EpochRecord, History
from .plan import Plan

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

REFRESHES_A_SECOND = 8

ResultsFormatter: TypeAlias = Callable[[EpochRecord], list[str]]
"""From a record to the texts of its cost and its scores, the cost first."""


def format_results(record: EpochRecord) -> list[str]:
    """Format an epoch's cost, then its accuracies; where there are no classes, the validation cost.

    Examples
    --------
    >>> format_results(EpochRecord(3, 0.0852, 0.8812, 0.0731, 0.9105, 3.0, 0.82, 61234.0))
    ['cost 0.0852', 'accuracy 88.12 %', 'validation 91.05 %']
    """
    results = [f"cost {record.cost:.3g}"]
    if record.accuracy is not None:
        results.append(f"accuracy {percent(record.accuracy)}")
    if record.validation_accuracy is not None:
        results.append(f"validation {percent(record.validation_accuracy)}")
    elif record.validation_cost is not None:
        results.append(f"validation {record.validation_cost:.3g}")
    return results


def format_r2_results(record: EpochRecord) -> list[str]:
    """Format an epoch's cost, then the validation's R^2, which a regressor keeps as ``validation_accuracy``.

    Examples
    --------
    >>> format_r2_results(EpochRecord(3, 0.0852, None, 0.0731, 0.9105, 3.0, 0.82, 61234.0))
    ['cost 0.0852', 'validation R^2 0.9105']
    """
    if record.validation_accuracy is None:
        return format_results(record)
    return [f"cost {record.cost:.3g}", f"validation R^2 {format_fraction(record.validation_accuracy)}"]


class Training(Protocol):
    """The attributes that the report reads while a training goes on: those of a ``Run``, or of an estimator's fit."""

    plan: Plan
    history: History
    epochs: int
    steps: int
    callbacks: tuple[Callable[[EpochRecord], Any], ...]

    @property
    def done(self) -> int:
        """The steps done so far."""
        ...


@contextmanager
def live(
    run: Training,
    *,
    console: Console | None = None,
    get_time: Callable[[], float] = time.monotonic,
    formatter: ResultsFormatter = format_results,
) -> Iterator[None]:
    """Report a training that goes on inside: a line for each epoch, and a live line where the console can redraw one.

    Parameters
    ----------
    run : Training
        Its ``callbacks`` gain one, which writes the epoch's line.
    console : rich Console, optional
        Where to write; standard output, or the notebook, if not given.
    get_time : callable
        A format_duration, in seconds.
    formatter : callable
        Formats a record's cost and scores.
    """
    from rich.console import Console
    from rich.live import Live

    console = console or Console()

    def write(record: EpochRecord) -> None:
        with tolerate_closed_stdout():
            console.print(epoch_line(record, run.epochs, formatter), markup=False, highlight=False, soft_wrap=True)

    run.callbacks = (*run.callbacks, write)
    if not can_redraw(console):
        yield
        return
    line = LiveLine(run, get_time, formatter)
    display = Live(line, console=console, refresh_per_second=REFRESHES_A_SECOND, transient=True)
    with tolerate_closed_stdout():
        display.start()
    try:
        yield
    finally:
        with tolerate_closed_stdout():  # the terminal may have been closed: its error must not replace the signal's SystemExit
            display.stop()


class LiveLine:
    """The live line: rich calls ``__rich__`` at each refresh, which reads the run's counters.

    Parameters
    ----------
    run : Training
    get_time : callable
        A format_duration, in seconds; the time left is estimated from the time since this object was made.
    formatter : callable
        Formats a record's cost and scores.
    """

    def __init__(self, run: Training, get_time: Callable[[], float], formatter: ResultsFormatter = format_results) -> None:
        self.run = run
        self.get_time = get_time
        self.formatter = formatter
        self.start = get_time()
        self.first_step = run.done  # of a training that is resumed, the steps that were done before

    def __rich__(self) -> Table:
        """Lay out epoch, bar, cost, score, speed and time left."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(ratio=1, min_width=4)
        row.add_column(no_wrap=True)
        bar = ProgressBar(total=max(self.run.steps, 1), completed=self.run.done)
        row.add_row(f"epoch {self.epoch}/{self.run.epochs}", bar, "  ".join(self.figures()))
        return row

    @property
    def epoch(self) -> int:
        """The current epoch, from 1."""
        return min(len(self.run.history.records) + 1, self.run.epochs)

    def figures(self) -> list[str]:
        """Give the figures known so far: none at first, then speed and time left; after an epoch its cost and best score too."""
        records = self.run.history.records
        elapsed = self.get_time() - self.start
        results = self.formatter(records[-1]) if records else []
        figures = results[:1] + results[1:][-1:]  # the cost, and the validation's score where there is one
        done = self.run.done - self.first_step
        if done and elapsed > 0:
            speed = records[-1].examples_per_second if records else done * self.run.plan.batch_size / elapsed
            time_left = elapsed / done * (self.run.steps - self.run.done)
            figures += [f"{format_compact(speed)} examples/s", f"{format_duration(time_left)} left"]
        return figures


def epoch_line(record: EpochRecord, epochs: int, formatter: ResultsFormatter = format_results) -> str:
    """Format one epoch's line.

    Examples
    --------
    >>> epoch_line(EpochRecord(3, 0.0852, 0.8812, 0.0731, 0.9105, 3.0, 0.82, 61234.0), epochs=30)
    'epoch  3/30  cost 0.0852  accuracy 88.12 %  validation 91.05 %  61.2k examples/s'
    """
    position = f"epoch {record.epoch:{len(str(epochs))}}/{epochs}"
    return "  ".join([position, *formatter(record), f"{format_compact(record.examples_per_second)} examples/s"])


def format_compact(number: float) -> str:
    """Write a large number with three significant digits.

    Examples
    --------
    >>> format_compact(950.2), format_compact(61_234), format_compact(1_234_567)
    ('950', '61.2k', '1.23M')
    """
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}" if number < 999.5 * size else f"{number / size:,.0f}{letter}"
    return f"{number:.0f}"


def format_duration(seconds: float) -> str:
    """Write a duration as minutes and seconds, with hours from one hour on.

    Examples
    --------
    >>> format_duration(12.4), format_duration(3725)
    ('0:12', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
