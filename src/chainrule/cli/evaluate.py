"""``chainrule evaluate``: a model's accuracy on some data, its confusion matrix, and its largest errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from .._checks import check_int
from .options import (
    arguments_panel,
    data_argument,
    flag,
    integer_option,
    json_option,
    model_argument,
    plot_option,
    target_option,
    transpose_option,
)
from .reading_options import collect_reading_options, reading_options, refuse_reading_options


@click.command("evaluate")
@arguments_panel
@model_argument()
@data_argument("mnist, digits, circles, spiral, xor, moons, a folder of IDX files, or a table.", default="the data of its training")
@target_option("A table's column to compare with.", default="as in training")
@transpose_option("Whether the images of another folder lie on their side, as EMNIST's do.")
@flag("--importance", text="Measure how much the score falls when each column is permuted among the rows.")
@plot_option("Draw the evaluation, or with --importance the columns' importance, to this file: .png, .svg or .pdf.")
@reading_options
@integer_option("--worst", "-w", metavar="N", text="How many of the largest errors to list.", default=10)
@json_option()
def evaluate(
    model: Path,
    data: str | None,
    target: str | None,
    transpose: bool | None,
    importance: bool,
    plot: Path | None,
    worst: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Print a model's score, confusion matrix and largest errors.

    For a model of a table the score stands beside a baseline: the most frequent class, or the mean.

    A model is evaluated on the test examples; on the table that it was trained on, these are the rows kept for the test, and on any
    other table all rows. Images and rows are numbered from 0, as explain takes them.
    """
    from ..loading import load_model
    from ..network import Network
    from ..plotting import check_plot_path
    from .evaluation_output import EvaluationOutput

    check_int("worst", worst, least=0)
    reading = collect_reading_options(options)
    if plot is not None:
        check_plot_path(plot)
    loaded = load_model(model)
    output = EvaluationOutput(model, worst, as_json, importance, plot)
    if isinstance(loaded, Network):
        from .evaluation_data import find_evaluation_data

        refuse_reading_options(reading, model)
        output.report_network(loaded, find_evaluation_data(loaded, data, target, transpose))
    else:
        from .table_evaluation import find_table_rows

        output.report_table_model(loaded, find_table_rows(loaded, data, target, reading))
