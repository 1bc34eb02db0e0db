"""Columns of dates from their distinct texts: one order of day and month, all with a time zone or none."""

from __future__ import annotations

import numpy as np

from .._types import AnyArray
from .column import Column
from .date_texts import DateTexts
from .distinct_texts import DistinctTexts


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
    data = _to_datetime(values.without(values.marks_among_numbers))
    return values.column("constant") if np.all(data == data[0]) else Column(values.name, "date", data)


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
    return Column(values.name, "date", _to_datetime(values.without(values.marks_among_numbers)))


def _to_datetime(values: DistinctTexts) -> AnyArray:
    """Convert all values to datetime64[us] in UTC, (n,), with one order of day and month."""
    dates = DateTexts(values.texts)
    if dates.zoned.any() and not dates.zoned.all():
        values.refuse(~dates.zoned, "has no time zone, but other dates of the column have one")
    data = dates.values(_day_first(values, dates))
    if np.isnat(data).any():
        values.refuse(np.isnat(data), "is not a day of the calendar")
    return values.spread(data, "NaT")


def _day_first(values: DistinctTexts, dates: DateTexts) -> bool:
    """Decide whether the day stands before the month: as required, or as the dates show that can be read in one order only."""
    required = values.rules.day_first
    if required is not None or not dates.undecided.any():
        return bool(required)
    as_day_first, as_month_first = dates.values(True), dates.values(False)
    only_day_first = dates.undecided & np.isnat(as_month_first) & ~np.isnat(as_day_first)
    only_month_first = dates.undecided & np.isnat(as_day_first) & ~np.isnat(as_month_first)
    if only_day_first.any() and only_month_first.any():
        rarer = min((only_day_first, only_month_first), key=lambda chosen: values.counts[chosen].sum())
        values.refuse(rarer, "has day and month in another order than other dates of the column")
    differ = dates.undecided & (as_day_first != as_month_first)
    if differ.any() and not only_day_first.any() and not only_month_first.any():
        remedy = "write dates as YYYY-MM-DD, or say which stands first (--day-first or --month-first, day_first=)"
        values.refuse(differ, "may have the day or the month first, as may all dates of the column", remedy)
    return not only_month_first.any()
