"""The checkpoints of a training that goes on: when the next one is due, and the thread that writes it."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from .._warnings import user_stacklevel
from ..epoch_table import EpochTable
from ..errors import FileError
from ..held_signals import hold_signals
from .interval import Interval
from .run_folder import CheckpointWarning, RunFolder
from .snapshot import Snapshot

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

HISTORY_SECONDS = 0.25
"""The least time between two writes of the history's file: opening it for every epoch of a small network would cost several %."""


_THREAD = "chainrule-checkpoints"


@cache
def _writing_thread(process: int) -> ThreadPoolExecutor:
    """Give the one thread of a process that writes checkpoints; a forked process has one of its own."""
    from concurrent.futures import ThreadPoolExecutor  # imported late: with logging it takes milliseconds

    return ThreadPoolExecutor(1, f"{_THREAD}-{process}")


def _write_later(write: Callable[..., None], *arguments: Any) -> Future[None]:
    """Call a function in the writing thread; here, where the main thread has ended and the process accepts no more such calls."""
    try:
        with hold_signals():  # an interrupt while the executor starts its thread would leave one that nothing ever ends
            return _writing_thread(os.getpid()).submit(write, *arguments)
    except RuntimeError:
        from concurrent.futures import Future

        written: Future[None] = Future()
        try:
            write(*arguments)
            written.set_result(None)
        except FileError as error:
            written.set_exception(error)
        return written


def _in_writing_thread() -> bool:
    """Whether the writing thread runs this: its garbage collection ends a training that was left within its loop."""
    return threading.current_thread().name.startswith(_THREAD)


