"""What must hold of any bytes that come in: a result, or an error of chainrule with one message; in bounded time and memory.

Files outside the given folder are only read, and only those of the installation. Nothing is unpickled, no process is started, no
connection is opened: an audit hook sees what Python does, though not what native code does.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError

SECONDS = 10.0
"""The most processor time that bytes of a fuzzer, some ten thousand, may take."""

BYTES_A_BYTE = 500
"""The most memory that may be in use for each byte of the file, beside what a door may always use."""

_FORBIDDEN = (
    "pickle.find_class",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "socket.connect",
    "socket.bind",
)
_WRITING = (
    "os.remove", "os.rmdir", "os.rename", "os.mkdir", "os.symlink", "os.link", "os.chmod", "os.chown", "os.truncate",
    "shutil.copyfile", "shutil.move", "shutil.rmtree",
)  # fmt: skip
_READABLE = tuple(
    os.path.realpath(path)
    for path in {sys.prefix, sys.base_prefix, *sys.path, str(Path(__file__).parents[2]), "/proc", "/sys", "/dev", "/etc", "/usr"}
    if path
)


class Violation(AssertionError):
    """Bytes did what no bytes may do."""


Read = Callable[[bytes, Path], None]
"""Reads bytes, for which it may write files to the folder; returns nothing."""


def check(read: Read, data: bytes, folder: Path, *, memory: int, most_seconds: float = SECONDS) -> None:
    """Read bytes, and raise ``Violation`` where the invariant does not hold.

    Parameters
    ----------
    read : callable
    data : bytes
    folder : Path
        For all files that are written.
    memory : int
        The bytes that this door may use for any file, however small.
    most_seconds : float
        The processor time that reading may take.
    """
    start = time.process_time()
    with _bounded(memory + BYTES_A_BYTE * len(data)), _watched(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _read(read, data, folder)
    seconds = time.process_time() - start
    if seconds > most_seconds:
        raise Violation(f"it took {seconds:.1f} s of processor time")


def _read(read: Read, data: bytes, folder: Path) -> None:
    try:
        read(data, folder)
    except ChainruleError as error:
        if "\n" in str(error):
            raise Violation(f"the message is not one line: {str(error)[:200]!r}") from error
    except Violation:
        raise
    except Exception as error:
        raise Violation(f"{type(error).__name__}: {error}") from error


class _Audit:
    """Notes what is not allowed while a folder is watched."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        self.installed = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event == "open":
            self._open(*arguments)
        elif event in _FORBIDDEN:
            self.seen.append(f"{event} {arguments[:2]!r:.200}")
        elif event in _WRITING and event != "os.symlink":  # a link touches nothing of the file that it names
            paths = [path for path in arguments[:2] if isinstance(path, (str, bytes, os.PathLike))]
            relative = event.startswith("os.") and isinstance(arguments[-1], int) and arguments[-1] >= 0 and event != "os.truncate"
            if not relative and not all(map(self._is_inside, paths)):
                self.seen.append(f"{event} {arguments!r:.200}")

    def _open(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)) or self._is_inside(path):
            return
        writes = any(letter in (mode or "") for letter in "wax+") or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR))
        if writes or not os.path.realpath(os.fsdecode(path)).startswith(_READABLE):
            self.seen.append(f"open {os.fsdecode(path)} {mode or flags}")

    def _is_inside(self, path: Any) -> bool:
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - the path itself, not what it links to
        return text.startswith(self.folder or "") or "__pycache__" in text or text == os.devnull


_audit = _Audit()


@contextmanager
def _watched(folder: Path) -> Iterator[None]:
    """Send temporary files to the folder, and raise afterwards where another file was touched."""
    if not _audit.installed:
        sys.addaudithook(_audit)
        _audit.installed = True
    _audit.folder, _audit.seen = str(folder), []
    earlier, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = earlier
        _audit.folder = None
    if _audit.seen:
        raise Violation(f"it reached outside: {'; '.join(_audit.seen[:3])}")


@contextmanager
def _bounded(most: int) -> Iterator[None]:
    """Raise afterwards where the memory in use grew by more than ``most`` bytes at any time, on systems that tell it."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    try:
        reset.write_text("5")  # the peak is now the present use
        before = _kibibytes(status, "VmRSS:")
    except OSError:
        yield
        return
    yield
    grown = (_kibibytes(status, "VmHWM:") - before) << 10
    if grown > most:
        raise Violation(f"it took {grown >> 20} MiB of memory, where {most >> 20} MiB suffice")


def _kibibytes(status: Path, name: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
