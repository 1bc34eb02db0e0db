"""The work of ``chainrule train``: load the data, train, save the model, and report its score on the test examples."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import tensor_file
from .._checks import check_int, check_seed
from .._format import pluralize
from ..errors import SettingError
from ..network import Network
from ..scaler import ScaledTable, scale_table
from ..training import DivergenceWarning, EarlyStopping, Run
from .data_source import Source, SplitData, load_split, resolve_path
from .describe import describe_inputs
from .distort_option import make_distortion
from .exit_codes import STATUS_AFTER
from .output import Reporter, print_json, print_message
from .replaceable_file import check_replaceable
from .scores import compute_score
from .settings import Settings, Task, defaults_as_options, defaults_for, make_optimizer, resolve_settings, resolve_task
from .task import count_outputs, has_sign_labels, infer_task, signs_to_classes
from .training_request import CheckpointOptions, absolute

if TYPE_CHECKING:
    from ..history import EpochRecord, History


@dataclass(frozen=True)
class TrainingJob:
    """One training, from the command line to the model's file.

    Attributes
    ----------
    source : Source
        The data.
    path : Path
        Where the model is saved.
    chosen : dict
        The settings that were given on the command line; others have defaults that suit the data.
    seed : int
    engine : str
    threads : int or str
        As ``Run`` takes them.
    transposed : bool or None
        Whether a folder's images are stored column by column.
    all_rows : bool
        Whether a table is trained on as a whole, unscaled, without the recipe of tables.
    reporter : Reporter
    given : dict
        All options of the training that were given on the command line, which its checkpoints hold.
    checkpoints : CheckpointOptions
    plot : Path or None
        Where the learning curve is drawn.
    division : dict
        The settings of ``Run`` that divide the training between workers on Ray; empty on this machine.
    """

    source: Source
    path: Path
    chosen: Mapping[str, Any]
    seed: int
    engine: str
    threads: Any
    transposed: bool | None
    all_rows: bool
    reporter: Reporter
    given: Mapping[str, Any]
    checkpoints: CheckpointOptions
    plot: Path | None = None
    division: Mapping[str, Any] = field(default_factory=dict)

    def run(self) -> int:
        """Do all of it, and return the exit status."""
        self._check_options()
        parts, task = self._load()
        defaults = defaults_for(parts.kind, task, distorted="distort" in self.chosen)
        settings = resolve_settings(defaults, self.chosen)
        n_out = count_outputs((parts.train, parts.validation, parts.test), task, parts.source.name)
        network = self._make_network(parts, settings, n_out)
        scaled = scale_parts(parts, network, task)
        run = self._make_run(network, scaled, settings, parts.kind)  # raises for a wrong setting, before anything is printed
        self._report_plan(parts, task, network, scaled, settings, defaults)
        if self.checkpoints.resume is not None:
            self.reporter.note(f"resumed in epoch {len(run.history) + 1}, after {pluralize(run.done, 'step')}")
        began = time.perf_counter()
        try:
            history = run_to_end(run)
        except SystemExit:  # by SIGTERM or SIGHUP, in a training with checkpoints
            print_message(f"terminated in epoch {len(run.history) + 1}{self.checkpoints.remedy}")
            raise
        return self._finish(parts, network, scaled, history, time.perf_counter() - began)

    def _check_options(self) -> None:
        """Refuse an unknown name of data, a wrong seed, and a path that cannot be written, before anything is loaded."""
        _ = self.source.kind
        check_seed("seed", self.seed)
        check_int("epochs", self.chosen.get("epochs", 1), least=1)  # 0 would replace a trained model by an untrained one
        check_paths(self.path, self.source.name, self.plot)

    def _load(self) -> tuple[SplitData, Task]:
        parts = load_split(self.source, self.seed, transposed=self.transposed, all_rows=self.all_rows)
        task: Task = "classification"
        if parts.kind == "table":
            task = resolve_task(infer_task(parts.train), self.chosen)
        if task == "classification" and has_sign_labels(parts.train):
            train, validation, test = map(signs_to_classes, (parts.train, parts.validation, parts.test))
            parts = replace(parts, train=train, validation=validation, test=test)
            self.reporter.note("labels -1 and 1 are the classes 0 and 1 of the model, in evaluate and predict too")
        return parts, task

    def _make_network(self, parts: SplitData, settings: Settings, n_out: int) -> Network:
        """Make the network; for a table in float64, so that folding the scaling in keeps the digits of columns far from 0."""
        activation: Any = settings.activation if len(settings.activation) > 1 else settings.activation[0]
        return Network(
            [parts.train.n_in, *settings.hidden, n_out],
            activation=activation,
            output=settings.output,
            cost=settings.cost,
            init=settings.init,
            seed=self.seed,
            dtype="float64" if parts.unscaled else "float32",
        )

    def _make_run(self, network: Network, scaled: ScaledTable, settings: Settings, kind: str) -> Run:
        print_epochs_as_json = self.reporter.as_json and not self.reporter.quiet
        return Run(
            network,
            scaled.train,
            validation=scaled.validation,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            optimizer=make_optimizer(settings.optimizer, settings.momentum),
            schedule=settings.schedule,
            l2=settings.l2,
            dropout=settings.dropout,
            distort=None if settings.distort is None else make_distortion(settings.distort),
            early_stopping=make_early_stopping(settings.early_stopping, kind),
            engine=self.engine,
            threads=self.threads,
            callbacks=[print_record] if print_epochs_as_json else [],
            progress=not (self.reporter.quiet or self.reporter.as_json),
            **self.division,
            **self.checkpoints.settings(self.given, self._resolved(settings)),
        )

    def _resolved(self, settings: Settings) -> dict[str, Any]:
        """Give the values of all options of the training, those with defaults too."""
        source = {"data": absolute(self.source.name), "target": self.source.target}
        reading = {"transpose": self.transposed, "all_rows": self.all_rows}
        return {**source, **reading, **self.division, "seed": self.seed, "engine": self.engine, **asdict(settings)}

    def _report_plan(
        self, parts: SplitData, task: Task, network: Network, scaled: ScaledTable, settings: Settings, defaults: Settings
    ) -> None:
        """Report the data, the default settings, the network, the scaling, and how predict will read a picture."""
        note = self.reporter.note
        note(f"{parts.note}, {f'{network.sizes[-1]} classes' if task == 'classification' else 'a target of values'}")
        if parts.kind != "mnist" or settings.distort is not None:
            note(f"defaults for this data: {defaults_as_options(settings, self.chosen)}")
        elif settings.learning_rate != defaults.learning_rate and "learning_rate" not in self.chosen:
            note(f"default for these settings: --learning-rate {settings.learning_rate:g}")
        note(describe_network(network))
        if scaled.inputs is not None:
            note(describe_scaling(scaled))
        if parts.kind == "images":
            note(_describe_images(parts))
        if settings.distort is not None:
            note(f"images are distorted anew in each epoch, by up to {settings.distort}: an epoch's cost and accuracy are on these")

    def _finish(self, parts: SplitData, network: Network, scaled: ScaledTable, history: History, seconds: float) -> int:
        """Save the model, report its score on the test examples, and return the exit status."""
        cut_short = history.stopped in STATUS_AFTER
        status = STATUS_AFTER.get(history.stopped or "", 0)
        if cut_short and (network.provenance is None or not network.provenance.steps):
            print_message(f"{history.message}; nothing was learnt, so nothing was saved{self._remedy(history)}")
            self.reporter.summary("", self._summary(history, seconds))
            return status
        scaled.fold(network)
        saved = f"{'replaced' if self.path.exists() else 'saved'} {self.path}"
        self._save(parts, network, history)
        if cut_short:
            print_message(f"{history.message}; {saved}, with the parameters learnt so far{self._remedy(history)}")
        else:
            best = "" if history.best_epoch in (None, len(history)) else f", the best being epoch {history.best_epoch}"
            self.reporter.note(f"{history.message}{best}, in {seconds:.1f} s; {saved}")
        if self.plot is not None:
            from .plots import save_curves

            save_curves(self.plot, [history])
            self.reporter.note(f"drew {self.plot}")
        score = compute_score(network, parts.test)
        test = {"test_accuracy": score.accuracy, "test_cost": score.cost, "test_r2": score.r2, "test_rmse": score.rmse}
        self.reporter.summary(f"test {score}", {**self._summary(history, seconds), **test, "model": str(self.path)})
        return status

    def _remedy(self, history: History) -> str:
        """Say how to go on with a training that was interrupted."""
        return self.checkpoints.remedy if history.stopped == "interrupted" else ""

    def _save(self, parts: SplitData, network: Network, history: History) -> None:
        """Save the model, with the data it was trained on and the inputs it takes."""
        if network.provenance is not None:
            network.provenance = replace(
                network.provenance,
                data=str(self.source),
                stopped=history.stopped or "",
            )
        network.inputs = parts.input_spec()
        network.save(self.path)

    def _summary(self, history: History, seconds: float) -> dict[str, Any]:
        """Give the entries of the JSON summary, those of the test and the model left empty."""
        return {
            "test_accuracy": None,
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


def check_paths(path: Path, data: str, plot: Path | None) -> None:
    """Refuse paths of a model and a plot that cannot be written."""
    if resolve_path(path) == resolve_path(data):
        raise SettingError(f"--out names the data itself, {path}; give the model a name of its own")
    tensor_file.check_writable(path)
    check_replaceable(path)
    if plot is not None:
        from ..plotting import check_plot_path

        check_plot_path(plot)


def scale_parts(parts: SplitData, network: Network, task: Task) -> ScaledTable:
    """Scale a table's columns, and its targets where the output can be any number; other data is left as it is."""
    for part in (parts.train, parts.validation, parts.test):
        network.check_examples(part)
    if not parts.unscaled:
        return ScaledTable(parts.train, parts.validation)
    targets = task == "regression" and network.plan.layers[-1].activation == "identity"
    return scale_table(parts.train, parts.validation, targets=targets)


