"""Features of columns of numbers: a fixed layer without parameters before the first one.

The columns, clipped smoothly, are followed by their bins. The feature of a bin is 0 where its column lies below the bin, 1 above
it, and in between the fraction of the bin. A unit of the first layer can then learn any function of a column that is linear within
each bin (Gorishniy et al. 2022, arXiv 2203.05556; TabM, arXiv 2410.24210). The smooth clip is that of RealMLP (arXiv 2407.04491).
The features depend on x alone: backpropagation ends at them, and BP4 of the first layer multiplies by them as by any inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._types import Array, Indices

CLIPPED = 2.0**30
"""Beyond this multiple of its limit a column's clipped value is the limit to the last bit, in float32 and in float64."""


class Bins(NamedTuple):
    """The bins of every column, one after another, column by column.

    Attributes
    ----------
    starts : int array, shape (c + 1,)
        Column j has the bins ``starts[j] .. starts[j + 1] - 1``; it may have none.
    lower, scale : arrays, shape (K,)
        Each bin's lower edge, and 1 / (upper edge - lower edge).
    """

    starts: Indices
    lower: Array
    scale: Array


def bins_between(edges: Sequence[Array]) -> Bins:
    """Give the bins between the ascending edges of each column, in float64: one fewer than edges, none where there are no edges.

    Examples
    --------
    >>> bins_between([np.array([0.0, 1.0, 3.0]), np.array([])])
    Bins(starts=array([0, 2, 2]), lower=array([0., 1.]), scale=array([1. , 0.5]))
    """
    columns = [np.asarray(column, np.float64) for column in edges]
    widths = [np.diff(column) for column in columns]
    starts = np.concatenate([[0], np.cumsum([len(width) for width in widths])]).astype(np.intp)
    lower = np.concatenate([np.zeros(0), *(column[:-1] for column in columns)])
    return Bins(starts, lower, 1 / np.concatenate([np.zeros(0), *widths]))


def smooth_clip(x: Array, limits: Array) -> Array:
    """``x_j / sqrt(1 + (x_j / limit_j)^2)``, which is x_j near 0 and tends to -limit_j and limit_j; x_j without a limit, inf.

    Examples
    --------
    >>> smooth_clip(np.array([[4.0, 4.0], [1e300, 1e300]]), np.array([3.0, np.inf]))
    array([[2.4e+000, 4.0e+000],
           [3.0e+000, 1.0e+300]])
    """
    farthest = x.dtype.type(CLIPPED) * limits  # so that no square overflows
    x = np.clip(x, -farthest, farthest)
    return x / np.sqrt(1 + (x / limits) ** 2)


def piecewise_linear(x: Array, bins: Bins) -> Array:
    """``e_k = clip((x_j - lower_k) scale_k, 0, 1)``, where bin k is one of column j: (m, c) to (m, K).

    Examples
    --------
    >>> bins = bins_between([np.array([0.0, 1.0, 3.0])])
    >>> piecewise_linear(np.array([[-1.0], [0.25], [2.0], [5.0]]), bins)
    array([[0.  , 0.  ],
           [0.25, 0.  ],
           [1.  , 0.5 ],
           [1.  , 1.  ]])
    """
    column = np.repeat(np.arange(x.shape[1]), np.diff(bins.starts))  # of each bin
    return np.clip((x[:, column] - bins.lower) * bins.scale, 0, 1)


def input_features(x: Array, bins: Bins, limits: Array, sizes: Array) -> Array:
    """``phi(x) = sizes * [smooth_clip(x), e]``: the columns and their bins, each times its size: (m, c) to (m, c + K).

    Examples
    --------
    >>> bins = bins_between([np.array([0.0, 1.0, 3.0])])
    >>> input_features(np.array([[-1.0], [4.0]]), bins, limits=np.array([3.0]), sizes=np.array([10.0, 1.0, 0.5]))
    array([[-9.48683298,  0.        ,  0.        ],
           [24.        ,  1.        ,  0.5       ]])
    """
    return sizes * np.concatenate([smooth_clip(x, limits), piecewise_linear(x, bins)], axis=1)
