"""The distribution of the best of k runs, computed exactly from the results of n seeds: no resampling, no random numbers.

Of n seeds there are C(n, k) sets of k. With the seeds sorted by their score, the seed at position j (from 0) is the best of those
sets that take their other k - 1 members from the j seeds below it: C(j, k - 1) of them.
"""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

from ..plan import Floats


def best_of_weights(scores: Floats, k: int) -> Floats:
    """Give for each seed the probability that it has the highest score in a random set of k of the seeds.

    Parameters
    ----------
    scores : float64 array, shape (n,)
        Of equal scores the later one counts as the higher.
    k : int
        From 1 to n.

    Returns
    -------
    float64 array, shape (n,)
        In the order of the scores; the sum is 1.

    Examples
    --------
    >>> best_of_weights(np.array([0.94, 0.96, 0.95]), 2).round(3).tolist()
    [0.0, 0.667, 0.333]
    """
    ascending = np.argsort(scores, kind="stable")
    weights = np.empty(len(scores))
    weights[ascending] = [comb(position, k - 1) / comb(len(scores), k) for position in range(len(scores))]
    return weights


def weighted_median(values: Floats, weights: Floats) -> float:
    """Give the median of values of which each counts as its weight: where exactly half lies below a gap, the middle of the gap.

    Examples
    --------
    >>> weighted_median(np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, 0.3]))
    1.5
    """
    ascending = np.argsort(values, kind="stable")
    reached, half = np.cumsum(weights[ascending]), weights.sum() / 2
    rounding = 1e-12 * half
    lower, upper = np.argmax(reached >= half - rounding), np.argmax(reached > half + rounding)
    return float(values[ascending][[lower, upper]].mean())


def range_of(values: Floats, weights: Floats) -> tuple[float, float]:
    """Give the least and the largest value of those whose weight is above 0."""
    possible: npt.NDArray[np.float64] = values[weights > 0]
    return float(possible.min()), float(possible.max())


def share_up_to(values: Floats, weights: Floats, limit: float) -> float:
    """Give the summed weight of the values that are at most the limit."""
    return float(weights[values <= limit].sum())
