"""Renders an explanation as text: on a rich console with colours, or as plain text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._types import Array
from .blocks import Block, Chart, Document, Formulas, Gallery, Histogram, Picture, Plot, Prose, Section, Shapes, Strip, Table
from .colormap import Colors, full_scale_of, to_rgba
from .formula_markup import to_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

WIDTH = 100
PICTURES_SHOWN = 6  # of a gallery
BACKGROUND = 20  # the grey level that transparent colours are drawn over
SHADES = " ░▒▓█"
BARS = " ▁▂▃▄▅▆▇█"
PLOT_ROWS, PLOT_COLUMNS = 16, 60
STRIP_COLUMNS = 50


def to_plain_text(document: Document, page_hint: str) -> str:
    """Render the whole document without colours; pictures become shaded blocks.

    ``page_hint`` says where all pictures of a shortened gallery are, such as "the page that save() writes".
    """
    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    print_to_console(document, console, page_hint)
    return file.getvalue()


def print_to_console(document: Document, console: Console, page_hint: str) -> None:
    """Print a document on a rich console; ``page_hint`` says where all pictures of a shortened gallery are."""
    from rich.rule import Rule
    from rich.text import Text

    console.print(Text(document.title, style="bold"))
    console.print(Text(_without_markup(document.summary)))
    for section in document.sections:
        console.print()
        console.print(Rule(Text(_heading(section)), align="left", style="dim"))
        for block in section.blocks:
            for renderable in _renderables(block, console.color_system is not None, page_hint):
                console.print(renderable)


def _without_markup(text: str) -> str:
    """Replace formulas between dollar signs by their text, and drop the backticks around code."""
    text = re.sub(r"\$([^$]*)\$", lambda formula: to_text(formula[1]), text)
    return text.replace("`", "")


def _heading(section: Section) -> str:
    return f"{section.title}  ({', '.join(section.tags)})" if section.tags else section.title


def _renderables(block: Block, colour: bool, page_hint: str) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    indent = (0, 0, 0, 4)
    if isinstance(block, Prose):
        yield Text(_without_markup(block.text))
    elif isinstance(block, Formulas):
        for line in block.lines:
            yield Padding(Text(to_text(line), style="bold"), indent)
    elif isinstance(block, Shapes):
        yield Padding(Text(block.text, style="cyan"), indent)
    elif isinstance(block, Table):
        yield Padding(_table(block), indent)
    elif isinstance(block, Histogram):
        caption = f"{_without_markup(block.title)}  {_without_markup(block.summary)}"
        yield Padding(Text(f"{caption}\n{bars(block.counts)}"), indent)
    elif isinstance(block, Picture):
        yield Padding(_pictures([block], block.title, colour), indent)
    elif isinstance(block, Gallery):
        yield Padding(_gallery(block, colour, page_hint), indent)
    elif isinstance(block, Plot):
        yield Padding(Text(_plot(block)), indent)
    elif isinstance(block, Strip):
        yield Padding(Text(f"{_without_markup(block.summary)}\n{strip_line(block)}"), indent)
    elif isinstance(block, Chart):
        yield Padding(Text(_without_markup(block.summary)), indent)


def _table(table: Table) -> RenderableType:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    caption = _without_markup(table.caption) or None
    rich_table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, caption=caption, caption_justify="left")
    for name in table.header:
        rich_table.add_column(Text(_without_markup(name)), justify="right")
    for k, row in enumerate(table.rows):
        cells = (Text(_without_markup(cell)) for cell in row)
        rich_table.add_row(*cells, style="bold" if k == table.highlighted else None)
    return rich_table


def bars(counts: Sequence[int]) -> str:
    """Draw a histogram in one line of block characters; a count above 0 is always visible."""
    largest = max(counts, default=0)
    return "".join(BARS[0 if not c else max(1, round(c / largest * (len(BARS) - 1)))] for c in counts)


def _gallery(gallery: Gallery, colour: bool, page_hint: str) -> RenderableType:
    """Draw the first of the pictures at half size."""
    shown = [Picture(p.title, half_size(p.pixels), p.signed) for p in gallery.pictures[:PICTURES_SHOWN]]
    remaining = len(gallery.pictures) - len(shown)
    names = ", ".join(p.title for p in shown)
    if remaining:
        names += f"; {remaining} more on {page_hint}"
    return _pictures(shown, f"{gallery.title}\n{names}", colour)


def half_size(pixels: Array) -> Array:
    """Average blocks of 2 x 2 pixels; an odd last row or column is averaged with itself."""
    height, width = (side + side % 2 for side in pixels.shape)
    even = np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1])), mode="edge")
    half: Array = even.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return half


def _pictures(pictures: Sequence[Picture], title: str, colour: bool) -> RenderableType:
    """Draw pictures of one size side by side, two rows of pixels in each line of half-block characters."""
    from rich.text import Text

    full_scale = full_scale_of(pictures)
    images = [_over_background(to_rgba(picture, full_scale)) for picture in pictures]
    drawing = Text(_without_markup(title) + "\n")
    for row in range(0, images[0].shape[0], 2):
        for k, image in enumerate(images):
            drawing.append("  " if k else "")
            upper = image[row]
            lower = image[row + 1] if row + 1 < len(image) else np.full_like(upper, BACKGROUND)
            if colour:
                _append_half_blocks(drawing, upper, lower)
            else:
                drawing.append(_shades(upper, lower))
        drawing.append("\n")
    drawing.rstrip()
    return drawing


def _over_background(rgba: Colors) -> Colors:
    """Blend colours over the grey background; (height, width, 3)."""
    opacity = rgba[..., 3:] / 255
    rgb: Colors = np.round(opacity * rgba[..., :3] + (1 - opacity) * BACKGROUND).astype(np.uint8)
    return rgb


def _append_half_blocks(drawing: Text, upper: Colors, lower: Colors) -> None:
    for above, below in zip(upper, lower, strict=True):
        drawing.append("▀", f"rgb({above[0]},{above[1]},{above[2]}) on rgb({below[0]},{below[1]},{below[2]})")


def _shades(upper: Colors, lower: Colors) -> str:
    levels = (upper.max(axis=1).astype(int) + lower.max(axis=1)) // 2
    return "".join(SHADES[min(4, max(0, int(level) - BACKGROUND) // 47)] for level in levels)


def _plot(plot: Plot) -> str:
    """Draw the neuron of one input in characters: o a point, - the output, | an error."""
    low_x, high_x = float(plot.line_x.min()), float(plot.line_x.max())
    low_y, high_y = (extreme(extreme(plot.y), extreme(plot.line_a)) for extreme in (min, max))
    grid = [[" "] * PLOT_COLUMNS for _ in range(PLOT_ROWS)]

    def column(x: float) -> int:
        return min(PLOT_COLUMNS - 1, round((x - low_x) / ((high_x - low_x) or 1) * (PLOT_COLUMNS - 1)))

    def row(y: float) -> int:
        return PLOT_ROWS - 1 - min(PLOT_ROWS - 1, round((y - low_y) / ((high_y - low_y) or 1) * (PLOT_ROWS - 1)))

    for x, a in zip(plot.line_x, plot.line_a, strict=True):
        grid[row(float(a))][column(float(x))] = "-"
    for x, y, a in zip(plot.x, plot.y, plot.a, strict=True):
        top, bottom = sorted((row(float(y)), row(float(a))))
        for k in range(top + 1, bottom):
            grid[k][column(float(x))] = "|"
        grid[row(float(y))][column(float(x))] = "o"
    return _without_markup(plot.title) + "\n" + "\n".join("".join(line).rstrip() for line in grid)


def strip_line(strip: Strip) -> str:
    """Draw a strip in one line of characters: o a number, | the reference, which hides numbers at its place."""
    line = [" "] * STRIP_COLUMNS
    for mark, values in (("o", strip.values), ("|", (strip.reference,))):
        for value in values:
            line[round((value - strip.low) / ((strip.high - strip.low) or 1) * (STRIP_COLUMNS - 1))] = mark
    reference, low, high = strip.labels
    return f"{low} {''.join(line)} {high}  (|: {reference})"
