"""Columns from values that have types: arrays, Python objects, and the columns of frames and parquet files.

The type of the values decides the kind of the column:

- integers and floats are numbers; durations are numbers of seconds;
- integers beyond 2**53 are texts, since float64 would round them;
- booleans are a boolean, dates and times are a date, in UTC;
- texts are read as a file's cells are, but a column of plain numbers as texts stays texts;
- values that are all equal are a constant, as are gaps alone.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .._types import AnyArray
from ..errors import DataError, DataTypeError
from .column import Column, Kind
from .column_kinds import BOOLEANS, LARGEST_EXACT, RULES, column_of_gaps, convert_kind, date_text, inferred_kind, number_text
from .text_columns import IDENTIFIER_SHARE, LABEL_KINDS, MANY_DISTINCT, check_unicode, column_from_texts, column_of_few_labels
from .text_rules import TextRules

FIRST_YEAR, LAST_YEAR = 1, 9999  # of Python's datetime

FEW_ROWS = 16
"""Up to this number of rows a column is made from each row's value, without finding the distinct ones first."""

_PLAIN_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")


def column_from_array(
    name: str, values: AnyArray, gaps: AnyArray | None = None, *, kind: Kind | None = None, rules: TextRules = RULES
) -> Column:
    """Make a column of a NumPy array.

    Parameters
    ----------
    name : str
    values : array, shape (n,)
        Booleans, integers, floats, durations, dates, texts or Python objects. NaN, NaT, None and masked values are gaps.
    gaps : array of bool, shape (n,), optional
        Further gaps.
    kind : str, optional
        The kind that the column must have; by default the type of the values decides.
    rules : TextRules
        How texts are read, whether infinite numbers are gaps, and how messages name a row.

    Raises
    ------
    DataTypeError
        When the values have a type that a table cannot hold, or several types.
    DataError
        When a number is infinite, a date lies outside the years 1 to 9999, or a value cannot have the required kind.
    """
    gaps = np.zeros(len(values), bool) if gaps is None else gaps
    if isinstance(values, np.ma.MaskedArray):
        values, gaps = values.data, gaps | np.ma.getmaskarray(values)
    match values.dtype.kind:
        case "b":
            return _from_booleans(name, values, gaps, kind, rules)
        case "i" | "u":
            return _from_integers(name, values, gaps, kind, rules)
        case "f":
            return column_from_numbers(name, np.where(gaps, np.nan, values) if gaps.any() else values, kind=kind, rules=rules)
        case "m":
            seconds = values / np.timedelta64(1, "s")
            return column_from_numbers(name, np.where(gaps, np.nan, seconds), kind=kind, rules=rules)
        case "M":
            return _from_dates(name, np.where(gaps, np.datetime64("NaT"), values), kind, rules)
        case "O" | "U" | "T":
            objects = values.tolist()
            if gaps.any():
                objects = [None if gap else value for value, gap in zip(objects, gaps, strict=True)]
            return column_from_objects(name, objects, kind=kind, rules=rules)
    raise DataTypeError(f"column {name!r} holds values of type {values.dtype}; {convert_remedy(rules)}")


def convert_remedy(rules: TextRules) -> str:
    """Say what a caller can do about a column whose type a table cannot hold: a model needs the column."""
    leave_out = "" if rules.known_names else ", or leave it out" + " (drop=)" * rules.from_file
    return f"a table holds numbers, texts, booleans and dates; convert the column{leave_out}"


