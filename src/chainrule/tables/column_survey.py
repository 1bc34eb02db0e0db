"""What one pass over the rows of files learns of a column: its kind, decided from all rows, and what its rules are made of.

Each class takes the rows of a column a batch at a time, in bounded memory, and then settles what the column is by the functions
that decide it for a table in memory: these see each distinct value once, with the number of its rows.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from .._types import AnyArray, Indices
from ..errors import DataError
from .column import Column, Kind
from .column_fitting import example_of
from .column_kinds import BOOLEANS, convert_kind, date_text, inferred_kind, number_text, row_name
from .column_rules import TextRule, fit_text, shorten
from .column_stream import TextColumn
from .csv_layout import is_unnamed
from .date_features import date_parts
from .distinct_texts import shown
from .number_columns import ROW_COUNTERS
from .number_summary import DistinctEstimate, NumberSummary, mixed_bits
from .prepared_column import as_kind
from .row_sample import RowSample, rows_of_sample
from .table_files import Base, CodedTexts, NumberPlan, RawColumn
from .text_columns import IDENTIFIER_SHARE, MANY_DISTINCT, TEXT_SHARE, TEXT_WORDS, column_from_texts
from .text_rules import TextRules
from .typed_columns import column_of_texts
from .writing import Writing

MOST_TEXTS = 1 << 17
"""The most distinct texts of a column that are told apart."""

MOST_TEXT_BYTES = 1 << 25
"""The most letters of these together."""

FIRST_TEXTS = 1000
"""The texts that are kept of a column of too many."""

SURE = 0.05
"""Above an estimated share of distinct texts by so much, three of its standard errors, a column is an identifier."""


class Batch(NamedTuple):
    """The rows of a batch: their numbers, (n,); their priorities for samples; their targets; and the place of the first one."""

    rows: Indices
    order: AnyArray
    y: AnyArray
    place: tuple[Path, AnyArray]


@dataclass(frozen=True, eq=False)
class NumberPart:
    """The numbers of a column or of a date's part, whether gaps are among them, and a sample: rows, values and targets."""

    summary: NumberSummary
    gaps: bool
    sample: tuple[Indices, AnyArray, AnyArray]


@dataclass(frozen=True, eq=False)
class CategoryPart:
    """The rows of each value, in the values' order, how many rows there are, and whether gaps are among them."""

    counts: dict[str, int]
    n: int
    gaps: bool


@dataclass(frozen=True, eq=False)
class TextPart:
    """The rule of a column of texts."""

    rule: TextRule | None


Part = NumberPart | CategoryPart | TextPart


@dataclass(frozen=True, eq=False)
class ColumnReader:
    """Makes a column of what a file tells of it.

    Attributes
    ----------
    name, kind, categories, writing
        Of the column.
    values : array, shape (k + 1,), or None
        What each distinct text or number stands for, and what a gap does; None where the numbers or dates stay as they are.
    positions : dict of str to int, optional
        Of each distinct text in ``values``.
    numbers : array, optional
        The distinct numbers, ascending.
    """

    name: str
    kind: Kind
    categories: tuple[str, ...] = ()
    writing: Writing | None = None
    values: AnyArray | None = None
    positions: dict[str, int] = field(default_factory=dict)
    numbers: AnyArray | None = None

    def __call__(self, raw: RawColumn) -> Column:
        """Make the column of a batch."""
        if self.values is None:
            assert not isinstance(raw, CodedTexts)  # noqa: S101  # texts have values
            return Column(self.name, self.kind, raw, writing=self.writing)
        return Column(self.name, self.kind, self.values[self._places(raw)], self.categories, self.writing)

    def _places(self, raw: RawColumn) -> AnyArray:
        if isinstance(raw, CodedTexts):
            gap = -1
            return np.array([*(self.positions.get(text, gap) for text in raw.texts), gap])[raw.codes]
        assert self.numbers is not None  # noqa: S101  # numbers have them
        return np.where(np.isnan(raw), -1, np.searchsorted(self.numbers, raw))


@dataclass(frozen=True, eq=False)
class SurveyedColumn:
    """A column whose kind is decided.

    Attributes
    ----------
    name, kind, distinct, missing, example
        As ``PreparedColumn`` has them.
    parts : dict of str to Part
        What its rules are made of: of a date's parts, of another kind one, with an empty name.
    read : ColumnReader or None
        None where its values were not kept, and no rule needs them.
    values : Column
        Its distinct values, of numbers and dates where they are few.
    weights : int array
        The rows of each of these.
    """

    name: str
    kind: Kind
    distinct: int
    missing: int
    example: str
    parts: dict[str, Part]
    read: ColumnReader | None
    values: Column
    weights: AnyArray

    @property
    def is_filling(self) -> bool:
        """Whether it is one of a spreadsheet's empty columns: without a name and without a value."""
        return is_unnamed(self.name) and not self.distinct


