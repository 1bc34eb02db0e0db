"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import FileError


@contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Tell of whatever goes wrong in writing a file in a FileError."""
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a directory; name a file in it")
        yield
    except (OSError, ValueError) as error:  # a name with a null in it is a ValueError
        raise FileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def write_whole(path: Path, contents: bytes) -> None:
    """Write beside, flush to the disk, rename: a reader sees the old file or the new one, whole.

    Raises
    ------
    FileError
        When it cannot be written; what was there before stays.
    """
    import tempfile

    with reporting(path):
        descriptor, beside = tempfile.mkstemp(dir=Path(os.path.realpath(path)).parent, prefix=".chainrule-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(contents)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(0o666 & ~_umask())
            Path(beside).replace(os.path.realpath(path))  # where a link points to, not the link
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise


def _umask() -> int:
    """Tell the process's file-creation mask; the only way to read it is to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
