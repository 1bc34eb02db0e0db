"""The fingerprint of a training's data: a digest by which a resumed training recognizes the examples it was begun with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._types import AnyArray, is_sparse
from ..examples import Examples
from ..piecewise_inputs import PiecewiseInputs

BYTES_AT_ONCE = 1 << 24
"""Arrays are read in parts of this size, so that one that is not contiguous is never copied whole."""


def fingerprint(examples: Examples) -> str:
    """Give a digest of the inputs, targets, weights and names of some examples, as hexadecimal digits."""
    return digest_of(*_arrays_of(examples), text=f"{examples.kind} {list(examples.columns)}")


def digest_of(*arrays: AnyArray | None, text: str = "") -> str:
    """Give a digest of some arrays with their shapes and dtypes, and of a text, as hexadecimal digits (BLAKE2b, 128 bits)."""
    import hashlib  # imported late: it loads OpenSSL

    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for array in arrays:
        if array is None:
            digest.update(b"none")
            continue
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        for part in _parts(array):
            digest.update(part.data)
    return digest.hexdigest()


def _arrays_of(examples: Examples) -> list[AnyArray | None]:
    x: Any = examples.x
    inputs = [x]
    if is_sparse(x):
        inputs = [x.data, x.indices, x.indptr]
    elif isinstance(x, PiecewiseInputs):
        inputs = [x.numbers, x.bins.starts, x.bins.lower, x.bins.scale, x.limits, x.sizes]
    return [*inputs, examples.y, examples.weights]


def _parts(array: AnyArray) -> Iterator[AnyArray]:
    """Cut an array into contiguous arrays of some rows each."""
    rows = np.atleast_1d(array)
    step = max(1, BYTES_AT_ONCE // max(1, rows[:1].nbytes))
    for first in range(0, len(rows), step):
        yield np.ascontiguousarray(rows[first : first + step]).reshape(-1).view(np.uint8)
