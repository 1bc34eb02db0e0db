"""``chainrule runs``: a table of the trainings with checkpoints below a folder."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from ..errors import FileError
from .options import PATH, arguments_panel, json_option, option, plot_option

SORTED_BY = (
    "validation",
    "cost",
    "epoch",
    "state",
    "name",
    "sizes",
    "optimizer",
    "learning_rate",
    "batch_size",
    "l2",
    "alpha",
    "dropout",
    "seed",
)


@click.command("runs")
@arguments_panel
@click.argument("folder", type=PATH, help="A folder with the folders of trainings in it: those of train --checkpoint.")
@option("--by", type=click.Choice(SORTED_BY), metavar="NAME", text=f"Sort by this: {', '.join(SORTED_BY)}.", default="validation")
@plot_option("Draw the score of every run over its epochs to this file: .png, .svg or .pdf.")
@json_option("Print one JSON object per line, one a run.")
def runs(folder: Path, by: str | None, plot: Path | None, as_json: bool) -> int:
    """Print the state, scores and settings of every training with checkpoints below a folder, the best first.

    A run is running, finished, stopped early, diverged, interrupted or killed. Its best epoch is the one with the highest
    validation accuracy, or the lowest validation cost; its number follows in parentheses.
    """
    from ..checkpoints.run_status import read_runs
    from .output import print_json, print_line, print_message
    from .run_report import print_runs, run_as_json, sort_key

    if plot is not None:
        from ..plotting import check_plot_path

        check_plot_path(plot)
    found, faults = read_runs(folder)
    for fault in faults:
        print_message(f"warning: {fault}")
    if not found:
        raise FileError(f"{folder} has no training with checkpoints in it; train --checkpoint {folder / 'NAME'} makes one")
    found.sort(key=lambda run: sort_key(by or "validation", run))
    if as_json:
        for run in found:
            print_json(run_as_json(run))
    else:
        print_runs(found, folder)
    if plot is not None:
        from .plots import save_runs

        save_runs(plot, found, folder)
        if not as_json:
            print_line(f"drew {plot}")
    return 0
