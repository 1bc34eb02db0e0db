"""Changes of a value of JSON's types at one place, drawn at random."""

from __future__ import annotations

import random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 255, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**12, 10**400,
    0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf"),
    "", " ", "a", "0", "nan", "\0", "\n", "\x1b[31m", "\ud800", "é", "e\u0301", "𝔘", "\u202e", "a" * 300, "../../etc/passwd",
    "$\\frac$", [], [[]], {}, [None], {"": None}, ["a", "a"], [0] * 40,
)  # fmt: skip


MOST_PLACES = 5000


def nested(depth: int) -> Any:
    """Make lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def places(tree: Any) -> list[tuple[Any, Any]]:
    """List every entry of a tree: the list or dict that holds it, and its position or key."""
    found, waiting = list[tuple[Any, Any]](), [tree]
    while waiting and len(found) < MOST_PLACES:  # a list that was doubled often holds itself many times
        node = waiting.pop()
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            found.append((node, key))
            waiting.append(node[key])
    return found


def change(tree: Any, rng: random.Random) -> None:
    """Change a tree at one place."""
    entries = places(tree)
    if not entries:
        return
    node, key = rng.choice(entries)
    rng.choice((_replace, _replace, _near, _near, _remove, _add, _copy, _exchange))(node, key, entries, rng)


def _replace(node: Any, key: Any, entries: list[tuple[Any, Any]], rng: random.Random) -> None:
    node[key] = nested(rng.choice((3, 500, 5000))) if rng.random() < 0.01 else rng.choice(ODD)


def _near(node: Any, key: Any, entries: list[tuple[Any, Any]], rng: random.Random) -> None:
    """Give a value of the same type."""
    value = node[key]
    if isinstance(value, bool):
        node[key] = not value
    elif isinstance(value, int):
        node[key] = rng.choice((value + 1, value - 1, -value, 2 * value, value**3, int(value / 2) if abs(value) < 2**60 else 0))
    elif isinstance(value, float):
        node[key] = rng.choice((-value, value * 1e10, value * 1e-10, value + 1, 1 / value if value else 1.0))
    elif isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        node[key] = rng.choice(
            (value[:at], value[:at] + rng.choice("\0\n\"\\,;'é😀\ud800 0") + value[at:], value * 2, value.upper())
        )
    elif isinstance(value, list):
        node[key] = rng.choice((value * 2, value[:-1], value[::-1], value + rng.choices(ODD), value[:1] * 300, []))
    else:
        node[key] = {} if rng.random() < 0.3 else [value]


def _remove(node: Any, key: Any, entries: list[tuple[Any, Any]], rng: random.Random) -> None:
    del node[key]


def _add(node: Any, key: Any, entries: list[tuple[Any, Any]], rng: random.Random) -> None:
    if isinstance(node, dict):
        node[rng.choice(("", "x", str(key) + "2", "rules", "part"))] = rng.choice(ODD)
    else:
        node.insert(key, rng.choice(ODD))


def _copy(node: Any, key: Any, entries: list[tuple[Any, Any]], rng: random.Random) -> None:
    """Put another entry here; lists and dicts are then shared, and are written twice."""
    other, place = rng.choice(entries)
    value = other[place]
    if not isinstance(value, (list, dict)) or not any(inner is node for inner, _ in places([value])):
        node[key] = value


def _exchange(node: Any, key: Any, entries: list[tuple[Any, Any]], rng: random.Random) -> None:
    other, place = rng.choice(entries)
    if not isinstance(node[key], (list, dict)) and not isinstance(other[place], (list, dict)):
        node[key], other[place] = other[place], node[key]
