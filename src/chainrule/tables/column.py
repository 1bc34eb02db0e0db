"""One column of a table: its name, its kind and its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .._types import AnyArray
from .text_rules import TextRules
from .writing import Writing

Kind = Literal["number", "category", "boolean", "date", "identifier", "text", "constant"]


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


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

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
