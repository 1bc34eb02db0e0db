"""Columns of numbers from their distinct texts: one style of writing, one unit, nothing infinite."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from .._types import AnyArray
from .column import Column
from .distinct_texts import DistinctTexts
from .number_texts import Decimal, NumberTexts, decimals_of, is_code
from .writing import ToldBy, Writing

ROW_COUNTERS = frozenset(
    ("", "id", "index", "row", "rowid", "row_id", "rownames", "row_names", "row.names", "rownum", "unnamed: 0")
)
"""Names, in lower case, of columns that count the rows."""


DIGITS_EXACT = 15  # float64 represents every integer of so many digits
LARGEST_EXACT = 2.0**53


def infer_number(values: DistinctTexts) -> Column | None:
    """Read a column of numbers; None where it is something else: texts, or codes such as 02139.

    Raises
    ------
    DataError
        When a few values are not numbers and all others are, or not all numbers can be read in one style.
    """
    numbers = values.numbers
    if not (numbers.is_number & ~numbers.infinite).any():
        return None
    strange = ~numbers.is_number & ~values.marks_among_numbers
    if strange.any():
        if values.holds_strays(numbers.is_number):
            n_numbers = values.counts[numbers.is_number].sum()
            values.refuse(strange, f"is not a number, but {n_numbers:,} of the column's {values.n_values:,} values are")
        return None
    if _are_codes(values) or _exceed_float64(values):
        return None
    kept = values.without(values.marks_among_numbers)
    data, writing = _to_float(kept)
    return number_column(values.name, data, kept.texts[kept.codes[0]] if kept.codes[0] >= 0 else "", writing)


def require_number(values: DistinctTexts) -> Column:
    """Read a column that is required to hold numbers.

    Raises
    ------
    DataError
        When a value is not a number, or not all numbers can be read in one style.
    """
    strange = ~values.numbers.is_number & ~values.marks_among_numbers
    if strange.any():
        values.refuse(strange, "is not a number, and the column is required to hold numbers", error=values.rules.kind_error)
    data, writing = _to_float(values.without(values.marks_among_numbers))
    return Column(values.name, "number", data, writing=writing)


def number_column(name: str, data: AnyArray, first_text: str = "", writing: Writing | None = None) -> Column:
    """Build the column of numbers without a required kind: a number, or a constant, or an identifier that counts the rows.

    Parameters
    ----------
    name : str
    data : float64 array, shape (n,)
        NaN is a gap.
    first_text : str
        How the first value is written, for a constant; by default as Python writes it.
    writing : Writing, optional
        How the texts are written, if the numbers were read from texts.
    """
    if np.isnan(data).all():
        return Column(name, "constant", np.full(len(data), -1, np.int32))
    if np.all(data == data[0]):
        return Column(name, "constant", np.zeros(len(data), np.int32), (first_text or _integer_text(data[0]),))
    if name.strip().lower() in ROW_COUNTERS and len(data) > 2 and data[0] in (0, 1) and np.all(np.diff(data) == 1):
        texts = [_integer_text(value) for value in data]
        position = {text: k for k, text in enumerate(sorted(texts))}
        return Column(name, "identifier", np.array([position[text] for text in texts], np.int32), tuple(position))
    return Column(name, "number", data, writing=writing)


def _integer_text(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else repr(float(value))


def _are_codes(values: DistinctTexts) -> bool:
    """Whether integers have leading zeros, as zip codes have; refuses a column of different lengths in which very few have them."""
    codes = np.array([is_code(text) for text in values.texts], bool)
    if codes.any() and len({len(text) for text in values.texts}) > 1 and values.counts[codes].sum() < 0.01 * values.n_values:
        options = f"--number {values.name!r}, --category {values.name!r}, " * values.rules.from_file
        values.refuse(
            codes,
            "has leading zeros, as a code has, but fewer than 1 % of the column's values do",
            f"read the column as numbers or as categories ({options}kinds=)",
        )
    return bool(codes.any())


def _exceed_float64(values: DistinctTexts) -> bool:
    """Whether integers are so long that float64 would make some of them equal, as the numbers of cards and messages are."""
    long = [text for text in values.texts if len(text) > DIGITS_EXACT and text.removeprefix("-").isdigit()]
    return any(int(float(text)) != int(text) for text in long if len(text) <= 300)


def _to_float(values: DistinctTexts) -> tuple[AnyArray, Writing]:
    """Convert all values to float64, (n,), in the one style that they share; also return how they are written."""
    numbers = values.numbers
    _check_units(values, numbers)
    writing = _writing(values, numbers)
    data = numbers.values(writing.decimal or ("." if "." in numbers.decimals else ","))
    infinite = np.isinf(data)
    if infinite.any() and not values.rules.allow_infinite:
        allow = ", or allow infinite values, which are then gaps (--allow-infinite, allow_infinite=True)"
        remedy = allow if values.rules.from_file else ", or make it a gap (None)"
        values.refuse(
            infinite, "is infinite, or beyond the range of float64", "correct it" + remedy * (not values.rules.numbers_only)
        )
    data[infinite | np.isin(data, values.rules.numeric_marks)] = np.nan
    return values.spread(data, np.nan), writing


def _check_units(values: DistinctTexts, numbers: NumberTexts) -> None:
    """Refuse $5 beside €5, and 5 % beside 5."""
    if len(numbers.units) > 1:
        units = np.array([number.unit if number else "" for number in numbers.parsed])
        usual = max(numbers.units, key=lambda unit: values.counts[units == unit].sum())
        values.refuse(
            units != usual,
            f"has another unit than the column's other numbers, which have {f'the unit {usual}' if usual else 'none'}",
        )


def _writing(values: DistinctTexts, numbers: NumberTexts) -> Writing:
    """Decide how the numbers are written; the decimal mark is as required, or the only one with which all of them can be read.

    Where both marks can, the numbers are integers, or all are written as 1,234 is, or all as 1.234 is. Then the other columns and
    the training's file of a model decide it.
    """
    required, possible = values.rules.decimal, numbers.decimals
    if not possible:
        _refuse_two_styles(values, numbers)
    if required and required not in possible:
        wrong = np.array([required not in decimals_of(text) for text in values.texts], bool)
        values.refuse(wrong, f"is not a number whose decimal mark is {required!r}")
    decimal = required or (min(possible) if len(possible) == 1 else None)
    told_by: ToldBy = "values" if len(possible) == 1 else "option"
    if numbers.ambiguous_mark and not decimal:
        decimal, told_by = _decimal_of_others(values, numbers.ambiguous_mark), "others"
    else:
        decimal = decimal if numbers.separated else None
    return Writing(decimal, _unit(values, numbers), parentheses=numbers.parenthesized, told_by=told_by)


def _unit(values: DistinctTexts, numbers: NumberTexts) -> str | None:
    """Give the unit of all numbers: as they are written, or as it is required of those without one; None where there are none."""
    written = next(iter(numbers.units), None)
    required = values.rules.units.get(values.name, "")
    if written and required and written != required:
        remedy = "convert the column, or name its own unit (--units, units=)"
        values.refuse(np.ones(len(values.texts), bool), f"has another unit than the one that is required, {required}", remedy)
    return written or (required if numbers.units else None)


def _decimal_of_others(values: DistinctTexts, mark: str) -> Decimal:
    """Find the decimal mark of numbers that can all be read with both: that of the other columns, and that of the training.

    Raises
    ------
    DataError
        When these do not tell it, or contradict each other.
    """
    rules = values.rules
    told = [decimal for decimal in {rules.usual_decimal(), values.known.decimal} if decimal]
    if len(told) > 1 or (not told and (mark == "," or not rules.point_is_decimal)):
        problem = "may be a decimal number, or one whose thousands are separated, as all others of the column"
        option = "say which mark is the decimal one (--decimal . or --decimal , or decimal=)"
        remedy = option if rules.from_file else "convert the column to numbers"
        values.refuse(np.array([mark in text for text in values.texts], bool), problem, remedy)
    return told[0] if told else "."


def _refuse_two_styles(values: DistinctTexts, numbers: NumberTexts) -> NoReturn:
    """Refuse a column whose numbers are not written in one style, such as 1.5 beside 2,5, and name one of the rarer style."""
    point, comma = (np.array([mark in decimals_of(text) for text in values.texts], bool) for mark in ".,")
    usual = point if values.counts[point].sum() >= values.counts[comma].sum() else comma
    separated = np.array([bool(number and set(number.body) & set(",.' ")) for number in numbers.parsed], bool)
    values.refuse(
        separated if usual.all() else ~usual, "is written in another style than other numbers of the column, such as 1.5 beside 2,5"
    )
