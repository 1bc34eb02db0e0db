"""What all readers share: one line for a file that cannot be read, its name before what is wrong in it, labels or targets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._types import AnyArray, Inputs
from ..errors import ChainruleError, DataError, DataTypeError, FileError
from ..examples import Examples

LIMIT_BYTES = 8 << 30  # what one file may hold as it lies on the disk
LIMIT_UNPACKED = 2 << 30  # and what a compressed one may unpack to, for a small file can claim much
DEFLATE_RATIO = 1032  # deflate, which gzip and zip use, can shrink no further
ENCODE = "encode text and categories as numbers (labels as 0, 1, 2 ..., others as a 0/1 column for each category), or leave it out"
FILL = "fill it in, or leave out the row or the column"
EXACT = 2.0**53  # up to here float64 holds every whole number


@contextmanager
def reading(path: object, kind: str = "file") -> Iterator[None]:
    """Turn what the operating system says of a file or folder into one line.

    Raises
    ------
    FileError
        When it is not there, is of the other kind, or cannot be read; when its name cannot be one, or leads back to itself.
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
        raise FileError(f"cannot read {path}: it is no folder; name the folder that holds the files") from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # so Python tells a name with a null character, and links in a ring
        if not any(sign in str(error).lower() for sign in ("embedded null", "symlink loop")):
            raise
        raise FileError(f"cannot read {str(path)!r}: {error}") from None


def examples_of(path: object, x: Inputs, y: AnyArray, **settings: Any) -> Examples:
    """Check x and y, and name the file in what is wrong with them; ``settings`` are those of ``Examples``.

    Raises
    ------
    DataError, DataTypeError
        As ``Examples`` does.
    """
    try:
        return Examples(x, outcomes(y), **settings)
    except (DataError, DataTypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def outcomes(y: AnyArray) -> AnyArray:
    """Read a column as labels (int) where all its values are whole numbers that fit, else as the targets it holds.

    Examples
    --------
    >>> outcomes(np.array([3.0, 0.0])), outcomes(np.array([3.0, 0.5]))
    (array([3, 0]), array([3. , 0.5]))
    """
    if y.ndim != 1 or y.dtype.kind not in "fiub":
        return y
    if y.dtype.kind == "f" and not np.all((y == np.floor(y)) & (np.abs(y) < EXACT)):
        return y
    if y.dtype.kind == "u" and y.size and y.max() > np.iinfo(np.intp).max:
        return y.astype(np.float64)  # as int it would be negative
    return y.astype(np.intp)


def size_of(file: Any) -> int:
    """Tell how many bytes an open file holds from here on, and stay where we are."""
    here = file.tell()
    end: int = file.seek(0, 2)
    file.seek(here)
    return end - here


def check_size(path: object, claimed: int, limit: int | None = None) -> None:
    """Refuse a file that holds, or claims, more than the limit."""
    limit = LIMIT_BYTES if limit is None else limit
    if claimed > limit:
        raise DataError(f"{path} holds {claimed:,} bytes, uncompressed; the limit is {limit:,}")
