"""One column of a table: its name, its kind and its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from types import EllipsisType
from typing import Any, Literal, overload

import numpy as np

from .._format import pluralize
from .._types import AnyArray
from ..errors import ArgumentTypeError, DataError
from .text_rules import TextRules
from .writing import Writing

Kind = Literal["number", "category", "boolean", "date", "identifier", "text", "constant"]
Rows = slice | AnyArray | Sequence[int] | Sequence[bool]

FEW_VALUES = 5  # of a column are shown


def first_repeated(names: Sequence[str]) -> str:
    """Give the first name that stands again further on; to count each anew would take the square of their number.

    Examples
    --------
    >>> first_repeated(["a", "b", "c", "b", "a"])
    'a'
    """
    counts = Counter(names)
    return next(name for name in names if counts[name] > 1)


@dataclass(frozen=True, eq=False)
class RawTexts:
    """What a column was read from, so that it can be read again as another kind: 1 and 1.0 are equal numbers, but two categories.

    Attributes
    ----------
    rules : TextRules
        How the texts were read.
    codes : int32 array, shape (n,), or None
        The position of each row's text in ``texts``, -1 where it is a mark of a gap; None where the texts were not kept.
    texts : sequence of str
        Distinct and trimmed.
    numbers : float64 array, shape (n,), or None
        The numbers of a column of another kind, such as a constant, where its texts were not kept.
    """

    rules: TextRules
    codes: AnyArray | None = None
    texts: Sequence[str] = ()
    numbers: AnyArray | None = None

    def take(self, rows: AnyArray | slice) -> RawTexts:
        """Select rows, by position or by a mask."""
        codes, numbers = (None if values is None else values[rows] for values in (self.codes, self.numbers))
        return RawTexts(self.rules, codes, self.texts, numbers)


@dataclass(frozen=True, eq=False, repr=False)
class Column:
    """One column of a table; ``column[0]`` gives a value, ``column[rows]`` selects rows, ``np.asarray(column)`` gives all values.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "boolean", "date", "identifier", "text", "constant"}
    data : array, shape (n,)
        Of a number: float64, where NaN is a gap. Of a date: datetime64[us] in UTC, where NaT is a gap. Of all other kinds: int32
        positions in ``categories``, where -1 is a gap.
    categories : tuple of str
        The distinct values, in ascending order; empty for numbers and dates.
    writing : Writing or None
        How the texts were written that numbers or dates were read from.
    gap_marks : tuple of str
        The texts that were read as gaps, such as NA, in ascending order; the empty one apart.
    raw : RawTexts, optional
        The texts that the values were read from; None where they had types.
    """

    name: str
    kind: Kind
    data: AnyArray
    categories: tuple[str, ...] = ()
    writing: Writing | None = None
    gap_marks: tuple[str, ...] = ()
    raw: RawTexts | None = None

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_list())

    @overload
    def __getitem__(self, rows: int) -> Any: ...

    @overload
    def __getitem__(self, rows: Rows | tuple[Rows, EllipsisType]) -> Column: ...

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, Integral):
            return self.take(checked_rows([rows], len(self))).to_list()[0]
        return self.take(checked_rows(rows, len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        """Give numbers as float64, dates as datetime64[us], True and False as bool, and other values as objects; None is a gap."""
        if self.kind in ("number", "date"):
            values = self.data
        elif {*self.categories} <= {"False", "True"} and not self.missing.any():
            values = np.array([text == "True" for text in self.categories], bool)[self.data]
        else:
            values = np.array([*self.categories, None], object)[self.data]
        return np.array(values, dtype, copy=copy)

    def __repr__(self) -> str:
        first = [*map(repr, self.take(slice(FEW_VALUES)).to_list()), *["..."] * (len(self) > FEW_VALUES)]
        return f"Column({self.name!r}, {self.kind}, {pluralize(len(self), 'row')}: {', '.join(first)})"

    @property
    def shape(self) -> tuple[int]:
        """The number of rows, as an array has it."""
        return (len(self),)

    @cached_property
    def missing(self) -> AnyArray:
        """Whether each value is a gap, (n,) of bool."""
        if self.kind == "number":
            return np.isnan(self.data)
        return np.isnat(self.data) if self.kind == "date" else self.data < 0

    @cached_property
    def n_distinct(self) -> int:
        """The number of distinct values, gaps apart."""
        return len(np.unique(self.data[~self.missing]))

    def take(self, rows: AnyArray | slice) -> Column:
        """Select rows, by position or by a mask."""
        raw = None if self.raw is None else self.raw.take(rows)
        return Column(self.name, self.kind, self.data[rows], self.categories, self.writing, self.gap_marks, raw)

    def to_list(self) -> list[Any]:
        """Give the values as Python objects: float, datetime or str; None for a gap."""
        if self.kind == "number":
            return [None if np.isnan(value) else float(value) for value in self.data]
        if self.kind == "date":
            return self.data.tolist()
        return [None if code < 0 else self.categories[code] for code in self.data]


def checked_rows(rows: Any, n: int) -> AnyArray | slice:
    """Check a choice of some of ``n`` rows: a slice, positions, or a mask; scikit-learn gives it as ``(rows, ...)``.

    Raises
    ------
    ArgumentTypeError
        When it is something else, such as one number.
    DataError
        When there is no such row, or a mask has not one value for each row.

    Examples
    --------
    >>> checked_rows([2, 0], 3), checked_rows(slice(2), 3)
    (array([2, 0]), slice(None, 2, None))
    """
    if isinstance(rows, tuple) and len(rows) == 2 and rows[1] is Ellipsis:
        rows = rows[0]
    if isinstance(rows, slice):
        return rows
    chosen = np.asarray(rows)
    if chosen.shape == (0,):
        return chosen.astype(np.intp)  # an empty list is an array of floats
    if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
        raise ArgumentTypeError(
            "rows must be chosen by a slice, such as [:3], by a list or array of their numbers from 0, or by one of booleans; "
            f"the choice is {str(rows)[:40]} of type {type(rows).__name__}"
        )
    if chosen.dtype == bool and len(chosen) != n:
        raise DataError(f"a choice of rows by booleans must have one for each of the {n:,} rows; it has {len(chosen):,}")
    if chosen.dtype != bool and not -n <= chosen.min() <= chosen.max() < n:
        wrong = chosen.max() if chosen.max() >= n else chosen.min()
        raise DataError(f"there is no row {wrong} among {pluralize(n, 'row')}, which are numbered from 0")
    return chosen
