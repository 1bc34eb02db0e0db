"""What a target's column is: classes or values, and which; what cannot be learnt is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np

from .._types import AnyArray
from ..errors import DataError, look_up
from .column import Column
from .column_kinds import convert_kind, number_text, row_name
from .number_texts import parse_number
from .target import LABEL_OF, MAXIMUM_CLASSES, MAXIMUM_NAME, ClassTarget, LabelKind, Target, Task, ValueTarget, listed, text_of_row

FEW_NUMBERS = 10  # distinct whole numbers that are classes whatever they are
MAXIMUM_NUMBERED = 100  # classes that are numbered 0, 1, 2 ... or 1, 2, 3 ...
ROWS_OF_NUMBERED = 5  # the least that each of these must have


@dataclass(frozen=True, eq=False)
class TargetReading:
    """What was made of the target's column.

    Attributes
    ----------
    target : ClassTarget or ValueTarget
    rows : array of int, shape (n,)
        The rows of the table whose target has a value.
    y : array, shape (n,)
        Of these rows: the numbers of their classes, int64; or their standardized values, float64.
    notes : tuple of str
        Sentences for the user: what the target is and why, and what is unusual about it.
    """

    target: Target
    rows: AnyArray
    y: AnyArray
    notes: tuple[str, ...]


def infer_target(column: Column, task: Task | None = None, label_kind: LabelKind | None = None) -> TargetReading:
    """Decide what is learnt from a target: classes or values.

    - Texts, categories and booleans are classes.
    - At most 10 distinct whole numbers are classes where each has two rows or more on average.
    - Whole numbers 0, 1, 2 ... or 1, 2, 3 ... up to 100, without a gap, are classes where each has five rows or more.
    - Other numbers are values.
    - Rows whose target is a gap are left out.

    Parameters
    ----------
    column : Column
        The target.
    task : {"classification", "regression"}, optional
        Overrides the rules.
    label_kind : {"text", "integer", "number", "boolean"}, optional
        The type of the labels of classes; by default that of the column's values.

    Returns
    -------
    TargetReading

    Raises
    ------
    DataError
        When nothing can be learnt: the target is empty, constant, an identifier or a date, has more than 1,000 classes, or
        values are required and it holds none.
    UnknownName
        When there is no such task.
    """
    if task is not None:
        look_up("task", task, dict.fromkeys(get_args(Task)))
    rows = np.flatnonzero(~column.missing)
    filled = column if len(rows) == len(column) else column.take(rows)
    _check_learnable(column, filled, task)
    chosen, reason = (task, "as the task requires") if task else infer_task(filled)
    gaps = len(column) - len(rows)
    left_out = f"{gaps:,} of {len(column):,} rows are left out, because their target {column.name!r} is missing"
    notes = [left_out + _mark_hint(column, chosen)] if gaps else []
    if chosen == "regression":
        values = _fit_values(filled)
        range_ = f"{number_text(values.low)} to {number_text(values.high)}"
        notes.insert(0, f"the target {column.name!r} holds values from {range_}, {reason}")
        return TargetReading(values, rows, values.encode(filled), tuple(notes))
    classes = _fit_classes(filled, label_kind)
    codes = classes.encode(filled)
    notes.insert(0, f"the target {column.name!r} holds {len(classes.classes)} classes, {reason}")
    notes += _note_single_rows(classes, codes)
    return TargetReading(classes, rows, codes, tuple(notes))


def infer_task(column: Column) -> tuple[Task, str]:
    """Infer the task from a target without gaps; return it and the reason, as the end of a sentence."""
    if column.kind == "boolean":
        return "classification", "because it holds two answers"
    if column.kind != "number":
        hint = " (--task regression learns them as values)" if _can_be_numbers(column) else ""
        return "classification", f"because they are texts{hint}"
    if (column.data != np.floor(column.data)).any():
        return "regression", "because they are not all whole numbers (--task classification learns them as classes)"
    numbers, counts = np.unique(column.data, return_counts=True)
    as_values, as_classes = "(--task regression learns them as values)", "(--task classification learns them as classes)"
    if len(numbers) <= FEW_NUMBERS and len(column) >= 2 * len(numbers):
        return "classification", f"because it has only {len(numbers)} distinct whole numbers {as_values}"
    if _are_numbered(numbers, counts):
        return "classification", f"because the whole numbers from {numbers[0]:.0f} to {numbers[-1]:.0f} number them {as_values}"
    found = f"{len(numbers):,} distinct whole numbers in {len(column):,} rows"
    return "regression", f"because {found} are too many for classes, or do not number them from 0 or 1 {as_classes}"


def _can_be_numbers(column: Column) -> bool:
    """Whether all values of a column are numbers, or texts of numbers."""
    try:
        convert_kind(column, "number")
    except DataError:
        return False
    return True


def _are_numbered(numbers: AnyArray, counts: AnyArray) -> bool:
    """Whether distinct whole numbers number classes: from 0 or 1 without a gap, each with several rows."""
    without_gap = numbers[0] in (0, 1) and numbers[-1] - numbers[0] == len(numbers) - 1
    return bool(without_gap and len(numbers) <= MAXIMUM_NUMBERED and counts.min() >= ROWS_OF_NUMBERED)


def _check_learnable(column: Column, filled: Column, task: Task | None) -> None:
    """Refuse a target from which nothing can be learnt."""
    target = f"the target {column.name!r}"
    if len(column.name) > MAXIMUM_NAME:
        raise DataError(f"the name of the target has {len(column.name):,} characters; the limit is {MAXIMUM_NAME:,}: shorten it")
    if len(column) == 0:
        raise DataError("the table has no rows to learn from")
    if len(filled) == 0:
        hint = _mark_hint(column, task)
        raise DataError(f"{target} has no value in any of its {len(column):,} rows; fill it in, or name another target{hint}")
    if column.kind == "date":
        raise DataError(f"{target} holds dates, which cannot be learnt; make numbers of them, such as days, or name another target")
    if column.kind == "identifier" and task is None:
        raise DataError(
            f"{target} has {filled.n_distinct:,} distinct texts in {len(filled):,} rows, so that nearly each would be a class; "
            "name another target, or learn them all the same (--task classification)"
        )
    if filled.n_distinct == 1:
        raise DataError(
            f"{target} holds only one class or value, {text_of_row(filled, 0)!r}, in all {len(filled):,} rows, but at least "
            f"two are learnt; add rows that differ, or name another target{_mark_hint(column, task)}"
        )


def _mark_hint(column: Column, task: Task | None) -> str:
    """Say how a text that was read as a gap can be a class, as the end of a sentence; nothing where values are learnt."""
    if not column.gap_marks or task == "regression" or column.kind == "number":
        return ""
    marks = ", ".join(column.gap_marks[:3]) + ", ..." * (len(column.gap_marks) > 3)
    return f"; the text {marks} was read as a gap: to learn it as a class, name the marks of gaps without it (--missing, missing=)"


def _fit_classes(column: Column, label_kind: LabelKind | None) -> ClassTarget:
    """Find the classes of a target without gaps."""
    n = column.n_distinct
    if n > MAXIMUM_CLASSES:
        remedy = "learn them as values (--task regression)" if _can_be_numbers(column) else "group them, or name another target"
        raise DataError(
            f"the target {column.name!r} has {n:,} distinct values, which would each be a class; the limit is {MAXIMUM_CLASSES:,} "
            f"classes: {remedy}"
        )
    texts = convert_kind(column, "category")
    names = [texts.categories[code] for code in np.unique(texts.data)]
    longest = max(names, key=len)
    if len(longest) > MAXIMUM_NAME:
        raise DataError(
            f"the target {column.name!r} holds a text of {len(longest):,} characters, {longest[:40]!r} ...; the limit of a class's "
            f"name is {MAXIMUM_NAME:,}: shorten it, or name another target"
        )
    kind = label_kind or _label_kind(column, names)
    return ClassTarget(column.name, tuple(sorted(names, key=LABEL_OF[kind])), kind)


def _label_kind(column: Column, names: list[str]) -> LabelKind:
    """Find the type of the labels of a column."""
    if column.kind == "number":
        return "integer" if bool((column.data == np.floor(column.data)).all()) else "number"
    return "boolean" if column.kind == "boolean" and set(names) <= {"False", "True"} else "text"


def _fit_values(column: Column) -> ValueTarget:
    """Find the mean, the standard deviation and the range of a target without gaps."""
    _check_numbers(column)
    values = convert_kind(column, "number").data
    low, high = float(values.min()), float(values.max())
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(values.mean()), float(values.std())
    if not (math.isfinite(mean) and math.isfinite(scale)):
        raise DataError(
            f"the target {column.name!r} holds values from {low:g} to {high:g}, whose squares are beyond float64; correct "
            "those that are wrong, or divide all by a constant"
        )
    return ValueTarget(column.name, mean, scale if scale > 0 else high - low, low, high)


def _check_numbers(column: Column) -> None:
    """Refuse a target of texts that are not numbers, where values are required."""
    wrong = np.array([parse_number(text) is None for text in column.categories], bool)
    if column.kind not in ("number", "boolean") and wrong[column.data].any():
        row = int(wrong[column.data].argmax())
        raise DataError(
            f"the target {column.name!r} holds {text_of_row(column, row)!r} in {row_name(row)}, but values must be numbers; "
            "learn classes (--task classification, TableClassifier), or name another target"
        )


def _note_single_rows(target: ClassTarget, codes: AnyArray) -> list[str]:
    """Say which classes have one row, since such a class cannot be both learnt and checked."""
    counts = np.bincount(codes, minlength=len(target.classes))
    single = [name for name, count in zip(target.classes, counts, strict=True) if count == 1]
    if not single:
        return []
    classes = f"class {single[0]!r} of the target has" if len(single) == 1 else f"{len(single)} classes of the target have"
    return [f"{classes} one row only ({listed(single)}), which can be learnt or checked, but not both; add rows of it"]
