"""A file of lines that grows while a long job goes on: a line for each finished part, so that a kill loses no finished part.

A line that was not written completely, because the process was killed within the write, ends without a line break. The next line
that is appended begins on a line of its own, and readers skip the part before it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._atomic_write import translate_write_errors
from ._reading import translate_read_errors
from .errors import DataError, FileError

LOCK = ".lock"


class LineFile:
    """A file of lines, appended to by one process, from any of its threads.

    Parameters
    ----------
    path : Path
    most_bytes : int
        The largest file that is read.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self.most_bytes = most_bytes
        self._writing = threading.Lock()

    def lines(self) -> list[str]:
        """Read all lines; none where there is no file.

        Raises
        ------
        FileError
            When it cannot be read.
        DataError
            When it is too large.
        """
        if not self.path.exists():
            return []
        with translate_read_errors(self.path):
            size = self.path.stat().st_size
            if size > self.most_bytes:
                raise DataError(f"{self.path} must have at most {self.most_bytes:,} bytes; it has {size:,}: name another folder")
            return self.path.read_text(encoding="utf-8", errors="replace").splitlines()

    def cut_unfinished_line(self) -> int:
        """Remove a last line that was not written completely; give its bytes, 0 where all are complete.

        Raises
        ------
        FileError
            When the file cannot be written.
        """
        if not self.path.exists():
            return 0
        with self._writing, translate_write_errors(self.path), self.path.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            begin = _begin_of_last_line(file, end)
            file.truncate(begin)
        return end - begin

    def append(self, lines: Sequence[str], *, sync: bool = True) -> None:
        """Append lines, and with ``sync`` flush them to the disk: without, they survive a kill, but not a loss of power.

        Raises
        ------
        FileError
            When the disk is full, or the file cannot be written.
        """
        contents = "".join(f"{line}\n" for line in lines).encode()
        with self._writing, translate_write_errors(self.path), self.path.open("a+b") as file:
            if contents and file.tell() and not _ends_with_line_break(file):
                contents = b"\n" + contents
            file.write(contents)
            file.flush()
            if sync:
                os.fsync(file.fileno())


def _begin_of_last_line(file: Any, end: int) -> int:
    """Give the place after the last line break before ``end``."""
    at_once = 1 << 16
    while end:
        first = max(0, end - at_once)
        file.seek(first)
        found = file.read(end - first).rfind(b"\n")
        if found >= 0:
            return int(first + found + 1)
        end = first
    return 0


def _ends_with_line_break(file: Any) -> bool:
    """Whether the last write before was completed."""
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


@contextmanager
def locked_folder(folder: Path, verb: str) -> Iterator[None]:
    """Make a folder, and keep other processes out of it within the block.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    verb : str
        What another process does in it, for the message: "replays".

    Raises
    ------
    FileError
        When the folder cannot be made or written, or another process is in it.
    """
    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise FileError(f"another process {verb} into {folder}; wait for its end, or name another folder") from None
    except OSError as error:
        raise FileError(f"cannot write to the folder {folder}: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()
