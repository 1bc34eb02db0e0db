"""The files that a finished sweep leaves in its folder: the table, the plots, the page and the best model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plotting
from .._atomic_write import write_atomically
from .._format import percent, pluralize
from ..explaining.blocks import Block, Chart, Document, Prose, Section, Table
from ..explaining.html_renderer import to_page
from .live_table import group_cells, header_of, score_text
from .result_table import Group, best_of, groups_of, rows_of, write_parquet
from .space import Space, describe, show
from .sweep_run import RunResult, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARQUET, REPORT, MODEL = "runs.parquet", "report.html", "best.safetensors"
SCORES_PLOT, AXES_PLOT = "scores.png", "axes.png"
MOST_ROWS = 100
MOST_LINES = 2000
"""The most points of a plot, the best ones: more cannot be told apart."""


def plot_names(space: Space) -> tuple[str, ...]:
    """Name the plots of a sweep: parallel axes take two settings."""
    return (SCORES_PLOT, AXES_PLOT) if len(space) > 1 else (SCORES_PLOT,) if space else ()


def score_column(results: Sequence[RunResult]) -> str:
    """Name the column that runs are compared by."""
    return "validation_accuracy" if any(result.validation_accuracy is not None for result in results) else "validation_cost"


def make_plots(results: Sequence[RunResult], space: Space) -> dict[str, Figure]:
    """Draw the plots, by their names."""
    column = score_column(results)
    points = [
        plotting.SweepPoint({name: _plotted(value) for name, value in group.first.settings}, tuple(group.values(column)))
        for group in groups_of(results)[:MOST_LINES]
    ]
    draw = {SCORES_PLOT: plotting.sweep_scores, AXES_PLOT: plotting.sweep_axes}
    return {name: draw[name](points, column.replace("_", " ")) for name in plot_names(space)}


def _plotted(value: object) -> object:
    """Give a value as a plot's axis takes it: one hidden layer is its number of units."""
    if isinstance(value, tuple) and len(value) == 1:
        return value[0]
    return value if isinstance(value, (int, float)) else show(value)


def write_outputs(folder: Path, results: Sequence[RunResult], space: Space, description: str, *, plots: bool) -> None:
    """Write the table, the plots and the page; each is written completely or not at all.

    Raises
    ------
    FileError
        When one cannot be written.
    MissingExtra
        When plots are wanted without matplotlib.
    """
    write_parquet(folder / PARQUET, rows_of(results))
    charts = {}
    if plots:
        for name, figure in make_plots(results, space).items():
            plotting.save(figure, folder / name)
            charts[name] = (folder / name).read_bytes()
    write_atomically(folder / REPORT, to_page(to_document(results, space, description, charts)).encode())


def summary_of(results: Sequence[RunResult]) -> str:
    """Say which run is the best, and what it scores, in a sentence without its full stop."""
    best = best_of(results)
    if best is None:
        return f"all of {pluralize(len(results), 'run')} diverged: lower the learning rate"
    test = ""
    if best.test_accuracy is not None:
        test = f", test accuracy {percent(best.test_accuracy)}"
    elif best.test_cost is not None:
        test = f", test cost {best.test_cost:.4g}"
    return f"the best of {pluralize(len(results), 'run')}: {name_of(best.run)}, {score_text(best)}{test}"


def to_document(results: Sequence[RunResult], space: Space, description: str, charts: dict[str, bytes]) -> Document:
    """Lay out the page: the best run, the table of the points, the plots, the space."""
    groups = groups_of(results)
    summary = summary_of(results)
    sections = [Section((), "The points", _point_blocks(groups))]
    captions = {
        SCORES_PLOT: "The median of the seeds, and the range from the least to the most.",
        AXES_PLOT: "Each line is a point of the sweep; the thick one is the best mean, and grey ones diverged.",
    }
    if charts:
        drawn = tuple(Chart(captions[name], png) for name, png in charts.items())
        sections.append(Section((), "The plots", drawn))
    rows = tuple((name.replace("_", " "), describe(parameter)) for name, parameter in space.items())
    space_blocks: list[Block] = [Prose(description)]
    if rows:
        space_blocks.insert(0, Table(("setting", "values"), rows))
    sections.append(Section((), "The space", tuple(space_blocks)))
    return Document("A sweep", f"{summary[0].upper()}{summary[1:]}.", tuple(sections))


def _point_blocks(groups: Sequence[Group]) -> tuple[Block, ...]:
    shown = groups[:MOST_ROWS]
    table = Table(tuple(header_of(shown[0])), tuple(tuple(group_cells(group)) for group in shown), highlighted=0)
    more = (
        f" The best {MOST_ROWS} of {len(groups):,} points are shown; all runs are in {PARQUET}." if len(groups) > len(shown) else ""
    )
    note = (
        "The validation scores of the seeds: the least, the mean and the most; the last column is the mean on the test examples, "
        "which chose nothing. With several points the best validation score is a little too good: judge it by the test." + more
    )
    return table, Prose(note)
