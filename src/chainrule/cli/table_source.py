"""A table with its target, read for training or evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._format import pluralize
from ..errors import DataError

if TYPE_CHECKING:
    from .._types import AnyArray, Indices
    from ..tables.table import Table
    from ..tables.target import TargetReading
    from .settings import Task

TEST_FOLDS, FOLDS = 3, 20
"""The test rows are three of twenty folds: 15 % of the rows, of each class alike."""

MIN_ROWS = 10


def read_target(table: Table, target: str | None, task: Task | None) -> TargetReading:
    """Find the target's column, and decide whether it holds classes or values.

    Parameters
    ----------
    table : Table
    target : str or None
        The column's name, or its number from 0; the last column if None.
    task : str or None
        classification or regression; inferred from the column if None.

    Raises
    ------
    DataError
        When there is no such column, or its values cannot be learnt.
    """
    from ..tables.column_choice import target_column
    from ..tables.target import infer_target

    return infer_target(table[target_column(table.name, table.names, -1 if target is None else target)], task)


@dataclass(frozen=True)
class SplitTable:
    """A table's rows that have a target, split for training and test.

    Attributes
    ----------
    table : Table
        The columns without the target, all rows.
    rows : array of int, shape (n,)
        The rows that have a target.
    y : array, shape (n,)
        Their encoded target.
    train_places, test_places : int arrays
        Positions in ``rows``, ascending.
    named : bool
        Whether the file names its columns; otherwise they are "0", "1", ...
    digest : str
        Of the target, by which the file is recognized.
    """

    table: Table
    rows: Indices
    y: AnyArray
    train_places: Indices
    test_places: Indices
    named: bool
    digest: str

    @property
    def test_rows(self) -> Indices:
        """The positions of the test rows in the table."""
        return self.rows[self.test_places]

    @property
    def train(self) -> tuple[Table, AnyArray]:
        """The rows to train on, and their encoded target."""
        return self.table.take(self.rows[self.train_places]), self.y[self.train_places]

    @property
    def test(self) -> tuple[Table, AnyArray]:
        """The rows of the test, and their encoded target."""
        return self.table.take(self.test_rows), self.y[self.test_places]


def split_for_test(table: Table, reading: TargetReading, seed: int) -> SplitTable:
    """Split the rows that have a target at random; of each class the same share is kept for the test.

    Raises
    ------
    DataError
        When fewer than 10 rows have a target.
    """
    from ..recipes.table_training import folds
    from ..tables.target import ClassTarget

    rows, target = reading.rows, reading.target
    if len(rows) < MIN_ROWS:
        raise DataError(
            f"{table.name} has {pluralize(len(rows), 'row')} with a target; splitting them to train and test takes {MIN_ROWS} or "
            "more"
        )
    fold = folds(reading.y, FOLDS, seed, stratify=isinstance(target, ClassTarget))
    in_test = fold < TEST_FOLDS
    named = table.names != [str(k) for k in range(len(table.names))]
    places = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    return SplitTable(table.without(target.name), rows, reading.y, *places, named, target_digest(reading))


def target_digest(reading: TargetReading) -> str:
    """Give the SHA-256 of a target's rows and encoded values, by which the file of a training is recognized."""
    import hashlib  # imported late: it loads OpenSSL

    digest = hashlib.sha256(np.ascontiguousarray(reading.rows, "<i8").data)
    digest.update(np.ascontiguousarray(reading.y, "<f8").data)
    return digest.hexdigest()
