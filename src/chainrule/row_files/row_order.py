"""The order of the rows of an epoch, in two levels: the order of the row groups, then that of the rows in a window of some groups.

A window is what is held in memory at a time. All is a function of (seed, epoch, row groups) alone, so that whoever reads a window
reads the same one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._types import Indices


def group_order(n_groups: int, seed: int, epoch: int) -> Indices:
    """Draw the order of the row groups in an epoch (from 1)."""
    return np.random.default_rng([seed, epoch]).permutation(n_groups)


def windows(groups: Sequence[int] | Indices, group_rows: Sequence[int], most_rows: int) -> list[list[int]]:
    """Divide row groups, in their order, into windows of at most so many rows; a larger group is a window of its own.

    Examples
    --------
    >>> windows([2, 0, 1], [30, 20, 10], 40)
    [[2, 0], [1]]
    """
    divided: list[list[int]] = []
    rows = 0
    for group in map(int, groups):
        if not divided or rows + group_rows[group] > most_rows:
            divided.append([])
            rows = 0
        divided[-1].append(group)
        rows += group_rows[group]
    return divided


def window_order(n: int, seed: int, epoch: int, first_group: int) -> Indices:
    """Draw the order of the n rows of the window that begins with a row group: no other window of the epoch does."""
    return np.random.default_rng([seed, epoch, first_group]).permutation(n)