def column_from_numbers(name: str, values: AnyArray, *, kind: Kind | None = None, rules: TextRules = RULES) -> Column:
    """Make a column of floats, shape (n,), where NaN is a gap, and so is a mark of the rules that is a number, such as -999."""
    values = np.array(values, np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        if not rules.allow_infinite:
            row = int(infinite.argmax())
            allow = "allow infinite numbers, which are then gaps (allow_infinite=True)"
            remedy = allow if rules.from_file else "make it a gap (None or NaN)"
            raise DataError(
                f"{rules.place_of(row)}, column {name!r}: the number is infinite ({values[row]}); correct it, or {remedy}"
            )
        values[infinite] = np.nan
    if rules.numeric_marks:
        values[np.isin(values, rules.numeric_marks)] = np.nan
    return _settle(Column(name, "number", values), kind, rules)


def column_from_objects(name: str, values: Sequence[Any], *, kind: Kind | None = None, rules: TextRules = RULES) -> Column:
    """Make a column of Python objects of one type; None, NaN, NaT and pandas' NA are gaps.

    Raises
    ------
    DataTypeError
        When the objects have several types, such as numbers and texts, or one that a table cannot hold.
    """
    if kind == "number" and not rules.numeric_marks and (plain := _plain_numbers(values)) is not None:
        return Column(name, kind, plain)
    if not set(map(type, values)) <= _NEVER_GAPS:
        values = [None if is_gap(value) else value for value in values]
    if kind in LABEL_KINDS and len(values) <= FEW_ROWS and _TEXTS.issuperset(map(type, values)):
        return column_of_few_labels(name, values, kind, rules)
    gaps = np.fromiter((value is None for value in values), bool, len(values))
    match type_of_all(name, values, rules):
        case "nothing":
            return column_of_gaps(name, len(values), kind or "constant")
        case "text":
            return column_of_texts(name, *factorize(values), kind=kind, rules=rules)
        case "boolean":
            return _from_booleans(name, np.array([bool(value) for value in values], bool), gaps, kind, rules)
        case "integer":
            return _from_integers(name, _integers([0 if value is None else int(value) for value in values]), gaps, kind, rules)
        case "date":
            return _from_dates(name, np.array([_utc(value) for value in values], "datetime64[us]"), kind, rules)
        case "duration":
            seconds = [np.nan if value is None else _seconds(value) for value in values]
            return column_from_numbers(name, np.array(seconds, np.float64), kind=kind, rules=rules)
    numbers_ = np.array([np.nan if value is None else _float(name, value) for value in values], np.float64)
    return column_from_numbers(name, numbers_, kind=kind, rules=rules)


def _plain_numbers(values: Sequence[Any]) -> AnyArray | None:
    """Read Python's own numbers with None as gaps, as rows to predict mostly have; None where a value needs other rules."""
    if not _PLAIN_NUMBERS.issuperset(map(type, values)):
        return None
    try:
        numbers_ = np.array(values, np.float64)  # None becomes NaN
    except OverflowError:
        return None
    return None if np.isinf(numbers_).any() else numbers_


def column_of_texts(
    name: str,
    codes: AnyArray,
    texts: Sequence[str],
    *,
    kind: Kind | None = None,
    rules: TextRules = RULES,
    weights: AnyArray | None = None,
) -> Column:
    """Make a column of texts from the distinct ones.

    A text is read as a file's cell is. But where all texts are plain numbers and no kind is required, they stay texts, since they
    would have another type if they were meant as numbers.

    Parameters
    ----------
    name : str
    codes : array of int32, shape (n,)
        The position of each row's text in ``texts``; -1 is a gap.
    texts : sequence of str
    kind : str, optional
    rules : TextRules
    weights : int array, shape (n,), optional
        How many rows of a table each row stands for; by default itself.

    Raises
    ------
    DataError
        When the texts are plain numbers, nearly all distinct: as texts they would be an identifier, and left out.
    """
    check_unicode(name, texts)
    column = column_from_texts(name, codes, texts, kind=kind, rules=rules, weights=weights)
    if kind is not None or column.kind != "number" or not all(map(_PLAIN_NUMBER.fullmatch, texts)):
        return column
    labels = column_from_texts(name, codes, texts, kind="category", rules=rules, weights=weights)
    if _nearly_all_distinct(labels, weights):
        raise DataError(
            f"column {name!r} holds numbers as texts, such as {texts[0]!r}, nearly all distinct; convert them, such as with "
            f"astype(float), or say what they are: kinds={{{name!r}: 'number'}} or 'identifier'"
        )
    return labels


def column_of_categories(
    name: str, codes: AnyArray, values: Sequence[Any], *, kind: Kind | None = None, rules: TextRules = RULES
) -> Column:
    """Make a column of distinct values of any type that a frame declares to be categories; parameters as ``column_of_texts``."""
    texts = [canonical_text(value) for value in values]
    check_unicode(name, texts)
    column = column_from_texts(name, codes, texts, kind=kind or "category", rules=rules)
    return column if kind else inferred_kind(column)


def _nearly_all_distinct(column: Column, weights: AnyArray | None = None) -> bool:
    """Whether labels are so many that they identify rows."""
    n_values = int((~column.missing).sum() if weights is None else weights[~column.missing].sum())
    return len(column.categories) >= max(MANY_DISTINCT, IDENTIFIER_SHARE * n_values)


def factorize(values: Sequence[str | None]) -> tuple[AnyArray, list[str]]:
    """Number the distinct texts.

    Returns
    -------
    codes : array of int32, shape (n,)
        The position of each text in ``texts``; -1 is None.
    texts : list of str
        The distinct texts, in the order in which they appear.

    Examples
    --------
    >>> factorize(["b", None, "a"])
    (array([ 0, -1,  1], dtype=int32), ['b', 'a'])
    """
    distinct = dict.fromkeys(values)
    distinct.pop(None, None)
    positions: dict[str | None, int] = {text: position for position, text in enumerate(distinct)}
    positions[None] = -1
    return np.fromiter(map(positions.__getitem__, values), np.int32, len(values)), [str(text) for text in distinct]


def canonical_text(value: Any) -> str:
    """Write a value as the text by which it is known as a category: 3 and 3.0 are both ``3``, a day is ``2020-02-29``."""
    if isinstance(value, (bool, np.bool_, str)):
        return str(value)
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, (numbers.Real, decimal.Decimal)):
        return number_text(float(value))
    if isinstance(value, datetime.timedelta):
        return number_text(_seconds(value))
    return date_text(np.datetime64(_utc(value), "us")) if isinstance(value, datetime.date) else str(value)


