"""The work of ``chainrule replay``: what is missing is trained with a progress bar, then the report is written and printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from .. import plotting
from .._atomic_write import write_atomically
from .._checks import check_int
from .._format import pluralize
from .._stdout import can_redraw, tolerate_closed_stdout
from ..datasets import Dataset, mnist
from ..engines import thread_count
from ..errors import SettingError
from ..explaining.html_renderer import to_page
from ..replay.baselines import accuracy_by_darkness, check_svm_rows, fit_svm, svm_digest
from ..replay.comparison import Comparison, compare
from ..replay.experiments import DARKNESS, EXPERIMENTS, VARIANTS, Baseline, Experiment, find_experiments, svm_baseline
from ..replay.result_file import ResultFile, SeedResult
from ..replay.seed_trainings import ReplayData, Report, SeedTraining, train_all, trainings_of
from .output import print_json, print_line, print_message
from .replay_report import HEADER, cells_of, note_of, row_of, summary_line, to_csv, to_document, to_figure, to_markdown

MOST_SEEDS = 10_000
PICTURES = ("replay.png", "replay.svg")

Results = dict[tuple[str, int], SeedResult]


@dataclass(frozen=True)
class ReplayRequest:
    """The options of the command.

    Attributes
    ----------
    seeds : int
    names : tuple of str
        The experiments; empty for all, and the baselines.
    folder : Path
    threads : int or None
        None: the number of cores.
    svm_rows : int or None
        None: the SVM is not fitted.
    plots : bool
    as_json : bool
    """

    seeds: int = 20
    names: tuple[str, ...] = ()
    folder: Path = Path("replay")
    threads: int | None = None
    svm_rows: int | None = None
    plots: bool = True
    as_json: bool = False


class ReplayJob:
    """One run of the command.

    Parameters
    ----------
    request : ReplayRequest
    experiments : sequence of Experiment, optional
        Those that the request's names choose from, if not the book's.
    data : Dataset, optional
        MNIST if not given.

    Raises
    ------
    SettingError
        When an option is out of its range, or an experiment unknown.
    """

    def __init__(
        self, request: ReplayRequest, *, experiments: Sequence[Experiment] = (*EXPERIMENTS, *VARIANTS), data: Dataset | None = None
    ) -> None:
        self.request = request
        self.seeds = check_int("--seeds", request.seeds, least=1, most=MOST_SEEDS)
        self.threads = thread_count(
            "auto" if request.threads is None else check_int("--threads", request.threads, least=1, most=1024)
        )
        _refuse_baselines(request.names)
        self.experiments = find_experiments(request.names, experiments)
        self.data = ReplayData(mnist() if data is None else data)
        if request.svm_rows is not None:
            check_svm_rows(request.svm_rows, self.data.data)
        self.file = ResultFile(request.folder)

    def run(self) -> None:
        """Train what is missing, write the report, and print it."""
        with self.file.locked():
            if self.request.plots:
                for name in PICTURES:
                    plotting.check_plot_path(self.request.folder / name)
            digests = {experiment.name: self.data.digest(experiment) for experiment in self.experiments}
            results = self._read(digests)
            self._train(digests, results)
            comparisons = self._compare(results)
            self._write(comparisons)
        self._print(comparisons)

    def _read(self, digests: dict[str, str]) -> Results:
        """Read the results that are there, and print what is left out."""
        if (rows := self.request.svm_rows) is not None:
            digests = {**digests, svm_baseline(rows).name: svm_digest(self.data.data, rows)}
        results, messages = self.file.read(digests)
        for message in messages:
            print_message(f"warning: {message}")
        return results

    def _train(self, digests: dict[str, str], results: Results) -> None:
        """Train what is missing, and fit the SVM if it is wanted and missing; add the results."""
        trainings = [one for one in trainings_of(self.experiments, self.seeds) if (one.experiment.name, one.seed) not in results]
        done = len(self.experiments) * self.seeds - len(trainings)
        if done:
            self._note(f"{pluralize(done, 'training')} of {done + len(trainings)} are in {self.file.path}")
        if trainings:
            self._train_missing(trainings, digests, results)
        rows = self.request.svm_rows
        if rows is not None and (svm_baseline(rows).name, 0) not in results:
            self._note(f"fitting the SVM to {rows:,} images, which takes minutes for 50,000; Ctrl-C is heeded after it")
            result = fit_svm(self.data.data, rows)
            self.file.append(result)
            results[result.key] = result

    def _train_missing(self, trainings: Sequence[SeedTraining], digests: dict[str, str], results: Results) -> None:
        """Train in a pool of threads; each result is in the file before it counts."""
        with training_bar(trainings, shown=not self.request.as_json) as (report, tell):

            def keep(result: SeedResult) -> None:
                self.file.append(result)
                results[result.key] = result
                tell(result)

            try:
                train_all(self.data, trainings, digests, threads=self.threads, report=report, keep=keep)
            except KeyboardInterrupt:
                left = sum((one.experiment.name, one.seed) not in results for one in trainings)
                print_message(f"interrupted; the same command trains the {pluralize(left, 'training')} that are left")
                raise

    def _compare(self, results: Results) -> list[Comparison]:
        """Compare every figure with its results, the baselines last."""
        comparisons = []
        for experiment in self.experiments:
            comparisons += compare(experiment, [results[experiment.name, seed] for seed in range(self.seeds)])
        for baseline, accuracy in self._baselines(results):
            comparisons += compare(baseline, [SeedResult(baseline.name, 0, "", (accuracy,), None, 0.0)])
        return comparisons

    def _baselines(self, results: Results) -> Iterator[tuple[Baseline, float]]:
        """Compute the darkness where no experiment was chosen by its name, and give the SVM's result where it is wanted."""
        if not self.request.names:
            yield DARKNESS, accuracy_by_darkness(self.data.data)
        if self.request.svm_rows is not None:
            baseline = svm_baseline(self.request.svm_rows)
            yield baseline, results[baseline.name, 0].accuracies[-1]

    def _write(self, comparisons: Sequence[Comparison]) -> None:
        """Write the tables, the pictures and the page; each is written completely or not at all."""
        page = to_page(to_document(comparisons, self.seeds))
        texts = {"table.csv": to_csv(comparisons), "table.md": to_markdown(comparisons), "report.html": page}
        for name, text in texts.items():
            write_atomically(self.request.folder / name, text.encode())
        if self.request.plots:
            figure = to_figure(comparisons)
            for name in PICTURES:
                plotting.save(figure, self.request.folder / name)
        elif old := [name for name in PICTURES if (self.request.folder / name).exists()]:
            print_message(f"warning: {' and '.join(old)} in {self.request.folder} are of an earlier run")

    def _print(self, comparisons: Sequence[Comparison]) -> None:
        """Print the table and the notes of figures outside, or a JSON object for each figure."""
        if self.request.as_json:
            for comparison in comparisons:
                print_json(row_of(comparison))
            return
        print_table(comparisons)
        for comparison in comparisons:
            if note := note_of(comparison):
                print_line(f"{comparison.experiment.name}: {note}")
        print_line(f"{summary_line(comparisons)}; the report is {self.request.folder / 'report.html'}")

    def _note(self, line: str) -> None:
        if not self.request.as_json:
            print_line(line)


