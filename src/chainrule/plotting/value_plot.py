"""The plot of predicted values against true ones, and of their residuals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from .figure_style import BLUE, GRAY, fit_name, new_figure, report_style
from .metrics import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

MOST_POINTS = 2_000
"""More rows are counted in square cells: points would cover each other, and make a large SVG."""
CELLS = 60
"""The number of cells along an axis."""


def values(true: AnyArray, predicted: AnyArray, name: str) -> Figure:
    """Plot predicted against true values with the diagonal, and the residuals, predicted - true, against the predicted values.

    Parameters
    ----------
    true, predicted : array of float, shape (n,)
        In the target's unit.
    name : str
        The target's name.

    Raises
    ------
    DataError
        When the shapes differ, or a value is NaN or infinite.
    MissingExtra
        When matplotlib is not installed.
    """
    y, a = _check_values(true, predicted)
    label = fit_name(name, 40)
    with report_style():
        figure = new_figure(8.4, 3.8)
        left, right = figure.subplots(1, 2)
        whole = _are_whole(y)
        both, fitted, residuals = (_edges(numbers, whole) for numbers in (np.concatenate([y, a]), a, np.append(a - y, 0)))
        clouds = [_draw_cloud(left, y, a, both, both), _draw_cloud(right, a, a - y, fitted, residuals)]
        left.plot(both[[0, -1]], both[[0, -1]], color=GRAY, linewidth=1, label="predicted = true")
        right.axhline(0, color=GRAY, linewidth=1, label="predicted = true")
        left.set(xlabel=f"true {label}", ylabel=f"predicted {label}", aspect="equal")
        right.set(xlabel=f"predicted {label}", ylabel="residual (predicted − true)")
        for axis in (left.xaxis, left.yaxis, right.xaxis, right.yaxis):
            _separate_thousands(axis)
        _add_colorbar(figure, right, [cloud for cloud in clouds if cloud is not None])
    return figure


def _check_values(true: AnyArray, predicted: AnyArray) -> tuple[Floats, Floats]:
    y, a = (np.asarray(array, dtype=np.float64) for array in (true, predicted))
    if y.ndim != 1 or y.shape != a.shape or not len(y):
        raise DataError(f"true and predicted must have the same shape (n,), n at least 1; the shapes are {y.shape} and {a.shape}")
    infinite = np.flatnonzero(~np.isfinite(y) | ~np.isfinite(a))
    if len(infinite):
        row = infinite[0]
        raise DataError(f"true and predicted values must be finite; those of row {row} are {y[row]} and {a[row]}")
    return y, a


def _are_whole(y: Floats) -> bool:
    """Whether all values are whole numbers, of which at most a few fall into each cell."""
    return bool((y == np.round(y)).all() and np.ptp(y) < 10 * CELLS)


def _edges(numbers: Floats, whole: bool) -> Floats:
    """Divide the range of an axis into cells; their width is a whole number where the true values are whole.

    With another width some cells contain more whole numbers than others, which shows as stripes.
    """
    low, high = float(numbers.min()), float(numbers.max())
    if whole:
        width = float(math.ceil((high - low + 2) / CELLS))
        return np.arange(math.floor(low) - 0.5, high + width + 0.5, width)
    margin = 0.03 * (high - low) or 0.5 * abs(high) or 0.5
    return np.linspace(low - margin, high + margin, CELLS + 1)


def _draw_cloud(ax: Axes, x: Floats, y: Floats, x_edges: Floats, y_edges: Floats) -> QuadMesh | None:
    """Draw the rows as points, or count them in cells where they are many."""
    ax.set(xlim=x_edges[[0, -1]], ylim=y_edges[[0, -1]])
    if len(x) <= MOST_POINTS:
        ax.scatter(x, y, s=14, color=BLUE, alpha=0.45, linewidths=0)
        return None
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("shades", ["#A6CEE3", "#1F78B4", "#08204A"])
    counts, _, _ = np.histogram2d(x, y, (x_edges, y_edges))
    return ax.pcolormesh(x_edges, y_edges, np.where(counts > 0, counts, np.nan).T, cmap=shades, rasterized=True)


def _separate_thousands(axis: Axis) -> None:
    """Write numbers as 250,000 where they are that large; matplotlib writes larger ones with a power of ten."""
    largest = max(np.abs(axis.get_view_interval()))
    if 1e4 <= largest < 1e7:
        axis.set_major_formatter("{x:,.10g}")


def _add_colorbar(figure: Figure, ax: Axes, clouds: list[QuadMesh]) -> None:
    """Give both panels the same logarithmic colours, explained by one bar."""
    if not clouds:
        return
    from matplotlib.colors import LogNorm

    norm = LogNorm(1, max(2.0, *(cloud.get_clim()[1] for cloud in clouds)))
    for cloud in clouds:
        cloud.set_norm(norm)
    bar = figure.colorbar(clouds[0], ax=ax, format="{x:,.0f}", aspect=25)
    bar.set_label("rows per cell")
    bar.outline.set_visible(False)
