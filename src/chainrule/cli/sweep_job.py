"""The work of ``chainrule sweep``: load the data, parse the space, train the runs, and report the best."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._checks import MAXIMUM_COUNT, check_int, check_seed
from .._format import pluralize
from ..errors import SettingError
from ..network import Network
from ..sweeping.live_table import live_table, points_table
from ..sweeping.outputs import MODEL, summary_of
from ..sweeping.result_table import best_of, cell, groups_of
from ..sweeping.search import MOST_RUNS
from ..sweeping.space import Choices, Parameter, Range, describe, parse_text
from ..sweeping.sweep import MOST_SEEDS, MOST_THREADS, Sweep, SweepRequest
from ..sweeping.sweep_run import SweepTask
from .data_source import Source, SplitData, load_split
from .exit_codes import FAILURE
from .output import Reporter, print_line, print_message
from .settings import Settings, Task, defaults_as_options, defaults_for, resolve_settings, resolve_task
from .sweep_report import REPORT, write_report
from .task import count_outputs, has_sign_labels, infer_task, signs_to_classes
from .train import parse_threads
from .training_job import describe_scaling, make_early_stopping, scale_parts

if TYPE_CHECKING:
    from ..scaler import ScaledTable

SWEPT = ("hidden", "activation", "output", "cost", "init", "batch_size", "learning_rate", "optimizer", "schedule", "l2", "dropout")
"""The options that take several values, in the order of the results' columns."""

TOLD = 10
"""The most points of the printed table."""


