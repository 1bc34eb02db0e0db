"""What a cell's measurements come to: rows of a table, and a verdict on each figure to reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, log
from statistics import median

from benchmarks.cells import TrainingCell
from benchmarks.job import Answer, Settings
from benchmarks.judge import TOLERANCE
from benchmarks.peers import PEERS
from benchmarks.processes import Failure

Entrant = tuple[str, int | str]
"""A peer's name, and how many threads it was given."""


@dataclass(frozen=True)
class Verdict:
    """A figure to reach, and whether it was; ``met`` is None where it could not be measured."""

    what: str
    wanted: str
    reached: str
    met: bool | None


@dataclass(frozen=True)
class Result:
    """One cell's table, verdicts and remarks; ``ours``, ``python`` and ``by_hand`` are its line in the summary."""

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ours: str = "-"
    python: str = "-"
    by_hand: str = "-"
    ratio: float | None = None


@dataclass(frozen=True)
class Best:
    """The quickest of some entrants."""

    entrant: Entrant
    seconds: float

    def __str__(self) -> str:
        return f"{milliseconds(self.seconds)} ms ({called(self.entrant)})"


def called(entrant: Entrant) -> str:
    """Name an entrant in words."""
    name, threads = entrant
    return f"{PEERS[name].title}, {threads_title(threads)}"


def milliseconds(seconds: float) -> str:
    """Write a time so that three figures of it count."""
    value = seconds * 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(ratio: float | None) -> str:
    """Write a ratio."""
    return "-" if ratio is None else f"{ratio:.1f}x" if ratio >= 10 else f"{ratio:.2f}x"


def best(figures: Mapping[Entrant, float], names: Iterable[str]) -> Best | None:
    """Find the quickest of these peers, at any number of threads."""
    some = [(seconds, entrant) for entrant, seconds in figures.items() if entrant[0] in set(names)]
    if not some:
        return None
    seconds, entrant = min(some, key=lambda pair: pair[0])
    return Best(entrant, seconds)


def at_least(what: str, wanted: float, mine: Best | None, theirs: Best | None) -> Verdict:
    """Judge how many times as fast as theirs mine is."""
    if mine is None or theirs is None:
        return Verdict(what, f">= {wanted:g}x", "not measured", None)
    ratio = theirs.seconds / mine.seconds
    return Verdict(f"{what} ({called(theirs.entrant)})", f">= {wanted:g}x", times(ratio), ratio >= wanted)


def geometric_mean(ratios: list[float]) -> float:
    """Give the geometric mean."""
    return exp(sum(map(log, ratios)) / len(ratios))


def product_flops(s: Settings, rows: int) -> int:
    """Count an epoch's arithmetic in products alone: forward, the weights' gradient, and the deltas of all layers but the first."""
    sizes = [2 * n_in * n_out for n_in, n_out in zip(s.sizes[:-1], s.sizes[1:], strict=True)]
    return rows * (3 * sum(sizes) - sizes[0])


def disagreeing(costs: Mapping[Entrant, float], incomparable: tuple[str, ...]) -> set[Entrant]:
    """Find who does not reach the cost that the median of all reaches."""
    comparable = {entrant: cost for entrant, cost in costs.items() if entrant[0] not in incomparable}
    if not comparable:
        return set()
    middle = median(comparable.values())
    return {entrant for entrant, cost in comparable.items() if not abs(cost - middle) <= TOLERANCE * abs(middle)}


