"""Numbers as features: the robust scale, the smooth clip, and piecewise-linear features whose edges a decision tree chooses.

A number x is scaled in float64, z = s (x - median), and kept as one float32; its features are computed of z in float32. Differences
are taken of halved values, x/2 - b/2, because x - b overflows where x and b are near the ends of float64's range.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .._types import AnyArray, Array, Indices

CLIP = 3.0
"""The limit of the smooth clip: no scaled number reaches it."""

BINS = 16
"""The most bins of a number by default."""

MOST_BINS = 256
"""The most bins that may be asked for."""

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Those that the robust scale is measured by."""

SMALLEST_HALF_WIDTH = 1e-290
"""Half the smallest difference of two values that is told apart from 0, so that its reciprocal is finite."""

ROWS_FOR_EDGES = 50_000
"""The most rows from which the edges are chosen; more change them little, and a tree takes a second for a million."""

LEAST_LEAF = 20
"""The fewest rows in a bin; fewer fit the noise of their targets."""

FARTHEST = 1e37
"""The largest scaled number: the difference of two has an inverse in float32. Larger ones, and edges, are taken as this."""

FARTHEST_FROM_CLIP = 2.0**30 * CLIP
"""Beyond it a clipped number is the limit to the last bit, and its square might overflow."""

STEEPEST = float(np.finfo(np.float32).max)
"""The largest slope of a feature; that of a bin which float32 does not tell from a step."""


def robust_scale(values: Array) -> tuple[float, float]:
    """Measure the median and the scale s = 1 / (q75 - q25) of a column.

    Where the quartiles are equal, s = 2 / (max - min); where all values are equal, s = 0. Equal means that they differ by less than
    2 ``SMALLEST_HALF_WIDTH``.

    Parameters
    ----------
    values : float64 array, shape (n,)
        Finite; at least one.

    Returns
    -------
    median, scale : float
        The scale is finite and at least 0.

    Source: RealMLP, arXiv 2407.04491, section 3.
    """
    return scale_of_quantiles(*np.quantile(values / 2, QUANTILES))


def scale_of_quantiles(lowest: float, lower: float, middle: float, upper: float, highest: float) -> tuple[float, float]:
    """Give what ``robust_scale`` gives, of the ``QUANTILES`` of the halved values."""
    if upper - lower >= SMALLEST_HALF_WIDTH:
        return float(2 * middle), float(0.5 / (upper - lower))
    if highest - lowest >= SMALLEST_HALF_WIDTH:
        return float(2 * middle), float(1 / (highest - lowest))
    return float(2 * middle), 0.0


def scale_halves(halves: Array, half_median: Array, twice_scale: Array, out: Array) -> None:
    """Write z = s (x - median), at most ``FARTHEST`` in size.

    Parameters
    ----------
    halves : float64 array, shape (n, c)
        x/2.
    half_median, twice_scale : float64 arrays, shape (c,)
        median/2 and 2s.
    out : float array, shape (n, c)
    """
    with np.errstate(over="ignore"):  # a value far beyond the training's becomes infinite here, and is clipped
        z = halves - half_median
        z *= twice_scale
    out[...] = z.clip(-FARTHEST, FARTHEST, out=z)


def scaled_numbers(values: Array, median: float, scale: float) -> Array:
    """Give z = s (x - median) of one column, float64 (n,), as ``scale_halves`` writes it; NaN stays NaN."""
    z = np.empty(len(values))
    scale_halves(values / 2, np.array(median / 2), np.array(2 * scale), z)
    return z


def scaled_bins(edges: Array, median: float, scale: float) -> tuple[Array, Array]:
    """Give each bin's lower edge, as a scaled number, and 1 / its width: float64 arrays, shape (n_edges - 1,)."""
    z = scaled_numbers(edges, median, scale)
    widths = np.maximum(np.diff(z), 1 / STEEPEST)
    return z[:-1], np.minimum(1 / widths, STEEPEST)


def clip_smoothly(z: Array) -> None:
    """Clip in place: z / sqrt(1 + (z/3)^2), as ``calculus.input_features.smooth_clip`` does, to the bit."""
    z.clip(-FARTHEST_FROM_CLIP, FARTHEST_FROM_CLIP, out=z)
    root = z / z.dtype.type(CLIP)
    root *= root
    root += 1
    np.sqrt(root, out=root)
    z /= root


