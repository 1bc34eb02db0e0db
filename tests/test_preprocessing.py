"""Preprocessing: a table's columns become features by rules that training measured, equally in a batch, alone and after a file."""

import json

import numpy as np
import pytest
from drawn import repeatable
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from chainrule.calculus.input_features import Bins
from chainrule.errors import DataError, SettingError
from chainrule.piecewise_inputs import PiecewiseInputs
from chainrule.tables.column import Column
from chainrule.tables.frames import table_from
from chainrule.tables.preprocessing import Preprocessing
from chainrule.tables.table import Table

DAY = np.timedelta64(1, "D")


def number(name, *values):
    return Column(name, "number", np.array(values, float))


def category(name, *values, kind="category"):
    """A column of texts, where None is a gap."""
    known = tuple(sorted({value for value in values if value is not None}))
    return Column(name, kind, np.array([-1 if value is None else known.index(value) for value in values], np.int32), known)


def date(name, *values):
    return Column(name, "date", np.array([value or "NaT" for value in values], "datetime64[us]"))


def mixed_table(n=200, seed=0):
    """A table with every kind of column, and gaps in most."""
    rng = np.random.default_rng(seed)

    def gappy(values):
        return [None if rng.random() < 0.1 else value for value in values]

    numbers = rng.normal(size=n) * 1e6
    numbers[rng.random(n) < 0.1] = np.nan
    texts = [" ".join(rng.choice(["Oak!", "oak", *(f"word{k}" for k in range(2000))], 8)) for _ in range(n)]
    dates = np.datetime64("2024-01-01T00:00", "us") + rng.integers(0, 10**6, n).astype("timedelta64[m]")
    return Table(
        [
            Column("amount", "number", numbers),
            number("few", *rng.integers(0, 3, n)),
            category("colour", *gappy(rng.choice(["red", "green", "blue"], n))),
            category("yes", *gappy(rng.choice(["no", "yes"], n)), kind="boolean"),
            category("rare", *rng.choice(["a"] * 90 + ["b"] * 90 + list("cdefghij"), n)),
            Column("when", "date", dates),
            category("note", *gappy(texts), kind="text"),
            category("id", *(f"id{row}" for row in range(n)), kind="identifier"),
            category("same", *["x"] * n, kind="constant"),
        ]
    )


TABLE = mixed_table()
Y = (np.nan_to_num(TABLE["amount"].data) > 0).astype(int)


def as_array(features):
    return features.toarray() if sparse.issparse(features) else features


def fitted(*columns, y=None, **settings):
    return Preprocessing.fit(Table(columns), y, **settings)


def one_column(preprocessing, column):
    """The features of a table with one column, by name."""
    features = as_array(preprocessing.apply(Table([column])))
    return {name: features[:, k].tolist() for k, name in enumerate(preprocessing.feature_names)}


def test_features_are_c_contiguous_float32():
    """The features are a C-contiguous float32 array with a name for each column, none of them twice."""
    preprocessing = Preprocessing.fit(TABLE.without("note"), Y)
    features = preprocessing.apply(TABLE)
    assert features.dtype == np.float32
    assert features.flags.c_contiguous
    assert features.shape == (len(TABLE), len(set(preprocessing.feature_names)))


@pytest.mark.parametrize("without", [(), ("note",)], ids=["sparse", "dense"])
def test_a_row_has_the_same_bits_alone_in_a_batch_and_in_any_order(without):
    """A row's features do not depend on the rows beside it, nor on the order of the columns, nor on other columns."""
    table = TABLE.without(*without)
    preprocessing = Preprocessing.fit(table, Y)
    assert preprocessing.sparse is ("note" not in without)
    batch = as_array(preprocessing.apply(table))
    order = np.random.default_rng(1).permutation(len(table))
    shuffled = Table([*table.take(order).columns[::-1], number("other", *order)])
    assert np.array_equal(as_array(preprocessing.apply(shuffled)), batch[order])
    alone = [as_array(preprocessing.apply(table.take(slice(row, row + 1))))[0] for row in range(len(table))]
    assert np.array_equal(alone, batch)


@pytest.mark.parametrize("without", [(), ("note",)], ids=["sparse", "dense"])
def test_a_round_trip_through_json_and_tensors_changes_no_bit(without):
    """What is read from JSON and tensors gives the same features, names and report, and is written alike again."""
    table = TABLE.without(*without)
    preprocessing = Preprocessing.fit(table, Y)
    text = json.dumps(preprocessing.to_json(), allow_nan=False)
    read = Preprocessing.parse(json.loads(text), preprocessing.tensors())
    assert np.array_equal(as_array(read.apply(table)), as_array(preprocessing.apply(table)))
    assert read.feature_names == preprocessing.feature_names
    assert read.describe() == preprocessing.describe()
    assert json.dumps(read.to_json()) == text


