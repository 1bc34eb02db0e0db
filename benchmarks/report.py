"""Output of the results as tables, for a terminal or as Markdown."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.cells import GEOMETRIC_MEAN
from benchmarks.results import Result, TargetCheck, geometric_mean, times


class Report:
    """Writes each result when it is available, and the summary at the end."""

    def __init__(self, *, markdown: bool) -> None:
        self.markdown = markdown
        self.console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

    def write(self, line: str) -> None:
        """Write a line."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self.console.print(line, markup=False, soft_wrap=True)

    def table(self, header: list[str], rows: list[list[str]]) -> None:
        """Write a table; the first column is aligned left, the others right."""
        if self.markdown:
            marks = ["---", *["---:"] * (len(header) - 1)]
            for row in (header, marks, *rows):
                self.write(f"| {' | '.join(row)} |")
            self.write("")
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for place, title in enumerate(header):
            table.add_column(title, justify="right" if place else "left")
        for row in rows:
            table.add_row(*row)
        self.console.print(table, markup=False)

    def result(self, result: Result) -> None:
        """Write one cell's table, its target checks and its notes."""
        self.write(f"\n### {result.name}: {result.title}\n" if self.markdown else f"\n{result.name}: {result.title}")
        self.table(result.header, result.rows)
        bullet = "- " if self.markdown else "  "
        for check in result.checks:
            self.write(f"{bullet}{sentence(check)}")
        for note in result.notes:
            self.write(f"{bullet}{note}")

    def summary(self, results: list[Result]) -> None:
        """Write one line per cell, and the geometric mean over the training cells."""
        self.write("\n### summary\n" if self.markdown else "\nsummary")
        rows = [[r.name, r.own, r.python, times(r.ratio), r.hand_written, count_met(r.checks)] for r in results]
        self.table(["cell", "chainrule", "fastest Python peer", "ratio", "hand-written C++", "targets met"], rows)
        ratios = [result.ratio for result in results if result.ratio is not None]
        if ratios:
            mean = geometric_mean(ratios)
            name = (
                f"geometric mean over {len(ratios)} training cell{'s' * (len(ratios) > 1)}, against the fastest Python peer of each"
            )
            self.write(sentence(TargetCheck(name, f">= {GEOMETRIC_MEAN:g}x", times(mean), mean >= GEOMETRIC_MEAN)))


def sentence(check: TargetCheck) -> str:
    """Format a target check as a line."""
    word = {True: "met", False: "NOT MET", None: "open"}[check.met]
    return f"{word}: {check.name}: {check.measured} (required: {check.required})"


def count_met(checks: list[TargetCheck]) -> str:
    """Count the targets that were met."""
    known = [check.met for check in checks if check.met is not None]
    return f"{sum(known)} of {len(checks)}"
