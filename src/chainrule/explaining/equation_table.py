"""The table of the notes' equations: the text of each, the functions that compute it, its C++ kernels, and its tests.

The table is read from ``equations.json``, since an installed package has neither kernels nor tests beside it.
``python -m docs.equations`` makes that file from the notes and from the tags, such as (N7), in docstrings and comments. It stores
no line numbers, because unrelated edits would change them; they are looked up in the source files if these are available.
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

TABLE_FILE = Path(__file__).with_name("equations.json")
KERNELS = Path(__file__).parents[3] / "kernels"
"""The kernels' folder in a checkout; an installed package does not have it."""


@dataclass(frozen=True)
class Function:
    """A function of ``calculus`` that computes an equation.

    Attributes
    ----------
    module, name : str
        ``chainrule.calculus.neuron`` and ``Neuron.cost``.
    line : str
        The line of the function that computes the equation; empty if the whole function does.
    """

    module: str
    name: str
    line: str = ""

    @property
    def file(self) -> str:
        """The file in ``calculus/``, such as ``neuron.py``."""
        return f"{self.module.rpartition('.')[2]}.py"

    def source(self) -> tuple[str, int]:
        """Return the source code that computes the equation, from the running module, and the number of its first line."""
        lines, first = inspect.getsourcelines(reduce(getattr, self.name.split("."), import_module(self.module)))
        if self.line:
            offset = next(k for k, line in enumerate(lines) if line.strip() == self.line)
            lines, first = lines[offset : offset + 1], first + offset
        return textwrap.dedent("".join(lines)).rstrip(), first


@dataclass(frozen=True)
class Kernel:
    """The C++ code of an equation: a line, or a function with the equation's tag in the comment above it.

    Attributes
    ----------
    file, name : str
            A path below ``kernels/``, such as ``calculus/backprop.hpp``, and the function (or class) there.
        comment, code : str
        The comment above the function, empty for a line; and the C++ code.
    """

    file: str
    name: str
    comment: str
    code: str

    def line(self) -> int | None:
        """Find the number of the code's first line; None if the file is not available or no longer contains the code."""
        file = KERNELS / self.file
        if not file.exists():
            return None
        before, found, _ = file.read_text(encoding="utf-8").partition(self.code)
        return before.count("\n") + 1 if found else None


@dataclass(frozen=True)
class EquationTest:
    """A test of an equation: its file in ``tests/``, its function, and the sentence in its docstring."""

    file: str
    name: str
    sentence: str


@dataclass(frozen=True)
class Equation:
    """One equation of the notes, with its functions, kernels and tests.

    Attributes
    ----------
    number, page : str
        ``BP2``, and the heading of the notes above it.
    text : str
        The equation as in the notes; for BP1-BP4 the form for one example.
    columns, rows : str
        For BP1-BP4 the forms for a batch: in columns, as in the notes, and in rows, as in the code.
    functions, kernels, tests : tuple
        The Python code that computes it, its C++ code, and its tests; whole functions before single lines.
    """

    number: str
    page: str
    text: str
    columns: str = ""
    rows: str = ""
    functions: tuple[Function, ...] = ()
    kernels: tuple[Kernel, ...] = ()
    tests: tuple[EquationTest, ...] = ()


@cache
def equations() -> dict[str, Equation]:
    """Return every equation by its number, in the notes' order."""
    return {entry["number"]: _equation(entry) for entry in json.loads(TABLE_FILE.read_text(encoding="utf-8"))}


def _equation(entry: dict[str, Any]) -> Equation:
    parts = {
        "functions": tuple(Function(**one) for one in entry["functions"]),
        "kernels": tuple(Kernel(**one) for one in entry["kernels"]),
        "tests": tuple(EquationTest(**one) for one in entry["tests"]),
    }
    return Equation(**{**entry, **parts})


def find_equation(number: str) -> Equation:
    """Look up an equation by its number, written as ``BP2``, ``bp2`` or ``(BP2)``.

    Examples
    --------
    >>> find_equation("n10").functions[0].name
    'feedforward'

    Raises
    ------
    UnknownName
        If the notes have no equation of that number.
    """
    return look_up("equation", number.strip(" ()").upper(), equations())
