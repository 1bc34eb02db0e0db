"""The steps of a training on Ray: what a ``Run`` calls in place of an engine on this machine; see ``executor``."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from .._types import Indices
from ..division import Division
from ..engines import Engine, Session, Threads
from ..epoch_blocks import BLOCK_SECONDS, block_length
from ..errors import EngineError, SettingError
from ..plan import BlockResult, Evaluation, Plan, State, Steps
from ..ray_cluster import RayCluster
from ..streamed_data import StreamedData
from ..training_data import EpochPart, TrainingData
from .memory_rows import MemoryRows
from .remote_worker import Place
from .worker import Block, WorkerTask
from .worker_group import WorkerGroup

SECONDS_BETWEEN_REPORTS = 0.5
"""About how long the workers train before they report: Ray takes a millisecond for it, and what is lost with a worker is less."""


class RayExecutor:
    """The workers of a training.

    Parameters
    ----------
    division : Division
    data : TrainingData or StreamedData
    engine : Engine
    plan : Plan
        Its batch is that of all workers together.
    shuffle : bool
    has_classes : bool
        Whether the targets of all rows are classes.
    threads : int or "auto"
        Of each worker; 1 by default.

    Raises
    ------
    SettingError
        When a setting needs all rows in one process.
    """

    def __init__(
        self,
        division: Division,
        data: TrainingData | StreamedData,
        engine: Engine,
        plan: Plan,
        *,
        shuffle: bool,
        has_classes: bool,
        threads: Threads,
    ) -> None:
        if data.distortion is not None:
            raise SettingError("distort is not available with on='ray'; leave it out, or train on this machine")
        if division.sync_every == 1 and division.workers > 1 and any(layer.dropout for layer in plan.layers):
            raise SettingError("dropout is not available where gradients are summed (sync_every=1); take sync_every=2 or more")
        rows = data.streamed if isinstance(data, StreamedData) else MemoryRows(data.examples, data.rows)
        self.division = division
        self._data = data
        self._engine = engine
        self._threads = 1 if threads == "auto" else threads
        self._task = WorkerTask(
            plan=plan,
            engine=engine.name,
            rows=rows,
            shuffle=shuffle,
            has_classes=has_classes,
            workers=division.workers,
            sync_every=division.sync_every,
            threads=self._threads,
        )
        self._cluster: RayCluster | None = None
        self._group: WorkerGroup | None = None

    @property
    def places(self) -> dict[int, Place]:
        """Where the workers run, by rank; empty before the training and after it."""
        return {} if self._group is None else self._group.places

    def prepare(self) -> tuple[None, Any]:
        """Give the engine's form of the validation; that of the rows is made by the workers."""
        return None, self._data.prepare_validation(self._engine)

    def open(self, plan: Plan, state: State) -> RaySession:
        """Begin a session, whose workers start here."""
        if self._group is None:
            in_memory = self._data.examples.nbytes if isinstance(self._data, TrainingData) else 0
            self._cluster = RayCluster(self.division.address, self.division.workers * self._threads, in_memory)
            self._group = WorkerGroup(self._cluster, self._task)
        self._group.start()
        return RaySession(self._group, self._engine, plan, state)

    def parts(self, data: None, plan: Plan, epoch: int, *, shuffle: bool, done: int) -> Generator[EpochPart]:
        """Give what is left of an epoch, a block at a time: places in its order, whose rows the workers find."""
        length = self.block_length(plan, None)
        for first in range(done, self._data.n, length):
            yield EpochPart(epoch, np.arange(first, min(first + length, self._data.n)), self._task.has_classes)

    def block_length(self, plan: Plan, most_steps: int | None) -> int:
        """Count the rows of the next block: whole rounds between synchronisations, more than ``most_steps`` if need be."""
        own = replace(plan, batch_size=plan.batch_size // self.division.workers)
        steps = block_length(own, self._data.examples) // own.batch_size * SECONDS_BETWEEN_REPORTS / BLOCK_SECONDS
        wanted = steps if most_steps is None else min(steps, most_steps)
        rounds = max(1, round(wanted / self.division.sync_every))
        return rounds * self.division.sync_every * plan.batch_size

    def evaluate(self, session: Session, validation_data: Any) -> Evaluation | None:
        """Evaluate the validation on this machine, if there is one."""
        return self._data.evaluate(self._engine, session, validation_data)

    def close(self) -> None:
        """End the workers, and the cluster where it was begun here."""
        group, cluster, self._group, self._cluster = self._group, self._cluster, None, None
        try:
            if group is not None:
                group.close()
        finally:
            if cluster is not None:
                cluster.shut_down()


class RaySession:
    """The network of a training on Ray, after the last block.

    Parameters
    ----------
    group : WorkerGroup
    engine : Engine
    plan : Plan
    state : State
    """

    def __init__(self, group: WorkerGroup, engine: Engine, plan: Plan, state: State) -> None:
        self._group = group
        self._engine = engine
        self._plan = plan
        self._state = State(state.weights, state.biases, state.slots, state.step, engine.made_by())
        self._is_new = True

    def advance(self, data: int, order: Indices, steps: Steps) -> BlockResult:
        """Take steps of an epoch, which ``data`` numbers; ``order`` holds places in its order, one after another."""
        block = Block(data, int(order[0]) // self._plan.batch_size, steps)
        outcomes, state = self._group.advance(block, self._state, is_new=self._is_new)
        rows = sum(outcome.rows for outcome in outcomes)
        if rows != len(order):
            raise EngineError(
                f"the workers have trained on {rows:,} rows where there are {len(order):,}: this is a fault of chainrule"
            )
        finite = all(outcome.finite for outcome in outcomes)
        if finite:
            self._state, self._is_new = state, False
        costs = np.sum([outcome.costs for outcome in outcomes], axis=0)
        right = [outcome.right for outcome in outcomes if outcome.right is not None]
        return BlockResult(costs, np.sum(right, axis=0) if right else None, finite)

    def evaluate(self, data: Any, rows: Indices | None = None) -> Evaluation:
        """Evaluate on this machine."""
        return self._engine.open(self._plan, self._state, threads="auto").evaluate(data, rows)

    def state(self) -> State:
        """Give the state after the last block."""
        return self._state
