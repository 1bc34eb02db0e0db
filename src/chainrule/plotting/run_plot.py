"""The plot of several trainings: the score of each over its epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..history import EpochRecord, column_of
from .figure_style import fit_names, new_figure, report_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCORES = {
    "validation_accuracy": "validation accuracy",
    "validation_cost": "validation cost",
    "accuracy": "accuracy",
    "cost": "cost",
}
"""The scores that may be drawn, in order of preference: the first that any of the runs has."""

NAMED = 10
"""The most lines with a colour and a name of their own; more are drawn grey, but for the first ones."""


def runs(histories: Sequence[Sequence[EpochRecord]], names: Sequence[str]) -> Figure:
    """Plot the validation accuracy of some runs over their epochs; their validation cost, accuracy or cost where they have none.

    Parameters
    ----------
    histories : sequence of lists of EpochRecord
        One for each run, the most important first.
    names : sequence of str

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    column = next((name for name in SCORES if any(_has(records, name) for records in histories)), "cost")
    with report_style():
        import matplotlib as mpl
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        figure = new_figure(7.2, 3.8)
        ax = figure.subplots()
        colors = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
        labels = fit_names(names)
        drawn = [k for k, records in enumerate(histories) if _has(records, column)]
        for k in reversed(drawn):
            own = drawn.index(k) < NAMED
            style = {"color": colors[drawn.index(k)], "label": labels[k]} if own else {"color": "#CCCCCC", "linewidth": 0.7}
            records = histories[k]
            ax.plot(column_of(records, "epoch"), column_of(records, column), marker="o" if len(records) == 1 else None, **style)
        ax.set(xlabel="epoch", ylabel=SCORES[column])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(axis="y", color="#E4E4E4", linewidth=0.6)
        if "accuracy" in column:
            ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        handles, texts = ax.get_legend_handles_labels()
        figure.legend(handles[::-1], texts[::-1], loc="outside right upper")
    return figure


def _has(records: Sequence[EpochRecord], column: str) -> bool:
    return bool(records) and not np.isnan(column_of(records, column)).all()
