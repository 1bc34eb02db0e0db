"""The plots of a sweep: the score against one setting, with its spread over the seeds; and all settings as parallel axes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .figure_style import BLUE, GRAY, fit_name, fit_names, new_figure, report_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 8
"""The most lines with a colour and a name of their own; the others are grey."""

LOG_FROM = 20
"""An axis is logarithmic where its largest number is so many times its smallest."""

MOST_TICKS = 8
"""A horizontal axis of more numbers has ticks at round ones."""

LETTER_WIDTH, LINE_HEIGHT = 0.018, 0.05
"""The room that a letter takes along a horizontal axis, and a line along a vertical one, as parts of the axis."""


@dataclass(frozen=True)
class SweepPoint:
    """The scores of one point of a sweep.

    Attributes
    ----------
    settings : mapping
        From each setting that varies to its value: a number, or a text.
    scores : tuple of float
        Of the seeds whose training did not diverge.
    """

    settings: Mapping[str, Any]
    scores: tuple[float, ...]


class _Scale:
    """How the values of a setting lie on an axis: numbers as they are, or their logarithms; texts side by side."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        self.values = sorted(set(values)) if self.numeric else list(dict.fromkeys(values))
        positive = self.numeric and self.values[0] > 0
        self.log = positive and self.values[-1] >= LOG_FROM * self.values[0]

    def place(self, value: Any) -> float:
        """Give the coordinate of a value on an axis whose logarithm matplotlib takes."""
        return float(value) if self.numeric else float(self.values.index(value))

    def fraction(self, value: Any) -> float:
        """Give the place from 0 to 1; the middle where there is one value."""
        from math import log

        form = log if self.log else float
        low, high, place = (form(self.place(each)) for each in (self.values[0], self.values[-1], value))
        return 0.5 if low == high else (place - low) / (high - low)

    def ticks(self, gap: float) -> list[Any]:
        """Give the values to name, so that no label lies on another: at least ``gap``, a part of the axis, is between two.

        The first and the last are always among them.
        """
        first, last = self.values[0], self.values[-1]
        ticks, place = [first], self.fraction(first)
        for value in self.values[1:-1]:
            fraction = self.fraction(value)
            if fraction - place >= gap and self.fraction(last) - fraction >= gap:
                ticks.append(value)
                place = fraction
        return ticks if len(self.values) == 1 else [*ticks, last]

    @staticmethod
    def name(value: Any) -> str:
        """Write a value."""
        return f"{value:.3g}" if isinstance(value, float) else fit_name(str(value), 16)


def x_setting(points: Sequence[SweepPoint]) -> str:
    """Choose the setting of the horizontal axis: the learning rate if it varies, else the first of numbers, else the first."""
    names = [name for name in points[0].settings if len({point.settings[name] for point in points}) > 1] or list(points[0].settings)
    if "learning_rate" in names:
        return "learning_rate"
    return next((name for name in names if _Scale([point.settings[name] for point in points]).numeric), names[0])


