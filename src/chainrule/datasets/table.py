"""Tables: files of numbers with one example per row and one column for the target. The file's ending determines the format."""

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
from .untrusted_files import (
    DEFLATE_RATIO,
    ENCODE_REMEDY,
    FILL_REMEDY,
    LIMIT_BYTES,
    LIMIT_UNPACKED,
    check_size,
    checked_examples,
    remaining_bytes,
    translate_read_errors,
)

LIMIT_COLUMNS = 10_000_000  # of a sparse file, where a single number can claim any width
LAST_COLUMN = -1


def table(
    path: str | os.PathLike[str],
    *,
    target: str | int = LAST_COLUMN,
    n_features: int | None = None,
    first_column: Literal[0, 1] | None = None,
    pixels: bool | None = None,
) -> Examples:
    """Read a table of numbers from a ``.csv``, ``.npz``, ``.svmlight`` or ``.parquet`` file.

    ``.csv`` (or ``.tsv``): values separated by commas, semicolons or tabs, with or without a line of names. ``.npz``: arrays ``x``
    and ``y``. ``.svmlight`` (or ``.libsvm``): sparse rows, each with its target. ``.parquet``: requires pyarrow. Text, categories
    and missing values are refused; values are neither guessed nor filled in.

    Parameters
    ----------
    path : path
        The file; its ending determines the format.
    target : str or int, default -1
        The column to be learnt, by name or by number from 0; -1 is the last. For an ``.npz``, the name of the array to use instead
        of ``y``. Ignored for an ``.svmlight`` file, whose format fixes the target.
    n_features : int, optional
        The number of columns of an ``.svmlight`` file; columns that no row names are 0. By default the largest column named.
    first_column : {0, 1}, optional
        The number of the first column in an ``.svmlight`` file; by default 0 where a row names column 0, else 1.
    pixels : bool, optional
        For an ``.npz``: whether ``x`` holds pixels, as in ``Examples``.

    Returns
    -------
    chainrule.Examples
        ``x`` (n, n_in) holds the other columns in their order, as floats, or as CSR from ``.svmlight``; an ``.npz`` keeps its
        dtype. ``y`` (n,) is int where all its values are integers (labels), else float (targets).

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When the format is not one of these, the file is damaged or too large, a value is missing, or the target's column does not
        exist.
    DataTypeError
        When a column holds text or categories.
    MissingExtra
        When the file is a ``.parquet`` file and pyarrow is not installed.
    SettingError
        When ``target`` is neither a name nor a number, or ``n_features`` or ``first_column`` is out of range.
    """
    path = Path(path)
    if not isinstance(target, (str, int, np.integer)) or isinstance(target, bool):
        raise SettingError(f"target must be a column's name or its number; it is {target!r}")
    if first_column not in (0, 1, None) or isinstance(first_column, bool):
        raise SettingError(f"first_column must be 0 or 1; it is {first_column!r}")
    if n_features is not None:
        n_features = check_int("n_features", n_features, least=1, most=LIMIT_COLUMNS)
    readers = {".csv": _csv, ".tsv": _csv, ".npz": _npz, ".svmlight": _svmlight, ".libsvm": _svmlight, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        ending = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise DataError(f"{path} {ending}, but a table is read from {', '.join(readers)}; save it as one of these")
    return reader(path, target, Options(n_features, first_column, pixels))


class Options(NamedTuple):
    """The settings that apply to some formats only."""

    n_features: int | None = None
    first_column: Literal[0, 1] | None = None
    pixels: bool | None = None


def _csv(path: Path, target: str | int, options: Options) -> Examples:
    return _split_target(path, *read_csv(path), target)


def _npz(path: Path, target: str | int, options: Options) -> Examples:
    with translate_read_errors(path), path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                y_name = target if isinstance(target, str) else "y"
                x, y = (_read_member(path, archive, name) for name in ("x", y_name))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:  # an offset out of range is an OSError
            raise DataError(f"{path} is not a valid .npz file ({error}); save it again with numpy.savez(path, x=x, y=y)") from None
    return checked_examples(path, x, y, pixels=options.pixels)


def _read_member(path: Path, archive: zipfile.ZipFile, name: str) -> AnyArray:
    """Read one array of an npz file, after checking that the shape it claims agrees with its size in the archive."""
    if f"{name}.npy" not in archive.namelist():
        members = ", ".join(sorted(member.removesuffix(".npy") for member in archive.namelist())) or "nothing"
        raise DataError(f"{path} has no array {name!r}; it holds {members}. Save it with numpy.savez(path, x=x, y=y)")
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{path}: array {name!r} has a compression that NumPy does not write; save it again with numpy.savez")
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
    except (ValueError, TokenError) as error:  # NumPy's tokenizer fails on a header that is not a Python literal
        raise DataError(f"{path}: array {name!r} cannot be read ({_first_line(error)}); save it again with numpy.savez") from None
    return array


def _check_claim(path: Path, name: str, file: Any, size: int) -> None:
    """Check the shape that an array's header claims against the number of bytes that follow the header."""
    # Versions above 1.0 serve structures with many fields, and allow headers of gigabytes.
    if np.lib.format.read_magic(file) != (1, 0):
        raise DataError(
            f"{path}: array {name!r} has a format version that NumPy does not write for numbers; save it again with numpy.savez"
        )
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    except (TypeError, OverflowError, MemoryError, RecursionError) as error:  # Python's parser fails on a hostile header
        raise ValueError(_first_line(error)) from None
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
    """Read an svmlight file; return the examples and the number of the first column, 0 or 1.

    Raises
    ------
    DataError
        When it is not an svmlight file, names a column beyond ``n_features``, or names column 0 although ``first_column`` is 1.
    """
    x, y = _svmlight_entries(path)
    columns = x.indices
    least, most = (int(columns.min()), int(columns.max())) if len(columns) else (1, 0)
    base = first_column if first_column is not None else int(least > 0)
    if least < base:
        raise DataError(f"{path} counts its columns from 0, but they must be counted from 1, as in the training of the model")
    if n_features is None:
        n_features = most + 1 - base
    elif first_column is None and 0 < least <= most < n_features:
        warnings.warn(
            f"{path} names columns {least} to {most} of {n_features}; they are assumed to count from 1. If they count from 0, "
            "pass first_column=0",
            UserWarning,
            stacklevel=frames_below_the_user(),
        )
    if most - base >= n_features:
        counts = f"{path} names column {most}, counted from {base}"
        raise DataError(f"{counts}, but there are {n_features:,} columns; leave out the columns beyond them")
    return checked_examples(path, type(x)((x.data, columns - base, x.indptr), shape=(len(y), n_features)), y), base


def _svmlight_entries(path: Path) -> tuple[Any, AnyArray]:
    """Read an svmlight file's entries as CSR (n, columns), with the file's own column numbers, and its targets (n,)."""
    from sklearn.datasets import load_svmlight_file

    with translate_read_errors(path), path.open("rb") as file:
        check_size(path, remaining_bytes(file))
        _check_underscores(path, file)
        try:
            x, y = load_svmlight_file(file, zero_based=True)
        except (ValueError, OverflowError, IndexError) as error:
            raise DataError(
                f"{path} is not an svmlight file, whose lines read 'target column:value ...' ({_first_line(error)})"
            ) from None
    if not len(y):
        raise DataError(f"{path} holds no rows")
    if x.shape[1] > LIMIT_COLUMNS:
        raise DataError(f"{path} names column {x.shape[1] - 1:,}; the limit is {LIMIT_COLUMNS:,}. Number the columns without gaps")
    return x, y


def _check_underscores(path: Path, file: Any) -> None:
    """Refuse numbers such as 1_0, which only Python reads as 10."""
    for k, line in enumerate(file, start=1):
        if b"_" in line and b"_" in line.partition(b"#")[0]:
            raise DataError(f"{path} is not an svmlight file: line {k} holds '_', which numbers must not; correct that line")
    file.seek(0)


def _parquet(path: Path, target: str | int, options: Options) -> Examples:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra(f"reading {path} requires pyarrow; pip install pyarrow, or save the table as .csv") from None
    with translate_read_errors(path), path.open("rb") as file:
        try:
            x, y = _parquet_arrays(path, parquet.ParquetFile(file), target)
        except DataError:
            raise
        except (ArrowException, OSError, ValueError) as error:  # Arrow raises OSError for damage, ValueError for a bad name
            raise DataError(f"{path} is not a valid parquet file ({_first_line(error)}); save it again") from None
    return checked_examples(path, x, y)


def _parquet_arrays(path: Path, opened: Any, target: str | int) -> tuple[AnyArray, AnyArray]:
    """Read a parquet file's columns into x (n, columns - 1) and the target's into y (n,), one batch of rows at a time."""
    names, rows = list(opened.schema_arrow.names), opened.metadata.num_rows
    check_size(path, rows * len(names) * 8, LIMIT_UNPACKED)
    index = [name for name in (opened.schema_arrow.pandas_metadata or {}).get("index_columns", ()) if isinstance(name, str)]
    for field in opened.schema_arrow:
        _check_type(path, field, index)
    if not (rows and names):
        raise DataError(f"{path} holds no rows")
    k = _target_position(path, names, len(names), target)
    single = all(str(kind) in ("halffloat", "float") for kind in opened.schema_arrow.types)
    dtype = np.float32 if single else np.float64
    x, y = np.empty((rows, len(names) - 1), dtype), np.empty(rows, dtype)
    destinations = [y if j == k else x[:, j - (j > k)] for j in range(len(names))]
    done = 0
    for batch in opened.iter_batches():
        for name, destination, column in zip(names, destinations, batch.columns, strict=True):
            _check_filled(path, name, column, done)
            destination[done : done + len(column)] = column.to_numpy(zero_copy_only=False)
        done += len(batch)
    if done != rows:
        raise DataError(f"{path} is not a valid parquet file (it claims {rows:,} rows, and holds {done:,}); save it again")
    return x, y


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


def _split_target(path: Path, names: list[str], values: AnyArray, target: str | int) -> Examples:
    """Split the target's column from the others."""
    k = _target_position(path, names, values.shape[1], target)
    return checked_examples(path, np.delete(values, k, axis=1), values[:, k])


def _target_position(path: Path, names: list[str], width: int, target: str | int) -> int:
    """Find the target's column; where the target is both a name and a number, the name is used."""
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
        listed = ", ".join(names[:20]) + ", ..." * (len(names) > 20)
        raise DataError(f"{path} has no column {target!r}; it has {listed}") from None
    if not -width <= k < width:
        raise DataError(
            f"{path} has {width} columns, so the target's number must be in 0..{width - 1}, or -1 for the last; it is {k}"
        )
    return k % width


def _first_line(error: Exception) -> str:
    """Return the first line of another library's error message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
