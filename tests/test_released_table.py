"""A table whose columns are released while it is prepared is prepared as one that is kept."""

import numpy as np
import pytest
from scipy import sparse

from chainrule.errors import DataError
from chainrule.tables import column_fitting, number_features, released_table
from chainrule.tables.column import Column
from chainrule.tables.frames import table_from
from chainrule.tables.number_features import choose_edges
from chainrule.tables.preprocessing import Preprocessing
from chainrule.tables.released_table import fit_and_prepare
from chainrule.tables.table import Table

N = 300
RNG = np.random.default_rng(0)
NUMBERS = {
    "normal": RNG.normal(size=N) * 1e6,
    "integer": RNG.integers(0, 3, N).astype(float),
    "gappy": np.where(RNG.random(N) < 0.2, np.nan, RNG.exponential(size=N)),
    "outlier": np.where(np.arange(N) == 7, 1e300, RNG.normal(size=N)),
    "tiny": RNG.normal(size=N) * 1e-305,
    "long": 2.0**40 + np.arange(N),
    "one_or_gap": np.where(RNG.random(N) < 0.5, np.nan, 5.0),
    "same": np.full(N, 2.0),
}
OTHERS = {
    "letter": RNG.choice(["a", "b", "c", None], N),
    "many": RNG.choice([f"v{k}" for k in range(60)], N),
    "yes": RNG.random(N) < 0.5,
    "when": np.datetime64("2024-01-01T00:00", "s") + RNG.integers(0, 10**8, N),
    "id": [f"id{row}" for row in range(N)],
    "constant": ["x"] * N,
}
WORDS = {"note": [" ".join(RNG.choice([f"word{k}" for k in range(2000)], 8)) for _ in range(N)]}
TABLES = {"compact": NUMBERS, "dense": NUMBERS | OTHERS, "csr": NUMBERS | OTHERS | WORDS}
TARGETS = {"classes": RNG.integers(0, 3, N), "values": np.nan_to_num(NUMBERS["gappy"]) + RNG.normal(size=N)}


def table_of(form):
    return table_from(TABLES[form], kinds={"note": "text"} if form == "csr" else None)


def bits(array):
    return np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize("long", [True, False], ids=["long", "short"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("form", TABLES)
def test_the_rules_and_the_rows_have_the_bits_of_a_kept_table(form, target, long, monkeypatch):
    """In every form, with edges from all or from some values, at once or after the columns' release; the table is empty then."""
    monkeypatch.setattr(number_features, "ROWS_FOR_EDGES", 100)
    monkeypatch.setattr(released_table, "LONG_TABLE", 0 if long else 10**9)
    monkeypatch.setattr(released_table, "BLOCK_OF_ROWS", 70)
    y = TARGETS[target]
    task = "classification" if target == "classes" else "regression"
    bins = 0 if form == "dense" else 16
    kept, table = table_of(form), table_of(form)
    expected = Preprocessing.fit(kept, y, task=task, bins=bins)
    assert (expected.has_compact_form, expected.sparse) == (form == "compact", form == "csr")
    preprocessing, prepared = fit_and_prepare(table, y, task=task, bins=bins)
    assert table.names == []
    assert preprocessing.to_json() == expected.to_json()
    assert preprocessing.describe() == expected.describe()
    for name, tensor in expected.tensors().items():
        assert bits(preprocessing.tensors()[name]) == bits(tensor)
    whole = expected.prepare([kept], N)
    assert sparse.issparse(prepared) is expected.sparse
    if expected.sparse:
        assert bits(prepared.indices) == bits(whole.indices)
        assert bits(prepared.indptr) == bits(whole.indptr)
        prepared, whole = prepared.data, whole.data
    assert prepared.dtype == np.float32
    assert bits(prepared) == bits(whole)


@pytest.mark.parametrize(("long", "expected"), [(True, [0, 0, 0]), (False, [2, 1, 0])], ids=["long", "short"])
def test_the_edges_of_a_long_table_are_chosen_when_no_column_is_left(long, expected, monkeypatch):
    """So scikit-learn is imported when memory is free; of a short table no values for the edges are kept."""
    monkeypatch.setattr(released_table, "LONG_TABLE", 0 if long else 10**9)
    table, left = table_from({name: RNG.normal(size=N) for name in "abc"}), []

    def choose(*args, **settings):
        left.append(len(table.names))
        return choose_edges(*args, **settings)

    monkeypatch.setattr(column_fitting, "choose_edges", choose)
    fit_and_prepare(table, TARGETS["classes"], task="classification", bins=16)
    assert left == expected


def test_an_infinite_number_is_refused():
    """The message names the column and the row."""
    table = Table([Column("x", "number", np.array([0.0, np.inf, 1.0]))])
    with pytest.raises(DataError, match=r"'x' holds inf in row 2"):
        fit_and_prepare(table, np.array([0, 1, 0]), task="classification", bins=16)
