"""Text tables: NumPy's C parser reads them; only where it fails does a slow second reading find the line and column to name."""

from __future__ import annotations

import csv
import math
from itertools import chain
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np

from .._types import Array
from ..errors import DataError, DataTypeError
from .files import ENCODE, FILL, check_size, reading

SEPARATORS = ("\t", ";", ",")  # in this order: beside semicolons, a comma may be a decimal point
ENCODING = "utf-8-sig"  # UTF-8, with a byte-order mark or without
MISSING = frozenset(("", "na", "n/a", "<na>", "nan", "-nan", "null", "none", "?"))


def read_csv(path: Path) -> tuple[list[str], Array]:
    """Read a text table.

    Parameters
    ----------
    path : Path

    Returns
    -------
    names : list of str
        The columns' names; none where the first line holds numbers.
    values : float64 array, shape (n, columns)

    Raises
    ------
    FileError
        When the file is not there or cannot be read.
    DataError
        When it has no rows, or a broken one, or a value is missing or not finite, each with its line; when it is too large, or no
        UTF-8 text.
    DataTypeError
        When a field holds text, with its line.
    """
    with reading(path), path.open(encoding=ENCODING, newline="") as file:
        check_size(path, path.stat().st_size)
        try:
            return _read(path, file)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is no UTF-8 text (it holds the byte {error.object[error.start]:#04x}); save it as UTF-8"
            ) from None
        except csv.Error as error:
            raise DataError(f"{path} is no csv file ({error})") from None


def _read(path: Path, file: TextIO) -> tuple[list[str], Array]:
    separator = separator_of(file)
    file.seek(0)
    first = next(filter(None, csv.reader(file, delimiter=separator)), [])
    names = names_in(path, first)
    if not names:
        file.seek(0)
    row = next((line for line in file if line.strip()), None)
    if row is None:
        raise DataError(f"{path} holds no rows" + " below its line of names" * bool(names))
    try:
        lines = chain([row], file)
        values: Array = np.loadtxt(lines, delimiter=separator, quotechar='"', comments=None, dtype=np.float64, ndmin=2)
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        _raise_first_fault(path, file, separator, names, str(error))
    if values.shape[1] != len(first) or not np.isfinite(values).all():
        _raise_first_fault(path, file, separator, names, "NaN or inf")
    return names, values


def separator_of(file: TextIO) -> str:
    """Tell the separator from the first line that is not blank."""
    line = next((line for line in file if line.strip()), "")
    marks = (mark for mark in SEPARATORS if mark in line)  # by another, the line is one field, which may be longer than csv takes
    return next((mark for mark in marks if len(next(csv.reader([line], delimiter=mark))) > 1), ",")


def names_in(path: Path, first: list[str]) -> list[str]:
    """Take the first row as the columns' names where any of it is text; whole numbers beside it are names, too."""
    numbers = [_in_any_script(field.replace(",", ".")) for field in first]
    text = [math.isnan(number) and not _is_missing(field) for number, field in zip(numbers, first, strict=True)]
    if not any(text) or any(number % 1 for number in numbers if math.isfinite(number)):
        return []
    names = [field.strip() for field in first]
    if "" in names:
        nameless = f"{path}: column {names.index('')} (from 0) has no name in the first line"
        raise DataError(f"{nameless}; name it, or leave it out (pandas writes its row index so, unless to_csv has index=False)")
    return names


def _is_missing(field: str) -> bool:
    return field.strip().lower() in MISSING


def _number(field: str) -> float:
    """Read a field as NumPy does, which knows the digits 0 to 9 alone; NaN where it is no number."""
    return _in_any_script(field) if field.strip().isascii() else math.nan


def _in_any_script(field: str) -> float:
    """Read a field as Python does; NaN where it is no number."""
    try:
        return float(field) if "_" not in field else math.nan  # 1_000 is a number to Python, and to nobody else
    except ValueError:
        return math.nan


def _raise_first_fault(path: Path, file: TextIO, separator: str, names: list[str], otherwise: str) -> NoReturn:
    """Read the file again, row by row, and name the line and column of the first thing wrong, lines counted as an editor does."""
    file.seek(0)
    reader = csv.reader(file, delimiter=separator)
    width, start = 0, 1
    for row in reader:
        if row and not width:
            width = len(row)
            row = [] if names else row
        if row:
            _check_row(f"{path}, line {start}", row, width, names)
        start = reader.line_num + 1
    raise DataError(f"{path} cannot be read as a table of numbers ({otherwise})")


def _check_row(where: str, row: list[str], width: int, names: list[str]) -> None:
    """Raise what is wrong with a row, if anything is."""
    if len(row) == 1 and not row[0].strip():
        raise DataError(f"{where} is blank but for spaces; leave it out")
    if len(row) != width:
        raise DataError(f"{where} has {len(row)} field{'s' * (len(row) != 1)}, but the first line has {width}; mend that line")
    for k, field in enumerate(row):
        column = f"column {names[k]!r}" if names else f"column {k} (from 0)"
        if _is_missing(field):
            raise DataError(f"{where}, {column}: a value is missing; {FILL}")
        number = _number(field)
        if math.isnan(number):
            raise DataTypeError(f"{where}, {column} holds {field.strip()[:40]!r}, which is no number; {_remedy(field)}")
        if math.isinf(number):
            raise DataError(f"{where}, {column} holds {field.strip()}; {FILL}")


def _remedy(field: str) -> str:
    if not math.isnan(_in_any_script(field)):
        return "write it in the digits 0 to 9"
    return ENCODE if math.isnan(_number(field.replace(",", "."))) else "write decimals with a point"
