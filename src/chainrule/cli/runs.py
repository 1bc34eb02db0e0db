"""``chainrule runs``: a table of the trainings with checkpoints below a folder."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from ..errors import FileError
from .options import PATH, arguments_panel, json_option, option, plot_option
from .run_groups import SETTINGS

SORTED_BY = ("validation", "cost", "epoch", "state", "name", *SETTINGS)


@click.command("runs")
@arguments_panel
@click.argument("folder", type=PATH, help="A folder with the folders of trainings in it: those of train --checkpoint.")
@option("--by", type=click.Choice(SORTED_BY), metavar="NAME", text=f"Sort by this: {', '.join(SORTED_BY)}.", default="validation")
@plot_option("Draw the score of every run over its epochs to this file: .png, .svg or .pdf.")
@json_option("Print one JSON object per line, one a run.")
def runs(folder: Path, by: str | None, plot: Path | None, as_json: bool) -> int:
    """Print the state, scores and settings of every training with checkpoints below a folder, the best first.

    A run is running, finished, stopped early, diverged, interrupted or killed; where its lock cannot be read, it may be running or
    killed. Its best epoch is the one with the highest validation accuracy, or the lowest validation cost; its number follows in
    parentheses.

    The networks of a table, or of a population whose seeds alone differ, are one row with their number and their mean scores; runs
    and info of their own folder show each.
    """
    from ..checkpoints.run_status import read_runs
    from .output import print_json, print_line, print_message
    from .run_groups import group_runs
    from .run_report import group_as_json, print_runs, sort_key

    if plot is not None:
        from ..plotting import check_plot_path

        check_plot_path(plot)
    found, faults = read_runs(folder)
    for fault in faults:
        print_message(f"warning: {fault}")
    if not found:
        raise FileError(f"{folder} has no training with checkpoints in it; train --checkpoint {folder / 'NAME'} makes one")
    groups = sorted(group_runs(found, folder), key=lambda group: sort_key(by or "validation", group))
    if as_json:
        for group in groups:
            print_json(group_as_json(group))
    else:
        print_runs(groups, folder)
    if plot is not None:
        from .plots import save_runs

        save_runs(plot, groups, folder)
        if not as_json:
            print_line(f"drew {plot}")
    return 0