def test_groups_divide_the_features_by_their_columns():
    """Each feature belongs to one column, and an unused column has none."""
    preprocessing = Preprocessing.fit(TABLE, Y)
    assert sorted(np.concatenate([*preprocessing.groups.values()])) == [*range(preprocessing.n_features)]
    assert set(preprocessing.groups) == set(TABLE.names) - {"id", "same"}
    for name, features in preprocessing.groups.items():
        assert all(preprocessing.feature_names[feature].startswith(name) for feature in features)


def test_only_a_columns_own_features_change_with_it():
    """Other values in a column change features of its group alone."""
    preprocessing = Preprocessing.fit(TABLE, Y)
    before = as_array(preprocessing.apply(TABLE))
    for name in preprocessing.groups:
        other = Table([column.take(np.arange(len(TABLE))[::-1]) if column.name == name else column for column in TABLE])
        changed = np.flatnonzero((as_array(preprocessing.apply(other)) != before).any(axis=0))
        assert len(changed)
        assert set(changed) <= set(preprocessing.groups[name])


def test_columns_that_tell_nothing_are_left_out_with_a_reason():
    """Identifiers, constants and columns without values have no features, and the report says why."""
    preprocessing = fitted(
        category("id", "a", "b", "c", kind="identifier"),
        category("same", "x", "x", "x"),
        number("one", 5, 5, 5),
        number("none", np.nan, np.nan, np.nan),
        category("empty", None, None, None, kind="constant"),
        number("used", 1, 2, 3),
    )
    done = {row.column: row.done for row in preprocessing.describe()}
    assert done == {
        "id": "left out: identifier",
        "same": "left out: constant",
        "one": "left out: constant",
        "none": "left out: no values",
        "empty": "left out: no values",
        "used": "scaled, 2 bins",
    }
    assert preprocessing.input_kinds == {"used": "number"}


def test_one_value_and_gaps_are_told_apart():
    """A column of one value and gaps keeps whether it is missing, of numbers as of categories, whatever kind it was called."""
    preprocessing = fitted(number("x", 5, np.nan, 5), category("c", "on", None, None, kind="constant"))
    table = Table([number("x", np.nan, 5), category("c", None, "on")])
    assert preprocessing.feature_names == ["x missing", "c=on", "c missing"]
    assert preprocessing.apply(table).tolist() == [[1, 0, 1], [0, 1, 0]]
    assert preprocessing.input_kinds == {"x": "number", "c": "category"}


def test_a_table_of_which_nothing_is_used_is_refused():
    """A table without a column that tells anything, and one without rows, is refused."""
    with pytest.raises(DataError, match=r"no column of the table tells anything: id \(identifier\), x \(constant\)"):
        fitted(category("id", "a", "b", kind="identifier"), number("x", 1, 1))
    with pytest.raises(DataError, match="no rows"):
        fitted(number("x"))
    with pytest.raises(DataError, match="a value for each of the table's 2 rows; it has 3"):
        fitted(number("x", 1, 2), y=np.zeros(3))


@pytest.mark.parametrize("bins", [-1, 257, 1.5, True])
def test_a_wrong_number_of_bins_is_refused(bins):
    """The number of bins is a whole number from 0 to 256."""
    with pytest.raises(SettingError, match="bins must be"):
        fitted(number("x", 1, 2, 3), bins=bins)


def test_without_bins_a_number_is_its_scaled_value():
    """With bins=0 numbers have their scaled value alone."""
    assert fitted(number("x", 1, 2, 3), bins=0).feature_names == ["x"]


def test_the_numbers_of_a_wide_table_have_fewer_bins():
    """A table of 2,000 numbers has 4 bins for each instead of 16, so that its features stay a few times its columns."""
    numbers = np.random.default_rng(0).normal(size=(2000, 100))
    preprocessing = fitted(*(number(f"x{k}", *values) for k, values in enumerate(numbers)))
    assert preprocessing.n_features == 2000 * (1 + 4)


