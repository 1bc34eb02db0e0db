"""Tables from frames, dicts, arrays and lists of rows: values, kinds and gaps, and what is refused."""

import datetime
import decimal
import unicodedata
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from chainrule.errors import DataError, DataTypeError, UnknownName
from chainrule.tables.column import Column
from chainrule.tables.column_kinds import KINDS, RULES, convert_kind
from chainrule.tables.frames import table_from
from chainrule.tables.read import read_table
from chainrule.tables.table import Table

NAN = float("nan")
DAY, MOMENT = datetime.date(2020, 2, 29), datetime.datetime(2021, 12, 31, 23, 59, 58)
BERLIN = pd.Timestamp("2020-01-01", tz="Europe/Berlin")

COLUMNS = {
    "floats of pandas": (pd.Series([1.5, NAN, 2.0]), "number", [1.5, None, 2.0]),
    "nullable integers of pandas": (pd.Series([1, None, 3], dtype="Int64"), "number", [1.0, None, 3.0]),
    "nullable floats of pandas": (pd.Series([1.5, None, 3], dtype="Float64"), "number", [1.5, None, 3.0]),
    "arrow integers of pandas": (pd.Series([1, None, 3], dtype="int64[pyarrow]"), "number", [1.0, None, 3.0]),
    "nullable booleans of pandas": (pd.Series([True, None, False], dtype="boolean"), "boolean", ["True", None, "False"]),
    "categories of pandas": (pd.Series(["b", None, "a"], dtype="category"), "category", ["b", None, "a"]),
    "categories of pandas that are integers": (pd.Series(pd.Categorical([3, None, 10])), "category", ["3", None, "10"]),
    "categories of pandas that are floats": (pd.Series(pd.Categorical([3.0, None, 0.5])), "category", ["3", None, "0.5"]),
    "categories of pandas that are dates": (
        pd.Series(pd.Categorical([pd.Timestamp(DAY), None, pd.Timestamp(MOMENT)])),
        "category",
        ["2020-02-29", None, "2021-12-31T23:59:58"],
    ),
    "categories of pandas that are times with a zone": (
        pd.Series(pd.Categorical([BERLIN, None, BERLIN + pd.Timedelta("1h")])),
        "category",
        ["2019-12-31T23:00:00", None, "2020-01-01"],
    ),
    "categories of pandas that are durations": (
        pd.Series(pd.Categorical(pd.to_timedelta(["01:00:00", None, "00:00:01.5"]))),
        "category",
        ["3600", None, "1.5"],
    ),
    "categories of pandas that are intervals": (pd.Series(pd.cut([1, NAN, 5], [0, 2, 8])), "category", ["(0, 2]", None, "(2, 8]"]),
    "categories of pandas of several types": (pd.Series(pd.Categorical(["a", 1, None])), "category", ["a", "1", None]),
    "categories of pandas with letters composed or not": (
        pd.Series(pd.Categorical(["Zu\u0308rich", "Bern", "Z\u00fcrich"])),
        "category",
        ["Z\u00fcrich", "Bern", "Z\u00fcrich"],
    ),
    "a sparse column of pandas": (pd.Series(pd.arrays.SparseArray([0.0, 0.0, 2.0])), "number", [0.0, 0.0, 2.0]),
    "times of pandas": (pd.Series(pd.to_datetime(["2021-12-31T23:59:58", None])), "date", [MOMENT, None]),
    "times of pandas with a zone": (
        pd.Series([BERLIN, None, BERLIN + pd.Timedelta("1D")]),
        "date",
        [datetime.datetime(2019, 12, 31, 23), None, datetime.datetime(2020, 1, 1, 23)],
    ),
    "durations of pandas": (pd.Series(pd.to_timedelta(["1 days", None, "1.5s"])), "number", [86400.0, None, 1.5]),
    "integers of Polars": (pl.Series([1, None, 255], dtype=pl.UInt8), "number", [1.0, None, 255.0]),
    "floats of Polars, NaN and null": (pl.Series([1.5, None, NAN, 2.0]), "number", [1.5, None, None, 2.0]),
    "booleans of Polars": (pl.Series([True, None, False]), "boolean", ["True", None, "False"]),
    "categories of Polars": (pl.Series(["b", None, "a"], dtype=pl.Categorical), "category", ["b", None, "a"]),
    "an enum of Polars": (pl.Series(["b", None, "a"], dtype=pl.Enum(["a", "b", "c"])), "category", ["b", None, "a"]),
    "integers of 128 bits of Polars": (pl.Series([1, None, 255], dtype=pl.Int128), "number", [1.0, None, 255.0]),
    "integers beyond 64 bits of Polars": (pl.Series([2**100, None, 1], dtype=pl.Int128), "category", [str(2**100), None, "1"]),
    "decimals of Polars": (pl.Series([decimal.Decimal("0.10"), None, decimal.Decimal(3)]), "number", [0.1, None, 3.0]),
    "dates of Polars": (
        pl.Series([DAY, None, datetime.date(1900, 1, 1)]),
        "date",
        [datetime.datetime(2020, 2, 29), None, datetime.datetime(1900, 1, 1)],
    ),
    "times of Polars with a zone": (
        pl.Series([MOMENT, None, BERLIN.to_pydatetime()], dtype=pl.Datetime("ms", "UTC")),
        "date",
        [MOMENT, None, datetime.datetime(2019, 12, 31, 23)],
    ),
    "durations of Polars": (pl.Series([datetime.timedelta(days=1), None]), "number", [86400.0, None]),
    "nulls of Polars": (pl.Series([None, None]), "constant", [None, None]),
    "integers of Arrow": (pa.chunked_array([[1, None], [3]]), "number", [1.0, None, 3.0]),
    "a dictionary of Arrow": (pa.chunked_array([pa.array(["b", None, "a"]).dictionary_encode()]), "category", ["b", None, "a"]),
    "a dictionary of dates of Arrow": (
        pa.chunked_array([pa.array([DAY, None, DAY.replace(day=1)]).dictionary_encode()]),
        "category",
        ["2020-02-29", None, "2020-02-01"],
    ),
    "decimals of Arrow": (pa.chunked_array([[decimal.Decimal("1.5"), None, decimal.Decimal(2)]]), "number", [1.5, None, 2.0]),
    "times of Arrow with a zone": (
        pa.chunked_array([pa.array([BERLIN, None], pa.timestamp("ns", "Europe/Berlin"))]),
        "date",
        [datetime.datetime(2019, 12, 31, 23), None],
    ),
    "uint8 of NumPy": (np.array([0, 255, 1], np.uint8), "number", [0.0, 255.0, 1.0]),
    "a masked array": (np.ma.array([1, 2, 3], mask=[0, 1, 0]), "number", [1.0, None, 3.0]),
    "booleans of NumPy": (np.array([True, False]), "boolean", ["True", "False"]),
    "texts of NumPy": (np.array(["b", "a", "b"]), "category", ["b", "a", "b"]),
    "dates of NumPy": (np.array(["2020-02-29", "NaT"], "datetime64[D]"), "date", [datetime.datetime(2020, 2, 29), None]),
    "durations of NumPy": (np.array([90, "NaT"], "timedelta64[m]"), "number", [5400.0, None]),
    "16-bit floats of NumPy": (np.array([0.5, NAN, 2.0], np.float16), "number", [0.5, None, 2.0]),
    "objects that are integers": (np.array([1, None, 3], object), "number", [1.0, None, 3.0]),
    "a list of every gap": ([None, NAN, pd.NA, pd.NaT, np.nan, decimal.Decimal("NaN"), 1, 2.5], "number", [None] * 6 + [1.0, 2.5]),
    "a list of integers, floats and decimals": ([1, 2.5, np.int8(3), decimal.Decimal("0.1")], "number", [1.0, 2.5, 3.0, 0.1]),
    "a list of booleans": ([True, None, np.False_], "boolean", ["True", None, "False"]),
    "a list of texts": (["b", None, "a", NAN], "category", ["b", None, "a", None]),
    "a list of dates and times": (
        [DAY, None, MOMENT, np.datetime64("2020-01-01")],
        "date",
        [datetime.datetime(2020, 2, 29), None, MOMENT, datetime.datetime(2020, 1, 1)],
    ),
    "a list of times with zones": (
        [BERLIN, BERLIN.to_pydatetime(), pd.NaT, MOMENT],
        "date",
        [datetime.datetime(2019, 12, 31, 23)] * 2 + [None, MOMENT],
    ),
    "a list of durations": ([datetime.timedelta(days=1), np.timedelta64(2, "s"), None], "number", [86400.0, 2.0, None]),
    "a range": (range(3), "number", [0.0, 1.0, 2.0]),
    "equal numbers": ([3.0, 3.0], "constant", ["3", "3"]),
    "equal booleans": ([True, True], "constant", ["True", "True"]),
    "equal dates": ([DAY, DAY], "constant", ["2020-02-29", "2020-02-29"]),
    "equal categories": (pd.Series(["a", "a"], dtype="category"), "constant", ["a", "a"]),
    "gaps alone": ([None, NAN], "constant", [None, None]),
    "an array of NaN": (np.full(3, np.nan), "constant", [None] * 3),
    "an array of NaT": (np.full(3, "NaT", "datetime64[s]"), "constant", [None] * 3),
    "no rows": (np.array([], np.float32), "number", []),
    "texts of numbers stay texts": (["10", "9", "10", None], "category", ["10", "9", "10", None]),
    "numbers beyond exactness": (
        np.array([2**53 + 1, 2**53 + 2, 2**53 + 1]),
        "category",
        ["9007199254740993", "9007199254740994", "9007199254740993"],
    ),
    "the largest exact numbers": (np.array([2**53, -(2**53)]), "number", [2.0**53, -(2.0**53)]),
}


