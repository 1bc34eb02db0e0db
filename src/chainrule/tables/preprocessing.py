"""Preprocessing: what a training learnt of each column of its table, saved with the model, and applied to every later table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .._format import pluralize
from .._types import CSR, AnyArray, Array, Indices
from ..errors import DataError
from .column import Column, Kind
from .column_fitting import ColumnFitting
from .column_rules import Rule
from .date_features import date_parts
from .feature_writer import FeatureWriter
from .number_features import BINS
from .prepared_column import PreparedColumn, as_kind
from .rules_json import TENSORS, columns_to_json, parse_columns, tensor_lengths, tensors_of
from .table import Table

Task = Literal["classification", "regression"]

DENSE_FEATURES = 512
"""Up to this number features are dense, which is faster to write; the kernels find zeros themselves."""

SPARSE_SHARE = 0.25
"""More features are CSR where the share of them that is not 0 is below this: then CSR is at most half as large as dense."""


@dataclass(frozen=True)
class ColumnReport:
    """A line of the report on a table's columns."""

    column: str
    kind: str
    distinct: int
    missing: int
    example: str
    done: str


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """The rules by which the columns of a table become a network's inputs.

    Attributes
    ----------
    columns : tuple of PreparedColumn
        In the order of the training's table.
    sparse : bool
        Whether the features are a CSR matrix.
    """

    columns: tuple[PreparedColumn, ...]
    sparse: bool = False

    @classmethod
    def fit(cls, table: Table, y: AnyArray | None = None, *, task: Task | None = None, bins: int = BINS) -> Preprocessing:
        """Measure the columns of a training's table.

        Parameters
        ----------
        table : Table
            Without the target.
        y : array, shape (n,), optional
            The targets of these rows, for which the bins' edges are chosen: classes as integers, or values. Without them the edges
            are quantiles.
        task : {"classification", "regression"}, optional
            What ``y`` is; by default classes where it holds integers.
        bins : int
            The most piecewise-linear features of a number; 0 for none. All numbers together have at most ``BIN_FEATURES``.

        Raises
        ------
        DataError
            When the table has no rows, a number is infinite, or no column tells anything.
        """
        fitting = ColumnFitting.of(table, y, task=task, bins=bins)
        columns = [fitting.add_bins(fitting.measure(replace(column))) for column in table]  # the copy's gaps are freed with it
        return cls.of_columns(columns, cls.rows_to_weigh(table))

    @classmethod
    def of_columns(cls, columns: Iterable[PreparedColumn], rows: Table | None) -> Preprocessing:
        """Make the preprocessing of fitted columns; ``rows`` are the ``rows_to_weigh`` of the training's table.

        Without them the features are dense, until it is known.

        Raises
        ------
        DataError
            When no column tells anything.
        """
        prepared = cls(tuple(columns))
        if not prepared.input_kinds:
            reasons = ", ".join(f"{column.name} ({column.reason})" for column in prepared.columns)
            raise DataError(f"no column of the table tells anything: {reasons}")
        if rows is None or prepared.n_features <= DENSE_FEATURES:
            return prepared
        return replace(prepared, sparse=prepared._is_mostly_zero(rows))

    @staticmethod
    def rows_to_weigh(table: Table) -> Table:
        """Give some rows of a table, by which it is decided whether features are CSR."""
        return table.take(Preprocessing.rows_to_weigh_of(len(table)))

    @staticmethod
    def rows_to_weigh_of(n: int) -> Indices:
        """Give the numbers of these rows, of n."""
        return np.linspace(0, n - 1, min(n, 200)).astype(int)

    @cached_property
    def _writer(self) -> FeatureWriter:
        return FeatureWriter([rule for _, _, rule in self._parts])

    @cached_property
    def _parts(self) -> list[tuple[PreparedColumn, str, Rule]]:
        return [(column, part, rule) for column in self.columns for part, rule in column.rules]

    @cached_property
    def _sources(self) -> list[tuple[str, Kind, list[str]]]:
        """The name of each column that is used, the kind that it must have, and the parts of it that have a rule."""
        return [(c.name, self.input_kinds[c.name], [part for part, _ in c.rules]) for c in self.columns if c.rules]

    @property
    def bin_features(self) -> slice:
        """The positions of the piecewise-linear features: the last ones."""
        return slice(self._writer.n_columns, self.n_features)

    @property
    def n_features(self) -> int:
        """The number of features."""
        return self._writer.n_features

    @cached_property
    def input_kinds(self) -> dict[str, Kind]:
        """The kind that each column must have, by name; without the columns that are left out."""
        return {column.name: column.input_kind for column in self.columns if column.rules}

    @cached_property
    def feature_names(self) -> list[str]:
        """The name of each feature, in their order."""
        names = [""] * self.n_features
        for (column, part, rule), features in zip(self._parts, self._writer.features_of, strict=True):
            source = f"{column.name} {part}" if part else column.name
            for feature, name in zip(features.tolist(), rule.feature_names(source), strict=True):
                names[feature] = name
        return names

    @cached_property
    def groups(self) -> dict[str, AnyArray]:
        """The features that each column becomes, by the column's name, ascending; without the columns that are left out."""
        groups: dict[str, list[AnyArray]] = {}
        for (column, _, _), features in zip(self._parts, self._writer.features_of, strict=True):
            groups.setdefault(column.name, []).append(features)
        return {name: np.sort(np.concatenate(parts)) for name, parts in groups.items()}

    def describe(self) -> list[ColumnReport]:
        """Report what was found in each column, and what is done with it."""
        return [ColumnReport(c.name, c.kind, c.distinct, c.missing, c.example, c.done) for c in self.columns]

    def apply(self, table: Table) -> Array | CSR:
        """Make the features of a table's rows; the same row gives the same bits alone and among others.

        Columns are found by name, in any order; other columns are left alone. A gap of a number is its median. A gap of a category
        where training had none, and a value that training did not have, become zeros.

        Parameters
        ----------
        table : Table

        Returns
        -------
        float32 array or CSR matrix, shape (n, n_features)

        Raises
        ------
        DataError
            When a column is missing, has values of another kind, or holds infinity.
        """
        columns = list(self._columns_of(table))
        return self._writer.csr([columns]) if self.sparse else self._writer.dense(columns)

    @property
    def has_compact_form(self) -> bool:
        """Whether the compact form is at most half as large as dense features; of others most are 0, and engines compress them."""
        return not self.sparse and 2 * self._writer.n_columns <= self.n_features

    @property
    def bins(self) -> tuple[Indices, Array, Array]:
        """The parts of the compact form's ``Bins``: starts (n_columns + 1,), and each bin's lower edge and 1 / width in float64."""
        return self._writer.bins

    @property
    def limits(self) -> Array:
        """The limit of each column of the compact form, at which the features clip it: float64 (n_columns,), inf for none."""
        return self._writer.limits

    @property
    def width(self) -> int:
        """The numbers of a prepared row, where it is not CSR."""
        return self._writer.n_columns if self.has_compact_form else self.n_features

    def prepare(self, tables: Iterable[Table], n: int, out: Array | None = None) -> Array | CSR:
        """Make what a network is trained on of the n rows of some tables, one below the other.

        It is the compact form where there is one, a float32 for a number and its bins, (n, n_columns): then
        ``PiecewiseInputs(numbers, Bins(*bins), limits=limits)`` stands for the features of ``apply``, to the bit. Else it is the
        features. Of the tables only one, and the next, are needed at a time. ``out`` is a float32 array (n, width) to write
        to; a CSR matrix is made anew.

        Raises
        ------
        DataError
            As ``apply``.
        """
        blocks = (list(self._columns_of(table)) for table in tables)
        if self.sparse:
            return self._writer.csr(blocks)
        if out is None:
            out = np.empty((n, self.width), np.float32)
        write, start = self._writer.compact if self.has_compact_form else self._writer.dense, 0
        for columns in blocks:
            rows = slice(start, start + len(columns[0]))
            write(columns, out[rows])
            start = rows.stop
        return out

    def for_scaled(self) -> Preprocessing:
        """Give the preprocessing that makes the same of a table whose numbers are ``PreparedColumn.scaled``."""
        return replace(self, columns=tuple(column.for_scaled() for column in self.columns))

    def apply_in_blocks(self, table: Table, rows: int = 4096, *, sparse: bool | None = None) -> Iterator[Array | CSR]:
        """Make the features of a table as ``apply`` does, ``rows`` rows at a time; ``sparse`` overrides ``self.sparse``.

        Dense blocks share one buffer: each is valid until the next is asked for. It stays in the cache, and no memory is fetched
        from the system: that takes longer than computing the features.
        """
        columns = list(self._columns_of(table))
        sparse = self.sparse if sparse is None else sparse
        buffer = np.empty((0 if sparse else min(rows, len(table)), self.n_features), np.float32)
        for start in range(0, len(table), rows):
            part = columns if len(table) <= rows else [column.take(slice(start, start + rows)) for column in columns]
            yield self._writer.csr([part]) if sparse else self._writer.dense(part, buffer[: len(part[0])])

    def notes(self, table: Table) -> list[str]:
        """Say what ``apply`` makes of gaps where training had none, and of categories that training did not have.

        Raises
        ------
        DataError
            As ``apply``.
        """
        self._check_names(table)
        used = [column for column in self.columns if column.rules]
        return [note for column in used for note in column.notes(as_kind(table[column.name], self.input_kinds[column.name]))]

    def baseline(self) -> Array:
        """Give the features of a row to compare others with: the median of each number, no category, no word; (n_features,)."""
        return self._writer.baseline()

    def to_json(self) -> dict[str, Any]:
        """Give everything but the tensors as JSON's types."""
        return {"sparse": self.sparse, "columns": columns_to_json(self.columns)}

    def tensors(self) -> dict[str, AnyArray]:
        """Give the numbers of the rules: "median", "scale" and "edges" of float64, "buckets" of int32, each with one dimension."""
        return tensors_of(self.columns)

    @staticmethod
    def tensor_shapes(described: Any) -> dict[str, tuple[tuple[int, ...], str]]:
        """Give the shape and the dtype of each of the ``tensors`` that ``described`` needs: they are checked before one is read."""
        return {name: ((length,), TENSORS[name]) for name, length in tensor_lengths(described["columns"]).items()}

    @classmethod
    def parse(cls, described: Any, tensors: Mapping[str, AnyArray]) -> Preprocessing:
        """Read a model file's entries strictly, as ``to_json`` and ``tensors`` give them.

        Raises
        ------
        ValueError, TypeError, KeyError
            When an entry is not one that ``fit`` makes.
        """
        if type(described) is not dict or set(described) != {"sparse", "columns"} or type(described["sparse"]) is not bool:
            raise ValueError("its columns are not described by sparse and columns")
        return cls(parse_columns(described["columns"], tensors), described["sparse"])

    def _columns_of(self, table: Table) -> Iterator[Column]:
        """Give the column, or the date's part, for each rule."""
        self._check_names(table)
        for name, kind, parts in self._sources:
            yield from _parts_of(table[name], kind, parts)

    def _check_names(self, table: Table) -> None:
        absent = [name for name in self.input_kinds if name not in table]
        if absent:
            named = ", ".join(map(repr, absent))
            remedy = "add what is missing, with gaps where values are unknown"
            if len(absent) == len(self.input_kinds):
                remedy = "give a table of these columns, with their names"
            raise DataError(f"the table lacks {pluralize(len(absent), 'column')} from which the model learnt: {named}; {remedy}")

    def _is_mostly_zero(self, rows: Table) -> bool:
        """Whether the share of features that are not 0 is below ``SPARSE_SHARE`` in some rows."""
        stored = self._writer.csr([list(self._columns_of(rows))]).data
        return len(stored) < SPARSE_SHARE * len(rows) * self.n_features


def _parts_of(column: Column, kind: Kind, parts: list[str]) -> list[Column]:
    """Give a column as its kind; of a date the parts that have a rule."""
    found = as_kind(column, kind)
    if kind != "date":
        return [found]
    dates = date_parts(found)
    return [dates[part] for part in parts]
