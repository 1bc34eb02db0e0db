"""The files that a finished sweep leaves in its folder beside the best model: the table and the plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plotting
from .._format import percent, pluralize
from .live_table import score_text
from .result_table import best_of, groups_of, rows_of, write_parquet
from .space import Space, show
from .sweep_run import RunResult, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARQUET, MODEL = "runs.parquet", "best.safetensors"
SCORES_PLOT, AXES_PLOT = "scores.png", "axes.png"
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


def write_outputs(folder: Path, results: Sequence[RunResult], space: Space, *, plots: bool) -> None:
    """Write the table and the plots; each is written completely or not at all.

    Raises
    ------
    FileError
        When one cannot be written.
    MissingExtra
        When plots are wanted without matplotlib.
    """
    write_parquet(folder / PARQUET, rows_of(results))
    if plots:
        for name, figure in make_plots(results, space).items():
            plotting.save(figure, folder / name)


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
