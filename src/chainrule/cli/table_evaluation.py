"""The evaluation of a table's model: its score beside a baseline, by class or by value, and its largest errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError, SettingError
from ..tables.column_choice import check_known
from ..tables.table import name_hint, normalized
from ..tables.target import ClassTarget, Target
from ..tables.target_inference import TargetReading
from .column_names import UNNAMED_MODEL
from .data_source import Source, resolve_path
from .evaluation import confusion_matrix
from .output import print_message
from .reading_options import ReadingOptions
from .table_scores import ClassScore, ValueScore, class_score, value_score
from .table_source import split_for_test

if TYPE_CHECKING:
    from .._types import AnyArray, Array, Indices
    from ..table_model import TableModel
    from ..tables.column import Column
    from ..tables.table import Table


@dataclass(frozen=True)
class TableRows:
    """The rows that a model is evaluated on.

    Attributes
    ----------
    name : str
        Their name in reports, such as ``the test rows of adult.csv``.
    table : Table
        The columns of the model.
    y : array, shape (n,)
        The encoded target.
    true : array, shape (n,)
        The positions of the classes, or the values as they stand in the file.
    positions : array of int, shape (n,)
        Their positions in the file, from 0.
    missing_targets : int
        The number of rows that were left out because their target is missing.
    """

    name: str
    table: Table
    y: AnyArray
    true: AnyArray
    positions: Indices
    missing_targets: int


@dataclass(frozen=True)
class TableEvaluation:
    """The evaluation of a model on some rows.

    Attributes
    ----------
    rows : TableRows
    outputs : array, shape (n, n_out)
    score : ClassScore or ValueScore
    predicted : array, shape (n,)
        Positions of classes, or values in the target's unit.
    true : array, shape (n,)
        Likewise.
    errors : array of int
        Of classes the wrong rows, of values all, the largest error first.
    """

    rows: TableRows
    outputs: Array
    score: ClassScore | ValueScore
    predicted: AnyArray
    true: AnyArray
    errors: Indices

    @property
    def confusion(self) -> Indices:
        """The confusion matrix of the model's classes: true class (row), predicted (column)."""
        n_classes = self.outputs.shape[1]
        counts = np.zeros((n_classes, n_classes), np.intp)
        found = confusion_matrix(self.true, self.predicted)
        counts[: len(found), : len(found)] = found
        return counts


def find_table_rows(
    model: TableModel, data: str | None, target: str | None, reading: ReadingOptions, *, test_only: bool = True
) -> TableRows:
    """Read the rows to evaluate a model on: of the file of its training the test rows, of any other all that have a target.

    With ``test_only=False`` they are all of the file of its training too.

    Raises
    ------
    SettingError
        When neither the command line nor the model names the file.
    DataError
        When it lacks a column of the model, or the target.
    """
    training = model.training
    source = Source.parse(training.data) if training.data else None
    if data is None and source is None:
        raise SettingError("this model does not record its training data; name the data, as in: chainrule evaluate MODEL FILE")
    name = data if data is not None else source.name if source else ""
    same = is_training_file(model, Path(name))
    column_name = normalized(target or model.target.name)
    if column_name in model.preprocessing.input_kinds:
        raise SettingError(f"--target names {column_name!r}, from which the model predicts; name the column to compare with")
    table = read_for(model, Path(name), reading, target=column_name)
    if column_name not in table:
        names = reading.for_model(model, same_file=same).read_names(Path(name), model.learnt())
        hint = name_hint(column_name, names)
        raise DataError(f"{name} has no column {column_name!r} to compare with ({hint}); name the target's column by --target")
    column = table[column_name]
    kept = np.flatnonzero(~column.missing)
    if not len(kept):
        raise DataError(f"{name}: the target {column_name!r} is missing in every row")
    missing = len(column) - len(kept)
    y = model.target.encode(column.take(kept))
    changed = ""
    if test_only and same and column_name == model.target.name and training.target_digest and training.seed is not None:
        split = split_for_test(table, TargetReading(model.target, kept, y, ()), training.seed)
        if split.digest == training.target_digest:
            test, column = split.test
            y = model.target.encode(column)
            true = _true_values(model.target, column, y)
            return TableRows(f"the test rows of {name}", test, y, true, split.test_rows, missing)
        changed = ", which has changed since the training"
    true = _true_values(model.target, column.take(kept), y)
    return TableRows(f"all rows of {name}{changed}", table.without(column_name).take(kept), y, true, kept, missing)


