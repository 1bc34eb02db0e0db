"""The space of a sweep: for each setting that varies the values to try, or a range to take them from."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from ..errors import ArgumentTypeError, SettingError, look_up
from ..network import Network
from ..training import Run

Value: TypeAlias = Any
"""A number, a text, None, or a tuple of these: a value that has a cell in the table of results."""

WHOLE = ("batch_size", "early_stopping")
NUMBERS = ("learning_rate", "l1", "l2", "dropout", "clip", "label_smoothing")
GRID_POINTS = 5
"""The values that a grid takes from a range whose number is not given."""

MOST_VALUES = 10_000
MOST_SHOWN = 100
"""The most characters of given values in a message."""

_DIGITS = 4
"""Values from a range are rounded to so many significant digits, so that what is printed is what was used."""

_OF_THE_SWEEP = {"seed", "epochs", "validation", "rows", "validation_rows", "engine", "threads", "callbacks", "progress"}
_OF_THE_SWEEP |= {"checkpoint", "checkpoint_every", "checkpoint_notes", "resume", "allow_other_engine"}


@cache
def network_settings() -> tuple[str, ...]:
    """Name the settings of ``Network`` that a sweep may set: all but the sizes and the seed."""
    return tuple(name for name in _keywords(Network) if name not in _OF_THE_SWEEP)


@cache
def training_settings() -> tuple[str, ...]:
    """Name the settings of ``Run`` that a sweep may set: those that decide the result, but for the data, epochs and seed."""
    return tuple(name for name in _keywords(Run) if name not in _OF_THE_SWEEP)


def _keywords(made: type) -> list[str]:
    parameters = inspect.signature(made).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY]


def setting_names() -> tuple[str, ...]:
    """Name all settings that may vary."""
    varied = (name for name in training_settings() if name != "distort")
    return ("hidden", *network_settings(), *varied)


@dataclass(frozen=True)
class Choices:
    """Values to try, each once."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included.

    Attributes
    ----------
    low, high : float
    log : bool
        Whether equal steps are equal factors.
    points : int or None
        The number of values that a grid takes; None for ``GRID_POINTS``.
    whole : bool
        Whether only whole numbers are taken.
    """

    low: float
    high: float
    log: bool = False
    points: int | None = None
    whole: bool = False

    def spread(self) -> tuple[Value, ...]:
        """Give the values of a grid, evenly spread, each once."""
        space = np.geomspace if self.log else np.linspace
        return tuple(dict.fromkeys(self._rounded(value) for value in space(self.low, self.high, self.points or GRID_POINTS)))

    def at(self, fraction: float) -> Value:
        """Give the value at a fraction of the way, in [0, 1)."""
        if self.log:
            return self._rounded(self.low * (self.high / self.low) ** fraction)
        return self._rounded(self.low + (self.high - self.low) * fraction)

    def _rounded(self, value: float) -> Value:
        if self.whole:
            return int(min(max(round(value), self.low), self.high))
        return float(min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high))


Parameter: TypeAlias = Choices | Range
Space: TypeAlias = Mapping[str, Parameter]


def parse_space(given: Mapping[str, Any]) -> dict[str, Parameter]:
    """Parse a space: by a setting's name a list of values, one value, or a text such as ``"0.1..3:log"``.

    Raises
    ------
    UnknownName
        When a name is not a setting that may vary.
    SettingError
        When a value cannot be read, or could be read in two ways.

    Examples
    --------
    >>> parse_space({"hidden": [10, (128, 64)], "learning_rate": "0.1..3:log"})["hidden"].values
    ((10,), (128, 64))
    """
    if not isinstance(given, Mapping):
        raise ArgumentTypeError(f"space must be a mapping from settings to their values; it is {given!r}")
    return {name: parse_parameter(name, value) for name, value in given.items()}


def parse_parameter(name: str, given: Any) -> Parameter:
    """Parse the values of one setting."""
    look_up("setting of a sweep", name, dict.fromkeys(setting_names()))
    if isinstance(given, (Choices, Range)):
        return given
    if isinstance(given, str):
        return parse_text(name, given)
    if isinstance(given, (set, frozenset, Mapping)):
        raise SettingError(f"{name} must be a list of values, in the order in which they are tried; it is {given!r}")
    if isinstance(given, tuple) and name in ("hidden", "activation"):
        raise SettingError(
            f"{name}={given!r} may be one value of several layers, or several values; write [{given!r}] or {list(given)!r}"
        )
    several = isinstance(given, Iterable)
    return _choices(name, [_value(name, value) for value in (given if several else [given])], repr(given))


def parse_text(name: str, text: str) -> Parameter:
    """Parse a text: values between commas, or a range ``LOW..HIGH``, then ``:log`` and for a grid a number of points.

    Layers of a network have an ``x`` between them.

    Examples
    --------
    >>> parse_text("hidden", "none,30,128x64").values
    ((), (30,), (128, 64))
    >>> parse_text("learning_rate", "0.1..10:log:3").spread()
    (0.1, 1.0, 10.0)
    >>> parse_text("batch_size", "10..20")
    Range(low=10, high=20, log=False, points=None, whole=True)
    """
    if ".." in text:
        return _parse_range(name, text)
    return _choices(name, [_value(name, _parse_value(name, word.strip(), text)) for word in text.split(",")], repr(text))


def _parse_value(name: str, word: str, text: str) -> Value:
    if not word:
        raise SettingError(f"{name} has an empty value in {text!r}; write values between commas, such as {_example(name)}")
    if name == "hidden":
        return () if word == "none" else tuple(_number(name, layer, text, whole=True) for layer in word.split("x"))
    if name == "clip" and word == "none":
        return None
    if name in WHOLE or name in NUMBERS:
        return _number(name, word, text, whole=name in WHOLE)
    return word


def _number(name: str, word: str, text: str, *, whole: bool) -> float | int:
    try:
        number = int(word) if whole else float(word)
    except ValueError:
        kind = "whole numbers" if whole else "numbers"
        raise SettingError(f"{name} takes {kind}, such as {_example(name)}; it is {text!r}") from None
    if not math.isfinite(number):
        raise SettingError(f"{name} takes finite numbers; it is {text!r}")
    return number


def _example(name: str) -> str:
    return {"hidden": "10,30,128x64 or 10..100:log", "learning_rate": "0.1,1,3 or 0.1..3:log", "batch_size": "10,32"}.get(
        name, "0,0.1 or 0..0.5" if name in NUMBERS else "1,2"
    )


def _parse_range(name: str, text: str) -> Range:
    if not (name in NUMBERS or name in WHOLE or name == "hidden"):
        raise SettingError(f"{name} takes names between commas; {text!r} is a range")
    if "," in text:
        raise SettingError(f"{name} is a range or a list of values; {text!r} is both: leave one out")
    whole = name not in NUMBERS
    ends, *rest = text.split(":")
    bounds = ends.split("..")
    if len(bounds) != 2 or "..." in ends:
        raise SettingError(f"a range is LOW..HIGH, such as 0.1..3; {name} is {text!r}")
    low, high = (_number(name, bound.strip(), text, whole=whole) for bound in bounds)
    log = rest[:1] == ["log"]
    counts = rest[log:]
    if len(counts) > 1 or (counts and not (counts[0].isascii() and counts[0].isdecimal())):
        raise SettingError(f"a range is LOW..HIGH, then :log, then for a grid :POINTS, such as 0.1..3:log:5; {name} is {text!r}")
    points = int(counts[0][:8]) if counts else None
    if points is not None and not 2 <= points <= MOST_VALUES:
        raise SettingError(f"a range has from 2 to {MOST_VALUES:,} points; {name} is {text!r}")
    if not low < high:
        raise SettingError(f"a range begins below its end; {name} is {text!r}")
    if name == "hidden" and low < 1:
        raise SettingError(f"hidden takes whole numbers of at least 1, such as {_example(name)}; it is {text!r}")
    if log and low <= 0:
        raise SettingError(f"a logarithmic range begins above 0; {name} is {text!r}")
    return Range(low, high, log, points, whole)


def _value(name: str, value: Any) -> Value:
    """Read a value as one with a cell in the table: NumPy's numbers as Python's, the layers of ``hidden`` as a tuple."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        value = tuple(_value("", entry) for entry in value)
    if name == "hidden":
        value = value if isinstance(value, tuple) else (value,)
        if not all(type(units) is int and units >= 1 for units in value):
            raise SettingError(f"hidden takes whole numbers of at least 1, such as {_example(name)}; it is {show(value)}")
    if not (value is None or isinstance(value, (int, float, str, tuple))):
        raise SettingError(
            f"{name or 'a value'} must be numbers, names or tuples of them, which the table can show; it is {value!r}"
        )
    return value


def _choices(name: str, values: Sequence[Value], given: str) -> Choices:
    if not values:
        raise SettingError(f"{name} has no value; give at least one")
    if len(values) > MOST_VALUES:
        raise SettingError(f"{name} has {len(values):,} values; at most {MOST_VALUES:,} are tried")
    repeated = [value for k, value in enumerate(values) if value in values[:k]]
    if repeated:
        shown = given if len(given) <= MOST_SHOWN else f"{given[:MOST_SHOWN]} ..."
        raise SettingError(f"{name} has the value {show(repeated[0])} twice in {shown}; give each once")
    return Choices(tuple(values))


def show(value: Value) -> str:
    """Write a value as its option takes it.

    Examples
    --------
    >>> show((128, 64)), show(()), show(0.5), show("adam")
    ('128x64', 'none', '0.5', 'adam')
    """
    if isinstance(value, tuple):
        return "x".join(map(str, value)) or "none"
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def describe(parameter: Parameter) -> str:
    """Write the values of a setting as its option takes them."""
    if isinstance(parameter, Choices):
        return ",".join(map(show, parameter.values))
    ends = f"{show(parameter.low)}..{show(parameter.high)}"
    return ends + ":log" * parameter.log + (f":{parameter.points}" if parameter.points else "")
