"""Numbers as text."""

from __future__ import annotations

ROUNDING = 1e-12
"""The rounding error of a fraction of summed weights: a fraction this close to 0 or 1 is 0 or 1."""


def percent(fraction: float, decimals: int = 2) -> str:
    """Write a fraction as a percentage; only a fraction of exactly 0 or 1, up to ``ROUNDING``, is shown as 0 % or 100 %.

    Examples
    --------
    >>> percent(0.9512), percent(0.99996), percent(0.00001), percent(1.0)
    ('95.12 %', '99.99 %', '0.01 %', '100.00 %')
    """
    least = 10.0 ** -(decimals + 2)
    bounded = min(max(fraction, least), 1 - least) if ROUNDING < fraction < 1 - ROUNDING else round(fraction, 9)
    return f"{100 * bounded:.{decimals}f} %"


def format_fraction(number: float, decimals: int = 4) -> str:
    """Write a probability or R^2 with some decimals; a number below 1 is never rounded up to 1.

    Examples
    --------
    >>> format_fraction(0.5), format_fraction(0.99999), format_fraction(1.0)
    ('0.5000', '0.9999', '1.0000')
    """
    return f"{min(number, 1 - 10.0**-decimals) if number < 1 else number:.{decimals}f}"


def pluralize(number: int, noun: str) -> str:
    """Write a number with its noun, in the plural unless the number is 1.

    Examples
    --------
    >>> pluralize(1, "row"), pluralize(50_000, "row"), pluralize(2, "class")
    ('1 row', '50,000 rows', '2 classes')
    """
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"
