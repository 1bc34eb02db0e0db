"""``chainrule sweep``: many trainings with other settings and seeds; ``sweep_job`` does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from .options import (
    NETWORK_PANEL,
    PROGRAM_PANEL,
    TRAINING_PANEL,
    arguments_panel,
    data_argument,
    flag,
    folder_option,
    integer_option,
    json_option,
    option,
    registry_option,
    target_option,
    transpose_option,
)
from .registries import (
    activation_names,
    cost_names,
    engine_names,
    hidden_activation_names,
    initializer_names,
    optimizer_names,
    schedule_names,
)

SEARCH_PANEL = "The search"


@click.command("sweep", epilog="Example: chainrule sweep mnist --hidden 10,30,100 --learning-rate 0.1..3:log --seeds 5 --epochs 3")
@arguments_panel
@data_argument(
    "mnist, digits, circles, spiral, xor, moons, a FOLDER of IDX files, or a table of arrays: .npz or .svmlight.", "mnist"
)
@option(
    "--hidden",
    "-H",
    metavar="N,...",
    text="Units of the hidden layer; 128x64 is two layers, none is no layer.",
    default="suits the data",
    panel=NETWORK_PANEL,
)
@registry_option(
    "--activation",
    metavar="NAME,...",
    registry=hidden_activation_names,
    text="Activations of all hidden layers: {names}.",
    default="suits the data",
    panel=NETWORK_PANEL,
)
@registry_option(
    "--output",
    metavar="NAME,...",
    registry=activation_names,
    text="Activations of the output layer: {names}.",
    default="suits the cost",
    panel=NETWORK_PANEL,
)
@registry_option(
    "--cost", metavar="NAME,...", registry=cost_names, text="Costs: {names}.", default="suits the data", panel=NETWORK_PANEL
)
@registry_option(
    "--init",
    metavar="NAME,...",
    registry=initializer_names,
    text="Initializers of the weights: {names}.",
    default="suits the activation",
    panel=NETWORK_PANEL,
)
@option(
    "--batch-size",
    "-b",
    metavar="N,...",
    text="Examples in a mini-batch.",
    default="suits the data",
    panel=TRAINING_PANEL,
)
@option(
    "--learning-rate",
    "-r",
    metavar="ETA,...",
    text="Sizes of a step.",
    default="suits the data and the settings",
    panel=TRAINING_PANEL,
)
@registry_option(
    "--optimizer",
    metavar="NAME,...",
    registry=optimizer_names,
    text="Update rules: {names}.",
    default="suits the data",
    panel=TRAINING_PANEL,
)
@registry_option(
    "--schedule",
    metavar="NAME,...",
    registry=schedule_names,
    text="How the learning rate changes: {names}.",
    default="constant",
    panel=TRAINING_PANEL,
)
@option("--l2", metavar="X,...", text="Penalties (X/2) sum w^2 added to the cost.", default="0", panel=TRAINING_PANEL)
@option("--dropout", metavar="P,...", text="Probabilities of dropping a hidden unit.", default="0", panel=TRAINING_PANEL)
@integer_option(
    "--epochs",
    "-e",
    metavar="N",
    text="Passes through the data of each run; with --asha the most.",
    default="suits the data",
    panel=TRAINING_PANEL,
)
@integer_option(
    "--early-stopping",
    metavar="N",
    text="Stop a run after N epochs without a better validation score, and keep its best epoch; 0 for never.",
    default="suits the data",
    panel=TRAINING_PANEL,
)
@integer_option(
    "--seeds",
    "-s",
    metavar="N",
    text="Train each point with the seeds 0 to N - 1; one for a table of arrays, whose rows the seed divides.",
    default=1,
    panel=SEARCH_PANEL,
)
@integer_option(
    "--random", metavar="N", text="Train N points drawn from the space, in place of the grid.", default="", panel=SEARCH_PANEL
)
@integer_option(
    "--asha",
    metavar="N",
    text="Train N points drawn from the space for a few epochs, the best third for three times as many, and so on.",
    default="",
    panel=SEARCH_PANEL,
)
@integer_option("--search-seed", metavar="N", text="Decides which points are drawn.", default=0, panel=SEARCH_PANEL)
@option(
    "--on",
    type=click.Choice(["local", "ray"]),
    text="Where: threads of this process, or Ray, which takes pip install 'chainrule[ray]'.",
    default="local",
    panel=SEARCH_PANEL,
)
@option(
    "--address", metavar="HOST:PORT", text="A Ray cluster that is there.", default="one begins on this machine", panel=SEARCH_PANEL
)
@target_option("The entry of an .npz file to learn.", default="y", panel=PROGRAM_PANEL)
@transpose_option("Whether a folder's images lie on their side, as EMNIST's do.", panel=PROGRAM_PANEL)
@folder_option("--out", "-o", text="The folder of the results (default: sweep).", panel=PROGRAM_PANEL)
@flag("--resume", text="Go on with this sweep in the folder.", panel=PROGRAM_PANEL)
@flag("--no-plot", text="Write neither scores.png nor axes.png, for which matplotlib must be installed.", panel=PROGRAM_PANEL)
@registry_option(
    "--engine", metavar="NAME", registry=engine_names, text="Engine that computes.", default="auto", panel=PROGRAM_PANEL
)
@option(
    "--threads",
    metavar="N",
    text="How many networks train at a time, each on one core.",
    default="the number of cores",
    panel=PROGRAM_PANEL,
)
@flag("--quiet", "-q", text="Print the last line only.", panel=PROGRAM_PANEL)
@json_option("Print one JSON object: the best run, its files and the notes.", panel=PROGRAM_PANEL)
def sweep(quiet: bool, as_json: bool, **options: Any) -> int:
    """Train a network for each combination of settings and each seed, several at a time, and choose the best.

    An option takes one value, several between commas, or numbers from a range: 0.1..3, or 0.1..3:log where equal steps are equal
    factors. A grid takes five values of a range, or as many as it names, 0.1..3:log:9; --random and --asha draw from it.

    Runs are compared on the validation examples, and the test examples choose nothing. Each run has the bits that chainrule train
    gives with its settings and its seed, with any number of threads and on Ray.

    Each finished run is in FOLDER/runs.jsonl. Ctrl-C or a kill loses those under way alone: the same command with --resume goes on.
    At the end the folder has runs.parquet, a row for each run; best.safetensors, the network of the best run; report.html; and the
    plots scores.png and axes.png.

    With --json the keys are best, runs, diverged, seconds, folder, model, engine and notes.

    Exit status: 0; 1 if every run diverged; 2 for an error in the command line or the data; 130 after Ctrl-C.
    """
    from .output import Reporter
    from .sweep_job import SweepJob

    folder = options.pop("out") or Path("sweep")
    return SweepJob(options, folder, Reporter(quiet, as_json)).run()
