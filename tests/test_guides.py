"""The documentation's code: what stands on a page after ``>>>`` prints what the page says."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "```pycon\n" in page.read_text(encoding="utf-8"))


def code_of(page):
    """Leave a page's ``pycon`` blocks, each on its own lines, and blank the rest."""
    inside, kept = False, []
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = line.startswith("```")
        kept.append(line if inside and not fence else "")
        inside = line == "```pycon" if fence else inside
    return "\n".join(kept)


@pytest.mark.skipif(not DOCS.is_dir(), reason="the pages are not here")
def test_there_are_pages():
    """The start and every guide have code that is run."""
    assert {DOCS / "start.md", *(DOCS / "guides").glob("*.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).with_suffix("").as_posix())
def test_a_pages_code_prints_what_it_says(page, tmp_path, monkeypatch):
    """Every block of a page, one after the other in an empty folder, prints what stands below it."""
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(code_of(page), {}, page.stem, str(page), 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0
