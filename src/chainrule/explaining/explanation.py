"""An explanation that renders itself: as text, as an HTML page, and as a notebook's output."""

from __future__ import annotations

import os
from pathlib import Path

from .._atomic_write import write_atomically
from . import html_renderer, terminal_renderer
from .blocks import Document


class Explanation(Document):
    """The derivation with the numbers of one network, or of one neuron.

    ``print`` writes it to the terminal, ``save`` writes an HTML page, and a notebook displays it.

    Attributes
    ----------
    title : str
    summary : str
    sections : tuple of Section
    """

    def __str__(self) -> str:
        return terminal_renderer.to_plain_text(self, page_hint="the page that save() writes")

    def __repr__(self) -> str:
        return f"Explanation({self.title!r}: {len(self.sections)} sections; print it, or save it as a page)"

    def _repr_html_(self) -> str:
        return html_renderer.to_fragment(self)

    def html(self) -> str:
        """Return the HTML page: one self-contained text that loads nothing from the network."""
        return html_renderer.to_page(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the HTML page to a file, completely or not at all.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        write_atomically(Path(path), self.html().encode())
