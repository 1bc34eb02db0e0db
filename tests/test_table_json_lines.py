"""Tables from lines of JSON: exact values, gaps for missing keys, and errors that name the line."""

import datetime
import gzip
import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from chainrule import _reading
from chainrule.errors import DataError, DataTypeError, FileError, UnknownName
from chainrule.tables import json_lines
from chainrule.tables.column_kinds import RULES
from chainrule.tables.json_lines import read_json_lines
from chainrule.tables.read import read_table

GOOD = """
{"x": 0.1, "n": 9007199254740993, "label": "b", "sold": true, "day": "2021-06-01", "zip": "02139"}

{"x": 2, "n": 1, "label": "a", "sold": null, "day": "2021-06-02", "zip": "10001", "late": 5}
{"label": "", "x": NaN, "sold": false, "day": null, "n": null, "zip": "02139"}
"""
WANTED = {
    "x": ("number", [0.1, 2.0, None]),
    "n": ("category", ["9007199254740993", "1", None]),
    "label": ("category", ["b", "a", None]),
    "sold": ("boolean", ["True", None, "False"]),
    "day": ("date", [datetime.datetime(2021, 6, 1), datetime.datetime(2021, 6, 2), None]),
    "zip": ("category", ["02139", "10001", "02139"]),
    "late": ("number", [None, 5.0, None]),
}


def write(tmp_path, text, name="table.jsonl"):
    """Write a text, or bytes, to a file."""
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path / name