def write_bins(z: Array, lower: Array, slope: Array, out: Array) -> None:
    """Write e_t = clip((z - lower_t) slope_t, 0, 1), as ``calculus.input_features.piecewise_linear`` does, to the bit.

    Parameters
    ----------
    z : array, shape (n, n_bins)
        The scaled number, repeated for each bin; written to.
    lower, slope : arrays, shape (n_bins,)
    out : array, shape (n, n_bins)

    Source: TabM, arXiv 2410.24210, section 3; the features are those of arXiv 2203.05556, equation (1).
    """
    with np.errstate(over="ignore"):  # far above the bin, where the feature is 1
        z -= lower
        z *= slope
    z.clip(0, 1, out=out)


class EdgeSample(NamedTuple):
    """What the edges of a column's bins are chosen from: at most ``ROWS_FOR_EDGES`` values, their rows, and the extremes of all."""

    values: Array
    rows: Indices
    least: float
    largest: float


def sample_for_edges(data: Array) -> EdgeSample:
    """Draw values of a column, always the same; ``data`` is float64 (n,), finite or NaN for a gap, with at least one value."""
    present = np.flatnonzero(~np.isnan(data))
    drawn = _draw(len(present), ROWS_FOR_EDGES)
    rows = drawn if len(present) == len(data) else present[drawn]  # columns without gaps share one array
    values = data[present]
    return EdgeSample(values[drawn], rows, values.min(), values.max())


@lru_cache(maxsize=1)
def _draw(n: int, most: int) -> Indices:
    """Draw at most so many of n places, ascending, always the same."""
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def choose_edges(sample: EdgeSample, y: AnyArray | None, *, classes: bool, bins: int = BINS) -> Array:
    """Choose the edges of a column's bins: its least and largest value, and the thresholds of a decision tree on it alone.

    Parameters
    ----------
    sample : EdgeSample
        Of the column's values.
    y : array, shape (n,), or None
        The targets of the column's rows, for which the tree splits; without them the edges are quantiles.
    classes : bool
        Whether ``y`` are classes.
    bins : int
        The most bins; 0 for none.

    Returns
    -------
    float64 array
        Ascending; of d distinct values at most d edges. Empty where this leaves fewer than 2 bins, since one bin is a line, as the
        scaled number is.
    """
    distinct, ranks = np.unique(sample.values, return_inverse=True)
    bins = min(bins, len(distinct) - 1)
    if bins < 2:
        return np.empty(0)
    if y is None:
        cuts = np.unique(np.linspace(0, len(ranks), bins + 1)[1:-1].astype(int))
        thresholds = np.unique(np.sort(ranks)[cuts])
        thresholds = thresholds[thresholds < len(distinct) - 1]
    else:
        thresholds = _tree_thresholds(ranks, y[sample.rows], classes, bins)
    inner = distinct[thresholds] / 2 + distinct[thresholds + 1] / 2
    return _apart(np.concatenate([[sample.least], inner, [sample.largest]]))


def _tree_thresholds(ranks: AnyArray, y: AnyArray, classes: bool, bins: int) -> AnyArray:
    """Give the ranks after which a decision tree of at most ``bins`` leaves splits, ascending.

    The tree sees ranks instead of values: it splits equally, and scikit-learn's trees read float32, which would merge close values.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # imported late: it takes half a second

    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    tree = kind(max_leaf_nodes=bins, min_samples_leaf=min(LEAST_LEAF, max(1, len(y) // (2 * bins))), random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes is greater")  # would come once for each column
        nodes = tree.fit(ranks.reshape(-1, 1).astype(np.float32), y).tree_
    return np.unique(np.floor(nodes.threshold[nodes.children_left >= 0]).astype(int))


def _apart(edges: Array) -> Array:
    """Leave out edges that are too close to the former one to divide by the difference; none if fewer than 2 bins remain."""
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge / 2 - kept[-1] / 2 >= SMALLEST_HALF_WIDTH:
            kept.append(edge)
    return np.array(kept if len(kept) > 2 else [])
