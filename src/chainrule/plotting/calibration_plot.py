"""The plot of two classes' probabilities: the reliability curve and the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._format import format_fraction
from .._types import AnyArray
from .figure_style import BLUE, GRAY, fit_name, new_figure, report_style
from .metrics import ReliabilityBins, RocPoints, area_under_roc, reliability_bins, roc_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def calibration_and_roc(true: AnyArray, probability: AnyArray, positive: str) -> Figure:
    """Plot the reliability curve, with the number of rows in each bin, and the ROC curve with its area.

    Parameters
    ----------
    true : array of 0 and 1 or of bool, shape (n,)
        1 for the positive class.
    probability : array of float in [0, 1], shape (n,)
        The probability of the positive class.
    positive : str
        The positive class's name.

    Raises
    ------
    DataError
        When an array is of another shape or has other values, or all rows are of one class.
    MissingExtra
        When matplotlib is not installed.
    """
    bins, points = reliability_bins(true, probability), roc_points(true, probability)
    name = fit_name(positive)
    with report_style():
        figure = new_figure(8.2, 4.2)
        panels = figure.subplot_mosaic([["curve", "roc"], ["counts", "roc"]], height_ratios=[3, 1])
        _draw_reliability(panels["curve"], bins, name)
        _draw_counts(panels["counts"], bins, name)
        panels["curve"].sharex(panels["counts"])
        panels["curve"].tick_params(labelbottom=False)
        _draw_roc(panels["roc"], points, name)
    return figure


def _draw_reliability(ax: Axes, bins: ReliabilityBins, name: str) -> None:
    filled = bins.counts > 0
    ax.plot([0, 1], [0, 1], color=GRAY, linewidth=1, linestyle=":", label="perfectly calibrated")
    ax.plot(bins.mean_probability[filled], bins.positive_share[filled], "o-", color=BLUE, markersize=4, label="model")
    ax.set(ylabel=f"share of {name}", title="calibration", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(loc="upper left")


def _draw_counts(ax: Axes, bins: ReliabilityBins, name: str) -> None:
    """Draw the number of rows in each bin as a bar, with the number above it."""
    bars = ax.bar(bins.edges[:-1], bins.counts, width=bins.edges[1], align="edge", color=BLUE, alpha=0.55, edgecolor="white")
    ax.bar_label(bars, labels=[f"{count:,}" for count in bins.counts], fontsize=6.5, padding=1)
    ax.set(xlabel=f"predicted probability of {name}", ylabel="rows")
    ax.set_yticks([])
    ax.margins(y=0.25)


def _draw_roc(ax: Axes, points: RocPoints, name: str) -> None:
    ax.plot([0, 1], [0, 1], color=GRAY, linewidth=1, linestyle=":", label="chance")
    label = f"model, AUC {format_fraction(area_under_roc(points))}"
    ax.plot(points.false_positive_rate, points.true_positive_rate, color=BLUE, label=label)
    ax.set(xlabel="false positive rate", ylabel="true positive rate", title=f"ROC of {name}", aspect="equal")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(loc="lower right")
