"""Draw the library's packages and modules, and which imports which, from the import statements in ``src/chainrule``.

Usage: ``python -m docs.architecture`` writes docs/architecture.svg; with ``--check`` it fails if that file is out of date.

The rows are the layers of the first import-linter contract in pyproject.toml. A box is a package, or the single-file modules of one
layer. An arrow leads from a box to one that it imports; it is left out where a longer path of arrows leads there too.
"""

from __future__ import annotations

import ast
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "chainrule"
PICTURE = ROOT / "docs" / "architecture.svg"

LAST_DRAWN = "calculus"
"""The modules of all layers below this one are in one strip at the bottom, without arrows."""

WIDTH = 960
PLACES = {  # the left and right edge of each box, by one of the names in it
    "cli": (20, 940),
    "web": (60, 530),
    "book": (736, 940),
    "loading": (400, 560),
    "exporting": (180, 380),
    "sweeping": (603, 728),
    "diagnosing": (20, 142),
    "explaining": (20, 180),
    "plotting": (630, 740),
    "datasets": (790, 940),
    "estimators": (250, 450),
    "recipes": (250, 460),
    "replay": (470, 600),
    "population": (300, 530),
    "training": (300, 650),
    "distributed": (400, 650),
    "run_checkpoints": (300, 560),
    "streamed_data": (300, 650),
    "run_position": (300, 650),
    "progress": (250, 650),
    "checkpoints": (180, 650),
    "epoch_table": (180, 650),
    "history": (250, 800),
    "network": (90, 650),
    "engines": (90, 380),
    "model_file": (400, 650),
    "tables": (670, 830),
    "tensor_file": (520, 650),
    "plan": (250, 940),
    "examples": (560, 940),
    "piecewise_inputs": (560, 940),
    "calculus": (330, 940),
}
KERNELS = (20, 250)
STRIP = (20, 940)
DESCRIPTIONS = {
    "cli": "the command line: one file a command",
    "web": "the page: draw a digit, watch a training",
    "book": "Nielsen's book: its own modules",
    "loading": "load: a network, or a table's estimator",
    "exporting": "export: a network in JavaScript",
    "sweeping": "sweep: many settings, in threads or on Ray",
    "diagnosing": "what went wrong in a training, and what to try",
    "explaining": "explanations, the gradient check, homework",
    "plotting": "figures, and the numbers in them",
    "datasets": "MNIST, tables, pictures",
    "estimators": "scikit-learn's interface",
    "recipes": "a table's training, with measured settings",
    "replay": "the book's experiments, many seeds",
    "population": "many networks at once",
    "training": "Run and train: the loop over epochs",
    "distributed": "workers on Ray, and what they exchange",
    "run_checkpoints": "when a Run is saved, and where its steps are computed",
    "streamed_data": "rows of files as the data of a Run",
    "run_position": "where a Run is, and its checked data",
    "progress": "the parts of a training, one subject a file",
    "checkpoints": "a training that was killed goes on",
    "epoch_table": "the records of a fit's epochs",
    "history": "a training's records, blocks and learning rates; standardized inputs, a table's model, signals held back",
    "network": "Network: the parameters, and methods that call an engine",
    "engines": "the seam, and the two engines: reference and fused",
    "model_file": "a network in a file",
    "tables": "read, of seven kinds, prepared",
    "tensor_file": "the container of a file",
    "plan": "the data that crosses the seam, and the inputs a model accepts",
    "examples": "checked x and y",
    "piecewise_inputs": "columns that engines expand",
    "calculus": "the notes' equations as functions of NumPy arrays",
}

GAP, PADDING, LINE = 36, 12, 20
BLUE, SAND, GREY, INK, ARROW = "#e3ecf7", "#f8e8d2", "#ececec", "#1b2733", "#7b8896"


@dataclass(frozen=True)
class Box:
    """A rectangle with its text; ``modules`` are the top-level names in it."""

    modules: tuple[str, ...]
    left: int
    right: int
    top: int
    titles: tuple[str, ...]
    words: tuple[str, ...]
    fill: str = BLUE

    @property
    def bottom(self) -> int:
        """The y of the lower edge."""
        return self.top + 2 * PADDING + LINE * (len(self.titles) + len(self.words)) - 4


# The imports


