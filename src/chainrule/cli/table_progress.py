"""The progress of a table's training: a bar while the file is read, and while the networks are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._stdout import can_redraw
from .output import Reporter, print_json

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
        with self._open_bar() as bar:
            if bar is not None:
                self._bar, self._task = bar, bar.add_task("training", total=networks * epochs)
            yield
        self._bar = None

    def epoch_done(self, record: EpochRecord) -> None:
        """Report an epoch of one of the networks."""
        if self.reporter.as_json and not self.reporter.quiet:
            print_json(record._asdict())
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)

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