@pytest.mark.parametrize("task", ["classification", "regression", None])
def test_the_task_decides_how_edges_are_chosen(task):
    """Of classes the numbers do not count, of values they do; by default integers are classes."""
    x, y = np.repeat(np.arange(4.0), 100), np.repeat([5, 5, 0, 1000], 100)
    preprocessing = fitted(number("x", *x), y=y, task=task, bins=2)
    assert preprocessing.columns[0].rules[0][1].edges.tolist() == [0, 2.5 if task == "regression" else 1.5, 3]


# categories


def test_categories_are_one_hot_in_the_order_of_their_values():
    """Each value has a feature; an unknown value and a gap that training did not have are zeros."""
    column = category("colour", *["red", "green", "blue"] * 10)
    new = category("colour", "red", "green", "blue", "mauve", None)
    assert one_column(fitted(column), new) == {
        "colour=blue": [0, 0, 1, 0, 0],
        "colour=green": [0, 1, 0, 0, 0],
        "colour=red": [1, 0, 0, 0, 0],
    }


def test_two_values_are_a_sign():
    """A category of two values is one feature of -1 and 1; an unknown value is 0, and a gap 0 beside its own feature."""
    new = category("answer", "yes", "no", "perhaps", None)
    for kind, name in (("boolean", "answer=true"), ("category", "answer=yes")):
        with_gaps = fitted(category("answer", "no", "yes", None, kind=kind))
        assert one_column(with_gaps, new) == {name: [1, -1, 0, 0], "answer missing": [0, 0, 0, 1]}
        without = fitted(category("answer", "no", "yes", kind=kind))
        assert one_column(without, new) == {name: [1, -1, 0, 0]}


def test_rare_values_are_other():
    """Values of fewer than 20 rows share a feature, which an unknown value does not have."""
    column = category("c", *"a" * 1000, *"b" * 20, *"c" * 19, "d")
    preprocessing = fitted(column)
    assert one_column(preprocessing, category("c", *"abcde")) == {
        "c=a": [1, 0, 0, 0, 0],
        "c=b": [0, 1, 0, 0, 0],
        "c other": [0, 0, 1, 1, 0],
    }
    assert preprocessing.describe()[0].done == "one-hot of 2, 2 rare as other"


def test_one_rare_value_keeps_its_feature():
    """A single rare value is not called other, since that would save no feature."""
    assert fitted(category("c", *"a" * 1000, *"b" * 20, "z")).feature_names == ["c=a", "c=b", "c=z"]


def test_in_a_small_table_fewer_rows_are_rare():
    """In a table of 100 rows a value is rare below 2 rows."""
    assert fitted(category("c", *"a" * 94, *"bb", *"cc", *"de")).feature_names == ["c=a", "c=b", "c=c", "c other"]


def test_many_values_are_kept_in_bounded_size():
    """A category of more values than a file should name is hashed: its most frequent values are named, the rest share buckets."""
    n = 200_000
    values = tuple(f"{k:07}" for k in range(n))
    codes = np.concatenate([np.arange(n), np.repeat(np.arange(5), 20)]).astype(np.int32)
    table = Table([Column("c", "category", codes, values)])
    preprocessing = Preprocessing.fit(table)
    assert preprocessing.sparse
    assert preprocessing.n_features == 5 + 1024
    assert len(json.dumps(preprocessing.to_json())) < 1 << 19
    features = preprocessing.apply(table)
    assert features.shape == (len(codes), 5 + 1024)
    assert (np.diff(features.indptr) == 1).all()
    assert (features.data == 1).all()
    alone = Table([category("c", "0199999", "0000003", "unknown")])
    assert np.array_equal(preprocessing.apply(alone).indices[:2], features[[199_999, 3]].indices)
    assert preprocessing.feature_names[3] == "c=0000003"


def test_long_values_are_hashed():
    """Values that are too long to name in a file are hashed, even if they are only two."""
    long = "\ud800" + "a" * 300_000, "b" * 300_000
    column = category("c", *long, long[0])
    preprocessing = fitted(column)
    assert len(json.dumps(preprocessing.to_json())) < 1 << 19
    features = as_array(preprocessing.apply(Table([column])))
    assert features[0].tolist() == features[2].tolist() != features[1].tolist()


def test_features_of_many_values_are_csr():
    """One-hot features of many values are CSR, canonical and float32, with the same values as by hand."""
    codes = np.random.default_rng(0).integers(0, 600, 30_000).astype(np.int32)
    column = Column("c", "category", codes, tuple(f"{k:03}" for k in range(600)))
    preprocessing = Preprocessing.fit(Table([column]))
    features = preprocessing.apply(Table([column]))
    assert sparse.isspmatrix_csr(features)
    assert features.dtype == np.float32
    assert features.has_canonical_format
    names = np.array(preprocessing.feature_names)
    assert all(names[features.indices] == [f"c={code:03}" for code in codes])


