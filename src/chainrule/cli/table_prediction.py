"""The predictions of a table's model for the rows of a file: printed, or written beside the rows as they came."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._format import percent, pluralize
from ..errors import DataError
from ..tables.read import TABLE_ENDINGS, decimal_mark, is_table_of_columns
from ..tables.writing import common_decimal
from .output import print_json, print_line, print_message
from .table_evaluation import is_training_file, read_for
from .table_evaluation_report import class_names

if TYPE_CHECKING:
    from .._types import AnyArray, Array
    from ..table_model import TableModel
    from ..tables.number_texts import Decimal
    from ..tables.writing import Learnt
    from .reading_options import ReadingOptions


@dataclass(frozen=True)
class Answers:
    """The answers for the rows of a file, and how the file was read.

    Attributes
    ----------
    outputs : array, shape (n, n_out)
    labels : array, shape (n,)
        Classes, or values in the target's unit.
    probabilities : array, shape (n, n_classes)
        No columns of a model of values.
    reading : ReadingOptions
    learnt : Learnt
    decimal : {".", ","} or None
        The decimal mark of the file's numbers, where they or an option tell it.
    """

    outputs: Array
    labels: AnyArray
    probabilities: Array
    reading: ReadingOptions
    learnt: Learnt
    decimal: Decimal | None


def predict_table_file(path: Path, model: TableModel, reading: ReadingOptions, *, with_outputs: bool, as_json: bool) -> None:
    """Print the prediction for each row of a file.

    Raises
    ------
    DataError
        When the file is not a table of columns, or lacks a column of the model.
    """
    answers = compute_answers(path, model, reading)
    for k, answer in enumerate(answers.labels.tolist()):
        if as_json:
            print_json({"file": str(path), "row": k, **answer_as_json(model, answers.outputs[k], answer, with_outputs)})
        else:
            print_line(f"{path}[{k}]  {answer_as_text(model, answers.outputs[k], answer, with_outputs)}")


def write_table_answers(path: Path, source: Path, model: TableModel, reading: ReadingOptions, *, as_json: bool) -> None:
    """Write the rows of a file with the prediction for each, and print what was written."""
    from .answer_file import write_answers

    answers = compute_answers(source, model, reading)
    added = write_answers(path, source, model, answers)
    if as_json:
        print_json({"file": str(source), "out": str(path), "rows": len(answers.labels), "added": added})
    else:
        print_line(f"wrote {path}: {pluralize(len(answers.labels), 'row')} of {source}, with {', '.join(map(repr, added))}")


def compute_answers(path: Path, model: TableModel, reading: ReadingOptions) -> Answers:
    """Read a file, and give the answers for its rows."""
    if not is_table_of_columns(path):
        raise DataError(f"{path} is not a table; this model takes rows of named columns: {', '.join(TABLE_ENDINGS)}, also as .gz")
    table = read_for(model, path, reading)
    try:
        notes, outputs = model.preprocessing.notes(table), model.outputs(table)
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    for note in notes:
        print_message(f"{path}: {note}")
    probabilities = outputs if model.is_classifier else outputs[:, :0]
    options = reading.for_model(model, same_file=is_training_file(model, path))
    decimal = common_decimal(column.writing for column in table if column.writing) or decimal_mark(options.decimal)
    return Answers(outputs, model.decode(outputs), probabilities, options, model.learnt(), decimal)


def answer_as_json(model: TableModel, outputs: Array, answer: Any, with_outputs: bool) -> dict[str, Any]:
    """Give the entries of a JSON object for one row."""
    if not model.is_classifier:
        return {"value": answer}
    entries = {"label": answer, "probability": float(outputs.max())}
    return {**entries, "probabilities": dict(zip(class_names(model), outputs, strict=True))} if with_outputs else entries


def answer_as_text(model: TableModel, outputs: Array, answer: Any, with_outputs: bool) -> str:
    """Give a line for people."""
    if not model.is_classifier:
        return f"{answer:.6g}"
    named = ", ".join(f"{name} {percent(p)}" for name, p in zip(class_names(model), outputs, strict=True))
    return f"{answer}  probability {percent(float(outputs.max()))}" + f"  ({named})" * with_outputs
