"""The book's data: lists of pairs (x, y), where x and y are columns (n, 1), or y is a label; and the rows that engines take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from .._types import AnyArray, Array
from ..errors import DataError, DataTypeError

Pair: TypeAlias = tuple[Any, Any]


def vectorized_result(j: int) -> Array:
    """Give the target of a digit: a column (10, 1) of zeros, with 1 at row j.

    Raises
    ------
    DataError
        When j is not a digit.

    Examples
    --------
    >>> vectorized_result(3).ravel()
    array([0., 0., 0., 1., 0., 0., 0., 0., 0., 0.])
    """
    if j not in range(10):
        raise DataError(f"vectorized_result makes a column (10, 1) of a label 0 to 9; this label is {j!r}")
    column = np.zeros((10, 1))
    column[int(j)] = 1.0
    return column


def as_list(name: str, data: Iterable[Any]) -> list[Any]:
    """Give a list as it is, since ``SGD`` shuffles the reader's own, and anything else that can be iterated as a new list."""
    if isinstance(data, list):
        return data
    try:
        return list(data)
    except TypeError:
        raise DataTypeError(f"{name} must be a list of pairs (x, y); it is {describe(data)}") from None


def describe(value: Any) -> str:
    """Describe a value in a message: an array by its shape, anything else by its type.

    Examples
    --------
    >>> describe(np.ones((784,))), describe(3)
    ('an array of shape (784,)', 'an int')
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def unzip(pairs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Give the xs and the ys of some pairs.

    Raises
    ------
    DataError
        When an entry is not a pair.
    """
    if not set(map(type, pairs)) <= {tuple, list} or not set(map(len, pairs)) <= {2}:  # quick where all are plain pairs
        _check_pairs(pairs)
    xs, ys = zip(*pairs, strict=True) if pairs else ((), ())
    return list(xs), list(ys)


def _check_pairs(pairs: Sequence[Any]) -> None:
    """Refuse an entry that is not a pair."""
    for k, pair in enumerate(pairs):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise DataError(
                f"the data must be a list of pairs (x, y), as mnist_loader.load_data_wrapper() gives three of; entry {k} is "
                f"{describe(pair)}. load_data() gives whole arrays, which SGD does not take"
            )


class PairList(list[Pair]):
    """Pairs that are not changed as long as this list exists, so that they are taken apart and put into one array once."""

    @cached_property
    def columns(self) -> tuple[list[Any], list[Any]]:
        """The xs and the ys."""
        return unzip(self)

    @cached_property
    def rows(self) -> Array | None:
        """The xs as rows of one array; None where ``stack_columns`` gives None."""
        return stack_columns(self.columns[0])


def as_pair_list(pairs: list[Any]) -> PairList:
    """Give a list as a ``PairList``: itself, where it is one."""
    return pairs if isinstance(pairs, PairList) else PairList(pairs)


def stack_columns(columns: Sequence[Any]) -> Array | None:
    """Put columns (size, 1) into the rows of one array (n, size), float32 or float64.

    Returns
    -------
    rows : array or None
        None where there are no columns, or where they are not all plain arrays of real numbers with one shape (size, 1).
    """
    if set(map(type, columns)) != {np.ndarray} or len({column.shape for column in columns}) > 1:
        return None
    shape = columns[0].shape
    if len(shape) != 2 or shape[1] != 1 or shape[0] == 0:
        return None
    stacked: AnyArray = np.concatenate(columns)
    if stacked.dtype.kind not in "fiub" or stacked.dtype.itemsize > np.dtype(np.float64).itemsize:
        return None
    rows = stacked.reshape(len(columns), -1)
    return rows if rows.dtype in (np.float32, np.float64) else rows.astype(np.float64)


def label_array(labels: Sequence[Any]) -> AnyArray:
    """Give labels as an array (n,).

    Raises
    ------
    DataError
        When they are not single numbers.
    """
    try:
        array = np.asarray(labels)
    except ValueError:  # columns of several shapes
        array = np.empty((len(labels), 0))
    if array.ndim != 1 or array.dtype.kind not in "fiub":
        raise DataError(
            f"the y of each pair must be a label such as 7; the first is {describe(labels[0])}. Training data has columns (10, 1) "
            "instead: for them network2's accuracy and total_cost have convert="
        )
    return array


def check_column(x: Any, n_in: int) -> None:
    """Refuse inputs that NumPy would broadcast to wrong results in silence: x must be a column, or several side by side.

    Raises
    ------
    DataError
        When its shape is not (n_in, m).
    """
    shape = np.shape(x)
    if len(shape) != 2 or shape[0] != n_in:
        remedy = f"; write x.reshape({n_in}, 1)" if np.size(x) == n_in else ""
        raise DataError(f"x must be a column ({n_in}, 1), as the network has {n_in} inputs; its shape is {shape}{remedy}")


def difference(a: Any, y: Any) -> Any:
    """``a - y``, where NumPy would broadcast a label or a row to a wrong result in silence.

    Raises
    ------
    DataError
        When the shapes differ; a single output may be compared with a number.
    """
    if np.shape(a) != np.shape(y) and not np.size(a) == np.size(y) == 1:
        remedy = "; vectorized_result(y) makes a column of a label" if np.ndim(y) == 0 and np.shape(a) == (10, 1) else ""
        raise DataError(f"y must have the shape of the outputs, {np.shape(a)}; its shape is {np.shape(y)}{remedy}")
    return a - y
