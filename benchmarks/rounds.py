"""The cells, run: each peer in processes of its own, turn and turn about, round after round."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import chainrule as cr
from benchmarks.cells import Cell, PopulationCell, PredictionCell, ProcessCell, TrainingCell, pixels
from benchmarks.job import Answer, Job
from benchmarks.judge import TOLERANCE, mean_cost
from benchmarks.peers import PEERS
from benchmarks.peers.rival_ import peak
from benchmarks.processes import ROOT, Failure, ask, measure
from benchmarks.results import Entrant, Result, Training, Verdict, called, disagreeing, failures, medians, threads_title, times
from chainrule.epoch_blocks import epoch_order

MNIST = Path(cr.__file__).parent / "datasets" / "mnist_files"


@dataclass(frozen=True)
class Bench:
    """Who takes part, how often, and where."""

    folder: Path
    peers: tuple[str, ...]
    threads: tuple[int, ...]
    rounds: int
    rows: int | None
    say: Callable[[str], None]

    def run(self, cell: Cell) -> Result | None:
        """Run a cell; None when it has to be skipped."""
        if isinstance(cell, TrainingCell):
            return self.training(cell)
        if isinstance(cell, PopulationCell):
            return self.population(cell)
        return self.prediction(cell) if isinstance(cell, PredictionCell) else self.process(cell)

    def entrants(self, peers: tuple[str, ...]) -> list[Entrant]:
        """List who takes turns: each peer at each number of threads, ours at auto as well."""
        numbers: dict[str, list[int | str]] = {name: [*self.threads] for name in peers if name in self.peers}
        numbers["chainrule"].append("auto")
        return [(name, threads) for name, some in numbers.items() for threads in some]

    def ask(self, entrant: Entrant, kind: str, folder: Path) -> Answer | Failure:
        """Start one process."""
        tell(f"{folder.name}: {kind}, {called(entrant)}")
        return ask(PEERS[entrant[0]], kind, folder, entrant[1], max(self.threads))

    def turns(self, entrants: list[Entrant], kind: str, folder: Path) -> dict[Entrant, list[Answer | Failure]]:
        """Let everyone work once a round; who failed once is not asked again."""
        answers: dict[Entrant, list[Answer | Failure]] = {entrant: [] for entrant in entrants}
        for _ in range(self.rounds):
            for entrant, some in answers.items():
                if not any(isinstance(answer, Failure) for answer in some):
                    some.append(self.ask(entrant, kind, folder))
        return answers

    def training(self, cell: TrainingCell) -> Result:
        """Hold everyone to the same cost after one epoch, then time them."""
        job = cell.job(self.rows)
        folder = self.folder / cell.name
        entrants = self.entrants(cell.peers)
        costs = self.check(cell, job, entrants)
        job.save(folder)
        answers = self.turns(entrants, "train", folder)
        firsts = self.turns([entrant for entrant in entrants if entrant[0] == "chainrule"], "first", folder)
        most = peak(self.folder, max(self.threads)) if cell.targets.peak else None
        return Training(cell, job.x.shape[0], answers, firsts, costs, most).result()

    def check(self, cell: TrainingCell, job: Job, entrants: list[Entrant]) -> dict[Entrant, float]:
        """Train everyone one epoch; say who does not reach the others' cost."""
        folder = self.folder / f"{cell.name}-check"
        settings = replace(job.settings, learning_rate=cell.check_rate or job.settings.learning_rate)
        replace(job, settings=settings, orders=job.orders[:1]).save(folder)
        answers = {entrant: self.ask(entrant, "train", folder) for entrant in entrants}
        costs = {e: mean_cost(job, a.weights, a.biases) for e, a in answers.items() if isinstance(a, Answer)}
        wrong = disagreeing(costs, cell.incomparable)
        for entrant in sorted(wrong, key=str):
            self.say(f"{cell.name}: {called(entrant)} reaches the cost {costs[entrant]:.6f} after one epoch, the others do not")
        compared = {name for name, _ in costs} - set(cell.incomparable)
        if not wrong and len(compared) > 1:
            what = f"all {len(compared)} compared, at each number of threads, reach the same cost after one epoch"
            self.say(f"{cell.name}: {what}, to {TOLERANCE:g} relative")
        return costs

    def population(self, cell: PopulationCell) -> Result | None:
        """Time many networks together, with each number of threads."""
        if not hasattr(cr, "train_population"):
            self.say(f"{cell.name} is skipped: this chainrule has no train_population")
            return None
        folder, s = self.folder / cell.name, cell.settings
        network = cr.Network(s.sizes, seed=s.seed)
        x, y = pixels(self.rows)
        Job(s, x, y, epoch_order(len(x), s.seed, 1)[None], network.weights, network.biases).save(folder)
        (folder / "networks").write_text(str(cell.networks))
        answers = self.turns([("chainrule", threads) for threads in self.threads], "population", folder)
        rates = {entrant[1]: cell.networks / seconds for entrant, seconds in medians(answers).items()}
        few, most = rates.get(min(self.threads)), rates.get(max(self.threads))
        ratio = most / few if few and most else None
        wanted, met = f">= {cell.speedup:g}x", None if ratio is None else ratio >= cell.speedup
        verdict = Verdict(f"networks a second, {max(self.threads)} threads against {min(self.threads)}", wanted, times(ratio), met)
        header = ["networks a second", *map(threads_title, self.threads)]
        row = ["chainrule", *(f"{rates[threads]:.1f}" if threads in rates else "failed" for threads in self.threads)]
        ours = f"{max(rates.values()):.1f} networks a second" if rates else "-"
        return Result(cell.name, cell.title, header, [row], [verdict], failures(answers), ours)

    def prediction(self, cell: PredictionCell) -> Result:
        """Time one row, and many."""
        folder, s = self.folder / cell.name, cell.settings
        network = cr.Network(s.sizes, seed=s.seed)
        x, y = pixels(min(self.rows or cell.rows, cell.rows))
        Job(s, x, y, epoch_order(len(x), s.seed, 1)[None], network.weights, network.biases).save(folder)
        answers = self.turns(self.entrants(cell.peers), "predict", folder)
        names = ("predict", "feedforward", "predict_all", "feedforward_all")
        found = {entrant: {name: fact(some, name) for name in names} for entrant, some in answers.items()}
        rows = [[called(entrant), *(microseconds(value) for value in figures.values())] for entrant, figures in found.items()]
        many = f"{len(x):,} rows"
        header = ["microseconds", "predict, 1 row", "outputs, 1 row", f"predict, {many}", f"outputs, {many}"]
        one = min(self.threads)
        ours, onnx = found["chainrule", one], found.get(("onnx", one), {})
        verdicts = [
            less(f"{name} of one row against onnxruntime", ours[name], onnx.get(name)) for name in ("predict", "feedforward")
        ]
        verdicts += [less(f"{name} of one row, microseconds", ours[name], cell.microseconds) for name in ("predict", "feedforward")]
        slow, quick = found.get(("sklearn", one), {}).get("predict"), ours["predict"]
        ratio = slow / quick if slow and quick else None
        met = None if ratio is None else ratio >= cell.sklearn
        verdicts.append(Verdict("predict of one row, as fast as scikit-learn", f">= {cell.sklearn:g}x", times(ratio), met))
        line, theirs = (f"{microseconds(figures.get('feedforward'))} us a row" for figures in (ours, onnx))
        return Result(cell.name, cell.title, header, rows, verdicts, failures(answers), line, f"{theirs} (onnxruntime)")

    def process(self, cell: ProcessCell) -> Result:
        """Time whole processes, and see what memory they take."""
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
                tell(f"{cell.name}: {title}")
                measured = measure(command, threads, folder)
                if isinstance(measured, Failure):
                    notes.append(f"{title} failed: {measured.reason}")
                else:
                    found[title].append(measured)
        walls = {title: median(seconds for seconds, _ in some) for title, some in found.items() if some}
        peaks = {title: max(peak for _, peak in some) / 1e6 for title, some in found.items() if some}
        ours, *others = runs
        theirs = min((walls[title] for title in others if title in walls), default=None)
        verdicts = [
            less("wall time against one epoch of the PyTorch script, seconds", walls.get(ours), theirs),
            less("peak memory, MB", peaks.get(ours), cell.megabytes),
        ]
        rows = [
            [title, f"{walls[title]:.2f}", f"{peaks[title]:.0f}"] if title in walls else [title, "failed", "-"] for title in runs
        ]
        line, python = (f"{seconds:.2f} s" if seconds else "-" for seconds in (walls.get(ours), theirs))
        header = ["whole process", "seconds", "peak MB"]
        return Result(cell.name, cell.title, header, rows, verdicts, list(dict.fromkeys(notes)), line, python)


def fact(answers: list[Answer | Failure], name: str) -> float | None:
    """Give the median of a figure over the rounds."""
    found = [answer.facts[name] for answer in answers if isinstance(answer, Answer) and name in answer.facts]
    return median(found) if found else None


def microseconds(value: float | None) -> str:
    """Write microseconds."""
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def less(what: str, mine: float | None, limit: float | None) -> Verdict:
    """Judge a figure that is to be at most so much."""
    if mine is None or limit is None:
        return Verdict(what, "-", "not measured", None)
    return Verdict(what, f"<= {limit:,.4g}", f"{mine:,.4g}", mine <= limit)


def tell(line: str) -> None:
    """Say on a terminal what goes on just now."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
