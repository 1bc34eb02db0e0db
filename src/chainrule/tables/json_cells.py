"""The values of one key of lines of JSON, added block by block and kept as arrays: some bytes a value, whatever the file's size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .._types import AnyArray
from ..errors import DataTypeError
from .column import Column, Kind
from .column_kinds import column_of_gaps
from .text_rules import TextRules
from .typed_columns import column_from_array, column_of_texts, type_of_all


class Chunk(NamedTuple):
    """The values of some rows from ``start``, and whether each is a gap."""

    start: int
    values: AnyArray
    gaps: AnyArray


def _nearest_float(value: float) -> float:
    """Convert a number to the nearest float; an integer beyond its range is infinite, as 1e999 is."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@dataclass
class JsonCells:
    """The values of one key.

    Attributes
    ----------
    name : str
    type : str
        "nothing" as long as all values are gaps; else "integer", "number", "boolean" or "text".
    error : DataTypeError or None
        Raised when the column is made, since a column that is not wanted may hold anything.
    """

    name: str
    type: str = "nothing"
    chunks: list[Chunk] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    first: Any = None
    first_row: int = 0
    error: DataTypeError | None = None

    def add(self, start: int, values: list[Any], place_of: Callable[[int], str]) -> None:
        """Add the values of the rows from ``start``; None is a gap. After an ``error`` no more are added."""
        rules = TextRules(place_of=lambda row: place_of(start + row - 1 if row else self.first_row))
        try:
            found = "nothing" if self.error else type_of_all(self.name, [self.first, *values], rules)
        except DataTypeError as error:
            self.error, found = error, "nothing"
            self.chunks.clear()
        if found == "nothing":
            return
        if self.first is None:
            self.first, self.first_row = next((value, start + k) for k, value in enumerate(values) if value is not None)
        self.type = "number" if {self.type, found} == {"integer", "number"} else found
        gaps = np.array([value is None for value in values], bool)
        self.chunks.append(Chunk(start, self._array(values), gaps))

    def _array(self, values: list[Any]) -> AnyArray:
        """Make an array of values of one type: of texts their positions among the distinct ones, of long integers objects."""
        if self.type == "text":
            positions = self.positions
            return np.array([-1 if value is None else positions.setdefault(value, len(positions)) for value in values], np.int32)
        filled = [0 if value is None else value for value in values]
        if any(type(value) is float for value in filled):
            return np.array([np.nan if value is None else _nearest_float(value) for value in values])
        if self.type == "boolean":
            return np.array(filled, bool)
        fits = all(-(2**63) <= value < 2**63 for value in filled)
        return np.array(filled, np.int64 if fits else object)

    def column(self, n_rows: int, kind: Kind | None, rules: TextRules) -> Column:
        """Make the column of all rows; those without the key are gaps.

        Raises
        ------
        DataTypeError
            When a value is a list or an object, or of another type than those before it; the message names the line.
        DataError
            As ``typed_columns.column_from_array`` does.
        """
        if self.error:
            raise self.error
        if self.type == "nothing":
            return column_of_gaps(self.name, n_rows, kind or "constant")
        dtype = np.float64 if self.type == "number" else np.result_type(*{chunk.values.dtype for chunk in self.chunks})
        values, gaps = np.zeros(n_rows, dtype), np.ones(n_rows, bool)
        for chunk in self.chunks:
            rows = slice(chunk.start, chunk.start + len(chunk.values))
            long_integers = chunk.values.dtype == object and dtype == np.float64
            values[rows] = [*map(_nearest_float, chunk.values)] if long_integers else chunk.values
            gaps[rows] = chunk.gaps
        self.chunks.clear()
        if self.type == "text":
            return column_of_texts(self.name, np.where(gaps, np.int32(-1), values), [*self.positions], kind=kind, rules=rules)
        return column_from_array(self.name, values, gaps, kind=kind, rules=rules)
