"""Rules in a model file: what a training writes is read; anything else is refused before it is used."""

import copy
import json

import numpy as np
import pytest
from drawn import repeatable
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tables.column import Column
from chainrule.tables.preprocessing import Preprocessing
from chainrule.tables.table import Table

RNG = np.random.default_rng(0)


def texts(name, kind, *values):
    known = tuple(sorted(set(values)))
    return Column(name, kind, np.array([known.index(value) for value in values], np.int32), known)


def fitted():
    """A preprocessing with every kind of rule; its columns are x, c, when, note, id."""
    n = 400
    gappy = np.where(RNG.random(n) < 0.1, np.nan, RNG.normal(size=n))
    table = Table(
        [
            Column("x", "number", gappy),
            texts("c", "category", *(["a", "b", "c"] * 130), *"defghijklm"),
            Column("when", "date", np.datetime64("2024-01-01", "us") + RNG.integers(0, 10**9, n).astype("timedelta64[ms]")),
            texts("note", "text", *(["red wine", "oak"] * 200)),
            texts("id", "identifier", *map(str, range(n))),
        ]
    )
    preprocessing = Preprocessing.fit(table, RNG.integers(0, 2, n))
    return preprocessing.to_json(), preprocessing.tensors()


DESCRIBED, TENSORS = fitted()
NUMBERS = {name: k for k, name in enumerate(["x", "days", "hour"])}
X, C, WHEN, NOTE, ID = range(5)


def test_the_shapes_of_the_tensors_are_known_from_the_description():
    """The description alone tells the shape and the dtype of each tensor, so that a file is checked before they are read."""
    expected = {name: (array.shape, str(array.dtype)) for name, array in TENSORS.items()}
    assert Preprocessing.tensor_shapes(DESCRIBED) == expected


def column(number, **entries):
    """A change of entries of a column."""
    return lambda described, tensors: described["columns"][number].update(entries)


def rule(number, place=0, /, **entries):
    """A change of entries of a column's rule."""
    return lambda described, tensors: described["columns"][number]["rules"][place].update(entries)


def numbers(name, place, value):
    """A change of a number in a tensor."""
    return lambda described, tensors: tensors[name].__setitem__(place, value)


def without(number, key):
    """A column without an entry."""
    return lambda described, tensors: described["columns"][number].pop(key)


MISTAKES = {
    "sparse is a number": lambda described, tensors: described.update(sparse=1),
    "an entry too many": lambda described, tensors: described.update(more=1),
    "no columns": lambda described, tensors: described.pop("columns"),
    "columns are a dict": lambda described, tensors: described.update(columns={}),
    "none used": lambda described, tensors: described.update(columns=described["columns"][ID:]),
    "a column is a text": lambda described, tensors: described["columns"].append("x"),
    "a column twice": lambda described, tensors: described["columns"].append(described["columns"][ID]),
    "a column's entry too many": column(X, more=1),
    "a column without a name": without(X, "name"),
    "a name is a number": column(X, name=1),
    "an unknown kind": column(X, kind="colour"),
    "a kind that its rule is not of": column(X, kind="text"),
    "a number of values below 0": column(X, distinct=-1),
    "a number of gaps that is a float": column(X, missing=1.0),
    "a number of gaps that is a boolean": column(X, missing=True),
    "an example that is a list": column(X, example=["x"]),
    "rules and a reason": column(X, reason="constant"),
    "neither rules nor a reason": column(ID, reason=""),
    "rules of an identifier": column(C, kind="identifier"),
    "rules are a dict": column(ID, rules={}),
    "an unknown part": rule(WHEN, part="year"),
    "a part twice": rule(WHEN, 2, part="month"),
    "a part of another rule": rule(WHEN, 1, part="hour"),
    "a part of a number": rule(X, part="days"),
    "an unknown rule": rule(X, rule="magic"),
    "a rule of another kind": rule(NOTE, rule="number", edges=0, missing=False),
    "an entry too many in a number's rule": rule(X, more=1),
    "an entry too many in a category's rule": rule(C, more=1),
    "an entry too many in a text's rule": rule(NOTE, more=1),
    "edges that are not a number": rule(X, edges="16"),
    "too many edges": rule(X, edges=10**9),
    "fewer edges than the tensor has": rule(X, edges=3),
    "missing is a number": rule(X, missing=1),
    "values are a text": rule(C, values="ab"),
    "a value is a number": rule(C, values=["a", 1]),
    "a value twice": rule(C, values=["a", "a"]),
    "a value that is rare too": rule(C, values=["a", "b", "d"]),
    "one rare value": rule(C, rare=["d"]),
    "a category without values": rule(C, values=[], rare=[]),
    "too many values": rule(C, values=[f"v{k}" for k in range(10_001)]),
    "too many buckets": rule(C, buckets=1025),
    "a negative number of buckets": rule(NOTE, buckets=-1),
    "a median of NaN": numbers("median", NUMBERS["x"], np.nan),
    "a scale of infinity": numbers("scale", NUMBERS["x"], np.inf),
    "a scale below 0": numbers("scale", NUMBERS["x"], -1),
    "a scale too large": numbers("scale", NUMBERS["x"], 1e300),
    "a scale of 0 with bins": numbers("scale", NUMBERS["x"], 0),
    "edges that do not ascend": numbers("edges", 1, -1e9),
    "edges too close": lambda described, tensors: numbers("edges", 1, tensors["edges"][0])(described, tensors),
    "buckets that do not ascend": numbers("buckets", 0, 4095),
    "a bucket beyond the last": numbers("buckets", -1, 4096),
    "a bucket below 0": numbers("buckets", 0, -1),
    "a tensor too few": lambda described, tensors: tensors.pop("median"),
    "a tensor too many": lambda described, tensors: tensors.update(more=np.zeros(1)),
    "a tensor of another dtype": lambda described, tensors: tensors.update(median=tensors["median"].astype(np.float32)),
    "a tensor of another shape": lambda described, tensors: tensors.update(median=tensors["median"][:, None]),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_description_that_no_training_writes_is_refused(mistake):
    """Each entry and each number is checked: a wrong type, a value out of range, a name twice, a tensor of another length."""
    described, tensors = copy.deepcopy(DESCRIBED), copy.deepcopy(TENSORS)
    Preprocessing.parse(described, tensors)
    mistake(described, tensors)
    with pytest.raises((ValueError, TypeError, KeyError)):
        Preprocessing.parse(described, tensors)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@repeatable(400)
@given(st.data())
def test_any_other_json_is_refused_or_works(data):
    """With any entry replaced by any JSON, reading raises one of three errors, or gives a preprocessing that can be applied."""
    described = copy.deepcopy(DESCRIBED)
    entry = described
    while True:
        key = data.draw(st.sampled_from(sorted(entry) if isinstance(entry, dict) else range(len(entry))))
        if not isinstance(entry[key], (dict, list)) or not entry[key] or data.draw(st.booleans()):
            break
        entry = entry[key]
    entry[key] = data.draw(ANYTHING)
    try:
        shapes = Preprocessing.tensor_shapes(described)
        assert {name: shape for name, (shape, _) in shapes.items()}
        read = Preprocessing.parse(described, TENSORS)
    except (ValueError, TypeError, KeyError):
        return
    kinds = {"number": np.zeros(1), "date": np.zeros(1, "datetime64[us]")}
    row = Table([Column(name, kind, kinds.get(kind, np.full(1, -1, np.int32))) for name, kind in read.input_kinds.items()])
    assert read.apply(row).shape == (1, read.n_features)
    json.dumps(read.to_json())
