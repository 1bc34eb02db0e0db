"""The numbers of an evaluation: scores of each class, the ROC curve, calibration, and permutation importance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from .._types import AnyArray, Indices, Inputs, is_sparse
from ..errors import DataError

if TYPE_CHECKING:
    from ..tables.table import Table

Floats = npt.NDArray[np.float64]
Data = TypeVar("Data")


# Scores of each class


@dataclass(frozen=True)
class ClassScores:
    """The scores of each class.

    Attributes
    ----------
    precision : float64 array, shape (K,)
        The fraction of the rows predicted as this class that are of it; NaN where none was predicted.
    recall : float64 array, shape (K,)
        The fraction of the rows of this class that are predicted as it; NaN where it has no row.
    f1 : float64 array, shape (K,)
        The harmonic mean of both, ``2 TP / (2 TP + FP + FN)``; NaN where the class has no row and was never predicted.
    rows : integer array, shape (K,)
        The number of rows of this class.
    """

    precision: Floats
    recall: Floats
    f1: Floats
    rows: Indices


def class_scores(counts: Indices) -> ClassScores:
    """Compute precision, recall and F1 from a confusion matrix.

    Parameters
    ----------
    counts : integer array, shape (K, K)
        How often each true class (row) was predicted as each class (column).

    Examples
    --------
    >>> class_scores(np.array([[3, 1], [0, 4]])).precision
    array([1. , 0.8])
    """
    right, rows, predicted = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    return ClassScores(_ratio(right, predicted), _ratio(right, rows), _ratio(2 * right, rows + predicted), rows)


def row_shares(counts: Indices) -> Floats:
    """Divide each row of a confusion matrix by its sum, (K, K); NaN in a row of zeros."""
    return _ratio(counts, counts.sum(axis=1, keepdims=True))


def _ratio(numerator: AnyArray, denominator: AnyArray) -> Floats:
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.divide(numerator, denominator, out=np.full(shape, np.nan), where=denominator > 0)


# Two classes: the ROC curve and calibration


@dataclass(frozen=True)
class RocPoints:
    """The points of a ROC curve, from (0, 0) to (1, 1): one for each distinct probability, the highest first.

    Attributes
    ----------
    false_positive_rate, true_positive_rate : float64 array, shape (n_points,)
    """

    false_positive_rate: Floats
    true_positive_rate: Floats


def roc_points(true: AnyArray, probability: AnyArray) -> RocPoints:
    """Compute the ROC curve of two classes.

    Parameters
    ----------
    true : array of 0 and 1 or of bool, shape (n,)
        1 for the positive class.
    probability : array of float, shape (n,)
        The probability of the positive class.

    Raises
    ------
    DataError
        When all rows are of one class: one of the rates is then undefined.
    """
    positive, p = check_two_classes(true, probability)
    order = np.argsort(-p, kind="stable")
    last_of_equal = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    true_positives = np.append(0, np.cumsum(positive[order])[last_of_equal])
    false_positives = np.append(0, 1 + last_of_equal) - true_positives
    n_positive, n_negative = true_positives[-1], false_positives[-1]
    if n_positive == 0 or n_negative == 0:
        raise DataError(f"a ROC curve needs rows of both classes; {n_positive} of {len(p)} rows are of the positive class")
    return RocPoints(false_positives / n_negative, true_positives / n_positive)


def area_under_roc(points: RocPoints) -> float:
    """Compute the area under a ROC curve (AUC) by the trapezoidal rule.

    It is the probability that a row of the positive class has a higher probability than a row of the other class, where equal ones
    count one half.

    Examples
    --------
    >>> area_under_roc(roc_points(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])))
    0.75
    """
    return float(np.trapezoid(points.true_positive_rate, points.false_positive_rate))


@dataclass(frozen=True)
class ReliabilityBins:
    """Rows of two classes, grouped by their probability into bins of equal width.

    Attributes
    ----------
    edges : float64 array, shape (n_bins + 1,)
        From 0 to 1. A bin contains its upper edge; the first also contains 0.
    mean_probability : float64 array, shape (n_bins,)
        NaN in an empty bin.
    positive_share : float64 array, shape (n_bins,)
        The fraction of rows of the positive class; NaN in an empty bin.
    counts : integer array, shape (n_bins,)
    """

    edges: Floats
    mean_probability: Floats
    positive_share: Floats
    counts: Indices


def reliability_bins(true: AnyArray, probability: AnyArray, n_bins: int = 10) -> ReliabilityBins:
    """Compare the probabilities of the positive class with its share, in bins of equal width.

    Parameters
    ----------
    true : array of 0 and 1 or of bool, shape (n,)
    probability : array of float in [0, 1], shape (n,)
    n_bins : int
    """
    positive, p = check_two_classes(true, probability)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.searchsorted(edges[1:-1], p)
    counts = np.bincount(bins, minlength=n_bins)
    sum_of_p = np.bincount(bins, weights=p, minlength=n_bins)
    n_positive = np.bincount(bins, weights=positive, minlength=n_bins)
    return ReliabilityBins(edges, _ratio(sum_of_p, counts), _ratio(n_positive, counts), counts)


def check_two_classes(true: AnyArray, probability: AnyArray) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Check the true classes and the probabilities of the positive class.

    Raises
    ------
    DataError
        When there is no row, the lengths differ, a class is not 0 or 1, or a probability is not in [0, 1].
    """
    classes, p = np.asarray(true), np.asarray(probability, dtype=np.float64)
    if classes.ndim != 1 or classes.shape != p.shape or not len(p):
        raise DataError(
            f"true and probability must have the same shape (n,), n at least 1; the shapes are {classes.shape} and {p.shape}"
        )
    if not np.isin(classes, (0, 1)).all():
        raise DataError("the true classes must be 0 or 1, with 1 for the positive class; encode them first")
    outside = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if len(outside):
        raise DataError(f"a probability must be in [0, 1]; that of row {outside[0]} is {p[outside[0]]}")
    return classes.astype(bool), p


