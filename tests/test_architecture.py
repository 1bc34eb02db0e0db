"""The picture of the packages, the page on it, and the files that documentation names."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGE = DOCS / "architecture.md"
pytestmark = pytest.mark.skipif(not (DOCS / "architecture.py").exists(), reason="the docs folder is not installed")

MARKDOWN = [*sorted(DOCS.rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "kernels/README.md"))]


@pytest.fixture
def generator(monkeypatch):
    """``docs.architecture``, imported from the repository."""
    monkeypatch.syspath_prepend(ROOT)
    return import_module("docs.architecture")


def test_the_picture_is_up_to_date(generator):
    """The picture in the repository is the one that the imports give; ``python -m docs.architecture`` writes it."""
    generator.main(check=True)


def test_a_stale_picture_is_reported(generator, monkeypatch, tmp_path):
    """``--check`` fails for a missing and for an old picture; writing it mends that."""
    monkeypatch.setattr(generator, "PICTURE", tmp_path / "architecture.svg")
    for old in (None, "<svg/>"):
        if old is not None:
            generator.PICTURE.write_text(old)
        with pytest.raises(SystemExit, match=r"architecture.svg is out of date; write it again with: python -m docs.architecture"):
            generator.main(check=True)
        generator.main(check=False)
        generator.main(check=True)


def test_imports_are_read(generator):
    """Absolute, relative and nested imports are found; those for type checkers, and those of other libraries, are not."""
    text = """
import numpy
import chainrule.plan
from . import protocol
from .. import examples
from ..calculus.costs import COSTS
if TYPE_CHECKING:
    from ..network import Network
def function():
    from ..errors import DataError
"""
    found = list(generator.imported_modules(generator.ast.parse(text), "chainrule.engines"))
    assert found == [
        "chainrule.plan",
        "chainrule.engines.protocol",
        "chainrule.examples",
        "chainrule.calculus.costs.COSTS",
        "chainrule.errors.DataError",
    ]
    assert [generator.top_level(name) for name in found] == ["plan", "engines", "examples", "calculus", "errors"]


def test_an_arrow_that_leads_up_is_refused(generator, monkeypatch):
    """An import of a higher layer is reported with both names."""
    placed, _ = generator.boxes()
    upwards = {**generator.imports(), "calculus": {"network"}}
    monkeypatch.setattr(generator, "imports", lambda: upwards)
    with pytest.raises(SystemExit, match="calculus imports network, which is not in a lower layer"):
        generator.arrows(placed)


def test_arrows_lead_down_and_none_is_implied_by_others(generator):
    """Every arrow leads to a lower box, every import is a path of arrows, and no arrow is a longer path as well."""
    placed, _ = generator.boxes()
    arrows = generator.arrows(placed)
    assert all(above.bottom < below.top for above, below in arrows)

    def reached(box, without=None):
        direct = [below for above, below in arrows if above is box and (above, below) != without]
        return {box}.union(*(reached(below) for below in direct))

    box_of = {name: box for box in placed for name in box.modules}
    for name, imported in generator.imports().items():
        assert {box_of[other] for other in imported if other in box_of} <= reached(box_of[name]) if name in box_of else True
    assert not any(below in reached(above, without=(above, below)) for above, below in arrows)


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_files_lead_somewhere(page):
    """Every relative link, picture and included file of a page exists in the repository."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)\s#]+)", text) + re.findall(r"\{literalinclude\} (\S+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_file_that_the_page_names_exists():
    """Each file or folder in backticks is in the repository, at its path or in ``src/chainrule``."""
    text = re.sub(r"\]\([^)]*\)", "]", PAGE.read_text(encoding="utf-8"))  # links are tested above
    named = set(re.findall(r"((?:[\w.]+/)*[\w.]+\.(?:py|hpp|md|toml|svg)|(?:\w+/)+)(?=[`\s,;:.)])", text)) - {
        "tests/cli/test_cli_NAME.py"
    }
    folders = (ROOT, ROOT / "src" / "chainrule", ROOT / "src" / "chainrule" / "explaining")
    assert len(named) > 70
    assert sorted(name for name in named if not any((folder / name).exists() for folder in folders)) == []


def test_every_name_is_in_the_file_that_the_page_gives():
    """Where the page says that names are in a file, or in two, the file has them; so has each law's test file its tests."""
    pairs = re.findall(r"((?:`[\w.]+`(?:, | and )?)+) in `([\w/.]+)`(?: and in `([\w/.]+)`)?", PAGE.read_text(encoding="utf-8"))
    checked = [(name, file) for names, *files in pairs for name in re.findall(r"[\w.]+", names) for file in files if file]
    lacking = []
    for name, file in checked:
        path = ROOT / file if (ROOT / file).exists() else ROOT / "src" / "chainrule" / file
        if not re.search(rf"\b{name.split('.')[-1]}\b", path.read_text(encoding="utf-8")):
            lacking.append((name, file))
    assert len(checked) > 40
    assert lacking == []


def test_every_law_has_a_test():
    """The table of the seam's laws has eight rows, each with a test."""
    laws = re.findall(r"^\| (\d)\. .+ \| `test_\w+`.* in `tests/[\w/.]+` \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert laws == list("12345678")
