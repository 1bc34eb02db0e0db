"""The plot of one or more trainings: cost and accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._format import pluralize
from ..history import EpochRecord, History, column_of, draw_column, mark_epoch
from .figure_style import BLUE, VERMILION, new_figure, report_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG_FROM = 30
"""The cost's axis is logarithmic where its largest value is this many times the smallest."""

Records = Sequence[EpochRecord] | History


def curves(histories: Sequence[Records], best_epochs: Sequence[int | None] | None = None) -> Figure:
    """Plot cost and accuracy over the epochs, of training and validation, for one or more networks.

    Parameters
    ----------
    histories : sequence of History or of lists of EpochRecord
        One for each network. Without accuracies, as where values are predicted, only the costs are drawn.
    best_epochs : sequence of int or None, optional
        The epoch of each network whose parameters were kept; it is marked with a point. By default each ``History.best_epoch``.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    if best_epochs is None:
        best_epochs = [getattr(history, "best_epoch", None) for history in histories]
    columns = ["cost", "accuracy"] if _any_value(histories, "accuracy") else ["cost"]
    with report_style():
        figure = new_figure(4.2 * len(columns), 3.2)
        panels = figure.subplots(1, len(columns), squeeze=False)[0]
        for ax, column in zip(panels, columns, strict=True):
            for records, best in zip(histories, best_epochs, strict=True):
                _draw_network(ax, records, column, best, thin=len(histories) > 1)
            _set_axes(ax, column)
        _add_legend(figure, panels[0], len(histories))
    return figure


def _draw_network(ax: Axes, records: Records, column: str, best_epoch: int | None, *, thin: bool) -> None:
    """Draw the training's and the validation's line of one network, and a point at its best epoch."""
    style = {"linewidth": 0.9, "alpha": 0.75} if thin else {}
    draw_column(ax, records, column, "training", color=BLUE, **style)
    watched = column
    if _any_value([records], f"validation_{column}"):
        watched = f"validation_{column}"
        draw_column(ax, records, watched, "validation", color=VERMILION, **style)
    mark_epoch(ax, records, watched, best_epoch, markersize=4 if thin else 6)


def _set_axes(ax: Axes, column: str) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    ax.set(xlabel="epoch", ylabel=column)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    if column == "accuracy":
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    else:
        _set_cost_scale(ax)


def _set_cost_scale(ax: Axes) -> None:
    """Make the axis logarithmic where the costs span a large range, with ticks at 1, 2 and 5 where these fit."""
    from matplotlib.ticker import LogLocator, NullLocator

    drawn = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in ax.lines] or [np.zeros(0)])
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn) or not 0 < LOG_FROM * drawn.min() < drawn.max():
        return
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if drawn.max() < 1000 * drawn.min() else (1,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())


def _add_legend(figure: Figure, ax: Axes, n_networks: int) -> None:
    """Add one legend above the panels, with each kind of line once."""
    lines = {str(line.get_label()): line for line in ax.lines}
    title = pluralize(n_networks, "network") if n_networks > 1 else None
    figure.legend(list(lines.values()), list(lines), title=title, loc="outside upper center", ncols=3)


def _any_value(histories: Sequence[Records], column: str) -> bool:
    return any(not np.isnan(column_of(records, column)).all() for records in histories)
