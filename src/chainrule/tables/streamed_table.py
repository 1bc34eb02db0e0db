"""A table of many files whose rows are read in batches: one pass learns what its columns are, and another one gives its rows.

::

    survey(files, target)          one pass: each column's kind, its counts and quantiles, samples; the target
      fit_columns(survey, ...)     the rules of the columns, without one more look at the rows
    survey.tables(names)           another pass: the rows as tables, with their targets

Rows whose target is missing are left out before anything is decided. A pass begins anew where a value shows that a column of a
delimited text must be read in another way.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._types import AnyArray, Indices
from ..errors import DataError
from .column import Column
from .column_fitting import ColumnFitting, MeasuredColumn, reason_left_out
from .column_rules import NumberRule, Rule, category_rule, number_rule
from .column_survey import (
    Batch,
    CategoryPart,
    ColumnReader,
    ColumnSurvey,
    DateSurvey,
    NumberPart,
    NumberSurvey,
    Part,
    SurveyedColumn,
    TextSurvey,
)
from .number_features import ROWS_FOR_EDGES, EdgeSample
from .number_texts import decimals_of
from .prepared_column import PreparedColumn
from .read import DECIMAL_COMMA_DELIMITERS, usual_decimal_of
from .row_sample import RowSample, priorities
from .table import Table
from .table_files import CodedTexts, PlanChanged, RawColumn, TableFiles
from .target import ClassTarget, Target, Task, ValueTarget
from .target_inference import infer_target
from .text_rules import TextRules
from .writing import Writing, written_of

MOST_PASSES = 10_000
"""A limit of the passes that begin anew, which only a defect reaches: each column changes at most twice."""


@dataclass(frozen=True, eq=False)
class TableSurvey:
    """What one pass over a table's rows has learnt.

    Attributes
    ----------
    files : TableFiles
    n : int
        The rows that have a target.
    n_missing : int
        Those whose target is missing.
    columns : list of SurveyedColumn
        Without the target.
    target : ClassTarget or ValueTarget
    """

    files: TableFiles
    n: int
    n_missing: int
    columns: list[SurveyedColumn]
    target: Target
    _target: _TargetReader

    @property
    def written(self) -> dict[str, Writing]:
        """How the texts of each column are written."""
        return written_of(column.values for column in self.columns)

    def tables(self, names: Collection[str]) -> Iterator[tuple[Indices, Table, AnyArray]]:
        """Read the rows again: their numbers, columns of some names, and encoded targets, a batch at a time."""
        readers = [column.read for column in self.columns if column.name in names and column.read]
        first = 0
        for size, raw, _ in self.files.batches():
            missing = self._target.missing(raw[self.target.name])
            y = self._target.encode(_kept(raw[self.target.name], ~missing))
            kept = size - int(missing.sum())
            if kept:
                columns = [read(_kept(raw[read.name], ~missing) if kept < size else raw[read.name]) for read in readers]
                yield np.arange(first, first + kept), Table(columns), y
            first += kept
        if first != self.n:
            raise DataError(f"the files have {first:,} rows with a target now, and had {self.n:,}; they were changed, fit again")


def survey(files: TableFiles, target: str, task: Task) -> TableSurvey:
    """Learn what the columns of a table and its target are, in one pass over the rows.

    Parameters
    ----------
    files : TableFiles
    target : str
        The name of the target's column.
    task : {"classification", "regression"}

    Raises
    ------
    DataError
        When the files hold no rows with a target; as ``read_table`` and ``infer_target`` do; when a column has too many distinct
        texts.
    MissingExtra
        When a column has many distinct numbers, and datasketches is not installed.
    """
    for _ in range(MOST_PASSES):
        passed = _Pass(files, target)
        try:
            passed.read()
        except PlanChanged:
            continue
        return passed.settle(task)
    raise AssertionError("the plan of the columns changes for ever")


class _Pass:
    """One pass over the rows."""

    def __init__(self, files: TableFiles, target: str) -> None:
        self.files, self.target_name = files, target
        self.surveys = {name: self._survey(name) for name in files.names if name != target}
        self.target = _TargetSurvey(self._survey(target), files.rules)
        self.n = self.n_missing = 0

    def _survey(self, name: str) -> ColumnSurvey:
        """Begin the survey of a column."""
        files, kind = self.files, self.files.kinds.get(name)
        base = "long" if name in files.plan.long else files.bases[name]
        decimal, n = files.plan.decimals.get(name), len(files.names)
        if decimal is not None:
            return NumberSurvey(name, kind, files.rules, n, lambda: files.delimited[0].sample(name)[0], decimal)
        if base == "number":
            return NumberSurvey(name, kind, files.rules, n)
        if name in files.plan.dates:
            return DateSurvey(name, kind, files.rules, n, Writing(zoned=False))
        if base == "date":
            return DateSurvey(name, kind, files.rules, n)
        if any(file.layout.row_names and file.layout.names[0] == name for file in files.delimited) and kind is None:
            kind = "identifier"
        return TextSurvey(name, kind, files.plan, base, n, typed=not files.delimited)

    def read(self) -> None:
        """Read all rows."""
        for size, raw, (path, first_row) in self.files.batches():
            for name, column in self.surveys.items():
                if isinstance(column, NumberSurvey):
                    column.see(raw[name])  # type: ignore[arg-type]  # numbers are an array
            missing = self.target.reads.missing(raw[self.target_name])
            kept = np.flatnonzero(~missing)
            self.n_missing += size - len(kept)
            if not len(kept):
                continue
            rows = np.arange(self.n, self.n + len(kept))
            batch = Batch(rows, priorities(rows), np.empty(len(kept)), (path, first_row + kept))
            self.n += len(kept)
            batch = batch._replace(y=self.target.add(_kept(raw[self.target_name], kept), batch))
            for name, column in self.surveys.items():
                column.add(_kept(raw[name], kept) if len(kept) < size else raw[name], batch)

    def settle(self, task: Task) -> TableSurvey:
        """Decide what the columns are."""
        if not self.n:
            where = self.files.files[0].path
            raise DataError(
                f"the target {self.target_name!r} is missing in every row of the files"
                if self.n_missing
                else f"{where}{' and the other files' * (len(self.files.files) > 1)}: no rows"
            )
        rules = self._rules()
        columns = [column.settle(rules) for column in self.surveys.values()]
        columns = [column for column in columns if not (self.files.delimited and column.is_filling)]
        if not columns:
            raise DataError("the table has no column beside the target")
        self._check_header(columns)
        target, reader = self.target.settle(rules, task, self.n)
        return TableSurvey(self.files, self.n, self.n_missing, columns, target, reader)

    def _rules(self) -> TextRules:
        """Add what all columns of delimited texts tell of the decimal mark."""
        files = self.files
        if not files.delimited:
            return files.rules
        surveys = [*self.surveys.values(), self.target.survey]
        proven = [
            decimal
            for name, decimal in files.plan.decimals.items()
            if decimal and any(decimals_of(text) == {decimal} for file in files.delimited for text in file.sample(name))
        ]
        texts = [column.as_text_column for column in surveys if isinstance(column, TextSurvey)]
        delimiters = {file.layout.dialect.delimiter for file in files.delimited}
        return replace(
            files.rules,
            usual_decimal=usual_decimal_of(files.rules, proven, texts),
            point_is_decimal=not delimiters & set(DECIMAL_COMMA_DELIMITERS),
        )

    def _check_header(self, columns: list[SurveyedColumn]) -> None:
        """Refuse a header that the first rows told, where below it each of its names is a value of its own column."""
        told = [file for file in self.files.delimited if file.layout.skip]
        if told and all(column.name in column.values.categories for column in columns):
            raise DataError(
                f"{told[0].path}: the first record may be a header or a row; give the columns other names, or write the files as "
                "Parquet"
            )


class _TargetSurvey:
    """The target, whose values are kept for samples as they are until all of them are known."""

    def __init__(self, survey: ColumnSurvey, rules: TextRules) -> None:
        self.survey = survey
        self.reads = _TargetReader(rules)
        self._all = RowSample(ROWS_FOR_EDGES)
        self._n, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, raw: RawColumn, batch: Batch) -> AnyArray:
        """Add the targets of a batch; return them as numbers: themselves, or the positions of their texts."""
        self.survey.add(raw, batch)
        if isinstance(self.survey, TextSurvey):
            assert isinstance(raw, CodedTexts)  # noqa: S101  # texts are
            values = self.survey.codes_of(raw).astype(np.float64)
        elif isinstance(self.survey, NumberSurvey):
            assert not isinstance(raw, CodedTexts)  # noqa: S101  # numbers are none
            values = raw
            self._measure(raw)
        else:
            values = np.zeros(len(batch.rows))
        self._all.add(batch.rows, batch.order, values, values)
        return values

    def _measure(self, values: AnyArray) -> None:
        """Add numbers to the mean and the squares of differences from it (Chan, Golub and LeVeque 1983)."""
        with np.errstate(over="ignore", invalid="ignore"):
            n, mean = len(values), float(values.mean())
            squares = float(np.square(values - mean).sum())
            together, apart = self._n + n, mean - self._mean
            self._squares += squares + apart * apart * self._n * n / together
            self._mean += apart * n / together
        self._n = together

    def settle(self, rules: TextRules, task: Task, n: int) -> tuple[Target, _TargetReader]:
        """Decide what is learnt."""
        surveyed = self.survey.settle(rules)
        if surveyed.missing:
            marks = ", ".join(map(repr, surveyed.values.gap_marks[:3]))
            raise DataError(
                f"the target {surveyed.name!r} holds texts that are gaps among its numbers ({marks or 'such as -'}); leave these "
                "rows out of the files"
            )
        values = self._values(surveyed)
        target = infer_target(values, task).target
        if isinstance(target, ValueTarget) and len(self._all) < n:
            target = self._with_moments(target, surveyed)
        known = surveyed.read or ColumnReader(surveyed.name, surveyed.kind)
        return target, replace(self.reads, target=target, read=known)

    def _values(self, surveyed: SurveyedColumn) -> Column:
        """Give each distinct value of the target once, or all values where they are few rows."""
        column = surveyed.values
        if surveyed.kind in ("constant", "identifier", "date"):
            return column if len(column) else self._refused_kind(surveyed)
        if surveyed.kind == "number" and not isinstance(self.survey, TextSurvey):
            _, values, _ = self._all.drawn
            if len(values) == self.survey.n:
                return Column(surveyed.name, "number", values)
            if not len(column):
                column = Column(surveyed.name, "number", np.unique(values))
            return replace(column, data=np.union1d(column.data, [self.survey.summary.least, self.survey.summary.largest]))  # type: ignore[attr-defined]
        _, places, _ = self._all.drawn
        if len(places) == self.survey.n:
            return column.take(places.astype(np.int64))
        return column.take(~column.missing & (surveyed.weights > 0))

    @staticmethod
    def _refused_kind(surveyed: SurveyedColumn) -> Column:
        raise DataError(
            f"the target {surveyed.name!r} is of the kind {surveyed.kind}, with {surveyed.distinct:,} distinct values: it cannot "
            "be learnt; name another target"
        )

    def _with_moments(self, target: ValueTarget, surveyed: SurveyedColumn) -> ValueTarget:
        """Give a target of values the mean and the standard deviation of all rows."""
        if isinstance(self.survey, NumberSurvey):
            mean, squares, n = self._mean, self._squares, self._n
        else:
            values, weights = surveyed.values.data, surveyed.weights
            n, kept = int(weights.sum()), weights > 0
            mean = float(np.average(values[kept], weights=weights[kept]))
            squares = float(np.average(np.square(values[kept] - mean), weights=weights[kept]) * n)
        scale = math.sqrt(squares / n) if math.isfinite(squares) else math.inf
        if not (math.isfinite(mean) and math.isfinite(scale)):
            raise DataError(
                f"the target {target.name!r} holds values from {target.low:g} to {target.high:g}, whose squares are beyond "
                "float64; correct those that are wrong, or divide all by a constant"
            )
        return replace(target, mean=mean, scale=scale if scale > 0 else target.high - target.low)


@dataclass(frozen=True, eq=False)
class _TargetReader:
    """Tells which targets of a batch are missing, and encodes the others."""

    rules: TextRules
    target: Target | None = None
    read: ColumnReader | None = None

    def missing(self, raw: RawColumn) -> AnyArray:
        """Whether each row has no target, (n,) of bool."""
        if not isinstance(raw, CodedTexts):
            return np.isnat(raw) if raw.dtype.kind == "M" else np.isnan(raw)
        marks = np.array([*(self.rules.is_mark(text.strip()) for text in raw.texts), True], bool)
        return marks[raw.codes]

    def encode(self, raw: RawColumn) -> AnyArray:
        """Encode the targets of a batch."""
        assert self.target is not None  # noqa: S101  # it is settled
        assert self.read is not None  # noqa: S101  # so is this
        column = self.read(raw)
        return self.target.encode(column) if len(column) else np.empty(0)


def fit_columns(surveyed: TableSurvey, *, bins: int) -> list[PreparedColumn]:
    """Make the rules of a table's columns, as ``Preprocessing.fit`` makes them of a table in memory.

    They are the same where no column has more distinct numbers than are counted (``EXACT_NUMBERS``) and the rows are no more than
    the edges of bins are chosen from (``ROWS_FOR_EDGES``). Otherwise the median and the quartiles come from a sketch, and the edges
    from another sample of the rows.
    """
    drawn = [part.sample for column in surveyed.columns for part in column.parts.values() if isinstance(part, NumberPart)]
    rows, first = np.unique(np.concatenate([np.empty(0, np.int64), *(sample[0] for sample in drawn)]), return_index=True)
    raw = np.concatenate([np.empty(0), *(sample[2] for sample in drawn)])[first]
    y = _encoded(raw, surveyed)
    is_class = isinstance(surveyed.target, ClassTarget)
    fitting = ColumnFitting.of_kinds([column.kind for column in surveyed.columns], y, classes=is_class, bins=bins)
    return [fitting.add_bins(_measured(column, fitting, rows)) for column in surveyed.columns]


def _encoded(raw: AnyArray, surveyed: TableSurvey) -> AnyArray:
    """Encode the targets of samples: numbers, or positions of texts."""
    read = surveyed._target.read
    assert read is not None  # noqa: S101  # the target is settled
    if not len(raw):
        return np.empty(0, np.int64)
    if read.positions:
        assert read.values is not None  # noqa: S101  # texts have values
        column = Column(read.name, read.kind, read.values[raw.astype(np.int64)], read.categories, read.writing)
    else:
        column = read(raw)
    return surveyed.target.encode(column)


def _measured(column: SurveyedColumn, fitting: ColumnFitting, rows: Indices) -> MeasuredColumn:
    """Make the rules of a column without bins, and give the samples for these."""
    found = {part: _rule(values, fitting, tell_gaps=part in ("", "days")) for part, values in column.parts.items()}
    rules = tuple((part, rule) for part, rule in found.items() if rule is not None)
    samples: dict[str, EdgeSample] = {}
    for part, rule in rules:
        values = column.parts[part]
        if isinstance(values, NumberPart) and isinstance(rule, NumberRule) and rule.scale > 0:
            numbers, data = values.sample[:2]
            samples[part] = EdgeSample(data, np.searchsorted(rows, numbers), values.summary.least, values.summary.largest)
    reason = "" if rules else reason_left_out(column.kind, column.distinct)
    prepared = PreparedColumn(column.name, column.kind, column.distinct, column.missing, column.example, rules, reason)
    return MeasuredColumn(prepared, samples)


def _rule(part: Part, fitting: ColumnFitting, *, tell_gaps: bool) -> Rule | None:
    if isinstance(part, NumberPart):
        summary = part.summary
        return number_rule(*summary.robust_scale, gaps=tell_gaps and part.gaps) if summary.n else None
    if isinstance(part, CategoryPart):
        return category_rule(part.counts, part.n, gaps=tell_gaps and part.gaps, most_bytes=fitting.most_bytes)
    return part.rule


def _kept(raw: RawColumn, rows: AnyArray) -> RawColumn:
    return CodedTexts(raw.codes[rows], raw.texts) if isinstance(raw, CodedTexts) else raw[rows]


def tables_concatenated(parts: list[Table]) -> Table:
    """Put rows of tables with the same columns, kinds and categories below each other."""
    columns: list[Any] = [
        replace(first, data=np.concatenate([part[first.name].data for part in parts])) for first in parts[0].columns
    ]
    return Table(columns)
