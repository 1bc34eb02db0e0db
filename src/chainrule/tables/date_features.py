"""Dates as features: the days since 1970 and the hour as numbers, the month and the weekday as categories.

Month and weekday are categories, and not a sine and a cosine, because their effect is rarely a wave: a network learns a value for
each of the 12 months and 7 days. The hour is a number: its bins follow any course over the day.
"""

from __future__ import annotations

import numpy as np

from .column import Column

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_THURSDAY = 3  # the weekday of 1970-01-01, counted from Monday


def date_part(dates: Column, part: str) -> Column:
    """Compute a part of dates as a column of its own: "days" and "hour" are numbers, "month" and "weekday" categories.

    The days are counted from 1970-01-01 and the hours from midnight, both with their fractions; all in UTC.

    Parameters
    ----------
    dates : Column
        Of kind "date".
    part : {"days", "month", "weekday", "hour"}
    """
    if part == "month":
        return Column(part, "category", _codes(dates, dates.data.astype("datetime64[M]").astype(np.int64) % 12), MONTHS)
    if part == "weekday":
        return Column(
            part, "category", _codes(dates, (dates.data.astype("datetime64[D]").astype(np.int64) + _THURSDAY) % 7), WEEKDAYS
        )
    if part == "hour":
        values = (dates.data - dates.data.astype("datetime64[D]")) / np.timedelta64(1, "h")
    else:
        values = (dates.data - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    return Column(part, "number", values)  # the difference to NaT is NaN, a gap


def _codes(dates: Column, codes: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.int32]:
    """Give positions as int32; -1 where the date is a gap."""
    return np.where(dates.missing, -1, codes).astype(np.int32)


def has_hours(dates: Column) -> bool:
    """Whether any of the dates has a time of day other than midnight."""
    days = dates.data.astype("datetime64[D]").astype(dates.data.dtype)
    return bool(np.any((dates.data != days) & ~dates.missing))
