"""What the commands say, and in which form: lines for people, one JSON object a line for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._stdout import tolerate_closed_stdout


def one_line(text: str) -> str:
    """Bring any text to one line that is safe to print: file names and model files may hold line breaks and terminal codes."""
    flat = " ".join(text.splitlines())
    return "".join(letter if letter.isprintable() else "?" for letter in flat)


def say(line: str) -> None:
    """Print a line to standard output, at once, so that a pipe sees it when it is said."""
    with tolerate_closed_stdout():
        print(one_line(line), flush=True)


def warn(line: str) -> None:
    """Print a line to standard error, under the program's name."""
    print(f"chainrule: {one_line(line)}", file=sys.stderr, flush=True)


def say_json(facts: Mapping[str, Any]) -> None:
    """Print facts as a JSON object on a line of its own; a number that is not finite becomes null, for JSON knows none."""
    line = json.dumps(_plain(facts), allow_nan=False)
    with tolerate_closed_stdout():
        print(line, flush=True)


def _plain(value: Any) -> Any:
    """Bring a value to JSON's types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass
class Teller:
    """How much a command says: notes for people, or with ``as_json`` one summary that holds them.

    Attributes
    ----------
    quiet : bool
        Leave out all but the last line.
    as_json : bool
    notes : list of str
        What was noted so far.
    """

    quiet: bool = False
    as_json: bool = False
    notes: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Say a line on the way."""
        self.notes.append(one_line(line))
        if not (self.quiet or self.as_json):
            say(line)

    def last(self, line: str, facts: Mapping[str, Any]) -> None:
        """Say how it came out."""
        if self.as_json:
            say_json({**facts, "notes": self.notes})
        elif line:
            say(line)
