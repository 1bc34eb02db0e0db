"""Targets of tables: whether classes or values are learnt, and the labels and values that come back."""

import datetime
import json
import re

import numpy as np
import pytest

from chainrule.errors import DataError, UnknownName
from chainrule.tables.column import Column
from chainrule.tables.frames import table_from
from chainrule.tables.read import read_table
from chainrule.tables.target import ClassTarget, ValueTarget, parse_target
from chainrule.tables.target_inference import infer_target

RNG = np.random.default_rng(0)
RARELY_REPEATED = np.arange(3000).repeat(2)


def read(values, task=None, **settings):
    """Infer the target that a column of these values is."""
    return infer_target(table_from({"y": values})["y"], task, **settings)


CLASSES = {
    "texts": (["b", "a", "b"], ["a", "b"]),
    "booleans": ([True, False, True], [False, True]),
    "signs": ([1, -1, 1, -1], [-1, 1]),
    "zeros and ones as floats": ([1.0, 0.0, 1.0, 0.0], [0, 1]),
    "few whole numbers with a gap between them": ([1, 2, 3, 4, 5, 7] * 2, [1, 2, 3, 4, 5, 7]),
    "letters 1..26 with 11 rows each": (np.arange(1, 27).repeat(11), np.arange(1, 27)),
    "a hundred numbered classes": (np.arange(100).repeat(5), np.arange(100)),
}
VALUES = {
    "fractions": [0.5, 1.5] * 10,
    "ages 18..32": RNG.integers(18, 33, 1000),
    "whole numbers without repeats": [1, 2, 3, 4],
    "more numbers than classes have": np.arange(101).repeat(20),
    "counts, of which large ones are rare": np.concatenate([np.arange(12).repeat(50), [12]]),
}


@pytest.mark.parametrize(("values", "labels"), CLASSES.values(), ids=CLASSES)
def test_classes_keep_their_names_and_types(values, labels):
    """A target of classes decodes to the labels as they came: texts, booleans, or whole numbers, each of its type."""
    reading = read(values)
    decoded = reading.target.decode(reading.y)
    assert isinstance(reading.target, ClassTarget)
    assert decoded.tolist() == list(values)
    assert reading.target.labels.tolist() == list(labels)
    assert {type(label) for label in decoded.tolist()} == {type(label) for label in np.array(labels).tolist()}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_other_numbers_are_values(values):
    """Numbers that are neither few nor number classes are values, which decode to themselves."""
    reading = read(values)
    assert isinstance(reading.target, ValueTarget)
    np.testing.assert_allclose(reading.y.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(reading.y.std(), 1)
    np.testing.assert_allclose(reading.target.decode(reading.y), values)


@pytest.mark.parametrize(
    ("values", "option"), [(CLASSES["signs"][0], "--task regression"), (VALUES["ages 18..32"], "--task classification")]
)
def test_the_note_names_the_option_that_decides_otherwise(values, option):
    """The note of a target of whole numbers names the option by which it is learnt in the other way, and that way works."""
    assert option in read(values).notes[0]
    other = read(values, option.split()[1])
    assert isinstance(other.target, ClassTarget) == (option == "--task classification")


def test_fractions_are_classes_where_the_task_says_so():
    """With the task of classification, numbers that are no whole ones are classes, and decode to floats."""
    reading = read([2.5, 0.5, 2.5], "classification")
    assert reading.target.classes == ("0.5", "2.5")
    assert reading.target.decode(reading.y).tolist() == [2.5, 0.5, 2.5]


def test_the_kind_of_the_labels_can_be_given():
    """Labels are of the kind that is given: numbers beyond 2**53, which a column holds as texts, come back as integers."""
    values = [2**60 + 1, 2**60] * 5
    reading = read(values, "classification", label_kind="integer")
    assert reading.target.decode(reading.y).tolist() == values


def test_rows_without_a_target_are_left_out_and_counted():
    """Gaps in the target leave their rows out, and a note counts them."""
    reading = read(["a", None, "b", "a", "b"])
    assert reading.rows.tolist() == [0, 2, 3, 4]
    assert reading.target.decode(reading.y).tolist() == ["a", "b", "a", "b"]
    assert any("1 of 5 rows" in note for note in reading.notes)


def test_a_class_of_one_row_is_noted():
    """A class with one row is learnt, and a note names it."""
    reading = read(["a", "b", "a", "a"])
    assert reading.target.classes == ("a", "b")
    assert any("'b'" in note and "one row" in note for note in reading.notes)


REFUSED = {
    "nothing": ([], None, "no rows"),
    "gaps alone": ([None, None], None, "no value in any of its 2 rows"),
    "one class": (["a"] * 5, None, "only one class or value, 'a'"),
    "one class and gaps": (["a", None, "a"], None, "only one class or value, 'a'"),
    "one number": ([5] * 5, None, "only one class or value, '5'"),
    "one boolean": ([True] * 5, "classification", "only one class"),
    "identifiers": ([f"u{i}" for i in range(300)], None, "nearly each would be a class"),
    "dates": ([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)] * 3, None, "holds dates"),
    "3,000 numbers as classes": (RARELY_REPEATED, "classification", "3,000 distinct values.*--task regression"),
    "1,001 texts": ([f"u{i % 1001}" for i in range(5005)], None, "1,001 distinct values.*name another target"),
    "texts as values": (["1", "two", "1"], "regression", "holds 'two' in row 2 .*--task classification"),
    "a very long text": (["a" * 2000, "b"] * 5, None, "2,000 characters"),
    "values beyond their squares": ([1e300, -1e300, 0.5], None, "beyond float64"),
}


