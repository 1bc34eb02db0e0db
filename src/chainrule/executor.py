"""Where the steps of a training are computed: by an engine on this machine, or by workers on Ray (``distributed``)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ._checks import check_int
from .engines import Engine, Session, Threads
from .epoch_blocks import block_length
from .errors import SettingError, UnknownName
from .plan import Evaluation, Plan, State
from .ray_cluster import check_address, import_ray
from .streamed_data import StreamedData
from .training_data import EpochPart, TrainingData

MOST_WORKERS = 10_000


@dataclass(frozen=True)
class Division:
    """How a training is divided between workers; its result depends on both numbers.

    Attributes
    ----------
    workers : int
    sync_every : int
        The steps from one synchronisation to the next; with 1 the gradients are summed.
    address : str or None
        Of the cluster.
    """

    workers: int
    sync_every: int
    address: str | None

    def describe(self) -> dict[str, Any]:
        """Give what the result depends on, in JSON's types."""
        return {name: value for name, value in asdict(self).items() if name != "address"}


def check_division(on: str | None, *, workers: int | None, sync_every: int | None, address: str | None) -> Division | None:
    """Check the settings of ``Run`` that divide a training; None where it stays on this machine.

    Raises
    ------
    SettingError
        When one is out of its range, or has no effect.
    EngineError
        When nothing answers at the address.
    MissingExtra
        When Ray is not installed.
    """
    if on is None:
        given = {"workers": workers, "sync_every": sync_every, "address": address}
        named = [name for name, value in given.items() if value is not None]
        if named:
            raise SettingError(
                f"{' and '.join(named)} divide a training between workers on Ray; pass on='ray' too, or leave them out"
            )
        return None
    if on != "ray":
        raise UnknownName("on", on, ("ray",))
    if workers is None:
        raise SettingError("on='ray' needs workers=, the number of parts that each step is divided into: the result depends on it")
    division = Division(
        workers=check_int("workers", workers, least=1, most=MOST_WORKERS),
        sync_every=1 if sync_every is None else check_int("sync_every", sync_every, least=1),
        address=address,
    )
    import_ray()
    if address is not None:
        check_address(address)
    return division


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
