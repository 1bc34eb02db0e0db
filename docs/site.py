"""Build the documentation site, without a warning; it is read from the disk, and asks nothing of the network.

Usage: ``python -m docs.site [FOLDER]``; FOLDER is build/site if not given. Needs: ``pip install '.[docs]'``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

HERE = Path(__file__).parent


FETCHED = re.compile(
    r"""<(?:script|img|link\s[^>]*stylesheet)[^>]*(?:src|href)="(?:https?:)?//|(?:@import|url\()\s*["']?(?:https?:)?//"""
)


def fetching(folder: Path) -> list[str]:
    """Name the pages and style sheets that would ask the network for something."""
    files = [file for ending in ("html", "css") for file in folder.rglob(f"*.{ending}")]
    return [str(file) for file in files if FETCHED.search(file.read_text(encoding="utf-8"))]


def build(folder: Path) -> int:
    """Build into a folder, all pages anew; a warning, or a reference that leads nowhere, is an error."""
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    with TemporaryDirectory() as remembered:  # what is kept from a build to the next may be stale, and takes seconds to make
        return build_main(["--builder", "html", "--write-all", *strict, "--doctree-dir", remembered, str(HERE), str(folder)])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "build" / "site"
    if build(target):
        sys.exit("the site has warnings, which stand above")
    if found := fetching(target):
        sys.exit(f"the site must be readable without a network; these would fetch something: {', '.join(found)}")
    print(f"open {target / 'index.html'}")