@pytest.mark.parametrize(("values", "kind", "wanted"), COLUMNS.values(), ids=COLUMNS)
def test_the_type_of_the_values_decides_the_kind(values, kind, wanted):
    """A column of each type has the kind and the values that its type says, gaps among them, in a dict and in a frame."""
    frames = [{"c": values}]
    if isinstance(values, pd.Series):
        frames.append(pd.DataFrame({"c": values}))
    if isinstance(values, pl.Series):
        frames.append(pl.DataFrame({"c": values}))
    if isinstance(values, pa.ChunkedArray):
        frames.append(pa.table({"c": values}))
    for frame in frames:
        table = table_from(frame)
        assert (table.kinds, table.column("c")) == ({"c": kind}, wanted)
        assert type(table["c"].data) is np.ndarray


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict], ids=["pandas", "polars", "arrow", "dict"])
def test_frames_of_all_libraries_make_one_table(make):
    """The same columns in a frame of each library make the same table."""
    columns = {"size": [1.5, 2.0, None], "town": ["b", "a", None], "sold": [True, False, True], "day": [MOMENT, None, MOMENT]}
    table = table_from(make(columns))
    assert table.kinds == {"size": "number", "town": "category", "sold": "boolean", "day": "date"}
    assert [table.column(name) for name in ("size", "town", "sold", "day")] == [
        columns["size"], columns["town"], ["True", "False", "True"], columns["day"],
    ]  # fmt: skip


