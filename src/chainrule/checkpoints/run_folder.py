"""A run's folder: its last two checkpoints, the history as lines of JSON, and the lock of the process that trains.

::

    run/checkpoint-000017.safetensors     the last checkpoint, and the one before
    run/checkpoint-000018.safetensors
    run/history.jsonl                     a line for each epoch, for other programs to read while the training goes on
    run/lock                              locked by the process that trains
"""

from __future__ import annotations

import gc
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._atomic_write import TEMPORARY, sync_folder, translate_write_errors, write_atomically
from .._warnings import user_stacklevel
from ..epoch_table import EpochTable
from ..errors import FileError, ModelFileError, SettingError
from ..history import COLUMNS
from .checkpoint_file import CheckpointHeader, read_checkpoint, read_header, write_checkpoint
from .snapshot import Snapshot

if TYPE_CHECKING:
    from filelock import BaseFileLock

KEPT = 2
"""The checkpoints that a folder keeps: one may be damaged by the disk, or by a loss of power within a write."""

BRIEFLY_LOCKED = 0.2
"""The seconds for which a lock may be that of ``is_locked``, which takes it for a moment to see whether it is free."""

HISTORY, LOCK = "history.jsonl", "lock"
_OWN, _SHARED = slice(0, 3), slice(3, None)
"""Epoch, cost and accuracy, which each epoch has of its own, and the columns that very short epochs, trained together, share."""

_START = '{"epoch": %d' + "".join(f', "{name}": %s' for name in COLUMNS[_OWN][1:])
_END = "".join(f', "{name}": %s' for name in COLUMNS[_SHARED]) + "}\n"
"""The form of a record in JSON; no name has "nan", "inf" or "None" in it."""

_NAME = re.compile(r"checkpoint-(\d{6,18})\.safetensors", re.ASCII)


class CheckpointWarning(UserWarning):
    """A checkpoint is damaged, could not be written, or was written by another engine."""


def first_run(folder: Path) -> RunFolder:
    """Give the folder of a training, or of the first network where it is that of a population."""
    first = folder / "000"
    return RunFolder(first if first.is_dir() and not RunFolder(folder).checkpoints() else folder)


