"""A training's progress, for people: a line for each epoch, and below them, in a terminal or a notebook, one that lives.

A training knows nothing of this. The live line looks at it a few times a second, from rich's own thread; the lines of the
epochs are a callback like any other.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ._format import percent
from .history import EpochRecord, History
from .plan import Plan

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

REFRESHES_A_SECOND = 8


class OutputWarning(UserWarning):
    """Standard output cannot be written, and what follows goes nowhere."""


class Training(Protocol):
    """What is looked at while it goes on: a ``Run``, or an estimator's fit."""

    plan: Plan
    history: History
    epochs: int
    steps: int
    done: int
    callbacks: tuple[Callable[[EpochRecord], Any], ...]


@contextmanager
def live(run: Training, *, console: Console | None = None, get_time: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Show a training while it goes on: a line for each epoch, and a live line where the console can have one.

    Parameters
    ----------
    run : Training
        Its ``callbacks`` gain one, which writes the epoch's line.
    console : rich Console, optional
        Where to write; standard output, or the notebook, if not given.
    get_time : callable
        A clock, in seconds.
    """
    from rich.console import Console
    from rich.live import Live

    console = console or Console()

    def write(record: EpochRecord) -> None:
        with while_read():
            console.print(epoch_line(record, run.epochs), markup=False, highlight=False, soft_wrap=True)

    run.callbacks = (*run.callbacks, write)
    if not can_live(console):
        yield
        return
    with Live(LiveLine(run, get_time), console=console, refresh_per_second=REFRESHES_A_SECOND, transient=True):
        yield


@contextmanager
def while_read() -> Iterator[None]:
    """Write to standard output inside; once whoever read it has gone, as with ``| head``, it goes nowhere, without a word.

    A training does not end because nobody looks. Where it cannot be written for another reason, as on a full disk, an
    ``OutputWarning`` says so.
    """
    try:
        yield
    except BrokenPipeError:
        write_nowhere()
    except OSError as error:
        write_nowhere()
        warnings.warn(unwritten(error), OutputWarning, stacklevel=2)
    except SystemExit as leaving:  # what rich makes of it
        if not isinstance(leaving.__context__, BrokenPipeError):
            raise
        write_nowhere()


def unwritten(error: OSError) -> str:
    """Say that standard output cannot be written, and why."""
    return f"cannot write standard output ({error.strerror or error}); what follows is not shown"


def write_nowhere() -> None:
    """Let standard output's descriptor lead to the null device, so that what is still buffered does no harm either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def can_live(console: Console) -> bool:
    """Tell whether a console can redraw a line: a terminal that is no dumb one, or a notebook with ipywidgets."""
    from importlib.util import find_spec

    return find_spec("ipywidgets") is not None if console.is_jupyter else console.is_interactive


class LiveLine:
    """What the live line shows, made anew from the run whenever rich draws it.

    Parameters
    ----------
    run : Training
    get_time : callable
        A clock, in seconds; the time left is reckoned from now on.
    """

    def __init__(self, run: Training, get_time: Callable[[], float]) -> None:
        self.run = run
        self.get_time = get_time
        self.began = get_time()

    def __rich__(self) -> Table:
        """Lay out epoch, bar, cost, accuracy, speed and time left."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(ratio=1, min_width=4)
        row.add_column(no_wrap=True)
        bar = ProgressBar(total=max(self.run.steps, 1), completed=self.run.done)
        row.add_row(f"epoch {self.epoch}/{self.run.epochs}", bar, "  ".join(self.facts()))
        return row

    @property
    def epoch(self) -> int:
        """The epoch that is being done."""
        return min(len(self.run.history.records) + 1, self.run.epochs)

    def facts(self) -> list[str]:
        """Say what is known so far: nothing at first, then the speed and the time left, after an epoch the cost as well."""
        records = self.run.history.records
        passed = self.get_time() - self.began
        said = results(records[-1]) if records else []
        facts = said[:1] + said[1:][-1:]  # the cost, and the best witness of the rest
        if self.run.done and passed > 0:
            speed = records[-1].examples_per_second if records else self.run.done * self.run.plan.batch_size / passed
            left = passed / self.run.done * (self.run.steps - self.run.done)
            facts += [f"{compact(speed)} examples/s", f"{clock(left)} left"]
        return facts


def epoch_line(record: EpochRecord, epochs: int) -> str:
    """Tell of one epoch in a line.

    Examples
    --------
    >>> epoch_line(EpochRecord(3, 0.0852, 0.8812, 0.0731, 0.9105, 3.0, 0.82, 61234.0), epochs=30)
    'epoch  3/30  cost 0.0852  accuracy 88.12 %  validation 91.05 %  61.2k examples/s'
    """
    counted = f"epoch {record.epoch:{len(str(epochs))}}/{epochs}"
    return "  ".join([counted, *results(record), f"{compact(record.examples_per_second)} examples/s"])


def results(record: EpochRecord) -> list[str]:
    """Say how good an epoch was: its cost, then accuracies, or the validation's cost where there are no classes."""
    said = [f"cost {record.cost:.3g}"]
    if record.accuracy is not None:
        said.append(f"accuracy {percent(record.accuracy)}")
    if record.validation_accuracy is not None:
        said.append(f"validation {percent(record.validation_accuracy)}")
    elif record.validation_cost is not None:
        said.append(f"validation {record.validation_cost:.3g}")
    return said


def compact(number: float) -> str:
    """Write a large number in three digits or so.

    Examples
    --------
    >>> compact(950.2), compact(61_234), compact(1_234_567)
    ('950', '61.2k', '1.23M')
    """
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}" if number < 999.5 * size else f"{number / size:,.0f}{letter}"
    return f"{number:.0f}"


def clock(seconds: float) -> str:
    """Write a duration as minutes and seconds, with hours where there are some.

    Examples
    --------
    >>> clock(12.4), clock(3725)
    ('0:12', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