def _settle(column: Column, kind: Kind | None, rules: TextRules) -> Column:
    """Give a column the kind that is required; without one, the kind that its values show."""
    return inferred_kind(column) if kind is None else convert_kind(column, kind, rules)


def _from_booleans(name: str, values: AnyArray, gaps: AnyArray, kind: Kind | None, rules: TextRules) -> Column:
    """Make a column of booleans."""
    codes = np.where(gaps, -1, values).astype(np.int32)
    return _settle(Column(name, "boolean", codes, BOOLEANS), kind, rules)


def _from_integers(name: str, values: AnyArray, gaps: AnyArray, kind: Kind | None, rules: TextRules) -> Column:
    """Make a column of integers: of numbers where float64 represents all of them exactly, else of texts."""
    exact = values[~gaps] if gaps.any() else values
    if kind in (None, "category", "identifier") and len(exact) and (exact.max() > LARGEST_EXACT or exact.min() < -LARGEST_EXACT):
        texts = [None if gap else str(value) for value, gap in zip(values.tolist(), gaps, strict=True)]
        column = column_from_texts(name, *factorize(texts), kind=kind or "category", rules=rules)
        return column if kind or not _nearly_all_distinct(column) else convert_kind(column, "identifier")
    floats = np.array([_float(name, value) for value in values]) if values.dtype == object else values.astype(np.float64)
    return column_from_numbers(name, np.where(gaps, np.nan, floats), kind=kind, rules=rules)


def _from_dates(name: str, values: AnyArray, kind: Kind | None, rules: TextRules) -> Column:
    """Make a column of dates; NaT is a gap, and parts of a microsecond are cut off."""
    years = values.astype("datetime64[Y]").astype(np.int64) + 1970
    outside = ~np.isnat(values) & ((years < FIRST_YEAR) | (years > LAST_YEAR))
    if outside.any():
        row = int(outside.argmax())
        raise DataError(
            f"{rules.place_of(row)}, column {name!r}: the date is of the year {years[row]}, and must be of the years "
            f"{FIRST_YEAR} to {LAST_YEAR}; correct it, or make it a gap"
        )
    return _settle(Column(name, "date", values.astype("datetime64[us]")), kind, rules)