@pytest.mark.parametrize(("values", "task", "message"), REFUSED.values(), ids=REFUSED)
def test_a_target_that_cannot_be_learnt_is_refused(values, task, message):
    """A target from which nothing can be learnt is refused in one sentence that names it."""
    with pytest.raises(DataError, match=message) as caught:
        read(values, task)
    assert "\n" not in str(caught.value)
    assert "'y'" in str(caught.value) or not values


def test_an_unknown_task_is_refused():
    """A task of another name is refused with the nearest name."""
    with pytest.raises(UnknownName, match="did you mean 'regression'"):
        read([1, 2], "regresion")


def test_classes_are_recognized_by_name_whatever_the_kind_of_the_column():
    """A class is recognized in a column of numbers, of texts and in a constant; a boolean in the ways that files write it."""
    target = ClassTarget("y", ("1", "2", "10"), "integer")
    assert target.encode(Column("y", "number", np.array([10.0, 1.0, 2.0]))).tolist() == [2, 0, 1]
    assert target.encode(Column("y", "constant", np.array([0, 0], np.int32), ("10",))).tolist() == [2, 2]
    assert target.encode(Column("y", "category", np.array([1, 1], np.int32), ("unused", "2"))).tolist() == [1, 1]
    booleans = ClassTarget("y", ("False", "True"), "boolean")
    assert booleans.encode(Column("y", "boolean", np.array([1, 0], np.int32), ("FALSE", "true"))).tolist() == [1, 0]


def test_an_unknown_class_is_refused_with_its_row():
    """A class that was not learnt is refused with its row and value; so is a gap."""
    target = ClassTarget("y", ("a", "b"))
    with pytest.raises(DataError, match=r"'c' in row 3 .*'a', 'b'"):
        target.encode(table_from({"y": ["a", "b", "c"]})["y"])
    with pytest.raises(DataError, match="no value in row 2"):
        target.encode(table_from({"y": ["a", None, "b"]})["y"])


def test_values_are_clipped_to_the_range_seen():
    """Answers beyond the range of the values seen are clipped to it."""
    target = read([0.5, 2.0, 4.0]).target
    assert target.decode(np.array([-100.0, 100.0])).tolist() == [0.5, 4.0]


def test_values_are_numbers_in_every_row():
    """Values are refused where a row has none, or a text, with the row."""
    target = read([0.5, 2.0, 4.0]).target
    with pytest.raises(DataError, match="no value in row 2"):
        target.encode(table_from({"y": [1.5, None]})["y"])
    with pytest.raises(DataError, match=r"row 1 .*'x' is not a number"):
        target.values_of(table_from({"y": ["x", "y"]})["y"])
    assert target.values_of(table_from({"y": [3, 3]})["y"]).tolist() == [3.0, 3.0]


