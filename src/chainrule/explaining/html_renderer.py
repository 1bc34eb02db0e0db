"""Renders an explanation as HTML: one file with formulas as MathML and pictures as embedded PNGs, which loads nothing."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from .blocks import Block, Chart, Document, Formulas, Gallery, Histogram, Picture, Plot, Prose, Section, Shapes, Strip, Table
from .colormap import full_scale_of, to_rgba
from .formula_markup import to_mathml

PAGE_STYLE = (
    "body { margin: 0; background: #fff; } @media (prefers-color-scheme: dark) { body { background: #18191c; } } "
    "@media print { body { background: #fff; } }"
)
BAR_WIDTH, BAR_HEIGHT = 480, 90
PLOT_WIDTH, PLOT_HEIGHT, MARGIN = 480, 300, 34
PICTURE_WIDTH = 140
_WORDS = re.compile(r"[^\W\d_]{3,}")
"""What tells a column of words, which are aligned left and wrapped, from one of numbers with their units."""

STRIP_WIDTH, STRIP_HEIGHT, STRIP_MARGIN, DOT = 480, 92, 8, 4


def to_page(document: Document) -> str:
    """Return a complete HTML page."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(document.title)}</title><style>{PAGE_STYLE}</style></head><body><main>{to_fragment(document)}</main></body></html>\n"
    )


def to_fragment(document: Document) -> str:
    """Return an ``<article>`` with its style, for a notebook's output or a page's body."""
    return f"<style>{style()}</style>{to_article(document)}"


def to_article(document: Document) -> str:
    """Return an ``<article>`` without its style, for a page that loads ``style`` as a file of its own."""
    head = f"<h1>{escape(document.title)}</h1><p>{_inline(document.summary)}</p>"
    sections = "\n".join(_section(section) for section in document.sections)
    return f'<article class="chainrule-explanation">{head}\n{sections}</article>'


@cache
def style() -> str:
    """Return the style of an article."""
    return (files(__package__) / "html_renderer.css").read_text(encoding="utf-8")


def _inline(text: str) -> str:
    """Render a text: formulas between dollar signs as MathML, and code between backticks."""
    return "".join(_inline_part(part) for part in re.split(r"(\$[^$]*\$|`[^`]*`)", text))


def _inline_part(part: str) -> str:
    if part.startswith("$") and len(part) > 1:
        return to_mathml(part[1:-1])
    if part.startswith("`") and len(part) > 1:
        return f"<code>{escape(part[1:-1])}</code>"
    return escape(part)


def _section(section: Section) -> str:
    tags = f'<span class="tag">({", ".join(section.tags)})</span>' if section.tags else ""
    return f"<section><h2>{escape(section.title)}{tags}</h2>\n{''.join(_block(block) for block in section.blocks)}</section>"


def _block(block: Block) -> str:
    if isinstance(block, Prose):
        return f"<p>{_inline(block.text)}</p>\n"
    if isinstance(block, Formulas):
        return "".join(f'<div class="formula">{to_mathml(line, block=True)}</div>\n' for line in block.lines)
    if isinstance(block, Shapes):
        return f'<div class="shapes">{escape(block.text)}</div>\n'
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Histogram):
        return _figure(_inline(f"{block.title}: {block.summary}"), _bars(block))
    if isinstance(block, Picture):
        return _figure(_inline(block.title), _image(block, full_scale_of([block]), f'width="{PICTURE_WIDTH}"'))
    if isinstance(block, Gallery):
        return _figure(_inline(block.title), _gallery(block.pictures))
    if isinstance(block, Strip):
        return _figure(_inline(block.summary), _strip(block))
    if isinstance(block, Chart):
        url = f"data:image/png;base64,{base64.b64encode(block.png).decode()}"
        return _figure(_inline(block.summary), f'<img alt="{escape(block.summary)}" class="chart" src="{url}">')
    return _figure(_inline(block.title), _plot(block))


def _figure(caption: str, inside: str) -> str:
    return f"<figure>{inside}<figcaption>{caption}</figcaption></figure>\n"


