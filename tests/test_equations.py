"""Every equation of the notes has a function, a kernel line and a test; the table of them, its page, and its command."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from chainrule import cli
from chainrule.errors import UnknownName
from chainrule.explaining.equations import equations, find_equation

ROOT = Path(__file__).parents[1]
NUMBERS = [f"N{k}" for k in range(1, 13)] + [f"BP{k}" for k in range(1, 5)]


@pytest.fixture
def made(monkeypatch):
    """The module that makes the table; it needs the whole source tree, which is not there where an installed package is tested."""
    if not (ROOT / "docs" / "equations.py").exists() or not (ROOT / "kernels").is_dir():
        pytest.skip("the source tree is not here")
    monkeypatch.syspath_prepend(ROOT)
    return import_module("docs.equations")


@pytest.fixture
def chainrule(capsys, monkeypatch):
    """The program: call it for the exit status, and what stood on the two outputs."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["equations", *arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def test_every_equation_is_there_in_the_notes_order():
    """The table holds all sixteen, in the notes' order, each with its text and its page; those of backpropagation with rows too."""
    assert list(equations()) == NUMBERS
    for equation in equations().values():
        assert equation.text
        assert equation.page.startswith("Page")
        assert bool(equation.rows) == equation.number.startswith("BP")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("column", ["functions", "kernels", "tests"])
def test_every_equation_is_computed_fused_and_held(column, number):
    """No equation is without a function, without a line in the kernels, or without a test."""
    assert getattr(equations()[number], column), f"tag one with ({number}), and run: python -m docs.equations"


@pytest.mark.parametrize("number", NUMBERS)
def test_functions_are_those_that_run(number):
    """Each function that the table names is there, and its source bears the equation's tag."""
    for function in equations()[number].functions:
        source, first = function.source()
        assert number[:2] in source
        assert first > 1


def test_table_and_page_are_fresh(made):
    """The data and the page in the repository are what the tags make: run ``python -m docs.equations`` after changing one."""
    table = made.table()
    assert made.DATA.read_text(encoding="utf-8") == made.data(table)
    assert made.PAGE.read_text(encoding="utf-8") == made.page(table)


def test_stale_files_are_told(made, monkeypatch, tmp_path):
    """``--check`` passes on what was written just now, and names the first file that differs and the command that writes it."""
    monkeypatch.setattr(made, "ROOT", tmp_path)
    monkeypatch.setattr(made, "table", lambda: list(equations().values()))
    monkeypatch.setattr(made, "DATA", tmp_path / "equations.json")
    monkeypatch.setattr(made, "PAGE", tmp_path / "equations.md")
    with pytest.raises(SystemExit, match=r"equations.json is out of date; write it again with: python -m docs.equations"):
        made.main(check=True)
    made.main(check=False)
    made.main(check=True)
    made.PAGE.write_text("old")
    with pytest.raises(SystemExit, match=r"equations.md is out of date"):
        made.main(check=True)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("C (N1), and its gradient (N6)-(N8)", ["N1", "N6", "N7", "N8"]),
        ("BP2: back through the weights", ["BP2"]),
        (" BP3, BP4", ["BP3", "BP4"]),
        ("all four (BP1-BP4)", ["BP1", "BP2", "BP3", "BP4"]),
        ("(N10, N12), which (N10) says twice", ["N10", "N12"]),
        ("BP3 and BP4 are spoken of; (N13), (BP5), (N0), (m, n) and PN1 are none", []),
    ],
)
def test_tags(made, text, numbers):
    """A tag stands in brackets or at the very start; what is only spoken of is none."""
    assert made.numbers_in(text) == numbers


def test_python_is_read(made):
    """A tag in a docstring is of the function, a tag beside a line of the line; a function tagged already isn't named again."""
    text = '''
class A:
    """Of (N1)."""

    def f(self):
        """It (N2)."""
        x = 1  # (N2), (N3)

def g():
    y = "(N4)"  # none
    z = 2  # BP1
'''
    found = [(number, function.name, function.line) for number, function in made.functions_of("m", text)]
    assert found == [("N2", "A.f", ""), ("N3", "A.f", "x = 1  # (N2), (N3)"), ("BP1", "g", "z = 2  # BP1")]


def test_kernels_are_read(made):
    """A tag above a function is of the whole of it, a tag beside a line of that line, and the function around is named."""
    text = """// A file: N10, of which it speaks
// z = w a + b,
// summed    (N10)
template <class T>
static void f(T *z) {
    g(z);
}

class S {
    int n = 1;  // turned (N9)
};
"""
    (ten, f), (nine, s) = made.kernels_of("a.hpp", text)
    assert (ten, f.name, f.comment) == ("N10", "f", "A file: N10, of which it speaks z = w a + b, summed")
    assert f.code == "template <class T>\nstatic void f(T *z) {\n    g(z);\n}"
    assert (nine, s.name, s.comment, s.code) == ("N9", "S", "", "int n = 1;  // turned (N9)")


def test_numbers_as_people_write_them():
    """An equation is found in small letters and in brackets; one that the notes have not is refused with those they have."""
    assert find_equation("bp2") is find_equation(" (BP2)") is equations()["BP2"]
    with pytest.raises(UnknownName, match="unknown equation 'BP5'; the names are: N1, N2,"):
        find_equation("BP5")


def test_the_table_fits_a_terminal(chainrule):
    """``chainrule equations`` tells every equation within 80 columns, each with its function, kernel and test."""
    code, out, err = chainrule()
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for number, equation in equations().items():
        assert f"\n{number:<6}{equation.text[:30]}" in out
        assert f"{equation.tests[0].file}::{equation.tests[0].name}" in out
    assert out.count("  function  ") == out.count("  kernel    ") == out.count("  test      ") == 16


def test_one_equation_is_shown_with_its_code(chainrule):
    """``chainrule equations BP2`` shows its forms, the function's source as it runs, the kernel, and what the tests say."""
    code, out, err = chainrule("bp2")
    assert (code, err) == (0, "")
    bp2 = equations()["BP2"]
    assert "((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ)" in out
    assert "        g = delta @ w_next\n" in out
    assert "    static void send_back(" in out
    for test in bp2.tests:
        assert f"tests/{test.file}::{test.name}" in out


def test_where_no_kernels_lie_they_are_shown_all_the_same(chainrule, monkeypatch, tmp_path):
    """An installed package shows the kernels' code, and says the file without a line."""
    monkeypatch.setattr("chainrule.explaining.equations.KERNELS", tmp_path)
    _, out, _ = chainrule("N1")
    assert "Fused in half_square, kernels/output.hpp\n" in out
    assert "return sum / 2;" in out


def test_as_data(chainrule):
    """``--json`` prints one object: all equations, or all of one, the functions with their source."""
    _, out, _ = chainrule("--json")
    assert [equation["number"] for equation in json.loads(out)["equations"]] == NUMBERS
    _, out, _ = chainrule("N8", "--json")
    told = json.loads(out)
    assert told["functions"][0]["source"].startswith("def gradient_b(e: Array)")
    assert told["kernels"][0]["file"] == "backward.hpp"


def test_an_unknown_number_is_a_mistake(chainrule):
    """A number that is none ends with status 2 and a line that lists those there are."""
    code, out, err = chainrule("N13")
    assert (code, out) == (2, "")
    assert err.startswith("chainrule: error: unknown equation 'N13'")
