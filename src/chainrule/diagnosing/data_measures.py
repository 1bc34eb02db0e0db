"""Measures inputs and targets: the scale of the columns, the agreement of neighbours, the frequency of classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._types import AnyArray, Array, Indices

FEWEST_NEIGHBOURS = 50
"""Below so many rows the agreement of neighbours is left to chance too much."""

BRIGHT = 100
"""Whole numbers of which none is above this may be counts; beyond it, up to 255, they are taken for pixels."""


SHUFFLES = 40
"""The shuffles of the targets that tell what chance gives: their mean and spread are then known to a sixth of the spread."""


MOST_FACTORS = 40
"""The most columns whose products are computed: 820 with their squares, which take 0.05 s for 5,000 rows and ten classes."""


class Agreement(NamedTuple):
    """How well nearest rows agree: see ``DataMeasurements``."""

    neighbours: float
    chance: float
    deviations: float
    skill: float


def column_effects(x: Array, w: Array) -> Array:
    """Give the spread of z that each column causes: of x (m, n_in) and w (n_out, n_in) to (n_in,)."""
    effects: Array = x.std(axis=0) * np.sqrt(np.mean(np.square(w.astype(np.float64)), axis=0))
    return effects


def is_8_bit(x: Array) -> bool:
    """Whether the inputs are whole numbers from 0 to 255 that reach above ``BRIGHT``, as unscaled pixels are."""
    return bool(x.min() >= 0 and BRIGHT < x.max() <= 255 and np.array_equal(x, np.rint(x)))


def neighbour_agreement(x: Array, classes: Indices | None, y: Array, weights: Array | None = None) -> Agreement | None:
    """Compare each row's target with that of its nearest row, in columns as they are or standardized: the better of the two.

    Weights (m,) count in the skill alone, since the relation of inputs and targets does not depend on them. None where the rows are
    few, or all have one target.
    """
    if len(x) < FEWEST_NEIGHBOURS:
        return None
    varying = x[:, x.std(axis=0) > 0]
    if not varying.shape[1]:
        return None
    pairs = [nearest_rows(varying), nearest_rows((varying - varying.mean(axis=0)) / varying.std(axis=0))]
    found = [_class_agreement(classes, pair, weights) if classes is not None else _value_agreement(y, pair) for pair in pairs]
    known = [agreement for agreement in found if agreement is not None]
    return max(known, key=lambda agreement: agreement.neighbours) if known else None


def nearest_rows(x: Array) -> Indices:
    """Give for each row of (m, n_in) the number of the nearest other row."""
    squares = np.einsum("ij,ij->i", x, x)
    distances = squares[:, None] + squares - 2 * (x @ x.T)
    np.fill_diagonal(distances, np.inf)
    nearest: Indices = distances.argmin(axis=1)
    return nearest


def _class_agreement(classes: Indices, nearest: Indices, weights: Array | None) -> Agreement | None:
    shares = np.bincount(classes) / len(classes)
    chance = float((shares**2).sum())
    counts = np.bincount(classes, weights)
    most = float(counts.max() / counts.sum())
    if most == 1 or chance == 1:
        return None
    right = classes == classes[nearest]
    agree, skill = float(np.mean(right)), 1 - float(np.average(~right, weights=weights)) / (1 - most)
    deviation = float(np.sqrt(chance * (1 - chance) / len(classes)))
    return Agreement(agree, chance, (agree - chance) / deviation, skill)


def _value_agreement(y: Array, nearest: Indices) -> Agreement | None:
    """The correlation of neighbours; it estimates the share of the variance that the inputs determine."""
    spread = y.std(axis=0)
    if not (spread > 0).any():
        return None
    v = (y - y.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    correlation = float(np.mean(v * v[nearest]))
    return Agreement(correlation, 0.0, correlation * np.sqrt(v.size), correlation)


def gradient_deviations(x: Array, y: Array) -> float | None:
    """Compare the gradient at a constant answer (N7) with that of shuffled targets: of x (m, n_in) and y (m, n_out).

    The errors of the constant answer times the standardized inputs, summed over the rows, have a squared norm. The result is how
    far it lies above the mean of those of shuffled targets, in their standard deviations. None where rows are few, or none varies.
    """
    return _deviations(_standardized(x), y)


def product_deviations(x: Array, y: Array) -> float | None:
    """Compare as ``gradient_deviations`` does, by the products of each two columns, and their squares.

    It sees relations that no single column has, such as exclusive or. Of more than ``MOST_FACTORS`` columns the products are those
    of as many random sums of them.
    """
    columns = _standardized(x)
    if columns.shape[1] > MOST_FACTORS:
        columns = columns @ np.random.default_rng(0).normal(size=(columns.shape[1], MOST_FACTORS)).astype(columns.dtype)
    first, second = np.triu_indices(columns.shape[1])
    return _deviations(_standardized(columns[:, first] * columns[:, second]), y)


def _standardized(x: Array) -> Array:
    """Give the columns that vary, with mean 0 and spread 1."""
    varying = x[:, x.std(axis=0) > 0]
    standardized: Array = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    return standardized


def _deviations(columns: Array, y: Array) -> float | None:
    """Compare the squared norm of the columns' products with the errors y - mean(y) with those of shuffled errors."""
    errors = (y - y.mean(axis=0)).astype(columns.dtype)
    if len(columns) < FEWEST_NEIGHBOURS or not columns.shape[1] or not errors.any():
        return None
    rng = np.random.default_rng(0)
    orders = [np.arange(len(errors)), *(rng.permutation(len(errors)) for _ in range(SHUFFLES))]
    sums = columns.T @ np.hstack([errors[order] for order in orders])
    norms = np.square(sums.astype(np.float64)).sum(axis=0).reshape(len(orders), -1).sum(axis=1)
    spread = float(norms[1:].std())
    return float((norms[0] - norms[1:].mean()) / spread) if spread > 0 else None


def class_counts(classes: Indices) -> tuple[int, ...]:
    """Count the examples of each class."""
    return tuple(int(count) for count in np.bincount(classes))


def rarest_class(counts: tuple[int, ...]) -> int:
    """Give the class that occurs least, of those that occur."""
    present = [k for k, count in enumerate(counts) if count]
    return min(present, key=lambda k: counts[k])


def is_constant(y: AnyArray) -> bool:
    """Whether all rows of y are equal."""
    return bool((y == y[:1]).all())
