"""``chainrule evaluate``: a model's accuracy on some data, its confusion matrix, and its largest errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from .._checks import check_int
from .options import arguments_panel, data_argument, integer_option, json_option, model_argument, target_option, transpose_option
from .output import print_json
from .reading_options import collect_reading_options, reading_options, refuse_reading_options

if TYPE_CHECKING:
    from ..network import Network
    from ..table_model import TableModel
    from .reading_options import ReadingOptions


@click.command("evaluate")
@arguments_panel
@model_argument()
@data_argument("mnist, digits, a folder of IDX files, or a table.", default="the data of its training")
@target_option("A table's column to compare with.", default="as in training")
@transpose_option("Whether the images of another folder lie on their side, as EMNIST's do.")
@reading_options
@integer_option("--worst", "-w", metavar="N", text="How many of the largest errors to list.", default=10)
@json_option()
def evaluate(
    model: Path, data: str | None, target: str | None, transpose: bool | None, worst: int, as_json: bool, **options: Any
) -> None:
    """Print a model's score, confusion matrix and largest errors.

    For a model of a table the score stands beside a baseline: the most frequent class, or the mean.

    A model is evaluated on the test examples; on the table that it was trained on, these are the rows kept for the test, and on any
    other table all rows. Images and rows are numbered from 0.
    """
    from ..loading import load_model
    from ..network import Network

    check_int("worst", worst, least=0)
    reading = collect_reading_options(options)
    loaded = load_model(model)
    if isinstance(loaded, Network):
        refuse_reading_options(reading, model)
        _evaluate_network(model, loaded, data, target, transpose, worst, as_json)
    else:
        _evaluate_table_model(model, loaded, data, target, reading, worst, as_json)


def _evaluate_network(
    path: Path, network: Network, data: str | None, target: str | None, transpose: bool | None, worst: int, as_json: bool
) -> None:
    from .evaluation import evaluate_network
    from .evaluation_data import find_evaluation_data
    from .evaluation_report import evaluation_as_json, print_evaluation

    evaluation = evaluate_network(network, find_evaluation_data(network, data, target, transpose))
    if as_json:
        print_json({"model": str(path), **evaluation_as_json(evaluation, worst)})
    else:
        print_evaluation(evaluation, network.plan.cost_function.name, worst)


def _evaluate_table_model(
    path: Path, model: TableModel, data: str | None, target: str | None, reading: ReadingOptions, worst: int, as_json: bool
) -> None:
    from .table_evaluation import evaluate_table_model, find_table_rows
    from .table_evaluation_report import print_table_evaluation, table_evaluation_as_json

    evaluation = evaluate_table_model(model, find_table_rows(model, data, target, reading))
    if as_json:
        print_json({"model": str(path), **table_evaluation_as_json(model, evaluation, worst)})
    else:
        print_table_evaluation(model, evaluation, worst)