class Checkpoints:
    """Writes a training's checkpoints in another thread: the training copies its state out, and goes on.

    In a process that was forked within the training nothing is written: the folder belongs to the parent's training.

    Parameters
    ----------
    folder : RunFolder
    every : Interval
    settings, notes : mapping
        Those of the training, and of its caller, which each checkpoint holds.
    """

    def __init__(self, folder: RunFolder, every: Interval, settings: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
        self.folder = folder
        self.every = every
        self.settings = settings
        self.notes = notes
        self._writing: Future[None] | None = None  # the checkpoint that the writing thread has
        self._last = time.monotonic()
        self._position: tuple[int, str] | None = None  # of the last snapshot, if it has the present parameters
        self._records = EpochTable.empty()  # those of all epochs that have ended
        self._written = 0  # the number of them that the history's file has
        self._history_whole = True  # after a write that failed, the file may lack epochs and end with half of a line
        self._last_lines = 0.0
        self._warned = False

    def begin(self, snapshot: Snapshot, *, resumed: bool) -> None:
        """Make the folder with its first checkpoint; that of a resumed training exists, and is locked.

        Raises
        ------
        FileError
            When it cannot be written.
        """
        if resumed:
            self.folder.lock_resumed()
        else:
            self.folder.create(self.settings, self.notes, snapshot)
        self._write_history(snapshot)
        self._position = snapshot.position
        self._last = time.monotonic()

    def visit(self, take_snapshot: Callable[[], Snapshot | None], epoch: int, *, at_start: bool) -> None:
        """Write a checkpoint in the background if one is due, unless the last one is still being written.

        Parameters
        ----------
        take_snapshot : callable
            Gives None where the training is in no state to be resumed, such as one that has diverged.
        epoch : int
            The current epoch, from 1.
        at_start : bool
            Whether nothing of the epoch has been trained yet.
        """
        if not self._is_due(epoch, at_start) or not self._may_write() or not self._idle():
            return
        self._last = time.monotonic()
        snapshot = take_snapshot()
        if snapshot is not None:
            self._mend_history(snapshot)
            self._position = snapshot.position
            self._writing = _write_later(self.folder.write, self.settings, self.notes, snapshot)

    def epochs_done(self, records: EpochTable) -> None:
        """Add the epochs that have ended to the history's file: at once, or with the next ones where epochs are very short.

        Parameters
        ----------
        records : EpochTable
            Those of all epochs so far; the training adds to it later.
        """
        self._records = records
        if self._may_write() and time.monotonic() - self._last_lines >= HISTORY_SECONDS:
            self._append_lines()

    def _append_lines(self) -> None:
        """Add the epochs that the history's file does not have yet.

        After a write of the file has failed, the next checkpoint's snapshot adds them: see ``_mend_history``.
        """
        written, self._written = self._written, max(self._written, len(self._records))
        self._last_lines = time.monotonic()
        if self._history_whole and self._written > written:
            with self._keeping_history_whole():
                self.folder.append_history(self._records[written:])

    def _mend_history(self, snapshot: Snapshot) -> None:
        """Write the history's file anew from a snapshot, if the last write of it has failed.

        A full disk may have left half of a line at its end, and readers stop at such a line.
        """
        if not self._history_whole:
            self._write_history(snapshot)

    def _write_history(self, snapshot: Snapshot) -> None:
        """Write the epochs of a snapshot, which are all that have ended, in place of the history's file."""
        self._written = len(snapshot.records)
        with self._keeping_history_whole():
            self.folder.write_history(snapshot.records)

    @contextmanager
    def _keeping_history_whole(self) -> Iterator[None]:
        """Note whether a write of the history's file succeeds; where it does not, warn, and add no line until it is mended."""
        try:
            yield
            self._history_whole = True
        except FileError as error:
            self._history_whole = False
            self._warn(str(error))

    def end(self, snapshot: Snapshot | None) -> None:
        """Write the last checkpoint, if there is one to write, and wait for it; release the folder."""
        if not self.folder.is_held:
            return
        if _in_writing_thread():  # it cannot wait for itself
            threading.Thread(target=self._end, args=(snapshot,)).start()
        else:
            self._end(snapshot)

    def _end(self, snapshot: Snapshot | None) -> None:
        try:
            self._append_lines()
            self.write(snapshot)
        finally:
            self.folder.close()

    def parameters_changed(self) -> None:
        """Let the next snapshot be written even at the last one's step: the user has changed the parameters since."""
        self._position = None

    def write(self, snapshot: Snapshot | None) -> None:
        """Write a checkpoint, unless the last one is of the same moment, and wait for it."""
        if not self.folder.is_held or _in_writing_thread():  # a training that is collected there is ended too
            return
        self._idle(wait=True)
        if snapshot is None:
            return
        self._mend_history(snapshot)
        if snapshot.position == self._position:
            return
        self._position = snapshot.position
        try:
            with hold_signals():
                self.folder.write(self.settings, self.notes, snapshot)  # here: at the end of a process the other thread has ended
        except FileError as error:
            self._warn_of_write(error)

    def _may_write(self) -> bool:
        """Whether this process holds the folder; warn, once, where a forked one goes on with the training."""
        if not self.folder.is_held:
            self._warn(
                f"this process was forked within the training, and goes on without checkpoints: {self.folder.path} is its parent's"
            )
        return self.folder.is_held

    def _is_due(self, epoch: int, at_start: bool) -> bool:
        if self.every.epochs is not None:
            return at_start and epoch > 1 and (epoch - 1) % self.every.epochs == 0
        return self.every.seconds is not None and time.monotonic() - self._last >= self.every.seconds

    def _idle(self, *, wait: bool = False) -> bool:
        """Whether no checkpoint is being written; warn of one that could not be."""
        if self._writing is None:
            return True
        if not (wait or self._writing.done()):
            return False
        writing, self._writing = self._writing, None
        try:
            writing.result()
        except FileError as error:
            self._warn_of_write(error)
        return True

    def _warn_of_write(self, error: FileError) -> None:
        self._position = None  # the same moment is written again when the next checkpoint is asked for
        self._warn(f"{error}; the training goes on, and the last checkpoint that was written is kept")

    def _warn(self, message: str) -> None:
        """Warn of checkpoints that cannot be written, once."""
        if not self._warned:
            self._warned = True
            warnings.warn(message, CheckpointWarning, stacklevel=user_stacklevel())
