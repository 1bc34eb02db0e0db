"""``chainrule equations``: every equation of the notes, and where it is computed, fused and tested."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from .options import flag
from .telling import say, say_json

if TYPE_CHECKING:
    from ..explaining.equation_table import Equation

INDENT = 6  # what an equation's number takes
LABEL = 10
NO_BREAK = "\u00a0"  # a space at which no line is broken


def _numbers(incomplete: str) -> list[str]:
    from ..explaining.equation_table import equations

    return [number for number in equations() if number.startswith(incomplete.upper())]


def equations(
    number: Annotated[
        str | None,
        Argument(
            metavar="NUMBER",
            help="One of them, such as BP2: its text, and the code that computes it (default: a table of all).",
            show_default=False,
            autocompletion=_numbers,
        ),
    ] = None,
    as_json: Annotated[bool, flag("--json", text="Print one JSON object instead.")] = False,
) -> None:
    """List the equations of the notes: the function that computes each, the kernel that fuses it, the test that holds it."""
    from ..explaining import equation_table as table

    chosen = list(table.equations().values()) if number is None else [table.find_equation(number)]
    if as_json:
        say_json({"equations": [facts(equation) for equation in chosen]} if number is None else facts(chosen[0]))
        return
    width = min(shutil.get_terminal_size().columns, 100)
    for line in overview(chosen, width) if number is None else details(chosen[0], width):
        say(line)


def facts(equation: Equation) -> dict[str, Any]:
    """Give all there is to an equation, the functions with their source, as JSON's types."""
    functions = []
    for function in equation.functions:
        source, first = function.source()
        functions.append({**asdict(function), "first_line": first, "source": source})
    kernels = [{**asdict(kernel), "first_line": kernel.line()} for kernel in equation.kernels]
    return {**asdict(equation), "functions": functions, "kernels": kernels}


def overview(equations: Iterable[Equation], width: int) -> Iterator[str]:
    """Tell all equations, each with the names of what computes, fuses and holds it."""
    page = ""
    for equation in equations:
        if equation.page != page:
            page = equation.page
            yield from (page, "")
        yield from wrapped(f"{equation.number:<{INDENT}}", equation.text, width)
        for label, what in places(equation):
            yield from wrapped(f"{'':{INDENT}}{label:<{LABEL}}", what, width)
        yield ""
    yield "Files are those of src/chainrule/calculus/, kernels/ and tests/."
    yield "The code itself, of one: chainrule equations BP2"


def places(equation: Equation) -> list[tuple[str, str]]:
    """Name what computes, fuses and holds an equation; a name and its place stay on one line."""
    functions = [f"{one.name} ({one.file}:{one.source()[1]})" for one in equation.functions]
    kernels = [f"{one.name} ({_place(one.file, one.line())})" for one in equation.kernels]
    tests = [f"{one.file}::{one.name}" for one in equation.tests]
    told = [("in rows", equation.rows)] if equation.rows not in ("", equation.text) else []
    told += [
        (label, ", ".join(name.replace(" ", NO_BREAK) for name in names))
        for label, names in (("function", functions), ("kernel", kernels))
    ]
    return told + [("test" * (k == 0), test) for k, test in enumerate(tests)]


def _place(file: str, line: int | None) -> str:
    """Say where, as editors take it; without its line where the file is not at hand."""
    return file if line is None else f"{file}:{line}"


def details(equation: Equation, width: int) -> Iterator[str]:
    """Tell one equation in its forms, with the code that computes it and that fuses it, and the sentences of its tests."""
    yield from (f"{equation.number}  {equation.page}", "")
    for label, text in forms(equation):
        yield from wrapped(f"{label:<{16 * bool(label)}}", text, width)
    for function in equation.functions:
        source, first = function.source()
        yield from (
            "",
            f"Computed {'in' if function.line else 'by'} {function.name}, src/chainrule/calculus/{function.file}:{first}",
            "",
        )
        yield from _code(source)
    for kernel in equation.kernels:
        yield from ("", f"Fused {'by' if kernel.comment else 'in'} {kernel.name}, kernels/{_place(kernel.file, kernel.line())}", "")
        yield from wrapped("    // ", kernel.comment, width, "    // ")
        yield from _code(kernel.code)
    yield from ("", "Held by")
    for test in equation.tests:
        yield from ("", f"    tests/{test.file}::{test.name}", *wrapped("    ", test.sentence, width))


def forms(equation: Equation) -> list[tuple[str, str]]:
    """Give an equation's text; of those that a batch has in other forms, all three."""
    if not equation.rows:
        return [("", equation.text)]
    return [("one example", equation.text), ("batch, columns", equation.columns), ("batch, rows", equation.rows)]


def wrapped(head: str, text: str, width: int, rest: str | None = None) -> list[str]:
    """Wrap a text beside its head; no text is no line.

    Examples
    --------
    >>> wrapped("N1    ", "one two three", 14)
    ['N1    one two', '      three']
    """
    rest = " " * len(head) if rest is None else rest
    lines = textwrap.wrap(text, width, initial_indent=head, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
    return [line.replace(NO_BREAK, " ") for line in lines]


def _code(source: str) -> list[str]:
    return [f"    {line}" for line in source.splitlines()]
