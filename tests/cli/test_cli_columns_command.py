"""``chainrule columns``: the kinds of a table's columns, and how train would prepare them."""

from pathlib import Path

import pytest
from table_helpers import people, write_frame


def test_it_prints_kinds_and_values(run):
    """Each column's kind, distinct and missing values and an example are printed, in 80 columns."""
    frame = people(120)
    frame.loc[:11, "colour"] = None
    frame["same"] = 1
    write_frame(frame, "t.csv")
    status, out, err = run("columns", "t.csv")
    assert (status, err) == (0, "")
    assert out.startswith("t.csv: 120 rows\n")
    rows = {line.split()[0]: line.split() for line in out.splitlines() if len(line.split()) > 3}
    kinds = {"height": "number", "colour": "category", "born": "date", "member": "boolean", "id": "identifier", "same": "constant"}
    assert {name: rows[name][1] for name in kinds} == kinds
    assert rows["colour"][2:4] == ["3", "12"]
    assert max(map(len, out.splitlines())) <= 80


def test_json_holds_the_same(run_json, run):
    """With --json the columns are objects; with --target the target is left out, and its note is on standard error."""
    write_frame(people(120), "t.csv")
    found = run_json("columns", "t.csv")[0]
    assert (found["file"], found["rows"], len(found["columns"])) == ("t.csv", 120, 6)
    assert found["columns"][0]["column"] == "height"
    assert set(found["columns"][0]) == {"column", "kind", "distinct", "missing", "example", "done"}
    status, out, err = run("columns", "t.csv", "--target", "size")
    assert status == 0
    assert "size" not in out
    assert err == "chainrule: the target 'size' holds 2 classes, because they are texts\n"


def test_the_reading_options_apply(run_json):
    """--drop, --category and the options of reading decide as in train."""
    write_frame(people(120).assign(code=[k % 4 for k in range(120)]), "t.csv")
    found = run_json("columns", "t.csv", "--drop", "id,born", "--category", "code")[0]["columns"]
    kinds = {column["column"]: column["kind"] for column in found}
    assert kinds == {"height": "number", "colour": "category", "member": "boolean", "size": "category", "code": "category"}


@pytest.mark.parametrize(
    ("contents", "says"),
    [("", "empty"), ("a,b\n", "no rows"), ("a,b\n1,2\n1\n", "line 3"), ("a,a\n1,2\n", "'a'"), (None, "no such file")],
)
def test_a_file_that_cannot_be_read_is_one_line(run, contents, says):
    """An empty file, a header alone, a short row, two columns of one name and a missing file are each one line; status 2."""
    if contents is not None:
        Path("t.csv").write_text(contents)
    status, out, err = run("columns", "t.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert "t.csv" in err


@pytest.mark.parametrize(
    ("times", "example"),
    [(("", " 00:00"), "2022-03-11"), (("", " 14:05"), "2022-03-11T00:00:00"), (("T14:05:09",), "2022-03-11T14:05:09")],
)
def test_dates_have_a_time_of_day_where_one_of_them_has_one(run_json, times, example):
    """The example of a date is the day alone where all times are midnight, and otherwise the day and its time."""
    rows = [f"2022-{k % 7 + 3:02}-11{times[k % len(times)]},{'pq'[k % 2]}" for k in range(42)]
    Path("t.csv").write_text("\n".join(["when,y", *rows]))
    assert run_json("columns", "t.csv")[0]["columns"][0]["example"] == example
