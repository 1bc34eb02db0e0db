"""Every equation of the notes has a function, a kernel and a test; the table of them, its page, and its command."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from chainrule import cli
from chainrule.errors import UnknownName
from chainrule.explaining.equation_table import equations, find_equation

ROOT = Path(__file__).parents[1]
NUMBERS = [f"N{k}" for k in range(1, 13)] + [f"BP{k}" for k in range(1, 5)]


@pytest.fixture
def generator(monkeypatch):
    """Import the module that makes the table; skip without the source tree, as when an installed package is tested."""
    if not (ROOT / "docs" / "equations.py").exists() or not (ROOT / "kernels").is_dir():
        pytest.skip("the source tree is not available")
    monkeypatch.syspath_prepend(ROOT)
    return import_module("docs.equations")


@pytest.fixture
def chainrule(capsys, monkeypatch):
    """Run ``chainrule equations`` with some arguments, and return its exit status and both outputs."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["equations", *arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def test_the_table_holds_every_equation_in_the_notes_order():
    """The table holds all sixteen, in the notes' order, each with text and page; those of backpropagation also in rows."""
    assert list(equations()) == NUMBERS
    for equation in equations().values():
        assert equation.text
        assert equation.page.startswith("Page")
        assert bool(equation.rows) == equation.number.startswith("BP")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("column", ["functions", "kernels", "tests"])
def test_every_equation_is_computed_fused_and_tested(column, number):
    """Every equation has a function, a kernel and a test."""
    assert getattr(equations()[number], column), f"tag one with ({number}) and run: python -m docs.equations"


@pytest.mark.parametrize("number", NUMBERS)
def test_functions_exist_and_have_the_tag(number):
    """The source of each function in the table contains the equation's tag."""
    for function in equations()[number].functions:
        source, first = function.source()
        assert number[:2] in source
        assert first > 1


def test_table_and_page_are_up_to_date(generator):
    """The table and the page in the repository are those made from the tags; ``python -m docs.equations`` writes them."""
    table = generator.table()
    assert generator.DATA.read_text(encoding="utf-8") == generator.data(table)
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(table)


def test_stale_files_are_reported(generator, monkeypatch, tmp_path):
    """``--check`` passes right after writing, and otherwise names the first stale file and the command that writes it."""
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "table", lambda: list(equations().values()))
    monkeypatch.setattr(generator, "DATA", tmp_path / "equations.json")
    monkeypatch.setattr(generator, "PAGE", tmp_path / "equations.md")
    with pytest.raises(SystemExit, match=r"equations.json is out of date; write it again with: python -m docs.equations"):
        generator.main(check=True)
    generator.main(check=False)
    generator.main(check=True)
    generator.PAGE.write_text("old")
    with pytest.raises(SystemExit, match=r"equations.md is out of date"):
        generator.main(check=True)


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
def test_tags(generator, text, numbers):
    """A tag is in brackets or at the very start; a number elsewhere is not a tag."""
    assert generator.numbers_in(text) == numbers


def test_python_is_read(generator):
    """A tag in a docstring belongs to the function, a tag beside a line to the line, unless its function has the same tag."""
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
    found = [(number, function.name, function.line) for number, function in generator.functions_of("m", text)]
    assert found == [("N2", "A.f", ""), ("N3", "A.f", "x = 1  # (N2), (N3)"), ("BP1", "g", "z = 2  # BP1")]


def test_kernels_are_read(generator):
    """A tag above a function belongs to the function, a tag beside a line to the line of the function around it."""
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
    (ten, f), (nine, s) = generator.kernels_of("a.hpp", text)
    assert (ten, f.name, f.comment) == ("N10", "f", "A file: N10, of which it speaks z = w a + b, summed")
    assert f.code == "template <class T>\nstatic void f(T *z) {\n    g(z);\n}"
    assert (nine, s.name, s.comment, s.code) == ("N9", "S", "", "int n = 1;  // turned (N9)")


def test_equations_are_found_by_number():
    """A number may be in small letters and in brackets; an unknown one is refused with a list of those that exist."""
    assert find_equation("bp2") is find_equation(" (BP2)") is equations()["BP2"]
    with pytest.raises(UnknownName, match="unknown equation 'BP5'; the names are: N1, N2,"):
        find_equation("BP5")


def test_the_table_fits_a_terminal(chainrule):
    """``chainrule equations`` lists every equation within 80 columns, each with its function, kernel and test."""
    code, out, err = chainrule()
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for number, equation in equations().items():
        assert f"\n{number:<6}{equation.text[:30]}" in out
        assert f"{equation.tests[0].file}::{equation.tests[0].name}" in out
    assert out.count("  function  ") == out.count("  kernel    ") == out.count("  test      ") == 16


def test_one_equation_is_shown_with_its_code(chainrule):
    """``chainrule equations BP2`` shows its forms, the function's source, the kernel, and the sentences of its tests."""
    code, out, err = chainrule("bp2")
    assert (code, err) == (0, "")
    bp2 = equations()["BP2"]
    assert "((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ)" in out
    assert "        g = delta @ w_next\n" in out
    assert "    static void hidden_delta(" in out
    for test in bp2.tests:
        assert f"tests/{test.file}::{test.name}" in out


def test_kernels_are_shown_without_their_source_files(chainrule, monkeypatch, tmp_path):
    """An installed package shows the kernels' code, with the file but without a line number."""
    monkeypatch.setattr("chainrule.explaining.equation_table.KERNELS", tmp_path)
    _, out, _ = chainrule("N1")
    assert "Computed in C++ by quadratic, kernels/calculus/costs.hpp\n" in out
    assert "return sum_of_squares(a, y, n_out) / 2;" in out


def test_json_output(chainrule):
    """``--json`` prints one object: all equations, or all facts of one, with the source of its functions."""
    _, out, _ = chainrule("--json")
    assert [equation["number"] for equation in json.loads(out)["equations"]] == NUMBERS
    _, out, _ = chainrule("N8", "--json")
    equation = json.loads(out)
    assert equation["functions"][0]["source"].startswith("def gradient_b(e: Array)")
    assert equation["kernels"][0]["file"] == "calculus/backprop.hpp"


def test_an_unknown_number_is_refused(chainrule):
    """An unknown number ends with status 2 and a line that lists those that exist."""
    code, out, err = chainrule("N13")
    assert (code, out) == (2, "")
    assert err.startswith("chainrule: error: unknown equation 'N13'")
