"""The order of the rows of an epoch, in two levels: the order of the row groups, then that of the rows in a window of some groups.

A window is what is held in memory at a time. All is a function of (seed, epoch, row groups, shards) alone, so that whoever reads a
window reads the same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .._types import Indices


class Piece(NamedTuple):
    """Rows of a row group, in the file's order: from ``first``, up to but without ``last``."""

    group: int
    first: int
    last: int

    @property
    def rows(self) -> int:
        """Their number."""
        return self.last - self.first


def group_order(n_groups: int, seed: int, epoch: int) -> Indices:
    """Draw the order of the row groups in an epoch (from 1)."""
    return np.random.default_rng([seed, epoch]).permutation(n_groups)


def shard(order: Sequence[int] | Indices, group_rows: Sequence[int], k: int, shards: int) -> list[Piece]:
    """Give the k-th (from 0) of so many shards of the rows of all row groups, one after another in their order.

    Of n rows these are ``[n*k // shards, n*(k+1) // shards)``: a row group at a limit is divided between two shards.

    Examples
    --------
    >>> shard([1, 0], [3, 4], 0, 2), shard([1, 0], [3, 4], 1, 2)
    ([Piece(group=1, first=0, last=3)], [Piece(group=1, first=3, last=4), Piece(group=0, first=0, last=3)])
    """
    n = sum(group_rows)
    return list(_cut(order, group_rows, n * k // shards, n * (k + 1) // shards))


def _cut(order: Sequence[int] | Indices, group_rows: Sequence[int], first: int, last: int) -> Iterator[Piece]:
    """Give the pieces that hold the rows from ``first`` to ``last``, counted in the order of the row groups."""
    begin = 0
    for group in map(int, order):
        end = begin + group_rows[group]
        if max(first, begin) < min(last, end):
            yield Piece(group, max(first, begin) - begin, min(last, end) - begin)
        begin = end


def windows(pieces: Sequence[Piece], most_rows: int) -> list[list[Piece]]:
    """Divide pieces, in their order, into windows of at most so many rows; a larger piece is a window of its own.

    Examples
    --------
    >>> [len(window) for window in windows([Piece(2, 0, 10), Piece(0, 0, 30), Piece(1, 0, 20)], 40)]
    [2, 1]
    """
    divided: list[list[Piece]] = []
    rows = 0
    for piece in pieces:
        if not divided or rows + piece.rows > most_rows:
            divided.append([])
            rows = 0
        divided[-1].append(piece)
        rows += piece.rows
    return divided


def window_order(n: int, seed: int, epoch: int, piece: Piece) -> Indices:
    """Draw the order of the n rows of the window that begins with a piece: no other window of the epoch does."""
    return np.random.default_rng([seed, epoch, piece.group, piece.first]).permutation(n)