# Permutation importance


def permutation_importance(
    score: Callable[[Data], float],
    data: Data,
    permute: Callable[[Data, int, np.random.Generator], Data],
    n_features: int,
    repeats: int = 5,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Measure how much the score falls when a feature's values are permuted among the rows.

    The importance of a feature is the score of the data minus the score with that feature permuted. Each permutation is drawn from
    (seed, feature, repeat), so that the importance of a feature does not depend on the number of the others. Source: Breiman,
    "Random Forests", Machine Learning 45 (2001), section 10; Fisher, Rudin, Dominici, JMLR 20 (2019), 177.

    Parameters
    ----------
    score : callable
        Takes data and returns the score, where a higher one is better; give an error, such as RMSE, with a minus. It is called
        ``1 + n_features * repeats`` times.
    data : Table, array or any other
    permute : callable
        Takes data, a feature's position and a generator, and returns new data with that feature permuted: ``permute_column`` for a
        Table, ``permute_feature`` for an array or CSR matrix.
    n_features : int
    repeats : int
        How many permutations of each feature.
    seed : int

    Returns
    -------
    means, stds : float64 array, shape (n_features,)
        The mean importance over the repeats, and its standard deviation.
    """
    unchanged = score(data)
    falls = np.array(
        [
            [unchanged - score(permute(data, feature, np.random.default_rng([seed, feature, repeat]))) for repeat in range(repeats)]
            for feature in range(n_features)
        ],
        dtype=np.float64,
    ).reshape(n_features, repeats)
    return falls.mean(axis=1), falls.std(axis=1)


def permute_column(table: Table, position: int, rng: np.random.Generator) -> Table:
    """Permute one column of a table among the rows; the others are shared with the table given."""
    columns = list(table.columns)
    columns[position] = columns[position].take(rng.permutation(len(table)))
    return type(table)(columns, table.name)


def permute_feature(x: Inputs, position: int, rng: np.random.Generator) -> Inputs:
    """Permute one feature of an array (n, n_in) or of a CSR matrix among the rows, in a copy."""
    permutation = rng.permutation(x.shape[0])
    if not is_sparse(x):
        permuted = np.array(x)
        permuted[:, position] = permuted[permutation, position]
        return permuted
    return _permute_sparse_feature(x, position, permutation)


def _permute_sparse_feature(x: Inputs, position: int, permutation: Indices) -> Inputs:
    """Move the entries of one column of a sparse matrix to other rows."""
    columns = x.tocsc(copy=True)  # type: ignore[union-attr]
    entries = slice(columns.indptr[position], columns.indptr[position + 1])
    columns.indices[entries] = np.argsort(permutation)[columns.indices[entries]]
    columns.has_sorted_indices = False
    return columns.tocsr()
