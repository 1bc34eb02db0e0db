"""The folder of a sweep: ``sweep.json`` says what it is, ``runs.jsonl`` has a line for each finished run.

A sweep that was killed goes on from these two. ``outputs`` writes the other files once all runs are done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from .._atomic_write import write_atomically
from .._format import pluralize
from .._line_file import LineFile, locked_folder
from .._reading import check_size, translate_read_errors
from ..errors import DataError, FileError, SettingError
from .sweep_run import RunResult, parse_result

DESCRIPTION, RUNS = "sweep.json", "runs.jsonl"
MOST_DESCRIPTION_BYTES = 1 << 24
MOST_BYTES = 1 << 30
MOST_SHOWN = 60
"""The most characters of a value in a message."""
SYNC_SECONDS = 1.0
"""The longest time between two flushes of the results to the disk: a loss of power, unlike a kill, loses so much."""

_NAMES = {"train": "the training examples", "validation": "the validation examples", "test": "the test examples"}


class SweepFolder:
    """The files of one sweep, which one process at a time may extend.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs = LineFile(folder / RUNS, MOST_BYTES)
        self._synced = time.monotonic()
        self._last_is_skipped = False

    def locked(self) -> AbstractContextManager[None]:
        """Make the folder, and keep other processes out of it within the block."""
        return locked_folder(self.folder, "sweeps")

    def begin(self, description: Mapping[str, Any], *, resume: bool) -> tuple[list[RunResult], list[str]]:
        """Begin a sweep, or go on with the one that is here; give its finished runs, and messages about lines that are skipped.

        Parameters
        ----------
        description : mapping
            All that the results depend on, in JSON's types.
        resume : bool
            Whether the folder may hold a sweep already: this one.

        Raises
        ------
        FileError
            When the folder holds a sweep, and ``resume`` is False.
        SettingError
            When it holds another one; the message names what differs.
        DataError
            When its files are damaged.
        """
        path = self.folder / DESCRIPTION
        kept = self._read_description(path)
        if kept is None:
            if (self.folder / RUNS).exists():
                raise DataError(f"{self.folder} has {RUNS} without {DESCRIPTION}; name another folder")
            write_atomically(path, json.dumps(description, indent=1).encode() + b"\n")
            return [], []
        results, messages = self._read_runs()
        if not resume:
            raise FileError(
                f"{self.folder} holds {pluralize(len(results), 'run')} of a sweep; go on with it by --resume (resume=True), or "
                "name another folder"
            )
        now = json.loads(json.dumps(description))
        _check_form(path, kept, now)
        differences = list(_differences(kept, now))
        if differences:
            raise SettingError(
                f"{self.folder} holds another sweep: {'; '.join(differences[:5])}. Resume it with what it was begun with, or name "
                "another folder"
            )
        if self._last_is_skipped:
            self._runs.cut_unfinished_line()  # of a kill: it is told once, not at each resume
        return results, messages

    @staticmethod
    def _read_description(path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        with translate_read_errors(path):
            check_size(path, path.stat().st_size, MOST_DESCRIPTION_BYTES)
            try:
                kept = json.loads(path.read_bytes())
            except (ValueError, RecursionError):
                kept = None
        if not isinstance(kept, dict):
            raise DataError(f"{path} is damaged: it is not a JSON object; name another folder")
        return kept

    def _read_runs(self) -> tuple[list[RunResult], list[str]]:
        found: dict[tuple[int, int, int], RunResult] = {}
        messages = []
        for number, line in enumerate(self._runs.lines(), start=1):
            try:
                result = parse_result(line)
            except DataError as error:
                messages.append(
                    f"line {number} of {self._runs.path} is skipped: {error}; its run is trained again if it is missing"
                )
                self._last_is_skipped = True
                continue
            self._last_is_skipped = False
            if not found.setdefault(result.run.key, result).same_bits(result):
                raise DataError(
                    f"line {number} of {self._runs.path} gives another result than a line before it for the same run; delete the "
                    "wrong line, or both"
                )
        return list(found.values()), messages

    def append(self, results: Sequence[RunResult]) -> None:
        """Append finished runs: a kill loses none from now on."""
        if not results:
            return
        sync = time.monotonic() - self._synced >= SYNC_SECONDS
        self._runs.append([result.to_line() for result in results], sync=sync)
        if sync:
            self._synced = time.monotonic()

    def flush(self) -> None:
        """Flush the results to the disk."""
        if self._runs.path.exists():
            self._runs.append([])


def _check_form(path: Path, kept: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a description with other entries, or entries of another kind, than a sweep writes."""
    if kept.get("format") == now["format"]:
        for name in (*now, *kept):
            kinds = [type(entries.get(name)) for entries in (kept, now)]
            if not (name in kept and name in now) or (kinds[0] is not kinds[1] and not set(kinds) <= _SCALARS):
                raise DataError(
                    f"{path} is damaged: its entry {str(name)[:40]!r} is not one that a sweep writes; name another folder"
                )


_SCALARS = {str, int, type(None)}


def _shown(value: Any) -> str:
    """Write a value for a message, its beginning where it is long."""
    if isinstance(value, dict):
        return "a mapping"
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ..."


def _differences(kept: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Say what differs, an entry at a time; entries of mappings by their own names."""
    for name in {**kept, **now}:
        before, after = kept.get(name), now.get(name)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(before, after)
        elif name in _NAMES:
            yield f"{_NAMES[name]} are other ones"
        elif name not in kept or before is None:
            yield f"it was begun without {name}, which is {_shown(after)} now"
        elif name not in now or after is None:
            yield f"{name} was {_shown(before)}, and is not given now"
        else:
            yield f"{name} was {_shown(before)}, and is {_shown(after)} now"
