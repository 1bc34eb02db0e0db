"""Where the steps of a training are computed: by an engine on this machine, or by workers on Ray (``distributed``)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

from .engines import Engine, Session, Threads
from .epoch_blocks import block_length
from .plan import Evaluation, Plan, State
from .streamed_data import StreamedData
from .training_data import EpochPart, TrainingData


class Executor(Protocol):
    """What a ``Run`` asks of either."""

    def prepare(self) -> tuple[Any, Any]:
        """Give the forms of the training's and of the validation's examples that the other methods take."""
        ...

    def open(self, plan: Plan, state: State) -> Session:
        """Begin a session from a state."""
        ...

    def parts(self, data: Any, plan: Plan, epoch: int, *, shuffle: bool, done: int) -> Generator[EpochPart]:
        """Give what is left of an epoch of which so many rows are done."""
        ...

    def block_length(self, plan: Plan, most_steps: int | None) -> int:
        """Count the rows of the next block, whole mini-batches, where at most so many steps are wanted."""
        ...

    def evaluate(self, session: Session, validation_data: Any) -> Evaluation | None:
        """Evaluate the validation, if there is one."""
        ...

    def close(self) -> None:
        """End what was begun for the training."""
        ...


class LocalExecutor:
    """An engine on this machine.

    Parameters
    ----------
    data : TrainingData or StreamedData
    engine : Engine
    threads : int or "auto"
    """

    def __init__(self, data: TrainingData | StreamedData, engine: Engine, threads: Threads) -> None:
        self._data = data
        self._engine = engine
        self._threads = threads

    def prepare(self) -> tuple[Any, Any]:
        """Give the engine's form of the examples and of the validation; of examples that are all distorted, None."""
        return self._data.prepare(self._engine)

    def open(self, plan: Plan, state: State) -> Session:
        """Begin a session of the engine."""
        return self._engine.open(plan, state, threads=self._threads)

    def parts(self, data: Any, plan: Plan, epoch: int, *, shuffle: bool, done: int) -> Generator[EpochPart]:
        """Give what is left of an epoch: data in memory at once, rows of files window by window."""
        return self._data.epoch_parts(self._engine, data, plan, epoch, shuffle=shuffle, done=done, threads=self._threads)

    def block_length(self, plan: Plan, most_steps: int | None) -> int:
        """Count the rows of the next block."""
        length = block_length(plan, self._data.examples)
        return length if most_steps is None else min(length, most_steps * plan.batch_size)

    def evaluate(self, session: Session, validation_data: Any) -> Evaluation | None:
        """Evaluate the validation, if there is one."""
        return self._data.evaluate(self._engine, session, validation_data)

    def close(self) -> None:
        """There is nothing to end."""
