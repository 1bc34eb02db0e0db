"""Tables from text files as people have them: read right, or refused with the line, the column and the option that decides."""

from __future__ import annotations

import gzip
import io
import tempfile
import tracemalloc
import zipfile
from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule import _reading
from chainrule.errors import DataError, FileError, SettingError
from chainrule.tables import csv_layout, plain_text, read
from chainrule.tables.csv_records import is_blank
from chainrule.tables.read import read_table


@pytest.fixture(params=["small", "duckdb"])
def way(request, monkeypatch):
    """Read each file record by record, as small ones are, and through DuckDB, as large ones are."""
    if request.param == "duckdb":
        monkeypatch.setattr(read, "SMALL_CELLS", 0)
    return request.param


def write(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(table):
    return [table.column(name) for name in table.names]


X, Y = [1.5, 2.25], ["p", "q"]  # the table that most files below hold, as columns named x and y

SAME_TABLE = {
    "commas": "x,y\n1.5,p\n2.25,q\n",
    "no newline at the end": "x,y\n1.5,p\n2.25,q",
    "byte-order mark, CRLF": "\ufeffx,y\r\n1.5,p\r\n2.25,q\r\n",
    "mixed line ends": "x,y\r\n1.5,p\n2.25,q\r\n",
    "old Mac line ends": "x,y\r1.5,p\r2.25,q\r",
    "blank lines": "\n\nx,y\n\n1.5,p\n   \n2.25,q\n\n",
    "semicolons, decimal commas": "x;y\n1,5;p\n2,25;q\n",
    "tabs": "x\ty\n1.5\tp\n2.25\tq\n",
    "pipes": "x|y\n1.5|p\n2.25|q\n",
    "spaces": "x y\n1.5 p\n2.25 q\n",
    "aligned by spaces": "   x   y\n 1.5   p\n2.25   q\n",
    "Excel's first line": "sep=;\r\nx;y\r\n1,5;p\r\n2,25;q\r\n",
    "Excel's first line, quoted": '"sep=,"\nx,y\n1.5,p\n2.25,q\n',
    "all quoted": '"x","y"\n"1.5","p"\n"2.25","q"\n',
    "a space before each quote": '"x", "y"\n1.5, "p"\n2.25, "q"\n',
    "a space after each comma": "x, y\n1.5, p\n2.25, q\n",
    "spaces at line ends": "x ,y  \n1.5 ,p \n2.25 ,q\t\n",
    "a comma at each line's end": "x,y,\n1.5,p,\n2.25,q,\n",
    "a comma at each row's end": "x,y\n1.5,p,\n2.25,q,\n",
    "empty columns of a spreadsheet": "x,y,,\n1.5,p,,\n2.25,q,,\n",
    "comments above": "# made by hand\n# in May, or June\nx,y\n1.5,p\n2.25,q\n",
    "names in a comment": "# x,y\n1.5,p\n2.25,q\n",
    "a decimal comma in quotes": 'x,y\n"1,5",p\n"2,25",q\n',
    "percent": "x,y\n1.5%,p\n2.25 %,q\n",
    "dollars": "x,y\n$1.5,p\n$2.25,q\n",
    "euros": "x;y\n1,5 €;p\n2,25 €;q\n",
    "plus signs, exponents": "x,y\n+1.5,p\n225e-2,q\n",
    "UTF-16": "x,y\n1.5,p\n2.25,q\n".encode("utf-16"),
    "UTF-32": "x,y\n1.5,p\n2.25,q\n".encode("utf-32"),
    "gzip": gzip.compress(b"x,y\n1.5,p\n2.25,q\n"),
}


@pytest.mark.parametrize("content", SAME_TABLE.values(), ids=SAME_TABLE.keys())
def test_one_table_in_many_writings(content, way, tmp_path):
    """The same table is read from every way in which it is written."""
    table = read_table(write(tmp_path, content))
    assert table.kinds == {"x": "number", "y": "category"}
    assert cells(table) == [X, Y]


READ = {
    "a thousand by two groups": ('x,y\n"2,037,011",p\n"1,000",q\n', {}, [[2037011.0, 1000.0], Y]),
    "a thousand by its decimals": ('x,y\n"1,234.5",p\n"2,000",q\n', {}, [[1234.5, 2000.0], Y]),
    "a thousand by another column": ('x,y\n"1,234",0.5\n"2,000",1.5\n', {}, [[1234.0, 2000.0], [0.5, 1.5]]),
    "a decimal comma by another column": ("x;y\n1,234;0,5\n2,345;1,5\n", {}, [[1.234, 2.345], [0.5, 1.5]]),
    "a thousand by points": ("x;y\n1.234;0,5\n12.345;1,5\n", {}, [[1234.0, 12345.0], [0.5, 1.5]]),
    "a thousand by option": ('x,y\n"1,234",p\n"2,345",q\n', {"decimal": "."}, [[1234.0, 2345.0], Y]),
    "a decimal point of three digits": ("x,y\n1.234,p\n2.345,q\n", {}, [[1.234, 2.345], Y]),
    "Swiss": ("x;y\n1'234.50;p\n12’345.00;q\n", {}, [[1234.5, 12345.0], Y]),
    "French": ("x;y\n1 234,5;p\n12\u202f345,0;q\n", {}, [[1234.5, 12345.0], Y]),
    "Indian": ('x,y\n"12,34,567",p\n"1,000",q\n', {}, [[1234567.0, 1000.0], Y]),
    "Unicode minus": ("x,y\n\u22125,p\n3,q\n", {}, [[-5.0, 3.0], Y]),
    "accounting": ('x,y\n"(1,234.50)",p\n6.00,q\n', {}, [[-1234.5, 6.0], Y]),
    "SAS": ("x,y\n1,p\n.,q\n3,p\n", {}, [[1.0, None, 3.0], ["p", "q", "p"]]),
    "MySQL": ("x\ty\n1\tp\n\\N\tq\n3\t\\N\n", {}, [[1.0, None, 3.0], ["p", "q", None]]),
    "marks of gaps": ("x,y\n?,NA\n2,p\nN/A,q\n4,null\n", {}, [[None, 2.0, None, 4.0], [None, "p", "q", None]]),
    "none is a value of a category": ("x,y\n1,none\n2,mild\nNone,severe\n", {}, [[1.0, 2.0, None], ["none", "mild", "severe"]]),
    "own marks": ("x,y\n-999,NA\n5,p\n-999.0,q\n", {"missing": "-999"}, [[None, 5.0, None], ["NA", "p", "q"]]),
    "own marks, with letters composed or not": (
        "x,y\n1,pe\u0308\n2,q\n3,p\u00eb\n",
        {"missing": ["pe\u0308"]},
        [[1.0, 2.0, 3.0], [None, "q", None]],
    ),
    "infinity as a gap": (
        "x,y\ninf,p\n-Infinity,q\n1e400,p\n2,q\n",
        {"allow_infinite": True},
        [[None, None, None, 2.0], ["p", "q"] * 2],
    ),
    "doubled quotes": ('x,y\n1,"say ""p"", or"\n2,q\n', {}, [[1.0, 2.0], ['say "p", or', "q"]]),
    "backslashes before quotes": ('x,y\n1,"say \\"p\\", or"\n2,q\n', {}, [[1.0, 2.0], ['say "p", or', "q"]]),
    "inches": ('x,y\n1,5" pipe\n2,6" pipe\n', {}, [[1.0, 2.0], ['5" pipe', '6" pipe']]),
    "lines in quotes": ('x,y\n1,"p\np"\n2,"q\n\nq"\n', {}, [[1.0, 2.0], ["p\np", "q\n\nq"]]),
    "a delimiter in a quoted name": ('x,"y; z",t\n1,p,5\n2,q,6\n', {}, [[1.0, 2.0], Y, [5.0, 6.0]]),
    "years as names": ("place,2019,2020\np,1.5,3\nq,2.5,4\n", {}, [Y, [1.5, 2.5], [3.0, 4.0]]),
    "no header": ("1,2,p\n3,4,q\n5,6,p\n", {}, [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0], ["p", "q", "p"]]),
    "no header, letters alone": ("p,s\nq,s\np,t\nq,t\n", {}, [["p", "q", "p", "q"], ["s", "s", "t", "t"]]),
    "a header by option": ("2019,2020,2021\n1,2,3\n4,5,7\n", {"header": True}, [[1.0, 4.0], [2.0, 5.0], [3.0, 7.0]]),
    "no header by option": ("p,q\np,s\n", {"header": False}, [["p", "p"], ["q", "s"]]),
    "R's row names": (
        '"mpg" "cyl"\n"Mazda RX4" 21 6\n"Datsun 710" 22.8 4\n',
        {},
        [["Mazda RX4", "Datsun 710"], [21.0, 22.8], [6.0, 4.0]],
    ),
    "numbers by spaces, the name by a tab": (
        '18.0   8   307.0\t"a car"\n15.0   6   350.0\t"a bus"\n15.5   4   350.0\t"a car"\n',
        {},
        [[18.0, 15.0, 15.5], [8.0, 6.0, 4.0], [307.0, 350.0, 350.0], ["a car", "a bus", "a car"]],
    ),
    "one column with a gap": ("x\n1\n\n3\n\n", {}, [[1.0, None, 3.0]]),
    "a delimiter by option": ("x:y\n1.5:p\n2.25:q\n", {"delimiter": ":"}, [X, Y]),
    "latin-1 by option": ("x,y\n1,Köln\n2,Zürich\n".encode("latin-1"), {"encoding": "latin-1"}, [[1.0, 2.0], ["Köln", "Zürich"]]),
    "UTF-16 without a mark by option": ("x,y\n1,p\n2,q\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, [[1.0, 2.0], Y]),
    "numbers of more than 15 digits": (
        "x,y\n12345678901234567890,p\n12345678901234567891,q\n",
        {},
        [["12345678901234567890", "12345678901234567891"], Y],
    ),
}


@pytest.mark.parametrize(("content", "options", "want"), READ.values(), ids=READ.keys())
def test_reads(content, options, want, way, tmp_path):
    """Each of these files is read as a person reads it."""
    assert cells(read_table(write(tmp_path, content), **options)) == want


MANY = "".join(f"{k}.5,{'pq'[k % 2]}\n" for k in range(900))

REFUSED = {
    "empty": ("", {}, "empty"),
    "blank lines alone": ("\n \n", {}, "empty"),
    "too many blank lines above": ("\n" * 10_001 + "x,y\n1,p\n", {}, "begins with more than 10,000 blank lines; remove them"),
    "a byte-order mark alone": (b"\xef\xbb\xbf", {}, "empty"),
    "an empty gzip file": (gzip.compress(b""), {}, "empty"),
    "a header alone": ("x,y\n", {}, "no rows"),
    "a short line": ("x,y,z\n1,2,3\n4,5\n6,7,8\n", {}, "line 3: 2 fields"),
    "a long line, far down": ("x,y\n" + MANY * 3 + "1,p,\n2,q\n", {}, "line 2702: 3 fields"),
    "a comment in the middle": ("x,y\n1,p\n# no row\n2,q\n", {}, "line 3: 1 field"),
    "a name too few": ("x,y\n1,2,3\n4,5,6\n", {}, "line 2: 3 fields"),
    "a name too many, the delimiter told": ("x y\n1\n", {"delimiter": "space"}, "line 2: 1 field"),
    "a short first row, no header": ('"x","y"\n"1",1.5,2\n"2",3.5,4\n', {"header": False}, "line 2: 3 fields"),
    "values behind the last name": ("x,y\n" + MANY.replace("\n", ",\n") * 2 + "1,p,7\n", {}, "line 1802"),
    "two names": ("x,y,x\n1,2,3\n", {}, "two columns, 1 and 3, are named 'x'"),
    "two names, equal when composed": ("a\u0301,\u00e1\n1,2\n", {}, "two columns, 1 and 2"),
    "a quote that is not closed": ('x,y\n1,p\n2,"q\n3,p\n', {}, "line 3: a quoted field is not closed"),
    "text behind a quote": ('x,y\n1,p\n2,"q"r\n3,p\n', {}, "line 3: text, or a blank, follows"),
    "a blank behind a quote": ('x,y\n"1" ,p\n2,q\n', {}, "line 2: text, or a blank, follows"),
    "a blank behind a quote, far down": ("x,y\n" + MANY * 2 + '"1" ,p\n', {}, "line 1802: text, or a blank, follows"),
    "two signs, far down": ("x,y\n" + MANY * 2 + "+-1,p\n", {}, r"line 1802, column 'x': '\+-1' is not a number"),
    "nan, which is no mark, far down": (
        "x,y\n" + MANY * 2 + "nan,p\n",
        {"missing": "?"},
        "line 1802, column 'x': 'nan' is not a number",
    ),
    "digits with an underscore, far down": ("x,y\n" + MANY * 2 + "1_000,p\n", {}, "line 1802, column 'x': '1_000' is not a number"),
    "a wrong delimiter": ("x,y\n1,p\n", {"delimiter": ";"}, "not divided by ';'.*--delimiter"),
    "two delimiters": ("a;b,c\nd;e,f\ng;h,i\n", {}, "divide all lines evenly.*--delimiter"),
    "one bad number": ("x,y\n" + MANY + "12.3x,p\n", {}, "line 902, column 'x': '12.3x' is not a number.*--missing"),
    "one bad number below quoted lines": ('x,y\n1,"a\nb"\n2,"c\nd"\n3z,e\n', {}, "line 6, column 'x': '3z'"),
    "one bad date": ("x,y\n2021-01-01,p\n2021-02-30,q\n2021-03-01,p\n", {}, "line 3, column 'x': '2021-02-30'.*calendar"),
    "a word among numbers": (
        "x,y\n" + "".join(f"{k},p\nunknown,q\n" for k in range(30)),
        {},
        "line 3, column 'x': 'unknown'.*--category",
    ),
    "infinity": ("x,y\n1,0\ninf,1\n3,0\n", {}, "line 3, column 'x': 'inf'.*--allow-infinite"),
    "a number beyond float64": ("x,y\n1,0\n1e400,1\n3,0\n", {}, "line 3, column 'x': '1e400'.*--allow-infinite"),
    "a comma of thousands or decimals": ('x,y\n"1,234",p\n"2,345",q\n', {}, "column 'x': '1,234'.*thousands.*--decimal"),
    "a point of thousands or decimals": ("x;y\n1.234;p\n2.345;q\n", {}, "column 'x': '1.234'.*thousands.*--decimal"),
    "two decimal marks": ("x;y\n1,5;p\n2.5;q\n3,5;q\n", {}, "line 3, column 'x': '2.5' is written in another style"),
    "another decimal mark than required": ("x;y\n1.5;p\n2.5;q\n", {"decimal": ","}, "column 'x': '1.5'.*decimal mark"),
    "two currencies": ("x,y\n$5,p\n€6,q\n$7,p\n", {}, "line 3, column 'x': '€6' has another unit"),
    "days or months first": ("x,y\n11/01/2020,p\n02/03/2020,q\n", {}, "column 'x': '11/01/2020'.*--day-first"),
    "days and months first": ("x,y\n31/01/2020,p\n30/01/2020,q\n01/31/2020,q\n", {}, "line 4, column 'x'.*another order"),
    "zones and none": ("x,y\n2021-01-01T10:00Z,p\n2021-01-02,q\n", {}, "line 3, column 'x'.*time zone"),
    "a rare leading zero": ("x,y\n" + MANY.replace(".5", "") + "007,p\n", {}, "line 902, column 'x': '007' has leading zeros"),
    "years alone": ("2019,2020,2021\n1.5,2,3\n", {}, "line 1, may be a header.*--no-header"),
    "not UTF-8": ("x,y\n1,Köln\n".encode("latin-1"), {}, "line 2: the byte 0xf6.*--encoding"),
    "not in the encoding": (b"x,y\n1,\x81\n", {"encoding": "cp1252"}, "line 2.*--encoding"),
    "UTF-16 without a mark": ("x,y\n1,p\n".encode("utf-16-le"), {}, "--encoding utf-16-le"),
    "a NUL": ("x,y\n1,p\n2,\0q\n", {}, "line 3: there is a NUL"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), {}, "a picture"),
    "a picture in gzip": (gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(50)), {}, "packs a picture"),
    "parquet": (b"PAR1" + bytes(50), {}, "parquet"),
    "half a gzip file": (gzip.compress(MANY.encode())[:500], {}, "damaged gzip"),
    "a text required to be a number": ("x,y\np,1\nq,2\n", {"kinds": {"x": "number"}}, "line 2, column 'x': 'p'.*required"),
    "a text required to be a date": ("x,y\np,1\nq,2\n", {"kinds": {"x": "date"}}, "line 2, column 'x': 'p'.*required"),
    "a text required to be a boolean": ("x,y\nyes,1\nq,2\n", {"kinds": {"x": "boolean"}}, "line 3, column 'x': 'q'"),
}


