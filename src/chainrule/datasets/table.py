"""Tables: a file of numbers, a row an example, one column the target. The format is told by the file's ending."""

from __future__ import annotations

import os
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal, NamedTuple

import numpy as np

from .._checks import check_int
from .._types import AnyArray
from .._warnings import frames_below_the_user
from ..errors import DataError, DataTypeError, MissingExtra, SettingError
from ..examples import Examples
from .csv_file import read_csv
from .files import DEFLATE_RATIO, ENCODE, FILL, LIMIT_BYTES, LIMIT_UNPACKED, check_size, examples_of, reading, size_of

LIMIT_COLUMNS = 10_000_000  # of a sparse file, where one number can claim any width
LAST = -1


def table(
    path: str | os.PathLike[str],
    *,
    target: str | int = LAST,
    n_features: int | None = None,
    first_column: Literal[0, 1] | None = None,
    pixels: bool | None = None,
) -> Examples:
    """Read a table of numbers from a ``.csv``, ``.npz``, ``.svmlight`` or ``.parquet`` file.

    ``.csv`` (or ``.tsv``): separated by commas, semicolons or tabs, with or without a line of names. ``.npz``: arrays ``x`` and
    ``y``. ``.svmlight`` (or ``.libsvm``): sparse rows, each with its target. ``.parquet``: where pyarrow is installed. Text,
    categories and missing values are refused; nothing is guessed or filled in.

    Parameters
    ----------
    path : path
        The file; its ending tells the format.
    target : str or int, default -1
        The column to be learnt, by name or by number from 0; -1 is the last. In an ``.npz``, the name of the array instead of
        ``y``; an ``.svmlight`` file knows its own.
    n_features : int, optional
        How many columns an ``.svmlight`` file has: those that no row names are 0. By default as many as it names.
    first_column : {0, 1}, optional
        The number of the first column in an ``.svmlight`` file; by default 0 where a row names column 0, else 1.
    pixels : bool, optional
        Of an ``.npz``: as ``Examples`` has it.

    Returns
    -------
    chainrule.Examples
        With ``x`` (n, n_in) of floats, the other columns in their order, or CSR from ``.svmlight``; an ``.npz`` keeps its dtype.
        ``y`` (n,) is int where all its values are whole numbers (labels), else float (targets).

    Raises
    ------
    FileError
        When the file is not there or cannot be read.
    DataError
        When the format is none of these, the file is damaged or too large, a value is missing, or the target is no column of it.
    DataTypeError
        When a column holds text or categories.
    MissingExtra
        When a ``.parquet`` file is asked for and pyarrow is not installed.
    SettingError
        When ``target`` is neither a name nor a number.
    """
    path = Path(path)
    if not isinstance(target, (str, int, np.integer)) or isinstance(target, bool):
        raise SettingError(f"target must be a column's name or its number; it is {target!r}")
    if first_column not in (0, 1, None) or isinstance(first_column, bool):
        raise SettingError(f"first_column must be 0 or 1; it is {first_column!r}")
    if n_features is not None:
        n_features = check_int("n_features", n_features, least=1, most=LIMIT_COLUMNS)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        ending = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise DataError(f"{path} {ending}, but a table is read from {', '.join(READERS)}; save it as one of these")
    return reader(path, target, Options(n_features, first_column, pixels))


def is_table(path: Path) -> bool:
    """Whether ``table`` reads files with this path's ending."""
    return path.suffix.lower() in READERS


def is_svmlight(path: Path) -> bool:
    """Whether ``table`` reads this path as an svmlight file."""
    return READERS.get(path.suffix.lower()) is _svmlight


def read_columns(path: Path) -> tuple[list[str], AnyArray]:
    """Read all columns of a csv or parquet file, or ``x`` of an npz file: a table without a target set apart.

    Returns
    -------
    names : list of str
        The columns' names; empty where the table has none.
    values : array, shape (n, columns)

    Raises
    ------
    DataError, DataTypeError, FileError, MissingExtra
        As ``table`` raises them.
    """
    kind = path.suffix.lower()
    if kind == ".npz":
        return [], _npz_arrays(path, "x")[0]
    if kind == ".parquet":
        return _parquet_columns(path)
    return read_csv(path)


class Options(NamedTuple):
    """What only some formats ask for."""

    n_features: int | None = None
    first_column: Literal[0, 1] | None = None
    pixels: bool | None = None


def _csv(path: Path, target: str | int, options: Options) -> Examples:
    return _apart(path, *read_csv(path), target)


def _npz(path: Path, target: str | int, options: Options) -> Examples:
    x, y = _npz_arrays(path, "x", target if isinstance(target, str) else "y")
    return examples_of(path, x, y, pixels=options.pixels)