FORMS = {
    "as it is": GOOD.encode(),
    "with a byte-order mark": b"\xef\xbb\xbf" + GOOD.strip().encode(),
    "with Windows' line ends": GOOD.replace("\n", "\r\n").encode(),
    "without a last line end": GOOD.rstrip().encode(),
    "packed": gzip.compress(GOOD.encode()),
    "packed in two parts": gzip.compress(GOOD[:50].encode()) + gzip.compress(GOOD[50:].encode()),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_the_types_of_the_values_decide_the_kinds(tmp_path, text):
    """Every form of a file makes the same table: exact numbers, and gaps for null, NaN, empty texts and missing keys."""
    path = write(tmp_path, text)
    table = read_json_lines(path)
    assert {column.name: (column.kind, column.to_list()) for column in table} == WANTED
    assert table.name == str(path)


REFUSED = {
    "nothing": ("", DataError, "holds no rows"),
    "blank lines": ("\n\n", DataError, "holds no rows"),
    "a record that is not JSON": ('{"a": 1}\n\n{"a": 1,}\n', DataError, "line 3: it is not valid JSON"),
    "a record cut short": ('{"a": 1}\n{"a": ', DataError, "line 2: it is not valid JSON"),
    "two records on a line": ('{"a": 1}\n{"a": 1}{"a": 2}', DataError, "line 2: it is not valid JSON .Extra data"),
    "a list": ('{"a": 1}\n[1, 2]', DataError, "line 2: each line must be an object.*list"),
    "a whole file as one list": ('[\n{"a": 1},\n{"a": 2}]', DataError, "line 1: it is not valid JSON"),
    "a number": ("5", DataError, "line 1: each line must be an object.*int"),
    "a key twice": ('{"a": 1}\n{"a": 1, "a": 2}', DataError, "line 2: .*the key 'a' is there twice"),
    "a nested object": ('{"a": 1}\n\n{"a": null, "c": {"d": 1}}', DataTypeError, "line 3, column 'c': .*dict. cannot be used"),
    "a nested list": ('{"a": 1}\n{"c": [1]}', DataTypeError, "line 2, column 'c': .*list. cannot be used"),
    "several types": ('{"c": 1}\n{}\n{"c": "x"}', DataTypeError, "line 3, column 'c': 'x' .str. .*1 .int. in .*line 1"),
    "a boolean among numbers": ('{"c": 1}\n{"c": true}', DataTypeError, "line 2, column 'c': True"),
    "an infinite number": ('{"c": 1}\n{"c": -Infinity}', DataError, "line 2, column 'c': .*infinite"),
    "a number beyond floats": ('{"c": 1}\n{"c": 1e999}', DataError, "line 2, column 'c': .*infinite"),
    "a long integer among numbers": (
        '{"c": 1}\n{"c": -1' + "0" * 400 + '}\n{"c": 0.5}',
        DataError,
        "line 2, column 'c': .*infinite",
    ),
    "a long integer before numbers": (
        '{"c": 1' + "0" * 400 + "}\n" + '{"c": 1}\n' * 5000 + '{"c": 0.5}',
        DataError,
        "line 1, column 'c': .*infinite",
    ),
    "an integer of 5,000 digits": ('{"c": 1}\n{"c": ' + "9" * 5000 + "}", DataError, "line 2: it is not valid JSON"),
    "deep nesting": ('{"c": 1}\n' + "[" * 1_000_000, DataError, "line 2: the value is nested too deeply"),
    "another encoding": ('{"c": "ö"}'.encode("latin-1"), DataError, "line 1: it is not UTF-8"),
    "UTF-16": ('{"c": 1}'.encode("utf-16"), DataError, "line 1: it is not UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), DataError, "line 1: it is not UTF-8"),
    "a damaged gzip file": (gzip.compress(GOOD.encode())[:-20], DataError, "is not a valid gzip file"),
    "a gzip file of zeros": (b"\x1f\x8b" + bytes(50), DataError, "is not a valid gzip file"),
    "a few texts among texts of numbers": (
        "\n".join(json.dumps({"c": str(i) if i < 40 else "12.3x"}) for i in range(41)),
        DataError,
        "line 41, column 'c': '12.3x'",
    ),
}


@pytest.mark.parametrize(("text", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_a_faulty_file_is_refused_with_its_line(tmp_path, text, error, message):
    """What cannot be read exactly is refused in one line that names the file, the line and the column."""
    path = write(tmp_path, text)
    with pytest.raises(error, match=message) as caught:
        read_json_lines(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_columns_and_kinds_are_chosen(tmp_path):
    """Columns left out may hold anything; kinds and rules are kept, and an unknown column is refused with the nearest name."""
    path = write(tmp_path, '{"size": 1, "broken": [1]}\n{"size": 2, "broken": "x"}\n{"size": Infinity}')
    rules = replace(RULES, allow_infinite=True)
    assert read_json_lines(path, drop=["broken"], kinds={"size": "category"}, rules=rules).column("size") == ["1", "2", None]
    assert read_json_lines(path, columns=["size", "absent"], rules=rules).names == ["size"]
    with pytest.raises(UnknownName, match="did you mean 'size'"):
        read_json_lines(path, kinds={"sise": "number"})


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """A missing file and a folder are refused as such."""
    with pytest.raises(FileError, match="no such file"):
        read_json_lines(tmp_path / "absent.jsonl")
    with pytest.raises(FileError, match="it is a folder"):
        read_json_lines(tmp_path)


def test_sizes_are_limited(tmp_path, monkeypatch):
    """A line, a file, an unpacked file, and the number of distinct keys each have a limit, beyond which the file is refused."""
    monkeypatch.setattr(json_lines, "LIMIT_LINE", 1000)
    with pytest.raises(DataError, match="line 2: it has more than 1,000 bytes"):
        read_json_lines(write(tmp_path, '{"a": 1}\n{"a": "' + "x" * 1000 + '"}'))
    monkeypatch.setattr(json_lines, "LIMIT_BYTES", 5000)
    with pytest.raises(DataError, match="more than 5,000 bytes"):
        read_json_lines(write(tmp_path, '{"a": 1}\n' * 1000))
    monkeypatch.setattr(_reading, "LIMIT_UNPACKED", 3000)
    with pytest.raises(DataError, match="more than 3,000 bytes"):
        read_json_lines(write(tmp_path, gzip.compress(b'{"a": 1}\n' * 1000)))
    monkeypatch.setattr(json_lines, "LIMIT_COLUMNS", 10)
    with pytest.raises(DataError, match=r"line 11: .*more than 10 distinct keys"):
        read_json_lines(write(tmp_path, "\n".join(json.dumps({f"k{i}": i}) for i in range(20))))


def test_a_line_of_many_keys_makes_no_columns(tmp_path):
    """A line with more keys than the limit is refused before anything is made of them."""
    path = write(tmp_path, json.dumps({f"k{i}": 0 for i in range(400_000)}))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"line 1: .*more than 100,000 distinct keys"):
            read_json_lines(path)
        assert tracemalloc.get_traced_memory()[1] < 150 << 20
    finally:
        tracemalloc.stop()


def test_a_repeated_key_among_many_is_found(tmp_path):
    """The last of 200,000 keys, which is there twice, is found by one look at each key; looking at all for each would not end."""
    keys = [f"k{i}" for i in range(200_000)]
    with pytest.raises(DataError, match=r"line 1: .*the key 'k199999' is there twice"):
        read_json_lines(write(tmp_path, "{" + ",".join(f'"{key}":0' for key in [*keys, keys[-1]]) + "}"))


def test_rows_that_lack_most_keys_are_refused(tmp_path, monkeypatch):
    """Rows that each have a key of their own would make a table of their number's square; refused, unless columns are chosen."""
    monkeypatch.setattr(json_lines, "BLOCK_ROWS", 100)
    path = write(tmp_path, "".join(f'{{"k{i}": {i}}}\n' for i in range(5000)))
    with pytest.raises(DataError, match="line 2100: up to here there are 2,100 rows and 2,100 distinct keys, and most rows lack"):
        read_json_lines(path)
    assert read_json_lines(path, columns=["k7"]).column("k7")[6:9] == [None, 7.0, None]
    dense = write(tmp_path, "".join(json.dumps({f"k{i}": 0 for i in range(300)}) + "\n" for _ in range(300)))
    monkeypatch.setattr(json_lines, "LIMIT_CELLS", 1000)
    assert len(read_json_lines(dense)) == 300


def test_the_size_of_the_blocks_changes_nothing(tmp_path, monkeypatch):
    """A file that is read in blocks of 1, 2 or 7 lines gives the columns of one block: types, gaps, long integers, late keys."""
    numbers = [{"whole": k, "mixed": k if k % 3 else k + 0.5, "long": 2**60 + k, "longer": 2**70 * k} for k in range(20)]
    rows = [{**row, "text": "ab"[row["whole"] % 2], "yes": row["whole"] % 2 == 0} for row in numbers]
    rows[3]["whole"] = rows[11]["text"] = rows[12]["yes"] = None
    for k in range(13, 20):
        rows[k]["late"] = k / 7
    path = write(tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    tables = []
    for n in (1, 2, 7, 1000):
        monkeypatch.setattr(json_lines, "BLOCK_ROWS", n)
        table = read_json_lines(path)
        tables.append((table.kinds, [table.column(name) for name in table.names]))
    assert all(table == tables[0] for table in tables)
    assert tables[0][1][-1] == [None] * 13 + [k / 7 for k in range(13, 20)]


def test_another_type_in_a_later_block_is_refused_by_its_line(tmp_path, monkeypatch):
    """A text among numbers is refused with both lines, also where they are read in different blocks."""
    monkeypatch.setattr(json_lines, "BLOCK_ROWS", 2)
    path = write(tmp_path, '\n{"a": null}\n{"a": 1}\n' + '{"b": 2}\n' * 6 + '{"a": "x"}\n')
    with pytest.raises(DataTypeError, match=r"line 10, column 'a': 'x' \(str\) .* such as 1 \(int\) in .*line 3"):
        read_json_lines(path)


@pytest.mark.parametrize("packed", [False, True])
def test_reading_tells_its_progress(tmp_path, packed):
    """The fraction that is read is told in ascending order, and more than once for a file of many lines."""
    numbers = np.random.default_rng(0).normal(size=50_000).tolist()
    data = "".join(f'{{"a": {number}, "b": "x"}}\n' for number in numbers).encode()
    path = write(tmp_path, gzip.compress(data) if packed else data)
    told = []
    read_table(path, progress=told.append)
    assert told == sorted(told)
    assert len(set(told)) > (1 if packed else 5)
    assert 0 < told[0] <= told[-1] <= 1


def test_memory_is_that_of_the_arrays(tmp_path):
    """Reading takes less than half of the memory of the values as Python objects."""
    n = 100_000
    path = write(tmp_path, "".join(f'{{"a": {k / 7}, "b": {k / 3}, "c": "{k % 10}t"}}\n' for k in range(n)))
    tracemalloc.start()
    read_json_lines(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    as_objects = n * (2 * (24 + 8) + 8)
    assert peak < 0.75 * as_objects
