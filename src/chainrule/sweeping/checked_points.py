"""Which points of a sweep are checked before its first run: a few that stand for all, since a sweep may have a million.

What ``Network`` and ``Run`` refuse is a name, a combination of names, or a number outside an interval, whose ends may depend on
the names and on whether another number is 0. So these points stand for all: one for each combination of names, of numbers of layers
and of signs; and for each setting those with its least and its greatest number.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from .search import Point


def points_to_check(points: Sequence[Point]) -> list[int]:
    """Give the numbers of the points that stand for all, growing.

    Examples
    --------
    >>> points_to_check([(("l2", 0.0),), (("l2", 0.1),), (("l2", 0.2),), (("l2", 0.3),)])
    [0, 1, 3]
    """
    kinds: dict[tuple[str, type, Any], Hashable] = {}
    first: dict[tuple[Hashable, ...], int] = {}
    least: dict[tuple[Hashable, ...], tuple[float, int]] = {}
    most: dict[tuple[Hashable, ...], tuple[float, int]] = {}
    for number, point in enumerate(points):
        own = []
        for name, value in point:
            value_key = (name, type(value), value)
            kind = kinds.get(value_key)
            if kind is None:
                kind = kinds[value_key] = _kind(value)
                for place, each in _numbers(value):
                    key = (name, kind, place)
                    least[key] = min(least.get(key, (math.inf, number)), (each, number))
                    most[key] = max(most.get(key, (-math.inf, number)), (each, number), key=lambda found: (found[0], -found[1]))
            own.append(kind)
        first.setdefault(tuple(own), number)
    return sorted({*first.values(), *(found[1] for found in (*least.values(), *most.values()))})


def _kind(value: Any) -> Hashable:
    """Give what like values have in common: a number's type and sign, of layers those of each, and of anything else itself."""
    if isinstance(value, tuple):
        return tuple(map(_kind, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (type(value), "nan" if math.isnan(value) else (value > 0) - (value < 0))
    return (type(value), value)


def _numbers(value: Any) -> Iterator[tuple[int, float]]:
    """Give the numbers of a value with their places."""
    for place, each in enumerate(value if isinstance(value, tuple) else (value,)):
        if isinstance(each, (int, float)) and not isinstance(each, bool) and not math.isnan(each):
            yield place, each