def _npz_arrays(path: Path, *names: str) -> list[AnyArray]:
    """Read some arrays of an npz file by name."""
    with reading(path), path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return [_member(path, archive, name) for name in names]
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:  # an offset out of range is an OSError
            raise DataError(f"{path} is no intact .npz file ({error}); save it again with numpy.savez(path, x=x, y=y)") from None


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> AnyArray:
    """Read one array of an npz, once its claimed shape agrees with its size in the archive."""
    if f"{name}.npy" not in archive.namelist():
        there = ", ".join(sorted(member.removesuffix(".npy") for member in archive.namelist())) or "nothing"
        raise DataError(f"{path} has no array {name!r}; it holds {there}. Save it with numpy.savez(path, x=x, y=y)")
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{path}: array {name!r} is packed in a way that NumPy does not write; save it again with numpy.savez")
    limit = LIMIT_BYTES if info.compress_type == zipfile.ZIP_STORED else LIMIT_UNPACKED
    check_size(f"{path}: array {name!r}", info.file_size, limit)
    if info.file_size > max(info.compress_size, 1) * DEFLATE_RATIO:
        raise DataError(f"{path}: array {name!r} claims {info.file_size:,} bytes, more than its file can hold")
    try:
        with archive.open(info) as file:
            _check_claim(path, name, file, info.file_size)
        with archive.open(info) as file:
            array: AnyArray = np.lib.format.read_array(file, allow_pickle=False)
    except DataError:
        raise
    except (ValueError, TokenError) as error:  # a header that is no Python literal can end NumPy's tokenizer
        raise DataError(f"{path}: array {name!r} cannot be read ({_line(error)}); save it again with numpy.savez") from None
    return array


def _check_claim(path: Path, name: str, file: Any, size: int) -> None:
    """Hold the shape that an array's header claims against the bytes that follow it."""
    if np.lib.format.read_magic(file) != (1, 0):  # later versions, for structures with many fields, allow headers of gigabytes
        raise DataError(
            f"{path}: array {name!r} is in a form that NumPy does not write for numbers; save it again with numpy.savez"
        )
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    except (TypeError, OverflowError, MemoryError, RecursionError) as error:  # Python's parser, at its end
        raise ValueError(_line(error)) from None
    if any(type(n) is not int or n < 1 for n in shape):
        raise ValueError(f"it claims the shape {shape}, where each number must be 1 or more")
    if dtype.hasobject:
        raise DataTypeError(f"{path}: array {name!r} holds Python objects; it must hold numbers")
    claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if claimed != size - file.tell():
        raise DataError(
            f"{path}: array {name!r} claims the shape {shape} ({claimed:,} bytes), but holds {size - file.tell():,} bytes"
        )


def _svmlight(path: Path, target: str | int, options: Options) -> Examples:
    return read_svmlight(path, options.n_features, options.first_column)[0]


def read_svmlight(path: Path, n_features: int | None = None, first_column: int | None = None) -> tuple[Examples, int]:
    """Read an svmlight file; give the examples, and the number that it gives its first column.

    Raises
    ------
    DataError
        When it is none, names more columns than there are, or column 0 where they count from 1.
    """
    x, y = _stored(path)
    named = x.indices
    least, most = (int(named.min()), int(named.max())) if len(named) else (1, 0)
    base = first_column if first_column is not None else int(least > 0)
    if least < base:
        raise DataError(f"{path} counts its columns from 0, but they are to be counted from 1, as in the training of the model")
    if n_features is None:
        n_features = most + 1 - base
    elif first_column is None and 0 < least <= most < n_features:
        warnings.warn(
            f"{path} names columns {least} to {most} of {n_features}; they were taken to count from 1. If they count from 0, "
            "say so: table(..., first_column=0)",
            UserWarning,
            stacklevel=frames_below_the_user(),
        )
    if most - base >= n_features:
        counts = f"{path} names column {most}, counted from {base}"
        raise DataError(f"{counts}, but there are {n_features:,} columns; leave out those that are not known")
    return examples_of(path, type(x)((x.data, named - base, x.indptr), shape=(len(y), n_features)), y), base


def _stored(path: Path) -> tuple[Any, AnyArray]:
    """Read an svmlight file's entries (n, columns), the columns numbered as the file has them, and its targets (n,)."""
    from sklearn.datasets import load_svmlight_file

    with reading(path), path.open("rb") as file:
        check_size(path, size_of(file))
        _check_underscores(path, file)
        try:
            x, y = load_svmlight_file(file, zero_based=True)
        except (ValueError, OverflowError, IndexError) as error:
            raise DataError(f"{path} is no svmlight file, whose lines read 'target column:value ...' ({_line(error)})") from None
    if not len(y):
        raise DataError(f"{path} holds no rows")
    if x.shape[1] > LIMIT_COLUMNS:
        raise DataError(f"{path} names column {x.shape[1] - 1:,}; the limit is {LIMIT_COLUMNS:,}. Number the columns without gaps")
    return x, y


