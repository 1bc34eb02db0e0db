"""What a model learns from a table: classes by their names, or values in their unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from .._types import AnyArray
from ..errors import DataError, look_up
from .column import Column, Kind
from .column_kinds import convert_kind, number_text, row_name

Task = Literal["classification", "regression"]
LabelKind = Literal["text", "integer", "number", "boolean"]

MAXIMUM_CLASSES = 1000
MAXIMUM_NAME = 1000  # characters of the name of a class or of a target


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

    @property
    def column_kind(self) -> Kind:
        """The kind of a column that holds the target: numbers, booleans, or texts, which are a category."""
        if self.kind == "text":
            return "category"
        return "boolean" if self.kind == "boolean" else "number"

    @cached_property
    def labels(self) -> AnyArray:
        """The classes in the user's own type, (n_classes,): int64, float64, bool, or str as objects."""
        return np.array([LABEL_OF[self.kind](name) for name in self.classes], object if self.kind == "text" else None)

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
        codes = self.codes_of(column)
        if (codes < 0).any():
            row = int((codes < 0).argmax())
            raise DataError(
                f"the target {self.name!r} holds {text_of_row(column, row)!r} in {row_name(row)}, but the model learnt "
                f"the classes {listed(self.classes)}; correct it, or leave the row out"
            )
        return codes

    def codes_of(self, column: Column) -> AnyArray:
        """Number the class of each row as ``encode`` does, but give -1 for a value that is not among the classes.

        Raises
        ------
        DataError
            When a row has no value.
        """
        _check_no_gaps(self.name, column)
        texts = convert_kind(column, "category")
        known = {name: code for code, name in enumerate(self.classes)}
        code_of_text = np.array([known.get(self._class_name(text), -1) for text in texts.categories], np.int64)
        return code_of_text[texts.data]

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
        if list(classes) != sorted(set(classes), key=LABEL_OF[kind]) or any(canonical(name) != name for name in classes):
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
    column_kind: ClassVar[Kind] = "number"

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


def _check_no_gaps(name: str, column: Column) -> None:
    """Refuse a target that is missing in a row."""
    if column.missing.any():
        row = int(column.missing.argmax())
        raise DataError(f"the target {name!r} has no value in {row_name(row)}; leave out the rows whose target is missing")


def text_of_row(column: Column, row: int) -> str:
    """Write the value of a row as the text by which it is known as a category."""
    return str(convert_kind(column.take(slice(row, row + 1)), "category").to_list()[0])


def listed(names: tuple[str, ...] | list[str]) -> str:
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


LABEL_OF: dict[str, Callable[[str], Any]] = {
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