def sweep_scores(points: Sequence[SweepPoint], score: str) -> Figure:
    """Plot the score against one setting: the median of the seeds, and a band or bar from the least to the most.

    Points that differ in this setting alone are joined, where a line has two or more on average: those of a random sample seldom
    do. Points of which all seeds diverged are left out.

    Parameters
    ----------
    points : sequence of SweepPoint
        The best first; at least one.
    score : str
        Its name: "validation accuracy", or "validation cost".

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    setting = x_setting(points)
    scale = _Scale([point.settings[setting] for point in points])
    lines: dict[tuple[tuple[str, Any], ...], list[SweepPoint]] = {}
    for point in points:
        if point.scores:
            lines.setdefault(tuple((name, value) for name, value in point.settings.items() if name != setting), []).append(point)
    joined = sum(map(len, lines.values())) >= 2 * len(lines)
    with report_style():
        import matplotlib as mpl

        figure = new_figure(7.2 if joined and len(lines) > 1 else 5.2, 3.6)
        ax = figure.subplots()
        colors = mpl.colormaps["tab10"].colors  # type: ignore[attr-defined]
        names = fit_names([_name_of(others) for others in lines], 40)
        for k, line in reversed(list(enumerate(lines.values()))):
            own = joined and len(lines) > 1
            color = (colors[k] if k < NAMED else "#CCCCCC") if own else BLUE
            _draw_line(ax, line, setting, scale, color, names[k] if own and k < NAMED else None, joined=joined)
        _set_axes(ax, setting, scale, score)
        handles, labels = ax.get_legend_handles_labels()
        if handles:
            figure.legend(handles[::-1], labels[::-1], loc="outside right upper")
    return figure


def _name_of(settings: Sequence[tuple[str, Any]]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_Scale.name(value)}" for name, value in settings)


def _draw_line(
    ax: Axes, line: Sequence[SweepPoint], setting: str, scale: _Scale, color: Any, label: str | None, *, joined: bool
) -> None:
    ordered = sorted(line, key=lambda point: scale.place(point.settings[setting]))
    x = [scale.place(point.settings[setting]) for point in ordered]
    low, middle, high = ([form(point.scores) for point in ordered] for form in (min, statistics.median, max))
    style = "o-" if joined else "o"
    ax.plot(x, middle, style, color=color, label=label, markersize=4)
    if joined and len(line) > 1 and scale.numeric:
        ax.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
    else:
        ax.vlines(x, low, high, color=color, alpha=0.5, linewidth=1.2)


def _set_axes(ax: Axes, setting: str, scale: _Scale, score: str) -> None:
    ax.set(xlabel=setting.replace("_", " "), ylabel=score)
    ax.grid(axis="y", color="#E4E4E4", linewidth=0.6)
    if scale.log:
        from matplotlib.ticker import NullLocator

        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
    if not scale.numeric or len(scale.values) <= MOST_TICKS:
        letters = max(len(scale.name(value)) for value in scale.values)
        ticks = scale.ticks((letters + 1) * LETTER_WIDTH)
        ax.set_xticks([scale.place(value) for value in ticks], [scale.name(value) for value in ticks])
    elif scale.log:
        ax.xaxis.set_major_formatter("{x:g}")
    if "accuracy" in score:
        from matplotlib.ticker import PercentFormatter

        ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def sweep_axes(points: Sequence[SweepPoint], score: str) -> Figure:
    """Plot each point as a line across parallel axes, one for each setting that varies, the last for the mean score.

    The colour tells the score; grey lines are points of which a seed diverged, at the end of the worst scores.

    Parameters
    ----------
    points : sequence of SweepPoint
        The best first; at least one.
    score : str
        As in ``sweep_scores``.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    """
    names = list(points[0].settings)
    scales = {name: _Scale([point.settings[name] for point in points]) for name in names}
    means = [statistics.fmean(point.scores) if point.scores else None for point in points]
    finite = [mean for mean in means if mean is not None] or [0.0]
    low, high = min(finite), max(finite)
    with report_style():
        import matplotlib as mpl

        figure = new_figure(max(4.5, 1.5 * (len(names) + 1)), 3.8)
        ax = figure.subplots()
        colormap = mpl.colormaps["viridis"]
        order = sorted(range(len(points)), key=lambda k: (means[k] is not None, -k))
        for k in order:  # the best last, on top
            mean = means[k]
            share = 0.0 if mean is None or high == low else (mean - low) / (high - low)
            y = [scales[name].fraction(points[k].settings[name]) for name in names] + [share]
            worth = 1 - share if "cost" in score else share
            color = GRAY if mean is None else colormap(0.95 * worth)
            best = k == 0
            ax.plot(range(len(y)), y, color=color, linewidth=2.4 if best else 1.0, alpha=1.0 if best else 0.6, clip_on=False)
        _draw_axes(ax, scales, _Scale([low, high]), score)
    return figure


def _draw_axes(ax: Axes, scales: Mapping[str, _Scale], score_scale: _Scale, score: str) -> None:
    from .._format import percent

    ax.set(xlim=(-0.3, len(scales) + 0.75), ylim=(-0.05, 1.05))
    ax.set_xticks(range(len(scales) + 1), [*(name.replace("_", " ") for name in scales), f"mean {score}"])
    ax.set_yticks([])
    ax.tick_params(axis="x", length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    for place in range(len(scales) + 1):
        ax.axvline(place, color="#555555", linewidth=0.8, zorder=3)
    for place, scale in enumerate(scales.values()):
        for value in scale.ticks(LINE_HEIGHT):
            _write(ax, place, scale.fraction(value), scale.name(value))
    low, high = score_scale.values[0], score_scale.values[-1]
    for share in (0.0, 0.5, 1.0) if low < high else (0.5,):
        value = low + share * (high - low)
        _write(ax, len(scales), share, percent(value) if "accuracy" in score else f"{value:.4g}")


def _write(ax: Axes, place: int, height: float, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    ax.text(place + 0.04, height, text, fontsize=7.5, va="center", zorder=4, bbox=box)