@repeatable(50)
@given(st.lists(st.text() | st.none(), min_size=2, max_size=50), st.lists(st.text() | st.none(), min_size=1, max_size=10))
def test_any_texts_may_be_categories(values, new):
    """Every text, also of lone surrogates and control characters, is a category, keeps its feature in JSON, and has at most one."""
    column = category("c", *values)
    if column.n_distinct < 1 or (column.n_distinct == 1 and None not in values):
        return
    preprocessing = Preprocessing.fit(Table([column]))
    read = Preprocessing.parse(json.loads(json.dumps(preprocessing.to_json())), preprocessing.tensors())
    features = preprocessing.apply(Table([category("c", *new)]))
    assert np.array_equal(read.apply(Table([category("c", *new)])), features)
    for value, row in zip(new, features, strict=True):
        assert np.count_nonzero(row) == (value in values)


# dates


def test_dates_become_days_month_weekday_and_hour():
    """A date is its days since 1970, one-hot month and weekday, and the hour where there is one; gaps are told once."""
    dates = [f"2024-{month:02}-{day:02}T{day % 24:02}:30" for month in (1, 2) for day in range(1, 29)] * 2
    preprocessing = fitted(date("when", *dates, None), bins=0)
    features = one_column(preprocessing, date("when", "1970-01-02T12:30", None, "2024-02-01T14:30"))
    weekdays = ["Friday", "Monday", "Saturday", "Sunday", "Thursday", "Tuesday", "Wednesday"]
    assert set(features) == {
        "when days", "when days missing", "when month=February", "when hour", *(f"when weekday={day}" for day in weekdays)
    }  # fmt: skip
    assert features["when weekday=Friday"] == [1, 0, 0]
    assert features["when weekday=Thursday"] == [0, 0, 1]
    assert features["when month=February"] == [-1, 0, 1]
    assert features["when days missing"] == [0, 1, 0]
    assert features["when hour"][1] == 0
    rules = dict(preprocessing.columns[0].rules)
    assert rules["hour"].median == 10
    assert rules["days"].median == np.median((np.array(dates, "datetime64[m]") - np.datetime64(0, "D")) / DAY)


def test_dates_without_a_time_of_day_have_no_hour():
    """Dates at midnight have no hour, and a month and weekday that never change are left out."""
    preprocessing = fitted(date("when", *(f"{year}-03-01" for year in (2010, 2021, 2027))), bins=0)
    assert preprocessing.feature_names == ["when days"]  # each a Monday in March
    assert preprocessing.describe()[0].example == "2010-03-01"


# texts


def test_texts_become_weights_of_their_words():
    """A text's words, without case, weigh 1 + log(count), scaled to length 1; unknown words and gaps are zeros."""
    preprocessing = fitted(category("note", "red red wine", "Oak, wine", "", None, kind="text"))
    features = as_array(preprocessing.apply(Table([category("note", "Red red WINE!", "oak unheard", "", None, kind="text")])))
    red, wine = 1 + np.log(2), 1
    length = np.hypot(red, wine)
    assert sorted(features[0]) == pytest.approx(sorted([red / length, wine / length, 0]), rel=1e-6)
    assert sorted(features[1]) == [0, 0, 1]
    assert not features[2:].any()


def test_a_text_without_words_is_left_out():
    """A column of texts that hold no word is left out."""
    preprocessing = fitted(category("note", "!", "?", kind="text"), number("x", 1, 2))
    assert preprocessing.describe()[0].done == "left out: no words"


# later tables


def test_a_missing_column_is_named():
    """A table without some columns of the training's is refused by their names; a left-out column may be missing."""
    preprocessing = Preprocessing.fit(TABLE, Y)
    with pytest.raises(DataError, match="the table lacks 2 columns from which the model learnt: 'few', 'when'; add what"):
        preprocessing.apply(TABLE.without("when", "few"))
    preprocessing.apply(TABLE.without("id", "same"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (category("amount", "red"), "column 'amount'"),
        (date("amount", "2024-01-01"), "column 'amount'"),
        (number("amount", np.inf), "column 'amount' holds inf in row 1"),
    ],
)
def test_values_of_another_kind_are_refused(column, message):
    """Texts and dates where the training had numbers, and infinity, are refused by the column's name."""
    preprocessing = Preprocessing.fit(TABLE, Y)
    row = Table([column if column.name == other.name else other.take(slice(0, 1)) for other in TABLE])
    with pytest.raises(DataError, match=message):
        preprocessing.apply(row)