class ColumnSurvey(ABC):
    """A column, of which batches are added."""

    def __init__(self, name: str, kind: Kind | None, rules: TextRules) -> None:
        self.name, self.kind, self.rules = name, kind, rules
        self.n = 0
        self.gaps = 0

    @abstractmethod
    def add(self, raw: Any, batch: Batch) -> None:
        """Add the rows of a batch."""

    @abstractmethod
    def settle(self, rules: TextRules) -> SurveyedColumn:
        """Decide what the column is."""

    def _refuse(self, reason: str) -> NoReturn:
        raise DataError(f"column {self.name!r}: {reason}")

    def _constant(self, text: str | None) -> SurveyedColumn:
        """Give a column of one value, or of gaps alone."""
        codes = np.array([-1 if text is None else 0], np.int32)
        column = Column(self.name, "constant", codes, () if text is None else (text,))
        counts = {} if text is None else {text: self.n}
        part = CategoryPart(counts, self.n, self.gaps > 0)
        return SurveyedColumn(
            self.name, "constant", len(counts), self.gaps, shorten(text or ""), {"": part}, None, column, np.array([self.n])
        )

    def _identifier(self, distinct: int, example: str) -> SurveyedColumn:
        """Give a column that is left out."""
        column = Column(self.name, "identifier", np.empty(0, np.int32))
        return SurveyedColumn(self.name, "identifier", distinct, self.gaps, example, {}, None, column, np.empty(0, np.int64))


class NumberSurvey(ColumnSurvey):
    """A column of numbers; ``first_text`` is how the first one is written, where that is known."""

    def __init__(
        self,
        name: str,
        kind: Kind | None,
        rules: TextRules,
        n_columns: int = 1,
        first_text: Callable[[], str] | None = None,
        decimal: Any = None,
    ) -> None:
        super().__init__(name, kind, rules)
        self.summary, self.sample = NumberSummary(n_columns), RowSample(rows_of_sample(n_columns))
        self._first_text = first_text
        self._writing = None if first_text is None else Writing(decimal=decimal or None, unit=rules.units.get(name, ""))
        self._first, self._last = math.nan, math.nan
        self._counts_rows = name.strip().lower() in ROW_COUNTERS

    def see(self, raw: AnyArray) -> None:
        """Find out, before ``add``, whether the numbers count the rows; also those whose target is missing."""
        if self._counts_rows and len(raw):
            steps = np.diff(raw, prepend=raw[0] - 1 if math.isnan(self._last) else self._last)
            begins_well = not math.isnan(self._last) or raw[0] in (0, 1)
            self._counts_rows = bool(np.all(steps == 1)) and begins_well
            self._last = float(raw[-1])

    def add(self, raw: AnyArray, batch: Batch) -> None:
        """Add the rows of a batch.

        Raises
        ------
        DataError
            When a number is infinite.
        """
        if np.isinf(raw).any():
            row = int(np.isinf(raw).argmax())
            where = f"{batch.place[0]}, {row_name(int(batch.place[1][row]))}"
            raise DataError(f"{where}, column {self.name!r}: the number is infinite ({raw[row]}); correct it, or make it a gap")
        if not len(raw):
            return
        present = np.flatnonzero(~np.isnan(raw))
        values = raw[present]
        if len(values) and math.isnan(self._first):
            self._first = float(values[0])
        self.n += len(raw)
        self.gaps += len(raw) - len(present)
        self.summary.add(values)
        self.sample.add(batch.rows[present], batch.order[present], values, batch.y[present])

    def settle(self, rules: TextRules) -> SurveyedColumn:
        """Decide as ``inferred_kind`` and ``number_column`` do."""
        summary = self.summary
        example = "" if math.isnan(self._first) else shorten(f"{self._first:.10g}")
        if self.kind == "identifier" or (self.kind is None and self._counts_rows and self.n > 2):
            return self._identifier(summary.distinct, example)
        if self.kind is None and not summary.n:
            return self._constant(None)
        if self.kind is None and not self.gaps and summary.least == summary.largest:
            return self._constant((self._first_text and self._first_text()) or _plain(summary.least))
        if self.kind not in (None, "number"):
            return self._as_kind(self.kind)
        values = summary.counted[0] if summary.is_exact else np.empty(0)
        weights = summary.counted[1] if summary.is_exact else np.empty(0, np.int64)
        parts: dict[str, Part] = {"": NumberPart(summary, self.gaps > 0, _drawn(self.sample))}
        column = Column(self.name, "number", values, writing=self._writing)
        read = ColumnReader(self.name, "number", writing=self._writing)
        return SurveyedColumn(self.name, "number", summary.distinct, self.gaps, example, parts, read, column, weights)

    def _as_kind(self, kind: Kind) -> SurveyedColumn:
        """Read the numbers as another kind, as categories."""
        if not self.summary.is_exact:
            self._refuse(f"its numbers have too many distinct values to be a {kind}; leave it a number, or write it as texts")
        numbers, counts = self.summary.counted
        some = Column(self.name, "number", np.append(numbers, np.nan), writing=self._writing)
        column = convert_kind(some, kind, self.rules)
        read = ColumnReader(self.name, kind, column.categories, None, column.data, numbers=numbers)
        weights = np.append(counts, self.gaps)
        first = np.flatnonzero(numbers == self._first)
        return _of_values(column, weights, self.n, RowSample(), read, column.take(first))


