"""Checks of single settings; each returns the setting as a Python number."""

from __future__ import annotations

import math
import operator
from typing import Any

from .errors import SettingError

SEEDS = 2**64
MAXIMUM_COUNT = 2**31 - 1  # so that epochs times batches, the number of steps, stays below 2**63


def check_int(name: str, value: Any, *, least: int, most: int = MAXIMUM_COUNT) -> int:
    """Read a whole number of at least ``least``, and at most ``most``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise SettingError(f"{name} must be a whole number of at least {least}; it is {value!r}")
    if number > most:
        raise SettingError(f"{name} must be at most {most:,}; it is {value!r}")
    return number


def check_float(name: str, value: Any, *, least: float = -math.inf, below: float = math.inf, above: float = -math.inf) -> float:
    """Read a finite number, ``least <= number < below``, and ``> above``."""
    limits = [f"at least {least:g}"] * (least > -math.inf) + [f"above {above:g}"] * (above > -math.inf)
    limits += [f"below {below:g}" if below < math.inf else "finite"]
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, (bool, str)) or not (least <= number < below and number > above):
        raise SettingError(f"{name} must be a number, {' and '.join(limits)}; it is {value!r}")
    return number


def check_seed(name: str, value: Any) -> int:
    """Read a seed, 0 <= seed < 2**64."""
    number = check_int(name, value, least=0, most=SEEDS * SEEDS)
    if number >= SEEDS:
        raise SettingError(f"{name} must be below 2**64; it is {value!r}")
    return number
