"""Tables from parquet files: exact values, kinds by type, and what is refused."""

import base64
import datetime
import decimal
import os
import signal
from dataclasses import replace
from threading import Timer

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from chainrule import _reading
from chainrule.errors import DataError, DataTypeError, FileError, UnknownName
from chainrule.tables import parquet_table
from chainrule.tables.arrow_schema import duration_units
from chainrule.tables.column_kinds import RULES
from chainrule.tables.frames import table_from
from chainrule.tables.parquet_table import read_parquet_table
from chainrule.tables.read import read_table

LONG = "12345678901234567890123456789012345.67"
NOON = datetime.datetime(2021, 6, 1, 12)
COLUMNS = {
    "small integers": pa.array([1, None, 255], pa.uint8()),
    "large integers": pa.array([2**53 + 1, None, -(2**63)], pa.int64()),
    "largest integers": pa.array([2**64 - 1, None, 1], pa.uint64()),
    "floats": pa.array([0.1, None, float("nan")]),
    "single floats": pa.array([0.1, None, 2.0], pa.float32()),
    "half floats": pa.array(np.array([0.1, 0.5, 2.0], np.float16)),
    "short decimals": pa.array([decimal.Decimal("0.10"), None, decimal.Decimal("123.45")], pa.decimal128(5, 2)),
    "decimals of 15 digits": pa.array([decimal.Decimal("1234567890123.45"), None, decimal.Decimal("0.07")], pa.decimal128(15, 2)),
    "long decimals": pa.array([decimal.Decimal(LONG), None, decimal.Decimal("0.07")], pa.decimal128(38, 2)),
    "booleans": pa.array([True, None, False]),
    "texts": pa.array(["b", None, "a"]),
    "long texts": pa.array(["b", None, "a"], pa.large_string()),
    "a dictionary": pa.array(["b", None, "a"]).dictionary_encode(),
    "texts of numbers": pa.array(["10", None, "9"]),
    "dates": pa.array([datetime.date(1900, 1, 1), None, datetime.date(2021, 6, 1)]),
    "times": pa.array([NOON, None, datetime.datetime(1969, 12, 31, 23, 59, 59, 999000)], pa.timestamp("ms")),
    "times of nanoseconds": pa.array([NOON, None, NOON + datetime.timedelta(microseconds=1)], pa.timestamp("ns")),
    "times with a zone": pa.array([NOON, None, NOON + datetime.timedelta(days=1)], pa.timestamp("us", "Europe/Berlin")),
    **{f"durations in {unit}": pa.array([90, None, -1], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")},
    "nulls": pa.nulls(3),
}


def write(tmp_path, columns, name="table.parquet", **settings):
    """Write columns to a parquet file."""
    parquet.write_table(pa.table(columns), tmp_path / name, **settings)
    return tmp_path / name


def contents(table):
    """Give the kinds and the values of a table."""
    return table.kinds, {name: table.column(name) for name in table.names}


@pytest.mark.parametrize(
    "settings", [{}, {"row_group_size": 1, "compression": "zstd"}, {"use_dictionary": False, "version": "1.0"}]
)
def test_a_file_makes_the_table_that_its_frame_makes(tmp_path, settings):
    """A parquet file of every type, however it is written, makes the kinds and values that its Arrow table makes."""
    path = write(tmp_path, COLUMNS, **settings)
    table = read_parquet_table(path)
    wanted = table_from(pa.table(COLUMNS))
    assert contents(table.without("a dictionary")) == contents(wanted.without("a dictionary"))
    assert table.column("a dictionary") == ["b", None, "a"]
    assert table.name == str(path)


def test_numbers_are_exact(tmp_path):
    """Decimals are the nearest floats, and integers beyond 2**53 keep all their digits."""
    table = read_parquet_table(write(tmp_path, COLUMNS))
    assert table.column("long decimals") == [float(LONG), None, 0.07]
    assert table.column("decimals of 15 digits") == [1234567890123.45, None, 0.07]
    assert table.column("large integers") == [str(2**53 + 1), None, str(-(2**63))]


@pytest.mark.parametrize("write_file", [pd.DataFrame.to_parquet, lambda frame, path: pl.from_pandas(frame).write_parquet(path)])
def test_durations_are_seconds(tmp_path, write_file):
    """A duration is a number of seconds, as in the frame, beside integers and nested columns; pandas and Polars write the file."""
    frame = pd.DataFrame({"list": [[1], [2]], "n": [5, 6], "took": pd.to_timedelta([1.5, -2], "h")})
    write_file(frame, tmp_path / "table.parquet")
    table = read_parquet_table(tmp_path / "table.parquet", drop=["list"])
    assert contents(table)[1] == {"n": [5.0, 6.0], "took": [5400.0, -7200.0]}


@pytest.mark.parametrize("schema", [b"", b"?", base64.b64encode(b"\xff" * 40), "of another table"])
def test_an_arrow_schema_that_does_not_fit_is_refused(tmp_path, schema):
    """A file whose Arrow schema is damaged, or has other columns, is refused: it may hold durations of an unknown unit."""
    if isinstance(schema, str):
        schema = arrow_schema(tmp_path)
    path = tmp_path / "table.parquet"
    table = pa.table({"a": [1, 2]})
    with parquet.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"ARROW:schema": schema})
    with pytest.raises(DataError, match=r"the Arrow schema.*does not fit.*save the file again"):
        read_parquet_table(path)