def layers() -> list[list[str]]:
    """Read the layers from pyproject.toml, the highest first: each lists the top-level names in it."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return [[name.strip().removeprefix("chainrule.") for name in layer.split("|")] for layer in contracts[0]["layers"]]


def top_level(name: str) -> str:
    """Give the part of a module's name after ``chainrule.``: ``engines`` for ``chainrule.engines.fused``."""
    return f"{name}.".split(".")[1]


def imported_modules(tree: ast.AST, package: str) -> Iterator[str]:
    """Iterate over the modules of chainrule that a module imports, those in functions included, those for type checkers not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("chainrule."))
        if isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            if base.startswith("chainrule"):
                yield from (f"{base}.{alias.name}" for alias in node.names)
        yield from imported_modules(node, package)


def imports() -> dict[str, set[str]]:
    """Give the top-level names that each top-level name imports."""
    names = {name for layer in layers() for name in layer}
    found: dict[str, set[str]] = {name: set() for name in names}
    for path in sorted(PACKAGE.rglob("*.py")):
        parents = ["chainrule", *path.relative_to(PACKAGE).parent.parts]
        importer = top_level(".".join([*parents, path.stem]))
        if importer not in ("__init__", "__main__"):
            if importer not in names:
                sys.exit(f"src/chainrule/{importer} is in no layer of the import contract; add it to one in pyproject.toml")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found[importer] |= {top_level(name) for name in imported_modules(tree, ".".join(parents))} & names - {importer}
    return found


# The boxes


def rows() -> list[list[tuple[str, ...]]]:
    """Group the names of each drawn layer into boxes: a package is one, and the single-file modules together are another."""
    grouped: list[list[tuple[str, ...]]] = []
    for layer in layers():
        packages: list[tuple[str, ...]] = [(name,) for name in layer if (PACKAGE / name).is_dir()]
        modules = tuple(name for name in layer if not (PACKAGE / name).is_dir())
        grouped.append([*packages, modules] if modules else packages)
        if LAST_DRAWN in layer:
            return grouped
    raise ValueError(f"no layer has {LAST_DRAWN}")


def boxes() -> tuple[list[Box], list[Box]]:
    """Place the boxes of Python, then those without arrows: the kernels, and the strip of helpers."""
    placed: list[Box] = []
    top = GAP // 2
    for row in rows():
        placed_here = [box_of(modules, top) for modules in row]
        placed += placed_here
        top = max(box.bottom for box in placed_here) + GAP
    last = placed[-1]
    folders = sorted(folder.name for folder in (ROOT / "kernels").iterdir() if folder.is_dir())
    words = wrapped(f"C++, called by engines/fused.py: {', '.join(folders)}", KERNELS, 14)
    kernels = Box((), *KERNELS, last.top, ("kernels/",), words, SAND)
    drawn = {name for box in placed for name in box.modules}
    helpers = [name for layer in layers() for name in layer if name not in drawn]
    titles = wrapped(" · ".join(helpers), STRIP, 16)
    strip = Box((), *STRIP, max(last.bottom, kernels.bottom) + GAP, titles, ("helpers, which every box may import",), GREY)
    return placed, [kernels, strip]


def box_of(modules: tuple[str, ...], top: int) -> Box:
    """Place a box of Python."""
    key = next((name for name in modules if name in PLACES), None)
    if key is None:
        sys.exit(f"{modules[0]} has no place in the picture; add it to PLACES and DESCRIPTIONS in docs/architecture.py")
    names = [f"{name}/" if (PACKAGE / name).is_dir() else f"{name}.py" for name in modules]
    place = PLACES[key]
    return Box(modules, *place, top, wrapped(" · ".join(names), place, 16), wrapped(DESCRIPTIONS[key], place, 14))


def wrapped(text: str, place: tuple[int, int], size: int) -> tuple[str, ...]:
    """Break a text into lines that fit between two edges at a size of letters."""
    letters = int((place[1] - place[0] - 2 * PADDING) / (0.55 * size))
    return tuple(textwrap.wrap(text, letters, break_long_words=False))


# The arrows


def arrows(placed: list[Box]) -> list[tuple[Box, Box]]:
    """Give the pairs of boxes where the first imports the second and no longer path leads there."""
    found = imports()
    below = {box: {other for other in placed if other is not box and _imports(found, box, other)} for box in placed}
    for box, others in below.items():
        for other in others:
            if other.top <= box.top:
                sys.exit(f"{' or '.join(box.modules)} imports {' or '.join(other.modules)}, which is not in a lower layer")

    def reached(box: Box) -> set[Box]:
        return below[box].union(*(reached(other) for other in below[box]))

    return [
        (box, other)
        for box in placed
        for other in placed
        if other in below[box] and not any(other in reached(between) for between in below[box])
    ]


def _imports(found: dict[str, set[str]], box: Box, other: Box) -> bool:
    return any(found[name] & set(other.modules) for name in box.modules)


def path_of(box: Box, other: Box, obstacles: list[Box], taken: list[int]) -> int:
    """Choose the x of an arrow that leads down: beside the boxes between the two, nearest to the middle of the narrower one.

    It is in both boxes where they overlap; where the other one is farther right, the arrow leaves the box at its side.
    """
    left, right = max(box.left, other.left) + 14, (other.right if box.right < other.left else min(box.right, other.right)) - 14
    between = [one for one in obstacles if box.top < one.top < other.top]
    free = [
        x
        for x in range(left, right + 1)
        if not any(one.left - 10 <= x <= one.right + 10 for one in between) and all(abs(x - used) >= 14 for used in taken)
    ]
    if not free:
        ends = f"{box.modules[0]} to {other.modules[0]}"
        sys.exit(f"no straight arrow leads from {ends}; move a box in PLACES of docs/architecture.py")
    middle = min((box, other), key=lambda one: one.right - one.left)
    return min(free, key=lambda x: abs(x - (middle.left + middle.right) // 2))


# The picture


def picture() -> str:
    """Draw the boxes and the arrows as SVG. The colours can be read on a light and on a dark background."""
    placed, others = boxes()
    kernels, strip = others
    height = strip.bottom + GAP // 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img"',
        ' font-family="system-ui, Segoe UI, Roboto, DejaVu Sans, sans-serif" text-anchor="middle">',
        "<title>The packages and modules of chainrule, and which imports which</title>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"',
        f' orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{ARROW}"/></marker></defs>',
    ]
    taken: dict[Box, list[int]] = {box: [] for box in placed}
    for box, other in arrows(placed):
        x = path_of(box, other, placed, taken[box] + taken[other])
        taken[box].append(x)
        taken[other].append(x)
        if x > box.right:
            y = (box.top + box.bottom) // 2
            lines.append(f'<path d="M{box.right} {y}H{x}" stroke="{ARROW}" stroke-width="1.8"/>')
            lines.append(line(x, y, x, other.top - 3))
        else:
            lines.append(line(x, box.bottom, x, other.top - 3))
    engines = next(box for box in placed if "engines" in box.modules)
    lines.append(line(170, engines.bottom, 170, kernels.top - 3, "5 4"))
    middle = (kernels.top + placed[-1].bottom) // 2
    lines.append(line(kernels.right + 4, middle, placed[-1].left - 4, middle, "5 4", both=True))
    lines.append(f'<text x="{(kernels.right + placed[-1].left) // 2}" y="{middle - 8}" font-size="14" fill="{ARROW}">mirror</text>')
    for box in [*placed, *others]:
        lines += drawing(box)
    return "\n".join([*lines, "</svg>", ""])


def line(x1: int, y1: int, x2: int, y2: int, dashes: str = "none", both: bool = False) -> str:
    """Draw an arrow, with a head at both ends where asked."""
    start = ' marker-start="url(#head)"' if both else ""
    ends = f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
    return f'<line {ends} stroke="{ARROW}" stroke-width="1.8" stroke-dasharray="{dashes}"{start} marker-end="url(#head)"/>'


def drawing(box: Box) -> list[str]:
    """Draw a box: its names in bold, and below them its description."""
    x, y = (box.left + box.right) // 2, box.top + PADDING + 13
    size = f'width="{box.right - box.left}" height="{box.bottom - box.top}"'
    lines = [f'<rect x="{box.left}" y="{box.top}" {size} rx="7" fill="{box.fill}" stroke="{ARROW}"/>']
    for k, text in enumerate((*box.titles, *box.words)):
        font = 'font-size="16" font-weight="600"' if k < len(box.titles) else 'font-size="14"'
        lines.append(f'<text x="{x}" y="{y + LINE * k}" {font} fill="{INK}">{escape(text)}</text>')
    return lines


def main(check: bool) -> None:
    """Write the picture, or exit with an error where it is out of date."""
    made = picture()
    if not check:
        PICTURE.write_text(made, encoding="utf-8")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != made:
        sys.exit(f"{PICTURE.name} is out of date; write it again with: python -m docs.architecture")


if __name__ == "__main__":
    main("--check" in sys.argv)
