"""The rows of a large table, prepared once and kept on a disk, from which its networks are trained.

Of a row the disk holds what its features are computed of: a float32 for a number, which is scaled, and an int32 for a category. The
rows lie in pieces. All rows of a piece are of one fold, which a hash of the seed and the row's number decides: a network is trained
on the pieces of the other folds, and validated on those of its own.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._types import CSR, AnyArray, Array, Indices, is_sparse
from ..calculus.input_features import Bins
from ..errors import DataError, FileError
from ..examples import Examples
from ..piecewise_inputs import PiecewiseInputs
from ..row_files.row_source import Measured, OwnForm, RowSource
from ..tables.column import Column, Kind
from ..tables.number_summary import mixed_bits
from ..tables.prepared_column import PreparedColumn
from ..tables.preprocessing import DENSE_FEATURES, Preprocessing
from ..tables.streamed_table import TableSurvey, tables_concatenated
from ..tables.table import Table
from .column_weights import multiply_features

PIECE_ROWS = 1 << 14
"""The most rows of a piece."""

PIECE_BYTES = 1 << 20
"""The most bytes of a piece as a training has it in memory."""

LEAST_PIECE_ROWS = 64


def folds_of_rows(rows: Indices, count: int, seed: int) -> Indices:
    """Assign rows, by their numbers in the table, to folds: (n,) of int in [0, count), a hash of (seed, row).

    Examples
    --------
    >>> folds_of_rows(np.arange(6), 3, seed=0).tolist() == folds_of_rows(np.arange(6), 3, seed=0).tolist()
    True
    """
    salt = mixed_bits(np.array([seed], np.uint64))[0]
    return (mixed_bits(rows.astype(np.uint64) ^ salt) % np.uint64(count)).astype(np.intp)


class StoredColumn(NamedTuple):
    """A column of the pieces."""

    name: str
    kind: Kind
    dtype: str
    categories: tuple[str, ...]


class StoredPiece(NamedTuple):
    """Where a piece begins in the file, how many rows it has, and their fold."""

    offset: int
    rows: int
    fold: int


@dataclass(frozen=True, eq=False)
class PreparedRows:
    """Prepared rows in a file.

    Attributes
    ----------
    file : Path
    columns : tuple of StoredColumn
    pieces : tuple of StoredPiece
    is_class : bool
        Whether the targets are classes.
    digest : str
        Of all that the file holds.
    """

    file: Path
    columns: tuple[StoredColumn, ...]
    pieces: tuple[StoredPiece, ...]
    is_class: bool
    digest: str

    def read(self, piece: StoredPiece, first: int, last: int) -> tuple[Table, AnyArray]:
        """Read some rows of a piece, and their targets."""
        columns, offset = [], piece.offset
        try:
            with self.file.open("rb") as file:
                for stored in self.columns:
                    data = _read_array(file, stored.dtype, offset, piece.rows)
                    columns.append(Column(stored.name, stored.kind, data[first:last], stored.categories))
                    offset += data.nbytes
                y = _read_array(file, "<f8", offset, piece.rows)[first:last]
        except OSError as error:
            raise FileError(f"cannot read the prepared rows in {self.file}: {error.strerror or error}") from None
        return Table(columns), y.astype(np.int64) if self.is_class else y


def _read_array(file: Any, dtype: str, offset: int, count: int) -> AnyArray:
    file.seek(offset)
    data = np.fromfile(file, dtype, count)
    if len(data) < count:
        raise OSError(f"it ends after {len(data)} of {count} numbers")
    return data


@contextmanager
def prepared_folder() -> Iterator[Path]:
    """Make a folder for the prepared rows, which is removed in the end."""
    with _disk_errors():
        folder = tempfile.TemporaryDirectory(prefix="chainrule-rows-")
    with folder as name:
        yield Path(name)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(
            f"the prepared rows of a table are kept in a temporary folder, which cannot be written: {error.strerror or error}; set "
            "the environment variable TMPDIR to a folder that can, with enough space"
        ) from None


def prepare_rows(
    surveyed: TableSurvey, columns: Sequence[PreparedColumn], folder: Path, *, folds: int, seed: int, chosen: Indices
) -> tuple[PreparedRows, Table, AnyArray]:
    """Read the rows of a table once more, and keep them prepared.

    Parameters
    ----------
    surveyed : TableSurvey
    columns : sequence of PreparedColumn
    folder : Path
    folds : int
    seed : int
        Of the folds.
    chosen : int array
        The numbers of some rows that are given as they are; one may be there twice.

    Returns
    -------
    rows : PreparedRows
    some : Table
        The chosen rows, in their order.
    y : array
        Their encoded targets.
    """
    used = [column for column in columns if column.rules]
    writer = _Writer(folder / "rows", folds, _rows_of_piece(Preprocessing.of_columns(columns, None)))
    taken = _Taken(chosen)
    with _disk_errors():
        out = writer.path.open("wb")
    with out:
        for rows, table, y in surveyed.tables([column.name for column in used]):
            taken.add(rows, table, y)
            scaled = Table(column.scaled(table[column.name]) for column in used)
            fold = folds_of_rows(rows, folds, seed)
            for k in np.unique(fold):
                writer.add(out, int(k), scaled.take(fold == k), y[fold == k])
        writer.flush(out)
    return writer.finish(surveyed.target.task == "classification"), *taken.table


def _rows_of_piece(preprocessing: Preprocessing) -> int:
    """Give the most rows of a piece, by the bytes that they have when their features are in memory."""
    compact = len(preprocessing.limits)
    width = compact if preprocessing.has_compact_form else min(preprocessing.n_features, DENSE_FEATURES)
    return min(max(PIECE_BYTES // (4 * width + 8), LEAST_PIECE_ROWS), PIECE_ROWS)


class _Taken:
    """Gathers some rows of a stream, by their numbers."""

    def __init__(self, numbers: Indices) -> None:
        self._numbers, self._sorted = numbers, np.unique(numbers)
        self._tables: list[Table] = []
        self._y: list[AnyArray] = []

    def add(self, rows: Indices, table: Table, y: AnyArray) -> None:
        """Add a batch."""
        wanted = self._sorted[np.searchsorted(self._sorted, rows[0]) : np.searchsorted(self._sorted, rows[-1], side="right")]
        if len(wanted):
            self._tables.append(table.take(wanted - rows[0]))
            self._y.append(y[wanted - rows[0]])

    @property
    def table(self) -> tuple[Table, AnyArray]:
        """The rows, in the order of their numbers as they were given."""
        order = np.searchsorted(self._sorted, self._numbers)
        return tables_concatenated(self._tables).take(order), np.concatenate(self._y)[order]


class _Writer:
    """Writes rows in pieces, each of one fold."""

    def __init__(self, path: Path, folds: int, most: int) -> None:
        self.path = path
        self._waiting: list[list[tuple[Table, AnyArray]]] = [[] for _ in range(folds)]
        self._counts = [0] * folds
        self._columns: tuple[StoredColumn, ...] = ()
        self._pieces: list[StoredPiece] = []
        self._offset = 0
        self._most = most
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, out: Any, fold: int, table: Table, y: AnyArray) -> None:
        """Add rows of a fold, and write its pieces that are full."""
        if not self._columns:
            self._columns = tuple(StoredColumn(c.name, c.kind, _stored_dtype(c), c.categories) for c in table)
        self._waiting[fold].append((table, y))
        self._counts[fold] += len(y)
        if self._counts[fold] >= self._most:
            self._write(out, fold, self._counts[fold] // self._most * self._most)

    def flush(self, out: Any) -> None:
        """Write what is left."""
        for fold, count in enumerate(self._counts):
            if count:
                self._write(out, fold, count)

    def _write(self, out: Any, fold: int, count: int) -> None:
        """Write the first rows of a fold that wait, and keep the others."""
        tables, targets = zip(*self._waiting[fold], strict=True)
        table, y = tables_concatenated(list(tables)), np.concatenate(targets)
        for first in range(0, count, self._most):
            rows = slice(first, min(first + self._most, count))
            parts = [column.data[rows].astype(stored.dtype) for column, stored in zip(table, self._columns, strict=True)]
            parts.append(y[rows].astype("<f8"))
            parts = [np.ascontiguousarray(part).view(np.uint8) for part in parts]  # a buffer holds no dates
            with _disk_errors():
                for part in parts:
                    out.write(part.data)
            for part in parts:
                self._digest.update(part.data)
            self._pieces.append(StoredPiece(self._offset, rows.stop - rows.start, fold))
            self._offset += sum(part.nbytes for part in parts)
        self._waiting[fold] = [(table.take(slice(count, None)), y[count:])] if count < len(y) else []
        self._counts[fold] = len(y) - count

    def finish(self, is_class: bool) -> PreparedRows:
        """Give the rows."""
        return PreparedRows(self.path, self._columns, tuple(self._pieces), is_class, self._digest.hexdigest())


def _stored_dtype(column: Column) -> str:
    if column.kind == "number":
        return "<f4"
    return "<M8[us]" if column.kind == "date" else "<i4"


@dataclass(frozen=True, eq=False)
class Extremes:
    """The least and the greatest number of each prepared column, and of the targets, of all rows.

    Attributes
    ----------
    x : array, shape (2, c)
    y : array
        With a target that is not whole, if there is one.
    row_bytes : int
        The mean bytes of a prepared row and its target.
    """

    x: Array
    y: AnyArray
    row_bytes: int


def measure_extremes(rows: PreparedRows, preprocessing: Preprocessing) -> Extremes:
    """Measure all prepared rows, a piece at a time."""
    least: Any = None
    most: Any = None
    low, high, fraction, n_bytes, n = np.inf, -np.inf, None, 0, 0
    for piece in rows.pieces:
        table, y = rows.read(piece, 0, piece.rows)
        x = preprocessing.prepare([table], len(y))
        ends = [_dense(x.min(axis=0)), _dense(x.max(axis=0))]  # type: ignore[union-attr]
        least = ends[0] if least is None else np.minimum(least, ends[0])
        most = ends[1] if most is None else np.maximum(most, ends[1])
        low, high = min(low, y.min()), max(high, y.max())
        broken = y[y != np.floor(y)][:1]
        fraction = fraction if fraction is not None or not len(broken) else broken[0]
        n_bytes += sum(part.nbytes for part in ((x.data, x.indices, x.indptr) if is_sparse(x) else (np.asarray(x),)))
        n += len(y)
    y = np.array([low, high, *([] if fraction is None else [fraction])])
    return Extremes(np.stack([least, most]), y.astype(np.int64) if rows.is_class else y, n_bytes // n + 8)


def _dense(row: Any) -> Array:
    """Give a row of a matrix as an array, (c,)."""
    return np.asarray(row.todense() if hasattr(row, "todense") else row, np.float32).ravel()


class PreparedSource(RowSource):
    """Some folds of prepared rows, as a source that a network is trained on; it can be pickled.

    Parameters
    ----------
    rows : PreparedRows
    folds : collection of int
    preprocessing : Preprocessing
        For scaled columns.
    sizes : float32 array, shape (n_features,)
        By which the features are multiplied.
    extremes : Extremes
    target : str
    window_bytes : int
    """

    def __init__(
        self,
        rows: PreparedRows,
        folds: Iterable[int],
        preprocessing: Preprocessing,
        sizes: Array,
        extremes: Extremes,
        *,
        target: str,
        window_bytes: int,
    ) -> None:
        kept = set(folds)
        self.name, self.target, self.weights = f"prepared rows#{target}", target, None
        self.standardize, self.window_bytes = False, window_bytes
        self.files, self.columns, self.skipped = [], (), []
        self._rows, self._preprocessing, self._sizes, self._extremes = rows, preprocessing, sizes, extremes
        self._pieces = [piece for piece in rows.pieces if piece.fold in kept]
        self.group_rows = [piece.rows for piece in self._pieces]
        self.n_in = preprocessing.n_features
        self.row_bytes = extremes.row_bytes
        if not self._pieces:
            raise DataError(f"the rows of the table are too few: none is in the folds {sorted(kept)}")

    @property
    def own_form(self) -> OwnForm:
        """The source itself."""
        return self

    def extremes(self) -> tuple[Any, AnyArray]:
        """Give the least and the greatest numbers of all folds."""
        y = self._extremes.y
        x = self._extremes.x[np.minimum(np.arange(len(y)), 1)]
        if self._preprocessing.sparse:
            from scipy import sparse  # imported late: only a table with many features needs it

            x = sparse.csr_array(x)
        return self._inputs(x), y

    def gather(self, pieces: Sequence[tuple[int, int, int]], before: Examples | None) -> tuple[Any, AnyArray]:
        """Prepare the rows of pieces, behind those that another window has left."""
        parts = [self._rows.read(self._pieces[group], first, last) for group, first, last in pieces]
        tables, targets = (table for table, _ in parts), [y for _, y in parts]
        n = sum(map(len, targets))
        y = np.concatenate(targets if before is None else [before.y, *targets])
        if self._preprocessing.sparse:
            return _below(before, self._inputs(self._preprocessing.prepare(tables, n))), y
        first = len(y) - n
        prepared = np.empty((len(y), self._preprocessing.width), np.float32)
        self._preprocessing.prepare(tables, n, prepared[first:])
        if before is not None:
            above: Any = before.x
            prepared[:first] = above.numbers if self._preprocessing.has_compact_form else above
        if not self._preprocessing.has_compact_form:
            multiply_features(prepared[first:], self._sizes)  # those above are already
            return prepared, y
        return self._inputs(prepared), y

    def _inputs(self, prepared: Any) -> Any:
        return weighted_inputs(self._preprocessing, prepared, self._sizes)

    def place(self, group: int) -> str:
        """Name a piece."""
        return f"the prepared rows {group} (from 0)"

    @cached_property
    def measured(self) -> Measured:
        """The weights and the digest of the rows; their statistics are told by ``extremes`` alone."""
        return Measured(None, 1.0, float(len(self)), self._digest())  # type: ignore[arg-type]  # nothing asks for them

    def _digest(self) -> str:
        """Give a digest of all rows, and of how they are prepared."""
        described = [self._rows.digest, repr(self._preprocessing.to_json()), repr([piece.fold for piece in self._pieces])]
        parts = [*self._preprocessing.tensors().values(), self._sizes]
        digest = hashlib.blake2b("\n".join(described).encode(), digest_size=16)
        for part in parts:
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def __repr__(self) -> str:
        return f"PreparedSource({len(self):,} rows x {self.n_in}, target {self.target!r})"


def weighted_inputs(preprocessing: Preprocessing, prepared: Array | CSR, sizes: Array) -> Any:
    """Give prepared rows as inputs, whose features are multiplied by sizes; features are multiplied in place."""
    if preprocessing.has_compact_form:
        return PiecewiseInputs(prepared, Bins(*preprocessing.bins), limits=preprocessing.limits, sizes=sizes)
    multiply_features(prepared, sizes)
    return prepared


def _below(before: Examples | None, inputs: Any) -> Any:
    """Put a CSR matrix below the inputs of examples."""
    if before is None:
        return inputs
    from scipy import sparse  # imported late: only a table with many features needs it

    return sparse.vstack([before.x, inputs], format="csr")


def check_space(folder: Path, surveyed: TableSurvey, columns: Sequence[PreparedColumn]) -> None:
    """Refuse to begin where the disk has not the space for the prepared rows.

    Raises
    ------
    FileError
    """
    needed = surveyed.n * (8 + sum(8 if column.kind == "date" else 4 for column in columns if column.rules))
    status = os.statvfs(folder) if hasattr(os, "statvfs") else None
    if status and status.f_bavail * status.f_frsize < needed:
        raise FileError(
            f"the prepared rows of the table take {needed:,} bytes in {folder}, where fewer are free; set the environment variable "
            "TMPDIR to a folder with enough space"
        )
