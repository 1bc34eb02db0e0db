"""``chainrule train``: load, train under a live line, save, and tell the test accuracy."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Exit

from .._checks import check_int, check_seed
from ..errors import FileError, SettingError
from .data import Parts, Source, are_signs, from_0, load, outputs_for, real_path, said_of, task_of
from .options import data_argument, flag, option, transpose_option
from .settings import Settings, Task, chosen_task, defaults_for, find_optimizer_with, settle, taken
from .telling import Teller, say_json, warn

if TYPE_CHECKING:
    from ..history import EpochRecord, History
    from ..network import Network
    from ..scaler import ScaledTable
    from ..training import Run

INTERRUPTED = 130
DIVERGED = 1
NETWORK, TRAINING, PROGRAM = "The network", "The training", "The program"


def train(
    data: Annotated[
        str, data_argument("mnist, digits, a FOLDER of IDX files, or a table: .csv, .npz, .svmlight or .parquet.", "mnist")
    ] = "mnist",
    hidden: Annotated[
        list[str] | None,
        option(
            "--hidden", "-H", metavar="N,...", text="Units of each hidden layer, or none for no layer.", default="30", panel=NETWORK
        ),
    ] = None,
    activation: Annotated[
        str | None,
        option(
            metavar="NAME,...",
            text="Of the hidden layers, one or one each: sigmoid, tanh, relu, leaky_relu, identity.",
            default="sigmoid",
            panel=NETWORK,
            table="activations",
        ),
    ] = None,
    output: Annotated[
        str | None,
        option(
            metavar="NAME", text="Activation of the output layer.", default="suits the cost", panel=NETWORK, table="activations"
        ),
    ] = None,
    cost: Annotated[
        str | None,
        option(
            metavar="NAME",
            text="quadratic, mean_squared_error, cross_entropy, log_loss or poisson.",
            default="quadratic",
            panel=NETWORK,
            table="costs",
        ),
    ] = None,
    init: Annotated[
        str | None,
        option(
            metavar="NAME",
            text="How weights start: normal, scaled, glorot_uniform or he_normal.",
            default="suits the activation",
            panel=NETWORK,
            table="starts",
        ),
    ] = None,
    epochs: Annotated[
        int | None, option("--epochs", "-e", metavar="N", text="Times through the data.", default="30", panel=TRAINING)
    ] = None,
    batch_size: Annotated[
        int | None, option("--batch-size", "-b", metavar="N", text="Examples of a mini-batch.", default="10", panel=TRAINING)
    ] = None,
    learning_rate: Annotated[
        float | None,
        option(
            "--learning-rate",
            "-r",
            metavar="ETA",
            text="Size of a step; the default follows cost, optimizer and activation, for MNIST too.",
            default="3.0",
            panel=TRAINING,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        option(
            metavar="NAME",
            text="sgd, momentum, nesterov, adam, adamw or rmsprop.",
            default="sgd",
            panel=TRAINING,
            table="optimizers",
        ),
    ] = None,
    momentum: Annotated[
        float | None,
        option(metavar="MU", text="Of sgd, momentum and nesterov.", default="the optimizer's own", panel=TRAINING),
    ] = None,
    schedule: Annotated[
        str | None,
        option(
            metavar="NAME",
            text="How the rate changes: constant, inverse_scaling, step, cosine or warm_up.",
            default="constant",
            panel=TRAINING,
            table="schedules",
        ),
    ] = None,
    l2: Annotated[
        float | None,
        option(metavar="X", text="Penalty (X/2) sum w^2 beside the cost; the book's lambda / n.", default="0", panel=TRAINING),
    ] = None,
    dropout: Annotated[
        float | None, option(metavar="P", text="Probability of dropping a hidden unit.", default="0", panel=TRAINING)
    ] = None,
    early_stopping: Annotated[
        int | None,
        option(
            metavar="N",
            text="Stop after N epochs without a better validation, and keep the best; 0 for never.",
            default="0",
            panel=TRAINING,
        ),
    ] = None,
    target: Annotated[
        str | None,
        option("--target", "-t", metavar="COLUMN", text="A table's column to learn.", default="the last", panel=PROGRAM),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "--out",
            "-o",
            metavar="FILE",
            text="Where the model goes; a model that is there is replaced.",
            default="./mnist.safetensors, or as DATA",
            panel=PROGRAM,
        ),
    ] = None,
    transpose: Annotated[
        bool | None,
        transpose_option("Whether a folder's images lie on their side, as EMNIST's do.", "told by the files' names", PROGRAM),
    ] = None,
    seed: Annotated[
        int,
        option("--seed", "-s", metavar="N", text="Decides the start, the order, a table's split.", default="0", panel=PROGRAM),
    ] = 0,
    engine: Annotated[
        str, option(metavar="NAME", text="Which engine computes.", default="auto", panel=PROGRAM, table="engines")
    ] = "auto",
    threads: Annotated[str, option(metavar="N", text="Threads to compute with.", default="auto", panel=PROGRAM)] = "auto",
    quiet: Annotated[bool, flag("--quiet", "-q", text="Print the last line only.", panel=PROGRAM)] = False,
    as_json: Annotated[
        bool, flag("--json", text="Print a JSON object a line: each epoch (unless quiet), a summary.", panel=PROGRAM)
    ] = False,
) -> None:
    """Train a network, save it, and print its accuracy on the test examples.

    The defaults below are those for MNIST: the notes' network, which reads
    about 95 % of its test images. Other data has defaults that suit it; the
    program says which it took. What you choose always counts.

    The model takes the place of a model of its name: without --out, of
    mnist.safetensors, or what DATA is called. Ctrl-C saves what was learnt so
    far, and a training that diverges its last finite epoch.

    With --json the summary's keys are test_accuracy, test_cost, test_r2,
    test_rmse, seconds, model, data, epochs, best_epoch, stopped, message,
    seed, engine and notes; an epoch's are epoch, cost, accuracy,
    validation_cost, validation_accuracy, learning_rate, seconds and
    examples_per_second.

    Exit status: 0; 1 if it diverged or memory ran out; 2 for a mistake on the
    command line or in the data; 130 after Ctrl-C.
    """
    options = locals() | {"hidden": _layers(hidden), "activation": None if activation is None else tuple(activation.split(","))}
    chosen = {column.name: options[column.name] for column in fields(Settings) if options[column.name] is not None}
    source = Source(data, target)
    status = Job(source, out or source.model_path, seed, engine, threads, Teller(quiet, as_json), transpose).run(chosen)
    if status:
        raise Exit(status)


def _layers(hidden: Sequence[str] | None) -> tuple[int, ...] | None:
    """Read the units of the hidden layers: numbers, in one list or in several."""
    if hidden is None or not hidden:
        return None
    words = [word.strip() for words in hidden for word in words.split(",")]
    if words == ["none"]:
        return ()
    layers = tuple(_number(word) for word in words)
    if not all(isinstance(units, int) for units in layers):
        raise SettingError(f"--hidden takes whole numbers, such as 128,64, or none; it is {','.join(words)!r}")
    return layers


def _number(text: str) -> Any:
    """Read a whole number; leave what is none as it is, for others to judge."""
    try:
        return int(text)
    except ValueError:
        return text


def check_replaceable(path: Path) -> None:
    """Refuse to put a model in the place of a file that is none; an empty one may go.

    Raises
    ------
    FileError
        Then, or when no file can have this name.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None
    if not path.is_file() or (size and not _is_model(path)):
        raise FileError(f"{path} is there and is no chainrule model; remove it, or choose another name with --out")


