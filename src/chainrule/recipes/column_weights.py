"""Weights of a table's columns, by how much a forest of randomized trees uses each: a network learns large columns sooner.

The prepared columns are multiplied by their weights for the training. Afterwards the weights are folded into the first layer,
``w (c x) = (w c) x``, so that the model takes the prepared columns as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._types import AnyArray, Array, Indices, is_sparse
from ..engines import Threads, thread_count
from ..network import Network
from ..tables.column import Column
from ..tables.table import Table

TREES = 20
DEPTH = 10
LEAF = 3
MOST_ROWS = 4_000
"""A forest of more rows orders the columns in the same way, in more time."""

LEAST_IMPORTANCE = 0.1
"""Of the mean importance: the least that a column counts, so that none is shut out."""

POWER = 0.5


def column_weights(
    table: Table,
    groups: Mapping[str, AnyArray],
    y: AnyArray,
    n_features: int,
    seed: int,
    *,
    classes: bool,
    threads: Threads = "auto",
) -> Array:
    """Give the weight of each prepared feature: float32 (n_features,), whose mean square is 1.

    A column's features all have the weight ``max(importance / mean importance, 0.1)^0.5``, where the importance is the mean
    decrease of impurity in extremely randomized trees (Geurts et al. 2006). Columns of text, which the trees do not take, have the
    mean's.

    Parameters
    ----------
    table : Table
        Training rows: all, or those of ``forest_rows``.
    groups : mapping of str to int array
        The features of each column.
    y : array, shape (n,)
        Positions of classes, or values.
    n_features : int
    seed : int
        Of the forest.
    classes : bool
        Whether ``y`` are classes.
    threads : int or "auto"
        The number of threads that fit the trees; it changes no number.
    """
    names = [name for name in groups if table[name].kind != "text"]
    weights = np.ones(n_features)
    if len(names) > 1:
        importance = _importance(table, names, y, seed, classes=classes, n_jobs=thread_count(threads))
        if importance.sum() > 0:
            relative = np.maximum(importance / importance.mean(), LEAST_IMPORTANCE) ** POWER
            for name, weight in zip(names, relative, strict=True):
                weights[groups[name]] = weight
    result: Array = (weights / np.sqrt(np.mean(weights**2))).astype(np.float32)
    return result


def forest_rows(n: int, seed: int) -> Indices:
    """Draw the rows of a training's table that the forest is fitted to, at most ``MOST_ROWS``, in a random order."""
    return np.random.default_rng(seed).permutation(n)[:MOST_ROWS].copy()  # without the memory of all n


def _importance(table: Table, names: list[str], y: AnyArray, seed: int, *, classes: bool, n_jobs: int) -> AnyArray:
    """Fit a forest, and give each column's mean decrease of impurity."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    columns = np.column_stack([_as_numbers(table[name]) for name in names])
    forest: Any = (ExtraTreesClassifier if classes else ExtraTreesRegressor)(
        TREES, max_depth=DEPTH, min_samples_leaf=LEAF, max_features=None, random_state=seed % 2**32, n_jobs=n_jobs
    )
    return forest.fit(columns, y).feature_importances_


def _as_numbers(column: Column) -> AnyArray:
    """Give a column as the forest takes it: float32, categories by their position, gaps as they are."""
    numbers = (column.data.view(np.int64) if column.kind == "date" else column.data).astype(np.float64)
    numbers[column.missing] = np.nan
    scale = np.nanmax(np.abs(numbers), initial=1.0)
    return (numbers / scale).astype(np.float32)  # a forest is not changed by a scale, and float32 holds no 1e300


def multiply_features(x: Any, weights: Array) -> None:
    """Multiply each column of x, dense or CSR float32 (n, n_features), in place."""
    if is_sparse(x):
        x.data *= weights[x.indices]
    else:
        x *= weights


def fold_into_inputs(network: Network, weights: Array) -> None:
    """Let a network that was trained on multiplied features take them as they are."""
    network.weights[0] *= weights
