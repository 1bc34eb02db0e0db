"""The report on the suite: errors and fit times of each peer on each data set, geometric means of their ratios, and the goals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import exp, isnan, log, sqrt
from statistics import mean, stdev

from benchmarks.report import Report, sentence
from benchmarks.results import TargetCheck
from benchmarks.tables.data_sets import DATA_SETS
from benchmarks.tables.goals import ERROR_GOALS, NOT_WORSE_THAN, SLOWEST_FIT, TIME_GOALS, Goal
from benchmarks.tables.measuring import Measurement

Cell = list[Measurement]
Cells = dict[tuple[str, str], Cell]
"""The measurements of each (data set, peer), one a seed."""


def as_cells(measurements: Iterable[Measurement]) -> Cells:
    """Group measurements by data set and peer."""
    cells: Cells = {}
    for measurement in measurements:
        cells.setdefault((measurement.data_set, measurement.peer), []).append(measurement)
    return cells


def mean_and_standard_error(values: list[float]) -> tuple[float, float]:
    """Give the mean, and its standard error: NaN for a single value."""
    return mean(values), stdev(values) / sqrt(len(values)) if len(values) > 1 else float("nan")


def error_for_ratios(cell: Cell) -> float:
    """Give the mean error over the seeds; of classes with half a test row added, so that no error at all has a logarithm."""
    half = 0.5 if DATA_SETS[cell[0].data_set].task == "classes" else 0.0
    return mean(measurement.error + half / measurement.test_rows for measurement in cell)


def fit_seconds(cell: Cell) -> float:
    """Give the mean fit time over the seeds."""
    return mean(measurement.fit_seconds for measurement in cell)


def pair_by_seed(cells: Cells, data_set: str, own: str, rival: str) -> tuple[Cell, Cell]:
    """Give the measurements of two peers for the seeds that both have, in the same order."""
    theirs = {measurement.seed: measurement for measurement in cells.get((data_set, rival), [])}
    ours = [measurement for measurement in cells.get((data_set, own), []) if measurement.seed in theirs]
    return ours, [theirs[measurement.seed] for measurement in ours]


def log_ratios(cells: Cells, own: str, rival: str, figure: Callable[[Cell], float]) -> dict[str, float]:
    """Give the logarithm of own / rival on each data set that counts and that both have."""
    names = [name for name, peer in cells if peer == own and not DATA_SETS[name].apart]
    pairs = {name: pair_by_seed(cells, name, own, rival) for name in names}
    return {name: log(figure(ours) / figure(theirs)) for name, (ours, theirs) in pairs.items() if ours}


def ratio(cells: Cells, own: str, rival: str, figure: Callable[[Cell], float]) -> tuple[float, float, int] | None:
    """Compare two peers over the data sets that both have.

    Returns
    -------
    (mean, factor, sets)
        The geometric mean of own / rival; the factor of one standard error of it; the number of data sets. None without any.
    """
    logs = list(log_ratios(cells, own, rival, figure).values())
    if not logs:
        return None
    center, error = mean_and_standard_error(logs)
    return exp(center), exp(error), len(logs)


# Goals


def check_goal(cells: Cells, goal: Goal, figure: Callable[[Cell], float]) -> TargetCheck:
    """Compare a ratio with its goal; open where the two peers have no data set in common."""
    what = "error" if figure is error_for_ratios else "fit time"
    name = f"{what} of {goal.own} relative to {goal.rival}"
    required = f"{'at most' if goal.inclusive else 'below'} {goal.limit:.3g}"
    found = ratio(cells, goal.own, goal.rival, figure)
    if found is None:
        return TargetCheck(name, required, "no data set in common", None)
    met = found[0] <= goal.limit if goal.inclusive else found[0] < goal.limit
    return TargetCheck(name, required, f"{ratio_text(found)} on {found[2]} data sets", met)


def check_slowest(cells: Cells, own: str) -> TargetCheck:
    """Compare the longest fit of a peer with its goal."""
    fits = {name: max(m.fit_seconds for m in cell) for (name, peer), cell in cells.items() if peer == own}
    slowest = max(fits, key=lambda name: fits[name])
    name, required = f"longest fit of {own}", f"at most {SLOWEST_FIT:g} s"
    return TargetCheck(name, required, f"{fits[slowest]:.1f} s on {slowest}", fits[slowest] <= SLOWEST_FIT)


def check_not_worse(cells: Cells, own: str, rival: str) -> TargetCheck:
    """List the data sets where a peer's error is above a rival's by more than one standard error of their difference.

    The error of the difference is that over the seeds; a data set with fewer than two seeds of both is not judged.
    """
    pairs = {name: pair_by_seed(cells, name, own, rival) for name, peer in cells if peer == own}
    judged = {name: [a.error - b.error for a, b in zip(*pair, strict=True)] for name, pair in pairs.items() if len(pair[0]) > 1}
    found = {name: mean_and_standard_error(differences) for name, differences in judged.items()}
    worse = [name for name, (difference, error) in found.items() if difference > error]
    name = f"{own} worse than {rival} by more than one standard error"
    measured = f"{', '.join(worse) or 'none'} of {len(judged)} data sets with two seeds or more"
    return TargetCheck(name, "on no data set", measured, not worse if judged else None)


def check_all(cells: Cells) -> list[TargetCheck]:
    """Compare the measurements of chainrule with the goals of the suite."""
    peers = {peer for _, peer in cells}
    checks = [check_goal(cells, goal, error_for_ratios) for goal in ERROR_GOALS if goal.own in peers]
    checks += [check_goal(cells, goal, fit_seconds) for goal in TIME_GOALS if goal.own in peers]
    if "chainrule" in peers:
        checks.append(check_slowest(cells, "chainrule"))
        checks += [check_not_worse(cells, "chainrule", rival) for rival in NOT_WORSE_THAN]
    return checks


# Output


def write_report(measurements: list[Measurement], *, markdown: bool = False) -> None:
    """Print the tables: errors, fit times, the ratios of chainrule to the other peers, and the goals."""
    report = Report(markdown=markdown)
    cells = as_cells(measurements)
    sets = list(dict.fromkeys(name for name, _ in cells))
    peers = list(dict.fromkeys(peer for _, peer in cells))
    write_table(report, "error on the test parts, mean ± standard error: % of wrong classes, or nRMSE in %", cells, error_text)
    write_table(report, "fit time in seconds, mean over the seeds", cells, seconds_text)
    for name in sets:
        if DATA_SETS[name].apart:
            report.write(f"{name} does not count in the means below: {DATA_SETS[name].apart}")
    for own in [peer for peer in peers if peer.startswith("chainrule")] or peers[:1]:
        write_ratios(report, cells, own, [peer for peer in peers if peer != own])
    checks = check_all(cells)
    report.write("\ngoals" if checks else "")
    for check in checks:
        report.write(sentence(check))


def write_table(report: Report, title: str, cells: Cells, text: Callable[[Cell | None], str]) -> None:
    """Print one figure of each peer on each data set."""
    sets = list(dict.fromkeys(name for name, _ in cells))
    peers = list(dict.fromkeys(peer for _, peer in cells))
    report.write(f"\n{title}")
    report.table(["data set", *peers], [[name, *(text(cells.get((name, peer))) for peer in peers)] for name in sets])


def write_ratios(report: Report, cells: Cells, own: str, rivals: list[str]) -> None:
    """Print one peer's geometric means relative to its rivals, and the data sets where it makes most errors beside each."""
    report.write(f"\n{own} relative to each: geometric mean over the data sets, × or ÷ one standard error")
    rows = []
    for rival in rivals:
        errors, seconds = ratio(cells, own, rival, error_for_ratios), ratio(cells, own, rival, fit_seconds)
        if errors is not None and seconds is not None:
            rows.append([rival, str(errors[2]), ratio_text(errors), ratio_text(seconds), losses(cells, own, rival)])
    report.table(["rival", "data sets", "error", "fit time", f"more than {LOSS:.0%} worse on"], rows)


LOSS = 0.03
"""A data set is named as lost where the error is larger than the rival's by more than this share."""


def losses(cells: Cells, own: str, rival: str) -> str:
    """Name the data sets on which a peer loses, the largest loss first."""
    logs = log_ratios(cells, own, rival, error_for_ratios)
    lost = sorted((name for name, value in logs.items() if value > log(1 + LOSS)), key=lambda name: -logs[name])
    return ", ".join(f"{name} {exp(logs[name]):.2f}" for name in lost)


def ratio_text(found: tuple[float, float, int]) -> str:
    """Write a ratio, with the factor of its standard error where there are several data sets."""
    return f"{found[0]:.3g}" if isnan(found[1]) else f"{found[0]:.3g} ×÷ {found[1]:.3f}"


def error_text(cell: Cell | None) -> str:
    """Write a cell's error in percent."""
    if cell is None:
        return "-"
    center, error = mean_and_standard_error([100 * measurement.error for measurement in cell])
    return f"{center:.2f}" if isnan(error) else f"{center:.2f} ± {error:.2f}"


def seconds_text(cell: Cell | None) -> str:
    """Write a cell's fit time."""
    return "-" if cell is None else f"{fit_seconds(cell):.2f}"
