"""Columns of dates from their distinct texts: one order of day and month, all with a time zone or none."""

from __future__ import annotations

import numpy as np

from .._types import AnyArray
from .column import Column
from .date_texts import DateTexts
from .distinct_texts import DistinctTexts
from .writing import ToldBy, Writing


def infer_date(values: DistinctTexts) -> Column | None:
    """Read a column of dates; None where it is something else.

    Raises
    ------
    DataError
        When a few values are not dates and all others are, or the order of day and month cannot be decided.
    """
    fitting = DateTexts(values.texts).is_date
    if not fitting.any():
        return None
    strange = ~fitting & ~values.marks_among_numbers
    if strange.any():
        if values.holds_strays(fitting):
            values.refuse(
                strange, f"is not a date, but {values.counts[fitting].sum():,} of the column's {values.n_values:,} values are"
            )
        return None
    data, writing = _to_datetime(values.without(values.marks_among_numbers))
    return values.column("constant") if np.all(data == data[0]) else Column(values.name, "date", data, writing=writing)


def require_date(values: DistinctTexts) -> Column:
    """Read a column that is required to hold dates.

    Raises
    ------
    DataError
        When a value is not a date, or the order of day and month cannot be decided.
    """
    strange = ~DateTexts(values.texts).is_date & ~values.marks_among_numbers
    if strange.any():
        values.refuse(strange, "is not a date, and the column is required to hold dates")
    data, writing = _to_datetime(values.without(values.marks_among_numbers))
    return Column(values.name, "date", data, writing=writing)


def _to_datetime(values: DistinctTexts) -> tuple[AnyArray, Writing]:
    """Convert all values to datetime64[us] in UTC, (n,), with one order of day and month; also return how they are written."""
    dates = DateTexts(values.texts)
    if dates.zoned.any() and not dates.zoned.all():
        values.refuse(~dates.zoned, "has no time zone, but other dates of the column have one")
    day_first = _day_first(values, dates)
    data = dates.values(bool(day_first))
    if np.isnat(data).any():
        values.refuse(np.isnat(data), "is not a day of the calendar")
    zoned = bool(dates.zoned.any()) if values.texts else None
    told_by: ToldBy = "values" if values.rules.day_first is None else "option"
    return values.spread(data, "NaT"), Writing(day_first=day_first, zoned=zoned, told_by=told_by)


def _day_first(values: DistinctTexts, dates: DateTexts) -> bool | None:
    """Decide whether the day stands before the month.

    It is as required, or as the dates show that can be read in one order only, or as in the training's file of a model. It is None
    where both orders give the same dates.
    """
    if not dates.undecided.any():
        return None
    if values.rules.day_first is not None:
        return values.rules.day_first
    as_day_first, as_month_first = dates.values(True), dates.values(False)
    only_day_first = dates.undecided & np.isnat(as_month_first) & ~np.isnat(as_day_first)
    only_month_first = dates.undecided & np.isnat(as_day_first) & ~np.isnat(as_month_first)
    if only_day_first.any() and only_month_first.any():
        rarer = min((only_day_first, only_month_first), key=lambda chosen: values.counts[chosen].sum())
        values.refuse(rarer, "has day and month in another order than other dates of the column")
    if only_day_first.any() or only_month_first.any():
        return bool(only_day_first.any())
    differ = dates.undecided & (as_day_first != as_month_first)
    if differ.any() and values.known.day_first is None:
        option = "say which stands first (--day-first or --month-first, day_first=)"
        remedy = option if values.rules.from_file else "convert the column to dates"
        problem = "may have the day or the month first, as may all dates of the column"
        values.refuse(differ, problem, f"write dates as YYYY-MM-DD, or {remedy}")
    return values.known.day_first
