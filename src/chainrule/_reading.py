"""Checks that all readers of files share: errors of the operating system, and limits on size."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from .errors import ChainruleError, DataError, FileError

LIMIT_BYTES = 8 << 30  # the largest uncompressed file that is read
LIMIT_UNPACKED = 2 << 30  # the most that a compressed file may unpack to, since a small one can claim any size
SMALL_UNPACKED = 32 << 20  # what any compressed file may unpack to
MOST_RATIO = 200  # the most that a byte of a larger file may unpack to; tables of texts have some 20, and zeros alone have 1,030


@contextmanager
def translate_read_errors(path: object, kind: str = "file") -> Iterator[None]:
    """Turn an error of the operating system while a file or folder is read into a FileError of one line.

    Raises
    ------
    FileError
        When the path does not exist, is a folder instead of a file or a file instead of a folder, cannot be read, is not a valid
        name, or is a link that leads back to itself.
    """
    try:
        yield
    except ChainruleError:
        raise
    except FileNotFoundError:
        raise FileError(f"no such {kind}: {path}") from None
    except IsADirectoryError:
        raise FileError(f"cannot read {path}: it is a folder; name a file in it") from None
    except NotADirectoryError:
        raise FileError(f"cannot read {path}: it is not a folder; name the folder that holds the files") from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # Python's errors for a null character in the name and for a loop of links
        if not any(sign in str(error).lower() for sign in ("embedded null", "symlink loop")):
            raise
        raise FileError(f"cannot read {str(path)!r}: {error}") from None


def unpacked_limit(packed: int) -> int:
    """Give the most bytes that a file of ``packed`` bytes may unpack to.

    Examples
    --------
    >>> unpacked_limit(1000) == SMALL_UNPACKED, unpacked_limit(10**6) == MOST_RATIO * 10**6, unpacked_limit(10**8) == LIMIT_UNPACKED
    (True, True, True)
    """
    return min(LIMIT_UNPACKED, max(SMALL_UNPACKED, MOST_RATIO * packed))


def unpacked_limit_of(file: IO[bytes]) -> int:
    """Give the most bytes that an open file may unpack to; of a pipe, whose length is not known, ``LIMIT_UNPACKED``."""
    status = os.fstat(file.fileno())
    return unpacked_limit(status.st_size) if stat.S_ISREG(status.st_mode) else LIMIT_UNPACKED


def check_size(path: object, claimed: int, limit: int | None = None) -> None:
    """Refuse a file that holds, or claims to hold, more bytes than the limit."""
    limit = LIMIT_BYTES if limit is None else limit
    if claimed > limit:
        raise DataError(f"{path} holds {claimed:,} bytes, uncompressed; the limit is {limit:,}")
