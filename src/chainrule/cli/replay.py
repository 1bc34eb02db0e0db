"""``chainrule replay``: the experiments of Nielsen's book with many seeds, beside the book's figures."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from .options import flag, folder_option, integer_option, json_option, option, registry_option


def _experiment_names() -> list[str]:
    from ..replay.experiments import EXPERIMENTS

    return [experiment.name for experiment in EXPERIMENTS]


@click.command("replay")
@integer_option("--seeds", "-s", metavar="N", text="Train each experiment with the seeds 0 to N - 1.", default=20)
@registry_option(
    "--only",
    metavar="NAME",
    multiple=True,
    text="Train this experiment alone; may be repeated. The names: {names}. Variants of some, with one setting changed, end in "
    "-scaled (initial weights divided by the root of the inputs' number), -256 (pixels / 256) or -float64: l2-30-256.",
    default="all but the variants",
    registry=_experiment_names,
)
@folder_option("--out", "-o", text="The folder of the results and of the report (default: replay).")
@option(
    "--threads", metavar="N", type=int, text="How many networks train at a time, each on one thread.", default="the number of cores"
)
@option(
    "--svm",
    metavar="ROWS",
    type=int,
    text="Fit scikit-learn's SVM to the first ROWS images too. The book's are 50000, which takes minutes.",
    default="not fitted",
)
@flag("--no-plot", text="Write neither replay.png nor replay.svg, for which matplotlib must be installed.")
@json_option("Print one JSON object per line, one a figure of the book.")
def replay(
    seeds: int, only: tuple[str, ...], out: Path | None, threads: int | None, svm: int | None, no_plot: bool, as_json: bool
) -> None:
    """Train the experiments of Nielsen's book on MNIST with many seeds, and compare the accuracies with the book's figures.

    All of them with 20 seeds take about five minutes on two cores.

    Each training is kept in FOLDER/results.jsonl once it has ended. Ctrl-C, or the end of the process, loses the trainings under
    way alone: the same command goes on, and with more seeds it trains those that are missing. Results of other settings, or of
    another engine or version, are not counted.

    It writes table.csv, table.md, replay.png, replay.svg and report.html into the folder, and prints the table. Where the book took
    the best of three runs, its figure is compared with the bests of all sets of three seeds.
    """
    from .replay_job import ReplayJob, ReplayRequest

    request = ReplayRequest(
        seeds=seeds, names=only, folder=out or Path("replay"), threads=threads, svm_rows=svm, plots=not no_plot, as_json=as_json
    )
    ReplayJob(request).run()
