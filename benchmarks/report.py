"""The tables, for a terminal or as Markdown."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.cells import GEOMETRIC_MEAN
from benchmarks.results import Result, Verdict, geometric_mean, times


class Report:
    """Writes results as they come, and the summary at the end."""

    def __init__(self, *, markdown: bool) -> None:
        self.markdown = markdown
        self.console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

    def say(self, line: str) -> None:
        """Write a line."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self.console.print(line, markup=False, soft_wrap=True)

    def table(self, header: list[str], rows: list[list[str]]) -> None:
        """Write a table, the first column to the left."""
        if self.markdown:
            marks = ["---", *["---:"] * (len(header) - 1)]
            for row in (header, marks, *rows):
                self.say(f"| {' | '.join(row)} |")
            self.say("")
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for place, title in enumerate(header):
            table.add_column(title, justify="right" if place else "left")
        for row in rows:
            table.add_row(*row)
        self.console.print(table, markup=False)

    def result(self, result: Result) -> None:
        """Write one cell's table, its verdicts and its remarks."""
        self.say(f"\n### {result.name}: {result.title}\n" if self.markdown else f"\n{result.name}: {result.title}")
        self.table(result.header, result.rows)
        bullet = "- " if self.markdown else "  "
        for verdict in result.verdicts:
            self.say(f"{bullet}{sentence(verdict)}")
        for note in result.notes:
            self.say(f"{bullet}{note}")

    def summary(self, results: list[Result]) -> None:
        """Write a line a cell, and the geometric mean over the training cells."""
        self.say("\n### summary\n" if self.markdown else "\nsummary")
        rows = [[r.name, r.ours, r.python, times(r.ratio), r.by_hand, met(r.verdicts)] for r in results]
        self.table(["cell", "ours", "best Python peer", "ratio", "C++ by hand", "figures reached"], rows)
        ratios = [result.ratio for result in results if result.ratio is not None]
        if ratios:
            mean = geometric_mean(ratios)
            what = f"geometric mean over {len(ratios)} training cell{'s' * (len(ratios) > 1)}, against the best Python peer of each"
            self.say(sentence(Verdict(what, f">= {GEOMETRIC_MEAN:g}x", times(mean), mean >= GEOMETRIC_MEAN)))


def sentence(verdict: Verdict) -> str:
    """Write a verdict as a line."""
    word = {True: "reached", False: "NOT REACHED", None: "open"}[verdict.met]
    return f"{word}: {verdict.what}: {verdict.reached} (to reach: {verdict.wanted})"


def met(verdicts: list[Verdict]) -> str:
    """Count what was reached."""
    judged = [verdict.met for verdict in verdicts if verdict.met is not None]
    return f"{sum(judged)} of {len(verdicts)}"