def arrow_schema(tmp_path):
    """Give the Arrow schema that a file of all types stores."""
    return parquet.read_metadata(write(tmp_path, COLUMNS, "other.parquet")).metadata[b"ARROW:schema"]


def test_a_damaged_arrow_schema_is_no_other_error(tmp_path):
    """An Arrow schema, cut or with changed bytes, has units for its columns or raises ValueError."""
    whole = bytearray(base64.b64decode(arrow_schema(tmp_path)))
    rng = np.random.default_rng(0)
    for _ in range(3000):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        damaged = damaged[: rng.integers(len(whole))] if rng.random() < 0.3 else damaged
        try:
            units = duration_units(base64.b64encode(damaged), len(COLUMNS))
        except ValueError:
            continue
        assert set(units) <= {None, "s", "ms", "us", "ns"}


def test_every_decimal_is_the_nearest_float(tmp_path):
    """Decimals of 15 to 18 digits and every scale become the floats that Python reads from their digits."""
    rng = np.random.default_rng(0)
    for digits in (15, 16, 18):
        for scale in (1, digits // 2, digits):
            numbers = [decimal.Decimal(int(number)).scaleb(-scale) for number in rng.integers(10 ** (digits - 1), 10**digits, 200)]
            path = write(tmp_path, {"c": pa.array(numbers, pa.decimal128(digits, scale))})
            assert read_parquet_table(path).column("c") == [float(number) for number in numbers]


@pytest.mark.parametrize(
    "name", ["a*.parquet", "a?.parquet", "[ab].parquet", "it's.parquet", "a\\b.parquet", "{a,b}.parquet", "x=1.parquet"]
)
def test_a_name_means_one_file(tmp_path, name):
    """A file whose name looks like a pattern is read itself, and no other file that the pattern matches."""
    write(tmp_path, {"other": [1, 2]}, "ab.parquet")
    write(tmp_path, {"other": [1, 2]}, "a.parquet")
    assert read_parquet_table(write(tmp_path, {"own": [3, 4]}, name)).names == ["own"]


def test_folders_are_no_columns(tmp_path):
    """A folder named like a partition, such as year=2020, adds no column."""
    (tmp_path / "year=2020").mkdir()
    assert read_parquet_table(write(tmp_path / "year=2020", {"a": [3, 4]})).names == ["a"]


def test_the_connection_touches_its_file_alone(tmp_path):
    """DuckDB can read the file that was opened, and neither reads nor writes another, nor takes the permission for it."""
    import duckdb

    path, other = write(tmp_path, {"own": [1]}), write(tmp_path, {"other": [2]}, "other.parquet")
    with parquet_table.open_parquet(path) as file:
        assert file.connection.execute("select own from read_parquet(?)", [file.located]).fetchall() == [(1,)]
        for query in (
            f"select * from read_parquet('{other}')",
            f"select * from read_text('{other}')",
            f"copy (select 1) to '{tmp_path / 'new.csv'}'",
            f"attach '{tmp_path / 'new.db'}'",
            "set enable_external_access = true",
            "install httpfs",
        ):
            with pytest.raises(duckdb.Error):
                file.connection.execute(query)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([path.name, other.name])


def test_names_that_differ_in_case_are_kept(tmp_path):
    """Columns whose names differ in case only keep their names and values, beside nested columns that are left out."""
    columns = {"n": pa.array([{"x": {"y": 1}, "z": 2}] * 2), "a": [1, 2], "l": [[1], [2]], "A": [3, 4], "a_1": [5, 6], 'q"': [7, 8]}
    table = read_parquet_table(write(tmp_path, columns), drop=["n", "l"])
    assert contents(table)[1] == {"a": [1.0, 2.0], "A": [3.0, 4.0], "a_1": [5.0, 6.0], 'q"': [7.0, 8.0]}


@pytest.mark.parametrize("index", [pd.Index([5, 7], name="id"), pd.Index(["u", "v"]), pd.RangeIndex(2)])
def test_the_index_of_pandas_is_left_out(tmp_path, index):
    """A frame's index, with a name or without, is no column, as it is none of the frame's table."""
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=index)
    frame.to_parquet(tmp_path / "frame.parquet")
    assert contents(read_parquet_table(tmp_path / "frame.parquet")) == contents(table_from(frame))


@pytest.mark.parametrize("comment", [b"{", b"[]", b"\xff", b'{"index_columns": 5}', b"[" * 100_000])
def test_a_broken_comment_of_pandas_is_passed_over(tmp_path, comment):
    """The comment that pandas stores may hold anything; it only tells which columns are the index."""
    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table({"a": [1, 2]}).replace_schema_metadata({b"pandas": comment}), path)
    assert read_parquet_table(path).column("a") == [1.0, 2.0]


