"""What a model learns from a table: classes by their names, or values in their unit; inferred from the target's column."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from .._types import AnyArray
from ..errors import DataError, look_up
from .column import Column
from .column_kinds import convert_kind, number_text, row_name
from .number_texts import parse_number
from .text_columns import check_unicode
from .typed_columns import is_gap

Task = Literal["classification", "regression"]
LabelKind = Literal["text", "integer", "number", "boolean"]

MAXIMUM_CLASSES = 1000
MAXIMUM_NAME = 1000  # characters of the name of a class or of a target
FEW_NUMBERS = 10  # distinct whole numbers that are classes whatever they are
MAXIMUM_NUMBERED = 100  # classes that are numbered 0, 1, 2 ... or 1, 2, 3 ...
ROWS_OF_NUMBERED = 5  # the least that each of these must have


@dataclass(frozen=True)
class ClassTarget:
    """A target of classes.

    Attributes
    ----------
    name : str
        The target's column.
    classes : tuple of str
        The names of the classes, 2 to 1,000: numbers in the order of their values, others in that of their characters.
    kind : {"text", "integer", "number", "boolean"}
        The type of the labels, which ``decode`` gives back.
    """

    name: str
    classes: tuple[str, ...]
    kind: LabelKind = "text"

    task: ClassVar[Task] = "classification"

    @cached_property
    def labels(self) -> AnyArray:
        """The classes in the user's own type, (n_classes,): int64, float64, bool, or str as objects."""
        return np.array([_LABEL_OF[self.kind](name) for name in self.classes], object if self.kind == "text" else None)

    def encode(self, column: Column) -> AnyArray:
        """Number the class of each row.

        Parameters
        ----------
        column : Column
            Of any kind; a class is recognized by its name.

        Returns
        -------
        codes : array of int64, shape (n,)

        Raises
        ------
        DataError
            When a row has no value, or one that is not among the classes; the message names the row and the value.
        """
        _check_no_gaps(self.name, column)
        texts = convert_kind(column, "category")
        known = {name: code for code, name in enumerate(self.classes)}
        code_of_text = np.array([known.get(self._class_name(text), -1) for text in texts.categories], np.int64)
        codes = code_of_text[texts.data]
        if (codes < 0).any():
            row = int((codes < 0).argmax())
            raise DataError(
                f"the target {self.name!r} holds {texts.categories[texts.data[row]]!r} in {row_name(row)}, but the model learnt "
                f"the classes {_listed(self.classes)}; correct it, or leave the row out"
            )
        return codes

    def decode(self, codes: AnyArray) -> AnyArray:
        """Give the labels of class numbers, in the user's own type; the shape is that of ``codes``."""
        return self.labels[codes]

    def to_json(self) -> dict[str, Any]:
        """Describe the target for a model file."""
        return {"task": "classification", "name": self.name, "kind": self.kind, "classes": list(self.classes)}

    @classmethod
    def parse(cls, described: Any) -> ClassTarget:
        """Read what ``to_json`` wrote.

        Raises
        ------
        ValueError, TypeError, KeyError
            When it is not such a description.
        """
        _check_keys(described, "classification", {"name", "kind", "classes"})
        names, kind = described["classes"], described["kind"]
        canonical = look_up("kind of labels", kind, _CANONICAL)
        if not isinstance(names, list) or not 2 <= len(names) <= MAXIMUM_CLASSES:
            raise ValueError(f"the classes of a target must be a list of 2 to {MAXIMUM_CLASSES:,} names")
        classes = tuple(_check_name(name) for name in names)
        if list(classes) != sorted(set(classes), key=_LABEL_OF[kind]) or any(canonical(name) != name for name in classes):
            raise ValueError(f"the classes of a target must be {kind}s in ascending order")
        return cls(_check_name(described["name"]), classes, kind)

    def _class_name(self, text: str) -> str:
        """Write a boolean as Python does, since files write it in other ways; other texts are names as they are."""
        return text.capitalize() if self.kind == "boolean" else text


@dataclass(frozen=True)
class ValueTarget:
    """A target of values, which a network learns standardized: z = (value - mean) / scale.

    Attributes
    ----------
    name : str
        The target's column.
    mean, scale : float
        The mean and the standard deviation of the values seen.
    low, high : float
        The least and the largest value seen.
    """

    name: str
    mean: float
    scale: float
    low: float
    high: float

    task: ClassVar[Task] = "regression"

    def encode(self, column: Column) -> AnyArray:
        """Standardize the values of a column: array of float64, shape (n,).

        Raises
        ------
        DataError
            When a row has no value, or one that is not a number.
        """
        return (self.values_of(column) - self.mean) / self.scale

    def values_of(self, column: Column) -> AnyArray:
        """Give the values of a column in their own unit: array of float64, shape (n,).

        Raises
        ------
        DataError
            When a row has no value, or one that is not a number.
        """
        numbers = convert_kind(column, "number")
        _check_no_gaps(self.name, numbers)
        return numbers.data

    def decode(self, outputs: AnyArray) -> AnyArray:
        """Give values in their own unit, float64, from standardized ones, and clip them to the range seen; any shape."""
        return np.clip(self.mean + self.scale * np.asarray(outputs, np.float64), self.low, self.high)

    def to_json(self) -> dict[str, Any]:
        """Describe the target for a model file."""
        numbers = {"mean": self.mean, "scale": self.scale, "low": self.low, "high": self.high}
        return {"task": "regression", "name": self.name, **numbers}

    @classmethod
    def parse(cls, described: Any) -> ValueTarget:
        """Read what ``to_json`` wrote.

        Raises
        ------
        ValueError, TypeError, KeyError
            When it is not such a description.
        """
        keys = ("mean", "scale", "low", "high")
        _check_keys(described, "regression", {"name", *keys})
        mean, scale, low, high = (_check_finite(key, described[key]) for key in keys)
        if not (scale > 0 and low <= high):
            raise ValueError(f"a target's scale must be positive, and its range in order; they are {scale}, {low} and {high}")
        return cls(_check_name(described["name"]), mean, scale, low, high)


