"""Piecewise-linear features of numbers: a fixed layer without parameters before the first one.

Each column is followed by its bins. The feature of a bin is 0 where the column lies below the bin, 1 above it, and in between the
fraction of the bin. A unit of the first layer can then learn any function of a column that is linear within each bin (Gorishniy et
al. 2022, arXiv 2203.05556; TabM, arXiv 2410.24210). The features depend on x alone: backpropagation ends at them, and BP4 of the
first layer multiplies by them as by any inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._types import Array, Indices


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


def piecewise_linear(x: Array, bins: Bins) -> Array:
    """``phi(x) = [x, e]`` with ``e_k = clip((x_j - lower_k) scale_k, 0, 1)``, where bin k is one of column j: (m, c) to (m, c + K).

    Examples
    --------
    >>> bins = bins_between([np.array([0.0, 1.0, 3.0])])
    >>> piecewise_linear(np.array([[-1.0], [0.25], [2.0], [5.0]]), bins)
    array([[-1.  ,  0.  ,  0.  ],
           [ 0.25,  0.25,  0.  ],
           [ 2.  ,  1.  ,  0.5 ],
           [ 5.  ,  1.  ,  1.  ]])
    """
    column = np.repeat(np.arange(x.shape[1]), np.diff(bins.starts))  # of each bin
    e = (x[:, column] - bins.lower) * bins.scale
    return np.concatenate([x, np.clip(e, 0, 1)], axis=1)
