"""Examples in memory as rows that are divided between workers: each step's rows are those of a training in one process."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._types import Indices
from ..engines import Engine
from ..epoch_blocks import epoch_order
from ..examples import Examples
from ..plan import Plan
from ..training_data import EpochPart


class MemoryRows:
    """Examples, or some rows of them.

    A step's rows are the next ``workers * batch_size`` of the epoch's order, as those of a mini-batch of a training in one process;
    worker k takes the k-th ``batch_size`` of them.

    Parameters
    ----------
    examples : Examples
    rows : int array, optional
        The numbers of those that are trained on; all if not given.
    """

    def __init__(self, examples: Examples, rows: Indices | None) -> None:
        self.examples = examples
        self.rows = rows
        self.n = len(examples) if rows is None else len(rows)

    def shard_length(self, shard: tuple[int, int], batch_size: int) -> int:
        """Count the rows of a worker in an epoch."""
        rank, workers = shard
        steps, left = divmod(self.n, workers * batch_size)
        return steps * batch_size + min(batch_size, max(0, left - rank * batch_size))

    def parts(
        self,
        engine: Engine,
        plan: Plan,
        epoch: int,
        *,
        shuffle: bool,
        batch_size: int,
        has_classes: bool,
        shard: tuple[int, int] = (0, 1),
        done: int = 0,
    ) -> Iterator[EpochPart]:
        """Give a worker's rows of an epoch, in one part: see ``StreamedRows.parts``."""
        order = epoch_order(self.n, plan.seed, epoch) if shuffle else np.arange(self.n)
        own = shard_of_steps(order, shard, batch_size)[done:]
        rows = own if self.rows is None else self.rows[own]
        yield EpochPart(engine.prepare(self.examples), rows, has_classes, self.examples.weights)


def shard_of_steps(order: Indices, shard: tuple[int, int], batch_size: int) -> Indices:
    """Give a worker's rows of each step of an order, one after another.

    Examples
    --------
    >>> shard_of_steps(np.arange(11), (0, 2), 2), shard_of_steps(np.arange(11), (1, 2), 2)
    (array([0, 1, 4, 5, 8, 9]), array([ 2,  3,  6,  7, 10]))
    """
    rank, workers = shard
    whole = len(order) // (workers * batch_size) * workers * batch_size
    steps = order[:whole].reshape(-1, workers, batch_size)
    return np.concatenate([steps[:, rank].ravel(), order[whole:][rank * batch_size :][:batch_size]])