Target = ClassTarget | ValueTarget


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


def list_labels(y: Any) -> list[Any]:
    """Give the values of a sequence, an array or a frame's column as Python objects; none where y is something else."""
    for method in ("tolist", "to_list", "to_pylist"):
        if hasattr(y, method):
            values = getattr(y, method)()
            return values if isinstance(values, list) else []
    return list(y) if isinstance(y, (list, tuple)) else []


def column_of_label_texts(name: str, labels: Sequence[Any]) -> Column | None:
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


def parse_target(described: Any) -> Target:
    """Read what ``to_json`` of a target wrote.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it is not such a description.
    """
    if not isinstance(described, dict):
        raise TypeError(f"a target must be described by a dict; it is a {type(described).__name__}")
    return ClassTarget.parse(described) if described["task"] == "classification" else ValueTarget.parse(described)


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
            f"{target} holds only one class or value, {_text_of_row(filled, 0)!r}, in all {len(filled):,} rows, but at least "
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
    return ClassTarget(column.name, tuple(sorted(names, key=_LABEL_OF[kind])), kind)


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
            f"the target {column.name!r} holds {_text_of_row(column, row)!r} in {row_name(row)}, but values must be numbers; "
            "learn classes (--task classification), or name another target"
        )


def _note_single_rows(target: ClassTarget, codes: AnyArray) -> list[str]:
    """Say which classes have one row, since such a class cannot be both learnt and checked."""
    counts = np.bincount(codes, minlength=len(target.classes))
    single = [name for name, count in zip(target.classes, counts, strict=True) if count == 1]
    if not single:
        return []
    classes = f"class {single[0]!r} of the target has" if len(single) == 1 else f"{len(single)} classes of the target have"
    return [f"{classes} one row only ({_listed(single)}), which can be learnt or checked, but not both; add rows of it"]


def _check_no_gaps(name: str, column: Column) -> None:
    """Refuse a target that is missing in a row."""
    if column.missing.any():
        row = int(column.missing.argmax())
        raise DataError(f"the target {name!r} has no value in {row_name(row)}; leave out the rows whose target is missing")


def _text_of_row(column: Column, row: int) -> str:
    """Write the value of a row as the text by which it is known as a category."""
    return str(convert_kind(column.take(slice(row, row + 1)), "category").to_list()[0])


def _listed(names: tuple[str, ...] | list[str]) -> str:
    """List names, at most ten."""
    return ", ".join(map(repr, names[:10])) + (" ..." if len(names) > 10 else "")


def _integer_label(name: str) -> int:
    """Read the name of a class as a whole number of 64 bits."""
    number = int(name)
    if not -(2**63) <= number < 2**63:
        raise DataError(f"a class that is a whole number must fit 64 bits; it is {name!r}: make the labels texts")
    return number


def _boolean_label(name: str) -> bool:
    """Read the name of a class as a boolean."""
    if name not in ("False", "True"):
        raise ValueError(f"a class that is a boolean must be False or True; it is {name!r}")
    return name == "True"


_LABEL_OF: dict[str, Callable[[str], Any]] = {
    "text": str,
    "integer": _integer_label,
    "number": lambda name: _check_finite("class", float(name)),
    "boolean": _boolean_label,
}

_CANONICAL: dict[str, Callable[[str], str]] = {
    "text": str,
    "integer": lambda name: str(int(name)),
    "number": lambda name: number_text(float(name)),
    "boolean": str,
}


def _check_keys(described: Any, task: Task, keys: set[str]) -> None:
    """Refuse what is not a dict of these keys and of this task."""
    if not isinstance(described, dict):
        raise TypeError(f"a target must be described by a dict; it is a {type(described).__name__}")
    if described["task"] != task or set(described) != {"task", *keys}:
        raise ValueError(f"a target of {task} must have the keys {sorted(keys)}; it has {sorted(map(str, described))[:20]}")


def _check_name(name: Any) -> str:
    """Read the name of a class or of a target."""
    if not isinstance(name, str):
        raise TypeError(f"a name must be a text; it is a {type(name).__name__}")
    if len(name) > MAXIMUM_NAME:
        raise ValueError(f"a name must have at most {MAXIMUM_NAME:,} characters; it has {len(name):,}")
    return name


def _check_finite(key: str, number: Any) -> float:
    """Read a finite number."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f"{key} must be a number; it is a {type(number).__name__}")
    if not abs(number) <= 1.7976931348623157e308:
        raise ValueError(f"{key} must be finite")
    return float(number)
