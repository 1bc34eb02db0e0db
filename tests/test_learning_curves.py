"""Learning curves in bounded memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.history import EpochRecord
from chainrule.web.learning_curves import MOST_ROWS, LearningCurves, ThinnedRows


@given(st.integers(0, 5000))
def test_rows_are_thinned_evenly(count):
    """Of any number of rows at most ``MOST_ROWS`` are kept: the first, the last, and between them every n-th."""
    thinned = ThinnedRows()
    for k in range(count):
        thinned.append([k])
    kept = [k for (k,) in thinned.rows()]
    assert len(kept) <= MOST_ROWS
    assert len(kept) >= min(count, MOST_ROWS // 2)
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)
        steps = np.diff(kept)
        assert len(set(steps[:-1])) <= 1
        assert len(steps) < 2 or steps[-1] <= steps[0]


def test_values_that_json_lacks_are_none():
    """NaN, infinity and a missing accuracy are None in the columns."""
    curves = LearningCurves([EpochRecord(1, float("nan"), None, float("inf"), 0.123456789, 0.1, 1.0, 10.0)])
    assert curves.columns()["epochs"] == {
        "epoch": [1], "cost": [None], "accuracy": [None], "validation_cost": [None], "validation_accuracy": [0.12346],
    }  # fmt: skip
    curves.add_batches(1.5, 0.25, None)
    assert curves.columns()["batches"] == {"epoch": [1.5], "cost": [0.25], "accuracy": [None]}


def test_no_rows_give_empty_columns():
    """Before the first epoch every column is empty."""
    columns = LearningCurves().columns()
    assert columns["batches"] == {"epoch": [], "cost": [], "accuracy": []}
    assert set(columns["epochs"]) == {"epoch", "cost", "accuracy", "validation_cost", "validation_accuracy"}
    assert pytest.approx(0) == sum(map(len, columns["epochs"].values()))


def record(epoch):
    """Give an epoch's record."""
    return EpochRecord(epoch, 0.5, None, None, None, 0.1, 1.0, 10.0)


def test_mini_batches_are_not_drawn_across_an_epoch_without_points():
    """An epoch that ends with fewer than two points ends the curve of mini-batches; it begins anew after it."""
    curves = LearningCurves()

    def places():
        return curves.columns()["batches"]["epoch"]

    for place in (0.3, 0.6, 0.9):
        curves.add_batches(place, 1.0, None)
    curves.add_epoch(record(1))
    curves.add_batches(1.5, 1.0, None)
    assert places() == [0.3, 0.6, 0.9, 1.5]
    curves.add_epoch(record(2))
    assert places() == []
    for place in (2.3, 2.6):
        curves.add_batches(place, 1.0, None)
    curves.add_epoch(record(3))
    assert places() == [2.3, 2.6]
    curves.add_epoch(record(4))
    assert places() == []
    assert curves.columns()["epochs"]["epoch"] == [1, 2, 3, 4]
