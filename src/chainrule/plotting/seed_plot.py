"""The plot of the results of many seeds beside a reference: a strip for each measure, with its own axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._types import AnyArray
from .figure_style import BLUE, VERMILION, new_figure, report_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 2
STRIP_HEIGHT = 1.15
"""In inches, with its title and axis."""
BINS = 60
"""Across an axis: dots in the same bin are drawn above each other."""
MOST_STACKED = 6


@dataclass(frozen=True)
class SeedStrip:
    """The accuracies of some seeds, and a reference.

    Attributes
    ----------
    title : str
    values : array of float, shape (seeds,)
        One for each seed.
    span : (float, float)
        The range that the reference is compared with.
    reference : float
    span_name : str
        Of the range: "one run" or "best of 3".
    """

    title: str
    values: AnyArray
    span: tuple[float, float]
    reference: float
    span_name: str


def seeds(strips: Sequence[SeedStrip], reference_name: str) -> Figure:
    """Plot each strip: a dot for each seed, the range compared as a bar below the dots, the reference as a line across both.

    Parameters
    ----------
    strips : sequence of SeedStrip
        At least one.
    reference_name : str
        Of the line, in the legend.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    rows = math.ceil(len(strips) / COLUMNS)
    with report_style():
        figure = new_figure(8.4, STRIP_HEIGHT * rows + 0.5)
        axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for ax, strip in zip(axes, strips, strict=False):
            _draw_strip(ax, strip)
        for ax in axes[len(strips) :]:
            ax.set_axis_off()
        figure.legend(handles=_legend_handles(reference_name), loc="outside lower center", ncols=3)
    return figure


def _draw_strip(ax: Axes, strip: SeedStrip) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    low, high = axis_limits(strip)
    heights = stack_heights(strip.values, low, high)
    ax.plot(strip.values, heights, "o", color=BLUE, alpha=0.6, markersize=4, markeredgewidth=0, clip_on=False)
    ax.plot(strip.span, [-0.9, -0.9], color=BLUE, linewidth=4, solid_capstyle="round", alpha=0.9, clip_on=False)
    ax.axvline(strip.reference, color=VERMILION, linewidth=1.6, clip_on=False)
    ax.set_title(f"{strip.title} ({strip.span_name})", fontsize=7.5)
    ax.set(xlim=(low, high), ylim=(-1.8, MOST_STACKED + 0.5))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    ax.tick_params(labelsize=7)


def axis_limits(strip: SeedStrip) -> tuple[float, float]:
    """Give the ends of the axis: the values and the reference with a margin of a twelfth, at least 0.1 %, within [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> axis_limits(SeedStrip("", np.array([0.4, 0.5]), (0.4, 0.5), 0.52, ""))
    (0.39, 0.53)
    """
    low, high = (float(extreme([*strip.values, strip.reference])) for extreme in (min, max))
    margin = max((high - low) / 12, 0.001)
    return round(max(low - margin, 0.0), 6), round(min(high + margin, 1.0), 6)


def stack_heights(values: AnyArray, low: float, high: float) -> list[float]:
    """Give each dot a height: in a bin of the axis one above the other, closer where they are more than fit.

    Examples
    --------
    >>> import numpy as np
    >>> stack_heights(np.array([0.1, 0.9, 0.101]), 0.0, 1.0)
    [0.0, 0.0, 1.0]
    """
    bins = [int((value - low) / (high - low) * BINS) for value in values]
    most = max(bins.count(k) for k in bins)
    step = min(1.0, MOST_STACKED / most)
    return [step * bins[:k].count(bins[k]) for k in range(len(bins))]


def _legend_handles(reference_name: str) -> list[object]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], marker="o", linestyle="", color=BLUE, alpha=0.6, markersize=4, label="a seed"),
        Line2D([], [], color=BLUE, linewidth=4, label="the range compared"),
        Line2D([], [], color=VERMILION, linewidth=1.6, label=reference_name),
    ]
