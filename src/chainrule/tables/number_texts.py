"""Numbers as people write them: 1,234.5; 1.234,5; 1'234.5; 12%; $1200; (5.00); a Unicode minus."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from .._types import AnyArray

Decimal = Literal[".", ","]

_CURRENCY = r"(?:US\$|[$€£¥₹₽₩₺₴₪₫฿₿]|CHF|EUR|USD|GBP|JPY|CAD|AUD|SEK|NOK|DKK|PLN|CZK|HUF|Fr\.|kr\.?|zł|Kč)"
_WRITTEN = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-])? ?(?P<before>{_CURRENCY})? ?(?P<inner>[+-])?"
    rf"(?P<body>[0-9.,' ]*[0-9][0-9.,]*?(?:[eE][+-]?[0-9]+)?) ?(?P<after>%|{_CURRENCY})?(?P<trailing>-)?(?P<close>\))?"
)
_SAME_SIGN = str.maketrans(
    {"\u2212": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-", "\u2019": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " "}
)
_INFINITE = re.compile(r"[+-]?(?:inf|infinity|∞|1\.#INF0*)", re.IGNORECASE)
_CODE = re.compile(r"[+-]?0[0-9]+")
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"


def _grouped(separator: str) -> str:
    """The pattern of an integer in groups of three digits; with commas also in the Indian way, 12,34,567."""
    usual = rf"[1-9][0-9]{{0,2}}(?:{separator}[0-9]{{3}})+"
    return rf"(?:{usual}|[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}})" if separator == "," else usual


@dataclass(frozen=True)
class NumberStyle:
    """One way to write a number: its decimal mark, and what separates groups of three digits."""

    decimal: Decimal
    thousands: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Match the numbers that are written in this way, with thousands separated or not."""
        mark = re.escape(self.decimal)
        plain = rf"(?:[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+){_EXPONENT}"
        grouped = rf"{_grouped(re.escape(self.thousands))}(?:{mark}[0-9]*)?"
        return re.compile(rf"{plain}|{grouped}" if self.thousands else plain)

    def to_float(self, body: str) -> float:
        """Convert to the nearest float64; infinite beyond its range."""
        return float(
            body.replace(self.thousands, "").replace(self.decimal, ".") if self.thousands else body.replace(self.decimal, ".")
        )


_SEPARATORS: dict[Decimal, tuple[str, ...]] = {".": ("", ",", "'", " "), ",": ("", ".", "'", " ")}
STYLES = tuple(NumberStyle(decimal, thousands) for decimal, separators in _SEPARATORS.items() for thousands in separators)
_PLAIN = re.compile(rf"-?(?P<ambiguous>[1-9][0-9]{{0,2}}\.[0-9]{{3}})|-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+){_EXPONENT}")
_ALL_STYLES = (1 << len(STYLES)) - 1
_POINT = sum(1 << k for k, style in enumerate(STYLES) if style.decimal == ".")
_COMMA = _ALL_STYLES ^ _POINT
_GROUPED_BY_COMMA = 1 << STYLES.index(NumberStyle(".", ","))
_GROUPED_BY_POINT = 1 << STYLES.index(NumberStyle(",", "."))


@dataclass(frozen=True)
class NumberText:
    """One text that is a number: ``body`` without sign and unit, and the styles (bits) that can read it."""

    body: str
    negative: bool
    unit: str
    styles: int
    parenthesized: bool = False


def parse_number(text: str) -> NumberText | None:
    """Read one trimmed text as a number; None where it is not one.

    Examples
    --------
    >>> parse_number("-$1,200.50")
    NumberText(body='1,200.50', negative=True, unit='$', styles=2, parenthesized=False)
    >>> parse_number("12.3x") is None
    True
    """
    if plain := _PLAIN.fullmatch(text):  # the usual case, and faster
        styles = _ALL_STYLES if "." not in text else _POINT | _GROUPED_BY_POINT * bool(plain["ambiguous"])
        return NumberText(text.removeprefix("-"), text.startswith("-"), "", styles)
    if "," in text and "." not in text and (plain := _PLAIN.fullmatch(text.replace(",", "."))):
        return NumberText(text.removeprefix("-"), text.startswith("-"), "", _COMMA | _GROUPED_BY_COMMA * bool(plain["ambiguous"]))
    if len(text) > 400:
        return None
    parts = _WRITTEN.fullmatch(text.translate(_SAME_SIGN))
    if not parts or not _affixes_agree(parts):
        return None
    body = parts["body"].strip()
    styles = sum(1 << k for k, style in enumerate(STYLES) if style.pattern.fullmatch(body))
    negative = "-" in (parts["sign"], parts["inner"], parts["trailing"]) or bool(parts["open"])
    return NumberText(body, negative, parts["before"] or parts["after"] or "", styles, bool(parts["open"])) if styles else None


