"""The tables of the model and of the simulation, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import mean

from benchmarks.scale.model import Model, expected_block_seconds, slowest_share, steps_of_worker, vector_bytes
from benchmarks.scale.simulation import Scenario, simulate

COUNTS = (2, 4, 8, 16, 64, 256, 1024, 4096, 10_000)
INTERVALS = (1, 16, 256, 4096)
FEW = (8, 64, 512)
DAY = 86_400.0

STRAGGLERS = (
    ("steps vary by 10 %, k = 1", {"spread": 0.1, "k": 1, "steps": 400}),
    ("steps vary by 30 %, k = 1", {"spread": 0.3, "k": 1, "steps": 400}),
    ("steps vary by 30 %, k = 16", {"spread": 0.3, "k": 16, "steps": 3200}),
    ("one machine half as fast, k = 16", {"slow": 2.0, "spread": 0.1, "k": 16, "steps": 3200}),
)
FAILING = (("a machine fails once an hour", DAY / 24), ("once a day", DAY))
SIMULATED_COUNTS = (2, 16, 128, 1024)
FAILING_COUNTS = (1, 10, 100)
FAILING_STEPS = 500_000


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table: the first column is text, the others are numbers.

    Examples
    --------
    >>> print(table(["k", "speedup"], [["1", "0.5"]]))
    | k | speedup |
    |---|---:|
    | 1 | 0.5 |
    """
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" if line is not lines[1] else f"|{'|'.join(line)}|" for line in lines)


def shown(number: float) -> str:
    """Write a number with three digits at most, and thousands with commas.

    Examples
    --------
    >>> [shown(number) for number in (0.123, 1.234, 12.34, 1234.5)]
    ['0.12', '1.2', '12', '1,234']
    """
    return f"{number:.2f}" if number < 1 else f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def terms_table(models: Mapping[str, Model]) -> str:
    """Give the measured costs of each network."""
    head = [
        "network",
        "step, us",
        "step at k = 1, us",
        "synchronisation without the exchange, us",
        "reading a row, us",
        "vector, kB",
    ]
    rows = []
    for model in models.values():
        costs, workload = model.costs, model.workload
        times = [f"{1e6 * seconds:,.0f}" for seconds in (costs.step, costs.exact_step, costs.turn)]
        rows.append([workload.title, *times, f"{1e6 * costs.row:.2f}", f"{vector_bytes(workload, 2) / 1e3:,.0f}"])
    return table(head, rows)


def speedup_table(model: Model) -> str:
    """Give the speedup, and in brackets the share of each worker's speed that it leaves, for each k and number of workers."""
    rows = []
    for k in INTERVALS:
        cells = [f"{shown(model.speedup(count, k))} ({model.efficiency(count, k):.0%})" for count in COUNTS]
        rows.append([f"{k:,}", *cells])
    return table(["k", *(f"{count:,} workers" for count in COUNTS)], rows)


def advice_table(models: Mapping[str, Mapping[str, Model]], k: int) -> str:
    """Give for each network of machines where it stops paying at this k, and which k costs at most a tenth of the time."""
    head = ["network", "between machines", f"half of each worker's speed, k = {k}", f"shortest epoch, k = {k}"]
    head += [f"k for {count} workers" for count in FEW]
    rows = []
    for name, by_link in models.items():
        for link, model in by_link.items():
            fastest = model.fastest(k)
            best = f"{fastest:,} ({shown(model.speedup(fastest, k))}x)"
            rows.append([name, link, f"{model.worthwhile(k):,}", best, *(advised(model, count) for count in FEW)])
    return table(head, rows)


def advised(model: Model, workers: int, least: float = 0.25) -> str:
    """Write the k that leaves nine tenths of the speed; "-" where so many workers do not pay at any k."""
    steps = steps_of_worker(model.workload.rows, model.workload.batch_size, workers)
    if model.efficiency(workers, max(2, steps)) < least:
        return "-"
    k = model.interval(workers)
    return "once an epoch" if k is None else f"{k:,}"


def simulated_stragglers() -> list[tuple[str, int, float, float]]:
    """Simulate slow steps and machines: label, workers, time against that of equal steps, simulated and by the formula."""
    points = []
    for label, settings in STRAGGLERS:
        for count in SIMULATED_COUNTS:
            scenario = Scenario(count, **settings)  # type: ignore[arg-type]
            even = scenario.steps * scenario.step
            share = slowest_share(count, scenario.spread, scenario.k)
            points.append((label, count, simulate(scenario).seconds / even, max(share, scenario.slow)))
    return points


def simulated_failures(seeds: int = 5) -> list[tuple[str, int, float, float]]:
    """Simulate failures in blocks of half a second, and replacements of ten: as ``simulated_stragglers``."""
    points = []
    for label, mtbf in FAILING:
        for count in FAILING_COUNTS:
            scenario = Scenario(count, FAILING_STEPS, k=500, mtbf=mtbf, restart=10.0)
            even = scenario.steps * scenario.step
            seconds = mean(simulate(scenario, seed).seconds for seed in range(seeds))
            block = scenario.block_rounds * scenario.k * scenario.step
            expected = expected_block_seconds(block, count / mtbf, scenario.restart) / block
            points.append((label, count, seconds / even, expected))
    return points


def simulation_table(points: Sequence[tuple[str, int, float, float]]) -> str:
    """Give what was simulated beside the formula."""
    rows = [
        [label, f"{count:,}", f"{simulated:.3f}", f"{formula:.3f}", f"{formula / simulated - 1:+.1%}"]
        for label, count, simulated, formula in points
    ]
    return table(["what varies", "workers", "simulated", "formula", "difference"], rows)


def failure_share(model: Model, k: int, counts: Sequence[int], mtbfs: Mapping[str, float]) -> str:
    """Give the share of an epoch's time that failures take, by the mean time between a machine's failures."""
    rows = []
    for label, mtbf in mtbfs.items():
        failing = replace(model, cluster=replace(model.cluster, mtbf=mtbf))
        times = [failing.epoch(count, k) for count in counts]
        rows.append([label, *(f"{time.repeating / time.total:.1%}" if time.total < 1e6 else "never ends" for time in times)])
    return table(["each machine fails", *(f"{count:,} workers" for count in counts)], rows)
