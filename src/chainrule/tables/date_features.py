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


def date_parts(dates: Column) -> dict[str, Column]:
    """Compute the parts of dates as columns of their own, by name.

    Parameters
    ----------
    dates : Column
        Of kind "date".

    Returns
    -------
    dict of Column
        "days" since 1970-01-01 and "hour" since midnight are numbers with their fractions, "month" and "weekday" categories; all
        in UTC. A gap is a gap in each of them.
    """
    days = dates.data.astype("datetime64[D]")
    month = dates.data.astype("datetime64[M]").astype(np.int64) % 12
    weekday = (days.astype(np.int64) + _THURSDAY) % 7
    return {
        "days": Column("days", "number", (dates.data - np.datetime64(0, "us")) / np.timedelta64(1, "D")),  # of NaT it is NaN
        "month": Column("month", "category", np.where(dates.missing, -1, month).astype(np.int32), MONTHS),
        "weekday": Column("weekday", "category", np.where(dates.missing, -1, weekday).astype(np.int32), WEEKDAYS),
        "hour": Column("hour", "number", (dates.data - days) / np.timedelta64(1, "h")),
    }
