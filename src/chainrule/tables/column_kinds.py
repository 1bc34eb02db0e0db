"""The kind of a column, changed: numbers as categories, texts as numbers, a constant as what it was in another table."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np

from .._types import AnyArray
from ..errors import DataError, DataTypeError, UnknownName
from .column import Column, Kind
from .number_columns import number_column
from .text_columns import column_from_texts
from .text_rules import TABLE_REMEDY, TextRules

KINDS: tuple[Kind, ...] = get_args(Kind)
BOOLEANS = ("False", "True")

_CODED: frozenset[str] = frozenset(KINDS) - {"number", "date"}
_READ = ("number", "date", "boolean")  # the kinds whose values are read from texts, and not every text is one


def row_name(row: int) -> str:
    """Name a row, whose position is counted from 0, in a message."""
    return f"row {row + 1} (counted from 1)"


LARGEST_EXACT = 2**53  # float64 represents every integer up to here
RULES = TextRules(place_of=row_name)  # of texts that come from a frame


def number_text(value: float) -> str:
    """Write a number as the text by which it is known as a category: an integer without a point, else the shortest exact form.

    Examples
    --------
    >>> number_text(3.0), number_text(-0.0), number_text(0.1), number_text(1e300)
    ('3', '0', '0.1', '1e+300')
    """
    return str(int(value)) if value == np.floor(value) and abs(value) <= LARGEST_EXACT else repr(float(value))


def inferred_kind(column: Column) -> Column:
    """Give a column of numbers, dates, booleans or categories the kind that its values show: they may be equal, or count the rows.

    One value beside gaps is not a constant, since the gaps may tell something.
    """
    if len(column) == 0:
        return column
    differ = _first_values_differ(column)
    if not differ and column.missing.all():
        return column_of_gaps(column.name, len(column), "constant")
    if column.kind == "number":
        return number_column(column.name, column.data, number_text(column.data[0]))
    return column if differ or (column.data != column.data[0]).any() else convert_kind(column, "constant")


def column_of_gaps(name: str, n: int, kind: Kind) -> Column:
    """Make a column of ``n`` gaps."""
    if kind == "number":
        return Column(name, kind, np.full(n, np.nan))
    return Column(name, kind, np.full(n, "NaT", "datetime64[us]") if kind == "date" else np.full(n, -1, np.int32))


def convert_kind(column: Column, kind: Kind, rules: TextRules = RULES) -> Column:
    """Change the kind of a column, and its values to those that the kind holds.

    Numbers and dates become texts; texts become numbers, dates or booleans where they can be read as such. A small table may make a
    constant or an identifier of a column that was numbers or categories in a larger one; this reverses it.

    Parameters
    ----------
    column : Column
    kind : str
        The kind that is required.
    rules : TextRules
        How texts are read, and how messages name a row.

    Raises
    ------
    DataError
        When a value cannot be of that kind; the message names the column, the row and the value.
    UnknownName
        When there is no such kind.

    Examples
    --------
    >>> convert_kind(Column("rooms", "number", np.array([3.0, np.nan, 2.5])), "category").to_list()
    ['3', None, '2.5']
    """
    if kind not in KINDS:
        raise UnknownName("kind of column", kind, KINDS)
    if kind == column.kind:
        return column
    if column.missing.all():
        return column_of_gaps(column.name, len(column), kind)
    if column.kind in _CODED:
        return _convert_texts(column, kind, rules)
    codes, texts = _texts_of(column)
    if kind == "boolean" and set(texts) <= {"0", "1"}:
        return Column(column.name, kind, np.where(codes < 0, -1, column.data).astype(np.int32), BOOLEANS)
    if kind in _READ:
        raise _cannot_convert(column, kind, rules)
    return Column(column.name, kind, codes, texts)


def read_as(column: Column, kind: Kind, rules: TextRules = RULES) -> Column:
    """Give a column as a kind, as if the kind had been required when its file was read: from its texts, where it has them.

    Raises
    ------
    DataError
        When the texts are needed and were not kept: the numbers of a large file are read without them. When a value is not of the
        kind.
    """
    raw = column.raw
    if kind == column.kind or raw is None or (raw.codes is None and column.missing.all()):
        return convert_kind(column, kind, rules)
    if raw.codes is not None:
        return column_from_texts(column.name, raw.codes, raw.texts, kind=kind, rules=raw.rules)
    numbers = column.data if column.kind == "number" else raw.numbers
    if kind in ("number", "boolean") and numbers is not None:  # 0 and 1 are booleans, however they are written
        return convert_kind(Column(column.name, "number", numbers, writing=column.writing, raw=raw), kind, rules)
    raise DataError(
        f"column {column.name!r} was read as a {column.kind}, but must be a {kind}, whose values are the texts of the file; "
        f"read the file again, with model.read(path) or read_table(path, kinds={{{column.name!r}: {kind!r}}})"
    )


def _first_values_differ(column: Column) -> bool:
    """Whether one of the first values differs from another, which is most columns' case and is found without sorting."""
    first = column.take(slice(100))
    values = first.data[~first.missing]
    return len(values) > 0 and bool((values != values[0]).any())


def _texts_of(column: Column) -> tuple[AnyArray, tuple[str, ...]]:
    """Write the distinct numbers or dates of a column as texts; return the codes and the texts, in ascending order."""
    values, inverse = np.unique(column.data[~column.missing], return_inverse=True)
    is_number = column.kind == "number"
    texts = [number_text(value) for value in values.tolist()] if is_number else [date_text(value) for value in values]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.empty(len(texts), np.int32)
    rank[order] = np.arange(len(texts))
    codes = np.full(len(column), -1, np.int32)
    codes[~column.missing] = rank[inverse]
    return codes, tuple(texts[position] for position in order)


def date_text(value: np.datetime64, among: AnyArray | None = None) -> str:
    """Write a date in ISO's form, without a time of day where that is midnight, and without parts of a second where they are 0.

    Parameters
    ----------
    value : datetime64
    among : datetime64 array, optional
        Dates that are written alike: those with a time of day, if one of them has one. By default the value alone.
    """
    dates = np.asarray(value if among is None else among)
    unit = next((unit for unit in ("D", "s") if (dates.astype(f"datetime64[{unit}]") == dates).all()), "us")
    return str(value.astype(f"datetime64[{unit}]"))


def _convert_texts(column: Column, kind: Kind, rules: TextRules) -> Column:
    """Read the texts of a column as another kind, as the texts of a file are read."""
    if kind not in _READ:
        return replace(column, kind=kind)
    return column_from_texts(column.name, column.data, column.categories, kind=kind, rules=rules)


def _cannot_convert(column: Column, kind: Kind, rules: TextRules) -> DataError | DataTypeError:
    """Say that a column of numbers or dates cannot be of a kind."""
    row = int(column.missing.argmin())
    found = convert_kind(column.take(slice(row, row + 1)), "category").to_list()[0]
    remedy = f"correct it, or {TABLE_REMEDY}" if rules.numbers_only else "convert it"
    problem = f"{found!r} is not a {kind}, and the column is required to hold {kind}s; {remedy}"
    return rules.kind_error(f"{rules.place_of(row)}, column {column.name!r}: {problem}")
