"""A worker of a data-parallel training: it trains its shard of an epoch, and keeps one network in common with the others.

How it goes on, block by block::

    advance(block)                       some steps of an epoch; a step is one mini-batch of every worker
      for each round:                    ``sync_every`` steps
        its own mini-batches             from the parts of its shard: windows of files, or rows of examples in memory
        sum_over_workers                 of the gradients (sync_every = 1), or of parameters and slots, weighted by the rows seen
    -> BlockOutcome                      the costs of its mini-batches, and of worker 0 the state
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from .._types import Array, Indices
from ..calculus.backprop import Gradient
from ..calculus.descent import Parameters, update_mini_batch
from ..engines import ENGINES, Engine, Session
from ..plan import Floats, Plan, State, Steps
from ..read_ahead import read_ahead
from ..training_data import EpochPart
from .all_reduce import Exchange, sum_over_workers


class ShardedRows(Protocol):
    """Rows that are divided between workers: ``MemoryRows``, or ``StreamedRows`` of files."""

    def shard_length(self, shard: tuple[int, int], batch_size: int) -> int:
        """Count the rows of a worker in an epoch."""
        ...

    def parts(
        self,
        engine: Engine,
        plan: Plan,
        epoch: int,
        *,
        shuffle: bool,
        batch_size: int,
        has_classes: bool,
        shard: tuple[int, int],
        done: int,
    ) -> Iterator[EpochPart]:
        """Give the rows of a worker in an epoch, from the ``done``-th on."""
        ...


@dataclass(frozen=True)
class WorkerTask:
    """What a training's workers share.

    Attributes
    ----------
    plan : Plan
        That of the whole training: its batch is that of all workers together.
    engine : str
    rows : ShardedRows
    shuffle, has_classes : bool
    workers : int
    sync_every : int
        The steps from one synchronisation to the next.
    threads : int
        Of each worker.
    """

    plan: Plan
    engine: str
    rows: ShardedRows
    shuffle: bool
    has_classes: bool
    workers: int
    sync_every: int
    threads: int


@dataclass(frozen=True)
class Block:
    """Some steps of an epoch: it begins at a synchronisation, and ends at one or with the epoch.

    Attributes
    ----------
    epoch : int
        From 1.
    first_step : int
        In the epoch, from 0.
    steps : Steps
    """

    epoch: int
    first_step: int
    steps: Steps


@dataclass(frozen=True)
class BlockOutcome:
    """What one worker computed in a block.

    Attributes
    ----------
    costs : float64 array, shape (steps,)
        The summed cost of its mini-batch in each step.
    right : float64 array, shape (steps,), or None
    rows : int
        The rows it trained on.
    finite : bool
    state : State or None
        The common state after the block; of worker 0 alone.
    """

    costs: Floats
    right: Floats | None
    rows: int
    finite: bool
    state: State | None


class Worker:
    """One worker's part of a training.

    Parameters
    ----------
    task : WorkerTask
    rank : int
        From 0.
    exchange : callable
        As ``sum_over_workers`` has it.
    """

    def __init__(self, task: WorkerTask, rank: int, exchange: Exchange) -> None:
        self.task = task
        self.rank = rank
        self.engine = ENGINES[task.engine]
        self.batch_size = task.plan.batch_size // task.workers
        self.plan = replace(task.plan, batch_size=self.batch_size, seed=(task.plan.seed + rank) % 2**64)  # other dropout masks
        self.length = task.rows.shard_length((rank, task.workers), self.batch_size)
        self._exchange = exchange
        self._parts = _Rows(iter(()))
        self._position = (0, 0)  # epoch and step that come next
        self._state: State | None = None
        self._session: Session | None = None

    def begin(self, state: State) -> None:
        """Take over a state: the next block goes on from it."""
        self._state, self._session = state, None

    def advance(self, block: Block) -> BlockOutcome:
        """Train a block, in step with the other workers.

        Raises
        ------
        PeerLost
            When another worker is lost. ``begin`` gives the state to go on from.
        """
        if self._position != (block.epoch, block.first_step):
            self._seek(block.epoch, block.first_step)
        alone = self.task.workers == 1
        take_round = self._average if self.task.sync_every > 1 or alone else self._sum_gradients
        length = len(block.steps) if alone else self.task.sync_every
        costs, right, rows, finite = [], [], 0, True
        for first in range(0, len(block.steps), length):
            steps = block.steps[first : first + length]
            taken = take_round(block.first_step + first, steps)
            costs.append(taken.costs)
            right.append(taken.right)
            rows += taken.rows
            finite &= taken.finite
        self._position = (block.epoch, block.first_step + len(block.steps))
        counts = [part for part in right if part is not None]
        state = self._common_state()
        return BlockOutcome(
            costs=np.concatenate(costs),
            right=np.concatenate(counts) if self.task.has_classes else None,
            rows=rows,
            finite=finite and state.is_finite,
            state=state if self.rank == 0 else None,
        )

    def close(self) -> None:
        """End the reading of files."""
        self._parts.close()

    def _seek(self, epoch: int, step: int) -> None:
        """Go to a step of an epoch: read from its rows on."""
        self._parts.close()
        self._position = (0, 0)
        parts = self.task.rows.parts(
            self.engine,
            self.task.plan,
            epoch,
            shuffle=self.task.shuffle,
            batch_size=self.batch_size,
            has_classes=self.task.has_classes,
            shard=(self.rank, self.task.workers),
            done=step * self.batch_size,
        )
        self._parts = _Rows(read_ahead(parts))

    def _rows_of(self, first_step: int, steps: int) -> int:
        """Count this worker's rows in some steps: at the end of an epoch a shard may have none left."""
        first = first_step * self.batch_size
        return max(0, min(first + steps * self.batch_size, self.length) - first)

    def _common_state(self) -> State:
        """Give the state that all workers have after a synchronisation."""
        if self._session is not None:
            return self._session.state()
        assert self._state is not None  # noqa: S101  # begin comes before
        return self._state

    def _average(self, first_step: int, steps: Steps) -> BlockOutcome:
        """Take this worker's steps alone, then the mean of all workers' states, weighted by the rows they have seen."""
        assert self._state is not None  # noqa: S101  # begin comes before
        if self._session is None:
            self._session = self.engine.open(self.plan, self._state, threads=self.task.threads)
        costs, right, finite = np.zeros(len(steps)), np.zeros(len(steps)), True
        rows, done = self._rows_of(first_step, len(steps)), 0
        for part, order in self._parts.take(rows):
            count = -(-len(order) // self.batch_size)
            result = self._session.advance(part.data, order, steps[done : done + count])
            costs[done : done + count] = result.costs
            if result.right is not None:
                right[done : done + count] = result.right
            finite &= result.finite
            done += count
        if self.task.workers > 1:
            own = self._session.state()
            self._state = self._mean_of(own, rows, self._state.step + len(steps))
            self._session = None
        return BlockOutcome(costs, right, rows, finite, None)

    def _mean_of(self, own: State, rows: int, step: int) -> State:
        """Give the mean of all workers' states."""
        arrays = [*own.weights, *own.biases, *(part for name in self.plan.optimizer.slots for part in own.slots[name])]
        with np.errstate(all="ignore"):  # a training that diverges is told by its costs
            vector = np.concatenate([*(part.ravel() for part in arrays), np.ones(1, self.plan.dtype)])
            vector *= rows
            total = sum_over_workers(vector, self.rank, self.task.workers, self._exchange)
            total /= total[-1]
        return _state_of(own, total, self.plan, step)

    def _sum_gradients(self, first_step: int, steps: Steps) -> BlockOutcome:
        """Take one step: the gradient sums of all workers' mini-batches, and the notes' step with them."""
        state, plan = self._state, self.plan
        assert state is not None  # noqa: S101  # begin comes before
        rows, cost, right, weight = self._rows_of(first_step, 1), 0.0, 0.0, 0.0
        parameters = plan.pack([*state.weights], [*state.biases])
        vector = np.zeros(len(parameters) + 1, plan.dtype)
        for part, order in self._parts.take(rows):
            sums = self.engine.gradient(plan, part.data, order, threads=self.task.threads)(parameters)
            weight = float(len(order)) if part.weights is None else float(part.weights[order].sum())
            cost, right = sums.cost, sums.right or 0.0
            vector[:-1] = sums.gradient
            vector[-1] = weight
        total = sum_over_workers(vector, self.rank, self.task.workers, self._exchange)
        self._state = _step(state, plan, total, steps)
        return BlockOutcome(np.array([cost]), np.array([right]), rows, bool(np.isfinite(cost)), None)


class _Rows:
    """The rows of a worker's parts, taken one after another in runs of whole mini-batches."""

    def __init__(self, parts: Iterator[EpochPart]) -> None:
        self._parts = parts
        self._part: EpochPart | None = None
        self._done = 0

    def take(self, rows: int) -> Iterator[tuple[EpochPart, Indices]]:
        """Give the next rows: parts, each with the rows that are taken of it."""
        while rows:
            if self._part is None or self._done == len(self._part.order):
                self._part, self._done = next(self._parts), 0
            order = self._part.order[self._done : self._done + rows]
            self._done += len(order)
            rows -= len(order)
            yield self._part, order

    def close(self) -> None:
        """End the reading."""
        if isinstance(self._parts, Generator):
            self._parts.close()


def _step(state: State, plan: Plan, total: Array, steps: Steps) -> State:
    """Take the notes' step (N12) with the summed gradient of all workers; the last entry is the number of rows (summed weight)."""
    nabla_w, nabla_b = plan.unpack(total[:-1])
    slots = [tuple(state.slots[name][k] if state.slots else np.zeros_like(part) for name in plan.optimizer.slots)
             for k, part in enumerate((*state.weights, *state.biases))]  # fmt: skip
    with np.errstate(all="ignore"):  # a training that diverges is told by its costs
        updated = update_mini_batch(
            Parameters([*state.weights], [*state.biases], slots),
            Gradient(nabla_b, nabla_w),
            plan.optimizer,
            float(steps.rate[0]),
            float(total[-1]),
            t=state.step + 1,
            l1=plan.l1,
            l2=float(steps.decay[0]),
            clip=plan.clip,
        )
    slot_arrays = {name: tuple(slot[k] for slot in updated.slots) for k, name in enumerate(plan.optimizer.slots)}
    return State(tuple(updated.weights), tuple(updated.biases), slot_arrays, state.step + 1, state.made_by)


def _state_of(own: State, vector: Array, plan: Plan, step: int) -> State:
    """Take a state's parameters and slots out of one vector."""
    size = plan.places[-1][0].stop
    weights, biases = plan.unpack(vector[:size])
    slots = {}
    for k, name in enumerate(plan.optimizer.slots, start=1):
        slot_w, slot_b = plan.unpack(vector[k * size : (k + 1) * size])
        slots[name] = (*slot_w, *slot_b)
    return State(tuple(weights), tuple(biases), slots, step, own.made_by)
