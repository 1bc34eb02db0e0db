"""A sample of the rows of a stream: always the same rows, whatever comes in which batch."""

from __future__ import annotations

import numpy as np

from .._types import AnyArray, Indices
from .number_features import ROWS_FOR_EDGES
from .number_summary import mixed_bits

SAMPLED_VALUES = 10_000_000
"""The most values in the samples of all columns together; of more than 200 columns each has fewer rows."""

LEAST_SAMPLE = 2_000

_SEED = np.uint64(0x5DEECE66D)


def priorities(rows: Indices) -> AnyArray:
    """Give each row, by its number in the stream, a place in a fixed random order: uint64 (n,)."""
    return mixed_bits(rows.astype(np.uint64) ^ _SEED)


def rows_of_sample(n_columns: int) -> int:
    """Give the most rows of a column's sample: those that edges are chosen from, fewer where there are many columns."""
    return min(ROWS_FOR_EDGES, max(SAMPLED_VALUES // max(n_columns, 1), LEAST_SAMPLE))


class RowSample:
    """The values of at most ``most`` rows, those of the least priorities, which are a random sample of all that were added."""

    def __init__(self, most: int = ROWS_FOR_EDGES) -> None:
        self._most = most
        self._limit = np.uint64(2**64 - 1)
        self._kept: list[tuple[AnyArray, AnyArray, AnyArray]] = []
        self._size = 0

    def add(self, rows: Indices, order: AnyArray, values: AnyArray, y: AnyArray) -> None:
        """Add rows: their numbers, priorities, values and targets, each (n,)."""
        chosen = np.flatnonzero(order <= self._limit)
        if len(chosen):
            self._kept.append((rows[chosen], values[chosen], y[chosen]))
            self._size += len(chosen)
            if self._size > 1.5 * self._most:
                self._shrink()

    def _shrink(self) -> None:
        """Keep the rows of the least priorities."""
        parts = [np.concatenate(part) for part in zip(*self._kept, strict=True)]
        if self._size > self._most:
            order = priorities(parts[0])
            least = np.argpartition(order, self._most - 1)[: self._most]
            parts = [part[least] for part in parts]
            self._limit = order[least].max()
        self._kept, self._size = [(parts[0], parts[1], parts[2])], len(parts[0])

    @property
    def drawn(self) -> tuple[Indices, AnyArray, AnyArray]:
        """The rows' numbers, ascending, their values and their targets; there must be some."""
        self._shrink()
        ((rows, values, y),) = self._kept
        order = np.argsort(rows)
        return rows[order], values[order], y[order]

    def __len__(self) -> int:
        return min(self._size, self._most)
