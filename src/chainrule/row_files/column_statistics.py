"""The mean, the spread and the limits of columns, measured in parts that are merged (Chan, Golub and LeVeque 1979), in float64."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._types import AnyArray

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ColumnStatistics:
    """What is measured of some columns over n rows.

    Attributes
    ----------
    n : int
    mean : float64 array, shape (columns,)
    squares : float64 array, shape (columns,)
        The sum of the squared deviations from the mean.
    least, most : float64 arrays, shape (columns,)
    fraction : float64 array, shape (columns,)
        A number that is not whole; NaN where all are.
    """

    n: int
    mean: Floats
    squares: Floats
    least: Floats
    most: Floats
    fraction: Floats

    @classmethod
    def of(cls, columns: Iterable[AnyArray]) -> ColumnStatistics:
        """Measure columns of one length, each (n,) of finite numbers."""
        measured, n = [], 0
        for values in columns:
            column = values.astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):  # numbers near float64's limits; who divides by the spread checks it
                mean = column.mean()
                column -= mean
                column *= column  # not by BLAS, whose threads would take cores from the training
                squares = column.sum()
            measured.append((mean, squares, values.min(), values.max(), _first_fraction(values)))
            n = len(values)
        return cls(n, *np.array(measured, np.float64).T)

    @property
    def deviation(self) -> Floats:
        """The standard deviation of each column; exactly 0 where it is constant."""
        return np.where(self.least == self.most, 0.0, np.sqrt(self.squares / self.n))


def _first_fraction(values: AnyArray) -> float:
    """Give the first number that is not whole; NaN where all are."""
    if values.dtype.kind != "f":
        return np.nan
    for some in (values[:64], values):  # most columns have one among the first numbers
        fractions = np.flatnonzero(some != np.floor(some))
        if fractions.size:
            return float(some[fractions[0]])
    return np.nan


def merge(a: ColumnStatistics, b: ColumnStatistics) -> ColumnStatistics:
    """Merge what was measured over two parts of the rows."""
    n = a.n + b.n
    with np.errstate(over="ignore", invalid="ignore"):
        difference = b.mean - a.mean
        mean = a.mean + difference * (b.n / n)
        squares = a.squares + b.squares + difference**2 * (a.n * (b.n / n))
    fraction = np.where(np.isnan(a.fraction), b.fraction, a.fraction)
    return ColumnStatistics(n, mean, squares, np.minimum(a.least, b.least), np.maximum(a.most, b.most), fraction)
