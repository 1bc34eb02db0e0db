"""A ``Table`` as a small frame: columns by name, rows by slice, positions and mask, and scikit-learn's cross-validation of it."""

import pickle
import unicodedata

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, train_test_split

import chainrule as cr
from chainrule.errors import ArgumentTypeError, DataError
from chainrule.tables.column import Column
from chainrule.tables.frames import table_from
from chainrule.tables.table import Table

N = 90
QUICK = {"networks": 1, "hidden": (8,), "epochs": 2, "random_state": 0}


@pytest.fixture
def path(tmp_path):
    """A file with a column of each kind, and two targets."""
    rows = [f"{k};{k // 7},{k % 10}5;{'uv'[k % 2]};{k % 28 + 1:02}/03/2021;{k * 3 % 7};{['no', 'yes'][k % 2]}" for k in range(N)]
    path = tmp_path / "t.csv"
    path.write_text("id;Größe;town;day;rooms;sold\n" + "\n".join(rows))
    return path


@pytest.fixture
def table(path):
    """The table of the file."""
    return cr.read_table(path, day_first=True)


CHOICES = {
    "slice": (slice(2, 5), [2, 3, 4]),
    "steps": (slice(None, None, -40), [89, 49, 9]),
    "positions": ([4, 2, -1], [4, 2, 89]),
    "an array": (np.array([4, 2, 4]), [4, 2, 4]),
    "a mask": (np.arange(N) % 45 == 3, [3, 48]),
    "a mask in pandas": (pd.Series(np.arange(N) % 45 == 3), [3, 48]),
    "none": ([], []),
    "scikit-learn's": ((np.array([1, 0]), ...), [1, 0]),
}


@pytest.mark.parametrize(("chosen", "rows"), CHOICES.values(), ids=CHOICES)
def test_rows_are_chosen_as_of_an_array(table, chosen, rows):
    """``table[rows]`` and ``column[rows]`` hold these rows in this order, with the kinds, and with how values were written."""
    part = table[chosen]
    assert part.shape == (len(rows), 6)
    assert (part.kinds, part.name) == (table.kinds, table.name)
    assert part.column("Größe") == [float(f"{k // 7}.{k % 10}5") for k in rows]
    assert part["town"].to_list() == ["uv"[k % 2] for k in rows]
    assert part["Größe"].writing == table["Größe"].writing
    assert part["Größe"].writing.decimal == ","
    assert part["day"].writing.day_first
    assert table["town"][chosen].to_list() == part.column("town")


@pytest.mark.parametrize("chosen", [3, np.int64(3), 1.5, [1.5], [[1, 2]], None, (1, 2, "a"), ["a", 1]], ids=str)
def test_a_choice_that_is_none_is_refused(table, chosen):
    """One number, fractions and tables of positions choose no rows: the message names the ways that do."""
    for choose in (table.__getitem__, table.take):
        with pytest.raises(ArgumentTypeError, match=r"rows must be chosen by a slice, such as \[:3\]"):
            choose(chosen)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ([0, N], "there is no row 90 among 90 rows"),
        ([-N - 1], "there is no row -91 among 90 rows"),
        (np.ones(3, bool), "one for each of the 90 rows; it has 3"),
    ],
)
def test_rows_that_do_not_exist_are_refused(table, chosen, message):
    """A position beyond the rows, or a mask of another length, is named."""
    for choose in (table.__getitem__, table.take, table["town"].__getitem__):
        with pytest.raises(DataError, match=message):
            choose(chosen)


def test_columns_are_chosen_by_their_names(table):
    """A name gives a column, in any form of Unicode, and a list of names a table of them in this order."""
    assert table["town"].kind == "category"
    assert table[unicodedata.normalize("NFD", "Größe")] is table["Größe"]
    assert table[["town", "rooms"]].names == ["town", "rooms"]
    assert table[["town", "rooms"]].name == table.name


@pytest.mark.parametrize("find", [lambda table: table["Town"], lambda table: table[["Town"]], lambda table: table.column("Town")])
def test_an_unknown_name_is_refused_with_the_nearest(table, find):
    """The error of an unknown column names the most similar one, or else the first ones."""
    with pytest.raises(DataError, match="the table has no column 'Town'; do you mean 'town'"):
        find(table)
    with pytest.raises(DataError, match="no column 'xyz'; it has id, Größe, town, day, rooms, sold"):
        table["xyz"]


def test_a_table_shows_its_size_names_and_kinds(table):
    """The text of a table gives rows, columns, names and kinds; that of a column its first values. Both are short."""
    assert repr(table) == (
        "Table(90 rows x 6 columns)\n  id     identifier\n  Größe  number\n  town   category\n  day    date\n  rooms  number\n"
        "  sold   boolean"
    )
    assert repr(table["town"]) == "Column('town', category, 90 rows: 'u', 'v', 'u', 'v', 'u', ...)"
    assert repr(table[:1]["Größe"]) == "Column('Größe', number, 1 row: 0.05)"
    assert repr(Table([])) == "Table(0 rows x 0 columns)"
    wide = repr(Table(Column(f"x\x1b{k}", "number", np.zeros(1)) for k in range(70)))
    assert (wide.count("\n"), wide.splitlines()[1], wide.splitlines()[-1]) == (61, "  x?0   number", "  and 10 more")


