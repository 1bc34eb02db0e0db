"""Write the table of equations, as data and as a page, from the notes and from the tags in code, kernels and tests.

Usage: ``python -m docs.equations`` writes ``src/chainrule/explaining/equations.json`` and ``docs/equations.md``; with ``--check``
it fails if one of them is out of date.

A tag is an equation's number in brackets, such as (N7), (N6, N7) or (BP1-BP4), or, at the very start of a text, without brackets:
``BP2: ...`` in a docstring, ``# BP2`` in a comment. A tag marks the place where an equation is computed or tested:

- in the docstring of a function in ``calculus/``, this function computes it; in a comment, this line does;
- in a comment above a function of the kernels, this function computes it; in a comment beside a line, this line does;
- in the docstring of a test, this test checks it.

Tags in the docstrings of modules and classes are ignored, since these texts describe several functions.
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
READING_ORDER = ["neuron", "feedforward", "initializers", "backprop", "descent", "activations", "costs", "optimizers", "dropout"]

ONE = r"(?:N1[0-2]|N[1-9]|BP[1-4])\b"
BRACKETS = rf"\({ONE}(?:(?:, |-){ONE})*\)"
TAGS = re.compile(rf"{BRACKETS}(?:-{BRACKETS})*|^{ONE}(?:, {ONE})*(?=:|$)")

Place = TypeVar("Place")


# The notes


def notes(text: str) -> dict[str, Equation]:
    """Parse the equations: rows of a table, items of a list, and the four of backpropagation in their three forms."""
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

    >>> numbers_in("Outputs, cost (N1) and gradient (N6)-(N8); N12 is mentioned without a tag.")
    ['N1', 'N6', 'N7', 'N8']
    >>> numbers_in("BP3, BP4"), numbers_in("The sums (BP3, BP4).")
    (['BP3', 'BP4'], ['BP3', 'BP4'])
    """
    tags = [part for match in TAGS.findall(text.strip()) for part in re.sub(r"[()]", "", match).split(", ")]
    ranges = [(NUMBERS.index(ends[0]), NUMBERS.index(ends[-1])) for ends in (tag.split("-") for tag in tags)]
    return list(dict.fromkeys(number for first, last in ranges for number in NUMBERS[first : last + 1]))


def without_tags(text: str) -> str:
    """Remove the tags from a comment."""
    return re.sub(rf"\s*(?:{TAGS.pattern})", "", text.strip()).strip()


# Python


def functions_in(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Iterate over the functions and methods with their qualified names."""

    def within(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                yield prefix + node.name, node
            elif isinstance(node, ast.ClassDef):
                yield from within(node.body, f"{prefix}{node.name}.")

    return within(tree.body, "")


def functions_of(module: str, text: str) -> Iterator[tuple[str, Function]]:
    """Iterate over the equations of a module of ``calculus``: first the tagged functions, then the tagged lines in others."""
    functions = list(functions_in(ast.parse(text)))
    tagged = [(number, Function(module, name)) for name, node in functions for number in numbers_in(ast.get_docstring(node) or "")]
    yield from tagged
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            for name in (name for name, node in functions if node.lineno <= token.start[0] <= (node.end_lineno or 0)):
                for number in numbers_in(token.string.removeprefix("#")):
                    if (number, Function(module, name)) not in tagged:
                        yield number, Function(module, name, token.line.strip())


def tests_of(file: str, text: str) -> Iterator[tuple[str, EquationTest]]:
    """Iterate over the equations that a file's tests check."""
    for name, node in functions_in(ast.parse(text)):
        sentence = " ".join((ast.get_docstring(node) or "").split())
        if name.startswith("test_"):
            for number in numbers_in(sentence):
                yield number, EquationTest(file, name, sentence)


# C++


def kernels_of(file: str, text: str) -> Iterator[tuple[str, Kernel]]:
    """Iterate over the equations that a kernel file computes: functions below a tagged comment, and lines beside one."""
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
    """Return the source of a function that begins at a line, with its ``template <...>``, up to the closing brace."""
    last = next(i for i in range(first, len(lines)) if lines[i].startswith("}"))
    return "\n".join(lines[first : last + 1])


def name_of(lines: list[str], at: int) -> str:
    """Return the name of the function or class that contains a line: the nearest one above that begins at the margin."""
    at_margin = re.compile(r"(?!template|static_assert|public:|private:)[A-Za-z]")
    head = next(line for line in reversed(lines[: at + 1]) if at_margin.match(line))
    match = re.match(r"(?:class|struct) (\w+)", head) or re.search(r"(\w+)\(", head)
    if match is None:
        raise ValueError(f"a tagged line must be in a function or class; the nearest line above at the margin is {head!r}")
    return match[1]


# The table


def table() -> list[Equation]:
    """Build the whole table from the source tree."""
    calculus = [ROOT / "src" / "chainrule" / "calculus" / f"{name}.py" for name in READING_ORDER]
    functions = _by_number(pair for path in calculus for pair in functions_of(f"chainrule.calculus.{path.stem}", _text(path)))
    folder = ROOT / "kernels"
    kernels = _by_number(
        pair for path in sorted(folder.rglob("*.[hc]pp")) for pair in kernels_of(path.relative_to(folder).as_posix(), _text(path))
    )
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
    """Format the table as JSON."""
    return json.dumps([asdict(equation) for equation in equations], indent=1, ensure_ascii=False) + "\n"


HEAD = """# The equations

Every equation of [the notes](notes.md), with the functions that compute it, the kernels that do so fast, and its tests.
`python -m docs.equations` makes this page from the tags in docstrings and comments; `chainrule equations BP2` shows the code.
"""


def page(equations: list[Equation]) -> str:
    """Format the table as a page, with one table for each page of the notes."""
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
    """Write both files, or exit with an error where one is out of date."""
    equations = table()
    for path, made in ((DATA, data(equations)), (PAGE, page(equations))):
        if not check:
            path.write_text(made, encoding="utf-8")
        elif not path.exists() or _text(path) != made:
            sys.exit(f"{path.relative_to(ROOT)} is out of date; write it again with: python -m docs.equations")


if __name__ == "__main__":
    main("--check" in sys.argv)
