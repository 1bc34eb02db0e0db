"""Conversion of arguments to NumPy arrays of numbers: lists, frames, Python objects, floats of mixed dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from ._types import AnyArray, Array
from .errors import DataError, DataTypeError

DTYPES = ("float32", "float64")
"""The dtypes that networks compute in."""

BOOLEANS = (bool, np.bool_)


def read_numbers(name: str, values: Any) -> AnyArray:
    """Read an argument as an array of real numbers.

    Python objects that are numbers, as frames with columns of several types give them, become int64 where all are whole numbers or
    booleans, else float64.

    Parameters
    ----------
    name : str
        The argument's name in messages.
    values : array_like or frame

    Raises
    ------
    DataError
        When rows differ in length, a value is missing, or a number is beyond float64.
    DataTypeError
        When it holds anything but real numbers.
    """
    check_readable(name, values)
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} must have rows of equal length ({error})") from None
    if array.dtype.kind == "O":
        array = _from_objects(name, array)
    if array.dtype.kind not in "fiub":
        actual = "text" if array.dtype.kind in "USV" and array.dtype.names is None else str(array.dtype)
        raise DataTypeError(f"{name} holds {actual}; it must hold numbers. Encode text as numbers first: labels as 0, 1, 2 ...")
    return array


def _parts(values: Any) -> Sequence[Any]:
    """Give the rows of a list or tuple; any other argument as the only one."""
    return values if isinstance(values, (list, tuple)) else (values,)


def check_readable(name: str, values: Any) -> None:
    """Refuse arguments that NumPy converts to numbers silently: dates, and masked arrays with masked values.

    Raises
    ------
    DataError
        When values are masked.
    DataTypeError
        When they are dates, times or lengths of time, in an array or in a column of a frame.
    """
    if any(type(part).__module__.startswith("numpy.ma") and np.any(part.mask) for part in _parts(values)):
        raise DataError(f"{name} is a masked array with masked values; fill or remove them")
    if hasattr(values, "with_columns"):  # Polars'
        kinds = {column: kind for column, kind in values.schema.items() if kind.is_temporal()}
    elif hasattr(values, "iloc") and hasattr(values, "columns"):  # pandas'
        kinds = {column: kind for column, kind in values.dtypes.items() if getattr(kind, "kind", "") in ("M", "m")}
    else:
        dtype = getattr(values, "dtype", None)
        kinds = {"": dtype} if isinstance(dtype, np.dtype) and dtype.kind in "Mm" else {}
    for column, kind in kinds.items():
        where = f"{name}: column {column!r}" if column != "" else name
        raise DataTypeError(f"{where} holds {kind}; it must hold numbers")


def _from_objects(name: str, array: AnyArray) -> AnyArray:
    """Read an array of Python objects that are numbers."""
    kinds = set(map(type, array.ravel()))
    missing = {kind for kind in kinds if kind is type(None) or kind.__name__ in ("NAType", "NaTType")}
    other = next((kind for kind in kinds if not issubclass(kind, (Real, Decimal, *BOOLEANS)) and kind not in missing), None)
    if other is not None or not kinds or (missing and array.ndim == 0):
        actual = "text" if other in (str, bytes) else f"Python objects ({'none' if not kinds else (other or type(None)).__name__})"
        raise DataTypeError(f"{name} holds {actual}; it must hold numbers")
    if missing:
        place = next(place for place, value in np.ndenumerate(array) if type(value) in missing)
        raise DataError(f"{name} has no value at [{', '.join(map(str, place))}]; fill it in, or leave out the row or the column")
    try:
        if all(issubclass(kind, (Integral, *BOOLEANS)) for kind in kinds):
            return array.astype(np.int64)
    except OverflowError:
        pass  # a whole number beyond int64, which float64 may hold
    try:
        return array.astype(np.float64)
    except OverflowError:
        raise DataError(f"{name} holds a number beyond float64; scale it") from None


MAXIMUM_LETTERS = 1 << 19
"""The most letters of all column names together, so that a model's description stays below ``model_file.METADATA_BYTES``."""


def names_to_keep(names: Iterable[str]) -> tuple[str, ...]:
    """Give the column names that a model stores: all, or none where two are equal or they are too long together."""
    listed = tuple(names)
    return () if len(set(listed)) < len(listed) or sum(map(len, listed)) > MAXIMUM_LETTERS else listed


def column_names(values: Any) -> tuple[str, ...]:
    """Give the names of a frame's columns; none where it is not a frame, or a name is not text.

    Examples
    --------
    >>> column_names(np.ones((2, 2)))
    ()
    """
    names = getattr(values, "column_names", getattr(values, "columns", None))  # of an Arrow table, of a frame
    if names is None or isinstance(names, str) or not isinstance(names, Iterable):
        return ()
    listed = tuple(names)
    return names_to_keep(listed) if all(type(name) is str for name in listed) else ()


def check_finite(name: str, array: AnyArray) -> None:
    """Refuse NaN and inf.

    Raises
    ------
    DataError
        With the index of the first.
    """
    # A finite sum proves that every entry is finite, and needs no temporary array; only if it is not are the entries checked.
    with np.errstate(over="ignore", invalid="ignore"):
        if array.dtype.kind == "f" and not np.isfinite(array.sum()) and not np.isfinite(array).all():
            where = ", ".join(str(int(i)) for i in np.argwhere(~np.isfinite(array))[0])
            raise DataError(f"{name} holds NaN or inf, first at [{where}]; remove or replace those values")


def cast_floats(name: str, values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Cast floats to another dtype; finite numbers must stay finite.

    Raises
    ------
    DataError
        When a number is too large for it.
    """
    with np.errstate(over="ignore"):
        cast = values.astype(dtype, copy=False)
    if cast.dtype.itemsize < values.dtype.itemsize and np.isinf(cast).any() and not np.isinf(values).any():
        hint = ", or make the network dtype='float64'" if dtype == np.float32 else ""
        raise DataError(f"{name} holds {np.abs(values).max():g}, beyond {dtype.name}; scale it{hint}")
    return cast


def common_floats(named: Sequence[tuple[str, Any]]) -> tuple[str, list[Array]]:
    """Read arrays as floats of one type: float32 where every one is float32, else float64.

    Parameters
    ----------
    named : sequence of (str, array_like)
        Each array with its name in messages.

    Returns
    -------
    dtype : {"float32", "float64"}
    arrays : list of arrays
        Those that have this dtype already are not copied.

    Raises
    ------
    DataError, DataTypeError
        As ``read_numbers``; when a number is beyond float64.
    """
    arrays = [read_numbers(name, values) for name, values in named]
    single = all(array.dtype.kind == "f" and array.dtype.itemsize == np.float32().itemsize for array in arrays)
    dtype = np.dtype(DTYPES[0] if single else DTYPES[1])
    return dtype.name, [cast_floats(name, array, dtype) for (name, _), array in zip(named, arrays, strict=True)]
