"""``chainrule export``: the module that it writes, what it replaces, and its report."""

from pathlib import Path

import pytest

import chainrule as cr
from chainrule.exporting.javascript import module_text


def test_a_module_is_written_and_replaced(run, digits_model):
    """The first run reports wrote, the second replaced, with the sizes, the file's size and how to import it."""
    text = module_text(cr.load(digits_model))
    for verb in ("wrote", "replaced"):
        status, out, err = run("export", digits_model, "digits.js")
        assert (status, err) == (0, "")
        shape = "-".join(map(str, cr.load(digits_model).sizes))
        assert out == f'{verb} digits.js: {shape}, {len(text) / 1000:.0f} KB; import {{ predict }} from "./digits.js"\n'
        assert Path("digits.js").read_text() == text


def test_json(run_json, digits_model):
    """--json prints one object: the files, the language, the sizes and the file's length."""
    (report,) = run_json("export", digits_model, "digits.mjs")
    assert report == {
        "model": str(digits_model),
        "out": "digits.mjs",
        "language": "JavaScript",
        "sizes": cr.load(digits_model).sizes,
        "bytes": Path("digits.mjs").stat().st_size,
    }


def test_other_files_are_not_replaced(run, digits_model):
    """A file that export did not write is left as it is; an empty one is replaced, and a link's target."""
    Path("mine.js").write_text("export const mine = 1;\n")
    status, out, err = run("export", digits_model, "mine.js")
    assert (status, out) == (2, "")
    assert err == "chainrule: error: mine.js exists and was not written by chainrule export; remove it, or choose another name\n"
    assert Path("mine.js").read_text() == "export const mine = 1;\n"
    Path("empty.js").touch()
    assert run("export", digits_model, "empty.js")[0] == 0
    Path("folder.js").mkdir()
    status, _, err = run("export", digits_model, "folder.js")
    assert status == 2
    assert "cannot write folder.js" in err


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("digits.py", "the ending of an exported file chooses its language: JavaScript (.js or .mjs); the file is 'digits.py'"),
        ("nowhere/digits.js", "cannot write nowhere/digits.js"),
        ("", "the path is empty"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_model_is_read(run, out, message):
    """A wrong ending and a missing folder are told first, in one line, without a model."""
    status, printed, err = run("export", "missing.safetensors", out)
    assert (status, printed) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_tables_model_is_refused(run):
    """The model of a table is refused with what to do instead, and no file is left."""
    Path("t.csv").write_text("a,b\n" + "1,x\n2,y\n" * 30)
    assert run("train", "t.csv", "--target", "b", "--epochs", 1, "--networks", 1, "-q")[0] == 0
    status, out, err = run("export", "t.safetensors", "t.js")
    assert (status, out) == (2, "")
    assert "a table's model cannot be exported" in err
    assert err.count("\n") == 1
    assert not Path("t.js").exists()
