"""Fixed splits of a data set: for each seed the rows of its training part, and of its test part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.tables.data_sets import DataSet

TEST_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """One split: two frames without the target, and the target of each."""

    train: pd.DataFrame
    train_target: pd.Series
    test: pd.DataFrame
    test_target: pd.Series


def split(data_set: DataSet, frame: pd.DataFrame, seed: int) -> Split:
    """Split a data set's frame: the same rows for the same seed, in every process."""
    train, test = split_rows(data_set, frame, seed)
    inputs, target = frame.drop(columns=data_set.target), frame[data_set.target]
    return Split(*(part.iloc[rows].reset_index(drop=True) for rows in (train, test) for part in (inputs, target)))


def split_rows(data_set: DataSet, frame: pd.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the rows of the training and the test part: whole groups, a share of each class, or any rows."""
    rng = np.random.default_rng(seed)
    if data_set.groups is not None:
        test = in_drawn_groups(np.asarray(data_set.groups(frame)), rng)
    elif data_set.task == "classes":
        test = in_each_class(frame[data_set.target].to_numpy(), rng)
    else:
        test = share_of(np.arange(len(frame)), rng)
    return np.setdiff1d(np.arange(len(frame)), test), test


def share_of(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw ``TEST_SHARE`` of the rows, at least one, in ascending order."""
    return np.sort(rng.permutation(rows)[: max(1, round(TEST_SHARE * len(rows)))])


def in_each_class(classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw ``TEST_SHARE`` of each class's rows."""
    codes = pd.factorize(classes, sort=True)[0]
    return np.sort(np.concatenate([share_of(np.flatnonzero(codes == code), rng) for code in range(codes.max() + 1)]))


def in_drawn_groups(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw ``TEST_SHARE`` of the groups, and take all rows of them."""
    return np.flatnonzero(np.isin(groups, share_of(np.unique(groups), rng)))
