"""Build the documentation site, which can be read offline; a warning is an error.

Usage: ``python -m docs.site [FOLDER]``; FOLDER is build/site if not given. Needs: ``pip install '.[docs]'``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

HERE = Path(__file__).parent


EXTERNAL_RESOURCE = re.compile(
    r"""<(?:script|img|link\s[^>]*stylesheet)[^>]*(?:src|href)="(?:https?:)?//|(?:@import|url\()\s*["']?(?:https?:)?//"""
)


def with_external_resources(folder: Path) -> list[str]:
    """List the pages and style sheets that would load a script, image, font or style sheet from the network."""
    files = [file for ending in ("html", "css") for file in folder.rglob(f"*.{ending}")]
    return [str(file) for file in files if EXTERNAL_RESOURCE.search(file.read_text(encoding="utf-8"))]


def build(folder: Path) -> int:
    """Build all pages into a folder; a warning, or a reference without a target, is an error."""
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    with TemporaryDirectory() as cache:  # a cache kept from an earlier build may be stale
        return build_main(["--builder", "html", "--write-all", *strict, "--doctree-dir", cache, str(HERE), str(folder)])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "build" / "site"
    if build(target):
        sys.exit("the site has warnings, which are listed above")
    if found := with_external_resources(target):
        sys.exit(f"the site must be readable offline; these files load something from the network: {', '.join(found)}")
    print(f"open {target / 'index.html'}")
