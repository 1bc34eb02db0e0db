"""Batches of columns out of an Arrow stream, read by its C interface, so that they need neither PyArrow nor a copy of the whole.

The structures are those of the Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html), a stable ABI.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .._types import AnyArray


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))),
    ("private_data", ctypes.c_void_p),
]
_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]


class Texts(NamedTuple):
    """The texts of a batch that are not null: their rows, (k,), and their UTF-8."""

    rows: AnyArray
    values: list[bytes]


class StreamError(Exception):
    """The producer of the stream reports an error."""


def read_batches(source: Any) -> Iterator[tuple[int, list[AnyArray | Texts]]]:
    """Read the batches of a source that has ``__arrow_c_stream__``.

    Yields
    ------
    size : int
        The number of rows.
    columns : list
        One entry a column. Of float64: an array, (m,), NaN where null; of text: ``Texts``. They are copies.

    Raises
    ------
    StreamError
        When the source reports an error.
    TypeError
        When a column is of another type.
    """
    capsule = source.__arrow_c_stream__()  # releases the stream when it is collected
    stream = ctypes.cast(_pointer_of(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream))
    formats = _formats(stream)
    while True:
        batch = _Array()
        _check(stream, stream.contents.get_next(stream, ctypes.byref(batch)))
        if not batch.release:
            return
        try:
            size = batch.length
            columns = [_column(batch.children[k].contents, form) for k, form in enumerate(formats)]
        finally:
            batch.release(ctypes.byref(batch))
        yield size, columns


def _check(stream: Any, code: int) -> None:
    if code:
        raise StreamError((stream.contents.get_last_error(stream) or b"").decode("utf-8", "replace"))


def _formats(stream: Any) -> list[bytes]:
    schema = _Schema()
    _check(stream, stream.contents.get_schema(stream, ctypes.byref(schema)))
    formats = [bytes(schema.children[k].contents.format) for k in range(schema.n_children)]
    schema.release(ctypes.byref(schema))
    if unknown := set(formats) - {b"g", b"u", b"U"}:
        raise TypeError(f"an Arrow column must hold float64 or text; the format is {unknown}")
    return formats


def _column(array: _Array, form: bytes) -> AnyArray | Texts:
    return _floats(array) if form == b"g" else _texts(array, np.int64 if form == b"U" else np.int32)


def _buffer(array: _Array, index: int, dtype: type, count: int) -> AnyArray:
    """View a buffer of the array; it is only valid until the batch is released."""
    size = count * np.dtype(dtype).itemsize
    if not size or not array.buffers[index]:
        return np.empty(0, dtype)
    return np.frombuffer(memoryview((ctypes.c_char * size).from_address(array.buffers[index])), dtype)


def _is_null(array: _Array) -> AnyArray | None:
    """Whether each value is null, (m,) of bool; None where none is."""
    if not array.null_count or not array.buffers[0]:
        return None
    stop = array.offset + array.length
    bits = _buffer(array, 0, np.uint8, (stop + 7) // 8)
    return np.unpackbits(bits, count=stop, bitorder="little")[array.offset :] == 0


def _floats(array: _Array) -> AnyArray:
    values = _buffer(array, 1, np.float64, array.offset + array.length)[array.offset :].copy()
    null = _is_null(array)
    if null is not None:
        values[null] = np.nan
    return values


def _texts(array: _Array, dtype: type) -> Texts:
    null = _is_null(array)
    present = np.arange(array.length) if null is None else np.flatnonzero(~null)
    if not present.size:
        return Texts(present, [])
    offsets = _buffer(array, 1, dtype, array.offset + array.length + 1)[array.offset :]
    data = _buffer(array, 2, np.uint8, int(offsets[-1])).tobytes()
    bounds = zip(offsets[present].tolist(), offsets[present + 1].tolist(), strict=True)
    return Texts(present, [data[start:stop] for start, stop in bounds])
