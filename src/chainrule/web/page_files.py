"""The page's files, read once into memory: a request can name one of these, and no path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from ..explaining.html_renderer import style

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The files that are served, by their ending; any other in the folder is left out."""


@dataclass(frozen=True)
class PageFile:
    """A file as it is served; ``tag`` changes with its contents."""

    contents: bytes
    media_type: str
    tag: str


def page_files() -> dict[str, PageFile]:
    """Read the files of ``static/`` by their address; the page itself is ``/``, and the style of explanations is beside them."""
    found = {f"/static/{name}": file for name, file in _walk(files(__package__) / "static", "")}
    if "/static/index.html" in found:
        found["/"] = found.pop("/static/index.html")
    found["/static/explanation.css"] = _page_file(style().encode(), ".css")
    return found


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, PageFile]]:
    """Read a folder and those in it; the names have slashes on every system."""
    found = []
    for entry in folder.iterdir() if folder.is_dir() else ():
        name, ending = f"{prefix}{entry.name}", f".{entry.name.rpartition('.')[2]}"
        if entry.is_dir():
            found += _walk(entry, f"{name}/")
        elif ending in MEDIA_TYPES:
            found.append((name, _page_file(entry.read_bytes(), ending)))
    return found


def _page_file(contents: bytes, ending: str) -> PageFile:
    return PageFile(contents, MEDIA_TYPES[ending], f'"{hashlib.sha256(contents).hexdigest()[:20]}"')
