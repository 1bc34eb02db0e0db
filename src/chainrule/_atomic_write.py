"""Atomic writes: a file is written completely or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ChainruleError, FileError

TEMPORARY = ".chainrule-"
"""The start of a temporary file's name."""


@contextmanager
def translate_write_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system while a file is written into a FileError that names the file."""
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a directory; name a file in it")
        yield
    except ChainruleError as error:
        if not isinstance(error, FileError) or error.strerror is None:
            raise
        raise write_error(path, error.strerror) from None  # the inner one of two blocks may name a temporary file
    except (OSError, ValueError) as error:  # a null character in the name is a ValueError
        raise write_error(path, str(getattr(error, "strerror", None) or error)) from None


def write_error(path: Path, reason: str) -> FileError:
    """Make the error for a file that cannot be written; its reason, ``strerror``, tells it from an error of reading."""
    error = FileError(f"cannot write {path}: {reason}")
    error.strerror = reason
    return error


def write_atomically(path: Path, contents: bytes) -> None:
    """Write a file; the errors are those of ``replace_atomically``."""
    with replace_atomically(path) as temporary, translate_write_errors(path):
        temporary.write_bytes(contents)


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary file in the same folder to write; afterwards flush it to the disk, rename it, and flush the folder.

    A reader sees the old file or the new one, never a part. After a loss of power the new file is there, whole.

    Raises
    ------
    FileError
        When the file cannot be written; an older file of that name stays as it was.
    """
    target = _resolve(path)
    with temporary_beside(path) as temporary:
        yield temporary
        with translate_write_errors(path):
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
            sync_folder(target.parent)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Create an empty file in a path's folder, and remove it after the block, or on Ctrl-C at any moment, if it is still there.

    The operating system sets the file's mode. To read the process's mask of modes one has to set it, which would change the modes
    of files that other threads create meanwhile.

    Raises
    ------
    FileError
        When it cannot be created.
    """
    temporary = _resolve(path).parent / f"{TEMPORARY}{os.urandom(8).hex()}"
    try:
        with translate_write_errors(path):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()


def _resolve(path: Path) -> Path:
    """Follow links, so that the file that a link points to is replaced, not the link."""
    with translate_write_errors(path):
        return Path(os.path.realpath(path))


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk: without it a loss of power may undo a rename."""
    if os.name == "nt":  # Windows cannot open a folder, and writes its entries through
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot flush a folder
            raise
    finally:
        os.close(descriptor)
