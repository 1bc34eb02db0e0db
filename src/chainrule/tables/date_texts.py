"""Dates and stamps as people write them: 2021-03-31, 31.03.2021, 3/31/21, 31 Mar 2021, with a time and a zone or without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from .._types import AnyArray

_TIME = (
    r"(?:(?:T|,? +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?)?"
)
_YEAR_FIRST = re.compile(rf"(?P<a>[0-9]{{4}})(?P<mark>[-/.])(?P<b>[0-9]{{1,2}})(?P=mark)(?P<c>[0-9]{{1,2}}){_TIME}")
_COMPACT = re.compile(rf"(?P<a>(?:1[6-9]|20)[0-9]{{2}})(?P<b>[0-9]{{2}})(?P<c>[0-9]{{2}}){_TIME}")
_YEAR_LAST = re.compile(rf"(?P<a>[0-9]{{1,2}})(?P<mark>[-/.])(?P<b>[0-9]{{1,2}})(?P=mark)(?P<c>[0-9]{{4}}|[0-9]{{2}}){_TIME}")
_DAY_NAME = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +)?"
_DAY_MONTH_YEAR = re.compile(
    rf"{_DAY_NAME}(?P<a>[0-9]{{1,2}})(?:st|nd|rd|th)?[-/. ]*(?P<b>[a-z]{{3,9}})\.?,?[-/. ]*(?P<c>[0-9]{{4}}|[0-9]{{2}}){_TIME}",
    re.IGNORECASE,
)
_MONTH_DAY_YEAR = re.compile(
    rf"{_DAY_NAME}(?P<b>[a-z]{{3,9}})\.? +(?P<a>[0-9]{{1,2}})(?:st|nd|rd|th)?,? +(?P<c>[0-9]{{4}}){_TIME}", re.IGNORECASE
)
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_LAST_CENTURY = 69  # of a year of two digits, 69..99 are 1969..1999, and 00..68 are 2000..2068, as in POSIX


@dataclass(frozen=True)
class DateText:
    """The parts of one date: a year, and two numbers whose order, day or month first, the column decides (or none to decide)."""

    year: int
    first: int
    second: int
    time: timedelta
    zone: timezone | None
    order_known: bool

    def at(self, day_first: bool) -> datetime | None:
        """The date where the first number is the day, or else the month; None where there is no such date."""
        day, month = (self.first, self.second) if day_first or self.order_known else (self.second, self.first)
        try:
            return (datetime(self.year, month, day, tzinfo=self.zone or UTC) + self.time).astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def parse_date(text: str) -> DateText | None:
    """Read one trimmed text as a date; None where it is not written as one.

    Examples
    --------
    >>> parse_date("31.03.2021").at(day_first=True)
    datetime.datetime(2021, 3, 31, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if not 6 <= len(text) <= 50:
        return None
    if parts := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _date(parts, int(parts["a"]), int(parts["c"]), int(parts["b"]), True)
    if parts := _YEAR_LAST.fullmatch(text):
        if parts["mark"] == "." and len(parts["c"]) == 2 and len(parts["a"] + parts["b"]) < 4:
            return None  # 1.2.03 is a version or a section
        return _date(parts, _full_year(parts["c"]), int(parts["a"]), int(parts["b"]), parts["mark"] == ".")
    if parts := _DAY_MONTH_YEAR.fullmatch(text) or _MONTH_DAY_YEAR.fullmatch(text):
        month = next((k for k, name in enumerate(_MONTHS, 1) if parts["b"].lower() in (name, name[:3], name[:4])), 0)
        return _date(parts, _full_year(parts["c"]), int(parts["a"]), month, True) if month else None
    return None


def _full_year(digits: str) -> int:
    return int(digits) if len(digits) == 4 else int(digits) + (1900 if int(digits) >= _LAST_CENTURY else 2000)


def _date(parts: re.Match[str], year: int, first: int, second: int, order_known: bool) -> DateText | None:
    time = _time_of_day(parts)
    return None if time is None else DateText(year, first, second, time, _zone(parts["zone"]), order_known)


def _time_of_day(parts: re.Match[str]) -> timedelta | None:
    """The time of day; None where there is no such time. 24:00 is the end of the day; a leap second, :60, the next minute."""
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    if parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (parts["half"].lower() == "p")
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    microseconds = int((parts["fraction"] or "")[:6].ljust(6, "0"))
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microseconds)


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:].lstrip(":") or 0))
    return timezone(-offset if text[0] == "-" else offset) if offset < timedelta(hours=24) else UTC


class DateTexts:
    """The distinct texts of a column, read as dates as far as they are dates.

    Parameters
    ----------
    texts : sequence of str
        Distinct, trimmed.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.parsed = [parse_date(text) for text in texts]

    @property
    def undecided(self) -> AnyArray:
        """Whether each text is a date in which the order of day and month has to be decided, (k,) of bool."""
        return np.array([bool(date and not date.order_known) for date in self.parsed], bool)

    @property
    def is_date(self) -> AnyArray:
        """Whether each text is written as a date, (k,) of bool."""
        return np.array([date is not None for date in self.parsed], bool)

    @property
    def zoned(self) -> AnyArray:
        """Whether each text names a time zone, (k,) of bool."""
        return np.array([bool(date and date.zone) for date in self.parsed], bool)

    def values(self, day_first: bool) -> AnyArray:
        """Convert to datetime64[us] in UTC; NaT where a text is not a date in this order."""
        dates = [date.at(day_first) if date else None for date in self.parsed]
        return np.array([date.replace(tzinfo=None) if date else "NaT" for date in dates], "datetime64[us]")
