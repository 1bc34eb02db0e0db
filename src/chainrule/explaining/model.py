"""What an explanation is: sections, each under the number of its equation, made of a few kinds of blocks.

``network`` and ``neuron`` make one; ``terminal`` and ``page`` tell it. Texts may hold formulas between dollar signs, in the markup
of ``mathematics``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .._atomic_write import write_atomically
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
    """What a formula does to shapes, such as ``(30, 784) @ (784, 1) + (30, 1) = (30, 1)``."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells, each a text; ``strong`` is the row to look at first."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    strong: int | None = None


@dataclass(frozen=True)
class Histogram:
    """How some numbers are spread: counts in bins of equal width from ``low`` to ``high``, and their facts in words."""

    title: str
    counts: tuple[int, ...]
    low: float
    high: float
    facts: str


@dataclass(frozen=True)
class Picture:
    """Numbers as a picture (height, width): grey from 0 to 1, or ``signed``, where 0 has no colour."""

    title: str
    pixels: Array
    signed: bool = False


@dataclass(frozen=True)
class Gallery:
    """Pictures of one size and one scale, side by side."""

    title: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Plot:
    """The neuron of one input: the points, its answer as a line, and the errors as bars between them."""

    title: str
    x: Array
    y: Array
    a: Array
    line_x: Array
    line_a: Array


Block: TypeAlias = Prose | Formulas | Shapes | Table | Histogram | Picture | Gallery | Plot


@dataclass(frozen=True)
class Section:
    """One step of the derivation: the equations it is about, a heading, and what there is to see."""

    tags: tuple[str, ...]
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Explanation:
    """The derivation with the numbers of one network, or of one neuron.

    ``print`` tells it in the terminal, ``save`` writes a page, and a notebook shows it by itself.

    Attributes
    ----------
    title : str
    summary : str
    sections : tuple of Section
    """

    title: str
    summary: str
    sections: tuple[Section, ...]

    def __str__(self) -> str:
        from .terminal import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return f"Explanation({self.title!r}: {len(self.sections)} sections; print it, or save it as a page)"

    def _repr_html_(self) -> str:
        from .page import as_fragment

        return as_fragment(self)

    def html(self) -> str:
        """Give it as a page of its own, which asks nothing of the network."""
        from .page import as_page

        return as_page(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, whole or not at all.

        Raises
        ------
        FileError
            When it cannot be written.
        """
        write_atomically(Path(path), self.html().encode())