def test_columns_and_kinds_are_chosen(tmp_path):
    """Columns left out may hold anything; kinds are kept, and an unknown column is refused with the nearest name."""
    path = write(tmp_path, {"size": [1, 2], "broken": [[1], [2]]})
    assert read_parquet_table(path, drop=["broken"], kinds={"size": "category"}).column("size") == ["1", "2"]
    assert read_parquet_table(path, columns=["size", "absent"]).names == ["size"]
    with pytest.raises(UnknownName, match="did you mean 'size'"):
        read_parquet_table(path, kinds={"sise": "number"})


UNUSABLE = {
    "lists": [[1], [2]],
    "structures": [{"a": 1}, {"a": 2}],
    "bytes": [b"a", b"b"],
    "times of day": [datetime.time(1), datetime.time(2)],
}


@pytest.mark.parametrize("values", UNUSABLE.values(), ids=UNUSABLE)
def test_types_that_a_table_cannot_hold_are_refused(tmp_path, values):
    """A column of lists, structures, bytes or times of day is refused by its name."""
    with pytest.raises(DataTypeError, match=r"table.parquet, column 'c': values of type .* cannot be used"):
        read_parquet_table(write(tmp_path, {"a": [1, 2], "c": values}))


def test_infinite_numbers_are_refused_or_gaps(tmp_path):
    """An infinite number is refused with its row, or is a gap where that is allowed."""
    path = write(tmp_path, {"c": [1.0, 2.0, float("inf")]})
    with pytest.raises(DataError, match=r"table.parquet, row 3 .counted from 1., column 'c': .*infinite"):
        read_parquet_table(path)
    assert read_parquet_table(path, rules=replace(RULES, allow_infinite=True)).column("c") == [1.0, 2.0, None]


def test_a_file_without_rows_is_refused(tmp_path):
    """A file without rows is refused."""
    with pytest.raises(DataError, match="holds no rows"):
        read_parquet_table(write(tmp_path, {"c": pa.array([], pa.int64())}))


def test_two_columns_of_one_name_are_refused(tmp_path):
    """Two columns of one name are refused."""
    with pytest.raises(DataError, match="two columns named 'c'"):
        read_parquet_table(write(tmp_path, pa.Table.from_arrays([pa.array([1])] * 2, ["c", "c"])))


def _footer(intact):
    """Read the length of a parquet file's footer."""
    return int.from_bytes(intact[-8:-4], "little")


DAMAGED = {
    "an empty file": lambda intact: b"",
    "a text": lambda intact: b"a,b\n1,2\n" * 10,
    "a file cut short": lambda intact: intact[: len(intact) // 2],
    "a file without its beginning": lambda intact: intact[len(intact) // 2 :],
    "a footer of zeros": lambda intact: intact[: -8 - _footer(intact)] + bytes(_footer(intact)) + intact[-8:],
    "pages of zeros": lambda intact: intact[:4] + bytes(400) + intact[404:],
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused(tmp_path, damage):
    """A file that is not intact is refused in one line that names it."""
    path = write(tmp_path, {"a": np.random.default_rng(0).normal(size=200), "b": [f"text {i % 7}" for i in range(200)]})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="is not a valid parquet file") as caught:
        read_parquet_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """A missing file and a folder are refused as such."""
    with pytest.raises(FileError, match="no such file"):
        read_parquet_table(tmp_path / "absent.parquet")
    with pytest.raises(FileError, match="it is a folder"):
        read_parquet_table(tmp_path)


def test_an_interrupt_is_one(tmp_path):
    """Ctrl-C while DuckDB reads is a KeyboardInterrupt, and no error of the file."""
    path = write(tmp_path, {"a": range(12_000)})
    query = "select sum(l.a * r.a) from read_parquet(?) l, read_parquet(?) r where l.a + r.a <> 5"  # takes seconds, and then ends

    def run():
        with parquet_table._open(path) as connection:
            Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
            connection.execute(query, [str(path), str(path)]).fetchall()

    with pytest.raises(KeyboardInterrupt):
        run()


@pytest.mark.parametrize("columns", [{"c": np.arange(2000)}, {"c": ["x" * 1000] * 100}], ids=["many rows", "long texts"])
def test_a_small_file_cannot_claim_much_memory(tmp_path, monkeypatch, columns):
    """A file that unpacks to more bytes than the limit is refused before its values are read."""
    monkeypatch.setattr(parquet_table, "LIMIT_UNPACKED", 10_000)
    with pytest.raises(DataError, match="the limit is 10,000"):
        read_parquet_table(write(tmp_path, columns))
    assert _reading.LIMIT_UNPACKED > 10_000


def test_reading_tells_its_progress(tmp_path):
    """The fraction of the columns that is read is told, in ascending order, up to 1."""
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1.5, 2], "b": ["x", "y"], "c": [1, 2]}).to_parquet(path)
    told = []
    read_table(path, progress=told.append)
    assert told == [1 / 3, 2 / 3, 1]
