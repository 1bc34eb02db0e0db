"""An explanation as text for the terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .mathematics import to_text
from .model import Block, Explanation, Formulas, Gallery, Histogram, Picture, Plot, Prose, Section, Shapes, Table
from .pictures import bars, colours, halved, on, strongest

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDTH = 100
SHOWN = 6  # pictures of a gallery
BACKGROUND = 20  # the grey that faint colours fade to
PLOT_ROWS, PLOT_COLUMNS = 16, 60


def plain(text: str) -> str:
    """Tell a text whose formulas stand between dollar signs, and whose code between backticks."""
    said = re.sub(r"\$([^$]*)\$", lambda found: to_text(found[1]), text)
    return said.replace("`", "")


def as_text(explanation: Explanation) -> str:
    """Give the whole explanation as plain text, without colours; pictures as shades of blocks."""
    from rich.console import Console

    file = io.StringIO()
    show(explanation, Console(file=file, width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False))
    return file.getvalue()


def show(explanation: Explanation, console: Console) -> None:
    """Tell an explanation on a console of rich's."""
    from rich.rule import Rule
    from rich.text import Text

    console.print(Text(explanation.title, style="bold"))
    console.print(Text(plain(explanation.summary)))
    for section in explanation.sections:
        console.print()
        console.print(Rule(Text(heading(section)), align="left", style="dim"))
        for block in section.blocks:
            for part in _renderables(block, colour=console.color_system is not None):
                console.print(part)


def heading(section: Section) -> str:
    """Name a section: its title, and the numbers of its equations."""
    return f"{section.title}  ({', '.join(section.tags)})" if section.tags else section.title


def _renderables(block: Block, colour: bool) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    if isinstance(block, Prose):
        yield Text(plain(block.text))
    elif isinstance(block, Formulas):
        for line in block.lines:
            yield Padding(Text(to_text(line), style="bold"), (0, 0, 0, 4))
    elif isinstance(block, Shapes):
        yield Padding(Text(block.text, style="cyan"), (0, 0, 0, 4))
    elif isinstance(block, Table):
        yield Padding(_table(block), (0, 0, 0, 4))
    elif isinstance(block, Histogram):
        yield Padding(Text(f"{plain(block.title)}  {plain(block.facts)}\n{bars(block.counts)}"), (0, 0, 0, 4))
    elif isinstance(block, Picture):
        yield Padding(_picture([block], block.title, colour), (0, 0, 0, 4))
    elif isinstance(block, Gallery):
        yield Padding(_gallery(block, colour), (0, 0, 0, 4))
    elif isinstance(block, Plot):
        yield Padding(Text(_plot(block)), (0, 0, 0, 4))


def _table(table: Table) -> RenderableType:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, caption=plain(table.caption) or None, caption_justify="left")
    for name in table.head:
        drawn.add_column(Text(plain(name)), justify="right")
    for k, row in enumerate(table.rows):
        drawn.add_row(*(Text(plain(cell)) for cell in row), style="bold" if k == table.strong else None)
    return drawn


def _picture(pictures: list[Picture], title: str, colour: bool) -> RenderableType:
    """Draw pictures of one size side by side, two rows of numbers in a line of half blocks."""
    from rich.text import Text

    most = strongest(pictures)
    seen = [on(BACKGROUND, colours(picture, most)) for picture in pictures]
    height = seen[0].shape[0]
    drawn = Text(plain(title) + "\n")
    for row in range(0, height, 2):
        for k, flat in enumerate(seen):
            upper, lower = flat[row], flat[row + 1] if row + 1 < height else np.full_like(flat[row], BACKGROUND)
            drawn.append("  " if k else "")
            if colour:
                for above, below in zip(upper, lower, strict=True):
                    drawn.append("▀", f"rgb({above[0]},{above[1]},{above[2]}) on rgb({below[0]},{below[1]},{below[2]})")
            else:
                shades = (upper.max(axis=1).astype(int) + lower.max(axis=1)) // 2
                drawn.append("".join(" ░▒▓█"[min(4, max(0, int(shade) - BACKGROUND) // 47)] for shade in shades))
        drawn.append("\n")
    drawn.rstrip()
    return drawn


def _gallery(gallery: Gallery, colour: bool) -> RenderableType:
    """Draw the first of the pictures, smaller; a page has them all."""
    shown = [Picture(p.title, halved(p.pixels), p.signed) for p in gallery.pictures[:SHOWN]]
    rest = len(gallery.pictures) - len(shown)
    names = ", ".join(p.title for p in shown) + (f"; {rest} more on the page that --html writes" if rest else "")
    return _picture(shown, f"{gallery.title}\n{names}", colour)


def _plot(plot: Plot) -> str:
    """Draw the neuron of one input in characters: o a point, - the answer, | an error."""
    low_x, high_x = float(plot.line_x.min()), float(plot.line_x.max())
    low_y, high_y = (f(f(plot.y), f(plot.line_a)) for f in (min, max))
    grid = [[" "] * PLOT_COLUMNS for _ in range(PLOT_ROWS)]

    def column(x: float) -> int:
        return min(PLOT_COLUMNS - 1, round((x - low_x) / ((high_x - low_x) or 1) * (PLOT_COLUMNS - 1)))

    def row(y: float) -> int:
        return PLOT_ROWS - 1 - min(PLOT_ROWS - 1, round((y - low_y) / ((high_y - low_y) or 1) * (PLOT_ROWS - 1)))

    for x, a in zip(plot.line_x, plot.line_a, strict=True):
        grid[row(float(a))][column(float(x))] = "-"
    for x, y, a in zip(plot.x, plot.y, plot.a, strict=True):
        between = sorted((row(float(y)), row(float(a))))
        for k in range(between[0] + 1, between[1]):
            grid[k][column(float(x))] = "|"
        grid[row(float(y))][column(float(x))] = "o"
    return plain(plot.title) + "\n" + "\n".join("".join(line).rstrip() for line in grid)
