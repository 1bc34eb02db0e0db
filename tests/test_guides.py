"""The documentation's code: each example after ``>>>`` prints the output that the page shows."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "```pycon\n" in page.read_text(encoding="utf-8"))


def code_of(page):
    """Blank all lines of a page except its ``pycon`` blocks, so that line numbers stay the same."""
    inside, kept = False, []
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = line.startswith("```")
        kept.append(line if inside and not fence else "")
        inside = line == "```pycon" if fence else inside
    return "\n".join(kept)


@pytest.mark.skipif(not DOCS.is_dir(), reason="the docs folder is not installed")
def test_the_start_and_every_guide_have_code():
    """``start.md`` and every guide have at least one block of code that is run."""
    assert {DOCS / "start.md", *(DOCS / "guides").glob("*.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).with_suffix("").as_posix())
def test_a_pages_code_prints_the_shown_output(page, tmp_path, monkeypatch):
    """The blocks of a page, run in order in an empty folder, print the output that the page shows."""
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(code_of(page), {}, page.stem, str(page), 0)
    result = doctest.DocTestRunner(verbose=False).run(test)
    assert result.attempted > 0
    assert result.failed == 0
