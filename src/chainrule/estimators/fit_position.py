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
    generator : mapping
        The RandomState before the current order was drawn, as ``get_state(legacy=False)`` gives it, which takes 0.1 ms;
        empty in a fit without checkpoints, which does not need it.
    rows : int
        The rows that have been trained on.
    blocks : list of BlockResult
        Their results.
    seconds : float
        The time spent on them.
    """

    order: Indices
    generator: Mapping[str, Any]
    rows: int = 0
    blocks: list[BlockResult] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def start(cls, n: int, random_state: np.random.RandomState | None) -> FitPosition:
        """Give the position before the first epoch of n rows; without checkpoints the RandomState is None."""
        return cls(np.arange(n), _state_of(random_state))

    def add(self, rows: int, result: BlockResult, seconds: float) -> None:
        """Add the results of a block of so many rows."""
        self.rows += rows
        self.blocks.append(result)
        self.seconds += seconds

    def begin_epoch(self, order: Indices, random_state: np.random.RandomState | None) -> None:
        """Begin the epoch after the one with this order."""
        self.order, self.generator = order, _state_of(random_state)
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


def _state_of(random_state: np.random.RandomState | None) -> Mapping[str, Any]:
    return {} if random_state is None else random_state.get_state(legacy=False)
