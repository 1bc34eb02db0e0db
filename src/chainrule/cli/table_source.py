"""A table with its target, read for training or evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._format import pluralize
from ..errors import DataError

if TYPE_CHECKING:
    from .._types import AnyArray, Indices
    from ..tables.column import Column
    from ..tables.table import Table
    from ..tables.target import Target
    from ..tables.target_inference import TargetReading
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
    from ..tables.target_inference import infer_target

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
    column : Column
        The target, all rows.
    train_places, test_places : int arrays
        Positions in ``rows``, ascending.
    named : bool
        Whether the file names its columns; otherwise they are "0", "1", ...
    written : dict
        How the columns' texts are written, the target's too, as ``Writing`` of JSON's types.
    digest : str
        Of the target, by which the file is recognized.
    """

    table: Table
    rows: Indices
    column: Column
    train_places: Indices
    test_places: Indices
    named: bool
    written: dict[str, Any]
    digest: str

    @property
    def test_rows(self) -> Indices:
        """The positions of the test rows in the table."""
        return self.rows[self.test_places]

    @property
    def train_rows(self) -> Indices:
        """The positions of the rows to train on in the table."""
        return self.rows[self.train_places]

    @property
    def test(self) -> tuple[Table, Column]:
        """The rows of the test, and their target."""
        return self.table.take(self.test_rows), self.column.take(self.test_rows)

    def divide(self) -> tuple[Table, Table]:
        """Give the rows to train on, and those of the test; each column is taken out of the table, so that none is there twice."""
        from ..tables.freed_memory import return_freed_memory
        from ..tables.table import Table

        return_freed_memory()  # of the reading
        train, test, train_rows, test_rows = [], [], self.train_rows, self.test_rows
        for name in self.table.names:
            column = self.table.pop(name)
            train.append(column.take(train_rows))
            test.append(column.take(test_rows))
        return Table(train, self.table.name), Table(test, self.table.name)


def split_for_test(table: Table, reading: TargetReading, seed: int) -> SplitTable:
    """Split the rows that have a target at random; of each class the same share is kept for the test.

    Raises
    ------
    DataError
        When fewer than 10 rows have a target.
    """
    from ..recipes.table_training import folds
    from ..tables.target import ClassTarget
    from ..tables.writing import written_of

    rows, target, column = reading.rows, reading.target, table[reading.target.name]
    if len(rows) < MIN_ROWS:
        raise DataError(
            f"{table.name} has {pluralize(len(rows), 'row')} with a target; splitting them to train and test takes {MIN_ROWS} or "
            "more"
        )
    fold = folds(reading.y, FOLDS, seed, stratify=isinstance(target, ClassTarget))
    in_test = fold < TEST_FOLDS
    named = table.names != [str(k) for k in range(len(table.names))]
    places = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    values = reading.y if isinstance(target, ClassTarget) else target.values_of(column.take(rows))
    written = {name: writing.to_json() for name, writing in written_of(table).items()}
    return SplitTable(table.without(target.name), rows, column, *places, named, written, _digest(rows, values))


def fit_target(target: Target, column: Column) -> Target:
    """Give the target for some training rows: of values their own mean, scale and range, so that no other row tells them."""
    from ..tables.target import ClassTarget
    from ..tables.target_inference import infer_target

    return target if isinstance(target, ClassTarget) else infer_target(column, "regression").target


def _digest(rows: Indices, values: AnyArray) -> str:
    """Give the SHA-256 of the rows that have a target, and of its values, by which the file of a training is recognized."""
    import hashlib  # imported late: it loads OpenSSL

    digest = hashlib.sha256(np.ascontiguousarray(rows, "<i8").data)
    digest.update(np.ascontiguousarray(values, "<f8").data)
    return digest.hexdigest()
