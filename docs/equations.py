"""Write the table of equations, as data and as a page, from the notes and from the tags in code, kernels and tests.

Usage: ``python -m docs.equations`` writes ``src/chainrule/explaining/equations.json`` and ``docs/equations.md``; with ``--check``
it fails if what is there is stale.

A tag is an equation's number in brackets, such as (N7), (N6, N7) or (BP1-BP4), or, without them, at the very start: ``BP2: ...``
in a docstring, ``# BP2`` in a comment. It says that the equation is computed, or tested, right there:

- in the docstring of a function in ``calculus/``: by this function; in a comment in one: by this line;
- in a comment above a function of the kernels: by this function; in a comment beside a line: by this line;
- in the docstring of a test: there it is held.

Docstrings of modules and classes speak of what lies in them; their tags don't count.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

from chainrule.explaining.equation_table import Equation, EquationTest, Function, Kernel

ROOT = Path(__file__).parents[1]
NOTES = ROOT / "docs" / "notes.md"
DATA = ROOT / "src" / "chainrule" / "explaining" / "equations.json"
PAGE = ROOT / "docs" / "equations.md"

NUMBERS = [f"N{k}" for k in range(1, 13)] + [f"BP{k}" for k in range(1, 5)]
READING_ORDER = ["neuron", "feedforward", "backprop", "descent", "activations", "costs", "optimizers", "dropout"]

ONE = r"(?:N1[0-2]|N[1-9]|BP[1-4])\b"
BRACKETS = rf"\({ONE}(?:(?:, |-){ONE})*\)"
TAGS = re.compile(rf"{BRACKETS}(?:-{BRACKETS})*|^{ONE}(?:, {ONE})*(?=:|$)")

Place = TypeVar("Place")


# The notes


def notes(text: str) -> dict[str, Equation]:
    """Read the equations: rows of a table, items of a list, and the four of backpropagation in their three forms."""
    found, page = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            page = line.removeprefix("## ")
        elif row := re.fullmatch(r"\| \((BP\d)\) \| (.+) \| (.+) \| (.+) \|", line):
            number, one, columns, rows = row.groups()
            found[number] = Equation(number, page, one, columns, one if rows == "the same" else rows.strip("`"))
        elif row := re.fullmatch(r"\| (.+) \| \((N\d+)\) \|", line) or re.fullmatch(r"- (.+) \((N\d+)\)", line):
            words, number = row.groups()
            found[number] = Equation(number, page, words)
    return {number: found[number] for number in NUMBERS}


# Tags


def numbers_in(text: str) -> list[str]:
    """List the equations that a docstring or comment is tagged with.

    >>> numbers_in("Answers, cost (N1) and gradient (N6)-(N8); of N12 it only speaks.")
    ['N1', 'N6', 'N7', 'N8']
    >>> numbers_in("BP3, BP4"), numbers_in("The sums (BP3, BP4).")
    (['BP3', 'BP4'], ['BP3', 'BP4'])
    """
    tags = [part for match in TAGS.findall(text.strip()) for part in re.sub(r"[()]", "", match).split(", ")]
    ranges = [(NUMBERS.index(ends[0]), NUMBERS.index(ends[-1])) for ends in (tag.split("-") for tag in tags)]
    return list(dict.fromkeys(number for first, last in ranges for number in NUMBERS[first : last + 1]))


def without_tags(text: str) -> str:
    """Take the tags out of a comment."""
    return re.sub(rf"\s*(?:{TAGS.pattern})", "", text.strip()).strip()


# Python


def functions_in(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Give each function and method with its qualified name."""

    def within(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                yield prefix + node.name, node
            elif isinstance(node, ast.ClassDef):
                yield from within(node.body, f"{prefix}{node.name}.")

    return within(tree.body, "")


def functions_of(module: str, text: str) -> Iterator[tuple[str, Function]]:
    """Give what a module of ``calculus`` computes: its whole functions, then the lines of others."""
    functions = list(functions_in(ast.parse(text)))
    whole = [(number, Function(module, name)) for name, node in functions for number in numbers_in(ast.get_docstring(node) or "")]
    yield from whole
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            for name in (name for name, node in functions if node.lineno <= token.start[0] <= (node.end_lineno or 0)):
                for number in numbers_in(token.string.removeprefix("#")):
                    if (number, Function(module, name)) not in whole:
                        yield number, Function(module, name, token.line.strip())


def tests_of(file: str, text: str) -> Iterator[tuple[str, EquationTest]]:
    """Give what the tests of a file hold."""
    for name, node in functions_in(ast.parse(text)):
        sentence = " ".join((ast.get_docstring(node) or "").split())
        if name.startswith("test_"):
            for number in numbers_in(sentence):
                yield number, EquationTest(file, name, sentence)


# C++


def kernels_of(file: str, text: str) -> Iterator[tuple[str, Kernel]]:
    """Give what a file of the kernels fuses: functions under a tagged comment, and lines beside one."""
    lines = text.splitlines()
    for k, line in enumerate(lines):
        code, slashes, comment = line.partition("//")
        numbers = numbers_in(comment) if slashes else []
        if not numbers:
            continue
        if code.strip():
            kernel = Kernel(file, name_of(lines, k), "", line.strip())
        else:
            first = next(i for i in range(k, len(lines)) if not lines[i].startswith("//"))
            kernel = Kernel(file, name_of(lines, first + 1), comment_above(lines, first), function_from(lines, first))
        for number in numbers:
            yield number, kernel


def comment_above(lines: list[str], first: int) -> str:
    """Join the comment that ends above a line."""
    start = first
    while start > 0 and lines[start - 1].startswith("//"):
        start -= 1
    return " ".join(without_tags(line.removeprefix("//")) for line in lines[start:first])


def function_from(lines: list[str], first: int) -> str:
    """Give a function that begins at a line, ``template <...>`` and all, up to the brace that closes it."""
    last = next(i for i in range(first, len(lines)) if lines[i].startswith("}"))
    return "\n".join(lines[first : last + 1])


def name_of(lines: list[str], at: int) -> str:
    """Name the function or class that a line stands in: the nearest above that begins at the margin."""
    head = next(line for line in reversed(lines[: at + 1]) if re.match(r"(?!template|static_assert)[A-Za-z]", line))
    match = re.match(r"(?:class|struct) (\w+)", head) or re.search(r"(\w+)\(", head)
    if match is None:
        raise ValueError(f"no function or class stands above a tagged line; the nearest is {head!r}")
    return match[1]


# The table


def table() -> list[Equation]:
    """Make the whole table from the source tree."""
    calculus = [ROOT / "src" / "chainrule" / "calculus" / f"{name}.py" for name in READING_ORDER]
    functions = _by_number(pair for path in calculus for pair in functions_of(f"chainrule.calculus.{path.stem}", _text(path)))
    kernels = _by_number(pair for path in sorted(ROOT.glob("kernels/*.[hc]pp")) for pair in kernels_of(path.name, _text(path)))
    tests = _by_number(pair for path in sorted(ROOT.glob("tests/test_*.py")) for pair in tests_of(path.name, _text(path)))
    return [
        replace(
            equation,
            functions=tuple(sorted(functions[number], key=lambda function: bool(function.line))),
            kernels=tuple(kernels[number]),
            tests=tuple(tests[number]),
        )
        for number, equation in notes(_text(NOTES)).items()
    ]


def _by_number(pairs: Iterator[tuple[str, Place]]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = defaultdict(list)
    for number, place in pairs:
        found[number].append(place)
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def data(equations: list[Equation]) -> str:
    """Write the table as JSON."""
    return json.dumps([asdict(equation) for equation in equations], indent=1, ensure_ascii=False) + "\n"


HEAD = """# The equations

Every equation of [the notes](notes.md), the function that computes it, the kernel line that fuses it, and the test that holds it.
This page is made from the tags in docstrings and comments by `python -m docs.equations`; `chainrule equations BP2` shows the code.
"""


def page(equations: list[Equation]) -> str:
    """Write the table as a page, a table for each page of the notes."""
    lines, heading = [HEAD], ""
    for equation in equations:
        if equation.page != heading:
            heading = equation.page
            lines += [""] * (len(lines) > 1)
            lines += [f"## {heading}", "", "| | equation | in `calculus/` | in `kernels/` | in `tests/` |", "|---|---|---|---|---|"]
        lines.append(_row(equation))
    return "\n".join(lines) + "\n"


def _row(equation: Equation) -> str:
    words = equation.text + (f"<br>`{equation.rows}`" if equation.rows != equation.text and equation.rows else "")
    functions = {f"[`{one.name}`](../src/chainrule/calculus/{one.file})": 0 for one in equation.functions}
    kernels = {f"[`{one.name}`](../kernels/{one.file})": 0 for one in equation.kernels}
    tests = {f"[`{one.name}`](../tests/{one.file})": 0 for one in equation.tests}
    cells = [f"**{equation.number}**", words.replace("|", "\\|"), *("<br>".join(links) for links in (functions, kernels, tests))]
    return f"| {' | '.join(cells)} |"


def main(check: bool) -> None:
    """Write both files, or say which is stale."""
    equations = table()
    for path, made in ((DATA, data(equations)), (PAGE, page(equations))):
        if not check:
            path.write_text(made, encoding="utf-8")
        elif not path.exists() or _text(path) != made:
            sys.exit(f"{path.relative_to(ROOT)} is stale; write it anew with: python -m docs.equations")


if __name__ == "__main__":
    main("--check" in sys.argv)
