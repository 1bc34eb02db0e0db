"""The progress of a sweep: in a terminal a live table of the best points and a bar, elsewhere a line for each new best run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from .._format import percent
from .._stdout import can_redraw, tolerate_closed_stdout
from ..progress import format_duration
from .result_table import Group, best_of, groups_of
from .space import show
from .sweep_run import RunResult, name_of

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

SHOWN = 8
REGROUP_SECONDS = 1.0
"""The table is made anew at most so often: grouping many thousands of results takes a while."""

Tell: TypeAlias = Callable[[list[RunResult], int], None]
"""Takes the runs that have finished, at first those of before, and the number of runs that are known to be left."""


def score_text(result: RunResult) -> str:
    """Write a run's validation score.

    Examples
    --------
    >>> score_text(RunResult(0, 0, 1, (), 1, None, 0.1, 0.95, 0.08, None, None, "finished", 1.0, "fused"))
    'validation accuracy 95.00 %'
    """
    if result.validation_accuracy is not None:
        return f"validation accuracy {percent(result.validation_accuracy)}"
    return "diverged" if result.validation_cost is None else f"validation cost {result.validation_cost:.4g}"


def group_cells(group: Group) -> list[str]:
    """Give the cells of a point's row: settings, seeds, epochs, the least, mean and most of the score, and the mean on the test."""
    accuracy = any(result.validation_accuracy is not None for result in group.results)
    column, test = ("validation_accuracy", "test_accuracy") if accuracy else ("validation_cost", "test_cost")
    values, tests = group.values(column), group.values(test)
    write: Callable[[float], str] = percent if accuracy else lambda value: f"{value:.4g}"
    numbers = [write(form(values)) if values else "" for form in (min, _mean, max)]
    seeds = str(len(group.results)) + (f", {group.diverged} diverged" if group.diverged else "")
    settings = [show(value) for _, value in group.first.settings]
    return [*settings, seeds, str(group.first.epochs), *numbers, write(_mean(tests)) if tests else ""]


def header_of(group: Group) -> list[str]:
    """Give the header of ``group_cells``."""
    names = [name.replace("_", " ") for name, _ in group.first.settings]
    return [*names, "seeds", "epochs", "least", "mean", "most", "test"]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def points_table(groups: list[Group]) -> Table:
    """Lay some points out, at least one: what is the same for all of them is left out, but for the scores."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    columns = dict(zip(header_of(groups[0]), zip(*map(group_cells, groups), strict=True), strict=True))
    several = set(columns["seeds"]) != {"1"}
    shown = {name: cells for name, cells in columns.items() if _tells(name, cells, several_seeds=several)}
    for name in shown:
        table.add_column(name, justify="right", min_width=max(map(len, name.split())), overflow="fold")
    for row in zip(*shown.values(), strict=True):
        table.add_row(*(Text(cell.replace(" %", "\N{NO-BREAK SPACE}%")) for cell in row))
    return table


def _tells(name: str, cells: Sequence[str], *, several_seeds: bool) -> bool:
    """Whether a column of the table tells anything: a score does, and what differs between points; with one, all does."""
    if name in ("least", "most"):
        return several_seeds
    return name in ("mean", "test") or len(cells) == 1 or len(set(cells)) > 1


class LiveTable:
    """What rich draws: the table of the best points so far, and the bar."""

    def __init__(self, get_time: Callable[[], float] = time.monotonic) -> None:
        self.get_time = get_time
        self.results: list[RunResult] = []
        self.left = 0
        self._begun = get_time()
        self._resumed: int | None = None
        self._groups: list[Group] = []
        self._grouped = (-1, -1e9)

    def add(self, results: list[RunResult], left: int) -> None:
        """Add finished runs; the first to come were finished before, and say nothing about the time that is left."""
        if self._resumed is None:
            self._resumed = len(results)
        self.results += results
        self.left = left

    def __rich__(self) -> RenderableType:
        """Lay out the table and the bar."""
        from rich.console import Group as Lines
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        done = len(self.results)
        now = self.get_time()
        if self._grouped[0] != done and now - self._grouped[1] >= REGROUP_SECONDS:
            self._groups, self._grouped = groups_of(list(self.results)), (done, now)
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1, min_width=4)
        bar.add_column(no_wrap=True)
        fresh = done - (self._resumed or 0)
        time_left = f"{format_duration((now - self._begun) / fresh * self.left)} left" if fresh > 0 else ""
        bar.add_row(f"run {done}/{done + self.left}", ProgressBar(total=max(done + self.left, 1), completed=done), time_left)
        if not self._groups:
            return bar
        return Lines(points_table(self._groups[:SHOWN]), bar)


@contextmanager
def live_table(shown: bool) -> Iterator[Tell]:
    """Report a sweep that goes on inside the block; yield the function that is told of its runs."""
    if not shown:
        yield lambda results, left: None
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    table = LiveTable()
    best: list[RunResult] = []
    redraws = can_redraw(console)

    def tell(results: list[RunResult], left: int) -> None:
        table.add(results, left)
        found = best_of([*best, *results])
        if found is not None and (not best or found is not best[0]):
            best[:] = [found]
            if not redraws:
                done = len(table.results)
                line = f"run {done}/{done + left}: {score_text(found)} with {name_of(found.run)}"
                with tolerate_closed_stdout():
                    console.print(line, markup=False, soft_wrap=True)

    if not redraws:
        yield tell
        return
    display = Live(table, console=console, refresh_per_second=4, transient=True)
    with tolerate_closed_stdout():
        display.start()
    try:
        yield tell
    finally:
        with tolerate_closed_stdout():
            display.stop()
