"""``chainrule equations``: every equation of the notes, with its function, its C++ kernel and its tests."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import rich_click as click

from .options import arguments_panel, json_option
from .output import print_json, print_line

if TYPE_CHECKING:
    from ..explaining.equation_table import Equation

NUMBER_WIDTH = 6
LABEL_WIDTH = 10
MAX_WIDTH = 100
NO_BREAK = "\u00a0"  # a space at which no line is broken


def _complete_number(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from ..explaining.equation_table import equations

    return [number for number in equations() if number.startswith(incomplete.upper())]


@click.command("equations")
@arguments_panel
@click.argument(
    "number",
    required=False,
    type=str,
    help="One of them, such as BP2: its text, and the code that computes it (default: a table of all).",
    shell_complete=_complete_number,
)
@json_option()
def equations(number: str | None, as_json: bool) -> None:
    """List the equations of the notes: the function that computes each, its C++ kernel, and its tests."""
    from ..explaining import equation_table as table

    chosen = list(table.equations().values()) if number is None else [table.find_equation(number)]
    if as_json:
        entries = [equation_as_json(equation) for equation in chosen]
        print_json({"equations": entries} if number is None else entries[0])
        return
    width = min(shutil.get_terminal_size().columns, MAX_WIDTH)
    for line in overview(chosen, width) if number is None else details(chosen[0], width):
        print_line(line)


def equation_as_json(equation: Equation) -> dict[str, Any]:
    """Give the entries of a JSON object: all about an equation, and its functions' source."""
    functions = []
    for function in equation.functions:
        source, first = function.source()
        functions.append({**asdict(function), "first_line": first, "source": source})
    kernels = [{**asdict(kernel), "first_line": kernel.line()} for kernel in equation.kernels]
    return {**asdict(equation), "functions": functions, "kernels": kernels}


def overview(equations: Iterable[Equation], width: int) -> Iterator[str]:
    """Describe all equations, each with the names of its functions, kernels and tests."""
    page = ""
    for equation in equations:
        if equation.page != page:
            page = equation.page
            yield from (page, "")
        yield from wrapped(f"{equation.number:<{NUMBER_WIDTH}}", equation.text, width)
        for label, text in locations(equation):
            yield from wrapped(f"{'':{NUMBER_WIDTH}}{label:<{LABEL_WIDTH}}", text, width)
        yield ""
    yield "Files are those of src/chainrule/calculus/, kernels/ and tests/."
    yield "The code itself, of one: chainrule equations BP2"


def locations(equation: Equation) -> list[tuple[str, str]]:
    """List the functions, kernels and tests of an equation; a name and its file stay on one line."""
    functions = [f"{function.name} ({function.file}:{function.source()[1]})" for function in equation.functions]
    kernels = [f"{kernel.name} ({_file_and_line(kernel.file, kernel.line())})" for kernel in equation.kernels]
    tests = [f"{test.file}::{test.name}" for test in equation.tests]
    lines = [("in rows", equation.rows)] if equation.rows not in ("", equation.text) else []
    for label, names in (("function", functions), ("kernel", kernels)):
        lines.append((label, ", ".join(name.replace(" ", NO_BREAK) for name in names)))
    return lines + [("test" * (k == 0), test) for k, test in enumerate(tests)]


def _file_and_line(file: str, line: int | None) -> str:
    """Write a position as editors take it; without the line where the file is not available."""
    return file if line is None else f"{file}:{line}"


def details(equation: Equation, width: int) -> Iterator[str]:
    """Describe one equation: its forms, its functions and kernels with their code, its tests with their sentences."""
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
        file = _file_and_line(kernel.file, kernel.line())
        yield from ("", f"Computed in C++ {'by' if kernel.comment else 'in'} {kernel.name}, kernels/{file}", "")
        yield from wrapped("    // ", kernel.comment, width, "    // ")
        yield from _code(kernel.code)
    yield from ("", "Tested by")
    for test in equation.tests:
        yield from ("", f"    tests/{test.file}::{test.name}", *wrapped("    ", test.sentence, width))


def forms(equation: Equation) -> list[tuple[str, str]]:
    """Give an equation's text; of an equation that has other forms for a batch, all three."""
    if not equation.rows:
        return [("", equation.text)]
    return [("one example", equation.text), ("batch, columns", equation.columns), ("batch, rows", equation.rows)]


def wrapped(head: str, text: str, width: int, rest: str | None = None) -> list[str]:
    """Wrap a text beside its head; an empty text gives no line.

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
