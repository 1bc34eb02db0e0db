"""The runner of the cells: in each round it starts one process for each peer and number of threads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import chainrule as cr
from benchmarks.cells import Cell, PopulationCell, PredictionCell, ProcessCell, TrainingCell, pixels
from benchmarks.job import Job, Measurement
from benchmarks.peers import PEERS
from benchmarks.peers.rival_ import peak
from benchmarks.processes import ROOT, Failure, measure_peer, measure_process
from benchmarks.reference_cost import TOLERANCE, mean_cost
from benchmarks.results import (
    Entrant,
    Result,
    TargetCheck,
    TrainingMeasurements,
    deviating,
    failures,
    medians,
    threads_title,
    times,
    title_of,
)

MNIST = Path(cr.__file__).parent / "datasets" / "mnist_files"


@dataclass(frozen=True)
class Runner:
    """Runs cells with these peers and numbers of threads, for a number of rounds; ``rows`` shortens the data for a test."""

    folder: Path
    peers: tuple[str, ...]
    threads: tuple[int, ...]
    rounds: int
    rows: int | None
    write: Callable[[str], None]

    def run(self, cell: Cell) -> Result | None:
        """Run a cell; None when it must be skipped."""
        if isinstance(cell, TrainingCell):
            return self.training(cell)
        if isinstance(cell, PopulationCell):
            return self.population(cell)
        return self.prediction(cell) if isinstance(cell, PredictionCell) else self.process(cell)

    def entrants(self, peers: tuple[str, ...]) -> list[Entrant]:
        """List the entrants: each peer with each number of threads, chainrule also with "auto"."""
        numbers: dict[str, list[int | str]] = {name: [*self.threads] for name in peers if name in self.peers}
        numbers["chainrule"].append("auto")
        return [(name, threads) for name, some in numbers.items() for threads in some]

    def measure(self, entrant: Entrant, kind: str, folder: Path) -> Measurement | Failure:
        """Start one process."""
        show_status(f"{folder.name}: {kind}, {title_of(entrant)}")
        return measure_peer(PEERS[entrant[0]], kind, folder, entrant[1], max(self.threads))

    def measure_all(self, entrants: list[Entrant], kind: str, folder: Path) -> dict[Entrant, list[Measurement | Failure]]:
        """Measure every entrant once per round; an entrant that has failed is left out of the following rounds."""
        measurements: dict[Entrant, list[Measurement | Failure]] = {entrant: [] for entrant in entrants}
        for _ in range(self.rounds):
            for entrant, some in measurements.items():
                if not any(isinstance(measurement, Failure) for measurement in some):
                    some.append(self.measure(entrant, kind, folder))
        return measurements

    def training(self, cell: TrainingCell) -> Result:
        """Check that all reach the same cost after one epoch, then time them."""
        job = cell.job(self.rows)
        folder = self.folder / cell.name
        entrants = self.entrants(cell.peers)
        costs = self.check(cell, job, entrants)
        job.save(folder)
        measurements = self.measure_all(entrants, "train", folder)
        firsts = self.measure_all([entrant for entrant in entrants if entrant[0] == "chainrule"], "first", folder)
        most = peak(self.folder, max(self.threads)) if cell.targets.peak else None
        return TrainingMeasurements(cell, job.x.shape[0], measurements, firsts, costs, most).result()

    def check(self, cell: TrainingCell, job: Job, entrants: list[Entrant]) -> dict[Entrant, float]:
        """Train each entrant for one epoch, report those whose cost deviates, and return all costs."""
        folder = self.folder / f"{cell.name}-check"
        settings = replace(job.settings, learning_rate=cell.check_rate or job.settings.learning_rate)
        replace(job, settings=settings, orders=job.orders[:1]).save(folder)
        measurements = {entrant: self.measure(entrant, "train", folder) for entrant in entrants}
        costs = {e: mean_cost(job, a.weights, a.biases) for e, a in measurements.items() if isinstance(a, Measurement)}
        wrong = deviating(costs, cell.incomparable)
        for entrant in sorted(wrong, key=str):
            self.write(f"{cell.name}: {title_of(entrant)} reaches the cost {costs[entrant]:.6f} after one epoch, unlike the others")
        compared = {name for name, _ in costs} - set(cell.incomparable)
        if not wrong and len(compared) > 1:
            agreement = f"all {len(compared)} peers compared, at each number of threads, reach the same cost after one epoch"
            self.write(f"{cell.name}: {agreement}, to {TOLERANCE:g} relative")
        return costs

    def population(self, cell: PopulationCell) -> Result | None:
        """Time the training of many networks together, with each number of threads."""
        if not hasattr(cr, "train_population"):
            self.write(f"{cell.name} is skipped: this chainrule has no train_population")
            return None
        folder, s = self.folder / cell.name, cell.settings
        network = cr.Network(s.sizes, seed=s.seed)
        x, y = pixels(self.rows)
        Job(s, x, y, cr.training.epoch_order(len(x), s.seed, 1)[None], network.weights, network.biases).save(folder)
        (folder / "networks").write_text(str(cell.networks))
        measurements = self.measure_all([("chainrule", threads) for threads in self.threads], "population", folder)
        rates = {entrant[1]: cell.networks / seconds for entrant, seconds in medians(measurements).items()}
        at_fewest, at_most = rates.get(min(self.threads)), rates.get(max(self.threads))
        ratio = at_most / at_fewest if at_fewest and at_most else None
        required, met = f">= {cell.speedup:g}x", None if ratio is None else ratio >= cell.speedup
        name = f"networks per second, {max(self.threads)} threads relative to {min(self.threads)}"
        check = TargetCheck(name, required, times(ratio), met)
        header = ["networks per second", *map(threads_title, self.threads)]
        row = ["chainrule", *(f"{rates[threads]:.1f}" if threads in rates else "failed" for threads in self.threads)]
        own = f"{max(rates.values()):.1f} networks per second" if rates else "-"
        return Result(cell.name, cell.title, header, [row], [check], failures(measurements), own)

    def prediction(self, cell: PredictionCell) -> Result:
        """Time the prediction of one row, and of many."""
        folder, s = self.folder / cell.name, cell.settings
        network = cr.Network(s.sizes, seed=s.seed)
        x, y = pixels(min(self.rows or cell.rows, cell.rows))
        Job(s, x, y, cr.training.epoch_order(len(x), s.seed, 1)[None], network.weights, network.biases).save(folder)
        measurements = self.measure_all(self.entrants(cell.peers), "predict", folder)
        names = ("predict", "feedforward", "predict_all", "feedforward_all")
        found = {entrant: {name: median_extra(some, name) for name in names} for entrant, some in measurements.items()}
        rows = [[title_of(entrant), *(microseconds(value) for value in figures.values())] for entrant, figures in found.items()]
        many = f"{len(x):,} rows"
        header = ["microseconds", "predict, 1 row", "outputs, 1 row", f"predict, {many}", f"outputs, {many}"]
        one = min(self.threads)
        own, onnx = found["chainrule", one], found.get(("onnx", one), {})
        checks = [
            check_at_most(f"{name} of one row compared with onnxruntime", own[name], onnx.get(name))
            for name in ("predict", "feedforward")
        ]
        checks += [
            check_at_most(f"{name} of one row, microseconds", own[name], cell.microseconds) for name in ("predict", "feedforward")
        ]
        sklearn, predict = found.get(("sklearn", one), {}).get("predict"), own["predict"]
        ratio = sklearn / predict if sklearn and predict else None
        met = None if ratio is None else ratio >= cell.sklearn
        checks.append(TargetCheck("predict of one row, relative to scikit-learn", f">= {cell.sklearn:g}x", times(ratio), met))
        line, other = (f"{microseconds(figures.get('feedforward'))} us per row" for figures in (own, onnx))
        return Result(cell.name, cell.title, header, rows, checks, failures(measurements), line, f"{other} (onnxruntime)")

    def process(self, cell: ProcessCell) -> Result:
        """Measure the wall time and peak memory of whole processes."""
        folder = self.folder / cell.name
        folder.mkdir()
        program = [sys.executable, "-m", "chainrule", "train", "--quiet", "--out", str(folder / "model.safetensors")]
        script = [sys.executable, str(ROOT / "benchmarks" / "peers" / "torch_script.py"), str(MNIST)]
        runs: dict[str, tuple[list[str], int | str]] = {"chainrule train, 30 epochs": (program, "auto")}
        if "torch" in self.peers:
            runs |= {f"PyTorch, 1 epoch, {threads_title(t)}": ([*script, str(t)], t) for t in self.threads}
        found: dict[str, list[tuple[float, int]]] = {title: [] for title in runs}
        notes = []
        for _ in range(self.rounds):
            for title, (command, threads) in runs.items():
                show_status(f"{cell.name}: {title}")
                measured = measure_process(command, threads, folder)
                if isinstance(measured, Failure):
                    notes.append(f"{title} failed: {measured.reason}")
                else:
                    found[title].append(measured)
        walls = {title: median(seconds for seconds, _ in some) for title, some in found.items() if some}
        peaks = {title: max(peak for _, peak in some) / 1e6 for title, some in found.items() if some}
        own, *others = runs
        fastest = min((walls[title] for title in others if title in walls), default=None)
        checks = [
            check_at_most("wall time compared with one epoch of the PyTorch script, seconds", walls.get(own), fastest),
            check_at_most("peak memory, MB", peaks.get(own), cell.megabytes),
        ]
        rows = [
            [title, f"{walls[title]:.2f}", f"{peaks[title]:.0f}"] if title in walls else [title, "failed", "-"] for title in runs
        ]
        line, python = (f"{seconds:.2f} s" if seconds else "-" for seconds in (walls.get(own), fastest))
        header = ["whole process", "seconds", "peak MB"]
        return Result(cell.name, cell.title, header, rows, checks, list(dict.fromkeys(notes)), line, python)


def median_extra(measurements: list[Measurement | Failure], name: str) -> float | None:
    """Compute the median of a further figure over the rounds."""
    found = [
        measurement.extras[name]
        for measurement in measurements
        if isinstance(measurement, Measurement) and name in measurement.extras
    ]
    return median(found) if found else None


def microseconds(value: float | None) -> str:
    """Format a time in microseconds."""
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def check_at_most(name: str, measured: float | None, limit: float | None) -> TargetCheck:
    """Check that a figure does not exceed a limit."""
    if measured is None or limit is None:
        return TargetCheck(name, "-", "not measured", None)
    return TargetCheck(name, f"<= {limit:,.4g}", f"{measured:,.4g}", measured <= limit)


def show_status(line: str) -> None:
    """Show the current step on a terminal, in place of the previous one."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
