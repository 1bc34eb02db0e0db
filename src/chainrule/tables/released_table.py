"""A table whose columns are released while it is prepared for a training: a large one needs little memory beside its numbers.

::

    each column:          measured; its numbers scaled, float32; then released
    scikit-learn          is imported, 100 to 160 MB, when half of the numbers' memory is free
    each column's bins:   their edges are chosen, from some of its values
    each block of rows:   written in the form that is trained on; then released
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._types import CSR, AnyArray, Array
from .column import Column
from .column_fitting import ColumnFitting, MeasuredColumn
from .freed_memory import return_freed_memory
from .number_features import ROWS_FOR_EDGES
from .prepared_column import PreparedColumn
from .preprocessing import Preprocessing, Task
from .table import Table

LONG_TABLE = 2 * ROWS_FOR_EDGES
"""A table of fewer rows has its edges chosen column by column: the values for them would take more memory than scaling frees."""

BLOCK_OF_ROWS = 1 << 16


def fit_and_prepare(table: Table, y: AnyArray, *, task: Task, bins: int) -> tuple[Preprocessing, Array | CSR]:
    """Fit a preprocessing to a table, and prepare its rows; every column is taken out of the table.

    Parameters
    ----------
    table : Table
        Without the target.
    y, task, bins
        As ``Preprocessing.fit`` takes them.

    Returns
    -------
    preprocessing : Preprocessing
        As ``Preprocessing.fit`` gives it, to the bit.
    prepared : float32 array or CSR matrix
        The rows as its ``prepare`` gives them, to the bit.

    Raises
    ------
    DataError
        As ``Preprocessing.fit``.
    """
    preprocessing, blocks = _fit(table, y, task, bins)
    return_freed_memory()
    return preprocessing, preprocessing.for_scaled().prepare(_released(blocks), len(y))


def _fit(table: Table, y: AnyArray, task: Task, bins: int) -> tuple[Preprocessing, list[Table]]:
    """Fit the preprocessing, and give the rows in blocks, whose numbers are scaled."""
    fitting = ColumnFitting.of(table, y, task=task, bins=bins)
    some_rows = Preprocessing.rows_to_weigh(table)
    measured, blocks = _measure(table, fitting)
    return_freed_memory()
    columns = list[PreparedColumn]()
    while measured:
        columns.append(fitting.add_bins(measured.pop(0)))  # the values for its edges are freed
    return Preprocessing.of_columns(columns, some_rows), blocks


def _measure(table: Table, fitting: ColumnFitting) -> tuple[list[MeasuredColumn], list[Table]]:
    """Measure each column, keep what its features are computed of in blocks of rows, and release it."""
    is_long = len(table) >= LONG_TABLE
    block_rows = np.array_split(np.arange(len(table)), -(-len(table) // BLOCK_OF_ROWS))
    all_measured, blocks = list[MeasuredColumn](), [list[Column]() for _ in block_rows]
    for name in table.names:
        column = table.pop(name)
        measured = fitting.measure(column)
        all_measured.append(measured if is_long else MeasuredColumn(fitting.add_bins(measured), {}))
        if measured.column.rules:
            scaled = measured.column.scaled(column)
            for block, rows in zip(blocks, block_rows, strict=True):
                block.append(scaled.take(rows))
    return all_measured, [Table(block) for block in blocks]


def _released(blocks: list[Table]) -> Iterator[Table]:
    """Take the blocks out of the list one after another; the memory of each is free when the next is taken."""
    while blocks:
        yield blocks.pop(0)
        return_freed_memory()