class DateSurvey(ColumnSurvey):
    """A column of dates that a file has as such, or in ISO's form."""

    def __init__(self, name: str, kind: Kind | None, rules: TextRules, n_columns: int = 1, writing: Writing | None = None) -> None:
        super().__init__(name, kind, rules)
        self._writing = writing
        if kind not in (None, "date", "identifier"):
            self._refuse(f"its dates cannot be a {kind} where files are read in batches; write the column as texts")
        self._all = NumberSummary(n_columns)
        self._numbers = {part: (NumberSummary(n_columns), RowSample(rows_of_sample(n_columns))) for part in ("days", "hour")}
        self._counts: dict[str, dict[str, int]] = {"month": {}, "weekday": {}}
        self._shown: dict[str, np.datetime64] = {}  # the first date, and one that is finer than a day, and than a second

    def add(self, raw: AnyArray, batch: Batch) -> None:
        """Add the rows of a batch."""
        present = np.flatnonzero(~np.isnat(raw))
        dates = raw[present]
        self.n += len(raw)
        self.gaps += len(raw) - len(present)
        if not len(dates):
            return
        self._shown.setdefault("first", dates[0])
        for unit in ("D", "s"):
            finer = dates[dates.astype(f"datetime64[{unit}]") != dates][:1] if unit not in self._shown else dates[:0]
            self._shown |= dict(zip([unit], finer, strict=False))
        self._all.add(dates.astype(np.int64).astype(np.float64))
        parts = date_parts(Column(self.name, "date", dates))
        for part, (summary, sample) in self._numbers.items():
            summary.add(parts[part].data)
            sample.add(batch.rows[present], batch.order[present], parts[part].data, batch.y[present])
        for part, counts in self._counts.items():
            _count_categories(counts, parts[part], None)

    def settle(self, rules: TextRules) -> SurveyedColumn:
        """Decide as ``inferred_kind`` does."""
        example = shorten(date_text(self._shown["first"], np.array([*self._shown.values()]))) if self._shown else ""
        if self.kind == "identifier":
            return self._identifier(self._all.distinct, example)
        if self.kind is None and not self._all.n:
            return self._constant(None)
        if self.kind is None and not self.gaps and self._all.least == self._all.largest:
            return self._constant(date_text(self._shown["first"]))
        parts: dict[str, Part] = {}
        for part in ("days", "month", "weekday", "hour"):
            if part in self._numbers:
                summary, sample = self._numbers[part]
                parts[part] = NumberPart(summary, self.gaps > 0, _drawn(sample))
            else:
                parts[part] = _category_part(
                    self._counts[part], date_parts(_one_date(self.name))[part].categories, self.n, self.gaps
                )
        read = ColumnReader(self.name, "date", writing=self._writing)
        column = Column(self.name, "date", np.empty(0, "datetime64[us]"), writing=self._writing)
        return SurveyedColumn(self.name, "date", self._all.distinct, self.gaps, example, parts, read, column, np.empty(0, np.int64))


