"""The status of the runs below a folder, read while they train or after they were killed."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import FileError, ModelFileError
from ..history import EpochRecord
from .checkpoint_file import CheckpointHeader
from .run_folder import HISTORY, RunFolder

HISTORY_BYTES = 1 << 28
"""The most bytes of a history's file that are read."""

STATES = {"finished": "finished", "early": "stopped early", "diverged": "diverged", "interrupted": "interrupted"}


@dataclass(frozen=True)
class RunStatus:
    """How far a training is.

    Attributes
    ----------
    path : Path
        Its folder.
    state : str
        running, finished, stopped early, diverged, interrupted or killed.
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


def read_status(path: Path) -> RunStatus:
    """Read the status of a run's folder.

    Raises
    ------
    FileError, ModelFileError
        When it is not one, or no checkpoint in it is intact.
    """
    folder = RunFolder(path)
    header = folder.header()
    running = folder.is_locked()
    state = "running" if running else STATES.get(header.stopped, "killed")
    newest = folder.checkpoints()
    age = max(0.0, time.time() - newest[0].stat().st_mtime) if newest else 0.0
    return RunStatus(path, state, header, age, read_history(path / HISTORY))


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
    """Read a history's lines of JSON; a line that is not a record, such as one that is being written, ends them."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(HISTORY_BYTES).splitlines()
    except OSError:
        return []
    records: list[EpochRecord] = []
    for line in lines:
        record = _parse_line(line)
        if record is None:
            break
        records.append(record)
    return records


def _parse_line(line: str) -> EpochRecord | None:
    try:
        values: Any = json.loads(line)
        numbers = {name: values[name] for name in _NAMES}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if any(value is not None and type(value) not in (int, float) for value in numbers.values()) or type(values["epoch"]) is not int:
        return None
    complete: dict[str, Any] = {name: math.nan if numbers[name] is None and name in _REQUIRED else numbers[name] for name in _NAMES}
    return EpochRecord(**complete)


_NAMES = tuple(entry.name for entry in fields(EpochRecord))
_REQUIRED = ("cost", "learning_rate", "seconds", "examples_per_second")
