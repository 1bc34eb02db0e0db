"""Inputs whose features engines compute while they gather a mini-batch: only the columns are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import cast_floats, check_finite, read_numbers
from ._types import Array, Indices
from .calculus.input_features import Bins, bins_between, input_features, smooth_clip
from .errors import DataError

LARGEST_SCALE, SMALLEST_SCALE = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
"""The limits of 1 / (width of a bin), which networks of either dtype can hold."""


class PiecewiseInputs:
    """Numbers (n, c), and the bins of each column: to a network they are the dense features (n, c + K), K bins in all.

    Features 0 .. c - 1 are the columns, clipped smoothly where they have a limit; then come the bins of the first column, of the
    second, and so on. Each feature is multiplied by its size. Pass it wherever x goes; ``np.asarray`` gives the dense features. The
    edges, limits and sizes are no part of a network: keep them with it, for new rows need the same.

    Parameters
    ----------
    x : array_like, shape (n, c)
        Finite numbers; float32 is kept, others become float64.
    edges : sequence of array_like, or Bins
        For each column the ascending edges of its bins, one more than bins; empty for a column without bins. The ``bins`` of other
        inputs, or of ``bins_between``, are taken as they are, which is faster for a single row.
    limits : array_like, shape (c,), optional
        The limit of each column's smooth clip, x / sqrt(1 + (x / limit)^2); inf, the default, leaves a column as it is. Bins are
        those of the unclipped numbers.
    sizes : array_like, shape (c + K,), optional
        The factor of each feature; 1 by default.

    Raises
    ------
    DataError
        When x is not a table of finite numbers; when there is not a list of edges for each column; when edges do not ascend, or the
        width of a bin or its inverse is beyond float32; when limits or sizes are not positive numbers of float32, one for each
        column or feature.

    Examples
    --------
    >>> inputs = PiecewiseInputs([[0.25, 7.0], [2.0, 8.0]], [[0.0, 1.0, 3.0], []])
    >>> inputs
    PiecewiseInputs(2 x 2 float64, 2 bins)
    >>> np.asarray(inputs)
    array([[0.25, 7.  , 0.25, 0.  ],
           [2.  , 8.  , 1.  , 0.5 ]])
    >>> np.asarray(PiecewiseInputs([[4.0], [0.5]], [[0.0, 1.0, 3.0]], limits=[3.0], sizes=[1.0, 0.5, 0.5]))
    array([[2.4       , 0.5       , 0.5       ],
           [0.49319696, 0.25      , 0.        ]])
    """

    __slots__ = ("bins", "limits", "numbers", "sizes")

    numbers: Array
    bins: Bins
    limits: Array
    sizes: Array

    def __init__(
        self,
        x: Any,
        edges: Sequence[npt.ArrayLike] | Bins,
        *,
        limits: npt.ArrayLike | None = None,
        sizes: npt.ArrayLike | None = None,
    ) -> None:
        self.numbers = _read_numbers(x)
        columns = self.numbers.shape[1]
        self.bins = _check_bins(edges, columns) if isinstance(edges, Bins) else bins_between(_read_edges(edges, columns))
        self.limits = np.full(columns, np.inf) if limits is None else _read_limits(limits, columns)
        self.sizes = np.ones(self.shape[1]) if sizes is None else _read_positive("sizes", sizes, self.shape[1], "feature")

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows, and of features: columns and bins."""
        rows, columns = self.numbers.shape
        return rows, columns + len(self.bins.lower)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the numbers."""
        return self.numbers.dtype

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: slice | Indices) -> PiecewiseInputs:
        """Give some of the rows, with the same bins."""
        part = object.__new__(PiecewiseInputs)
        part.numbers = _as_read_only(self.numbers[rows])
        part.bins, part.limits, part.sizes = self.bins, self.limits, self.sizes
        return part

    def features_in(self, dtype: npt.DTypeLike) -> tuple[Bins, Array, Array]:
        """Give the bins, the limits and the sizes in the dtype of a network."""
        bins = Bins(self.bins.starts, self.bins.lower.astype(dtype), self.bins.scale.astype(dtype))
        return bins, self.limits.astype(dtype), self.sizes.astype(dtype)

    def expanded(self, dtype: npt.DTypeLike) -> Array:
        """Give the dense features (n, c + K), computed in a dtype.

        Raises
        ------
        DataError
            When a number is beyond the dtype.
        """
        return input_features(cast_floats("x", self.numbers, np.dtype(dtype)), *self.features_in(dtype))

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value of a feature: of a bin 0 and its size, of a column that of its extreme number."""
        extremes = np.stack([self.numbers.min(axis=0), self.numbers.max(axis=0)])
        columns = smooth_clip(extremes.astype(np.float64), self.limits) * self.sizes[: extremes.shape[1]]
        sizes = self.sizes[extremes.shape[1] :]
        return float(columns.min(initial=0 if sizes.size else np.inf)), float(columns.max(initial=sizes.max(initial=-np.inf)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Give the dense features in their own dtype, then converted to ``dtype``."""
        features = self.expanded(self.dtype)
        return features if dtype is None else features.astype(dtype, copy=False)

    def __repr__(self) -> str:
        rows, columns = self.numbers.shape
        return f"PiecewiseInputs({rows} x {columns} {self.dtype}, {len(self.bins.lower)} bins)"


def _read_numbers(x: Any) -> Array:
    """Read x as finite floats (n, c), read-only."""
    array = read_numbers("x", x)
    if array.ndim != 2 or not array.size:
        raise DataError(f"x must have shape (n, c), a row an example, both at least 1; it has shape {array.shape}")
    check_finite("x", array)
    if array.dtype != np.float32 or not array.dtype.isnative:
        array = cast_floats("x", array, np.dtype(np.float64))
    return _as_read_only(array)


def _as_read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_bins(bins: Bins, columns: int) -> Bins:
    """Check that bins are those of so many columns."""
    starts, lower, scale = bins
    if len(starts) != columns + 1:
        raise DataError(f"the bins must be of as many columns as x has, {columns}; they are of {len(starts) - 1}")
    if not starts[-1] == len(lower) == len(scale):
        raise DataError(f"the bins must have a lower edge and a scale each; they are {starts[-1]}, {len(lower)} and {len(scale)}")
    return bins


def _read_edges(edges: Sequence[npt.ArrayLike], columns: int) -> list[Array]:
    """Read the edges of each column."""
    if len(edges) != columns:
        raise DataError(f"edges must have an entry for each of the {columns} columns of x; it has {len(edges)}")
    return [_read_edges_of(j, column) for j, column in enumerate(edges)]


def _read_edges_of(j: int, edges: npt.ArrayLike) -> Array:
    """Read the edges of one column, and check that they ascend and that the bins' scale is a normal number of float32."""
    array = np.asarray(edges)
    if array.size == 0:
        return np.zeros(0)
    numbers = read_numbers(f"edges[{j}]", array).astype(np.float64)
    if numbers.ndim != 1 or len(numbers) < 2:
        raise DataError(f"edges[{j}] must be two or more numbers in one row, or none; its shape is {numbers.shape}")
    check_finite(f"edges[{j}]", numbers)
    widths = np.diff(numbers)
    wrong = np.flatnonzero(~((widths > 1 / LARGEST_SCALE) & (widths < 1 / SMALLEST_SCALE)))
    if wrong.size:
        lower, upper = numbers[wrong[0] : wrong[0] + 2]
        raise DataError(
            f"edges[{j}] must ascend, by {1 / LARGEST_SCALE:.1g} to {1 / SMALLEST_SCALE:.1g}; {upper:g} follows {lower:g}: "
            "leave out one of them, or scale the column"
        )
    return numbers


def _read_limits(limits: npt.ArrayLike, columns: int) -> Array:
    """Read the limit of each column; infinite ones stay so."""
    numbers = read_numbers("limits", limits).astype(np.float64)
    finite = np.where(np.isposinf(numbers), 1.0, numbers)
    return np.where(np.isposinf(numbers), np.inf, _read_positive("limits", finite, columns, "column"))


def _read_positive(name: str, values: npt.ArrayLike, count: int, of: str) -> Array:
    """Read positive numbers that float32 can hold, one for each column or feature."""
    numbers = read_numbers(name, values).astype(np.float64)
    if numbers.shape != (count,):
        raise DataError(f"{name} must have shape ({count},), one for each {of}; it has shape {numbers.shape}")
    wrong = np.flatnonzero(~((numbers >= SMALLEST_SCALE) & (numbers <= LARGEST_SCALE)))
    if wrong.size:
        raise DataError(
            f"{name} must be between {SMALLEST_SCALE:.1g} and {LARGEST_SCALE:.1g}; {name}[{wrong[0]}] is {numbers[wrong[0]]:g}"
        )
    return numbers