@dataclass(frozen=True)
class Training:
    """All that was measured in a training cell."""

    cell: TrainingCell
    rows: int
    answers: dict[Entrant, list[Answer | Failure]]
    firsts: dict[Entrant, list[Answer | Failure]]
    costs: dict[Entrant, float]
    peak: float | None

    @property
    def figures(self) -> dict[Entrant, float]:
        """Each entrant's seconds an epoch: the median over the rounds of each process's median."""
        return medians(self.answers)

    def result(self) -> Result:
        """Put it together."""
        wrong = disagreeing(self.costs, self.cell.incomparable)
        right = {entrant: seconds for entrant, seconds in self.figures.items() if entrant not in wrong}
        mine = best(right, ["chainrule"])
        python = best(right, [peer.name for peer in PEERS.values() if peer.python])
        by_hand = best(right, ["rival"])
        return Result(
            self.cell.name,
            self.cell.title,
            ["milliseconds an epoch", *map(threads_title, self.threads), "cost after one epoch", "ours is faster by"],
            [self.row(name, mine) for name in dict.fromkeys(name for name, _ in self.answers)],
            self.verdicts(right, mine, python, by_hand),
            [*self.notes(), *(f"{called(entrant)} reaches another cost and does not count" for entrant in sorted(wrong, key=str))],
            "-" if mine is None else str(mine),
            "-" if python is None else str(python),
            "-" if by_hand is None else str(by_hand),
            None if mine is None or python is None else python.seconds / mine.seconds,
        )

    @property
    def threads(self) -> list[int | str]:
        """The numbers of threads, as columns."""
        return list(dict.fromkeys(threads for _, threads in self.answers))

    def row(self, name: str, mine: Best | None) -> list[str]:
        """Give one peer's line."""
        cells = [cell_of(self.answers.get((name, threads), []), self.figures.get((name, threads))) for threads in self.threads]
        costs = [cost for entrant, cost in self.costs.items() if entrant[0] == name]
        its = best(self.figures, [name])
        ratio = None if name == "chainrule" or mine is None or its is None else its.seconds / mine.seconds
        star = " *" if name in self.cell.incomparable else ""
        return [PEERS[name].title, *cells, f"{costs[0]:.6f}{star}" if costs else "-", times(ratio)]

    def verdicts(self, right: dict[Entrant, float], mine: Best | None, python: Best | None, by_hand: Best | None) -> list[Verdict]:
        """Judge each figure to reach."""
        targets = self.cell.targets
        found = [at_least("as fast as the best Python peer", targets.python, mine, python)]
        if targets.by_hand:
            found.append(at_least("as fast as C++ by hand", targets.by_hand, mine, by_hand))
        for name, wanted in targets.against:
            found.append(at_least(f"as fast as {PEERS[name].title}", wanted, mine, best(right, [name])))
        if targets.first_epoch:
            first = best(medians(self.firsts), ["chainrule"])
            found.append(
                at_least(
                    "our first epoch, preparation included, as fast as the best Python peer's", targets.first_epoch, first, python
                )
            )
        if targets.peak:
            found.append(self.of_the_peak(targets.peak, mine))
        if targets.sparse_memory:
            found.append(self.below_a_dense_copy())
        others = best(right, [name for name in PEERS if name != "chainrule"])
        if mine is not None and others is not None:
            ahead = mine.seconds < others.seconds
            found.append(Verdict("first of all", "yes", f"{called(others.entrant)} is {'next' if ahead else 'ahead'}", ahead))
        return found

    def of_the_peak(self, wanted: float, mine: Best | None) -> Verdict:
        """Judge the share of the machine's peak."""
        what = "share of the float32 peak (products alone counted, updates in the time)"
        if self.peak is None or mine is None:
            return Verdict(what, f">= {wanted:.0%}", "not measured", None)
        share = product_flops(self.cell.settings, self.rows) / mine.seconds / self.peak
        return Verdict(what, f">= {wanted:.0%}", f"{share:.0%} of {self.peak / 1e9:.0f} GFLOP/s", share >= wanted)

    def below_a_dense_copy(self) -> Verdict:
        """Judge the memory."""
        dense = 4 * self.rows * self.cell.settings.sizes[0]
        peaks = [fact for fact in facts(self.answers, "chainrule", "peak_bytes") if fact]
        what, wanted = "peak memory of our process, no dense copy of x in it", f"< {dense / 1e6:,.0f} MB"
        return (
            Verdict(what, wanted, f"{max(peaks) / 1e6:,.0f} MB", max(peaks) < dense) if peaks else Verdict(what, wanted, "-", None)
        )

    def notes(self) -> list[str]:
        """Give the remarks."""
        notes = [f"* {self.cell.note}"] if self.cell.note else []
        if self.cell.check_rate:
            notes.append(f"the cost is that of an epoch at the rate {self.cell.check_rate:g}: the cell's own amplifies rounding")
        firsts = [f"{milliseconds(s)} ms at {threads_title(t)}" for (_, t), s in medians(self.firsts).items()]
        walls = facts(self.answers, "chainrule", "wall")
        if firsts:
            notes.append(f"first epoch of ours in a fresh process, preparation included: {', '.join(firsts)}")
        if walls:
            notes.append(f"ours from record to record, drawing the order included: {milliseconds(min(walls))} ms at best")
        return notes + list(dict.fromkeys(failures(self.answers) + failures(self.firsts)))


def medians(answers: Mapping[Entrant, list[Answer | Failure]]) -> dict[Entrant, float]:
    """Give the median over the rounds of each process's median, of those who answered."""
    seconds = {
        entrant: [median(a.seconds) for a in some if isinstance(a, Answer) and a.seconds] for entrant, some in answers.items()
    }
    return {entrant: median(some) for entrant, some in seconds.items() if some}


def facts(answers: Mapping[Entrant, list[Answer | Failure]], name: str, fact: str) -> list[float]:
    """Give what a peer's processes told by this name."""
    found = [answer for entrant, some in answers.items() if entrant[0] == name for answer in some]
    return [answer.facts[fact] for answer in found if isinstance(answer, Answer) and fact in answer.facts]


def failures(answers: Mapping[Entrant, list[Answer | Failure]]) -> list[str]:
    """Say who failed, and why."""
    lines = [
        f"{called(entrant)} failed: {answer.reason}"
        for entrant, some in answers.items()
        for answer in some
        if isinstance(answer, Failure)
    ]
    return list(dict.fromkeys(lines))


def threads_title(threads: int | str) -> str:
    """Head a column."""
    return "auto" if threads == "auto" else f"{threads} thread{'s' if threads != 1 else ''}"


def cell_of(answers: list[Answer | Failure], seconds: float | None) -> str:
    """Write a figure, or that there is none."""
    if seconds is not None:
        return milliseconds(seconds)
    return "failed" if answers else "-"
