"""The checkpoints of a ``Run``: its settings as they are compared, its snapshots, and when they are written.

A training with checkpoints calls ``RunCheckpoints``, one without ``NoCheckpoints``, at the same places::

    open_checkpoints(run, ...)        when the Run is made: the settings, and the position of the checkpoint that is resumed
    with saving():                    around the training: the first checkpoint, and the last one
      visit()                         between two blocks: a checkpoint, if one is due
      with signals_held:              around a block's step, and around an epoch's end
      epoch_done()                    after an epoch: a line of the history's file
      parameters_changed()            where the user wrote to the network between two epochs
    saving_on_break(run)              around the caller's loop: a checkpoint where it is left by break
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict
from typing import Any, Protocol
from weakref import WeakSet

from .calculus.descent import number_of_steps
from .checkpoints.checkpoints import Checkpoints
from .checkpoints.interval import parse_interval
from .checkpoints.run_folder import RunFolder
from .checkpoints.run_settings import check_engine, check_folder_given, check_notes, compare_settings, digest_of_rates
from .checkpoints.snapshot import Snapshot
from .early_stopping import EarlyStopping
from .engines import Engine, Threads, thread_count
from .epoch_table import EpochTable
from .errors import ModelFileError
from .held_signals import SignalHolder, exit_on_signals
from .history import EpochProgress, EpochRecord
from .plan import Plan
from .run_position import RunPosition
from .schedules import Schedule, name_of
from .streamed_data import StreamedData
from .training_data import TrainingData


class Training(Protocol):
    """The settings, the data and the position of a training: those of a ``Run``."""

    plan: Plan
    epochs: int
    learning_rate: float
    schedule: Schedule
    shuffle: bool
    early_stopping: EarlyStopping | None
    engine: Engine
    threads: Threads
    data: TrainingData | StreamedData
    position: RunPosition


class NoCheckpoints:
    """Stands for the checkpoints of a training without any: it writes nothing, and holds no signal back."""

    resumed: None = None
    signals_held: AbstractContextManager[None] = nullcontext()
    remedy_after_error = "make a new Run of the network, which has the parameters of the last epoch"

    def saving(self, training: Generator[Any], take_user_changes: Callable[[], None]) -> AbstractContextManager[None]:
        """Write nothing before the training inside and after it."""
        return nullcontext()

    def visit(self) -> None:
        """Write nothing between two blocks."""

    def epoch_done(self) -> None:
        """Write no line of the epoch."""

    def parameters_changed(self) -> None:
        """Write nothing of the user's changes to the network."""

    def saving_on_break(self, run: Iterator[EpochRecord], take_user_changes: Callable[[], None]) -> Iterator[EpochRecord]:
        """Give the run itself, whose loop may be left and entered again."""
        return run


class RunCheckpoints:
    """The checkpoints of one ``Run``.

    Parameters
    ----------
    checkpoints : Checkpoints
    position : RunPosition
        The run's own, which changes while it trains.
    resumed : Snapshot or None
        The checkpoint that the run goes on from.
    blas_threads : int or None
        As ``Snapshot`` has them.

    Attributes
    ----------
    signals_held : SignalHolder
        Holds signals back within ``with``, so that the position is always that of the session's state.
    remedy_after_error : str
        How a training goes on that an error has ended.
    """

    remedy_after_error = "make the Run again with resume=True, which goes on from the last checkpoint"

    def __init__(self, checkpoints: Checkpoints, position: RunPosition, resumed: Snapshot | None, blas_threads: int | None) -> None:
        self.checkpoints = checkpoints
        self.position = position
        self.resumed = resumed
        self.blas_threads = blas_threads
        self.signals_held = SignalHolder()
        self._records = EpochTable.empty()  # those of the history: to make a table of all at each checkpoint takes 2 us an epoch

    @contextmanager
    def saving(self, training: Generator[Any], take_user_changes: Callable[[], None]) -> Iterator[None]:
        """Write the first checkpoint before the training inside, and the last one after it, however it ends.

        Parameters
        ----------
        training : generator
            It trains while it is iterated over; one that the program leaves unfinished is closed when Python exits.
        take_user_changes : callable
            Takes what the user wrote to the network since the last epoch into the session.
        """
        with exit_on_signals(), self.signals_held.installed():
            self.checkpoints.begin(self.resumed or self._snapshot(), resumed=self.resumed is not None)
            _UNFINISHED.add(training)
            try:
                yield
            finally:
                _UNFINISHED.discard(training)
                self.checkpoints.end(self._last_snapshot(take_user_changes))

    def visit(self) -> None:
        """Write a checkpoint between two blocks, if one is due."""
        progress = self.position.progress
        self.checkpoints.visit(self._snapshot, progress.epoch, at_start=not progress.rows)

    def epoch_done(self) -> None:
        """Add an epoch to the history's file."""
        self.checkpoints.epochs_done(self._table())

    def parameters_changed(self) -> None:
        """Let the next checkpoint be written even at the last one's step: it has the user's changes to the network."""
        self.checkpoints.parameters_changed()

    def saving_on_break(self, run: Iterator[EpochRecord], take_user_changes: Callable[[], None]) -> Iterator[EpochRecord]:
        """Iterate over the epochs that are left; a loop that is left by ``break`` writes a checkpoint."""
        try:
            while (record := next(run, None)) is not None:
                yield record
        finally:
            if self.position.session is not None:
                self.checkpoints.write(self._last_snapshot(take_user_changes))

    def _last_snapshot(self, take_user_changes: Callable[[], None]) -> Snapshot | None:
        """Copy out the training at its end; None where an error came within a block, whose results are incomplete."""
        if self.position.history.stopped is None:
            take_user_changes()
        snapshot = self._snapshot()
        in_whole_steps = snapshot.stopped == "diverged" or snapshot.state.step == self.position.done
        return snapshot if in_whole_steps else None

    def _table(self) -> EpochTable:
        """Give the history's records as a table, to which the epochs are added that have ended since."""
        self._records.extend(self.position.history.records[len(self._records) :])
        return self._records

    def _snapshot(self) -> Snapshot:
        """Copy out all that the training has computed so far."""
        position = self.position
        session, epoch_state, progress, history = position.session, position.epoch_state, position.progress, position.history
        assert session is not None and epoch_state is not None  # noqa: S101, PT018  # snapshots are of a training that has begun
        state = session.state()
        if history.stopped == "diverged":  # the session's parameters are not finite
            state, progress = epoch_state, EpochProgress(len(history) + 1)
        return Snapshot(
            state=state,
            epoch_state=epoch_state,
            progress=progress.joined(),
            records=self._table().copy(),
            best=None if position.best is None else position.best.snapshot(),
            stopped=history.stopped or "",
            message=history.message,
            earlier=position.earlier,
            blas_threads=self.blas_threads,
        )


