"""The distinct texts of a column, how often each occurs, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np

from .._types import AnyArray
from ..errors import DataError, DataTypeError
from .column import Column, Kind
from .number_texts import NumberTexts
from .text_rules import TABLE_REMEDY, TextRules
from .writing import Writing

STRAY_SHARE = 0.01
FEW_STRAYS = 0.1
MANY_NUMBERS = 20
_UNKNOWN = Writing()


@dataclass(frozen=True, eq=False)
class DistinctTexts:
    """A column as its distinct texts, trimmed and without gaps.

    Attributes
    ----------
    name : str
    codes : int32 array, shape (n,)
        The position of each row's text in ``texts``; -1 is a gap.
    texts : list of str
        Distinct, in ascending order, each of them in some row.
    rules : TextRules
    weights : int array, shape (n,), optional
        How many rows of a table each row stands for; by default itself.
    """

    name: str
    codes: AnyArray
    texts: list[str]
    rules: TextRules
    weights: AnyArray | None = None

    @classmethod
    def of(
        cls, name: str, codes: AnyArray, texts: Sequence[str | None], rules: TextRules, weights: AnyArray | None = None
    ) -> DistinctTexts:
        """Renumber the codes: one code for equal texts, in ascending order; a gap for None; texts without a row are dropped."""
        used = np.zeros(len(texts) + 1, bool)
        used[codes] = True  # a gap, -1, marks the last entry
        distinct = sorted({text for text, is_used in zip(texts, used, strict=False) if is_used and text is not None})
        position = {text: k for k, text in enumerate(distinct)}
        table = np.array([-1 if text is None else position.get(text, -1) for text in texts] + [-1], np.int32)
        return cls(name, table[codes], distinct, rules, weights)

    def without(self, gaps: AnyArray) -> DistinctTexts:
        """Turn some texts, (k,) of bool, into gaps."""
        if not gaps.any():
            return self
        kept = [None if gap else text for text, gap in zip(self.texts, gaps, strict=True)]
        return self.of(self.name, self.codes, kept, self.rules, self.weights)

    @cached_property
    def counts(self) -> AnyArray:
        """The number of rows of each text, (k,)."""
        present = self.codes >= 0
        if self.weights is None:
            return np.bincount(self.codes[present], minlength=len(self.texts))
        return np.bincount(self.codes[present], self.weights[present], len(self.texts)).astype(np.int64)

    @cached_property
    def numbers(self) -> NumberTexts:
        """The texts, read as numbers as far as they are numbers."""
        return NumberTexts(self.texts, parentheses=self.known.parentheses)

    @property
    def known(self) -> Writing:
        """How the column was written in a model's training, as far as that is known."""
        return self.rules.known.get(self.name, _UNKNOWN)

    @property
    def n_values(self) -> int:
        """The number of rows, gaps apart."""
        return int(self.counts.sum())

    @cached_property
    def marks_among_numbers(self) -> AnyArray:
        """Whether each text is a gap if the others are numbers or dates, (k,) of bool."""
        return np.array([self.rules.is_mark_among_numbers(text) for text in self.texts], bool)

    def column(self, kind: Kind) -> Column:
        """Build the column whose values are the texts."""
        return Column(self.name, kind, self.codes, tuple(self.texts))

    def spread(self, values: AnyArray, gap: object) -> AnyArray:
        """Give each row the value of its text, (k,) to (n,)."""
        return np.append(values, np.array(gap, values.dtype))[self.codes]

    def holds_strays(self, fitting: AnyArray) -> bool:
        """Whether the few texts that are not numbers (or dates) look like mistakes or marks of gaps rather than like categories.

        They do where they are one value or at most 1 % of the values; or where more than 20 distinct numbers stand beside them, and
        they are at most 10 % of the values or at most three distinct texts. So 1, 2, 3+ is a category, and so are tickets such as
        A/5 21171 among numbers.
        """
        strange = ~fitting & ~self.marks_among_numbers
        n_strange, n_fitting = self.counts[strange].sum(), int(fitting.sum())
        if n_strange <= max(1, STRAY_SHARE * self.n_values):
            return n_fitting > 1
        return n_fitting > MANY_NUMBERS and bool(n_strange <= FEW_STRAYS * self.n_values or strange.sum() <= 3)

    def refuse(
        self, chosen: AnyArray, problem: str, remedy: str = "", error: type[DataError | DataTypeError] = DataError
    ) -> NoReturn:
        """Refuse the first row whose text is among those chosen, (k,) of bool."""
        row = int(np.argmax(np.append(chosen, False)[self.codes]))
        text = self.texts[self.codes[row]]
        remedy = remedy or self._remedies(text)
        if row == 0 and self.rules.by_position:
            remedy = f"if this line holds the names of the columns, say so (--header, header=); else {remedy}"
        raise error(f"{self.rules.place_of(row)}, column {self.name!r}: {shown(text)} {problem}; {remedy}")

    def _remedies(self, text: str) -> str:
        """The ways out for a value that does not fit, as the options of this source."""
        if self.rules.numbers_only:
            return f"correct it, or {TABLE_REMEDY}"
        if self.rules.known_names:
            gap = f"declare it a gap (--missing {shown(text)}, missing=)" if self.rules.from_file else "make it a gap (None)"
            return f"correct it, or {gap}: the model takes the column as it learnt it"
        if not self.rules.from_file:
            return f"correct it, or give kinds={{{self.name!r}: 'category'}}, or leave the column out"
        return (
            f"correct it, or declare it a gap (--missing {shown(text)}, missing=), or read the column as a category "
            f"(--category {self.name!r}, kinds=), or leave the column out (--drop {self.name!r}, drop=)"
        )


def shown(text: str) -> str:
    """Quote a value for a message, shortened where it is long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
