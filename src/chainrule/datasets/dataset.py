"""A data set split into training, validation and test examples."""

from __future__ import annotations

from dataclasses import dataclass

from ..examples import Examples


@dataclass(frozen=True)
class Dataset:
    """Examples for training, for choosing settings (validation), and for the final evaluation (test).

    Attributes
    ----------
    name : str
        The data set's name.
    train, validation, test : Examples
        Disjoint examples with the same columns.

    Examples
    --------
    >>> part = Examples(np.eye(3), [0, 1, 2])
    >>> Dataset("three corners", part, part[:1], part[:2])
    Dataset(three corners: 3 train, 1 validation, 2 test; 3 columns of float64, labels 0..2)
    """

    name: str
    train: Examples
    validation: Examples
    test: Examples

    def __repr__(self) -> str:
        train = self.train
        sizes = f"{len(train):,} train, {len(self.validation):,} validation, {len(self.test):,} test"
        columns = f"{train.n_in} pixels" if train.kind == "pixels" else f"{train.n_in} columns of {train.x.dtype}"
        y = train.y
        labelled = y is not None and y.ndim == 1 and y.dtype.kind in "iu"
        outcome = f"labels {y.min()}..{y.max()}" if y is not None and labelled else "targets"
        return f"Dataset({self.name}: {sizes}; {columns}, {outcome})"