class RunFolder:
    """The folder of one training.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike) or path == "":
            raise SettingError(f"checkpoint must be the path of a folder; it is {path!r}")
        self.path = Path(path)
        self._lock: BaseFileLock | None = None
        self._resumed: Path | None = None  # the checkpoint that ``newest`` has read
        self._process = 0  # the one that has locked it

    @property
    def is_held(self) -> bool:
        """Whether this process has locked the folder: a forked child of the one that has does not."""
        return self._lock is not None and self._process == os.getpid()

    def resolved(self) -> RunFolder:
        """Give the same folder by its absolute path, without links: a program may change its working directory while it trains.

        Raises
        ------
        FileError
            When the path has a null character, or its links lead back to it.
        """
        try:
            return RunFolder(os.path.realpath(self.path))
        except (OSError, ValueError) as error:
            raise FileError(f"cannot use {self.path!s:.200} as a folder: {error}") from None

    def checkpoints(self) -> list[Path]:
        """Give the files of the checkpoints, the newest first; none where there is no folder."""
        try:
            numbered = [(int(match[1]), file) for file in self.path.iterdir() if (match := _NAME.fullmatch(file.name))]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileError(f"cannot read {self.path}: {error.strerror or error}") from None
        return [file for _, file in sorted(numbered, reverse=True)]

    def create(self, settings: Mapping[str, Any], notes: Mapping[str, Any], snapshot: Snapshot) -> None:
        """Make the folder, with a first checkpoint in it, and lock it.

        A new folder appears whole, by a rename. One that exists, and is empty, stays the same folder, which may be a mount point or
        have modes of its own: it is locked, and the checkpoint in it appears by a rename.

        Raises
        ------
        FileError
            When it exists and is not empty, or cannot be written.
        """
        if self.path.is_dir():
            self._fill(settings, notes, snapshot)
        else:
            self._make(settings, notes, snapshot)
            self.lock()

    def _fill(self, settings: Mapping[str, Any], notes: Mapping[str, Any], snapshot: Snapshot) -> None:
        """Lock a folder that exists, and write a first checkpoint in it."""
        self.lock()
        try:
            self.check_absent()  # another training may have had it until now
            self._remove_unfinished()
            write_checkpoint(self.path / _file_name(1), settings, notes, snapshot)
        except BaseException:
            self.close()
            raise

    def _make(self, settings: Mapping[str, Any], notes: Mapping[str, Any], snapshot: Snapshot) -> None:
        """Make a folder beside this one with a first checkpoint, and rename it."""
        import tempfile  # imported late, as all that only a training with checkpoints needs

        with translate_write_errors(self.path / LOCK):
            _make_parents(self.path)
            with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=TEMPORARY, ignore_cleanup_errors=True) as name:
                whole = Path(name) / "run"
                whole.mkdir()
                write_checkpoint(whole / _file_name(1), settings, notes, snapshot)
                try:
                    whole.rename(self.path)
                except OSError:
                    self.check_absent()
                    raise
            sync_folder(self.path.parent)

    def check_absent(self) -> None:
        """Refuse a folder that exists and is not empty, but for what a training that was killed before its first checkpoint left.

        Raises
        ------
        FileError
            When it is not, or cannot be read.
        """
        if self._has_entries():
            remedy = "resume it, or name another folder" if self.checkpoints() else "name another folder, which need not exist"
            raise FileError(f"{self.path} is not empty, and a training begins in a folder of its own: {remedy}")
        if self.path.exists() and not self.path.is_dir():
            raise FileError(f"{self.path} is a file, not a folder; name another one for the checkpoints")

    def _has_entries(self) -> bool:
        """Whether it is a folder with other entries than an empty lock and files that were not finished."""
        try:
            return any(not _is_left_behind(entry) for entry in self.path.iterdir()) if self.path.is_dir() else False
        except OSError as error:
            raise FileError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _remove_unfinished(self) -> None:
        """Remove the files of a process that was killed while it wrote."""
        for unfinished in self.path.glob(f"{TEMPORARY}*"):
            unfinished.unlink(missing_ok=True)

    def lock(self) -> None:
        """Reserve the folder for this training.

        Raises
        ------
        FileError
            When another training has it, or it cannot be written.
        """
        if not self._try_lock():
            gc.collect()  # a Run that was left within a loop holds the lock until it is collected
            if not self._try_lock(BRIEFLY_LOCKED):
                raise FileError(f"{self.path} belongs to a training that is going on; wait until it has ended")

    def _try_lock(self, seconds: float = 0.0) -> bool:
        """Take the lock, if it is free within some seconds."""
        import filelock

        lock = filelock.FileLock(self.path / LOCK, timeout=seconds, thread_local=False)  # another thread may release it
        try:
            lock.acquire()
        except filelock.Timeout:
            return False
        except OSError as error:
            raise FileError(f"cannot lock {self.path}: {error.strerror or error}") from None
        self._lock, self._process = lock, os.getpid()
        return True

    def is_locked(self) -> bool | None:
        """Whether a process is training here; None where that cannot be known, since the lock cannot be opened."""
        import filelock

        if not (self.path / LOCK).exists():
            return False
        try:
            with filelock.FileLock(self.path / LOCK, timeout=0):
                return False
        except filelock.Timeout:
            return True
        except OSError:  # the folder belongs to another user, or its disk is read-only
            return _is_locked_for_reading(self.path / LOCK)

    def close(self) -> None:
        """Release the lock, where this process holds it."""
        if self._lock is not None and self.is_held:
            self._lock.release()
            self._lock = None

    def write(self, settings: Mapping[str, Any], notes: Mapping[str, Any], snapshot: Snapshot) -> None:
        """Write a checkpoint, then remove all but the last two.

        Raises
        ------
        FileError
            When it cannot be written; the ones before are as they were.
        """
        existing = self.checkpoints()
        number = int(_NAME.fullmatch(existing[0].name)[1]) if existing else 0  # type: ignore[index]  # checkpoints() has matched it
        write_checkpoint(self.path / _file_name(number + 1), settings, notes, snapshot)
        for old in existing[KEPT - 1 :]:
            old.unlink(missing_ok=True)

    def header(self) -> CheckpointHeader:
        """Read the description of the newest intact checkpoint.

        Raises
        ------
        FileError, ModelFileError
            When there is none.
        """
        files = self._existing()
        for file in files:
            try:
                return read_header(file)
            except (ModelFileError, FileError):  # removed by the training in the meantime, or damaged
                continue
        return read_header((self.checkpoints() or files)[0])

    def newest(self) -> tuple[CheckpointHeader, Snapshot]:
        """Read the newest intact checkpoint, set damaged ones aside, and warn of these. The folder is locked meanwhile.

        Raises
        ------
        FileError, ModelFileError
            When no checkpoint is intact, or another training has the folder.
        """
        self.lock()
        try:
            return self._read_newest()
        finally:
            self.close()

    def lock_resumed(self) -> None:
        """Lock the folder for the training that goes on from the checkpoint that ``newest`` has read.

        Between the two no lock is held, since a population may resume more networks than a process may open files.

        Raises
        ------
        FileError
            When another training has the folder, or has had it in the meantime.
        """
        self.lock()
        if self._resumed not in self.checkpoints()[:1]:
            self.close()
            raise FileError(f"{self.path} was trained further by another training in the meantime; resume it once more")
        self._remove_unfinished()

    def _read_newest(self) -> tuple[CheckpointHeader, Snapshot]:
        damage: ModelFileError | None = None
        for file in self._existing():
            try:
                checkpoint = read_checkpoint(file)
            except ModelFileError as error:
                damage = damage or error
                continue
            if damage is not None:
                self._set_aside_newer_than(file)
                warnings.warn(
                    f"{damage}; the training goes on from the checkpoint before, {file.name}",
                    CheckpointWarning,
                    stacklevel=user_stacklevel(),
                )
            self._resumed = file
            return checkpoint
        raise damage or FileError(f"{self.path} has no checkpoint")

    def _existing(self) -> list[Path]:
        files = self.checkpoints()
        if files:
            return files
        if not self.path.exists():
            raise FileError(f"no such folder: {self.path}")
        raise FileError(f"{self.path} is not the folder of a training: it has no checkpoint")

    def _set_aside_newer_than(self, intact: Path) -> None:
        """Rename the damaged checkpoints, so that they do not count among the last two."""
        for file in self.checkpoints():
            if file == intact:
                return
            file.replace(file.with_suffix(".damaged"))

    def write_history(self, records: EpochTable) -> None:
        """Write the lines of these epochs in place of all others: a killed training may have written lines of later epochs."""
        write_atomically(self.path / HISTORY, _as_lines(records).encode())

    def append_history(self, records: EpochTable) -> None:
        """Add the lines of some epochs.

        Raises
        ------
        FileError
            When they cannot be written; the file may end with half of a line.
        """
        with translate_write_errors(self.path / HISTORY), (self.path / HISTORY).open("a", encoding="utf-8") as file:
            file.write(_as_lines(records))


def _file_name(number: int) -> str:
    return f"checkpoint-{number:06}.safetensors"


def _is_left_behind(entry: Path) -> bool:
    """Whether an entry of a folder is what a training leaves that was killed before its first checkpoint."""
    return entry.name.startswith(TEMPORARY) or (entry.name == LOCK and entry.is_file() and not entry.stat().st_size)


def _is_locked_for_reading(lock: Path) -> bool | None:
    """Whether a lock that cannot be opened for writing is held; None where it cannot be read either, and on Windows."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _as_lines(records: EpochTable) -> str:
    """Write records as lines of JSON, with null for a number that is missing or not finite.

    ``json`` would take four times as long, which is several % of an epoch of a fraction of a millisecond.
    """
    own, shared = records.rows[:, _OWN], records.rows[:, _SHARED]
    same = (shared[1:] == shared[:-1]) | (np.isnan(shared[1:]) & np.isnan(shared[:-1]))
    starts = [0, *np.flatnonzero(~same.all(axis=1)) + 1]
    if 2 * len(starts) > len(own):  # little is shared: whole lines
        return _with_null("".join(map((_START + _END).__mod__, map(tuple, records.rows.tolist()))))
    epochs, costs, accuracies = own.T.tolist()
    text = {accuracy: repr(accuracy) for accuracy in set(accuracies)}  # of n rows there are n + 1 at most, and often few
    entries = list(zip(epochs, costs, map(text.__getitem__, accuracies), strict=True))
    lines: list[str] = []
    for start, end in zip(starts, [*starts[1:], len(own)], strict=True):
        form = _START + _with_null(_END % tuple(shared[start].tolist()))
        lines += map(form.__mod__, entries[start:end])
    return "".join(lines) if np.isfinite(own).all() else _with_null("".join(lines))


def _with_null(text: str) -> str:
    """Write null for None, NaN and infinity."""
    for no_number in ("None", "nan", "-inf", "inf"):
        text = text.replace(no_number, "null")
    return text


def _make_parents(path: Path) -> None:
    """Make the folders above a path that do not exist, and flush each one's entry to the disk."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
