"""Tables: files of numbers with one example per row and one column for the target. The file's ending determines the format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from .._checks import check_int
from ..errors import DataError, SettingError
from ..examples import Examples
from ..tables.column_choice import target_column
from ..tables.number_table import matrix, read_numbers
from ..tables.read import TABLE_ENDINGS, is_table_of_columns, refuse_text_options
from .npz_file import read_npz
from .svmlight_file import LIMIT_COLUMNS, read_svmlight
from .untrusted_files import checked_examples

LAST_COLUMN = -1


def table(
    path: str | os.PathLike[str],
    *,
    target: str | int = LAST_COLUMN,
    n_features: int | None = None,
    first_column: Literal[0, 1] | None = None,
    pixels: bool | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
) -> Examples:
    """Read a table of numbers from a ``.csv``, ``.parquet``, ``.jsonl``, ``.npz`` or ``.svmlight`` file.

    ``.csv``, ``.tsv``, ``.txt``, ``.data``, ``.parquet``, ``.jsonl`` and ``.ndjson``, also with ``.gz`` after them, are read as
    ``chainrule.read_table`` reads them; true and false are 1 and 0. ``.npz``: arrays ``x`` and ``y``. ``.svmlight`` (or
    ``.libsvm``): sparse rows, each with its target. Text, categories and missing values are refused, and never filled in:
    ``chainrule.TableClassifier`` and ``chainrule.TableRegressor`` learn from tables that have them.

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
    delimiter, decimal, encoding, header : optional
        How a text file is read, as ``chainrule.read_table`` takes them; by default the file decides.

    Returns
    -------
    chainrule.Examples
        ``x`` (n, n_in) holds the other columns in their order, as float64, or as CSR from ``.svmlight``; an ``.npz`` keeps its
        dtype. ``y`` (n,) is int where all its values are integers (labels), else float (targets).

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When the format is not one of these, the file is damaged or too large, a value is missing or infinite, two columns have one
        name, or the target's column does not exist.
    DataTypeError
        When a column holds text, categories or dates.
    SettingError
        When ``target`` is neither a name nor a number, ``n_features`` or ``first_column`` is out of range, or an option for text
        files is invalid.
    """
    path = Path(path)
    if not isinstance(target, (str, int, np.integer)) or isinstance(target, bool):
        raise SettingError(f"target must be a column's name or its number; it is {target!r}")
    if first_column not in (0, 1, None) or isinstance(first_column, bool):
        raise SettingError(f"first_column must be 0 or 1; it is {first_column!r}")
    if n_features is not None:
        n_features = check_int("n_features", n_features, least=1, most=LIMIT_COLUMNS)
    if is_table_of_columns(path):
        return _columns(path, target, delimiter=delimiter, decimal=decimal, encoding=encoding, header=header)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        ending = f"ends in {path.suffix!r}" if path.suffix else "has no ending"
        endings = ", ".join((*TABLE_ENDINGS, *READERS))
        raise DataError(f"{path} {ending}, but a table is read from {endings}; save it as one of these")
    refuse_text_options(path, delimiter=delimiter, decimal=decimal, encoding=encoding, header=header)
    return reader(path, target, Options(n_features, first_column, pixels))


def is_table(path: Path) -> bool:
    """Test whether ``table`` reads files with this path's ending."""
    return is_table_of_columns(path) or path.suffix.lower() in READERS


def is_svmlight(path: Path) -> bool:
    """Test whether ``table`` reads this path as an svmlight file."""
    return READERS.get(path.suffix.lower()) is _svmlight


class Options(NamedTuple):
    """The settings that apply to files of arrays only."""

    n_features: int | None = None
    first_column: Literal[0, 1] | None = None
    pixels: bool | None = None


def _columns(path: Path, target: str | int, **options: Any) -> Examples:
    columns = read_numbers(path, **options)
    name = target_column(path, columns.names, target)
    inputs = [other for other in columns.names if other != name]
    return checked_examples(path, matrix(columns, inputs), columns[name].data)


def _npz(path: Path, target: str | int, options: Options) -> Examples:
    x, y = read_npz(path, "x", target if isinstance(target, str) else "y")
    return checked_examples(path, x, y, pixels=options.pixels)


def _svmlight(path: Path, target: str | int, options: Options) -> Examples:
    return read_svmlight(path, options.n_features, options.first_column)[0]


READERS = {".npz": _npz, ".svmlight": _svmlight, ".libsvm": _svmlight}
"""The reader of each ending of a file of arrays."""