TARGETS = {
    "texts": ClassTarget("y", ("a", "b")),
    "integers": ClassTarget("y", ("-1", "2", "10"), "integer"),
    "numbers": ClassTarget("y", ("0.5", "2", "1e+300"), "number"),
    "booleans": ClassTarget("y", ("False", "True"), "boolean"),
    "values": ValueTarget("y", 1.5, 0.25, -3.0, 1e300),
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_survives_json(target):
    """A target written to JSON is read as an equal one."""
    assert parse_target(json.loads(json.dumps(target.to_json()))) == target


BROKEN = {
    "not a dict": [],
    "no task": {"name": "y"},
    "an unknown task": {"task": "x"},
    "a task of another type": {"task": []},
    "a key too many": TARGETS["texts"].to_json() | {"more": 1},
    "one class": TARGETS["texts"].to_json() | {"classes": ["a"]},
    "too many classes": TARGETS["texts"].to_json() | {"classes": [f"{i:04}" for i in range(1001)]},
    "a text for the classes": TARGETS["texts"].to_json() | {"classes": "ab"},
    "a class that is a number": TARGETS["texts"].to_json() | {"classes": ["a", 1]},
    "a class twice": TARGETS["texts"].to_json() | {"classes": ["a", "a"]},
    "classes out of order": TARGETS["integers"].to_json() | {"classes": ["10", "2"]},
    "a class that is not an integer": TARGETS["integers"].to_json() | {"classes": ["1", "a"]},
    "an integer written otherwise": TARGETS["integers"].to_json() | {"classes": ["01", "2"]},
    "an integer of 65 bits": TARGETS["integers"].to_json() | {"classes": ["1", str(2**63)]},
    "a number that is infinite": TARGETS["numbers"].to_json() | {"classes": ["1", "inf"]},
    "a number that is not one": TARGETS["numbers"].to_json() | {"classes": ["1", "nan"]},
    "a boolean in small letters": TARGETS["booleans"].to_json() | {"classes": ["false", "true"]},
    "a very long class": TARGETS["texts"].to_json() | {"classes": ["a", "b" * 1001]},
    "an unknown kind": TARGETS["texts"].to_json() | {"kind": "date"},
    "a kind of another type": TARGETS["texts"].to_json() | {"kind": []},
    "a name that is a number": TARGETS["texts"].to_json() | {"name": 1},
    "a scale of 0": TARGETS["values"].to_json() | {"scale": 0.0},
    "a scale that is not a number": TARGETS["values"].to_json() | {"scale": float("nan")},
    "an infinite mean": TARGETS["values"].to_json() | {"mean": float("inf")},
    "a huge integer": TARGETS["values"].to_json() | {"mean": 10**400},
    "a boolean for a number": TARGETS["values"].to_json() | {"mean": True},
    "a range out of order": TARGETS["values"].to_json() | {"low": 5.0, "high": 4.0},
    "a missing key": {"task": "regression", "name": "y"},
}


@pytest.mark.parametrize("described", BROKEN.values(), ids=BROKEN)
def test_a_broken_description_is_refused(described):
    """A description that does not come from a target is refused by ValueError, TypeError or KeyError."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        parse_target(described)


@pytest.mark.parametrize("others", [["EU", "AS"], ["EU"], []])
def test_a_class_that_is_named_as_a_gap_is_told_with_the_option(tmp_path, others):
    """A target's NA is a gap; the note, and the error where too few classes are left, tell the option that makes it a class."""
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{k},{name}\n" for k, name in enumerate(["NA", *others] * 20)))
    hint = "the text NA was read as a gap: to learn it as a class, name the marks of gaps without it (--missing, missing=)"
    column = read_table(path)["y"]
    if len(others) > 1:
        assert infer_target(column).notes[1] == f"20 of 60 rows are left out, because their target 'y' is missing; {hint}"
    else:
        with pytest.raises(DataError, match=re.escape(hint)):
            infer_target(column)
    kept = read_table(path, missing="")["y"]
    assert set(kept.to_list()) == {"NA", *others}
