"""Tables: files of numbers with one example per row and one column for the target. The file's ending determines the format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from .._checks import check_int
from .._types import AnyArray
from ..errors import DataError, SettingError
from ..examples import Examples
from .csv_file import read_csv
from .npz_file import read_npz
from .parquet_file import read_parquet
from .svmlight_file import LIMIT_COLUMNS, read_svmlight
from .untrusted_files import ChooseColumns, checked_examples

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
        The number of columns of an ``.svmlight`` file; columns that no row names are 0. By default, enough for
        the largest column named.
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
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        ending = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        raise DataError(f"{path} {ending}, but a table is read from {', '.join(READERS)}; save it as one of these")
    return reader(path, target, Options(n_features, first_column, pixels))


def is_table(path: Path) -> bool:
    """Test whether ``table`` reads files with this path's ending."""
    return path.suffix.lower() in READERS


def is_svmlight(path: Path) -> bool:
    """Test whether ``table`` reads this path as an svmlight file."""
    return READERS.get(path.suffix.lower()) is _svmlight


def read_columns(path: Path, choose: ChooseColumns) -> AnyArray:
    """Read columns of a csv or parquet file, or of ``x`` of an npz file, as a table without a target.

    Parameters
    ----------
    path : Path
    choose : callable
        Chooses the columns; the others may hold anything.

    Returns
    -------
    array, shape (n, columns)
        The chosen columns in the order of the choice; an ``x`` that has other than 2 dimensions is returned as it is.

    Raises
    ------
    DataError, DataTypeError, FileError, MissingExtra
        As ``table`` raises them.
    """
    ending = path.suffix.lower()
    if ending == ".npz":
        x = read_npz(path, "x")[0]
        return x[:, choose([], x.shape[1])] if x.ndim == 2 else x
    if ending == ".parquet":
        return read_parquet(path, choose=choose)[1]
    return read_csv(path, choose)[1]


class Options(NamedTuple):
    """The settings that apply to some formats only."""

    n_features: int | None = None
    first_column: Literal[0, 1] | None = None
    pixels: bool | None = None


def _csv(path: Path, target: str | int, options: Options) -> Examples:
    names, values = read_csv(path)
    k = _target_position(path, names, values.shape[1], target)
    return checked_examples(path, np.delete(values, k, axis=1), values[:, k])


def _npz(path: Path, target: str | int, options: Options) -> Examples:
    x, y = read_npz(path, "x", target if isinstance(target, str) else "y")
    return checked_examples(path, x, y, pixels=options.pixels)


def _svmlight(path: Path, target: str | int, options: Options) -> Examples:
    return read_svmlight(path, options.n_features, options.first_column)[0]


def _parquet(path: Path, target: str | int, options: Options) -> Examples:
    _, x, y = read_parquet(path, lambda names: _target_position(path, names, len(names), target))
    assert y is not None  # noqa: S101  # read_parquet returns y where a target is sought
    return checked_examples(path, x, y)


READERS = {".csv": _csv, ".tsv": _csv, ".npz": _npz, ".svmlight": _svmlight, ".libsvm": _svmlight, ".parquet": _parquet}
"""The reader of each ending of a table's name."""


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
