"""The report of a table model's evaluation, as text and as JSON, by the names of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._format import percent, pluralize
from .._stdout import tolerate_closed_stdout
from ..plotting.metrics import class_scores
from .evaluation_report import print_most_frequent
from .output import as_one_line, print_line
from .table_scores import ClassScore

if TYPE_CHECKING:
    from rich.table import Table

    from ..table_model import TableModel
    from .table_evaluation import TableEvaluation

MAX_COLUMNS = 12  # a confusion matrix of more classes does not fit into 80 columns


def table_evaluation_as_json(model: TableModel, evaluation: TableEvaluation, worst: int) -> dict[str, Any]:
    """Give the entries of a JSON object, with the ``worst`` largest errors."""
    score = {name.removeprefix("test_"): value for name, value in evaluation.score.to_json().items()}
    entries: dict[str, Any] = {"data": evaluation.rows.name, "rows": len(evaluation.true), **score}
    if isinstance(evaluation.score, ClassScore):
        entries["classes"] = list(class_names(model))
        entries["by_class"] = [dict(zip(("class", *_COLUMNS), row, strict=True)) for row in class_rows(model, evaluation)]
        entries["confusion"] = evaluation.confusion
    return {**entries, "worst": [_error_as_json(model, evaluation, k) for k in evaluation.errors[:worst]]}


_COLUMNS = ("precision", "recall", "f1", "rows")


def _error_as_json(model: TableModel, evaluation: TableEvaluation, k: int) -> dict[str, Any]:
    row = {"row": evaluation.rows.positions[k]}
    if isinstance(evaluation.score, ClassScore):
        names = class_names(model)
        probabilities = dict(zip(names, evaluation.outputs[k], strict=True))
        return {
            **row,
            "true": names[evaluation.true[k]],
            "predicted": names[evaluation.predicted[k]],
            "probabilities": probabilities,
        }
    return {**row, "true": evaluation.true[k], "predicted": evaluation.predicted[k]}


def class_names(model: TableModel) -> tuple[str, ...]:
    """Give the names of a model's classes, in the order of its outputs."""
    target: Any = model.target
    return tuple(target.classes)


def class_rows(model: TableModel, evaluation: TableEvaluation) -> list[tuple[Any, ...]]:
    """Give precision, recall, F1 and the number of rows of each class; None where it is not defined."""
    scores = class_scores(evaluation.confusion)
    shares = (
        [None if np.isnan(share) else float(share) for share in column] for column in (scores.precision, scores.recall, scores.f1)
    )
    return list(zip(class_names(model), *shares, scores.rows.tolist(), strict=True))


def print_table_evaluation(model: TableModel, evaluation: TableEvaluation, worst: int) -> None:
    """Print the score, for classes precision, recall and confusion, and the ``worst`` largest errors."""
    left_out = evaluation.rows.missing_targets
    without = f" ({pluralize(left_out, 'row')} without a target left out)" if left_out else ""
    print_line(f"{evaluation.rows.name}: {len(evaluation.true):,}{without}")
    print_line(str(evaluation.score))
    if isinstance(evaluation.score, ClassScore):
        print_line(f"calibration error {percent(evaluation.score.calibration_error)}")
        _print(_class_table(model, evaluation))
        _print_confusion(model, evaluation)
    if worst and len(evaluation.errors):
        _print_errors(model, evaluation, worst)


def _class_table(model: TableModel, evaluation: TableEvaluation) -> Table:
    table = _make_table("class", *_COLUMNS)
    for name, *shares, count in class_rows(model, evaluation):
        table.add_row(_text(name), *("-" if share is None else percent(share) for share in shares), f"{count:,}")
    return table


def _print_confusion(model: TableModel, evaluation: TableEvaluation) -> None:
    """Print the confusion matrix, or of many classes the most frequent confusions."""
    names, counts = class_names(model), evaluation.confusion
    if len(names) > MAX_COLUMNS:
        print_most_frequent(counts, names)
        return
    table = _make_table("true (row), predicted (column)", *(_text(name) for name in names))
    for k, row in enumerate(counts):
        cells = [f"[bold]{n:,}[/]" if j == k else f"{n:,}" if n else "[dim]·[/]" for j, n in enumerate(row)]
        table.add_row(_text(names[k]), *cells)
    _print(table)


def _print_errors(model: TableModel, evaluation: TableEvaluation, worst: int) -> None:
    print_line("")
    errors = f"largest of {pluralize(len(evaluation.errors), 'error')}" if model.is_classifier else "largest errors"
    print_line(f"{errors}, by the rows of the file, counted from 0:")
    for k in evaluation.errors[:worst]:
        row = f"  row {evaluation.rows.positions[k]:>6}  "
        if model.is_classifier:
            names = class_names(model)
            true, predicted = evaluation.true[k], evaluation.predicted[k]
            probability = percent(float(evaluation.outputs[k, predicted]))
            print_line(f"{row}{names[true]} predicted as {names[predicted]} (probability {probability})")
        else:
            true, predicted = float(evaluation.true[k]), float(evaluation.predicted[k])
            print_line(f"{row}true {true:.6g}, predicted {predicted:.6g}, error {predicted - true:+.6g}")


def _make_table(*columns: Any) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(columns[0], style="bold")
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _text(name: str) -> Any:
    """Show a name as it is, without rich's markup or a terminal's codes."""
    from rich.text import Text

    return Text(as_one_line(name))


def _print(table: Table) -> None:
    from rich.console import Console

    with tolerate_closed_stdout():
        Console(highlight=False).print(table)
