"""The plots of the model, of the simulation and of the validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.scale.model import Model, candidates
from benchmarks.scale.validation import ALONE, Comparison
from chainrule.plotting.figure_style import BLUE, GRAY, VERMILION, new_figure, report_style

COLORS = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of Okabe and Ito's palette."""


def draw_speedups(models: Mapping[str, Model], intervals: Sequence[int], path: Path, most: int = 10_000) -> None:
    """Draw the speedup against the number of workers: a panel for each network, a line for each k."""
    workers = candidates(most)
    with report_style():
        figure = new_figure(8.4, 6.2)
        for ax, (title, model) in zip(figure.subplots(2, 2).flat, models.items(), strict=False):
            ax.plot(workers, workers, color=GRAY, linewidth=1, linestyle=":", label="as many times as workers")
            for k, color in zip(intervals, COLORS, strict=False):
                ax.plot(workers, [model.speedup(count, k) for count in workers], color=color, label=f"k = {k}")
            ax.set(xscale="log", yscale="log", xlabel="workers", ylabel="speedup", title=title, ylim=(0.05, 2 * most))
        figure.axes[0].legend(loc="upper left", fontsize=7)
        figure.savefig(path, dpi=110)


def draw_simulation(points: Sequence[tuple[str, int, float, float]], path: Path) -> None:
    """Draw what slow and failing machines cost: simulated as points, by the formula as lines.

    Each point is a label, a number of workers, and the epoch's time as a multiple of that without, simulated and by the formula.
    """
    with report_style():
        figure = new_figure(6.2, 3.8)
        ax = figure.subplots()
        for label, color in zip(dict.fromkeys(point[0] for point in points), COLORS, strict=False):
            own = [point for point in points if point[0] == label]
            counts = [point[1] for point in own]
            ax.plot(counts, [point[3] for point in own], color=color, label=label)
            ax.plot(counts, [point[2] for point in own], "o", color=color, markersize=4)
        ax.plot([], [], "o", color=GRAY, markersize=4, label="simulated")
        ax.set(xscale="log", xlabel="workers", ylabel="time, times that without", title="slow and failing machines")
        ax.legend(loc="upper left", fontsize=7)
        figure.savefig(path, dpi=110)


def draw_synchronisation(comparisons: Sequence[Comparison], path: Path, workers: int = 2) -> None:
    """Draw the seconds of an epoch on two workers against k, measured as points and predicted as lines."""
    names = list(dict.fromkeys(one.workload.name for one in comparisons))
    with report_style():
        figure = new_figure(8.4, 3.0)
        for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            own = [one for one in comparisons if one.workload.name == name and one.workers == workers]
            alone = [one.measured for one in comparisons if one.workload.name == name and one.workers == 1 and one.k == ALONE]
            intervals = [one.k for one in own]
            ax.plot(intervals, [one.predicted for one in own], color=BLUE, label=f"{workers} workers, model")
            ax.plot(intervals, [one.measured for one in own], "o", color=VERMILION, markersize=4, label="measured")
            for seconds in alone:
                ax.axhline(seconds, color=GRAY, linewidth=1, linestyle=":", label="one worker, measured")
            ax.set(xscale="log", yscale="log", xlabel="k", ylabel="seconds an epoch", title=name)
            ax.set_xticks(intervals, [str(k) for k in intervals])
            ax.minorticks_off()
        figure.axes[0].legend(loc="upper right", fontsize=7)
        figure.savefig(path, dpi=110)