def test_a_column_of_gaps_is_of_every_kind():
    """A column of gaps alone may have been read as any kind."""
    preprocessing = Preprocessing.fit(TABLE, Y)
    kinds = {"number": np.full(1, np.nan), "category": np.full(1, -1, np.int32), "date": np.full(1, "NaT", "datetime64[us]")}
    rows = [
        as_array(preprocessing.apply(Table([Column(name, kind, gap) for name in preprocessing.input_kinds])))
        for kind, gap in kinds.items()
    ]
    assert np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], rows[2])


@pytest.mark.parametrize("without", [(), ("note",)], ids=["sparse", "dense"])
@pytest.mark.parametrize("rows", [1, 7, 200, 1000])
def test_blocks_are_the_whole(without, rows):
    """The features in blocks of any number of rows are those of the whole table."""
    preprocessing = Preprocessing.fit(TABLE.without(*without), Y)
    blocks = [as_array(block).copy() for block in preprocessing.apply_in_blocks(TABLE, rows)]
    assert np.array_equal(np.concatenate(blocks), as_array(preprocessing.apply(TABLE)))


@pytest.mark.parametrize("without", [(), ("note",)], ids=["sparse", "dense"])
def test_many_rows_are_as_few(without):
    """Rows far down a long table, which is written in several passes, have the features that they have in a short one."""
    table = mixed_table(n=2500).without(*without)
    preprocessing = Preprocessing.fit(table)
    assert preprocessing.sparse is ("note" not in without)
    features = as_array(preprocessing.apply(table))
    for start in (0, 1000, 1024, 2048, 2400):
        rows = slice(start, start + 100)
        assert np.array_equal(as_array(preprocessing.apply(table.take(rows))), features[rows])


@pytest.mark.parametrize(("without", "bins"), [(("note",), 0), ((), 16)], ids=["dense", "sparse"])
def test_features_are_trained_on_where_there_is_no_compact_form(without, bins):
    """The rows of tables one below the other are prepared as those of one table: as its features."""
    preprocessing = Preprocessing.fit(TABLE.without(*without), Y, bins=bins)
    assert not preprocessing.has_compact_form
    parts = [TABLE.take(slice(0, 70)), TABLE.take(slice(70, None))]
    prepared = preprocessing.prepare(parts, len(TABLE))
    assert sparse.issparse(prepared) is (not without)
    assert np.array_equal(as_array(prepared), as_array(preprocessing.apply(TABLE)))


@pytest.mark.parametrize("cut", [70, 200])
def test_the_compact_form_is_the_features(cut):
    """The compact form has the bits of the dense features, and one float32 for a number and its bins; in parts as in a whole."""
    preprocessing = Preprocessing.fit(TABLE.without("note"), Y)
    assert preprocessing.has_compact_form
    dense = preprocessing.apply(TABLE)
    parts = [TABLE.take(slice(start, start + cut)) for start in range(0, len(TABLE), cut)]
    numbers = preprocessing.prepare(parts, len(TABLE))
    assert numbers.dtype == np.float32
    assert numbers.shape == (len(TABLE), preprocessing.bin_features.start)
    inputs = PiecewiseInputs(numbers, Bins(*preprocessing.bins), limits=preprocessing.limits)
    assert np.array_equal(np.asarray(inputs), dense)


def test_the_compact_form_is_for_tables_of_numbers():
    """Features that are CSR, and those of more categories than bins, are not trained on in the compact form."""
    assert not Preprocessing.fit(TABLE, Y).has_compact_form
    x, many = number("x", *range(400)), category("c", *(f"c{k % 20}" for k in range(400)))
    assert fitted(x).has_compact_form
    assert not fitted(x, many).has_compact_form


def test_the_bins_are_the_last_features():
    """The piecewise-linear features stand behind all others, each column's in its group."""
    for without in ((), ("note",)):
        preprocessing = Preprocessing.fit(TABLE.without(*without), Y)
        named = [k for k, name in enumerate(preprocessing.feature_names) if ".." in name]
        assert named == [*range(preprocessing.n_features)][preprocessing.bin_features]