SHAPES = {
    "an array": (np.array([[1, 2.5], [3, 4]]), {"0": [1.0, 3.0], "1": [2.5, 4.0]}),
    "an array of objects": (np.array([[1, "b"], [2, None], [3, "a"]], object), {"0": [1.0, 2.0, 3.0], "1": ["b", None, "a"]}),
    "a structured array": (np.array([(1, "b"), (2, "a")], [("n", int), ("t", "U3")]), {"n": [1.0, 2.0], "t": ["b", "a"]}),
    "dicts with other keys": ([{"a": 1, "b": "x"}, {"b": "y", "a": 2}, {"c": 5}], {
        "a": [1.0, 2.0, None], "b": ["x", "y", None], "c": [None, None, 5.0]}),
    "a list of rows": ([(1, "b"), [2, "a"]], {"0": [1.0, 2.0], "1": ["b", "a"]}),
    "names that are numbers": (pd.DataFrame([[1, 2], [3, 4]], columns=[2020, 2021]), {"2020": [1.0, 3.0], "2021": [2.0, 4.0]}),
    "names of several levels": (
        pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples([("size", "mean"), ("town", "")])),
        {"size_mean": [1.0, 3.0], "town": [2.0, 4.0]},
    ),
    "a duplicated index": (pd.DataFrame({"a": [1, 2, 3]}, index=[7, 7, 7]), {"a": [1.0, 2.0, 3.0]}),
    "a decomposed name": ({unicodedata.normalize("NFD", "größe"): [1, 2]}, {"größe": [1.0, 2.0]}),
    "no columns": ({}, {}),
    "no rows at all": ([], {}),
}  # fmt: skip


