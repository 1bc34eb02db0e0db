"""Tables of numbers alone, for networks: texts, categories and gaps are refused, never filled in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from .._types import Array
from ..errors import DataError
from .csv_layout import is_unnamed
from .read import decimal_mark, read_by_rules
from .table import Table
from .text_rules import TextRules


def read_numbers(
    path: Path,
    *,
    columns: Collection[str] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
) -> Table:
    """Read a table each of whose columns holds a number in every row; true and false are 1 and 0.

    Parameters
    ----------
    path : Path
    columns : collection of str, optional
        The columns to read; the others may hold anything. By default all, each of which must have a name.
    delimiter, decimal, encoding, header : optional
        As ``read_table`` takes them.

    Returns
    -------
    Table
        All of whose columns are of the kind number, without gaps.

    Raises
    ------
    FileError
        When the file cannot be read.
    DataError
        When the file has no rows, is damaged or too large; when a value is missing or infinite, or a column has no name or does not
        exist; the message names the line and the column.
    DataTypeError
        When a value is not a number.
    SettingError
        When an option has an invalid value.
    """
    rules = TextRules(decimal=decimal_mark(decimal), from_file=True, numbers_only=True)
    table = read_by_rules(path, rules, columns=columns, delimiter=delimiter, encoding=encoding, header=header)
    for name in table.names if columns is None else ():
        if is_unnamed(name):
            raise DataError(
                f"{path}: column {name!r} has no name; name it, or leave it out (pandas' to_csv writes such a column unless it has "
                "index=False)"
            )
    for name in columns or ():
        if name not in table:
            raise DataError(f"{path} has no column {name!r} with a value")
    return table


def matrix(table: Table, names: Sequence[str]) -> Array:
    """Give columns of numbers as an array of float64, shape (n, len(names)), in the order of the names."""
    values = np.empty((len(table), len(names)))
    for k, name in enumerate(names):
        values[:, k] = table[name].data
    return values