def _affixes_agree(parts: re.Match[str]) -> bool:
    """Whether there is at most one sign and one unit, and a parenthesis is closed."""
    signs = [parts["sign"], parts["inner"], parts["trailing"], parts["open"]]
    if parts["trailing"] and not set(parts["body"]) & set(".,"):
        return False  # 2- is a grade; 1.234,50- is an amount
    return bool(parts["open"]) == bool(parts["close"]) and sum(map(bool, signs)) <= 1 and not (parts["before"] and parts["after"])


def is_plain_number(text: str) -> bool:
    """Whether a text is a number as computers write it: with a decimal point or none, no thousands, no unit, no leading zeros."""
    return _PLAIN.fullmatch(text) is not None


def plain_decimal(texts: Sequence[str]) -> Decimal | Literal[""] | None:
    """The decimal mark of plain numbers; empty where all are integers, None where a text is no such number or there are two marks.

    Examples
    --------
    >>> plain_decimal(["1", "2,5"]), plain_decimal(["1", "-2"]), plain_decimal(["1", "02"])
    (',', '', None)
    """
    joined = " ".join(texts)
    if "," in joined and "." in joined:
        return None
    if not all(is_plain_number(text.replace(",", ".")) for text in texts):
        return None
    return "," if "," in joined else "." if "." in joined else ""


def is_infinite(text: str) -> bool:
    """Whether a text is infinity: inf, -Infinity, ∞."""
    return _INFINITE.fullmatch(text.translate(_SAME_SIGN)) is not None


def is_code(text: str) -> bool:
    """Whether a text is an integer with leading zeros, such as 02139, which as a number would lose them."""
    return _CODE.fullmatch(text) is not None


def decimals_of(text: str) -> set[Decimal]:
    """The decimal marks with which a text can be read as a number.

    Examples
    --------
    >>> decimals_of("1.5"), decimals_of("12") == {".", ","}
    ({'.'}, True)
    """
    number = parse_number(text)
    marks: dict[Decimal, int] = {".": _POINT, ",": _COMMA}
    return {mark for mark, bits in marks.items() if number and number.styles & bits}


class NumberTexts:
    """The distinct texts of a column, read as numbers as far as they are numbers.

    Parameters
    ----------
    texts : sequence of str
        Distinct, trimmed.
    parentheses : bool
        Whether they are known to tell a negative amount. By default they do where other numbers stand without them: (1), (2) is a
        way to list things.
    """

    def __init__(self, texts: Sequence[str], *, parentheses: bool = False) -> None:
        self.parsed = [parse_number(text) for text in texts]
        self.infinite = np.array(
            [number is None and is_infinite(text) for text, number in zip(texts, self.parsed, strict=True)], bool
        )
        if not parentheses and all(number is None or number.parenthesized for number in self.parsed):
            self.parsed = [None] * len(self.parsed)
        self.is_number = np.array([number is not None for number in self.parsed], bool) | self.infinite

    @cached_property
    def styles(self) -> int:
        """The styles (bits) in which every number is written."""
        common = _ALL_STYLES
        for number in self.parsed:
            common &= number.styles if number else _ALL_STYLES
        return common

    @property
    def decimals(self) -> set[Decimal]:
        """The decimal marks with which every number can be read: none, one, or both."""
        marks: dict[Decimal, int] = {".": _POINT, ",": _COMMA}
        return {mark for mark, bits in marks.items() if self.styles & bits}

    @property
    def ambiguous_mark(self) -> str:
        """The mark, point or comma, that can be read as decimal and as thousands in all numbers alike; else empty."""
        if len(self.decimals) < 2:
            return ""
        return next((mark for mark in ",." if any(number and mark in number.body for number in self.parsed)), "")

    @property
    def parenthesized(self) -> bool:
        """Whether a number stands in parentheses."""
        return any(number and number.parenthesized for number in self.parsed)

    @property
    def separated(self) -> bool:
        """Whether a number has a decimal mark, or its thousands separated by one."""
        return any(number and ("." in number.body or "," in number.body) for number in self.parsed)

    @property
    def units(self) -> list[str]:
        """The distinct units, such as % and €; empty for a number without one."""
        return sorted({number.unit for number in self.parsed if number})

    def values(self, decimal: Decimal) -> AnyArray:
        """Convert to float64 with this decimal mark: NaN where a text is not a number, infinite beyond the range of float64."""
        bits = self.styles & (_POINT if decimal == "." else _COMMA)
        style = next(style for k, style in enumerate(STYLES) if bits >> k & 1)
        values = np.array([style.to_float(number.body) if number else np.nan for number in self.parsed], np.float64)
        values[self.infinite] = np.inf
        return np.where([bool(number and number.negative) for number in self.parsed], -values, values)
