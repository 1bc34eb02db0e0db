"""Numbers as people read them."""

from __future__ import annotations

ROUNDING = 1e-12  # what adding up weights does to a fraction


def percent(fraction: float, decimals: int = 2) -> str:
    """Write a fraction as a percentage, which says 0 or 100 of exactly that alone.

    Examples
    --------
    >>> percent(0.9512), percent(0.99996), percent(0.00001), percent(1.0)
    ('95.12 %', '99.99 %', '0.01 %', '100.00 %')
    """
    least = 10.0 ** -(decimals + 2)
    bounded = min(max(fraction, least), 1 - least) if ROUNDING < fraction < 1 - ROUNDING else round(fraction, 9)
    return f"{100 * bounded:.{decimals}f} %"


def below_1(number: float, decimals: int = 4) -> str:
    """Write a number with some decimals; one below 1 is never rounded up to 1.

    Examples
    --------
    >>> below_1(0.5), below_1(0.99999), below_1(1.0)
    ('0.5000', '0.9999', '1.0000')
    """
    return f"{min(number, 1 - 10.0**-decimals) if number < 1 else number:.{decimals}f}"


def counted(number: int, what: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(50_000, "row"), counted(2, "class")
    ('1 row', '50,000 rows', '2 classes')
    """
    plural = what + ("es" if what.endswith("s") else "s")
    return f"{number:,} {what if number == 1 else plural}"
