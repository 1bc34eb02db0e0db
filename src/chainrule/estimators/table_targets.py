"""The target that a table's estimator is given: its values, or the name of its column in X."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from numbers import Number
from typing import Any

import numpy as np

from .._format import pluralize
from .._types import Array
from .._warnings import user_stacklevel
from ..errors import DataError
from ..tables.column import Column
from ..tables.column_kinds import RULES, convert_kind
from ..tables.frames import find_target, table_from
from ..tables.prepared_column import as_kind
from ..tables.table import Table
from ..tables.target import ClassTarget, Target
from ..tables.text_columns import check_unicode, column_from_texts
from ..tables.typed_columns import is_gap

FIRST_ROWS = 50

MISSING_TARGETS = "the target of {} is missing; they are left out"


class MissingTargetWarning(UserWarning):
    """Rows without a target are left out of a fit."""


class TargetNameWarning(UserWarning):
    """A column of X is left out of a fit, because it has the target's name, and holds other values."""


def list_labels(y: Any) -> list[Any]:
    """Give the values of a sequence, an array or a frame's column as Python objects; none where y is something else.

    A ``Column`` has none, because it holds all numbers as floats.
    """
    if isinstance(y, Column):
        return []
    for method in ("tolist", "to_list", "to_pylist"):
        if hasattr(y, method):
            values = getattr(y, method)()
            return values if isinstance(values, list) else []
    return list(y) if isinstance(y, (list, tuple)) else []


def _column_of_label_texts(name: str, labels: Sequence[Any]) -> Column | None:
    """Make a category of labels that are texts, each exactly as given; None where they are not texts.

    A program that gives texts as labels expects these texts as predictions. So ``"1"`` and ``"1.0"`` are two classes, and ``"NA"``
    is one too. None, NaN and pandas' NA are gaps, and so is a text without a character, which names no class.
    """
    if not any(isinstance(label, str) for label in labels):
        return None
    if not all(isinstance(label, str) or is_gap(label) for label in labels):
        return None
    classes = sorted({str(label) for label in labels if isinstance(label, str) and label.strip()})
    check_unicode(name, classes)
    codes: dict[Any, int] = {text: code for code, text in enumerate(classes)}
    return Column(name, "category", np.array([codes.get(label, -1) for label in labels], np.int32), tuple(classes))


def target_column(y: Any) -> Column:
    """Read a target as a column, with the name of a Series; a target without one is named ``target``.

    Texts are a category of exactly these texts. A column of a table stays as it is.
    """
    if isinstance(y, Column):
        return y
    name = getattr(y, "name", None)
    name = name if isinstance(name, str) and name else "target"
    labels = list_labels(y)
    texts = _column_of_label_texts(name, labels)
    if texts is not None:
        return texts
    declared_categories = _is_categorical(y) and all(isinstance(one, Number) or is_gap(one) for one in labels)
    return table_from({name: labels if declared_categories else y})[name]


def read_known_target(X: Any, y: Any, target: Target) -> Column:
    """Read a target to compare with one that was learnt: its values, or the name of its column in X, as the kind that was learnt.

    Names of classes stay as they are.
    """
    column = target_column(find_target(X, y) if isinstance(y, str) else y)
    return column if isinstance(target, ClassTarget) and _names_classes(column, target) else as_kind(column, target.column_kind)


def _names_classes(column: Column, target: ClassTarget) -> bool:
    """Whether the texts of a column are names of classes as they are, which integers beyond 2**53 are too."""
    are_texts = column.kind not in ("number", "date")
    return are_texts and (target.column_kind == "category" or {*column.categories} <= {*target.classes})


def check_lengths(table: Table, column: Column) -> None:
    """Refuse a target that has not one value for each row."""
    if len(column) != len(table):
        raise DataError(f"X has {pluralize(len(table), 'row')}, but y has {len(column):,}")


def _is_categorical(y: Any) -> bool:
    """Whether y is a column of pandas' categories or of an Arrow dictionary, whose values may be numbers."""
    return str(getattr(y, "dtype", "")) == "category" or str(getattr(y, "type", "")).startswith("dictionary")


def without_target(table: Table, target: Column, y: Any, *, named: bool) -> tuple[Table, Column]:
    """Leave out of X the column that is the target: the one of its name, or with the same values where the target has no name.

    Parameters
    ----------
    table : Table
    target : Column
    y : object
        The target as it was given.
    named : bool
        Whether the columns of X have names: an array's do not, and are all inputs.
    """
    if isinstance(getattr(y, "name", None), str) and target.name in table:
        _warn_of_other_values(table[target.name], target)
        return table.without(target.name), target
    same = [column.name for column in table if named and _holds_labels(column, target)]
    if same:
        return table.without(*same), replace(target, name=same[0])
    return table, replace(target, name=_free_name(table))


def _free_name(table: Table) -> str:
    """Give a name for a target without one that no column of the table has."""
    name = "target"
    while name in table:
        name += "_"
    return name


def _warn_of_other_values(column: Column, target: Column) -> None:
    """Warn where the column of X that has the target's name, and is left out, does not hold the target's values."""
    if not _holds_labels(column, target):
        warnings.warn(
            f"the column {column.name!r} of X is left out, because the target has this name, but its values are not the target's; "
            "rename y if the column is an input",
            TargetNameWarning,
            stacklevel=user_stacklevel(),
        )


def _holds_labels(column: Column, target: Column) -> bool:
    """Whether a column of X holds the target's values, which are read as the column was where they are texts.

    The first rows are compared first: they tell nearly every other column, and lists of all rows take longer than the training.
    """
    first = slice(FIRST_ROWS)
    return _are_equal(column.take(first), target.take(first)) and _are_equal(column, target)


def _are_equal(column: Column, target: Column) -> bool:
    """Compare a column of X with the target, which is converted to the column's kind where one of them holds texts."""
    if target.kind == "category":
        try:
            target = column_from_texts(target.name, target.data, target.categories, kind=column.kind, rules=RULES)
        except DataError:
            return False
    elif column.kind == "category":  # declared categories may be numbers
        target = convert_kind(target, "category")
    return column.to_list() == target.to_list()


def without_missing_targets(table: Table, column: Column, weights: Array | None) -> tuple[Table, Column, Array | None]:
    """Leave out the rows whose target is missing, with a warning."""
    missing = column.missing
    count = int(missing.sum())
    if not count:
        return table, column, weights
    if count == len(column):
        raise DataError(f"the target {column.name!r} is missing in every row")
    warn_of_missing_targets(count)
    kept = np.flatnonzero(~missing)
    return table.take(kept), column.take(kept), None if weights is None else weights[kept]


def warn_of_missing_targets(count: int) -> None:
    """Warn that rows are left out."""
    warnings.warn(MISSING_TARGETS.format(pluralize(count, "row")), MissingTargetWarning, stacklevel=user_stacklevel())
