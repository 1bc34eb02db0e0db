"""The plot of several trainings: the score of each over its epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..history import EpochRecord, column_of
from .figure_style import fit_names, new_figure, report_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 10
"""The most runs with a colour and a name of their own; more are drawn grey, but for the first ones."""


@dataclass(frozen=True)
class Score:
    """A column of the records that may be drawn.

    Attributes
    ----------
    column : str
    label : str
        Of the axis.
    of_classes : bool or None
        Whether it is a score of trainings with classes; None where it is one of all trainings.
    """

    column: str
    label: str
    of_classes: bool | None = None

    def is_in(self, records: Sequence[EpochRecord]) -> bool:
        """Whether some epoch has it: a training's accuracy tells that y holds classes."""
        if self.of_classes is not None and any(record.accuracy is not None for record in records) != self.of_classes:
            return False
        return bool(records) and not np.isnan(column_of(records, self.column)).all()


SCORES = (
    Score("validation_accuracy", "validation accuracy", of_classes=True),
    Score("validation_accuracy", "R² on the validation rows", of_classes=False),
    Score("validation_cost", "validation cost"),
    Score("accuracy", "accuracy"),
    Score("cost", "cost"),
)
"""The scores that may be drawn, in order of preference: the first that any of the runs has."""


def runs(groups: Sequence[Sequence[Sequence[EpochRecord]]], names: Sequence[str]) -> Figure:
    """Plot the validation accuracy of some runs over their epochs; R2, validation cost, accuracy or cost where they have none.

    Parameters
    ----------
    groups : sequence of lists of lists of EpochRecord
        One for each run, the most important first: a list of records for each of its networks.
    names : sequence of str

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    histories = [records for group in groups for records in group]
    score = next((score for score in SCORES if any(map(score.is_in, histories))), SCORES[-1])
    with report_style():
        import matplotlib as mpl

        figure = new_figure(7.2, 3.8)
        ax = figure.subplots()
        colors = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
        labels = fit_names(names)
        drawn = [k for k, group in enumerate(groups) if any(map(score.is_in, group))]
        for place, k in reversed(list(enumerate(drawn))):
            style = {"color": colors[place], "label": labels[k]} if place < NAMED else {"color": "#CCCCCC", "linewidth": 0.7}
            _draw_group(ax, [records for records in groups[k] if score.is_in(records)], score, style)
        _set_axes(ax, score)
        handles, texts = ax.get_legend_handles_labels()
        figure.legend(handles[::-1], texts[::-1], loc="outside right upper")
    return figure


def _draw_group(ax: Axes, group: Sequence[Sequence[EpochRecord]], score: Score, style: dict[str, Any]) -> None:
    """Draw a line for each network of a run, thin ones where there are several; the first has the name."""
    thin = {"linewidth": 0.7} if len(group) > 1 else {}
    for records in group:
        marker = "o" if len(records) == 1 else None
        ax.plot(column_of(records, "epoch"), column_of(records, score.column), marker=marker, **{**style, **thin})
        style = {name: value for name, value in style.items() if name != "label"}


def _set_axes(ax: Axes, score: Score) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    ax.set(xlabel="epoch", ylabel=score.label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    if "accuracy" in score.label:
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
