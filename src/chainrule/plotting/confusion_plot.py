"""The plot of a confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._format import percent, pluralize
from .._types import Indices
from ..errors import DataError
from .figure_style import fit_names, new_figure, report_style
from .metrics import Floats, row_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARES = (0, 0.01, 0.05, 0.2, 0.5, 1)
"""The ticks of the colours' bar."""
WIDTH = 8.4
"""The largest width of the figure, in inches: on a page it is then reduced by less than a quarter."""
MARGIN = 1.5
"""The room for the axes' labels and the colours' bar, in inches."""
LARGEST_CELL = 0.8
LETTER = 0.075
"""The mean width of a letter of a tick's label, in inches."""
LINES_OF_TEXT_FROM = 0.55
"""The width of a cell, in inches, from which it shows the share below the count."""
DARK_FROM = 0.35
"""The share from which a cell is so dark that its text is white."""
MOST_SHAPES = 40
"""With more classes the cells are pixels in an SVG or PDF: as shapes they would take megabytes."""
SMALLEST_FONT = 4.5
"""In points; where a count would have to be smaller, the cells have no text."""


def confusion(counts: Indices, names: Sequence[str]) -> Figure:
    """Plot a confusion matrix: counts as numbers, and each row's shares as colours (as numbers too, where they fit).

    Parameters
    ----------
    counts : integer array, shape (K, K)
        How often each true class (row) was predicted as each class (column).
    names : sequence of str, length K

    Raises
    ------
    DataError
        When the shape does not fit the names.
    MissingExtra
        When matplotlib is not installed.
    """
    if counts.shape != (len(names), len(names)) or not len(names):
        raise DataError(f"counts must have a row and a column for each of the {len(names)} classes; its shape is {counts.shape}")
    labels = fit_names(names, 24)
    room = LETTER * max(map(len, labels))
    cell = min((WIDTH - MARGIN - room) / len(names), LARGEST_CELL)
    shares = row_shares(counts)
    with report_style():
        figure = new_figure(cell * len(names) + room + MARGIN, cell * len(names) + room + 0.8)
        ax = figure.subplots()
        _color_shares(ax, shares)
        ax.set(aspect="equal", xlabel="predicted class", ylabel="true class", title=_title(counts))
        ax.invert_yaxis()
        ax.spines[:].set_visible(False)
        _label_classes(ax, labels, cell)
        _write_cells(ax, counts, shares, cell)
    return figure


def _color_shares(ax: Axes, shares: Floats) -> None:
    """Colour the cells by the square root of their shares, so that small ones, which are errors, are visible."""
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import PercentFormatter

    mesh = ax.pcolormesh(shares, norm=PowerNorm(0.5, 0, 1), cmap="Blues", edgecolors="white", linewidth=0.6)
    mesh.set_rasterized(len(shares) > MOST_SHAPES)
    bar = ax.figure.colorbar(mesh, ax=ax, shrink=0.8, aspect=25, ticks=SHARES, format=PercentFormatter(1, 0, " %"))
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)


def _title(counts: Indices) -> str:
    total = int(counts.sum())
    return f"accuracy {percent(np.trace(counts) / total)} of {pluralize(total, 'row')}" if total else "no rows"


def _label_classes(ax: Axes, labels: list[str], cell: float) -> None:
    """Write the names of the classes; of more than fit, each second, third and so on."""
    step = math.ceil(0.13 / cell)
    ticks, shown = np.arange(len(labels))[::step] + 0.5, labels[::step]
    ax.tick_params(length=0)
    ax.set_yticks(ticks, shown)
    if LETTER * max(map(len, shown)) < cell * step:
        ax.set_xticks(ticks, shown)
    else:
        ax.set_xticks(ticks, shown, rotation=45, ha="right", va="top", rotation_mode="anchor")


def _write_cells(ax: Axes, counts: Indices, shares: Floats, cell: float) -> None:
    """Write each count, white on dark colours; in small cells only those that are not 0."""
    with_share = cell >= LINES_OF_TEXT_FROM
    pattern = "{:,}" if with_share else "{}"
    letters = max(len(pattern.format(counts.max())), 7 if with_share else 2)
    size = min(9.0, 72 * 0.9 * cell / (0.62 * letters))
    if size < SMALLEST_FONT:
        return
    for row, column in zip(*np.nonzero((counts > 0) | with_share), strict=True):
        count, share = counts[row, column], float(shares[row, column])
        below = f"\n{percent(share, 1)}" if with_share and not np.isnan(share) else ""
        color = "white" if share > DARK_FROM else "#1A1A1A" if count else "#9A9A9A"
        text = ax.text(column + 0.5, row + 0.5, pattern.format(count) + below, ha="center", va="center")
        text.set(color=color, fontsize=size, in_layout=False)  # the layout need not measure a text inside the axes