def _true_values(target: Target, column: Column, y: AnyArray) -> AnyArray:
    """Give the positions of classes, or the values of a column in their unit, without the rounding of standardized ones."""
    return y if isinstance(target, ClassTarget) else target.values_of(column)


def is_training_file(model: TableModel, path: Path) -> bool:
    """Test whether a path is that of the file of a model's training."""
    return bool(model.training.data) and resolve_path(path) == resolve_path(Source.parse(model.training.data).name)


def read_for(model: TableModel, path: Path, reading: ReadingOptions, *, target: str | None = None) -> Table:
    """Read a model's columns, and the target's, with their kinds; the file of its training with the options of the training.

    Other columns may hold anything. Of the target's column ``target`` is another name.
    """
    options, learnt = reading.for_model(model, same_file=is_training_file(model, path)), model.learnt(target)
    _check_kinds(model, reading)
    if reading.kinds or reading.drop or reading.units:
        check_known([*reading.drop, *(reading.kinds or {}), *(reading.units or {})], options.read_names(path, learnt))
    inputs = model.preprocessing.input_kinds
    kinds = {**(options.kinds or {}), **({} if target is None else {target: model.target.column_kind}), **inputs}
    columns = {*inputs, *([] if target is None else [target])}
    if not model.training.named:
        model.check_positions(path, options.read_names(path, learnt))
    table = replace(options, kinds=kinds).read(path, columns=columns, learnt=learnt)
    if not model.training.named and options.header:
        print_message(f"{path}: {UNNAMED_MODEL}")
    learnt_marks = ReadingOptions.parse(model.training.reading).missing
    if reading.missing and learnt_marks and set(reading.missing) != set(learnt_marks):
        now, before = ",".join(reading.missing), ",".join(learnt_marks)
        print_message(f"{path}: the marks of gaps are {now}, and in training they were {before}")
    try:
        notes = model.compare_writings(table)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    for note in notes:
        print_message(f"{path}: {note}")
    return table


def _check_kinds(model: TableModel, reading: ReadingOptions) -> None:
    """Refuse an option that leaves out a column of the model, or gives it another kind than that of the training."""
    for name in map(normalized, reading.drop):
        if name in model.preprocessing.input_kinds:
            raise SettingError(f"--drop names the column {name!r}, from which the model predicts; leave the option out")
    for name, kind in (reading.kinds or {}).items():
        learnt = model.preprocessing.input_kinds.get(normalized(name), kind)
        if learnt != kind:
            raise SettingError(
                f"--{kind} names the column {name!r}, which the model learnt as {learnt}; leave the option out, or train anew"
            )


def evaluate_table_model(model: TableModel, rows: TableRows) -> TableEvaluation:
    """Compare a model's outputs with the target."""
    outputs = model.outputs(rows.table)
    if model.is_classifier:
        predicted = outputs.argmax(axis=1)
        margin = outputs.max(axis=1) - outputs[np.arange(len(rows.y)), rows.y]
        wrong = np.flatnonzero(predicted != rows.y)
        errors = wrong[np.argsort(-margin[wrong], kind="stable")]
        return TableEvaluation(rows, outputs, class_score(outputs, rows.y), predicted, rows.y, errors)
    target: Any = model.target
    predicted = target.decode(outputs[:, 0])
    errors = np.argsort(-np.abs(predicted - rows.true), kind="stable")
    return TableEvaluation(rows, outputs, value_score(predicted, rows.true), predicted, rows.true, errors)
