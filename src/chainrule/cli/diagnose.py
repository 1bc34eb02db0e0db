"""``chainrule diagnose``: what went wrong in a training, the equation that explains it, and what to try."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from .._format import pluralize
from .._stdout import tolerate_closed_stdout
from .exit_codes import FAILURE
from .options import (
    PATH,
    arguments_panel,
    data_argument,
    json_option,
    model_argument,
    option,
    path_option,
    target_option,
    transpose_option,
)
from .output import print_json, print_line, print_message
from .reading_options import ReadingOptions, collect_reading_options, reading_options, refuse_reading_options

if TYPE_CHECKING:
    from ..diagnosing.diagnosis import Diagnosis
    from ..table_model import TableModel


@click.command("diagnose")
@arguments_panel
@model_argument()
@data_argument("mnist, digits, circles, spiral, xor, moons, a folder of IDX files, or a table.", default="the data of its training")
@option(
    "--history", metavar="RUN", text="The folder of the training's checkpoints, or its history.jsonl, for the curves.", type=PATH
)
@target_option("A table's target column.", default="as in training")
@transpose_option("Whether the images of another folder lie on their side, as EMNIST's do.")
@path_option("--html", text="Write a page instead.")
@reading_options
@json_option()
def diagnose(
    model: Path,
    data: str | None,
    history: Path | None,
    target: str | None,
    transpose: bool | None,
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Say what went wrong in a training, which equation explains it, and what to try.

    Some hundred rows are passed forward and back, with the model's weights and with those it began with. What a model alone cannot
    tell, such as overfitting, needs the history of its training: train with --checkpoint RUN, and give --history RUN.

    Exit status 1 if there is a finding; advice leaves it at 0.
    """
    from ..loading import load_model
    from ..network import Network

    if html is not None:
        from .replaceable_file import check_page_replaceable

        check_page_replaceable(html)
    reading, loaded = collect_reading_options(options), load_model(model)
    if isinstance(loaded, Network):
        from ..diagnosing.diagnose_model import diagnose as make_diagnosis
        from .evaluation_data import find_evaluation_data

        refuse_reading_options(reading, model)
        diagnosis = make_diagnosis(loaded, find_evaluation_data(loaded, data, target, transpose).examples, history)
    else:
        diagnosis = _diagnose_table_model(loaded, data, target, reading, history)
    _show(diagnosis, html, as_json)
    return FAILURE if any(finding.level == "finding" for finding in diagnosis.findings) else 0


def _diagnose_table_model(
    model: TableModel, data: str | None, target: str | None, reading: ReadingOptions, history: Path | None
) -> Diagnosis:
    """Diagnose the first network of a table's model on the prepared rows."""
    from ..diagnosing.diagnose_model import diagnose as make_diagnosis
    from ..diagnosing.diagnose_model import first_network
    from .table_evaluation import find_table_rows

    rows = find_table_rows(model, data, target, reading)
    count = len(model.networks)
    print_message(f"the model holds {pluralize(count, 'network')}; {'the first' if count > 1 else 'it'} is examined")
    return make_diagnosis(first_network(model), (model.preprocessing.apply(rows.table), rows.y), history)


def _show(diagnosis: Diagnosis, html: Path | None, as_json: bool) -> None:
    if html is not None:
        diagnosis.save(html)
    if as_json:
        print_json(diagnosis.to_dict())
    elif html is not None:
        from ..diagnosing.diagnosis import count_findings

        print_line(f"{count_findings(diagnosis.findings)}; written to {html}: open it in a browser")
    else:
        from rich.console import Console

        from ..explaining.terminal_renderer import print_to_console

        with tolerate_closed_stdout():
            print_to_console(diagnosis, Console(), page_hint="the page that --html writes")
