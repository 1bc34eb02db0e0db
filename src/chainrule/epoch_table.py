"""The records of very many epochs as a table of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat, starmap
from typing import Any, overload

import numpy as np

from ._types import AnyArray
from .history import COLUMNS, EpochRecord
from .plan import Floats


class EpochTable(Sequence[EpochRecord]):
    """The records of some epochs as a table: a row of numbers for each, of which an ``EpochRecord`` is made when it is asked for.

    A list would hold an object for each epoch, and Python's garbage collector would look through them again and again: that takes
    2 us an epoch, more than 1 % of an epoch of a small fit.

    Parameters
    ----------
    rows : float64 array, shape (epochs, columns)
        The columns are those of ``EpochRecord``.
    absent : sequence of str
        The columns that have no value in any of the epochs.

    Examples
    --------
    >>> table = EpochTable.from_columns(
    ...     epoch=np.arange(1, 3), cost=np.array([0.5, 0.4]), accuracy=None, validation_cost=None, validation_accuracy=None,
    ...     learning_rate=3.0, seconds=0.25, examples_per_second=4.0,
    ... )
    >>> table[1]
    EpochRecord(epoch=2, cost=0.4, accuracy=None, validation_cost=None, validation_accuracy=None, learning_rate=3.0, seconds=0.25, \
examples_per_second=4.0)
    """

    def __init__(self, rows: Floats, absent: Sequence[str] = ()) -> None:
        self._rows = rows  # there may be more than the table's epochs: room for the next ones
        self._length = len(rows)
        self.absent = tuple(absent)

    @classmethod
    def from_columns(cls, **columns: AnyArray | float | None) -> EpochTable:
        """Make a table of all of ``EpochRecord``'s columns: each an array, or one number for all; None where absent."""
        rows = np.empty((np.size(np.asarray(columns["epoch"])), len(COLUMNS)))
        for k, name in enumerate(COLUMNS):
            rows[:, k] = np.nan if columns[name] is None else columns[name]
        return cls(rows, [name for name in COLUMNS if columns[name] is None])

    @classmethod
    def of(cls, records: Sequence[EpochRecord]) -> EpochTable:
        """Make a table of records; a column is absent where the first of them has None."""
        table = cls.empty()
        table.extend(records)
        return table

    @classmethod
    def empty(cls) -> EpochTable:
        """Make a table without epochs."""
        return cls(np.empty((0, len(COLUMNS))))

    @property
    def rows(self) -> Floats:
        """The numbers, shape (epochs, columns), with NaN in the columns that are absent."""
        return self._rows[: self._length]

    def extend(self, records: Sequence[EpochRecord]) -> None:
        """Add records, or those of another table. The absent columns are those of the first epochs."""
        if not records:
            return
        end = self._length + len(records)
        if end > len(self._rows):
            self._rows = np.concatenate([self.rows, np.empty((end, len(COLUMNS)))])
        if not self._length:
            self.absent = records.absent if isinstance(records, EpochTable) else _absent_of(records[0])
        self._rows[self._length : end] = records.rows if isinstance(records, EpochTable) else records  # None becomes NaN
        self._length = end

    def copy(self) -> EpochTable:
        """Give a table of the present epochs, which stays as it is; it shares their memory."""
        return EpochTable(self.rows, self.absent)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[EpochRecord]:
        columns: list[Iterable[Any]] = self.rows.T.tolist()
        columns[0] = map(int, columns[0])
        for name in self.absent:
            columns[COLUMNS.index(name)] = repeat(None, len(self))
        return starmap(EpochRecord, zip(*columns, strict=True))

    @overload
    def __getitem__(self, index: int) -> EpochRecord: ...
    @overload
    def __getitem__(self, index: slice) -> EpochTable: ...
    def __getitem__(self, index: int | slice) -> EpochRecord | EpochTable:
        """Give the record of one epoch (from 0), or the table of some."""
        if isinstance(index, slice):
            return EpochTable(self.rows[index], self.absent)
        return next(iter(EpochTable(self.rows[index][None], self.absent)))


def _absent_of(record: EpochRecord) -> tuple[str, ...]:
    return tuple([name for name, value in zip(COLUMNS, record, strict=True) if value is None])
