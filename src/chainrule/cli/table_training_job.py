"""The work of ``chainrule train`` on a table: read it, train a model by the recipe, save it, and report its test score."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import tensor_file
from .._checks import check_float, check_int, check_seed
from .._format import pluralize
from ..errors import DivergenceError, SettingError
from .column_report import describe_columns, print_columns
from .data_source import Source, resolve_path
from .exit_codes import STATUS_AFTER
from .output import Reporter, print_message
from .reading_options import ReadingOptions
from .replaceable_file import check_replaceable
from .run_report import describe_resumed
from .settings import Task, resolve_task
from .table_progress import TableProgress
from .table_scores import score_of
from .table_source import fit_target, read_target, split_for_test
from .training_request import CheckpointOptions, absolute

if TYPE_CHECKING:
    from ..history import History
    from ..recipes.table_recipe import TableRecipe
    from ..table_model import TableModel
    from ..tables.column import Column
    from ..tables.table import Table
    from ..tables.target_inference import TargetReading
    from .table_source import SplitTable

_PARTICIPLES = {"interrupted": "was interrupted", "diverged": "of a network diverged"}


@dataclass(frozen=True)
class Trained:
    """A trained model, and the rows that were kept for its test."""

    model: TableModel
    histories: list[History]
    recipe: TableRecipe
    test: Table
    test_column: Column


@dataclass(frozen=True)
class TableTrainingJob:
    """One training on a table, from the command line to the model's file.

    Attributes
    ----------
    source : Source
        The table and its target.
    reading : ReadingOptions
    path : Path
        Where the model is saved.
    chosen : dict
        The settings of the recipe that were given on the command line.
    task : str or None
    time_limit : float or None
    seed : int
    engine, threads : str
    reporter : Reporter
    given : dict
        All options of the training that were given on the command line, which its checkpoints hold.
    checkpoints : CheckpointOptions
    plot : Path or None
        Where the learning curves are drawn.
    """

    source: Source
    reading: ReadingOptions
    path: Path
    chosen: Mapping[str, Any]
    task: Any
    time_limit: float | None
    seed: int
    engine: str
    threads: Any
    reporter: Reporter
    given: Mapping[str, Any]
    checkpoints: CheckpointOptions
    plot: Path | None = None

    def run(self) -> int:
        """Do all of it, and return the exit status."""
        self._check_options()
        began = time.perf_counter()
        try:
            trained = self._read_and_train()
        except SystemExit:  # by SIGTERM or SIGHUP, in a training with checkpoints
            with suppress(OSError):  # after SIGHUP there is no terminal
                print_message(f"terminated{self.checkpoints.remedy}")
            raise
        except KeyboardInterrupt:
            return self._report_nothing_learnt("interrupted", "interrupted", began)
        except DivergenceError as error:
            return self._report_nothing_learnt("diverged", str(error), began)
        return self._finish(trained, time.perf_counter() - began)

    def _read_and_train(self) -> Trained:
        """Read the table, report its rows, and train on those that are not kept for the test.

        Each column is in memory once: in the table, then divided to train and test, then prepared.
        """
        from ..recipes.table_recipe import recipe_for
        from ..recipes.table_training import check_recipe, fit_table_model

        progress = TableProgress(self.reporter)
        split, reading = self._read_and_split(progress)
        column = split.column.take(split.train_rows)
        target = fit_target(reading.target, column)
        recipe = recipe_for(target, len(split.train_places), self.chosen)
        check_recipe(recipe, target, threads=self.threads, engine=self.engine)
        self._report_data(split, reading)
        if self.checkpoints.resume is not None:
            self.reporter.note(describe_resumed(self.checkpoints.resume, recipe.networks))
        del reading  # and with it a number for each row
        train, test = split.divide()
        with progress.training(recipe.networks, recipe.epochs):
            model, histories = fit_table_model(
                train,
                target,
                target.encode(column),
                recipe,
                seed=self.seed,
                threads=self.threads,
                engine=self.engine,
                time_limit=self.time_limit,
                progress=progress.epoch_done,
                release=True,
                checkpoints=self.checkpoints.settings(self.given, self._resolved(recipe)),
            )
        return Trained(self._with_source(model, split), histories, recipe, test, split.column.take(split.test_rows))

    def _resolved(self, recipe: TableRecipe) -> dict[str, Any]:
        """Give the values of all options of the training, those with defaults too."""
        source = {"data": absolute(self.source.name), "target": self.source.target, "reading": self.reading.to_json()}
        others = {"seed": self.seed, "engine": self.engine, "task": self.task, "time_limit": self.time_limit}
        return {**source, **others, **recipe.to_json()}

    def _read_and_split(self, progress: TableProgress) -> tuple[SplitTable, TargetReading]:
        """Read the table and its target, and keep some rows for the test."""
        table = self._read(progress)
        reading = read_target(table, self.source.target, self._task())
        return split_for_test(table, reading, self.seed), reading

    def _report_nothing_learnt(self, stopped: str, message: str, began: float) -> int:
        """Report a training that ended before a network had learnt anything, and return the exit status."""
        remedy = self.checkpoints.remedy if stopped == "interrupted" else ""
        print_message(f"{message}; nothing was learnt, so nothing was saved{remedy}")
        self.reporter.summary("", self._summary(None, stopped, time.perf_counter() - began))
        return STATUS_AFTER[stopped]

    def _task(self) -> Task | None:
        """Give the task that an option decides: --task, else a cost or an output that suits one task only."""
        if self.task is not None:
            return self.task
        tasks = {resolve_task(inferred, self.chosen) for inferred in ("classification", "regression")}
        return tasks.pop() if len(tasks) == 1 else None

    def _check_options(self) -> None:
        """Refuse a wrong seed, and a path that cannot be written, before anything is read."""
        check_seed("seed", self.seed)
        check_int("epochs", self.chosen.get("epochs", 1), least=1)
        if self.time_limit is not None:
            check_float("--time-limit", self.time_limit, above=0)
        if resolve_path(self.path) == resolve_path(self.source.name):
            raise SettingError(f"--out names the data itself, {self.path}; give the model a name of its own")
        tensor_file.check_writable(self.path)
        check_replaceable(self.path)
        if self.plot is not None:
            from ..plotting import check_plot_path

            check_plot_path(self.plot)

    def _read(self, progress: TableProgress) -> Table:
        with progress.reading(self.source.name) as advance:
            return self.reading.read(Path(self.source.name), progress=advance)

    def _report_data(self, split: SplitTable, reading: TargetReading) -> None:
        """Report the rows and the target."""
        n_train, n_test = len(split.train_places), len(split.test_places)
        columns = pluralize(len(split.table.columns), "column")
        self.reporter.note(
            f"{self.source.name}: {pluralize(n_train, 'row')} to train on, {n_test:,} to test (seed {self.seed}), {columns} and "
            "the target"
        )
        for note in reading.notes:
            self.reporter.note(note)

    def _with_source(self, model: TableModel, split: SplitTable) -> TableModel:
        """Add the data to the record of the training."""
        training = replace(
            model.training,
            data=str(self.source),
            reading=self.reading.to_json(),
            written=split.written,
            named=split.named,
            target_digest=split.digest,
            seed=self.seed,
        )
        return replace(model, training=training)

    def _finish(self, trained: Trained, seconds: float) -> int:
        """Save the model, report its columns and its score on the test rows, and return the exit status."""
        model, recipe = trained.model, trained.recipe
        if not (self.reporter.quiet or self.reporter.as_json):
            print_columns("columns:", describe_columns(model.preprocessing))
        saved = f"{'replaced' if self.path.exists() else 'saved'} {self.path}"
        model.save(self.path)
        stopped = model.training.stopped
        if stopped in STATUS_AFTER:
            kept = f"{len(model.networks)} of {pluralize(recipe.networks, 'network')}"
            remedy = self.checkpoints.remedy if stopped == "interrupted" else ""
            print_message(f"the training {_PARTICIPLES[stopped]}; {saved}, with the best epoch of {kept}{remedy}")
        else:
            networks, epochs = pluralize(len(model.networks), "network"), model.training.epochs
            best = f"best epoch{'s' * (len(epochs) > 1)} {', '.join(map(str, epochs))} of {recipe.epochs}"
            self.reporter.note(f"{stopped}: {networks}, {best}, in {seconds:.1f} s; {saved}")
        if self.plot is not None:
            from .plots import save_curves

            save_curves(self.plot, trained.histories)
            self.reporter.note(f"drew {self.plot}")
        score = score_of(model, trained.test, trained.test_column)
        self.reporter.summary(f"test {score}", {**self._summary(model, stopped, seconds), **score.to_json()})
        return STATUS_AFTER.get(stopped, 0)

    def _summary(self, model: TableModel | None, stopped: str, seconds: float) -> dict[str, Any]:
        """Give the entries of the JSON summary, without those of the test; without a model those that it would decide are null."""
        training = None if model is None else model.training
        provenance = None if model is None else model.networks[0].provenance
        return {
            "model": None if model is None else str(self.path),
            "data": str(self.source),
            "target": None if model is None else model.target.name,
            "rows": None if training is None else training.rows,
            "networks": 0 if model is None else len(model.networks),
            "epochs": None if training is None else training.settings["epochs"],
            "best_epochs": None if training is None else training.epochs,
            "stopped": stopped,
            "seed": self.seed,
            "engine": None if provenance is None else provenance.engine,
            "seconds": seconds,
        }


def recipe_settings(chosen: Mapping[str, Any], table_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of the command line as the recipe has them.

    Examples
    --------
    >>> recipe_settings({"activation": ("tanh",), "epochs": 3}, {"networks": 1, "metric": None})
    {'activation': 'tanh', 'epochs': 3, 'networks': 1}
    """
    settings = {**chosen, **{name: value for name, value in table_settings.items() if value is not None}}
    activation = settings.get("activation")
    if activation is not None and len(activation) == 1:
        settings["activation"] = activation[0]
    return settings
