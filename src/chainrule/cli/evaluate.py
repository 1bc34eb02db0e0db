"""``chainrule evaluate``: a model's accuracy on some data, its confusion matrix, and its largest errors."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from .._checks import check_int
from .options import arguments_panel, data_argument, integer_option, json_option, model_argument, target_option, transpose_option
from .output import print_json


@click.command("evaluate")
@arguments_panel
@model_argument()
@data_argument("mnist, digits, a folder of IDX files, or a table.", default="the data of its training")
@target_option("A table's column to compare with.", default="as in training")
@transpose_option("Whether the images of another folder lie on their side, as EMNIST's do.")
@integer_option("--worst", "-w", metavar="N", text="How many of the largest errors to list.", default=10)
@json_option()
def evaluate(model: Path, data: str | None, target: str | None, transpose: bool | None, worst: int, as_json: bool) -> None:
    """Print a model's accuracy, cost, confusion matrix and largest errors.

    A model is evaluated on the test examples; on the table that it was trained on, these are the rows kept for the test, and on any
    other table all rows. Images and rows are numbered from 0.
    """
    from ..network import load
    from .evaluation import evaluate_network
    from .evaluation_data import find_evaluation_data
    from .evaluation_report import evaluation_as_json, print_evaluation

    check_int("worst", worst, least=0)
    network = load(model)
    found = find_evaluation_data(network, data, target, transpose)
    evaluation = evaluate_network(network, found)
    if as_json:
        print_json({"model": str(model), **evaluation_as_json(evaluation, worst)})
    else:
        print_evaluation(evaluation, network.plan.cost_function.name, worst)