def test_a_table_is_an_array_of_its_rows(table):
    """``np.asarray`` gives a row of values for each row of the table, floats where all columns are numbers."""
    values = np.asarray(table)
    assert (values.shape, values.dtype) == ((N, 6), object)
    assert values[3].tolist() == [column[3:4].to_list()[0] for column in table]
    assert np.asarray(table[["rooms", "Größe"]]).dtype == np.float64
    np.testing.assert_array_equal(np.asarray(table[["rooms"]], np.float32)[:, 0], table["rooms"].data)


def test_a_column_is_an_array_of_its_values():
    """``np.asarray`` of a column gives floats, dates, booleans or texts; a gap is NaN, NaT or None."""
    columns = table_from({
        "number": [1.5, None], "text": ["a", None], "flag": [True, False], "gaps": [True, None],
        "day": np.array(["2020-02-29", "NaT"], "datetime64[D]"),
    }, kinds={"gaps": "boolean"})  # fmt: skip
    assert np.asarray(columns["text"]).tolist() == ["a", None]
    assert np.asarray(columns["flag"]).dtype == bool
    assert np.asarray(columns["flag"]).tolist() == [True, False]
    assert np.asarray(columns["gaps"]).tolist() == ["True", None]
    np.testing.assert_array_equal(np.asarray(columns["number"]), [1.5, np.nan])
    np.testing.assert_array_equal(np.asarray(columns["day"]), np.array(["2020-02-29", "NaT"], "datetime64[us]"))
    assert list(columns["text"]) == ["a", None] == [columns["text"][0], columns["text"][-1]]
    with pytest.raises(DataError, match="there is no row 2 among 2 rows"):
        columns["text"][2]


# scikit-learn's tools

SOURCES = {
    "Table": lambda path: cr.read_table(path, day_first=True),
    "pandas": lambda path: pd.read_csv(path, sep=";", decimal=","),
    "Polars": lambda path: pl.read_csv(path, separator=";", decimal_comma=True),
}


@pytest.mark.filterwarnings("ignore::chainrule.estimators.UnseenValuesWarning")
@pytest.mark.parametrize("read", SOURCES.values(), ids=SOURCES)
def test_cross_validation_takes_tables_and_frames(path, read):
    """Cross-validation, a search and a split take a table, with its column as the target, as they take frames."""
    data = read(path)
    model, regressor = cr.TableClassifier(**QUICK), cr.TableRegressor(**QUICK)
    assert cross_val_score(model, data, data["sold"], cv=3).shape == (3,)
    assert cross_val_score(model, data, data["sold"], cv=3, scoring="accuracy").shape == (3,)
    assert set(cross_val_predict(model, data, data["sold"], cv=3)) <= {"no", "yes"}
    assert cross_val_score(regressor, data, data["rooms"], cv=3).shape == (3,)
    search = GridSearchCV(model, {"epochs": [1, 2]}, cv=2).fit(data, data["sold"])
    assert search.best_estimator_.model_.target.name == "sold"
    train, test, y_train, y_test = train_test_split(data, data["sold"], random_state=0, stratify=data["sold"])
    assert (len(train), len(y_test), type(train)) == (67, 23, type(data))
    assert 0 <= model.fit(train, y_train).score(test, y_test) <= 1


def test_a_fold_of_a_table_is_what_the_rows_alone_are(table):
    """The score of a fold is that of a fit and a score of its rows, cut out by hand."""
    scores = cross_val_score(cr.TableRegressor(**QUICK), table, table["rooms"], cv=3)
    held = np.arange(N) < N // 3
    model = cr.TableRegressor(**QUICK).fit(table[~held], "rooms")
    assert scores[0] == pytest.approx(model.score(table[held], "rooms"), abs=1e-12)


# Pickled


def test_a_pickled_column_does_not_hold_the_texts_of_the_others(tmp_path):
    """A column is pickled without the texts of the file's other columns, and keeps the decimal mark that these tell."""
    path, n = tmp_path / "t.csv", 400
    rows = [f"{k},234;{k}.{k % 1000:03},5;{'note ' * 30}{k}" for k in range(1, n + 1)]
    path.write_text("few;amount;note\n" + "\n".join(rows))
    table = cr.read_table(path, delimiter=";", kinds={"few": "category"})
    stored = pickle.dumps(table["few"])
    assert len(stored) < 30 * n < path.stat().st_size
    again = pickle.loads(stored)
    fit = cr.TableRegressor(**QUICK, kinds={"few": "number"}).fit(Table([again, table["amount"]]), "amount")
    assert fit.model_.training.written["few"]["decimal"] == ","


def test_a_large_table_is_pickled(tmp_path):
    """A table of a file that is read in the fast way is pickled and comes back with its values."""
    path = tmp_path / "t.csv"
    path.write_text("x,town\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(30_000)))
    table = cr.read_table(path)
    again = pickle.loads(pickle.dumps(table))
    assert again.kinds == table.kinds
    assert again.column("town") == table.column("town")