def make_early_stopping(patience: int, kind: str) -> EarlyStopping | None:
    """Stop early by the validation cost, but for MNIST by the accuracy, as the book does."""
    if not check_int("--early-stopping", patience, least=0):
        return None
    return EarlyStopping(patience, monitor=None if kind == "mnist" else "validation_cost")


def describe_network(network: Network) -> str:
    """Write a network's sizes, activations, cost and number of parameters as a line."""
    sizes = " x ".join(map(str, network.sizes))
    activations = " > ".join(sigma.name for sigma in network.plan.sigmas)
    return f"network: {sizes}, {activations}, {network.plan.cost_function.name} cost, {network.parameters:,} parameters"


def describe_scaling(scaled: ScaledTable) -> str:
    """Say that the columns, and perhaps the target, are scaled."""
    if scaled.outputs is None:
        return "columns are scaled for the training; the model takes raw columns"
    return "columns and target are scaled for the training and its costs; the model and the test result are in raw units"


def _describe_images(parts: SplitData) -> str:
    spec = parts.input_spec()
    transposed = "; they lie on their side, as EMNIST's do, and predict transposes upright pictures likewise (else: --no-transpose)"
    return f"the network learns {describe_inputs(spec)}{transposed * spec.transposed}"


def run_to_end(run: Run) -> History:
    """Train to the end, or until Ctrl-C."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # the job reports it itself
        try:
            for _ in run:
                pass
        except KeyboardInterrupt:  # between two epochs, or in a callback
            run.interrupt()
    return run.history


def print_record(record: EpochRecord) -> None:
    """Print a record as a line of JSON."""
    print_json(record._asdict())