class TextSurvey(ColumnSurvey):
    """A column of texts, of booleans, or of whole numbers that float64 does not hold."""

    def __init__(self, name: str, kind: Kind | None, plan: NumberPlan, base: Base, n_columns: int = 1, *, typed: bool) -> None:
        super().__init__(name, kind, plan.rules)
        self.base, self.typed, self._plan = base, typed, plan
        self.positions: dict[str, int] = {}
        self.sample = RowSample(rows_of_sample(n_columns))
        self._counts = np.zeros(0, np.int64)
        self._places: list[tuple[Path, int]] = []
        self._letters = 0
        self._beyond: DistinctEstimate | None = None

    def add(self, raw: CodedTexts, batch: Batch) -> None:
        """Add the rows of a batch."""
        self.n += len(raw.codes)
        occurring, first = np.unique(raw.codes, return_index=True)
        new = [(int(row), int(code)) for row, code in zip(first, occurring, strict=True) if code >= 0]
        for row, code in sorted(new):
            text = raw.texts[code]
            if self._beyond is None and text not in self.positions:
                self.positions[text] = len(self.positions)
                self._places.append((batch.place[0], int(batch.place[1][row])))
                self._letters += len(text)
        if self._beyond is None and (len(self.positions) > MOST_TEXTS or self._letters > MOST_TEXT_BYTES):
            if self.kind in (None, "date") and self.base == "text":
                self._plan.try_dates(self.name, self.positions)
            self._beyond = DistinctEstimate()
            self._beyond.add(_hashes(list(self.positions)))
            self.positions = dict(itertools.islice(self.positions.items(), FIRST_TEXTS))  # the memory of the others is free
            self._counts, self._places, self.sample = np.zeros(0, np.int64), [], RowSample()
        if self._beyond is not None:
            self._beyond.add(_hashes([raw.texts[code] for _, code in new]))
            self.gaps += int((raw.codes < 0).sum())
            return
        codes = self.codes_of(raw)
        present = np.flatnonzero(codes >= 0)
        self.gaps += len(codes) - len(present)
        counts = np.bincount(codes[present], minlength=len(self.positions))
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        self.sample.add(batch.rows[present], batch.order[present], codes[present], batch.y[present])

    def codes_of(self, raw: CodedTexts) -> AnyArray:
        """Give each row's position among all distinct texts, (n,), -1 for none."""
        return np.array([*(self.positions.get(text, -1) for text in raw.texts), -1], np.int32)[raw.codes]

    @property
    def as_text_column(self) -> TextColumn:
        """The distinct texts as the reader of one file has them."""
        return TextColumn(np.empty(0, np.int32), {text.encode(): k for text, k in self.positions.items()})

    def settle(self, rules: TextRules) -> SurveyedColumn:
        """Decide as ``column_from_texts`` does, for typed texts ``column_of_texts``."""
        if self._beyond is not None:
            return self._settle_beyond(self._beyond)
        codes, weights = np.arange(len(self.positions), dtype=np.int32), self._counts
        repeated = int(bool((weights > 1).any()))
        if repeated:  # then the first text stands twice, so that no function takes each row's value for another one
            codes, weights = np.append([0], codes), np.append([0], weights)
        if self.gaps:
            codes, weights = np.append(codes, -1), np.append(weights, self.gaps)
        rules = replace(rules, place_of=lambda row: self._place(row - repeated))
        column = self._column(codes.astype(np.int32), weights, rules)
        column, weights = replace(column.take(slice(repeated, None)), raw=None), weights[repeated:]
        if not self.gaps:  # what a gap is
            column = _with_gap(column)
            weights = np.append(weights, 0)
        read = ColumnReader(self.name, column.kind, column.categories, column.writing, column.data, dict(self.positions))
        first = np.flatnonzero(~column.missing)[:1]
        return _of_values(column, weights, self.n, self.sample, read, column.take(first))

    def _place(self, row: int) -> str:
        path, place = self._places[min(max(row, 0), len(self._places) - 1)]
        return f"{path}, {row_name(place)}"

    def _column(self, codes: AnyArray, weights: AnyArray, rules: TextRules) -> Column:
        """Decide what the distinct texts are."""
        texts = list(self.positions)
        if self.base == "boolean":
            truth = np.array([*(BOOLEANS.index(text) for text in texts), -1], np.int32)[codes]
            column = Column(self.name, "boolean", truth, BOOLEANS)
            return inferred_kind(column) if self.kind is None else convert_kind(column, self.kind, rules)
        if self.base == "long":
            column = column_from_texts(self.name, codes, texts, kind=self.kind or "category", rules=rules, weights=weights)
            is_many = len(texts) >= max(MANY_DISTINCT, IDENTIFIER_SHARE * (self.n - self.gaps))
            return column if self.kind or not is_many else replace(column, kind="identifier")
        make = column_of_texts if self.typed else column_from_texts
        return make(self.name, codes, texts, kind=self.kind, rules=rules, weights=weights)

    def _settle_beyond(self, estimate: DistinctEstimate) -> SurveyedColumn:
        """Decide of a column of more texts than are told apart: an identifier, or it is refused."""
        example = shorten(next(iter(self.positions)))
        share = estimate.count / (self.n - self.gaps)
        words = sum(len(text.split()) for text in self.positions) / len(self.positions)
        is_text = words >= TEXT_WORDS and share >= TEXT_SHARE - SURE
        differ = self.kind is None and share >= IDENTIFIER_SHARE + SURE and not is_text
        if self.kind == "identifier" or (differ and not _are_numbers_or_dates(self.name, list(self.positions), self.rules)):
            return self._identifier(estimate.count, example)
        raise DataError(
            f"column {self.name!r} has more than {MOST_TEXTS:,} distinct texts, about {estimate.count:,} in {self.n - self.gaps:,} "
            f"values, such as {shown(next(iter(self.positions)))}: too many for a table that is read in batches. Leave it out, by "
            f"kinds={{{self.name!r}: 'identifier'}}; write numbers and dates as such, in Parquet; group rare categories; or fit "
            "some of the rows in memory, with read_table"
        )