_UNFINISHED: WeakSet[Generator[Any]] = WeakSet()
"""The trainings with checkpoints that have begun and not ended."""


@atexit.register
def _end_trainings() -> None:
    """Write the last checkpoint of trainings that the program leaves unfinished, while Python can still write files."""
    for training in list(_UNFINISHED):
        with suppress(ValueError):  # another thread is within it
            training.close()


def open_checkpoints(
    run: Training,
    *,
    checkpoint: str | os.PathLike[str] | None,
    checkpoint_every: str | None,
    checkpoint_notes: Mapping[str, Any] | None,
    resume: bool,
    allow_other_engine: bool,
) -> RunCheckpoints | NoCheckpoints:
    """Give the checkpoints of a run, which is set to the position of the checkpoint that it goes on from, if there is one.

    The parameters are those of ``Run``.

    Raises
    ------
    SettingError, EngineError
        When the settings, the data or the engine are not those that the training was begun with.
    FileError
        When the folder cannot be used.
    """
    check_folder_given(
        checkpoint,
        checkpoint_every=checkpoint_every,
        checkpoint_notes=checkpoint_notes,
        resume=resume,
        allow_other_engine=allow_other_engine,
    )
    if checkpoint is None:
        return NoCheckpoints()
    folder, every = RunFolder(checkpoint).resolved(), parse_interval(checkpoint_every)
    blas_threads = thread_count(run.threads) if run.engine.uses_blas else None
    resumed = None
    if resume and folder.checkpoints():
        resumed = _read_checkpoint(folder, run, blas_threads, allow_other_engine=allow_other_engine)
        restore(run.position, resumed)
    else:
        folder.check_absent()
    checkpoints = Checkpoints(folder, every, describe_training(run, run.epochs), check_notes(checkpoint_notes or {}))
    return RunCheckpoints(checkpoints, run.position, resumed, blas_threads)


def _read_checkpoint(folder: RunFolder, run: Training, blas_threads: int | None, *, allow_other_engine: bool) -> Snapshot:
    """Read a folder's newest checkpoint, whose settings, data and engine must be those of this training."""
    header, snapshot = folder.newest()
    compare_settings(folder.path, header.settings, lambda epochs: describe_training(run, epochs), run.epochs)
    try:
        snapshot.check(run.plan, run.data.n)
    except ValueError as error:
        raise ModelFileError(f"{folder.path} has a checkpoint that is not valid: {error}") from None
    check_engine(folder.path, snapshot, header.version, run.engine.made_by(), blas_threads, allow_other_engine)
    return snapshot


def restore(position: RunPosition, snapshot: Snapshot) -> None:
    """Set the position of a training that has not begun to a snapshot."""
    position.progress, position.done, position.earlier = snapshot.progress, snapshot.state.step, snapshot.earlier
    position.history.records.extend(snapshot.records)
    if position.best is not None and snapshot.best is not None:
        position.best.restore(snapshot.best)


def describe_training(run: Training, epochs: int) -> dict[str, Any]:
    """Describe the settings and the data as JSON's types, for a training of so many epochs: see ``run_settings``."""
    plan, data = run.plan, run.data
    steps = number_of_steps(data.n, plan.batch_size, epochs)
    return {
        "plan": plan.to_dict(),
        "epochs": epochs,
        "learning_rate": run.learning_rate,
        "schedule": name_of(run.schedule),
        "rates": digest_of_rates(run.schedule, run.learning_rate, steps),
        "shuffle": run.shuffle,
        "early_stopping": None if run.early_stopping is None else asdict(run.early_stopping),
        **data.describe(),
    }
