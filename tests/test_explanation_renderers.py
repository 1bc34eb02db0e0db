"""An explanation as text, as an HTML page and in a notebook."""

import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from explanation_helpers import ParsedPage, digit, digits_network
from rich.console import Console

import chainrule as cr
from chainrule.explaining.blocks import Document, Section, Table
from chainrule.explaining.html_renderer import to_page
from chainrule.explaining.terminal_renderer import print_to_console


@pytest.fixture(scope="module")
def explanation():
    """Explain an MNIST digit."""
    return cr.explain(digits_network(), digit())


def test_the_text_fits_a_terminal(explanation):
    """Printed, no line is wider than 100 columns, and no markup is left."""
    text = str(explanation)
    assert max(map(len, text.splitlines())) <= 100
    assert "$" not in text
    assert "\\frac" not in text
    assert "`" not in text


def test_a_shortened_gallery_says_where_the_rest_is(explanation):
    """Six pictures are drawn, and the caller's hint names the place of the others; print names ``save``, no command-line option."""
    file = io.StringIO()
    print_to_console(explanation, Console(file=file, width=100), page_hint="sheet 7")
    assert "24 more on sheet 7" in " ".join(file.getvalue().split())
    assert "24 more on the page that save() writes" in " ".join(str(explanation).split())
    assert "--html" not in str(explanation)


def test_a_notebook_shows_the_article_of_the_page(explanation):
    """``_repr_html_`` is the page's article with its style, without the page around it."""
    fragment = explanation._repr_html_()
    assert fragment in explanation.html()
    assert fragment.startswith("<style>")
    assert "<html" not in fragment


def test_the_page_is_self_contained(explanation, tmp_path):
    """The page of an MNIST digit is below 1 MB, closes its tags, embeds its pictures, and loads nothing."""
    explanation.save(tmp_path / "digit.html")
    text = (tmp_path / "digit.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    page = ParsedPage(text)
    assert page.open_tags == []
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "http" not in text
    assert "@import" not in text
    for formula in re.findall(r"<math.*?</math>", text):
        ET.fromstring(formula)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no browser here")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_without_sideways_scrolling(explanation, tmp_path, width):
    """In a real browser nothing on the page is wider than the window of a phone or a desktop; long formulas scroll on their own."""
    explanation.save(tmp_path / "digit.html")
    measure = "const d = f.contentDocument.documentElement; document.title = d.scrollWidth + ' ' + d.scrollHeight"
    frame = f'<iframe id="f" width="{width}" height="800" style="border:0" src="digit.html" onload="{measure}"></iframe>'
    (tmp_path / "frame.html").write_text(f"<title>not yet</title>{frame}")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--virtual-time-budget=5000"]
    command = [CHROMIUM, *options, "--dump-dom", (tmp_path / "frame.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    page_width, page_height = map(int, re.search(r"<title>(\d+) (\d+)</title>", dom).groups())
    assert page_width <= width
    assert page_height > 3000


def test_columns_of_words_are_wrapped():
    """A column with a word in it is of class ``words``, which the style wraps and aligns left; one of numbers is not."""
    table = Table(("layer", "rate", "result"), (("1", "95.0 %", "not examined: needs history"), ("2", "1.5 s", "")))
    page = to_page(Document("t", "s", (Section((), "n", (table,)),)))
    assert "<th>layer</th><th>rate</th><th class=words>result</th>" in page
    assert page.count("<td class=words>") == 2