def _check_underscores(path: Path, file: Any) -> None:
    """Refuse 1_0, which Python reads as 10, and nobody else."""
    for k, line in enumerate(file, start=1):
        if b"_" in line and b"_" in line.partition(b"#")[0]:
            raise DataError(f"{path} is no svmlight file: line {k} holds '_', which is in no number; mend that line")
    file.seek(0)


def _parquet(path: Path, target: str | int, options: Options) -> Examples:
    _, x, y = _read_parquet(path, target)
    assert y is not None  # noqa: S101  # a target was given
    return examples_of(path, x, y)


def _parquet_columns(path: Path) -> tuple[list[str], AnyArray]:
    names, values, _ = _read_parquet(path, None)
    return names, values


def _read_parquet(path: Path, target: str | int | None) -> tuple[list[str], AnyArray, AnyArray | None]:
    """Read a parquet file: the names of all columns, the columns without the target's, and the target's."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra(f"reading {path} takes pyarrow; pip install pyarrow, or save the table as .csv") from None
    with reading(path), path.open("rb") as file:
        try:
            return _unpacked(path, parquet.ParquetFile(file), target)
        except DataError:
            raise
        except (ArrowException, OSError, ValueError) as error:  # Arrow tells damage as an OSError, too; a name as a ValueError
            raise DataError(f"{path} is no intact parquet file ({_line(error)}); save it again") from None


def _unpacked(path: Path, opened: Any, target: str | int | None) -> tuple[list[str], AnyArray, AnyArray | None]:
    """Read a parquet file's columns into one array, and the target's into another, some rows at a time."""
    names, rows = list(opened.schema_arrow.names), opened.metadata.num_rows
    check_size(path, rows * len(names) * 8, LIMIT_UNPACKED)
    index = [name for name in (opened.schema_arrow.pandas_metadata or {}).get("index_columns", ()) if isinstance(name, str)]
    for field in opened.schema_arrow:
        _check_type(path, field, index)
    if not (rows and names):
        raise DataError(f"{path} holds no rows")
    k = None if target is None else _position(path, names, len(names), target)
    single = all(str(kind) in ("halffloat", "float") for kind in opened.schema_arrow.types)
    dtype = np.float32 if single else np.float64
    x = np.empty((rows, len(names) - (k is not None)), dtype)
    places = list(x.T)
    y = None
    if k is not None:
        y = np.empty(rows, dtype)
        places.insert(k, y)
    done = 0
    for batch in opened.iter_batches():
        for name, place, column in zip(names, places, batch.columns, strict=True):
            _check_filled(path, name, column, done)
            place[done : done + len(column)] = column.to_numpy(zero_copy_only=False)
        done += len(batch)
    if done != rows:
        raise DataError(f"{path} is no intact parquet file (it claims {rows:,} rows, and holds {done:,}); save it again")
    return names, x, y


def _check_type(path: Path, field: Any, index: Sequence[str]) -> None:
    """Refuse a parquet column that holds no numbers, before it is read."""
    from pyarrow import types

    if field.name.startswith("__index_level_") or field.name in index:
        raise DataError(f"{path}: column {field.name!r} is pandas' row index; save the table with index=False")
    kind = field.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)):
        raise DataTypeError(f"{path}: column {field.name!r} holds {kind}; {ENCODE}")


def _check_filled(path: Path, name: str, column: Any, done: int) -> None:
    """Refuse a parquet column with a value missing, ``done`` rows having gone before."""
    if column.null_count:
        row = done + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise DataError(f"{path}: column {name!r} has no value in row {row + 1}; {FILL}")


def _apart(path: Path, names: list[str], values: AnyArray, target: str | int) -> Examples:
    """Set the target's column apart from the others."""
    k = _position(path, names, values.shape[1], target)
    return examples_of(path, np.delete(values, k, axis=1), values[:, k])


def _position(path: Path, names: list[str], width: int, target: str | int) -> int:
    """Find the target's column; a name goes before the number that it may also be."""
    if width < 2:
        raise DataError(f"{path} has one column; a table needs the target's and at least one other")
    if isinstance(target, str) and target in names:
        if names.count(target) > 1:
            raise DataError(f"{path} has {names.count(target)} columns named {target!r}; rename them, or give the target's number")
        return names.index(target)
    try:
        k = int(target)
    except ValueError:
        if not names:
            raise DataError(
                f"{path} has no line of names; give the target by its number, 0 to {width - 1}, not as {target!r}"
            ) from None
        there = ", ".join(names[:20]) + ", ..." * (len(names) > 20)
        raise DataError(f"{path} has no column {target!r}; it has {there}") from None
    if not -width <= k < width:
        raise DataError(f"{path} has {width} columns, so the target's number lies in 0..{width - 1}, or -1 for the last; it is {k}")
    return k % width


def _line(error: Exception) -> str:
    """Tell an error of another library in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


READERS = {".csv": _csv, ".tsv": _csv, ".npz": _npz, ".svmlight": _svmlight, ".libsvm": _svmlight, ".parquet": _parquet}
"""The reader of each ending that a table's name may have."""
