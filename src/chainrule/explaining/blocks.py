"""The parts of an explanation, as data: sections, each with the numbers of its equations, made of a few kinds of blocks.

``explain_network`` and ``explain_neuron`` make them; ``terminal_renderer`` and ``html_renderer`` draw them. Texts may contain
formulas between dollar signs, in the markup of ``formula_markup``, and code between backticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .._types import Array


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Formulas:
    """Formulas, each on a line of its own."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Shapes:
    """The shapes of a formula's arrays, such as ``(30, 784) @ (784, 1) + (30, 1) = (30, 1)``."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells, each a text; the row at index ``highlighted`` is drawn in bold."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    highlighted: int | None = None


@dataclass(frozen=True)
class Histogram:
    """The distribution of some numbers: counts in bins of equal width from ``low`` to ``high``, and a summary in words."""

    title: str
    counts: tuple[int, ...]
    low: float
    high: float
    summary: str


@dataclass(frozen=True)
class Picture:
    """An array (height, width) drawn as a picture: grey from 0 to 1, or, if ``signed``, two colours that fade out at 0."""

    title: str
    pixels: Array
    signed: bool = False


@dataclass(frozen=True)
class Gallery:
    """Pictures of one size, drawn side by side on one colour scale."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Plot:
    """A neuron of one input: points (x, y), its outputs ``a`` at each x, and its output as a line (line_x, line_a)."""

    title: str
    x: Array
    y: Array
    a: Array
    line_x: Array
    line_a: Array


@dataclass(frozen=True)
class Strip:
    """Numbers as dots on an axis, the range ``span`` of some of them as a bar, and a ``reference`` as a line; a summary in words.

    ``labels`` are the texts of the reference and of the two ends of the axis, which are ``low`` and ``high``.
    """

    summary: str
    values: tuple[float, ...]
    span: tuple[float, float]
    reference: float
    low: float
    high: float
    labels: tuple[str, str, str]


@dataclass(frozen=True)
class Chart:
    """A drawn figure as the bytes of a PNG, and a summary in words, which stands in its place in a terminal."""

    summary: str
    png: bytes


Block: TypeAlias = Prose | Formulas | Shapes | Table | Histogram | Picture | Gallery | Plot | Strip | Chart


@dataclass(frozen=True)
class Section:
    """One step of the derivation: the numbers of its equations, a heading, and its blocks."""

    tags: tuple[str, ...]
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A title, a summary and sections: all that a renderer needs."""

    title: str
    summary: str
    sections: tuple[Section, ...]