class SweepJob:
    """One run of the command.

    Parameters
    ----------
    options : mapping
        Those of the command line, by their names; None where one was not given.
    folder : Path
    reporter : Reporter

    Raises
    ------
    SettingError
        When an option cannot be read.
    """

    def __init__(self, options: Mapping[str, Any], folder: Path, reporter: Reporter) -> None:
        self.options, self.folder, self.reporter = options, folder, reporter
        self.source = Source(options.get("data") or "mnist", options.get("target"))
        self.space = parse_options(options)
        if options.get("random") is not None and options.get("asha") is not None:
            raise SettingError("--random and --asha are two searches; give one of them")
        check_numbers(options)

    def run(self) -> int:
        """Do all of it, and return the exit status."""
        began = time.perf_counter()
        parts, task = self._load()
        defaults = defaults_for(parts.kind, task)
        fixed = {name: self.options[name] for name in ("epochs", "early_stopping") if self.options.get(name) is not None}
        settings = resolve_fixed(defaults, self.space, fixed)
        scaled, sweep = self._make_sweep(parts, task, settings)
        note = self.reporter.note
        note(f"{parts.note}, {f'{sweep.task.n_out} classes' if task == 'classification' else 'a target of values'}")
        chosen = {**dict.fromkeys(self.space), **fixed}
        if default_options := defaults_as_options(settings, chosen):
            note(f"defaults for this data: {default_options}")
        if scaled.outputs is not None:
            note("columns and target are scaled, for all costs, that of the test too; the model takes and gives raw units")
        elif scaled.inputs is not None:
            note(describe_scaling(scaled))
        note(describe_sweep(sweep))
        self._train(sweep)
        return self._finish(sweep, parts, scaled, time.perf_counter() - began)

    def _load(self) -> tuple[SplitData, Task]:
        from ..tables.read import is_table_of_columns

        if self.source.kind == "table" and is_table_of_columns(Path(self.source.name)):
            raise SettingError(
                f"a sweep trains on images and arrays (.npz, .svmlight); {self.source.name} is a table of columns: chainrule train "
                "fits it by a recipe, and scikit-learn's searches vary the settings of TableClassifier and TableRegressor"
            )
        parts = load_split(self.source, 0, transposed=self.options.get("transpose"))
        task: Task = "classification"
        if parts.kind == "table":
            self._refuse_seeds()
            task = self._resolve_task(infer_task(parts.train))
        if task == "classification" and has_sign_labels(parts.train):
            train, validation, test = map(signs_to_classes, (parts.train, parts.validation, parts.test))
            parts = replace(parts, train=train, validation=validation, test=test)
        return parts, task

    def _refuse_seeds(self) -> None:
        """Refuse several seeds of a table without a test set of its own: each would divide its rows in another way."""
        if (self.options.get("seeds") or 1) > 1:
            raise SettingError(
                f"the seed divides the rows of {self.source.name} into training, validation and test rows, so that runs of several "
                "seeds would not be comparable; leave --seeds out, or pass rows that you have divided to cr.sweep"
            )

    def _resolve_task(self, inferred: Task) -> Task:
        """Give the task of all runs: costs or outputs of another task are for a sweep of their own."""
        tasks = {resolve_task(inferred, chosen) for chosen in _combinations(self.space)}
        if len(tasks) > 1:
            raise SettingError(
                "some of the costs or outputs are for classes, and others for values; sweep those for classes and those for values "
                "on their own"
            )
        return tasks.pop()

    def _make_sweep(self, parts: SplitData, task: Task, settings: Settings) -> tuple[ScaledTable, Sweep]:
        """Scale the data, and make the sweep; a mistake in a setting is found here."""
        n_out = count_outputs((parts.train, parts.validation, parts.test), task, parts.source.name)
        own = network_settings_of(settings, self.space)
        dtype = "float64" if parts.unscaled else "float32"
        first = {
            name: value for name, value in _first_values(self.space).items() if name in ("activation", "output", "cost", "init")
        }
        scaled = scale_parts(parts, Network([parts.train.n_in, n_out], **{**own, **first}, seed=0, dtype=dtype), task)
        options = self.options
        sweep_task = SweepTask(
            train=scaled.train,
            validation=scaled.validation,
            test=scaled.scaled(parts.test),
            n_out=n_out,
            settings={**own, **training_settings_of(settings, self.space, parts.kind), "dtype": dtype},
            engine=options.get("engine") or "auto",
        )
        request = SweepRequest(
            space=self.space,
            seeds=tuple(range(options.get("seeds", 1))),
            epochs=settings.epochs,
            search="asha" if options.get("asha") is not None else "random" if options.get("random") is not None else "grid",
            trials=options.get("random") if options.get("asha") is None else options["asha"],
            search_seed=options.get("search_seed") or 0,
            on=options.get("on") or "local",
            address=options.get("address"),
            threads=parse_threads(options.get("threads")),
            folder=self.folder,
            resume=bool(options.get("resume")),
            plots=not options.get("no_plot"),
        )
        return scaled, Sweep(sweep_task, request)

    def _train(self, sweep: Sweep) -> None:
        """Train the runs that are missing, and say how to go on where Ctrl-C ends it."""
        try:
            with live_table(not (self.reporter.quiet or self.reporter.as_json)) as tell:
                sweep.train(tell)
        except (KeyboardInterrupt, SystemExit):
            done = pluralize(len(sweep.results), "run")
            print_message(f"interrupted after {done}; the same command with --resume goes on")
            raise
        for message in sweep.messages:
            print_message(f"warning: {message}")

    def _finish(self, sweep: Sweep, parts: SplitData, scaled: ScaledTable, seconds: float) -> int:
        """Save the best network, write the table, the plots and the page, and report."""
        network, best = sweep.best_network(), best_of(sweep.results)
        if network is not None:
            scaled.fold(network)
            if network.provenance is not None:
                network.provenance = replace(network.provenance, data=str(self.source))
            network.inputs = parts.input_spec()
        sweep.write(network)
        description = f"{describe_sweep(sweep)}; {self.source}; {sweep.engine}."
        write_report(self.folder, sweep.results, self.space, description, plots=sweep.request.plots)
        if not (self.reporter.quiet or self.reporter.as_json):
            print_groups(sweep)
        self.reporter.note(f"{pluralize(len(sweep.results), 'run')} in {seconds:.1f} s; the report is {self.folder / REPORT}")
        values = {
            "best": None
            if best is None
            else {
                **{name: cell(name, value) for name, value in best.settings},
                "seed": best.seed,
                "epochs": best.trained_epochs,
                "validation_accuracy": best.validation_accuracy,
                "validation_cost": best.validation_cost,
                "test_accuracy": best.test_accuracy,
                "test_cost": best.test_cost,
            },
            "runs": len(sweep.results),
            "diverged": sum(result.stopped == "diverged" for result in sweep.results),
            "seconds": seconds,
            "folder": str(self.folder),
            "model": None if network is None else str(self.folder / MODEL),
            "engine": sweep.engine,
        }
        self.reporter.summary(summary_of(sweep.results), values)
        return FAILURE if best is None else 0


def parse_options(options: Mapping[str, Any]) -> dict[str, Parameter]:
    """Parse the options that take several values; an error names the option.

    Examples
    --------
    >>> parse_options({"hidden": "10,30", "l2": None, "optimizer": "adam"})
    {'hidden': Choices(values=((10,), (30,))), 'optimizer': Choices(values=('adam',))}
    """
    space = {}
    for name in SWEPT:
        if options.get(name) is not None:
            try:
                space[name] = parse_text(name, options[name])
            except SettingError as error:
                raise SettingError(f"--{name.replace('_', '-')}: {error}") from None
    return space


