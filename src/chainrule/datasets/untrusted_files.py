"""What the readers of this package share: arrays turned into ``Examples``, and words of their messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import AnyArray, Inputs
from ..errors import DataError, DataTypeError
from ..examples import Examples

DEFLATE_RATIO = 1032  # the largest ratio by which deflate, which gzip and zip use, can compress
LARGEST_EXACT = 2.0**53  # float64 represents every integer up to here


def checked_examples(path: object, x: Inputs, y: AnyArray, **settings: Any) -> Examples:
    """Build ``Examples`` with these settings; an error names the file.

    Raises
    ------
    DataError, DataTypeError
        As ``Examples`` does.
    """
    try:
        return Examples(x, labels_or_targets(y), **settings)
    except (DataError, DataTypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def labels_or_targets(y: AnyArray) -> AnyArray:
    """Convert a column to labels (int) where all its values are integers that fit; otherwise return its values as targets.

    Examples
    --------
    >>> labels_or_targets(np.array([3.0, 0.0])), labels_or_targets(np.array([3.0, 0.5]))
    (array([3, 0]), array([3. , 0.5]))
    """
    if y.ndim != 1 or y.dtype.kind not in "fiub":
        return y
    if y.dtype.kind == "f" and not np.all((y == np.floor(y)) & (np.abs(y) < LARGEST_EXACT)):
        return y
    if y.dtype.kind == "u" and y.size and y.max() > np.iinfo(np.intp).max:
        return y.astype(np.float64)  # as int it would be negative
    return y.astype(np.intp)


def remaining_bytes(file: Any) -> int:
    """Count the bytes from an open file's position to its end; the position stays the same."""
    position = file.tell()
    end: int = file.seek(0, 2)
    file.seek(position)
    return end - position


def first_line(error: Exception) -> str:
    """Return the first line of another library's error message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
