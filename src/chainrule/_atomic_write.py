"""Atomic writes: a file is written completely or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ChainruleError, FileError


@contextmanager
def translate_write_errors(path: Path) -> Iterator[None]:
    """Turn an error of the operating system while a file is written into a FileError that names the file."""
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a directory; name a file in it")
        yield
    except ChainruleError:
        raise  # of what is written, not of the writing
    except (OSError, ValueError) as error:  # a null character in the name is a ValueError
        raise FileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


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
    import tempfile

    with translate_write_errors(path):
        target = os.path.realpath(path)  # replaces the file that a link points to, not the link
        descriptor, name = tempfile.mkstemp(dir=Path(target).parent, prefix=".chainrule-")
        os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with translate_write_errors(path):
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
            sync_folder(Path(target).parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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


def _umask() -> int:
    """Read the process's file-creation mask; the only way to read it is to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
