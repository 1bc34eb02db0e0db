"""The position of a fit by mini-batches: the rows done of the current epoch, and what the epoch's order is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._types import Indices
from ..plan import BlockResult


@dataclass
class FitPosition:
    """The place of a fit in the current epoch, or in several short epochs that one call of the engine trains.

    Attributes
    ----------
    order : int array, shape (n,)
        The order of the epoch before: each order is a shuffle of the one before.
    random_state : RandomState
        Draws the orders.
    rows : int
        The rows that have been trained on.
    blocks : list of BlockResult
        Their results.
    seconds : float
        The time spent on them.
    """

    order: Indices
    random_state: np.random.RandomState
    rows: int = 0
    blocks: list[BlockResult] = field(default_factory=list)
    seconds: float = 0.0
    _drawn: bool = False  # whether the current order has been drawn
    _before: Mapping[str, Any] | None = None  # the random_state before that, where it was kept

    def begin_draw(self, *, keep_state: bool) -> None:
        """Note that the current order is drawn now; to keep the random_state before takes 0.03 ms."""
        self._before = self.random_state.get_state(legacy=False) if keep_state else None
        self._drawn = True

    @property
    def generator(self) -> Mapping[str, Any] | None:
        """The random_state before the current order was drawn, as ``get_state(legacy=False)`` gives it; None if it was not kept."""
        return self._before if self._drawn else self.random_state.get_state(legacy=False)

    def add(self, rows: int, result: BlockResult, seconds: float) -> None:
        """Add the results of a block of so many rows."""
        self.rows += rows
        self.blocks.append(result)
        self.seconds += seconds

    def begin_epoch(self, order: Indices) -> None:
        """Begin the epoch after the one with this order."""
        self.order, self._drawn = order, False
        self.rows, self.blocks, self.seconds = 0, [], 0.0

    def joined(self) -> BlockResult:
        """Give the results of all blocks as those of one."""
        right = [block.right for block in self.blocks if block.right is not None]
        squares = [block.squares for block in self.blocks if block.squares is not None]
        return BlockResult(
            costs=np.concatenate([block.costs for block in self.blocks]) if self.blocks else np.empty(0),
            right=np.concatenate(right) if right else None,
            finite=all(block.finite for block in self.blocks),
            squares=np.concatenate(squares) if squares else None,
        )