def _table(table: Table) -> str:
    caption = f"<caption>{_inline(table.caption)}</caption>" if table.caption else ""
    classes = [" class=words" if any(_WORDS.search(row[k]) for row in table.rows) else "" for k in range(len(table.header))]
    header = "".join(f"<th{kind}>{_inline(name)}</th>" for name, kind in zip(table.header, classes, strict=True))
    rows = "".join(
        f"<tr{' class=strong' if k == table.highlighted else ''}>"
        f"{''.join(f'<td{kind}>{_inline(cell)}</td>' for cell, kind in zip(row, classes, strict=True))}</tr>"
        for k, row in enumerate(table.rows)
    )
    inside = f"<table>{caption}<thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide" tabindex="0" role="group" aria-label="table">{inside}</div>\n'  # the keyboard scrolls it


def _image(picture: Picture, full_scale: float, attributes: str = "") -> str:
    return f'<img alt="{escape(picture.title)}" {attributes} src="{_png_url(picture, full_scale)}">'


def _png_url(picture: Picture, full_scale: float) -> str:
    """Return a ``data:`` URL of a PNG with one pixel for each number."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(to_rgba(picture, full_scale)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def _gallery(pictures: Sequence[Picture]) -> str:
    full_scale = full_scale_of(pictures)
    images = "".join(f"<div>{_image(p, full_scale)}{escape(p.title)}</div>" for p in pictures)
    return f'<div class="gallery">{images}</div>'


def _bars(histogram: Histogram) -> str:
    """Draw a histogram as SVG, with a line at 0 if 0 is in its range."""
    step, largest = BAR_WIDTH / len(histogram.counts), max(histogram.counts)
    rectangles = "".join(
        f'<rect class="bar" x="{k * step + 0.5:.1f}" y="{BAR_HEIGHT - BAR_HEIGHT * c / largest:.1f}" width="{step - 1:.1f}" '
        f'height="{BAR_HEIGHT * c / largest:.1f}"/>'
        for k, c in enumerate(histogram.counts)
        if c
    )
    span = histogram.high - histogram.low
    zero = ""
    if histogram.low < 0 < histogram.high:
        x = -histogram.low / span * BAR_WIDTH
        zero = f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{BAR_HEIGHT}"/>'
        zero += f'<text x="{x:.1f}" y="{BAR_HEIGHT + 14}" text-anchor="middle">0</text>'
    return (
        f'<svg viewBox="0 0 {BAR_WIDTH} {BAR_HEIGHT + 18}" width="{BAR_WIDTH}" role="img" aria-label="histogram">{rectangles}'
        f'<text x="0" y="{BAR_HEIGHT + 14}">{histogram.low:.3g}</text>'
        f'<text x="{BAR_WIDTH}" y="{BAR_HEIGHT + 14}" text-anchor="end">{histogram.high:.3g}</text>'
        f'<line class="axis" x1="0" x2="{BAR_WIDTH}" y1="{BAR_HEIGHT}" y2="{BAR_HEIGHT}"/>{zero}</svg>'
    )


def _plot(plot: Plot) -> str:
    """Draw the neuron of one input as SVG: points, the output as a line, and errors as bars between them."""
    low_x, high_x = float(plot.line_x.min()), float(plot.line_x.max())
    low_y = min(float(plot.y.min()), float(plot.line_a.min()))
    high_y = max(float(plot.y.max()), float(plot.line_a.max()))

    def position(x: float, y: float) -> tuple[float, float]:
        across, up = (x - low_x) / ((high_x - low_x) or 1), (y - low_y) / ((high_y - low_y) or 1)
        return MARGIN + across * (PLOT_WIDTH - 2 * MARGIN), PLOT_HEIGHT - MARGIN - up * (PLOT_HEIGHT - 2 * MARGIN)

    line = " ".join("{:.1f},{:.1f}".format(*position(x, a)) for x, a in zip(plot.line_x, plot.line_a, strict=True))
    errors, points = [], []
    for x, y, a in zip(plot.x, plot.y, plot.a, strict=True):
        (left, target), (_, output) = position(x, y), position(x, a)
        errors.append(f'<line class="error" x1="{left:.1f}" x2="{left:.1f}" y1="{target:.1f}" y2="{output:.1f}"/>')
        points.append(f'<circle class="point" cx="{left:.1f}" cy="{target:.1f}" r="4"/>')
    bottom = PLOT_HEIGHT - MARGIN
    axes = (
        f'<line class="axis" x1="{MARGIN}" x2="{PLOT_WIDTH - MARGIN}" y1="{bottom}" y2="{bottom}"/>'
        f'<line class="axis" x1="{MARGIN}" x2="{MARGIN}" y1="{MARGIN}" y2="{bottom}"/>'
        f'<text x="{MARGIN}" y="{bottom + 16}">{low_x:.3g}</text>'
        f'<text x="{PLOT_WIDTH - MARGIN - 24}" y="{bottom + 16}">{high_x:.3g}</text>'
        f'<text x="2" y="{bottom}">{low_y:.3g}</text><text x="2" y="{MARGIN + 4}">{high_y:.3g}</text>'
    )
    return (
        f'<svg viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}" width="{PLOT_WIDTH}" role="img" aria-label="points, output and errors">'
        f'{axes}{"".join(errors)}<polyline class="output" points="{line}"/>{"".join(points)}</svg>'
    )


def _strip(strip: Strip) -> str:
    """Draw a strip as SVG: dots stacked where they would cover each other, the bar below them, the reference across both."""
    inside = STRIP_WIDTH - 2 * STRIP_MARGIN

    def across(value: float) -> float:
        return STRIP_MARGIN + (value - strip.low) / ((strip.high - strip.low) or 1) * inside

    bottom, bar = STRIP_HEIGHT - 26, STRIP_HEIGHT - 22
    heights = stacked([across(value) for value in strip.values], 2 * DOT, (bottom - 20 - 2 * DOT) // (2 * DOT))
    dots = "".join(
        f'<circle class="dot" cx="{across(value):.1f}" cy="{bottom - DOT - 2 * DOT * level:.1f}" r="{DOT}"/>'
        for value, level in zip(strip.values, heights, strict=True)
    )
    left, right = (across(end) for end in strip.span)
    at, (reference, low, high) = across(strip.reference), (escape(label) for label in strip.labels)
    anchor = "start" if at < STRIP_WIDTH / 4 else "end" if at > 3 * STRIP_WIDTH / 4 else "middle"
    return (
        f'<svg viewBox="0 0 {STRIP_WIDTH} {STRIP_HEIGHT}" width="{STRIP_WIDTH}" role="img" aria-label="{escape(strip.summary)}">'
        f'<line class="axis" x1="0" x2="{STRIP_WIDTH}" y1="{bottom}" y2="{bottom}"/>{dots}'
        f'<rect class="span" x="{left - DOT:.1f}" y="{bar}" width="{right - left + 2 * DOT:.1f}" height="5" rx="2.5"/>'
        f'<line class="error" x1="{at:.1f}" x2="{at:.1f}" y1="16" y2="{bar + 6}"/>'
        f'<text class="reference" x="{at:.1f}" y="12" text-anchor="{anchor}">{reference}</text>'
        f'<text x="0" y="{STRIP_HEIGHT - 3}">{low}</text>'
        f'<text x="{STRIP_WIDTH}" y="{STRIP_HEIGHT - 3}" text-anchor="end">{high}</text></svg>'
    )


def stacked(positions: Sequence[float], width: float, levels: int) -> list[int]:
    """Give each dot the lowest level, from 0, on which no dot before it is nearer than ``width``; the last level takes the rest.

    Examples
    --------
    >>> stacked([0.0, 1.0, 8.0, 1.5], width=2.0, levels=2)
    [0, 1, 0, 1]
    """
    taken: list[list[float]] = [[] for _ in range(levels)]
    heights = []
    for position in positions:
        free = (k for k, dots in enumerate(taken) if all(abs(position - dot) >= width for dot in dots))
        level = next(free, levels - 1)
        taken[level].append(position)
        heights.append(level)
    return heights