def check_numbers(options: Mapping[str, Any]) -> None:
    """Refuse numbers of the search that are out of range; the error names the option, not the argument of ``cr.sweep``."""
    for name, least, most in (
        ("random", 1, MOST_RUNS),
        ("asha", 1, MOST_RUNS),
        ("seeds", 1, MOST_SEEDS),
        ("epochs", 1, MAXIMUM_COUNT),
        ("early_stopping", 0, MAXIMUM_COUNT),
    ):
        if options.get(name) is not None:
            check_int(f"--{name.replace('_', '-')}", options[name], least=least, most=most)
    check_seed("--search-seed", options.get("search_seed") or 0)
    threads = parse_threads(options.get("threads"))
    if isinstance(threads, int):
        check_int("--threads", threads, least=1, most=MOST_THREADS)


def _first_values(space: Mapping[str, Parameter]) -> dict[str, Any]:
    """Give one value of each setting, as ``Settings`` has it."""
    return {name: parameter.low if isinstance(parameter, Range) else parameter.values[0] for name, parameter in space.items()}


def resolve_fixed(defaults: Settings, space: Mapping[str, Parameter], fixed: Mapping[str, Any]) -> Settings:
    """Give the settings that do not vary; those of the space have one of their values.

    Raises
    ------
    SettingError
        When the default of a setting depends on one that varies.
    """
    resolved = [resolve_settings(defaults, {**chosen, **fixed}) for chosen in _combinations(space)]
    for setting in fields(Settings):
        values = {getattr(settings, setting.name) for settings in resolved}
        if setting.name not in space and len(values) > 1:
            varied = next(name for name in _DECIDING if isinstance(space.get(name), Choices) and len(space[name].values) > 1)  # type: ignore[union-attr]
            option, other = (f"--{name.replace('_', '-')}" for name in (setting.name, varied))
            raise SettingError(f"the default of {option} depends on {other}, which varies; give {option}")
    return resolved[0]


_DECIDING = ("optimizer", "cost", "activation", "output")
"""The settings that others' defaults depend on."""


def _combinations(space: Mapping[str, Parameter]) -> Iterator[dict[str, Any]]:
    """Give all combinations of the settings that others' defaults depend on, with one value of every other one."""
    deciding = [name for name in _DECIDING if name in space]
    values = [parameter.values for name in deciding if isinstance(parameter := space[name], Choices)]
    for combination in itertools.product(*values):
        chosen = {**_first_values(space), **dict(zip(deciding, combination, strict=True))}
        yield {name: (value,) if name == "activation" else value for name, value in chosen.items()}


def network_settings_of(settings: Settings, space: Mapping[str, Parameter]) -> dict[str, Any]:
    """Give the settings of ``Network`` that do not vary."""
    activation = settings.activation if len(settings.activation) > 1 else settings.activation[0]
    own = {"activation": activation, "output": settings.output, "cost": settings.cost, "init": settings.init}
    return {name: value for name, value in own.items() if name not in space}


def training_settings_of(settings: Settings, space: Mapping[str, Parameter], kind: str) -> dict[str, Any]:
    """Give the settings of the training, and the hidden layers, that do not vary."""
    names = ("hidden", "batch_size", "learning_rate", "optimizer", "schedule", "l2", "dropout")
    own = {name: getattr(settings, name) for name in names}
    early_stopping = make_early_stopping(settings.early_stopping, kind)
    return {**{name: value for name, value in own.items() if name not in space}, "early_stopping": early_stopping}


def describe_sweep(sweep: Sweep) -> str:
    """Say what is trained, in a line."""
    request = sweep.request
    space = " ".join(f"--{name.replace('_', '-')} {describe(parameter)}" for name, parameter in request.space.items())
    points, seeds = pluralize(len(sweep.points), "point"), pluralize(len(request.seeds), "seed")
    epochs = f"{sweep.rungs[0]} to {sweep.rungs[-1]} epochs" if len(sweep.rungs) > 1 else pluralize(request.epochs, "epoch")
    where = (
        f"on Ray at {request.address}"
        if request.address
        else "on Ray"
        if request.on == "ray"
        else pluralize(sweep.threads, "thread")
    )
    return f"{request.search}: {points} x {seeds} x {epochs}, {where}{'; ' * bool(space)}{space}"


def print_groups(sweep: Sweep) -> None:
    """Print the best points."""
    from rich.console import Console

    from .._stdout import tolerate_closed_stdout

    groups = groups_of(sweep.results)
    with tolerate_closed_stdout():
        Console(highlight=False).print(points_table(groups[:TOLD]))
    if len(groups) > TOLD:
        print_line(f"the best {TOLD} of {len(groups):,} points, by the mean of the seeds' validation scores")
