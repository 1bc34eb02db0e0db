"""The report on the suite: errors and fit times of each peer on each data set, and geometric means of their ratios."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import exp, isnan, log, sqrt
from statistics import mean, stdev

from benchmarks.report import Report
from benchmarks.tables.data_sets import DATA_SETS
from benchmarks.tables.measuring import Measurement

Cells = dict[tuple[str, str], list[Measurement]]
"""The measurements of each (data set, peer), one a seed."""

SCIKIT_LEARN = "sklearn_mlp"


def as_cells(measurements: Iterable[Measurement]) -> Cells:
    """Group measurements by data set and peer."""
    cells: Cells = {}
    for measurement in measurements:
        cells.setdefault((measurement.data_set, measurement.peer), []).append(measurement)
    return cells


def mean_and_standard_error(values: list[float]) -> tuple[float, float]:
    """Give the mean, and its standard error: NaN for a single value."""
    return mean(values), stdev(values) / sqrt(len(values)) if len(values) > 1 else float("nan")


def error_for_ratios(cell: list[Measurement]) -> float:
    """Give the mean error over the seeds; of classes with half a test row added, so that no error at all has a logarithm."""
    half = 0.5 if DATA_SETS[cell[0].data_set].task == "classes" else 0.0
    return mean(measurement.error + half / measurement.test_rows for measurement in cell)


def fit_seconds(cell: list[Measurement]) -> float:
    """Give the mean fit time over the seeds."""
    return mean(measurement.fit_seconds for measurement in cell)


def ratio(cells: Cells, own: str, rival: str, figure: Callable[[list[Measurement]], float]) -> tuple[float, float, int] | None:
    """Compare two peers over the data sets that both have.

    Returns
    -------
    (mean, factor, sets)
        The geometric mean of own / rival; the factor of one standard error of it; the number of data sets. None without any.
    """
    both = [name for name, peer in cells if peer == own and (name, rival) in cells]
    logs = [log(figure(cells[name, own]) / figure(cells[name, rival])) for name in both]
    if not logs:
        return None
    spread = stdev(logs) / sqrt(len(logs)) if len(logs) > 1 else float("nan")
    return exp(mean(logs)), exp(spread), len(logs)


def worse_than_scikit_learn(cells: Cells, own: str) -> list[str]:
    """List the data sets where a peer's error is above scikit-learn's by more than one standard error of their difference."""
    found = []
    for name, peer in cells:
        if peer != own or (name, SCIKIT_LEARN) not in cells:
            continue
        pairs = zip(cells[name, own], cells[name, SCIKIT_LEARN], strict=True)
        difference, error = mean_and_standard_error([a.error - b.error for a, b in pairs])
        if difference > error:
            found.append(name)
    return found


def write_report(measurements: list[Measurement], *, markdown: bool = False) -> None:
    """Print the tables: errors, fit times, and the ratios of the first peer to the others."""
    report = Report(markdown=markdown)
    cells = as_cells(measurements)
    sets = list(dict.fromkeys(name for name, _ in cells))
    peers = list(dict.fromkeys(peer for _, peer in cells))
    report.write("\nerror on the test parts, mean ± standard error: % of wrong classes, or nRMSE in %")
    report.table(["data set", *peers], [[name, *(error_text(cells.get((name, peer))) for peer in peers)] for name in sets])
    report.write("\nfit time in seconds, mean over the seeds")
    report.table(["data set", *peers], [[name, *(seconds_text(cells.get((name, peer))) for peer in peers)] for name in sets])
    for own in [peer for peer in peers if peer.startswith("chainrule")] or peers[:1]:
        write_ratios(report, cells, own, [peer for peer in peers if peer != own])


def write_ratios(report: Report, cells: Cells, own: str, rivals: list[str]) -> None:
    """Print one peer's geometric means relative to its rivals."""
    report.write(f"\n{own} relative to each: geometric mean over the data sets, × or ÷ one standard error")
    rows = []
    for rival in rivals:
        errors, seconds = ratio(cells, own, rival, error_for_ratios), ratio(cells, own, rival, fit_seconds)
        if errors is not None and seconds is not None:
            rows.append([rival, str(errors[2]), f"{errors[0]:.3f} ×÷ {errors[1]:.3f}", f"{seconds[0]:.3g} ×÷ {seconds[1]:.3f}"])
    report.table(["rival", "data sets", "error", "fit time"], rows)
    worse = worse_than_scikit_learn(cells, own)
    if worse:
        report.write(f"worse than {SCIKIT_LEARN} by more than one standard error: {', '.join(worse)}")


def error_text(cell: list[Measurement] | None) -> str:
    """Write a cell's error in percent."""
    if cell is None:
        return "-"
    center, error = mean_and_standard_error([100 * measurement.error for measurement in cell])
    return f"{center:.2f}" if isnan(error) else f"{center:.2f} ± {error:.2f}"


def seconds_text(cell: list[Measurement] | None) -> str:
    """Write a cell's fit time."""
    return "-" if cell is None else f"{fit_seconds(cell):.2f}"
