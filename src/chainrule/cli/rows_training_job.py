"""The work of ``chainrule train`` on rows of files: one network of numbers, whose rows are read a window at a time."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_int, check_seed
from .._format import percent, pluralize
from ..errors import SettingError
from ..network import Network
from ..row_files.remote_path import is_url, without_query
from ..row_files.row_source import RowSource, rows
from ..training import Run
from .data_source import Source
from .exit_codes import STATUS_AFTER
from .output import Reporter, print_message
from .settings import ROWS_DEFAULTS, Settings, Task, defaults_as_options, make_optimizer, resolve_settings, resolve_task
from .training_job import check_paths, describe_network, make_early_stopping, print_record, run_to_end
from .training_request import CheckpointOptions, absolute

if TYPE_CHECKING:
    from ..history import History

MOST_CLASSES = 100
"""Whole numbers from 0 up to this are taken for classes; of others --task decides."""


def is_rows(name: str) -> bool:
    """Whether the name of some data is a pattern of files or a URL, not a file.

    Examples
    --------
    >>> is_rows("rows/*.parquet"), is_rows("s3://bucket/a.parquet"), is_rows("mnist")
    (True, True, False)
    """
    return is_url(name) or (glob.has_magic(name) and not os.path.exists(name))  # noqa: PTH110  # Path raises for some names


@dataclass(frozen=True)
class RowsTrainingJob:
    """One training, from the command line to the model's file.

    Attributes
    ----------
    source : Source
        A path, a pattern or a URL, and the target's column.
    path : Path
        Where the model is saved.
    chosen : dict
        The settings that were given; others have defaults.
    task : str or None
        What the target holds, where it was given.
    validation : str or None
        The path, pattern or URL of other rows.
    standardize : bool
    division : dict
        The settings of ``Run`` that divide the training between workers.
    seed, engine, threads, reporter, given, checkpoints, plot
        As ``TrainingJob`` has them.
    """

    source: Source
    path: Path
    chosen: Mapping[str, Any]
    task: Task | None
    validation: str | None
    standardize: bool
    division: Mapping[str, Any]
    seed: int
    engine: str
    threads: Any
    reporter: Reporter
    given: Mapping[str, Any]
    checkpoints: CheckpointOptions
    plot: Path | None = None

    def run(self) -> int:
        """Do all of it, and return the exit status."""
        check_seed("seed", self.seed)
        check_int("epochs", self.chosen.get("epochs", 1), least=1)
        if self.validation is None and self.chosen.get("early_stopping"):
            raise SettingError("--early-stopping compares validation scores; name the rows to validate on by --validation")
        check_paths(self.path, self.source.name, self.plot)
        target = target_of(self.source)
        trained = rows(self.source.name, target=target, standardize=self.standardize)
        validation = None if self.validation is None else rows(self.validation, target=target)
        task = self._decide_task(trained)
        settings = self._settings(task)
        network = self._make_network(trained, settings, task)
        run = self._make_run(network, trained, validation, settings)  # raises for a wrong setting, before anything is printed
        self._report_plan(trained, validation, network, task, settings)
        if self.checkpoints.resume is not None:
            self.reporter.note(f"resumed in epoch {len(run.history) + 1}, after {pluralize(run.done, 'step')}")
        began = time.perf_counter()
        try:
            history = run_to_end(run)
        except SystemExit:  # by SIGTERM or SIGHUP, in a training with checkpoints
            print_message(f"terminated in epoch {len(run.history) + 1}{self.checkpoints.remedy}")
            raise
        return self._finish(network, history, time.perf_counter() - began)

    def _decide_task(self, source: RowSource) -> Task:
        """Decide what the target holds: by --task, the cost or the output, else by its numbers."""
        if self.task is not None:
            return self.task
        tasks = {resolve_task(inferred, self.chosen) for inferred in ("classification", "regression")}
        return tasks.pop() if len(tasks) == 1 else infer_task_of_rows(source)

    def _settings(self, task: Task) -> Settings:
        """Give the settings: those that were given, and defaults that suit the task and whether there is a validation."""
        defaults = replace(ROWS_DEFAULTS, cost="mean_squared_error") if task == "regression" else ROWS_DEFAULTS
        if self.validation is None:
            defaults = replace(defaults, early_stopping=0)
        return resolve_settings(defaults, self.chosen)

    def _make_network(self, source: RowSource, settings: Settings, task: Task) -> Network:
        """Make the network; that of standardized columns is of float64, which keeps the digits of columns far from 0."""
        activation: Any = settings.activation if len(settings.activation) > 1 else settings.activation[0]
        return Network(
            [source.n_in, *settings.hidden, count_outputs_of_rows(source, task)],
            activation=activation,
            output=settings.output,
            cost=settings.cost,
            init=settings.init,
            seed=self.seed,
            dtype="float64" if self.standardize else "float32",
        )

    def _make_run(self, network: Network, source: RowSource, validation: RowSource | None, settings: Settings) -> Run:
        prints_epochs = self.reporter.as_json and not self.reporter.quiet
        return Run(
            network,
            source,
            validation=validation,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            optimizer=make_optimizer(settings.optimizer, settings.momentum),
            schedule=settings.schedule,
            l2=settings.l2,
            dropout=settings.dropout,
            early_stopping=make_early_stopping(settings.early_stopping, "table"),
            engine=self.engine,
            threads=self.threads,
            callbacks=[print_record] if prints_epochs else [],
            progress=not (self.reporter.quiet or self.reporter.as_json),
            **self.division,
            **self.checkpoints.settings(self.given, self._resolved(settings)),
        )

    def _resolved(self, settings: Settings) -> dict[str, Any]:
        """Give the values of all options of the training, those with defaults too."""
        return {
            "data": absolute(self.source.name),
            "target": self.source.target,
            "rows": self.given.get("rows"),
            "validation": None if self.validation is None else absolute(self.validation),
            "standardize": self.standardize,
            "task": self.task,
            **self.division,
            "seed": self.seed,
            "engine": self.engine,
            **asdict(settings),
        }

    def _report_plan(
        self, source: RowSource, validation: RowSource | None, network: Network, task: Task, settings: Settings
    ) -> None:
        """Report the rows, the default settings, the network, and where it is trained."""
        note = self.reporter.note
        learns = f"{network.sizes[-1]} classes" if task == "classification" else "a target of values"
        held_out = "no rows to validate on (--validation)" if validation is None else f"{len(validation):,} to validate on"
        note(
            f"{pluralize(len(source), 'row')} of {source.n_in} columns to train on, {held_out}; {target_of(self.source)}: {learns}"
        )
        note(f"defaults for rows: {defaults_as_options(settings, self.chosen)}")
        note(describe_network(network))
        if self.standardize:
            note("columns are scaled for the training; the model takes raw columns")
        if self.division:
            workers, every = self.division["workers"], self.division.get("sync_every") or 1
            shared = "sum their gradients at each step" if every == 1 else f"average their networks every {every} steps"
            note(f"on Ray: {pluralize(workers, 'worker')}, who {shared}; a step has {workers * settings.batch_size:,} rows")

    def _finish(self, network: Network, history: History, seconds: float) -> int:
        """Save the model, report its score, and return the exit status."""
        status = STATUS_AFTER.get(history.stopped or "", 0)
        remedy = self.checkpoints.remedy if history.stopped == "interrupted" else ""
        summary = self._summary(history, seconds)
        if status and (network.provenance is None or not network.provenance.steps):
            print_message(f"{history.message}; nothing was learnt, so nothing was saved{remedy}")
            self.reporter.summary("", summary)
            return status
        saved = f"{'replaced' if self.path.exists() else 'saved'} {self.path}"
        if network.provenance is not None:
            network.provenance = replace(
                network.provenance,
                data=without_query(self.source.name) + f"#{target_of(self.source)}",
                stopped=history.stopped or "",
            )
        network.save(self.path)
        if status:
            print_message(f"{history.message}; {saved}, with the parameters learnt so far{remedy}")
        else:
            self.reporter.note(f"{history.message}, in {seconds:.1f} s; {saved}")
        if self.plot is not None:
            from .plots import save_curves

            save_curves(self.plot, [history])
            self.reporter.note(f"drew {self.plot}")
        self.reporter.summary(score_line(summary), {**summary, "model": str(self.path)})
        return status

    def _summary(self, history: History, seconds: float) -> dict[str, Any]:
        """Give the entries of the JSON summary; the scores are those of the epoch whose parameters are kept."""
        kept = history[(history.best_epoch or len(history)) - 1] if len(history) else None
        scores = ("validation_accuracy", "validation_cost", "accuracy", "cost")
        return {
            **{name: None if kept is None else getattr(kept, name) for name in scores},
            "seconds": seconds,
            "model": None,
            "data": str(self.source),
            "epochs": len(history),
            "best_epoch": history.best_epoch,
            "stopped": history.stopped,
            "message": history.message,
            "seed": self.seed,
            "engine": history.engine,
        }


def target_of(source: Source) -> str:
    """Give the target's column: that which was named, or y of npz files.

    Raises
    ------
    SettingError
        When it was not named.
    """
    if source.target is None and not source.name.endswith(".npz"):
        raise SettingError(f"--target must name the column to learn in {source.name}; the others are the inputs")
    return source.target or "y"


def infer_task_of_rows(source: RowSource) -> Task:
    """Infer the task from the target's least and greatest number over all rows.

    Raises
    ------
    SettingError
        When whole numbers may be classes or values.
    """
    statistics = source.statistics
    least, most = statistics.least[-1], statistics.most[-1]
    if not np.isnan(statistics.fraction[-1]):
        return "regression"
    if least >= 0 and most < MOST_CLASSES:
        return "classification"
    raise SettingError(
        f"target {source.target!r} holds whole numbers from {least:g} to {most:g}: values, or classes, which are numbered from 0; "
        "give --task regression or --task classification"
    )


def count_outputs_of_rows(source: RowSource, task: Task) -> int:
    """Count the outputs: one for each class, at least two, or one for values.

    Raises
    ------
    SettingError
        When the target does not number classes from 0.
    """
    if task == "regression":
        return 1
    statistics = source.statistics
    least, most, fraction = statistics.least[-1], statistics.most[-1], statistics.fraction[-1]
    if least < 0 or not np.isnan(fraction):
        wrong = f"{least:g}" if least < 0 else f"{fraction:g}"
        raise SettingError(f"classes of rows are the whole numbers 0, 1, 2, ...; target {source.target!r} holds {wrong}")
    return max(2, 1 + int(most))


def score_line(summary: Mapping[str, Any]) -> str:
    """Write the last line: the validation score, or without a validation the training's.

    Examples
    --------
    >>> score_line({"validation_accuracy": None, "validation_cost": None, "accuracy": 0.5, "cost": 0.7})
    'training accuracy 50.00 %, cost 0.7'
    """
    kind = "training" if summary["validation_cost"] is None else "validation"
    prefix = "" if kind == "training" else "validation_"
    accuracy, cost = summary[f"{prefix}accuracy"], summary[f"{prefix}cost"]
    costs = "none" if cost is None else f"{cost:.4g}"
    return f"{kind} cost {costs}" if accuracy is None else f"{kind} accuracy {percent(accuracy)}, cost {costs}"
