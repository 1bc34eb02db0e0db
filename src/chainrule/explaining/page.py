"""An explanation as a page: one file, mathematics as MathML, pictures inside, nothing asked of the network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files

from .mathematics import to_mathml
from .model import Block, Explanation, Formulas, Gallery, Histogram, Picture, Plot, Prose, Section, Shapes, Table
from .pictures import png, strongest

PAGE_STYLE = (
    "body { margin: 0; background: #fff; } @media (prefers-color-scheme: dark) { body { background: #18191c; } } "
    "@media print { body { background: #fff; } }"
)
BAR_WIDTH, BAR_HEIGHT = 480, 90
PLOT_WIDTH, PLOT_HEIGHT, MARGIN = 480, 300, 34
PICTURE_WIDTH = 140


def as_page(explanation: Explanation) -> str:
    """Give the whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(explanation.title)}</title><style>{PAGE_STYLE}</style></head><body>{as_fragment(explanation)}</body></html>\n"
    )


def as_fragment(explanation: Explanation) -> str:
    """Give what a notebook shows, its style with it."""
    head = f"<h1>{escape(explanation.title)}</h1><p>{rich(explanation.summary)}</p>"
    sections = "\n".join(_section(section) for section in explanation.sections)
    return f'<style>{style()}</style><article class="chainrule-explanation">{head}\n{sections}</article>'


@cache
def style() -> str:
    """Read the style of an explanation."""
    return (files(__package__) / "page.css").read_text()


def rich(text: str) -> str:
    """Tell a text whose formulas stand between dollar signs, and whose code between backticks."""
    parts = re.split(r"(\$[^$]*\$|`[^`]*`)", text)
    return "".join(_part(part) for part in parts)


def _part(part: str) -> str:
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
        return f"<p>{rich(block.text)}</p>\n"
    if isinstance(block, Formulas):
        return "".join(f'<div class="formula">{to_mathml(line, block=True)}</div>\n' for line in block.lines)
    if isinstance(block, Shapes):
        return f'<div class="shapes">{escape(block.text)}</div>\n'
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Histogram):
        return _figure(rich(f"{block.title}: {block.facts}"), _bars(block))
    if isinstance(block, Picture):
        return _figure(rich(block.title), _image(block, strongest([block]), f'width="{PICTURE_WIDTH}"'))
    if isinstance(block, Gallery):
        return _figure(rich(block.title), _gallery(block.pictures))
    return _figure(rich(block.title), _plot(block))


def _figure(caption: str, inside: str) -> str:
    return f"<figure>{inside}<figcaption>{caption}</figcaption></figure>\n"


def _table(table: Table) -> str:
    caption = f"<caption>{rich(table.caption)}</caption>" if table.caption else ""
    head = "".join(f"<th>{rich(name)}</th>" for name in table.head)
    rows = "".join(
        f"<tr{' class=strong' if k == table.strong else ''}>{''.join(f'<td>{rich(cell)}</td>' for cell in row)}</tr>"
        for k, row in enumerate(table.rows)
    )
    return f'<div class="wide"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n'


def _image(picture: Picture, most: float, attributes: str = "") -> str:
    return f'<img alt="{escape(picture.title)}" {attributes} src="{png(picture, most)}">'


def _gallery(pictures: Sequence[Picture]) -> str:
    most = strongest(pictures)
    return f'<div class="gallery">{"".join(f"<div>{_image(p, most)}{escape(p.title)}</div>" for p in pictures)}</div>'


def _bars(histogram: Histogram) -> str:
    """Draw a histogram; the line marks 0 where that is inside."""
    step, most = BAR_WIDTH / len(histogram.counts), max(histogram.counts)
    drawn = "".join(
        f'<rect class="bar" x="{k * step + 0.5:.1f}" y="{BAR_HEIGHT - BAR_HEIGHT * c / most:.1f}" width="{step - 1:.1f}" '
        f'height="{BAR_HEIGHT * c / most:.1f}"/>'
        for k, c in enumerate(histogram.counts)
        if c
    )
    span = histogram.high - histogram.low
    zero = ""
    if histogram.low < 0 < histogram.high:
        at = -histogram.low / span * BAR_WIDTH
        zero = f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{BAR_HEIGHT}"/>'
        zero += f'<text x="{at:.1f}" y="{BAR_HEIGHT + 14}" text-anchor="middle">0</text>'
    return (
        f'<svg viewBox="0 0 {BAR_WIDTH} {BAR_HEIGHT + 18}" width="{BAR_WIDTH}" role="img" aria-label="histogram">{drawn}'
        f'<text x="0" y="{BAR_HEIGHT + 14}">{histogram.low:.3g}</text>'
        f'<text x="{BAR_WIDTH}" y="{BAR_HEIGHT + 14}" text-anchor="end">{histogram.high:.3g}</text>'
        f'<line class="axis" x1="0" x2="{BAR_WIDTH}" y1="{BAR_HEIGHT}" y2="{BAR_HEIGHT}"/>{zero}</svg>'
    )


def _plot(plot: Plot) -> str:
    """Draw the neuron of one input: points, answer, and errors as bars between them."""
    low_x, high_x = float(plot.line_x.min()), float(plot.line_x.max())
    low_y = min(float(plot.y.min()), float(plot.line_a.min()))
    high_y = max(float(plot.y.max()), float(plot.line_a.max()))

    def at(x: float, y: float) -> tuple[float, float]:
        across, up = (x - low_x) / ((high_x - low_x) or 1), (y - low_y) / ((high_y - low_y) or 1)
        return MARGIN + across * (PLOT_WIDTH - 2 * MARGIN), PLOT_HEIGHT - MARGIN - up * (PLOT_HEIGHT - 2 * MARGIN)

    line = " ".join("{:.1f},{:.1f}".format(*at(x, a)) for x, a in zip(plot.line_x, plot.line_a, strict=True))
    errors, points = [], []
    for x, y, a in zip(plot.x, plot.y, plot.a, strict=True):
        (left, there), (_, answer) = at(x, y), at(x, a)
        errors.append(f'<line class="error" x1="{left:.1f}" x2="{left:.1f}" y1="{there:.1f}" y2="{answer:.1f}"/>')
        points.append(f'<circle class="point" cx="{left:.1f}" cy="{there:.1f}" r="4"/>')
    bottom = PLOT_HEIGHT - MARGIN
    axes = (
        f'<line class="axis" x1="{MARGIN}" x2="{PLOT_WIDTH - MARGIN}" y1="{bottom}" y2="{bottom}"/>'
        f'<line class="axis" x1="{MARGIN}" x2="{MARGIN}" y1="{MARGIN}" y2="{bottom}"/>'
        f'<text x="{MARGIN}" y="{bottom + 16}">{low_x:.3g}</text>'
        f'<text x="{PLOT_WIDTH - MARGIN - 24}" y="{bottom + 16}">{high_x:.3g}</text>'
        f'<text x="2" y="{bottom}">{low_y:.3g}</text><text x="2" y="{MARGIN + 4}">{high_y:.3g}</text>'
    )
    return (
        f'<svg viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}" width="{PLOT_WIDTH}" role="img" aria-label="points, answer and errors">'
        f'{axes}{"".join(errors)}<polyline class="answer" points="{line}"/>{"".join(points)}</svg>'
    )
