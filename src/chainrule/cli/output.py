"""Printing: lines for people, one JSON object a line for programs, and messages on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._stdout import discard_stderr, tolerate_closed_stdout

LONGEST_MESSAGE = 2000
"""The most letters of a message."""


def as_one_line(text: str) -> str:
    """Replace line breaks by spaces and control characters by ``?``: names of files and contents of models may hold both."""
    flat = " ".join(text.splitlines())
    return "".join(letter if letter.isprintable() else "?" for letter in flat)


def print_line(line: str) -> None:
    """Print a line to standard output and flush it, so that a reader of a pipe sees it at once."""
    with tolerate_closed_stdout():
        print(as_one_line(line), flush=True)


def print_message(line: str) -> None:
    """Print a line to standard error, after the program's name; a long one without its middle: a name may have 100,000 letters.

    Where standard error cannot be written, as after its terminal was closed, there is nobody to tell.
    """
    text = as_one_line(line)
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[: LONGEST_MESSAGE - 400]} ... {text[-400:]}"
    try:
        print(f"chainrule: {text}", file=sys.stderr, flush=True)
    except OSError:
        discard_stderr()


def print_json(values: Mapping[str, Any]) -> None:
    """Print a JSON object on one line; a number that is not finite becomes null, because JSON has neither NaN nor infinity."""
    line = json.dumps(_to_json(values), allow_nan=False)
    with tolerate_closed_stdout():
        print(line, flush=True)


def _to_json(value: Any) -> Any:
    """Convert a value to JSON's types."""
    if isinstance(value, Mapping):
        return {str(key): _to_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(entry) for entry in value]
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _to_json(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass
class Reporter:
    """The report of a command that takes a while: notes and a last line for people, or with ``as_json`` one summary with the notes.

    Attributes
    ----------
    quiet : bool
        Print the last line only.
    as_json : bool
    notes : list of str
        The notes so far.
    """

    quiet: bool = False
    as_json: bool = False
    notes: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Add a note, and print it unless the report is quiet or JSON."""
        self.notes.append(as_one_line(line))
        if not (self.quiet or self.as_json):
            print_line(line)

    def summary(self, line: str, values: Mapping[str, Any]) -> None:
        """Print the result: the line, or with ``as_json`` the values and the notes."""
        if self.as_json:
            print_json({**values, "notes": self.notes})
        elif line:
            print_line(line)