def test_the_baseline_is_the_medians_and_nothing_else():
    """The baseline has the features of each number's median, no gap, no category and no word."""
    preprocessing = Preprocessing.fit(TABLE, Y)
    gaps = Table([Column(name, "category", np.full(1, -1, np.int32)) for name in preprocessing.input_kinds])
    expected = as_array(preprocessing.apply(gaps))[0]
    expected[["missing" in name for name in preprocessing.feature_names]] = 0
    assert np.array_equal(preprocessing.baseline(), expected)


def test_no_rows_give_no_features():
    """A table without rows has features of shape (0, n_features)."""
    for without in ((), ("note",)):
        preprocessing = Preprocessing.fit(TABLE.without(*without), Y)
        assert preprocessing.apply(TABLE.take(slice(0, 0))).shape == (0, preprocessing.n_features)


def test_nothing_passed_in_is_written_to():
    """Read-only columns are fitted and prepared."""
    table = mixed_table()
    for column in table:
        column.data.flags.writeable = False
    y = Y.copy()
    y.flags.writeable = False
    Preprocessing.fit(table, y).apply(table)


def test_notes_say_what_is_made_of_gaps_and_new_values():
    """Gaps in columns where training had none, and categories that training did not have, are told, each by a sentence."""
    columns = [number("x", 1, 2, 4), number("gappy", 1, 2, np.nan), category("c", *"abc"), category("d", "a", "b", None)]
    preprocessing = fitted(*columns, date("when", "2020-01-01", "2021-02-02", "2022-07-03"))
    new = [
        number("x", np.nan, 1, np.nan),
        number("gappy", np.nan, 1, 2),
        category("c", None, "e", "d"),
        category("d", None, "a", "b"),
    ]
    assert preprocessing.notes(Table([*columns, date("when", "2020-01-01", "2030-01-01", "1930-01-01")])) == []
    assert preprocessing.notes(Table([*new, date("when", None, "2030-01-01", None)])) == [
        "column 'x' has 2 gaps, and training had none: taken as the median, 2",
        "column 'c' has 1 gap, and training had none: taken as no category",
        "column 'c' holds 2 values that training did not have, taken as no category: 'd', 'e'",
        "column 'when' has 2 gaps, and training had none: taken as the median, 2021-02-02",
    ]


def test_a_fit_has_the_same_bits_again():
    """The same table gives the same rules, also where edges are chosen from some of its rows, or values are equally frequent."""
    n = 60_000
    rng = np.random.default_rng(0)
    values = tuple(f"{k:05}" for k in range(12_000))
    table = Table(
        [Column("x", "number", rng.normal(size=n)), Column("c", "category", np.arange(n, dtype=np.int32) % 12_000, values)]
    )
    y = rng.integers(0, 2, n)
    one, other = Preprocessing.fit(table, y), Preprocessing.fit(table, y)
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())
    assert all(np.array_equal(array, other.tensors()[name]) for name, array in one.tensors().items())


PAIRS = [("FALSE", "TRUE"), ("False", "True"), ("no", "yes"), ("No", "Yes"), ("F", "T"), ("n", "y"), ("0", "1"), (0, 1)]


@pytest.mark.parametrize("learnt", PAIRS[:-2])
@pytest.mark.parametrize("found", PAIRS)
def test_booleans_are_known_in_any_spelling(learnt, found):
    """A model that learnt a boolean in one spelling takes another one as the same values, alone and among others."""

    def table(false, true, kinds=None):
        return table_from({"member": [false, true, None, true]}, kinds=kinds)

    prepared = Preprocessing.fit(table(*learnt))
    expected = prepared.apply(table(*learnt))
    assert expected[0, 0] != expected[1, 0]
    later = table(*found, kinds=prepared.input_kinds)
    assert np.array_equal(prepared.apply(later), expected)
    assert prepared.notes(later) == []
    for row, value in enumerate(found):
        alone = table_from({"member": [value]}, kinds=prepared.input_kinds)
        assert np.array_equal(prepared.apply(alone)[0], expected[row])


def test_an_unknown_value_of_a_boolean_is_told():
    """A text that is no truth value, where training had booleans, becomes zeros, and a note names it."""
    prepared = Preprocessing.fit(Table([category("member", "no", "yes", kind="boolean")]))
    later = Table([category("member", "maybe", "YES")])
    assert prepared.apply(later).tolist() == [[0.0], [1.0]]
    assert prepared.notes(later) == ["column 'member' holds 1 value that training did not have, taken as no category: 'maybe'"]
