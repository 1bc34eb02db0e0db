"""The interval between two checkpoints: a time, or a number of epochs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._checks import MAXIMUM_COUNT
from ..errors import SettingError

DEFAULT_INTERVAL = "10 s"

_SECONDS_PER = {"s": 1.0, "min": 60.0, "h": 3600.0}
_FORM = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(s|min|h|epochs?)\s*", re.ASCII)


@dataclass(frozen=True)
class Interval:
    """Either a time in seconds, or a number of epochs; the other is None."""

    seconds: float | None = None
    epochs: int | None = None


def parse_interval(text: object) -> Interval:
    """Read an interval such as ``"30 s"``, ``"5 min"``, ``"1 h"`` or ``"5 epochs"``; None is ``DEFAULT_INTERVAL``.

    Raises
    ------
    SettingError
        When it is none of these, or 0.

    Examples
    --------
    >>> parse_interval("1.5 min"), parse_interval("5 epochs")
    (Interval(seconds=90.0, epochs=None), Interval(seconds=None, epochs=5))
    """
    text = DEFAULT_INTERVAL if text is None else text
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    number, unit = match.groups() if match is not None else ("0", "s")
    interval = Interval(seconds=float(number) * _SECONDS_PER[unit]) if unit in _SECONDS_PER else _epochs(number)
    if not (interval.seconds or interval.epochs):
        raise SettingError(
            f"checkpoint_every must be a time or a number of epochs, such as '30 s', '5 min', '1 h' or '5 epochs'; it is {text!r}"
        )
    return interval


def _epochs(number: str) -> Interval:
    """Read a number of epochs; one with a decimal point counts as none."""
    return Interval(epochs=min(int(number), MAXIMUM_COUNT) if number.isdigit() else 0)