def _is_model(path: Path) -> bool:
    """Tell whether a file's header is that of a model of ours; the rest is not read."""
    from ..model_file import HEADER_BYTES

    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= HEADER_BYTES else {}
        return bool(header["__metadata__"]["format"] == "chainrule")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


@dataclass(frozen=True)
class Job:
    """One training, from the command line to the model's file."""

    source: Source
    path: Path
    seed: int
    engine: str
    threads: str
    teller: Teller
    transposed: bool | None = None

    def run(self, chosen: dict[str, Any]) -> int:
        """Do all of it, and give the exit status."""
        from .. import model_file

        kind = self.source.kind  # a name that is wrong is told before anything else
        check_seed("seed", self.seed)
        check_int("epochs", chosen.get("epochs", 1), least=1)  # none would put an untrained model in a trained one's place
        if real_path(self.path) == real_path(self.source.name):
            raise SettingError(f"--out names the data itself, {self.path}; give the model a name of its own")
        model_file.check_writable(self.path)
        check_replaceable(self.path)
        parts = load(self.source, self.seed, transposed=self.transposed)
        task = chosen_task(task_of(parts.train), chosen) if kind == "table" else "classes"
        if task == "classes" and are_signs(parts.train):
            parts = replace(parts, train=from_0(parts.train), validation=from_0(parts.validation), test=from_0(parts.test))
            self.teller.note("labels -1 and 1 are the classes 0 and 1, of which predict and evaluate tell")
        defaults = defaults_for(kind, task)
        settings = settle(defaults, chosen)
        outputs = outputs_for(parts, task)
        network = self._network(parts, settings, outputs)
        scaled = self._scaled(parts, network, task)
        run = self._run(network, scaled, settings, kind != "mnist")  # what is wrong with a setting is told before all else
        self.teller.note(f"{parts.note}, {f'{outputs} classes' if task == 'classes' else 'a target of values'}")
        self._note_settings(parts, settings, chosen, defaults)
        self._note_network(network, scaled)
        self._note_images(parts)
        began = time.perf_counter()
        history = _drained(run)
        return self._finish(parts, network, scaled, history, time.perf_counter() - began)

    def _note_settings(self, parts: Parts, settings: Settings, chosen: dict[str, Any], defaults: Settings) -> None:
        if parts.kind != "mnist":
            self.teller.note(f"taken to suit this data: {taken(settings, chosen)}")
        elif settings.learning_rate != defaults.learning_rate and "learning_rate" not in chosen:
            self.teller.note(f"taken to suit the other settings: --learning-rate {settings.learning_rate:g}")

    def _note_network(self, network: Network, scaled: ScaledTable) -> None:
        sizes = " x ".join(map(str, network.sizes))
        sigmas = " > ".join(sigma.name for sigma in network.plan.sigmas)
        self.teller.note(f"network: {sizes}, {sigmas}, {network.plan.cost_function.name} cost, {network.parameters:,} parameters")
        if scaled.outputs is not None:
            self.teller.note(
                "columns and target brought to a common scale to train, which the epochs' costs are on; "
                "the model and the last line are in the raw units"
            )
        elif scaled.inputs is not None:
            self.teller.note("columns brought to a common scale to train; the model takes the raw columns")

    def _note_images(self, parts: Parts) -> None:
        """Say of a folder's images how predict will read a picture."""
        if parts.kind != "images":
            return
        spec = parts.inputs()
        turned = "; they lie on their side, as EMNIST's do, and predict turns upright pictures likewise (else: --no-transpose)"
        self.teller.note(f"the network learns {said_of(spec)}{turned * spec.transposed}")

    def _network(self, parts: Parts, settings: Settings, outputs: int) -> Network:
        """Draw the network; a table's in float64, so that raw columns far from 0 lose nothing when the scaling is folded in."""
        from ..network import Network

        activation: Any = settings.activation if len(settings.activation) > 1 else settings.activation[0]
        return Network(
            [parts.train.n_in, *settings.hidden, outputs],
            activation=activation,
            output=settings.output,
            cost=settings.cost,
            init=settings.init,
            seed=self.seed,
            dtype="float64" if parts.unscaled else "float32",
        )

    def _scaled(self, parts: Parts, network: Network, task: Task) -> ScaledTable:
        from ..scaler import ScaledTable, scale_table

        for part in (parts.train, parts.validation, parts.test):
            network.check_examples(part)
        if not parts.unscaled:
            return ScaledTable(parts.train, parts.validation)
        values = task == "values" and network.plan.layers[-1].activation == "identity"
        return scale_table(parts.train, parts.validation, targets=values)

    def _run(self, network: Network, scaled: ScaledTable, settings: Settings, by_cost: bool) -> Run:
        from ..training import EarlyStopping, Run

        patience, stopping = settings.early_stopping, None
        if patience:
            stopping = EarlyStopping(patience, monitor="validation_cost" if by_cost else None)
        telling = self.teller.as_json and not self.teller.quiet
        return Run(
            network,
            scaled.train,
            validation=scaled.validation,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            optimizer=find_optimizer_with(settings.optimizer, settings.momentum),
            schedule=settings.schedule,
            l2=settings.l2,
            dropout=settings.dropout,
            early_stopping=stopping,
            engine=self.engine,
            threads=_number(self.threads),
            callbacks=[_print_record] if telling else [],
            progress=not (self.teller.quiet or self.teller.as_json),
        )

    def _finish(self, parts: Parts, network: Network, scaled: ScaledTable, history: History, seconds: float) -> int:
        """Save what was learnt, and tell how good it is."""
        from .scores import score

        provenance = network.provenance
        cut_off = history.stopped in ("interrupted", "diverged")
        if cut_off and (provenance is None or not provenance.steps):
            warn(f"{history.message}; nothing was learnt, so nothing was saved")
            self.teller.last("", self._facts(history, seconds))
            return INTERRUPTED if history.stopped == "interrupted" else DIVERGED
        scaled.fold(network)
        if provenance is not None:
            network.provenance = replace(
                provenance, data=str(self.source), stopped=history.stopped or "", columns=list(parts.columns), target=parts.target
            )
        network.inputs = parts.inputs()
        existed = self.path.exists()
        network.save(self.path)
        where = f"{'replaced' if existed else 'saved'} {self.path}"
        if cut_off:
            warn(f"{history.message}; {f'{where} with what was learnt' if existed else f'what was learnt is in {self.path}'}")
        else:
            best = "" if history.best_epoch in (None, len(history)) else f", the best being epoch {history.best_epoch}"
            self.teller.note(f"{history.message}{best}, in {seconds:.1f} s; {where}")
        found = score(network, parts.test)
        facts = {"test_accuracy": found.accuracy, "test_cost": found.cost, "test_r2": found.r2, "test_rmse": found.rmse}
        self.teller.last(f"test {found}", {**self._facts(history, seconds), **facts, "model": str(self.path)})
        return {"interrupted": INTERRUPTED, "diverged": DIVERGED}.get(history.stopped or "", 0)

    def _facts(self, history: History, seconds: float) -> dict[str, Any]:
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


def _drained(run: Run) -> History:
    """Go through a training to its end, or to Ctrl-C."""
    from ..training import DivergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # it is said in a line of its own
        try:
            for _ in run:
                pass
        except KeyboardInterrupt:  # between two epochs, or while one was told
            run.interrupt()
    return run.history


def _print_record(record: EpochRecord) -> None:
    say_json(asdict(record))
