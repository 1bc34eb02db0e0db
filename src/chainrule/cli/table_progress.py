"""The progress of a table's training: a bar while the file is read, a line for each network, and a bar of its epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .._format import percent
from .._stdout import can_redraw
from .output import Reporter, print_json, print_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..history import EpochRecord


class TableProgress:
    """Reports a training's progress to a person in a terminal, or with ``--json`` as an object for each epoch.

    Parameters
    ----------
    reporter : Reporter
    """

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._networks = self._epochs = 0
        self._best: EpochRecord | None = None

    @contextmanager
    def reading(self, name: str) -> Iterator[Callable[[float], Any] | None]:
        """Show a bar while a file is read; yield the function that takes the fraction that is read."""
        with self._open_bar() as bar:
            if bar is None:
                yield None
                return
            task = bar.add_task(f"reading {name}", total=1.0)
            yield lambda fraction: bar.update(task, completed=fraction)

    @contextmanager
    def training(self, networks: int, epochs: int) -> Iterator[None]:
        """Show a bar of all networks' epochs."""
        self._networks, self._epochs = networks, epochs
        with self._open_bar() as bar:
            if bar is not None:
                self._bar, self._task = bar, bar.add_task("training", total=networks * epochs)
            yield
        self._bar = None

    def epoch_done(self, network: int, record: EpochRecord) -> None:
        """Report an epoch of a network, numbered from 0."""
        if self.reporter.as_json and not self.reporter.quiet:
            print_json({"network": network + 1, **asdict(record)})
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=network * self._epochs + record.epoch)
        if record.epoch == 1 or self._best is None or _cost(record) <= _cost(self._best):
            self._best = record
        if record.epoch == self._epochs and not (self.reporter.quiet or self.reporter.as_json):
            self._print_network(network)

    def _print_network(self, network: int) -> None:
        """Print the best epoch of a network."""
        best = self._best
        if best is None:
            return
        accuracy = "" if best.validation_accuracy is None else f", accuracy {percent(best.validation_accuracy)}"
        validated = "" if best.validation_cost is None else f", on its held-out rows cost {best.validation_cost:.4g}{accuracy}"
        print_line(f"network {network + 1} of {self._networks}: epoch {best.epoch} of {self._epochs} is the best{validated}")

    @contextmanager
    def _open_bar(self) -> Iterator[Progress | None]:
        """Open a progress bar where the terminal can redraw one."""
        from rich.console import Console
        from rich.progress import Progress, TimeRemainingColumn

        console = Console(stderr=True)
        if self.reporter.quiet or self.reporter.as_json or not can_redraw(console):
            yield None
            return
        with Progress(*Progress.get_default_columns()[:3], TimeRemainingColumn(), console=console, transient=True) as bar:
            yield bar


def _cost(record: EpochRecord) -> float:
    """Give the cost that chooses the best epoch."""
    return record.cost if record.validation_cost is None else record.validation_cost
