"""The report of a replay: one row for each figure of the book, as CSV, as Markdown, as a figure and as an HTML page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING, Any

from .._format import percent, pluralize
from ..explaining.blocks import Block, Document, Prose, Section, Strip, Table
from ..replay.comparison import Comparison
from ..replay.experiments import Experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADER = ("experiment", "measured", "book", "least", "median", "most", "verdict")


def decimals_of(rounding: float) -> int:
    """Give the decimals of a percentage that is rounded to this fraction.

    Examples
    --------
    >>> decimals_of(0.0001), decimals_of(0.001), decimals_of(0.01)
    (2, 1, 0)
    """
    return {0.0001: 2, 0.001: 1, 0.01: 0}[rounding]


def book_text(comparison: Comparison) -> str:
    """Write the book's figure with the decimals that the book gives."""
    figure = comparison.figure
    return percent(figure.accuracy, decimals_of(figure.rounding))


def measured_text(comparison: Comparison) -> str:
    """Say what is measured, and of how many runs the best one is taken."""
    best_of = comparison.figure.best_of
    return comparison.figure.measure.value + (f", best of {best_of}" if best_of > 1 else "")


def cells_of(comparison: Comparison) -> tuple[str, ...]:
    """Give the cells of a figure's row, under ``HEADER``; ranges are of the values as the book took them."""
    numbers = (comparison.range[0], comparison.median_as_taken, comparison.range[1]) if comparison.is_possible else ()
    texts = [percent(number) for number in numbers] or ["", percent(comparison.median), ""]
    return comparison.experiment.name, measured_text(comparison), book_text(comparison), *texts, comparison.verdict


def row_of(comparison: Comparison) -> dict[str, Any]:
    """Give the entries of a figure's row in CSV and JSON; None where there are fewer seeds than the book had runs."""
    experiment, figure = comparison.experiment, comparison.figure
    possible = comparison.is_possible
    return {
        "chapter": experiment.chapter,
        "experiment": experiment.name,
        "settings": experiment.title,
        "measured": figure.measure.value,
        "best_of": figure.best_of,
        "seeds": len(comparison.values),
        "book": figure.accuracy,
        "median_of_seeds": round(comparison.median, 6),
        "least": round(comparison.range[0], 6) if possible else None,
        "median": round(comparison.median_as_taken, 6) if possible else None,
        "most": round(comparison.range[1], 6) if possible else None,
        "share_at_most_book": round(comparison.share_below, 6) if possible else None,
        "verdict": comparison.verdict,
        "note": note_of(comparison),
    }


def to_csv(comparisons: Sequence[Comparison]) -> str:
    """Write the rows of ``row_of`` as CSV; accuracies are fractions, and least, median and most as the book took its figure."""
    file = io.StringIO()
    rows = [row_of(comparison) for comparison in comparisons]
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def to_markdown(comparisons: Sequence[Comparison]) -> str:
    """Write the table as Markdown, and below it the notes on the figures outside."""
    lines = [f"| {' | '.join(HEADER)} |", f"|{'---|' * 2}{'--:|' * 4}---|"]
    lines += [f"| {' | '.join(cells_of(comparison))} |" for comparison in comparisons]
    notes = [f"- {comparison.experiment.name}: {note_of(comparison)}" for comparison in comparisons if note_of(comparison)]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def note_of(comparison: Comparison) -> str:
    """Give the note that belongs to a figure outside the range, or of other data; of any other, nothing."""
    has_verdict = comparison.is_possible or not comparison.figure.is_comparable
    return comparison.figure.note if has_verdict and comparison.verdict != "inside" else ""


def summary_line(comparisons: Sequence[Comparison]) -> str:
    """Say how many of the book's figures are inside the range of our seeds, and how many could not be compared."""
    compared = [comparison for comparison in comparisons if comparison.is_possible]
    inside, others = sum(comparison.verdict == "inside" for comparison in compared), len(comparisons) - len(compared)
    line = f"figures of the book inside the range of our seeds: {inside} of {len(compared)}"
    return line + (f", and {others} that could not be compared" if others else "")


