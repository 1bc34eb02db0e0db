"""The evaluation of a cell's measurements: the rows of its table, and a check of each required figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, log
from statistics import median

from benchmarks.cells import TrainingCell
from benchmarks.job import Measurement, Settings
from benchmarks.peers import PEERS
from benchmarks.processes import Failure
from benchmarks.reference_cost import TOLERANCE

Entrant = tuple[str, int | str]
"""A peer's name and its number of threads."""


@dataclass(frozen=True)
class TargetCheck:
    """A required figure and the measured one; ``met`` is None where it could not be measured."""

    name: str
    required: str
    measured: str
    met: bool | None


@dataclass(frozen=True)
class Result:
    """One cell's table, target checks and notes.

    ``own``, ``python`` and ``hand_written`` are the summary's figures of chainrule, the fastest Python peer and the hand-written
    C++.
    """

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]
    checks: list[TargetCheck] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    own: str = "-"
    python: str = "-"
    hand_written: str = "-"
    ratio: float | None = None


@dataclass(frozen=True)
class Best:
    """The fastest of several entrants."""

    entrant: Entrant
    seconds: float

    def __str__(self) -> str:
        return f"{milliseconds(self.seconds)} ms ({title_of(self.entrant)})"


def title_of(entrant: Entrant) -> str:
    """Format an entrant's name and number of threads."""
    name, threads = entrant
    return f"{PEERS[name].title}, {threads_title(threads)}"


def milliseconds(seconds: float) -> str:
    """Format a time in milliseconds with three significant digits."""
    value = seconds * 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(ratio: float | None) -> str:
    """Format a ratio."""
    return "-" if ratio is None else f"{ratio:.1f}x" if ratio >= 10 else f"{ratio:.2f}x"


def best(figures: Mapping[Entrant, float], names: Iterable[str]) -> Best | None:
    """Find the fastest of these peers, at any number of threads."""
    candidates = [(seconds, entrant) for entrant, seconds in figures.items() if entrant[0] in set(names)]
    if not candidates:
        return None
    seconds, entrant = min(candidates, key=lambda pair: pair[0])
    return Best(entrant, seconds)


def check_speedup(name: str, required: float, own: Best | None, other: Best | None) -> TargetCheck:
    """Check the speed as a multiple of the other's."""
    if own is None or other is None:
        return TargetCheck(name, f">= {required:g}x", "not measured", None)
    ratio = other.seconds / own.seconds
    return TargetCheck(f"{name} ({title_of(other.entrant)})", f">= {required:g}x", times(ratio), ratio >= required)


def geometric_mean(ratios: list[float]) -> float:
    """Compute the geometric mean."""
    return exp(sum(map(log, ratios)) / len(ratios))


def product_flops(s: Settings, rows: int) -> int:
    """Count an epoch's flops in matrix products: forward, the weights' gradients, and the deltas of all layers except the first."""
    sizes = [2 * n_in * n_out for n_in, n_out in zip(s.sizes[:-1], s.sizes[1:], strict=True)]
    return rows * (3 * sum(sizes) - sizes[0])


def deviating(costs: Mapping[Entrant, float], incomparable: tuple[str, ...]) -> set[Entrant]:
    """Find the entrants whose cost differs from the median of all by more than the tolerance."""
    comparable = {entrant: cost for entrant, cost in costs.items() if entrant[0] not in incomparable}
    if not comparable:
        return set()
    middle = median(comparable.values())
    return {entrant for entrant, cost in comparable.items() if not abs(cost - middle) <= TOLERANCE * abs(middle)}


