"""Preprocessing: a table's columns become features by rules that training measured, equally in a batch, alone and after a file."""

import json

import numpy as np
import pytest
from scipy import sparse

from chainrule.tables.column import Column
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
    texts = [" ".join(rng.choice(["Oak!", "oak", *(f"word{k}" for k in range(300))], 4)) for _ in range(n)]
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
