"""The explanation of a table model's answer for one row."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.explaining.explain_row import explain_row
from chainrule.tables.frames import table_from

RNG = np.random.default_rng(0)
N = 300
COLUMNS = {
    "size": RNG.normal(5, 2, N),
    "colour": RNG.choice(["red", "blue", "green"], N),
    "noise": RNG.normal(size=N),
}
VALUE = 3 * COLUMNS["size"] + 10 * (COLUMNS["colour"] == "red")


@pytest.fixture(scope="module")
def regressor():
    return cr.TableRegressor(networks=2, epochs=30, random_state=0).fit(COLUMNS, VALUE)


@pytest.fixture(scope="module")
def classifier():
    return cr.TableClassifier(networks=2, epochs=30, random_state=0).fit(COLUMNS, np.where(VALUE > 18, "dear", "cheap"))


def row_of(k):
    kinds = {"size": "number", "colour": "category", "noise": "number"}
    return table_from({name: values[k : k + 1] for name, values in COLUMNS.items()}, kinds=kinds)


@pytest.mark.parametrize("k", [0, 7, 100])
def test_the_contributions_add_up_to_the_answer(regressor, classifier, k):
    """What the columns add is the answer for the row minus the answer for the baseline, of values and of probabilities."""
    for estimator, tolerance in ((regressor, 0.05), (classifier, 5e-3)):
        explanation = explain_row(estimator.model_, row_of(k))
        total = sum(part.adds for part in explanation.contributions)
        assert abs(total - (explanation.result - explanation.baseline)) < tolerance
        assert [part.column for part in explanation.contributions] == sorted(
            COLUMNS, key=lambda name: -abs(next(p.adds for p in explanation.contributions if p.column == name))
        )


def test_the_answer_is_that_of_predict(regressor, classifier):
    """The explanation names the predicted class and its probability, or the value."""
    row = row_of(3)
    explanation = explain_row(classifier.model_, row)
    assert explanation.answer == classifier.predict(row)[0]
    assert explanation.result == pytest.approx(classifier.predict_proba(row).max(), abs=1e-12)
    assert explain_row(regressor.model_, row).result == pytest.approx(regressor.predict(row)[0], rel=1e-9)


def test_a_column_that_decides_adds_the_most(regressor):
    """Of a row whose size is far above the median the size adds most, and the noise little."""
    k = int(COLUMNS["size"].argmax())
    explanation = explain_row(regressor.model_, row_of(k))
    adds = {part.column: part.adds for part in explanation.contributions}
    assert adds["size"] > 10
    assert abs(adds["noise"]) < 2
    assert {part.column: part.value for part in explanation.contributions}["size"] == COLUMNS["size"][k]


def test_several_rows_are_refused(regressor):
    """An explanation is of one row."""
    with pytest.raises(DataError, match="takes one row; the table has 2"):
        explain_row(regressor.model_, table_from({name: values[:2] for name, values in COLUMNS.items()}))