@pytest.mark.parametrize(("content", "options", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses(content, options, match, way, tmp_path):
    """Each of these files is refused in a sentence that names the file, the place, and what decides."""
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=f"(?s){match}") as caught:
        read_table(path, **options)
    assert str(path) in str(caught.value)


def test_refuses_a_workbook(tmp_path):
    """An Excel workbook, which is a zip archive, is refused, and the remedy named."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError, match="save the sheet as CSV"):
        read_table(write(tmp_path, packed.getvalue()))


KINDS = {
    "zip codes": (["02139", "10001", "00501"] * 9, "category"),
    "numbers": (["1", "2", "3"] * 9, "number"),
    "0 and 1": (["0", "1"] * 9, "number"),
    "booleans": (["yes", "no"] * 9, "boolean"),
    "booleans in any case": (["True", "FALSE", "true"] * 9, "boolean"),
    "a constant": (["7"] * 9, "constant"),
    "a constant of two writings": (["7", "7.0"] * 9, "constant"),
    "nothing": (["", "NA"] * 9, "constant"),
    "a value or nothing": (["p", ""] * 9, "category"),
    "categories": (["p", "q"] * 9, "category"),
    "top-coded": (["0", "1", "2", "3+"] * 9, "category"),
    "identifiers": ([f"u-{k:x}" for k in range(99)], "identifier"),
    "texts": ([f"this is the note number {k}" for k in range(99)], "text"),
    "tickets": ([str(k) if k % 4 else f"A/5 {k}" for k in range(400)] * 2, "category"),
    "dates": (["2021-01-02", "2021-02-03"] * 9, "date"),
    "German dates": (["02.01.2021", "03.02.2021"] * 9, "date"),
    "day-first dates": (["02/01/2021", "13/02/2021"] * 9, "date"),
    "month-first dates": (["01/02/21", "02/13/21"] * 9, "date"),
    "named months": (["2 Jan 2021", '"Feb 3, 2021"'] * 9, "date"),
    "stamps": (["2021-01-02T03:04:05Z", "2021-01-02 03:04+02:00"] * 9, "date"),
    "times": (["10:30", "11:45"] * 9, "category"),
    "versions": (["1.2.3", "1.2.4"] * 9, "category"),
    "ranges of ages": (["20-30", "30-40"] * 9, "category"),
    "hexadecimal": (["0x1F", "0x2A"] * 9, "category"),
    "grades": (["1-", "2-", "3"] * 9, "category"),
}


@pytest.mark.parametrize(("texts", "kind"), KINDS.values(), ids=KINDS.keys())
def test_kinds(texts, kind, way, tmp_path):
    """A column is what all its values are."""
    content = "x,y\n" + "".join(f"{text},{k % 5}\n" for k, text in enumerate(texts))
    assert read_table(write(tmp_path, content)).kinds == {"x": kind, "y": "number"}


def test_counted_rows_are_an_identifier(way, tmp_path):
    """The index that pandas writes, without a name, is an identifier; the same numbers in a named column are numbers."""
    table = read_table(write(tmp_path, ",x\n" + "".join(f"{k},{k}\n" for k in range(30))))
    assert table.kinds == {"Unnamed: 0": "identifier", "x": "number"}


def test_dates_are_in_utc(way, tmp_path):
    """Stamps with zones are converted to UTC; the day comes first where one of the dates can only be read so."""
    stamps = read_table(write(tmp_path, "t,x\n2021-01-02T01:30:00+02:00,1\n2021-01-02 03:04:05.25Z,2\n"))
    assert stamps.column("t") == [datetime(2021, 1, 1, 23, 30), datetime(2021, 1, 2, 3, 4, 5, 250000)]
    days = read_table(write(tmp_path, "t,x\n13/01/2020,1\n02/03/2020,2\n"))
    assert days.column("t") == [datetime(2020, 1, 13), datetime(2020, 3, 2)]
    told = read_table(write(tmp_path, "t,x\n11/01/2020,1\n02/03/2020,2\n"), day_first=False)
    assert told.column("t") == [datetime(2020, 11, 1), datetime(2020, 2, 3)]


def test_decisions_look_at_all_rows(way, tmp_path):
    """The first decimal of a column of integers is kept however late it comes, and so is a leading zero."""
    late = "".join(f"{k % 10},p\n" for k in range(3000))
    assert read_table(write(tmp_path, "x,y\n" + late + "25000.5,q\n")).column("x")[-1] == 25000.5
    codes = "".join(f"{k % 10 + 10},p\n" for k in range(3000)) + "".join(f"0{k % 10},q\n" for k in range(40))
    assert read_table(write(tmp_path, "x,y\n" + codes)).column("x")[-1] == "09"


def test_required_kinds(way, tmp_path):
    """A required kind is made from the texts as they are written: 007 stays 007 as a category, and is 7 as a number."""
    path = write(tmp_path, "x,y,z\n007,1,20210131\n012,2,20210228\n")
    table = read_table(path, kinds={"x": "category", "y": "category", "z": "date"})
    assert cells(table)[:2] == [["007", "012"], ["1", "2"]]
    assert table.column("z")[0] == datetime(2021, 1, 31)
    assert read_table(path, kinds={"x": "number"}).column("x") == [7.0, 12.0]


def test_left_out_columns_may_hold_anything(way, tmp_path):
    """A column that is dropped, or not among those to read, is not looked at."""
    path = write(tmp_path, "x,y,z\n1,inf,11/01/2020\n2,3,02/03/2020\n")
    assert read_table(path, drop=["y", "z"]).names == ["x"]
    assert read_table(path, columns=["x"], kinds={"x": "number", "elsewhere": "text"}).names == ["x"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"delimiter": ",,"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"decimal": ";"}, "decimal"),
        ({"encoding": "utf-9"}, "encoding"),
        ({"encoding": "zip"}, "encoding"),
        ({"missing": [1]}, "missing"),
        ({"kinds": {"xx": "number"}}, "did you mean 'x'"),
        ({"kinds": {"x": "numeric"}}, "unknown kind"),
        ({"drop": ["z"]}, "unknown column 'z'"),
    ],
)
def test_invalid_options(options, match, tmp_path):
    """An option with an invalid value is refused, and the valid ones are told."""
    with pytest.raises(SettingError, match=match):
        read_table(write(tmp_path, "x,y\n1,p\n2,q\n"), **options)


@pytest.mark.parametrize("name", ["a*.csv", "a?.csv", "[a].csv", "it's.csv", "a b;c.csv", "ü.csv", "k=v.csv", "x.csv.gz"])
def test_a_name_is_that_file_alone(name, way, tmp_path):
    """A name with characters that mean something to a shell, to SQL or to DuckDB names that one file."""
    write(tmp_path, "x,y\n9,r\n8,s\n", "ab.csv")
    write(tmp_path, "x,y\n9,r\n8,s\n", "a.csv")
    assert cells(read_table(write(tmp_path, "x,y\n1.5,p\n2.25,q\n", name))) == [X, Y]


@pytest.mark.parametrize(("name", "match"), [("nowhere.csv", "no such file"), ("", "folder"), ("a\0b", "null")])
def test_unreadable_files(name, match, tmp_path):
    """A path that is not a readable file is refused in one line."""
    with pytest.raises(FileError, match=match):
        read_table(f"{tmp_path}/{name}")


def test_sizes_are_limited(monkeypatch, tmp_path):
    """A file larger than the limit, a gzip file that unpacks to more, and an endless line are refused."""
    monkeypatch.setattr(_reading, "LIMIT_UNPACKED", 1_000_000)
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        read_table(write(tmp_path, gzip.compress(b"1,2\n" * 1_000_000)))
    monkeypatch.setattr(_reading, "LIMIT_BYTES", 10)
    with pytest.raises(DataError, match="the limit is 10"):
        read_table(write(tmp_path, "x,y\n1,2\n3,4\n"))
    monkeypatch.undo()
    monkeypatch.setattr(plain_text, "LIMIT_LINE", 1 << 21)
    with pytest.raises(DataError, match="line 2, is longer"):
        read_table(write(tmp_path, b"x,y\n" + b"1" * (1 << 23)))


def test_a_small_file_cannot_unpack_to_much(tmp_path):
    """A gzip file may unpack to 32 MiB, or to 200 times its size; what packs to less than that is refused, and not read on."""
    path = write(tmp_path, gzip.compress(b"1,2\n" * (9 << 20)), "table.csv.gz")
    with pytest.raises(DataError, match="more than 33,554,432 bytes, unpacked, which is the limit for its size; unpack it first"):
        read_table(path)
    assert len(read_table(write(tmp_path, gzip.compress(b"x,y\n" + b"1,2\n" * 100_000)))) == 100_000


def test_the_number_of_columns_is_limited(way, monkeypatch, tmp_path):
    """A file of more columns than the limit is refused, whether the header or the rows have them."""
    monkeypatch.setattr(csv_layout, "LIMIT_COLUMNS", 10)
    assert len(read_table(write(tmp_path, "1,2,3,4,5,6,7,8,9,10\n" * 2), header=False).names) == 10
    for content in (",".join("abcdefghijk") + "\n" + ",".join(["1"] * 11), "a\n" + ",".join(["1"] * 11)):
        with pytest.raises(DataError, match="more than 10 columns, which is the limit"):
            read_table(write(tmp_path, content), delimiter=",")


def test_a_repeated_name_among_many_is_found(tmp_path):
    """The last of 90,000 names, which is there twice, is found by one look at each name; looking at all for each would not end."""
    names = [f"c{k}" for k in range(90_000)]
    with pytest.raises(DataError, match="two columns, 90000 and 90001, are named 'c89999'"):
        read_table(write(tmp_path, ",".join([*names, names[-1]]) + "\n" + "1," * 90_000 + "1\n"))


def test_blank_lines_take_no_memory_of_rows(tmp_path):
    """300,000 blank lines below two rows of 300 columns take no room for rows, which would be 720 MB."""
    row = ",".join(["1.5"] * 300) + "\n"
    path = write(tmp_path, row * 2 + "\n" * 300_000)
    tracemalloc.start()
    try:
        assert len(read_table(path, header=False)) == 2
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_each_delimiter_looks_at_few_blank_lines(tmp_path, monkeypatch):
    """A row below 300,000 blank lines is read; to choose the delimiter, 10,001 of them are enough."""
    looked_at = []
    monkeypatch.setattr(csv_layout, "is_blank", lambda record: looked_at.append(record.line) or is_blank(record))
    table = read_table(write(tmp_path, "x,y\n1.5,p\n" + "\n" * 300_000 + "2.5,q\n"))
    assert len(table) == 2
    assert max(looked_at) == 10_003


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_first_integer_beyond_exactness_keeps_its_digits(way, tmp_path, sign):
    """2**53 + 1, which float64 rounds to 2**53, makes a column of texts with all digits; a column up to 2**53 is of numbers."""
    exact, rounded = f"{sign}{2**53}", f"{sign}{2**53 + 1}"
    table = read_table(write(tmp_path, "x,y\n" + f"{exact},{rounded}\n7,8\n" * 3))
    assert table.column("x") == [float(exact), 7.0] * 3
    assert table.column("y") == [rounded, "8"] * 3


def test_wide_tables(way, tmp_path):
    """A table of 700 columns, and a line of 3 MB, are read."""
    wide = ",".join(f"c{k}" for k in range(700)) + "\n" + "".join(",".join([str(k)] * 700) + "\n" for k in (1, 2))
    assert len(read_table(write(tmp_path, wide)).names) == 700
    long = ",".join(f"c{k}" for k in range(30)) + "\n" + "".join(",".join([letter * 100_000] * 30) + "\n" for letter in "pq")
    table = read_table(write(tmp_path, long))
    assert [len(text) for text in table.column("c29")] == [100_000, 100_000]


def test_progress_is_told(tmp_path, monkeypatch):
    """The fraction that is read grows up to 1."""
    monkeypatch.setattr(read, "SMALL_CELLS", 0)
    told = []
    read_table(write(tmp_path, "x,y\n" + "1,2\n3,4\n" * 40_000), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0, abs=1e-3)


def test_an_interrupt_leaves_nothing_behind(tmp_path, monkeypatch):
    """Ctrl-C while a table is read ends it, and removes its temporary files."""
    monkeypatch.setattr(read, "SMALL_CELLS", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def interrupt(fraction):
        assert list((tmp_path / "temporary").iterdir())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_table(write(tmp_path, "x,y\r\n1,2\r\n3,4\r\n"), progress=interrupt)
    assert not list((tmp_path / "temporary").iterdir())


FIELDS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**18), 10**18).map(str),
    st.sampled_from(
        [
            "",
            "NA",
            "?",
            ".",
            "inf",
            "-inf",
            "nan",
            "007",
            "-0",
            "+5",
            "1_000",
            "1e400",
            "1e-400",
            " 3",
            "3 ",
            "5.",
            ".5",
            "+-1",
            "0x1",
            "p",
            "1,5",
        ]
    ),
)


COMMAS = st.one_of(st.floats(-1e6, 1e6).map(lambda value: repr(value).replace(".", ",")), st.integers(-999, 9999).map(str), FIELDS)


@given(rows=st.lists(st.tuples(FIELDS, COMMAS), min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_both_ways_agree(rows, tmp_path):
    """DuckDB's conversion gives the same columns to the bit, or the same refusal, as the exact reader."""
    path = write(tmp_path, "first name,second name\n" + "".join(f'"{a}","{b}"\n' for a, b in rows))

    def outcome(small_cells, n_sample):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(read, "SMALL_CELLS", small_cells)
            patch.setattr(csv_layout, "N_SAMPLE", n_sample)
            try:
                return [(c.kind, c.categories, c.data.tobytes()) for c in read_table(path, header=True)]
            except DataError as error:
                return str(error)

    assert outcome(0, 2) == outcome(10**9, 1000)


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_numbers_are_exact(values, tmp_path):
    """Each float64 that is written with all its digits is read back as the same float64."""
    path = write(tmp_path, "x,y\n" + "".join(f"{value!r},p\n" for value in values))
    back = read_table(path, kinds={"x": "number"}).column("x")
    assert np.array_equal(np.array(back), np.array(values))


JOINED = "size,colour\n1,a\n2.5,b\n3,c\n"

REFUSED_IN_THE_WILD = {
    "files joined, with the header again": (JOINED * 8, "line 5: the names of line 1 stand here again, as where files were joined"),
    "curly quotes": (
        "x,y\n1,\u201ca,b\u201d\n2,\u201cc,d\u201d\n",
        "line 2: the delimiter stands between the quotes \u201c and \u201d",
    ),
    "single quotes": ("x,y\n1,'a,b'\n2,'c,d'\n", "line 2: the delimiter stands between the quotes ' and '"),
    "two delimiters, decimal or not": ("a;b,c\n1;2,3\n4;5,6\n", "',' and ';' divide all lines evenly"),
    "a header that counts from 1": ("1,2,3\n0.5,0.6,p\n0.7,0.8,q\n", "line 1, may be a header of years or a counter, or a row"),
    "a pointer of Git LFS": ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "it is a pointer of Git LFS"),
    "a page of the web": ("<!DOCTYPE html><html><body>Not found</body></html>\n", r"it is a page of the web \(HTML\)"),
    "a list of JSON": ('[{"a":1,"b":2},\n{"a":2,"b":3}]\n', "it is a list of JSON; write one object a line"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED_IN_THE_WILD.values(), ids=REFUSED_IN_THE_WILD)
def test_what_would_be_read_wrongly_in_silence_is_refused(content, message, way, tmp_path):
    """Files that divide evenly into the wrong columns or rows are refused with the line and the reason."""
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, content))


def test_rows_that_recur_are_no_header(tmp_path):
    """In a file without a header a first row that recurs is a row, since it holds numbers above numbers."""
    table = read_table(write(tmp_path, "1,a\n2.5,b\n" * 20))
    assert (table.names, len(table)) == (["0", "1"], 40)


def test_invisible_characters_around_names_are_left_out(way, tmp_path):
    """A second byte-order mark and a space without width belong to no name."""
    assert read_table(write(tmp_path, "\ufeff\ufeffx,y\u200b\n1,p\n2,q\n")).names == ["x", "y"]
