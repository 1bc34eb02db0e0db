"""The status of the runs below a folder, read while they train or after they were killed."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import FileError, ModelFileError
from ..history import EpochRecord
from .checkpoint_file import CheckpointHeader
from .run_folder import HISTORY, RunFolder

HISTORY_BYTES, LINE_BYTES = 1 << 28, 1 << 12
"""The most bytes of a history's file that are read, and of one of its lines, which takes some 200."""

STATES = {"finished": "finished", "early": "stopped early", "diverged": "diverged", "interrupted": "interrupted"}


@dataclass(frozen=True)
class RunStatus:
    """How far a training is.

    Attributes
    ----------
    path : Path
        Its folder.
    state : str
        running, finished, stopped early, diverged, interrupted or killed; "running or killed" where the lock cannot be read.
    header : CheckpointHeader
        That of the last checkpoint.
    age : float
        The seconds since the last checkpoint was written, by the clock.
    records : list of EpochRecord
        One for each epoch, those after the checkpoint too.
    """

    path: Path
    state: str
    header: CheckpointHeader
    age: float
    records: list[EpochRecord]

    @property
    def epoch(self) -> int:
        """The epochs that were trained: by the history's file, which may lack some, or by the checkpoint."""
        return max(self.header.epoch - 1, self.records[-1].epoch if self.records else 0)

    @property
    def best(self) -> EpochRecord | None:
        """The epoch with the best validation accuracy, or the least validation cost, or without validation the last."""
        validated = [record for record in self.records if record.is_validated]
        if not validated:
            return self.records[-1] if self.records else None
        if validated[0].validation_accuracy is not None:
            return max(validated, key=_accuracy)
        return min(validated, key=lambda record: record.validation_cost or 0.0)


def _accuracy(record: EpochRecord) -> float:
    return -math.inf if record.validation_accuracy is None else record.validation_accuracy


def read_status(path: Path, history: HistoryReader | None = None) -> RunStatus:
    """Read the status of a run's folder.

    Parameters
    ----------
    path : Path
    history : HistoryReader, optional
        That of this folder, kept by one who asks again and again.

    Raises
    ------
    FileError, ModelFileError
        When it is not one, or no checkpoint in it is intact.
    """
    folder = RunFolder(path)
    header = folder.header()
    state = STATES.get(header.stopped, "killed")
    if (running := folder.is_locked()) or running is None:
        state = "running" if running else STATES.get(header.stopped, "running or killed")
    newest = folder.checkpoints()
    age = max(0.0, time.time() - newest[0].stat().st_mtime) if newest else 0.0
    return RunStatus(path, state, header, age, (history or HistoryReader(path / HISTORY)).read())


def find_runs(folder: Path) -> Iterator[Path]:
    """Give the folders of runs in a folder and below it, in the order of their names; links are not followed.

    Raises
    ------
    FileError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise FileError(f"no such folder: {folder}")
    for name, folders, _ in os.walk(folder):
        folders.sort()
        try:
            if RunFolder(name).checkpoints():
                yield Path(name)
        except FileError:
            continue


def read_runs(folder: Path) -> tuple[list[RunStatus], list[str]]:
    """Read the status of every run in a folder and below it, and say why others cannot be read."""
    runs, faults = [], []
    for path in find_runs(folder):
        try:
            runs.append(read_status(path))
        except (FileError, ModelFileError) as error:
            faults.append(str(error))
    return runs, faults


def read_history(path: Path) -> list[EpochRecord]:
    """Read a history's lines of JSON; a line that is not the record of a later epoch, such as one half-written, ends them."""
    return HistoryReader(path).read()


class HistoryReader:
    """Reads a history again and again while it grows: each time the lines that were added, and all where it was written anew.

    Its method may be called from any thread.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._records: list[EpochRecord] = []
        self._offset, self._last_line = 0, b""

    def read(self) -> list[EpochRecord]:
        """Give the records of all epochs, up to a line that is not the record of a later epoch, such as one half-written."""
        with self._lock:
            try:
                if not self.path.is_file():  # a pipe would be waited for
                    self._forget()
                else:
                    with self.path.open("rb") as file:
                        self._find_place(file)
                        self._read_on(file)
            except OSError:
                pass  # what was read before remains
            return self._records.copy()

    def _find_place(self, file: BinaryIO) -> None:
        """Go to the end of the lines that are known, or to the beginning of a file in which the last of them is another."""
        file.seek(self._offset - len(self._last_line))
        if file.read(len(self._last_line)) != self._last_line:
            self._forget()
            file.seek(0)

    def _read_on(self, file: BinaryIO) -> None:
        while self._offset < HISTORY_BYTES and (line := file.readline(LINE_BYTES)).endswith(b"\n"):
            record = _parse_line(line)
            if record is None or (self._records and record.epoch <= self._records[-1].epoch):
                return
            self._records.append(record)
            self._offset, self._last_line = self._offset + len(line), line


def _parse_line(line: bytes) -> EpochRecord | None:
    """Read a record; None where the line is none."""
    try:
        values: Any = json.loads(line)
        epoch, required = values["epoch"], [_number(values[name]) for name in _REQUIRED]
        optional = [_number(values[name]) for name in _OPTIONAL]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if type(epoch) is not int or not 1 <= epoch < 1 << 63:
        return None
    numbers = [math.nan if value is None else value for value in required]
    columns: dict[str, Any] = dict(zip((*_REQUIRED, *_OPTIONAL), (*numbers, *optional), strict=True))
    return EpochRecord(epoch=epoch, **columns)


def _number(value: Any) -> float | None:
    """Give a number of a line; null, which stands for one that is not finite or absent, is None."""
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)


_REQUIRED = ("cost", "learning_rate", "seconds", "examples_per_second")
_OPTIONAL = ("accuracy", "validation_cost", "validation_accuracy")
