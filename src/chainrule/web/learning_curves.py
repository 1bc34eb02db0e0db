"""The learning curves of a run, in bounded memory: epochs, and within long epochs the mini-batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..history import EpochRecord

MOST_ROWS = 600
"""The most points of a curve: more than a page draws side by side."""


class ThinnedRows:
    """Rows of numbers, of which at most ``MOST_ROWS`` are kept: every row at first, then every second, every fourth ...

    The last row is always kept.
    """

    def __init__(self) -> None:
        self._kept: list[Sequence[float | None]] = []
        self._last: Sequence[float | None] | None = None  # where it is not among the kept
        self._stride = 1
        self._count = 0

    def append(self, row: Sequence[float | None]) -> None:
        """Add a row."""
        kept = self._count % self._stride == 0
        self._count += 1
        self._last = None if kept else row
        if not kept:
            return
        self._kept.append(row)
        if len(self._kept) >= MOST_ROWS:
            self._kept = self._kept[::2]
            self._stride *= 2
            self._last = row

    def rows(self) -> list[Sequence[float | None]]:
        """Give the rows that are kept, in order."""
        last = self._last
        return [*self._kept, *([] if last is None else [last])]


FEWEST_POINTS = 2
"""The points within an epoch without which the curve of mini-batches would be a straight line over it."""

EPOCH_COLUMNS = ("epoch", "cost", "accuracy", "validation_cost", "validation_accuracy")
BATCH_COLUMNS = ("epoch", "cost", "accuracy")


class LearningCurves:
    """The curves of one run: a row an epoch, and a row for each group of mini-batches of an epoch that lasts long.

    The rows of mini-batches are those since the last epoch that ended with fewer than ``FEWEST_POINTS``: a line across such an
    epoch would show costs that the run did not have.
    """

    def __init__(self, records: Iterable[EpochRecord] = ()) -> None:
        self._epochs = ThinnedRows()
        self._batches = ThinnedRows()
        self._points_in_epoch = 0
        for record in records:
            self.add_epoch(record)

    def add_epoch(self, record: EpochRecord) -> None:
        """Add an epoch's costs and accuracies, and end its part of the curve of mini-batches."""
        if self._points_in_epoch < FEWEST_POINTS:
            self._batches = ThinnedRows()
        self._points_in_epoch = 0
        self._epochs.append([record.epoch, *(rounded(getattr(record, name)) for name in EPOCH_COLUMNS[1:])])

    def add_batches(self, epoch: float, cost: float, accuracy: float | None) -> None:
        """Add the means over the mini-batches since the last call, at a place within an epoch: 2.5 is half of the third."""
        self._points_in_epoch += 1
        self._batches.append([rounded(epoch), rounded(cost), rounded(accuracy)])

    def columns(self) -> dict[str, Any]:
        """Give the curves as columns of JSON's types: ``epochs`` and ``batches``."""
        return {
            "epochs": _columns(EPOCH_COLUMNS, self._epochs.rows()),
            "batches": _columns(BATCH_COLUMNS, self._batches.rows()),
        }


def rounded(value: float | None) -> float | None:
    """Round to 5 significant digits, enough to draw; None for NaN and infinity, which JSON lacks.

    Examples
    --------
    >>> rounded(0.123456789), rounded(float("nan"))
    (0.12346, None)
    """
    return None if value is None or not math.isfinite(value) else float(f"{value:.5g}")


def _columns(names: Sequence[str], rows: list[Sequence[float | None]]) -> dict[str, list[float | None]]:
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}