@dataclass(frozen=True)
class TrainingMeasurements:
    """All measurements of a training cell."""

    cell: TrainingCell
    rows: int
    measurements: dict[Entrant, list[Measurement | Failure]]
    firsts: dict[Entrant, list[Measurement | Failure]]
    costs: dict[Entrant, float]
    peak: float | None

    @property
    def figures(self) -> dict[Entrant, float]:
        """Each entrant's seconds per epoch: the median over the rounds of each process's median."""
        return medians(self.measurements)

    def result(self) -> Result:
        """Evaluate the measurements."""
        wrong = deviating(self.costs, self.cell.incomparable)
        right = {entrant: seconds for entrant, seconds in self.figures.items() if entrant not in wrong}
        mine = best(right, ["chainrule"])
        python = best(right, [peer.name for peer in PEERS.values() if peer.python])
        hand_written = best(right, ["rival"])
        return Result(
            self.cell.name,
            self.cell.title,
            ["milliseconds per epoch", *map(threads_title, self.threads), "cost after one epoch", "chainrule is faster by"],
            [self.row(name, mine) for name in dict.fromkeys(name for name, _ in self.measurements)],
            self.checks(right, mine, python, hand_written),
            [*self.notes(), *(f"{title_of(entrant)} reaches another cost and is excluded" for entrant in sorted(wrong, key=str))],
            "-" if mine is None else str(mine),
            "-" if python is None else str(python),
            "-" if hand_written is None else str(hand_written),
            None if mine is None or python is None else python.seconds / mine.seconds,
        )

    @property
    def threads(self) -> list[int | str]:
        """The numbers of threads, as columns."""
        return list(dict.fromkeys(threads for _, threads in self.measurements))

    def row(self, name: str, mine: Best | None) -> list[str]:
        """Make one peer's row."""
        cells = [cell_of(self.measurements.get((name, threads), []), self.figures.get((name, threads))) for threads in self.threads]
        costs = [cost for entrant, cost in self.costs.items() if entrant[0] == name]
        peer = best(self.figures, [name])
        ratio = None if name == "chainrule" or mine is None or peer is None else peer.seconds / mine.seconds
        star = " *" if name in self.cell.incomparable else ""
        return [PEERS[name].title, *cells, f"{costs[0]:.6f}{star}" if costs else "-", times(ratio)]

    def checks(
        self, right: dict[Entrant, float], mine: Best | None, python: Best | None, hand_written: Best | None
    ) -> list[TargetCheck]:
        """Check each required figure."""
        targets = self.cell.targets
        found = [check_speedup("speed relative to the fastest Python peer", targets.python, mine, python)]
        if targets.hand_written:
            found.append(check_speedup("speed relative to the hand-written C++", targets.hand_written, mine, hand_written))
        for name, required in targets.against:
            found.append(check_speedup(f"speed relative to {PEERS[name].title}", required, mine, best(right, [name])))
        if targets.first_epoch:
            first = best(medians(self.firsts), ["chainrule"])
            name = "first epoch with the preparation, speed relative to the fastest Python peer's epoch"
            found.append(check_speedup(name, targets.first_epoch, first, python))
        if targets.peak:
            found.append(self.check_peak(targets.peak, mine))
        if targets.sparse_memory:
            found.append(self.check_memory())
        others = best(right, [name for name in PEERS if name != "chainrule"])
        if mine is not None and others is not None:
            fastest = mine.seconds < others.seconds
            second = f"{title_of(others.entrant)} is {'second' if fastest else 'faster'}"
            found.append(TargetCheck("the fastest of all", "yes", second, fastest))
        return found

    def check_peak(self, required: float, mine: Best | None) -> TargetCheck:
        """Check the share of the machine's peak."""
        name = "share of the float32 peak (only matrix products count as work, the time includes updates)"
        if self.peak is None or mine is None:
            return TargetCheck(name, f">= {required:.0%}", "not measured", None)
        share = product_flops(self.cell.settings, self.rows) / mine.seconds / self.peak
        return TargetCheck(name, f">= {required:.0%}", f"{share:.0%} of {self.peak / 1e9:.0f} GFLOP/s", share >= required)

    def check_memory(self) -> TargetCheck:
        """Check that the peak memory is below the size of a dense copy of x."""
        dense = 4 * self.rows * self.cell.settings.sizes[0]
        peaks = [peak for peak in extras(self.measurements, "chainrule", "peak_bytes") if peak]
        name, required = "peak memory of the process, less than a dense copy of x", f"< {dense / 1e6:,.0f} MB"
        if not peaks:
            return TargetCheck(name, required, "-", None)
        return TargetCheck(name, required, f"{max(peaks) / 1e6:,.0f} MB", max(peaks) < dense)

    def notes(self) -> list[str]:
        """List the notes below the table."""
        notes = [f"* {self.cell.note}"] if self.cell.note else []
        if self.cell.check_rate:
            rate = f"{self.cell.check_rate:g}"
            notes.append(f"the cost is that after an epoch with the rate {rate}, since the cell's own rate amplifies rounding")
        firsts = [f"{milliseconds(s)} ms at {threads_title(t)}" for (_, t), s in medians(self.firsts).items()]
        walls = extras(self.measurements, "chainrule", "wall")
        if firsts:
            notes.append(f"chainrule's first epoch in a fresh process, with the preparation: {', '.join(firsts)}")
        if walls:
            notes.append(f"chainrule from record to record, with drawing the order: at least {milliseconds(min(walls))} ms")
        return notes + list(dict.fromkeys(failures(self.measurements) + failures(self.firsts)))


def medians(measurements: Mapping[Entrant, list[Measurement | Failure]]) -> dict[Entrant, float]:
    """Compute, for each entrant that did not fail, the median over the rounds of each process's median."""
    seconds = {
        entrant: [median(a.seconds) for a in some if isinstance(a, Measurement) and a.seconds]
        for entrant, some in measurements.items()
    }
    return {entrant: median(some) for entrant, some in seconds.items() if some}


def extras(measurements: Mapping[Entrant, list[Measurement | Failure]], name: str, key: str) -> list[float]:
    """List one further figure of all of a peer's processes."""
    found = [measurement for entrant, some in measurements.items() if entrant[0] == name for measurement in some]
    return [measurement.extras[key] for measurement in found if isinstance(measurement, Measurement) and key in measurement.extras]


def failures(measurements: Mapping[Entrant, list[Measurement | Failure]]) -> list[str]:
    """List the entrants that failed, with the reasons."""
    lines = [
        f"{title_of(entrant)} failed: {measurement.reason}"
        for entrant, some in measurements.items()
        for measurement in some
        if isinstance(measurement, Failure)
    ]
    return list(dict.fromkeys(lines))


def threads_title(threads: int | str) -> str:
    """Format a number of threads as a column's title."""
    return "auto" if threads == "auto" else f"{threads} thread{'s' if threads != 1 else ''}"


def cell_of(measurements: list[Measurement | Failure], seconds: float | None) -> str:
    """Format a figure, or "failed", or "-" where nothing was measured."""
    if seconds is not None:
        return milliseconds(seconds)
    return "failed" if measurements else "-"
