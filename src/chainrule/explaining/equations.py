"""Every equation of the notes: its text, the function that computes it, the kernel line that fuses it, the test that holds it.

What is read here, ``equations.json``, is made by ``python -m docs.equations`` from the notes and from the tags, such as (N7), in
docstrings and comments: an installed package has neither kernels nor tests beside it. It holds names and text but no line numbers,
which every edit further up a file would change; they are looked up where the file is at hand.
"""

from __future__ import annotations

import inspect
import json
import textwrap
from dataclasses import dataclass
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import look_up

DATA = Path(__file__).with_name("equations.json")
KERNELS = Path(__file__).parents[3] / "kernels"
"""Where the kernels lie in a checkout; an installed package has none."""


@dataclass(frozen=True)
class Function:
    """A function of ``calculus`` that computes an equation.

    Attributes
    ----------
    module, name : str
        ``chainrule.calculus.neuron`` and ``Neuron.cost``.
    line : str
        The one line of it that does; empty where it is the whole function.
    """

    module: str
    name: str
    line: str = ""

    @property
    def file(self) -> str:
        """The file in ``calculus/``, such as ``neuron.py``."""
        return f"{self.module.rpartition('.')[2]}.py"

    def source(self) -> tuple[str, int]:
        """Give the text that computes the equation, as it stands in the running code, and the number of its first line."""
        lines, first = inspect.getsourcelines(reduce(getattr, self.name.split("."), import_module(self.module)))
        if self.line:
            at = next(k for k, line in enumerate(lines) if line.strip() == self.line)
            lines, first = lines[at : at + 1], first + at
        return textwrap.dedent("".join(lines)).rstrip(), first


@dataclass(frozen=True)
class Kernel:
    """What fuses an equation: a line of C++, or a function that a comment above it names.

    Attributes
    ----------
    file, name : str
        A path below ``kernels/``, such as ``calculus/backprop.hpp``, and the function (or class) there.
    comment, code : str
        What the comment above a function says, empty for a line; and the C++.
    """

    file: str
    name: str
    comment: str
    code: str

    def line(self) -> int | None:
        """Find the code's first line; None where the kernels are not at hand, or no longer what they were."""
        file = KERNELS / self.file
        if not file.exists():
            return None
        before, found, _ = file.read_text(encoding="utf-8").partition(self.code)
        return before.count("\n") + 1 if found else None


@dataclass(frozen=True)
class Witness:
    """A test that holds an equation: its file in ``tests/``, its function, and the sentence that it proves."""

    file: str
    name: str
    sentence: str


@dataclass(frozen=True)
class Equation:
    """One equation of the notes, and where it is computed, fused and tested.

    Attributes
    ----------
    number, page : str
        ``BP2``, and the heading of the notes that it stands under.
    text : str
        As the notes have it; of BP1-BP4 the form for one example.
    columns, rows : str
        Of BP1-BP4 the forms for a batch: the notes' and the code's.
    functions, kernels, tests : tuple
        The ones that compute, fuse and hold it; whole functions first.
    """

    number: str
    page: str
    text: str
    columns: str = ""
    rows: str = ""
    functions: tuple[Function, ...] = ()
    kernels: tuple[Kernel, ...] = ()
    tests: tuple[Witness, ...] = ()


@cache
def equations() -> dict[str, Equation]:
    """Give every equation by its number, in the notes' order."""
    return {entry["number"]: _equation(entry) for entry in json.loads(DATA.read_text(encoding="utf-8"))}


def _equation(entry: dict[str, Any]) -> Equation:
    made = {
        "functions": tuple(Function(**one) for one in entry["functions"]),
        "kernels": tuple(Kernel(**one) for one in entry["kernels"]),
        "tests": tuple(Witness(**one) for one in entry["tests"]),
    }
    return Equation(**{**entry, **made})


def find_equation(number: str) -> Equation:
    """Look an equation up by its number, however it is written: ``BP2``, ``bp2`` or ``(BP2)``.

    Examples
    --------
    >>> find_equation("n10").functions[0].name
    'feedforward'

    Raises
    ------
    UnknownName
        When the notes have no equation of that number.
    """
    return look_up("equation", number.strip(" ()").upper(), equations())