def _hashes(texts: list[str]) -> AnyArray:
    """Hash texts to 64 bits each."""
    digests = b"".join(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return mixed_bits(np.frombuffer(digests, np.uint64))


def _are_numbers_or_dates(name: str, texts: list[str], rules: TextRules) -> bool:
    """Whether texts, all different, are read as numbers or dates, or as such with mistakes."""
    try:
        return column_from_texts(name, np.arange(len(texts), dtype=np.int32), texts, rules=rules).kind in ("number", "date")
    except DataError:
        return True


def _plain(value: float) -> str:
    return number_text(value)


def _one_date(name: str) -> Column:
    return Column(name, "date", np.zeros(1, "datetime64[us]"))


def _with_gap(column: Column) -> Column:
    """Add a gap below the rows."""
    gap = {"number": np.nan, "date": np.datetime64("NaT")}.get(column.kind, -1)
    return replace(column, data=np.append(column.data, np.array(gap, column.data.dtype)))


def _drawn(sample: RowSample) -> tuple[Indices, AnyArray, AnyArray]:
    return sample.drawn if len(sample) else (np.empty(0, np.int64), np.empty(0), np.empty(0))


def _count_categories(counts: dict[str, int], column: Column, weights: AnyArray | None) -> None:
    """Add the rows of each category."""
    present = column.data >= 0
    found = np.bincount(column.data[present], None if weights is None else weights[present], len(column.categories))
    for text, count in zip(column.categories, found.astype(np.int64).tolist(), strict=True):
        if count:
            counts[text] = counts.get(text, 0) + count


def _category_part(counts: dict[str, int], order: Sequence[str], n: int, gaps: int) -> CategoryPart:
    return CategoryPart({text: counts[text] for text in order if text in counts}, n, gaps > 0)


def _of_values(column: Column, weights: AnyArray, n: int, sample: RowSample, read: ColumnReader, first: Column) -> SurveyedColumn:
    """Measure a column of which each distinct value is known, with the number of its rows; the last one is a gap.

    ``sample`` holds positions in the column.
    """
    missing = int(weights[column.missing].sum())
    present = ~column.missing & (weights > 0)
    parts: dict[str, Part] = {}
    if column.kind in ("number", "date"):
        for part, values in (date_parts(column) if column.kind == "date" else {"": column}).items():
            if values.kind == "number":
                parts[part] = _number_part(values, weights, present, missing, sample)
            else:
                counts: dict[str, int] = {}
                _count_categories(counts, values, weights)
                parts[part] = _category_part(counts, values.categories, n, missing)
    elif column.kind == "text":
        parts[""] = TextPart(fit_text(column.take(present)))
    elif column.kind != "identifier":
        labels, counts = as_kind(column, column.kind), {}
        _count_categories(counts, labels, weights)
        parts[""] = _category_part(counts, labels.categories, n, missing)
    is_date = len(first) > 0 and column.kind == "date"
    example = shorten(date_text(first.data[0], column.data[present])) if is_date else example_of(first)
    distinct = column.take(present).n_distinct
    return SurveyedColumn(column.name, column.kind, distinct, missing, example, parts, read, column, weights)


def _number_part(values: Column, weights: AnyArray, present: AnyArray, missing: int, sample: RowSample) -> NumberPart:
    summary = NumberSummary()
    summary.add(values.data[present], weights[present])
    rows, places, y = _drawn(sample)
    drawn = values.data[places.astype(np.int64)]
    kept = ~np.isnan(drawn)
    return NumberPart(summary, missing > 0, (rows[kept], drawn[kept], y[kept]))
