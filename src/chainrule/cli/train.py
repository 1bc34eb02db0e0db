"""``chainrule train``: the options; ``training_job`` does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from .._checks import check_int
from ..errors import SettingError
from .distort_option import USUAL_AMOUNTS, normalize_amounts
from .options import (
    CHECKPOINT_PANEL,
    NETWORK_PANEL,
    PROGRAM_PANEL,
    TRAINING_PANEL,
    RegistryOption,
    arguments_panel,
    data_argument,
    flag,
    float_option,
    folder_option,
    integer_option,
    json_option,
    option,
    path_option,
    plot_option,
    registry_option,
    target_option,
    transpose_option,
)
from .reading_options import TABLE_PANEL, collect_reading_options, option_of, reading_options
from .registries import (
    activation_names,
    cost_names,
    engine_names,
    hidden_activation_names,
    initializer_names,
    metric_names,
    momentum_optimizer_names,
    optimizer_names,
    schedule_names,
)
from .settings import MNIST_DEFAULTS, as_option_value

ROWS_PANEL = "Rows of files"
RAY_PANEL = "On Ray"

if TYPE_CHECKING:
    from .output import Reporter
    from .reading_options import ReadingOptions
    from .rows_training_job import RowsTrainingJob
    from .table_training_job import TableTrainingJob
    from .training_job import TrainingJob
    from .training_request import CheckpointOptions

    Job = TrainingJob | TableTrainingJob | RowsTrainingJob


def setting_default(name: str) -> str:
    """Write the default of a setting for MNIST as its option takes it."""
    return as_option_value(getattr(MNIST_DEFAULTS, name))


@click.command("train")
@arguments_panel
@data_argument(
    "mnist, digits, circles, spiral, xor, moons, a FOLDER of IDX files, or a table: .csv, .tsv, .parquet, .jsonl, .npz or "
    ".svmlight.",
    default="mnist",
)
@option(
    "--hidden",
    "-H",
    metavar="N,...",
    multiple=True,
    text="Units of each hidden layer, or none for no layer.",
    default=setting_default("hidden"),
    panel=NETWORK_PANEL,
)
@registry_option(
    "--activation",
    metavar="NAME,...",
    registry=hidden_activation_names,
    text="Activation of the hidden layers, one for all or one for each: {names}.",
    default=setting_default("activation"),
    panel=NETWORK_PANEL,
)
@registry_option(
    "--output",
    metavar="NAME",
    registry=activation_names,
    text="Activation of the output layer: {names}.",
    default="suits the cost",
    panel=NETWORK_PANEL,
)
@registry_option(
    "--cost",
    metavar="NAME",
    registry=cost_names,
    text="Cost function: {names}.",
    default=setting_default("cost"),
    panel=NETWORK_PANEL,
)
@registry_option(
    "--init",
    metavar="NAME",
    registry=initializer_names,
    text="Initializer of the weights: {names}.",
    default="suits the activation",
    panel=NETWORK_PANEL,
)
@integer_option(
    "--epochs", "-e", metavar="N", text="Passes through the data.", default=setting_default("epochs"), panel=TRAINING_PANEL
)
@integer_option(
    "--batch-size",
    "-b",
    metavar="N",
    text="Examples in a mini-batch.",
    default=setting_default("batch_size"),
    panel=TRAINING_PANEL,
)
@float_option(
    "--learning-rate",
    "-r",
    metavar="ETA",
    text="Size of a step; the default depends on cost, optimizer and activation, for MNIST too.",
    default=str(MNIST_DEFAULTS.learning_rate),
    panel=TRAINING_PANEL,
)
@registry_option(
    "--optimizer",
    metavar="NAME",
    registry=optimizer_names,
    text="Update rule: {names}.",
    default=setting_default("optimizer"),
    panel=TRAINING_PANEL,
)
@float_option(
    "--momentum",
    metavar="MU",
    cls=RegistryOption,
    registry=momentum_optimizer_names,
    text="Momentum of {names}.",
    default="the optimizer's own",
    panel=TRAINING_PANEL,
)
@registry_option(
    "--schedule",
    metavar="NAME",
    registry=schedule_names,
    text="How the learning rate changes: {names}.",
    default=setting_default("schedule"),
    panel=TRAINING_PANEL,
)
@float_option(
    "--l2",
    metavar="X",
    text="Penalty (X/2) sum w^2 added to the cost; the book's lambda / n.",
    default=setting_default("l2"),
    panel=TRAINING_PANEL,
)
@float_option(
    "--dropout",
    metavar="P",
    text="Probability of dropping a hidden unit.",
    default=setting_default("dropout"),
    panel=TRAINING_PANEL,
)
@option(
    "--distort",
    metavar="[AMOUNT,...]",
    is_flag=False,
    flag_value=USUAL_AMOUNTS,
    text=f"Distort images anew in each epoch, by up to these amounts, or by {USUAL_AMOUNTS} where none is given.",
    default="off",
    panel=TRAINING_PANEL,
)
@integer_option(
    "--early-stopping",
    metavar="N",
    text="Stop after N epochs without a better validation score, and keep the best epoch's parameters; 0 for never.",
    default=setting_default("early_stopping"),
    panel=TRAINING_PANEL,
)
@target_option("The column to learn, by name or number.", default="the last", panel=TABLE_PANEL)
@option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    text="Whether the target holds classes or values.",
    default="found in its values",
    panel=TABLE_PANEL,
)
@integer_option(
    "--networks", metavar="N", text="Networks to train and average, each on other rows.", default="5", panel=TABLE_PANEL
)
@registry_option(
    "--metric",
    metavar="NAME",
    registry=metric_names,
    text="The score to be good at: {names}.",
    default="accuracy, or rmse for values",
    panel=TABLE_PANEL,
)
@float_option("--time-limit", metavar="SECONDS", text="Begin no further epoch after this time.", panel=TABLE_PANEL)
@flag(
    "--all-rows",
    text="Train the network of these options on all rows of a table as they are, without split, scaling and recipe.",
    panel=TABLE_PANEL,
    default=None,
)
@flag(
    "--rows",
    text="Train one network on the numeric rows of a file, a window at a time; of a pattern or a URL always.",
    panel=ROWS_PANEL,
    default=None,
)
@option("--validation", metavar="FILES", type=str, text="Rows to validate on: a file, a pattern or a URL.", panel=ROWS_PANEL)
@click.option(
    "--standardize/--no-standardize",
    default=None,
    help="Whether columns are scaled for the training; the model takes raw ones (default: they are).",
    panel=ROWS_PANEL,
)
@option("--on", type=click.Choice(["local", "ray"]), text="Where: in this process, or on Ray.", default="local", panel=RAY_PANEL)
@integer_option(
    "--workers",
    metavar="N",
    text="Workers that divide the rows of each step, with --batch-size rows each.",
    default="",
    panel=RAY_PANEL,
)
@integer_option(
    "--sync-every",
    metavar="K",
    text="Average the workers' networks every K steps; 1 sums their gradients, as one process with the whole batch would.",
    default="1",
    panel=RAY_PANEL,
)
@option(
    "--address", metavar="HOST:PORT", text="A Ray cluster that is there.", default="one begins on this machine", panel=RAY_PANEL
)
@reading_options
@path_option(
    "--out",
    "-o",
    text="Where to save the model; an existing model is replaced.",
    default="./mnist.safetensors, or as DATA",
    panel=PROGRAM_PANEL,
)
@plot_option("Draw cost and score over the epochs to this file: .png, .svg or .pdf.", panel=PROGRAM_PANEL)
@folder_option(
    "--checkpoint",
    text="Keep checkpoints in this new folder, from which a training that was killed goes on.",
    panel=CHECKPOINT_PANEL,
)
@option(
    "--checkpoint-every",
    metavar="TIME",
    text="The time or the epochs between two checkpoints: 30 s, 5 min, 1 h, or 5 epochs.",
    default="10 s",
    panel=CHECKPOINT_PANEL,
)
@folder_option(
    "--resume",
    text="Go on with the training of this folder; its data and settings need not be given, and --epochs may be more.",
    panel=CHECKPOINT_PANEL,
)
@flag(
    "--allow-other-engine",
    text="Resume on a machine with another instruction set, where the last digits differ.",
    panel=CHECKPOINT_PANEL,
)
@transpose_option("Whether a folder's images lie on their side, as EMNIST's do.", panel=PROGRAM_PANEL)
@integer_option(
    "--seed",
    "-s",
    metavar="N",
    text="Seed of the weights, the order, and a table's split.",
    default="0",
    panel=PROGRAM_PANEL,
)
@registry_option(
    "--engine",
    metavar="NAME",
    registry=engine_names,
    text="Engine that computes.",
    default="auto",
    panel=PROGRAM_PANEL,
)
@option("--threads", metavar="N", text="Number of threads.", default="auto", panel=PROGRAM_PANEL)
@flag("--quiet", "-q", text="Print the last line only.", panel=PROGRAM_PANEL)
@json_option("Print one JSON object per line: each epoch (unless quiet), then a summary.", panel=PROGRAM_PANEL)
def train(
    threads: str | None,
    quiet: bool,
    as_json: bool,
    checkpoint: Path | None,
    checkpoint_every: str | None,
    resume: Path | None,
    allow_other_engine: bool,
    **options: Any,
) -> int:
    """Train a network, save it, and print its accuracy on the test examples.

    The defaults below are those for MNIST: the notes' network, which reads about 95 % of its test images. Other data has defaults
    that suit it, which the program prints. An option that you give takes precedence.

    With --checkpoint FOLDER a training that was killed goes on with --resume FOLDER, and ends with the same numbers.

    With --distort the network sees each image shifted, scaled, slanted and rotated anew in each epoch, and reads digits as people
    draw them far better. For MNIST the defaults are then a larger network and other settings, which the program prints.

    DATA such as 'rows/*.parquet' or s3://bucket/rows/*.parquet, or a file with --rows, is read a window at a time: it may be
    larger than memory. All columns are numbers, and --target names the one to learn. With --on ray --workers N the rows of each
    step are divided between N workers, on this machine or on the cluster at --address.

    The model is saved as mnist.safetensors, under DATA's name, or as --out says; an existing model is replaced. Ctrl-C saves the
    parameters learnt so far; a training that diverges saves those of its last finite epoch.

    With --json the summary's keys are test_accuracy, test_cost, test_r2, test_rmse, seconds, model, data, epochs, best_epoch,
    stopped, message, seed, engine and notes; an epoch's are epoch, cost, accuracy, validation_cost, validation_accuracy,
    learning_rate, seconds and examples_per_second.

    For a table of columns the summary's keys are test_accuracy, test_baseline, test_log_loss, test_auc and test_calibration_error,
    or test_rmse, test_mae, test_r2 and test_baseline; and model, data, target, rows, networks, epochs, best_epochs, stopped, seed,
    engine, seconds and notes. The lines of epochs are of all networks, which are trained side by side.

    For rows of files the summary's keys are validation_accuracy, validation_cost, accuracy and cost, of the epoch that is kept; and
    seconds, model, data, epochs, best_epoch, stopped, message, seed, engine and notes.

    Exit status: 0; 1 if the training diverged or memory ran out; 2 for an error in the command line or the data; 130 after Ctrl-C;
    143 after SIGTERM, and 129 after SIGHUP, in a training with checkpoints.
    """
    from .output import Reporter
    from .training_request import CheckpointOptions, resumed

    checkpoints = CheckpointOptions(checkpoint, checkpoint_every, resume, allow_other_engine)
    given = collect_given(options)
    if checkpoints.resume is not None:
        given = resumed(checkpoints.resume, given)
    return make_job(given, checkpoints, parse_threads(threads), Reporter(quiet, as_json)).run()


def make_job(given: Mapping[str, Any], checkpoints: CheckpointOptions, threads: Any, reporter: Reporter) -> Job:
    """Make the training of the given options: of a table of columns by the recipe, of other data by its settings."""
    from ..tables.read import is_table_of_columns
    from .data_source import Source
    from .reading_options import ReadingOptions
    from .rows_training_job import is_rows

    settings = dict(given)
    source = Source(settings.pop("data", "mnist"), settings.pop("target", None))
    out, plot = (None if name not in settings else Path(settings.pop(name)) for name in ("out", "plot"))
    transpose, all_rows = settings.pop("transpose", None), settings.pop("all_rows", False)
    reading = ReadingOptions.parse(settings.pop("reading", {}))
    division = take_division(settings)
    table_settings = {name: settings.pop(name, None) for name in ("networks", "metric", "task", "time_limit")}
    program: dict[str, Any] = {
        "seed": settings.pop("seed", 0),
        "engine": settings.pop("engine", "auto"),
        "threads": threads,
        "reporter": reporter,
        "plot": plot,
        "checkpoints": checkpoints,
        "given": given,
    }
    of_rows = {name: settings.pop(name, None) for name in ("rows", "validation", "standardize")}
    if of_rows["rows"] or is_rows(source.name):
        switches = {"transpose": transpose, "all_rows": all_rows or None, "distort": settings.get("distort")}
        task = table_settings.pop("task")
        _refuse_options(f"{source.name} is rows of files, which train one network of numbers", reading, table_settings, switches)
        from .rows_training_job import RowsTrainingJob

        path = out or (Path("rows.safetensors") if is_rows(source.name) else source.model_path)
        standardize = of_rows["standardize"] is not False
        return RowsTrainingJob(source, path, settings, task, of_rows["validation"], standardize, division, **program)
    for name, value in of_rows.items():
        if value is not None and name != "rows":
            raise SettingError(f"{option_of(name)} is for rows of files: a pattern such as 'rows/*.parquet', a URL, or --rows")
    if source.kind == "table" and is_table_of_columns(Path(source.name)) and not all_rows:
        from .table_training_job import TableTrainingJob, recipe_settings

        if division:
            raise SettingError(
                f"--on ray divides the training of one network, and a table's recipe trains several; --rows trains one on the "
                f"numbers of {source.name}"
            )
        if transpose is not None:
            raise SettingError(f"--transpose is for a folder of IDX files; {source.name} is not one")
        if "distort" in settings:
            raise SettingError(f"--distort is for images; {source.name} is a table. Leave it out")
        task, time_limit = table_settings.pop("task"), table_settings.pop("time_limit")
        chosen = recipe_settings(settings, table_settings)
        return TableTrainingJob(source, reading, out or source.model_path, chosen, task, time_limit, **program)
    _refuse_table_options("a training with --all-rows" if all_rows else source.name, reading, table_settings)
    from .training_job import TrainingJob

    return TrainingJob(
        source, out or source.model_path, settings, transposed=transpose, all_rows=all_rows, division=division, **program
    )


def take_division(settings: dict[str, Any]) -> dict[str, Any]:
    """Take the options that divide a training between workers, as ``Run`` takes them; none on this machine.

    Raises
    ------
    SettingError
        When one has no effect, is missing or is out of its range; the message names the option.
    """
    given = {name: settings.pop(name, None) for name in ("on", "workers", "sync_every", "address")}
    if given["on"] in (None, "local"):
        without = [name for name, value in given.items() if name != "on" and value is not None]
        if without:
            raise SettingError(f"{option_of(without[0])} is for a training on Ray; give --on ray too, or leave it out")
        return {}
    if given["workers"] is None:
        raise SettingError("--on ray needs --workers N, the parts that each step is divided into: the result depends on it")
    for name in ("workers", "sync_every"):
        if given[name] is not None:
            check_int(option_of(name), given[name], least=1)
    return {name: value for name, value in given.items() if value is not None}


def _refuse_options(why: str, reading: ReadingOptions, *options: Mapping[str, Any]) -> None:
    """Refuse options that the data makes useless."""
    for name, value in (*reading.to_json().items(), *(pair for each in options for pair in each.items())):
        if value is not None:
            raise SettingError(f"{why}; leave {option_of(name)} out")


def _refuse_table_options(name: str, reading: ReadingOptions, table_settings: Mapping[str, Any]) -> None:
    """Refuse options for tables of columns where the data is of another kind."""
    given = [setting for setting, value in (*reading.to_json().items(), *table_settings.items()) if value is not None]
    if given:
        raise SettingError(f"{option_of(given[0])} is for tables such as .csv and .parquet; {name} is not one")


def parse_threads(text: str | None) -> Any:
    """Parse a number of threads; leave other words to ``Run``, which accepts ``auto`` and refuses the rest."""
    try:
        return int(text or "auto")
    except ValueError:
        return text or "auto"


def collect_given(options: dict[str, Any]) -> dict[str, Any]:
    """Select the options of a training that were given, in JSON's types or tuples.

    Examples
    --------
    >>> collect_given({"hidden": ("12,7",), "activation": None, "epochs": 3, "cost": None})
    {'hidden': (12, 7), 'epochs': 3}
    """
    reading = collect_reading_options(options).to_json()
    hidden, activation, distort = (options.get(name) for name in ("hidden", "activation", "distort"))
    values = {
        **options,
        "hidden": parse_layers(hidden) if hidden else None,
        "activation": None if activation is None else tuple(activation.split(",")),
        "distort": None if distort is None else normalize_amounts(distort),
        "reading": reading or None,
        **{name: str(options[name]) for name in ("out", "plot") if options.get(name) is not None},
    }
    return {name: value for name, value in values.items() if value is not None}


def parse_layers(hidden: Sequence[str]) -> tuple[int, ...]:
    """Parse the units of the hidden layers: numbers, in one list or in several.

    Examples
    --------
    >>> parse_layers(["12,7", "5"]), parse_layers(["none"])
    ((12, 7, 5), ())
    """
    words = [word.strip() for words in hidden for word in words.split(",")]
    if words == ["none"]:
        return ()
    try:
        layers = tuple(int(word) for word in words)
    except ValueError:
        layers = (0,)
    if min(layers) < 1:
        raise SettingError(f"--hidden takes whole numbers of at least 1, such as 128,64, or none; it is {','.join(words)!r}")
    return layers
