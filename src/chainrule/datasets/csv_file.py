"""Text tables, read by NumPy's C parser; where it fails, a second, slower reading finds the line and column of the fault."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np

from .._reading import check_size, translate_read_errors
from .._types import Array
from ..errors import DataError, DataTypeError
from .untrusted_files import ENCODE_REMEDY, FILL_REMEDY, ChooseColumns

SEPARATORS = ("\t", ";", ",")  # in order of preference: in a file separated by semicolons, a comma may be a decimal point
ENCODING = "utf-8-sig"  # UTF-8, with or without a byte-order mark
MISSING = frozenset(("", "na", "n/a", "<na>", "nan", "-nan", "null", "none", "?"))


def read_csv(path: Path, choose: ChooseColumns | None = None) -> tuple[list[str], Array]:
    """Read a text table.

    Parameters
    ----------
    path : Path
    choose : callable, optional
        Chooses the columns to read; the others may hold anything. By default all are read.

    Returns
    -------
    names : list of str
        The names of all columns; empty where the first line holds numbers.
    values : float64 array, shape (n, columns)
        The chosen columns, in the order of the choice.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When it has no rows, is too large or is not UTF-8 text; when a row has another number of fields, or a value is missing or
        not finite (the message names the line).
    DataTypeError
        When a field holds text (the message names the line).
    """
    with _open(path) as file:
        return _read(path, file, choose)


def read_csv_names(path: Path) -> list[str]:
    """Read the names of a text table's columns; empty where the first line holds numbers.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When it is too large or is not UTF-8 text, or a column has an empty name.
    """
    with _open(path) as file:
        return names_in(path, _first_row(file)[1])


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    """Open a text table; errors that are raised while it is read become errors of this package."""
    with translate_read_errors(path), path.open(encoding=ENCODING, newline="") as file:
        check_size(path, path.stat().st_size)
        try:
            yield file
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not UTF-8 text (it holds the byte {error.object[error.start]:#04x}); save it as UTF-8"
            ) from None
        except csv.Error as error:
            raise DataError(f"{path} is not a csv file ({error})") from None


def _read(path: Path, file: TextIO, choose: ChooseColumns | None) -> tuple[list[str], Array]:
    separator, first = _first_row(file)
    names = names_in(path, first)
    if not names:
        file.seek(0)
    row = next((line for line in file if line.strip()), None)
    if row is None:
        raise DataError(f"{path} holds no rows" + " below its line of names" * bool(names))
    columns = range(len(first)) if choose is None else choose(names, len(first))
    # Not loadtxt's usecols, with which rows of different lengths are accepted, and their columns shifted.
    ignored: dict[int | str, Callable[[str], float]] = dict.fromkeys(set(range(len(first))).difference(columns), _zero)
    try:
        lines = chain([row], file)
        values: Array = np.loadtxt(
            lines, delimiter=separator, quotechar='"', comments=None, dtype=np.float64, ndmin=2, converters=ignored, encoding=None
        )
    except ValueError as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        _raise_first_fault(path, file, separator, names, ignored, str(error))
    if values.shape[1] != len(first) or not np.isfinite(values).all():
        _raise_first_fault(path, file, separator, names, ignored, "NaN or inf")
    return names, values if choose is None else values[:, columns]


def _zero(field: str) -> float:
    """Convert a field of an ignored column."""
    return 0.0


def _first_row(file: TextIO) -> tuple[str, list[str]]:
    """Detect the separator, and read the first row that is not blank."""
    separator = separator_of(file)
    file.seek(0)
    return separator, next(filter(None, csv.reader(file, delimiter=separator)), [])


def separator_of(file: TextIO) -> str:
    """Detect the separator from the first line that is not blank."""
    line = next((line for line in file if line.strip()), "")
    # A separator that the line lacks is not tried: the whole line would be one field, which may exceed the csv module's limit.
    present = (separator for separator in SEPARATORS if separator in line)
    return next((separator for separator in present if len(next(csv.reader([line], delimiter=separator))) > 1), ",")


def names_in(path: Path, first: list[str]) -> list[str]:
    """Return the first row as the columns' names where any field is text; integers beside it are names too. Otherwise, none.

    Raises
    ------
    DataError
        When a column has an empty name.
    """
    numbers = [_python_number(field.replace(",", ".")) for field in first]
    text = [math.isnan(number) and not _is_missing(field) for number, field in zip(numbers, first, strict=True)]
    if not any(text) or any(number % 1 for number in numbers if math.isfinite(number)):
        return []
    names = [field.strip() for field in first]
    if "" in names:
        nameless = f"{path}: column {names.index('')} (from 0) has no name in the first line"
        raise DataError(f"{nameless}; name it, or leave it out (pandas' to_csv writes such a column unless it has index=False)")
    return names


def _is_missing(field: str) -> bool:
    return field.strip().lower() in MISSING


def _number(field: str) -> float:
    """Parse a field as NumPy does, which accepts the digits 0 to 9 only; NaN where it is not a number."""
    return _python_number(field) if field.strip().isascii() else math.nan


def _python_number(field: str) -> float:
    """Parse a field as Python does, which accepts the digits of any script; NaN where it is not a number."""
    try:
        return float(field) if "_" not in field else math.nan  # only Python reads 1_000 as a number
    except ValueError:
        return math.nan


def _raise_first_fault(
    path: Path, file: TextIO, separator: str, names: list[str], ignored: Container[object], otherwise: str
) -> NoReturn:
    """Read the file again, row by row, and raise the first fault with its line and column; lines are counted from 1.

    Where no fault is found, the error gives the reason ``otherwise``.
    """
    file.seek(0)
    reader = csv.reader(file, delimiter=separator)
    width, start = 0, 1
    for row in reader:
        if row and not width:
            width = len(row)
            row = [] if names else row
        if row:
            _check_row(f"{path}, line {start}", row, width, names, ignored)
        start = reader.line_num + 1
    raise DataError(f"{path} cannot be read as a table of numbers ({otherwise})")


def _check_row(where: str, row: list[str], width: int, names: list[str], ignored: Container[object]) -> None:
    """Raise the first fault in a row's number of fields or in a column that is not ignored, if there is one."""
    if len(row) == 1 and not row[0].strip():
        raise DataError(f"{where} holds only spaces; leave it out")
    if len(row) != width:
        raise DataError(f"{where} has {len(row)} field{'s' * (len(row) != 1)}, but the first line has {width}; correct that line")
    for k, field in enumerate(row):
        if k in ignored:
            continue
        column = f"column {names[k]!r}" if names else f"column {k} (from 0)"
        if _is_missing(field):
            raise DataError(f"{where}, {column}: a value is missing; {FILL_REMEDY}")
        number = _number(field)
        if math.isnan(number):
            raise DataTypeError(f"{where}, {column} holds {field.strip()[:40]!r}, which is not a number; {_remedy(field)}")
        if math.isinf(number):
            raise DataError(f"{where}, {column} holds {field.strip()}; {FILL_REMEDY}")


def _remedy(field: str) -> str:
    """Say how to correct a field that is not a number."""
    if not math.isnan(_python_number(field)):
        return "write it in the digits 0 to 9"
    return ENCODE_REMEDY if math.isnan(_number(field.replace(",", "."))) else "write decimals with a point"