@pytest.mark.parametrize(("data", "wanted"), SHAPES.values(), ids=SHAPES)
def test_data_of_every_shape_makes_columns(data, wanted):
    """Arrays, rows, and frames with names of other types give columns named by text."""
    table = table_from(data)
    assert {name: table.column(name) for name in table.names} == wanted


REFUSED = {
    "numbers and texts": ({"c": [1, None, "a"]}, DataTypeError, "row 3 .counted from 1., column 'c': 'a' .str. .*1 .int. in row 1"),
    "numbers and texts of pandas": (pd.DataFrame({"c": [1, "a"]}), DataTypeError, "row 2 .*, column 'c': 'a' .str."),
    "a date among numbers": ({"c": [1, DAY]}, DataTypeError, "row 2 .*, column 'c': .*date"),
    "a boolean among numbers": ({"c": [1.5, True]}, DataTypeError, "row 2 .*, column 'c': True .bool."),
    "a boolean among texts": ({"c": ["a", True]}, DataTypeError, "row 2 .*, column 'c': True .bool."),
    "infinity": ({"c": np.array([1, np.inf])}, DataError, "row 2 .*, column 'c': .*infinite .inf.*make it a gap"),
    "infinity in a list": ({"c": [1, -np.inf]}, DataError, "row 2 .*, column 'c': .*infinite .-inf.*make it a gap"),
    "an integer that no float holds": ({"c": [0.5, 10**400]}, DataError, "column 'c'.*larger than float64"),
    "complex numbers": ({"c": np.array([1j, 2])}, DataTypeError, "column 'c'.*complex128"),
    "bytes": ({"c": [b"x"]}, DataTypeError, "row 1 .*, column 'c': b'x'"),
    "bytes of NumPy": ({"c": np.array([b"x"])}, DataTypeError, "column 'c'.*S1"),
    "bytes of Polars": (pl.DataFrame({"c": [b"x"]}), DataTypeError, "column 'c'.*Binary"),
    "lists": ({"c": [[1], [2]]}, DataTypeError, "row 1 .*, column 'c': .1. .list."),
    "lists of Polars": (pl.DataFrame({"c": [[1], [2]]}), DataTypeError, "column 'c'.*List"),
    "structs of Polars": (pl.DataFrame({"c": [{"a": 1}]}), DataTypeError, "column 'c'.*Struct"),
    "times of day": (pl.DataFrame({"c": [datetime.time(1)]}), DataTypeError, "column 'c'.*Time"),
    "periods": (pd.DataFrame({"c": pd.period_range("2020", periods=2, freq="M")}), DataTypeError, "column 'c'.*Period"),
    "a distant year": ({"c": np.array(["2020", "12000"], "datetime64[Y]")}, DataError, "row 2 .*, column 'c'.*year 12000"),
    "a column of two dimensions": ({"c": np.ones((2, 2))}, DataTypeError, "column 'c'.*1-D array.*2, 2"),
    "a column that is a number": ({"c": 3}, DataTypeError, "column 'c'.*int"),
    "columns of two lengths": ({"a": [1, 2], "c": [1]}, DataError, "column 'c' has 1 rows, but column 'a' has 2"),
    "a name twice": (pd.DataFrame([[1, 2]], columns=["c", "c"]), DataError, "two columns named 'c'"),
    "a name twice in Arrow": (pa.Table.from_arrays([pa.array([1])] * 2, ["c", "c"]), DataError, "two columns named 'c'"),
    "a name as text and as number": (pd.DataFrame([[1, 2]], columns=["1", 1]), DataError, "two columns named '1'"),
    "a name composed and decomposed": ({"é": [1], unicodedata.normalize("NFD", "é"): [2]}, DataError, "two columns named 'é'"),
    "rows of two lengths": ([[1, 2], [1]], DataError, "row 2 .* has 1 values, but row 1 has 2"),
    "rows of two types": ([[1], {"a": 1}], DataTypeError, "row 2 .* is of type dict"),
    "a sparse matrix": (sparse.eye(3, format="csr"), DataTypeError, "sparse.*toarray"),
    "a lazy frame": (pl.LazyFrame({"c": [1]}), DataTypeError, "lazily.*collect"),
    "a single column": (pd.Series([1]), DataTypeError, "single column"),
    "an array of one dimension": (np.arange(3), DataError, "2 dimensions.*3,"),
    "a few texts among texts of numbers": ({"c": [*map(str, range(40)), "12.3x"]}, DataError, "row 41 .*, column 'c'.*'12.3x'"),
    "distinct numbers as texts": ({"c": [f"{i}.5" for i in range(30)]}, DataError, "column 'c' holds numbers as texts.*astype"),
    "half of a character": ({"c": ["a", "b\ud800"]}, DataError, "column 'c'.*not valid Unicode"),
    "half of a character in a name": ({"c\ud800": [1]}, DataError, "name of a column is not valid Unicode"),
    "a text": ("table.csv", DataTypeError, "of type str"),
    "a number": (5, DataTypeError, "of type int"),
}


