"""Tables in parquet files, which pyarrow reads in batches of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .._reading import LIMIT_UNPACKED, check_size, translate_read_errors
from .._types import AnyArray
from ..errors import DataError, DataTypeError, MissingExtra
from .untrusted_files import ENCODE_REMEDY, FILL_REMEDY, ChooseColumns, first_line

FindTarget = Callable[[list[str]], int]
"""Finds the target's position among the columns' names."""


def read_parquet(
    path: Path, find_target: FindTarget | None = None, choose: ChooseColumns | None = None
) -> tuple[list[str], AnyArray, AnyArray | None]:
    """Read a parquet file of numbers.

    Parameters
    ----------
    path : Path
    find_target : callable, optional
        Finds the target's column; without it all columns are read into ``x``.
    choose : callable, optional
        Chooses the columns of ``x``, instead of a target; the others may hold anything.

    Returns
    -------
    names : list of str
        The names of all columns, the target's included.
    x : array, shape (n, columns) or (n, columns - 1)
        The columns without the target's, or those chosen, in the order of the choice: float32 where all of these are, else float64.
    y : array of shape (n,), or None
        The target's column.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When it is not a valid parquet file, is too large, has no rows, or a value is missing.
    DataTypeError
        When a column does not hold numbers.
    MissingExtra
        When pyarrow is not installed.
    """
    with _open(path) as opened:
        return _read_columns(path, opened, find_target, choose)


def read_parquet_names(path: Path) -> list[str]:
    """Read the names of a parquet file's columns.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When it is not a valid parquet file.
    MissingExtra
        When pyarrow is not installed.
    """
    with _open(path) as opened:
        return list(opened.schema_arrow.names)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a parquet file; errors that are raised while it is read become errors of this package."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra(f"reading {path} requires pyarrow; pip install pyarrow, or save the table as .csv") from None
    with translate_read_errors(path), path.open("rb") as file:
        try:
            yield parquet.ParquetFile(file)
        except DataError:
            raise
        except (ArrowException, OSError, ValueError) as error:  # Arrow raises OSError for damage, ValueError for a bad name
            raise DataError(f"{path} is not a valid parquet file ({first_line(error)}); save it again") from None


def _read_columns(
    path: Path, opened: Any, find_target: FindTarget | None, choose: ChooseColumns | None
) -> tuple[list[str], AnyArray, AnyArray | None]:
    """Read the columns into x and the target's into y, one batch of rows at a time."""
    names, rows = list(opened.schema_arrow.names), opened.metadata.num_rows
    columns = list(range(len(names))) if choose is None else choose(names, len(names))
    fields = [opened.schema_arrow.field(column) for column in columns]
    check_size(path, rows * len(columns) * 8, LIMIT_UNPACKED)
    index = [name for name in (opened.schema_arrow.pandas_metadata or {}).get("index_columns", ()) if isinstance(name, str)]
    for field in fields:
        _check_type(path, field, index)
    if not (rows and names):
        raise DataError(f"{path} holds no rows")
    k = None if find_target is None else find_target(names)
    single = all(str(field.type) in ("halffloat", "float") for field in fields)
    dtype = np.float32 if single else np.float64
    x = np.empty((rows, len(columns) - (k is not None)), dtype)
    y = None if k is None else np.empty(rows, dtype)
    destinations = list(x.T)
    if k is not None and y is not None:
        destinations.insert(k, y)
    _fill(path, names, columns, destinations, opened)
    return names, x, y


def _fill(path: Path, names: list[str], columns: list[int], destinations: list[AnyArray], opened: Any) -> None:
    """Copy each of the columns into its destination, (n,)."""
    rows, done = len(destinations[0]), 0
    unique = len(set(names)) == len(names)  # else Arrow cannot find columns by name, and reads all
    keys = [names[column] if unique else column for column in columns]
    for batch in opened.iter_batches(columns=keys if unique else None):
        for key, number, destination in zip(keys, columns, destinations, strict=True):
            column = batch.column(key)
            _check_filled(path, names[number], column, done)
            destination[done : done + len(column)] = column.to_numpy(zero_copy_only=False)
        done += len(batch)
    if done != rows:
        raise DataError(f"{path} is not a valid parquet file (it claims {rows:,} rows, and holds {done:,}); save it again")


def _check_type(path: Path, field: Any, index: Sequence[str]) -> None:
    """Refuse a parquet column that does not hold numbers, before it is read."""
    from pyarrow import types

    if field.name.startswith("__index_level_") or field.name in index:
        raise DataError(f"{path}: column {field.name!r} is pandas' row index; save the table with index=False")
    kind = field.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)):
        raise DataTypeError(f"{path}: column {field.name!r} holds {kind}; {ENCODE_REMEDY}")


def _check_filled(path: Path, name: str, column: Any, done: int) -> None:
    """Refuse a parquet column with a missing value; ``done`` is the number of rows in earlier batches."""
    if column.null_count:
        row = done + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise DataError(f"{path}: column {name!r} has no value in row {row + 1}; {FILL_REMEDY}")
