"""``chainrule explain`` for a table's model: an answer, and what each column adds to it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from .._format import percent
from .._stdout import tolerate_closed_stdout
from ..tables.column_kinds import date_text
from .evaluation_data import find_example
from .output import as_one_line, print_line
from .table_evaluation import find_table_rows
from .table_evaluation_report import class_names

if TYPE_CHECKING:
    from ..explaining.explain_row import RowExplanation
    from ..table_model import TableModel
    from .reading_options import ReadingOptions

MAX_VALUE = 40


def print_row_explanation(
    model: TableModel, data: str | None, target: str | None, number: int | None, reading: ReadingOptions
) -> None:
    """Explain the answer for the row of a file with this number, from 0; by default the first one that ``evaluate`` takes.

    Raises
    ------
    SettingError
        When there is no row of that number with a target.
    """
    from ..explaining.explain_row import explain_row

    rows = find_table_rows(model, data, target, reading, test_only=number is None)
    k = 0 if number is None else find_example(rows.positions, number, rows.name)
    explanation = explain_row(model, rows.table.take(slice(k, k + 1)))
    print_line(f"{rows.table.name}, row {rows.positions[k]} (counted from 0): true {_true(model, rows.y[k])}")
    print_line(_answer(model, explanation))
    _print_contributions(model, explanation)


def _true(model: TableModel, y: Any) -> str:
    if model.is_classifier:
        return class_names(model)[int(y)]
    target: Any = model.target
    return f"{target.mean + target.scale * float(y):.6g}"


def _answer(model: TableModel, explanation: RowExplanation) -> str:
    """Say what is predicted, and what the columns add to it together."""
    start = "of the median of each number and no category"
    if model.is_classifier:
        result, baseline = percent(explanation.result), percent(explanation.baseline)
        return f"predicted {explanation.answer}, probability {result}; {baseline} is the probability for a row {start}"
    answer, limited = float(explanation.answer), ""
    if not math.isclose(answer, explanation.result, rel_tol=1e-9):
        limited = f" ({explanation.result:.6g}, limited to the values of the training rows)"
    return f"predicted {answer:.6g}{limited}; {explanation.baseline:.6g} is the value for a row {start}"


def _print_contributions(model: TableModel, explanation: RowExplanation) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("column", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("value", overflow="ellipsis", max_width=MAX_VALUE)
    table.add_column("adds", justify="right", no_wrap=True)
    for part in explanation.contributions:
        adds = f"{100 * part.adds:+.2f} %" if model.is_classifier else f"{part.adds:+.5g}"
        table.add_row(*map(Text, map(as_one_line, (part.column, part.kind, _shown(part.value), adds))))
    with tolerate_closed_stdout():
        Console(highlight=False).print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "(missing)"
    if isinstance(value, datetime):
        return date_text(np.datetime64(value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)
