"""The page of a sweep: the best run, the table of the points, the plots and the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .._atomic_write import write_atomically
from ..explaining.blocks import Block, Chart, Document, Prose, Section, Table
from ..explaining.html_renderer import to_page
from ..sweeping.live_table import group_cells, header_of
from ..sweeping.outputs import AXES_PLOT, PARQUET, SCORES_PLOT, plot_names, summary_of
from ..sweeping.result_table import Group, groups_of
from ..sweeping.space import Parameter, describe
from ..sweeping.sweep_run import RunResult

REPORT = "report.html"
MOST_ROWS = 100


def write_report(
    folder: Path, results: Sequence[RunResult], space: Mapping[str, Parameter], description: str, *, plots: bool
) -> None:
    """Write the page, with the plots that are in the folder."""
    charts = {name: (folder / name).read_bytes() for name in plot_names(space)} if plots else {}
    write_atomically(folder / REPORT, to_page(to_document(results, space, description, charts)).encode())


def to_document(
    results: Sequence[RunResult], space: Mapping[str, Parameter], description: str, charts: Mapping[str, bytes]
) -> Document:
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