_PLAIN_NUMBERS = frozenset((int, float, np.int64, np.float64, type(None)))
_TEXTS = frozenset((str, type(None)))
_NEVER_GAPS = {str, int, bool, type(None)}  # the commonest types of which no value is a gap, but None itself


def is_gap(value: Any) -> bool:
    """Whether an object is None, NaN, NaT or pandas' NA, without importing pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    return isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)) and bool(value != value)


_TYPES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("text", (str,)),
    ("boolean", (bool, np.bool_)),
    ("duration", (datetime.timedelta, np.timedelta64)),  # before integers, because NumPy's durations are among them
    ("integer", (numbers.Integral,)),
    ("number", (numbers.Real, decimal.Decimal)),
    ("date", (datetime.date, np.datetime64)),
)


@lru_cache(maxsize=256)  # a check against an abstract class takes microseconds
def _type_name(class_: type) -> str | None:
    """Name the type of values that a class stands for; None where a table cannot hold them."""
    return next((name for name, classes in _TYPES if issubclass(class_, classes)), None)


def type_of_all(name: str, values: Sequence[Any], rules: TextRules) -> str:
    """Find the type that all objects have, where integers and floats together are numbers, and None stands for nothing.

    Raises
    ------
    DataTypeError
        When they have several types, or one that a table cannot hold.
    """
    classes = set(map(type, values)) - {type(None)}
    found = {class_: _type_name(class_) for class_ in classes}
    types = set(found.values())
    if None in types:
        row = next(row for row, value in enumerate(values) if value is not None and found[type(value)] is None)
        raise DataTypeError(
            f"{rules.place_of(row)}, column {name!r}: {_shown(values[row])} cannot be used; {convert_remedy(rules)}"
        )
    if types == {"integer", "number"}:
        return "number"
    if len(types) > 1:
        raise DataTypeError(_mixed_message(name, values, lambda value: found[type(value)], rules))
    return next(iter(types), None) or "nothing"


def have_one_type(values: Sequence[Any]) -> bool:
    """Whether all objects but None have one type that a table can hold; declared categories may be others, such as intervals."""
    types = {_type_name(class_) for class_ in set(map(type, values)) - {type(None)}}
    return len(types) <= 1 and None not in types


def _mixed_message(name: str, values: Sequence[Any], type_of: Callable[[Any], str | None], rules: TextRules) -> str:
    """Name the first value, and the first of another type."""
    first = next(row for row, value in enumerate(values) if value is not None)
    other = next(row for row, value in enumerate(values) if value is not None and type_of(value) != type_of(values[first]))
    return (
        f"{rules.place_of(other)}, column {name!r}: {_shown(values[other])} is of another type than earlier values, such as "
        f"{_shown(values[first])} in {rules.place_of(first)}; make all values of the column one type"
    )


def _shown(value: Any) -> str:
    """Show a value and its type, in at most some 60 characters."""
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:37] + '...'} ({type(value).__name__})"


def _integers(values: list[int]) -> AnyArray:
    """Make an array of Python integers: int64 where they fit, else objects."""
    fits = all(-(2**63) <= value < 2**63 for value in values)
    return np.array(values, np.int64 if fits else object)


def _float(name: str, value: Any) -> float:
    """Convert a real number to the nearest float."""
    try:
        return float(value)
    except OverflowError:
        raise DataError(f"column {name!r} holds {_shown(value)}, which is larger than float64 can hold; correct it") from None


def _seconds(value: datetime.timedelta | np.timedelta64) -> float:
    """Give a duration in seconds."""
    return value.total_seconds() if isinstance(value, datetime.timedelta) else float(value / np.timedelta64(1, "s"))


def _utc(value: Any) -> Any:
    """Convert a date to one without a time zone, in UTC; one without a time zone stays as it is."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value