@pytest.mark.parametrize(("data", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_table_is_refused(data, error, message):
    """Data that cannot be a table is refused in one line that names the column, the row and the value, without a warning."""
    with pytest.raises(error, match=message) as caught:
        table_from(data)
    assert "\n" not in str(caught.value)


def _columns_of(library):
    """Give the first two values of all columns above that are of a library, each a gap or a value, by name."""
    return {name: values[:2] for name, (values, _, _) in COLUMNS.items() if isinstance(values, library)}


ROWS = {"pandas": pd.DataFrame(_columns_of(pd.Series)), "polars": pl.DataFrame(_columns_of(pl.Series))}


@pytest.mark.parametrize("frame", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("kind", [None, "category"])
def test_few_rows_are_read_as_among_others(frame, kind):
    """Few rows of a frame, read with the kinds of the whole, have the values that they have in the whole."""
    kinds = table_from(frame).kinds if kind is None else dict.fromkeys(frame.columns, kind)
    whole = table_from(pd.concat([frame] * 20) if isinstance(frame, pd.DataFrame) else pl.concat([frame] * 20), kinds=kinds)
    for rows in (slice(0, 1), slice(1, 2), slice(0, 2)):
        alone = table_from(frame[rows], kinds=kinds)
        assert {name: alone.column(name) for name in alone.names} == {name: whole.column(name)[rows] for name in whole.names}


def test_a_file_and_its_frame_make_the_same_table(tmp_path):
    """A file read by read_table, by pandas and by Polars makes the same kinds and values."""
    rng = np.random.default_rng(0)
    n = 300
    columns = {
        "id": range(1, n + 1),
        "size": rng.normal(size=n).round(3),
        "rooms": rng.integers(1, 9, n),
        "town": rng.choice(["Bern", "Zürich", "Basel"], n),
        "plan": rng.choice(["a", "b", "?"], n),
        "sold": rng.choice(["yes", "no"], n),
        "rented": rng.choice([True, False], n),
        "day": [f"2021-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(n)],
        "price": [f"{1000 + 37 * i:,.2f}" for i in range(n)],
        "code": [f"u-{i:x}-{i * i}" for i in range(n)],
        "note": [f"this is the note number {i}" for i in range(n)],
        "account": [2**60 + i % 7 for i in range(n)],
        "year": [2021] * n,
        "late": [None if i % 3 else i for i in range(n)],
        "nothing": [None] * n,
    }
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    table = read_table(path)
    assert {name: kind for name, kind in table.kinds.items() if kind != "number"} == {
        "id": "identifier", "town": "category", "plan": "category", "sold": "boolean", "rented": "boolean", "day": "date",
        "code": "identifier", "note": "text", "account": "category", "year": "constant", "nothing": "constant",
    }  # fmt: skip
    for frame in (
        pd.read_csv(path),
        pd.read_csv(path, dtype_backend="pyarrow"),
        pl.read_csv(path),
        pl.read_csv(path, try_parse_dates=True),
    ):
        again = table_from(frame)
        assert again.kinds == table.kinds
        assert {name: again.column(name) for name in again.names} == {name: table.column(name) for name in table.names}


def test_infinities_are_gaps_where_they_are_allowed():
    """Where the rules allow infinity, infinite numbers are gaps; the array passed in is left as it was."""
    values, rules = np.array([1.0, np.inf, 2.0]), replace(RULES, allow_infinite=True)
    assert table_from({"c": values, "d": [1, 2, -np.inf]}, rules=rules).column("c") == [1.0, None, 2.0]
    assert np.isinf(values[1])


def test_columns_that_are_left_out_are_not_looked_at():
    """Columns dropped, or not among those asked for, may hold anything; asked-for columns may be absent."""
    data = {"a": [1, 2], "broken": [1, "x"]}
    assert table_from(data, drop=["broken"]).names == ["a"]
    assert table_from(data, columns=["a", "absent"], kinds={"absent": "number", "a": "category"}).kinds == {"a": "category"}


@pytest.mark.parametrize("setting", [{"drop": ["prise"]}, {"kinds": {"prise": "number"}}])
def test_a_setting_for_a_column_that_is_not_there_is_refused(setting):
    """A name in drop or kinds that the table lacks is refused with the nearest name."""
    with pytest.raises(UnknownName, match="unknown column 'prise'; did you mean 'prize'"):
        table_from({"prize": [1, 2]}, **setting)


def test_a_table_is_taken_as_it_is():
    """A Table keeps its columns and its name, and is converted where kinds are given."""
    table = Table([Column("a", "number", np.array([1.0, 2.0]))], "file.csv")
    again = table_from(table)
    assert again["a"] is table["a"]
    assert again.name == "file.csv"
    assert table_from(table, kinds={"a": "category"}).column("a") == ["1", "2"]


CONVERSIONS = {
    "numbers to categories": ([3, 0.5, None, 3.0], "category", ["3", "0.5", None, "3"]),
    "numbers to an identifier": ([10, 9], "identifier", ["10", "9"]),
    "texts to numbers": (["10", "-1.5e3", None], "number", [10.0, -1500.0, None]),
    "a constant to numbers": ([3, 3], "number", [3.0, 3.0]),
    "a constant to a category": ([3, 3], "category", ["3", "3"]),
    "gaps to numbers": ([None, None], "number", [None, None]),
    "gaps to dates": ([None, None], "date", [None, None]),
    "gaps to a category": ([None, None], "category", [None, None]),
    "texts to dates": (
        ["2020-02-29", None, "2020-02-29"],
        "date",
        [datetime.datetime(2020, 2, 29), None, datetime.datetime(2020, 2, 29)],
    ),
    "dates to categories": ([DAY, MOMENT], "category", ["2020-02-29", "2021-12-31T23:59:58"]),
    "booleans to a category": ([True, False], "category", ["True", "False"]),
    "booleans to numbers": ([True, None, False], "number", [1.0, None, 0.0]),
    "texts to a boolean": (["yes", "no"], "boolean", ["yes", "no"]),
    "zeros and ones to a boolean": ([1, None, 0], "boolean", ["True", None, "False"]),
    "dates of one row": ([DAY], "date", [datetime.datetime(2020, 2, 29)]),
    "numbers beyond exactness to numbers": (np.array([2**60 + 1, 1]), "number", [2.0**60, 1.0]),
}


@pytest.mark.parametrize(("values", "kind", "wanted"), CONVERSIONS.values(), ids=CONVERSIONS)
def test_a_required_kind_is_kept(values, kind, wanted):
    """A column has the kind that is required, with its values in that kind, whatever it would be by itself."""
    table = table_from({"c": values}, kinds={"c": kind})
    assert (table.kinds, table.column("c")) == ({"c": kind}, wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [[], np.array([], bool), np.array([], float), pd.Series([], dtype="str")], ids=str)
def test_a_column_without_rows_has_the_required_kind(values, kind):
    """A column without rows has every kind that is required, whatever the type of its values."""
    table = table_from({"c": values}, kinds={"c": kind})
    assert (table.kinds, table.column("c")) == ({"c": kind}, [])


IMPOSSIBLE = {
    "a text as a number": (["1", "1", "12.3x"], "number", "row 3 .counted from 1., column 'c'.*'12.3x'"),
    "a date as a number": ([None, DAY, MOMENT], "number", "row 2 .*, column 'c'.*'2020-02-29' is not a number"),
    "a number as a date": ([None, 5.0, 6], "date", "row 2 .*, column 'c'.*'5' is not a date"),
    "a text as a date": (["2020-01-01", "soon"], "date", "row 2 .*, column 'c'.*'soon'"),
    "a text as a boolean": (["yes", "maybe"], "boolean", "row 2 .*, column 'c'.*'maybe'"),
    "numbers as a boolean": ([None, 5, 6], "boolean", "row 2 .*, column 'c'.*'5' is not a boolean"),
    "an integer beyond floats as a number": ([10**400, 1], "number", "column 'c'.*larger than float64"),
    "an infinite text as a number": (["1", "1e999"], "number", "column 'c'.*1e999"),
}


@pytest.mark.parametrize(("values", "kind", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_value_that_cannot_have_the_kind_is_refused(values, kind, message):
    """A value that cannot be of the required kind is refused with the column, the row and the value."""
    with pytest.raises(DataError, match=message):
        table_from({"c": values}, kinds={"c": kind})


def test_an_unknown_kind_is_refused():
    """A kind of another name is refused with the nearest one."""
    with pytest.raises(UnknownName, match="did you mean 'category'"):
        table_from({"c": [1, 2]}, kinds={"c": "categories"})


def test_booleans_of_a_file_are_zeros_and_ones():
    """A boolean column that is required to be numbers holds 0 for false and 1 for true, in any case; yes and no are refused."""
    column = Column("c", "boolean", np.array([1, -1, 0], np.int32), ("FALSE", "true"))
    assert convert_kind(column, "number").to_list() == [1.0, None, 0.0]
    with pytest.raises(DataError, match="'yes' is not a number"):
        convert_kind(Column("c", "boolean", np.array([1, 0], np.int32), ("no", "yes")), "number")


@pytest.mark.parametrize("kind", ["number", "category", "identifier", "text", "constant"])
def test_a_conversion_there_and_back_changes_nothing(kind):
    """A number made another kind that can hold it, and a number again, has the same bits."""
    values = np.array([0.1, 1e300, -5.0, np.nan, 2**53, 1 / 3])
    column = convert_kind(Column("c", "number", values), kind)
    np.testing.assert_array_equal(convert_kind(column, "number").data, values)