def _refuse_baselines(names: Sequence[str]) -> None:
    """Refuse the methods without a network where an experiment is named, and say how to get them."""
    if DARKNESS.name in names:
        raise SettingError(f"{DARKNESS.name} is no training: it is computed, within a second, whenever --only is not given")
    if any(name.startswith("svm") for name in names):
        raise SettingError("the SVM is fitted by --svm ROWS, beside the experiments or those of --only")


def print_table(comparisons: Sequence[Comparison]) -> None:
    """Print the table of the figures."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in HEADER:
        table.add_column(name, justify="right" if name in HEADER[2:6] else "left", overflow="fold", no_wrap=name != HEADER[1])
    for comparison in comparisons:
        table.add_row(*map(Text, cells_of(comparison)))
    with tolerate_closed_stdout():
        Console(highlight=False).print(table)


@contextmanager
def training_bar(trainings: Sequence[SeedTraining], *, shown: bool) -> Iterator[tuple[Report, Callable[[SeedResult], None]]]:
    """Show a bar of the work done, and a line for each experiment whose trainings have all ended.

    Yields two functions, which any thread may call: the first moves the bar by an amount of work, the second takes a result.
    """
    from rich.console import Console
    from rich.progress import Progress, TimeRemainingColumn

    console = Console(highlight=False)
    left, lock = Counter(training.experiment.name for training in trainings), Lock()
    bar = Progress(
        *Progress.get_default_columns()[:3],
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (shown and can_redraw(console)),
    )

    def tell(result: SeedResult) -> None:
        with lock:
            left[result.experiment] -= 1
            if shown and not left[result.experiment]:
                ended = sum(training.experiment.name == result.experiment for training in trainings)
                with tolerate_closed_stdout():
                    console.print(f"{result.experiment}: {pluralize(ended, 'training')} done", soft_wrap=True)

    with bar:
        task = bar.add_task(pluralize(len(trainings), "training"), total=sum(training.work for training in trainings))
        yield lambda work: bar.advance(task, work), tell