def to_figure(comparisons: Sequence[Comparison]) -> Figure:
    """Plot the seeds of each figure beside the book's.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    from .. import plotting

    strips = [
        plotting.SeedStrip(
            title=f"{comparison.experiment.name}: {comparison.figure.measure.value}",
            values=comparison.values,
            span=comparison.range,
            reference=comparison.figure.accuracy,
            span_name=_span_name(comparison),
        )
        for comparison in comparisons
    ]
    return plotting.seeds(strips, "the book")


def _span_name(comparison: Comparison) -> str:
    """Name the range that is drawn: of too few seeds it is that of single runs."""
    best_of = comparison.figure.best_of
    return f"best of {best_of}" if comparison.is_possible and best_of > 1 else "one run"


def to_document(comparisons: Sequence[Comparison], seeds: int) -> Document:
    """Lay out the page: the table of all figures, then the seeds of each experiment beside the book's figures."""
    summary = f"{summary_line(comparisons).capitalize()}. Seeds of each experiment: {seeds}, from 0 on."
    legend = "Each dot is a seed; the bar is the range that the book's figure, the line, is compared with."
    if seeds >= 3 and any(comparison.figure.best_of == 3 for comparison in comparisons):
        legend += (
            " Where the book took the best of three runs, the range is that of the bests of all "
            f"{pluralize(comb(seeds, 3), 'set')} of three seeds."
        )
    table = Table(HEADER, tuple(cells_of(comparison) for comparison in comparisons))
    sections = [Section((), "All figures", (table, Prose(legend)))]
    names = list(dict.fromkeys(comparison.experiment.name for comparison in comparisons))
    for name in names:
        own = [comparison for comparison in comparisons if comparison.experiment.name == name]
        sections.append(_section(own))
    return Document("The book's experiments, replayed", summary, tuple(sections))


def _section(comparisons: Sequence[Comparison]) -> Section:
    """Lay out one experiment."""
    experiment = comparisons[0].experiment
    variant = f" A variant of {experiment.variant_of}." if isinstance(experiment, Experiment) and experiment.variant_of else ""
    blocks: list[Block] = [Prose(f"Chapter {experiment.chapter}: {experiment.title}.{variant}")]
    for comparison in comparisons:
        blocks.append(_strip(comparison) if len(comparison.values) > 1 else Prose(_sentence(comparison)))
        if note := note_of(comparison):
            blocks.append(Prose(note))
    return Section((), experiment.name, tuple(blocks))


def _sentence(comparison: Comparison) -> str:
    """Say a figure's row as a sentence."""
    measured, book = measured_text(comparison).capitalize(), book_text(comparison)
    if len(comparison.values) == 1:
        return f"{measured}: the book {book}, here {percent(comparison.median)}: {comparison.verdict}."
    numbers = f"{percent(comparison.range[0])} to {percent(comparison.range[1])}, median {percent(comparison.median_as_taken)}"
    if not comparison.is_possible:
        single = f"{comparison.figure.measure.value.capitalize()} of {len(comparison.values)} single runs"
        return f"{single}: {numbers}; the book {book}, which is not compared: {comparison.verdict}."
    place = {"inside": "inside", "above all": "above", "below all": "below"}[comparison.verdict]
    return f"{measured}: {numbers}; the book {book}, which is {place} the range compared."


def _strip(comparison: Comparison) -> Strip:
    from ..plotting.seed_plot import SeedStrip, axis_limits

    span = comparison.range
    low, high = axis_limits(SeedStrip("", comparison.values, span, comparison.figure.accuracy, ""))
    return Strip(
        summary=_sentence(comparison),
        values=tuple(float(value) for value in comparison.values),
        span=span,
        reference=comparison.figure.accuracy,
        low=low,
        high=high,
        labels=(f"book {book_text(comparison)}", percent(max(low, 0)), percent(min(high, 1))),
    )
