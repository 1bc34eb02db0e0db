"""A table's columns brought to a common scale for training, and that scale folded into the network afterwards.

A network trains well on columns of mean 0 and size 1, and a user's rows have neither. The trained network can take the raw
columns all the same (``for_raw_columns``), and who loads the model need not know. In the same way an identity output can give the
target in its own units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .._types import CSR, AnyArray, Inputs, is_sparse
from ..calculus.feedforward import for_raw_columns
from ..errors import DataError
from ..examples import Examples
from ..plan import Floats

if TYPE_CHECKING:
    from ..network import Network

LEAST, MOST = 1e-290, 1e290  # of a column's size: a weight divided by it stays within float64


@dataclass(frozen=True)
class Scaling:
    """What brings columns to a common scale: ``(x - mean) / scale``.

    Attributes
    ----------
    mean, scale : float64 arrays, shape (n_in,)
        A constant column has the scale inf: it becomes 0, and so does its weight, for nothing can be learnt from it.
    """

    mean: Floats
    scale: Floats

    def apply(self, x: Inputs) -> Inputs:
        """Scale rows; a CSR matrix stays one."""
        if is_sparse(x):
            scaled = x.astype(np.float64)
            scaled.data = scaled.data / self.scale[scaled.indices]
            return scaled
        rows: AnyArray = (np.asarray(x) - self.mean) / self.scale
        return rows


def standardising(columns: AnyArray, name: str = "column") -> Scaling:
    """Find the mean and the standard deviation of each column of (n, n_in) values; ``name`` is what a message calls one."""
    columns = columns.astype(np.float64)
    constant = columns.max(axis=0) == columns.min(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is told by its column
        mean = columns.mean(axis=0)
        reach = np.where(constant, 1.0, np.abs(columns - mean).max(axis=0))
        spread = ((columns - mean) / reach).std(axis=0) * reach  # the squares of the values themselves may leave float64's range
    return Scaling(mean, _usable(np.where(constant, np.inf, spread), ~constant, name))


def by_largest(columns: CSR) -> Scaling:
    """Find the largest magnitude of each column of a CSR matrix; zeros stay zeros, so nothing is subtracted."""
    largest = np.zeros(columns.shape[1])
    np.maximum.at(largest, columns.indices, np.abs(columns.data.astype(np.float64)))
    return Scaling(np.zeros_like(largest), _usable(np.where(largest == 0, np.inf, largest), largest != 0, "column"))


def _usable(scale: Floats, varies: AnyArray, name: str) -> Floats:
    """Give the scales back, if a weight can be divided by each that ``varies``, in float64."""
    wrong = np.flatnonzero(varies & ~((scale >= LEAST) & (scale <= MOST)))
    if wrong.size:
        size = "small" if scale[wrong[0]] < LEAST else "large"
        raise DataError(
            f"{name} {wrong[0]} (from 0) holds numbers too {size} to scale; bring it to other units, within {LEAST:g} and {MOST:g}"
        )
    return scale


@dataclass(frozen=True)
class Scaled:
    """A table's parts as the network trains on them, and the scalings to fold into it afterwards.

    Attributes
    ----------
    train, validation : Examples
    inputs : Scaling or None
    outputs : Scaling or None
        Of the targets, where the network's output is the identity.
    """

    train: Examples
    validation: Examples
    inputs: Scaling | None = None
    outputs: Scaling | None = None

    def fold(self, network: Network) -> None:
        """Let a trained network take raw columns, and give targets in their own units."""
        if self.inputs is not None:
            w, b = network.weights[0], network.biases[0]
            w[...], b[...] = for_raw_columns(w, b, self.inputs.mean, self.inputs.scale)
        if self.outputs is not None:
            w, b = network.weights[-1], network.biases[-1]
            w[...] = self.outputs.scale[:, None] * w
            b[...] = self.outputs.scale * b + self.outputs.mean


def scale_table(train: Examples, validation: Examples, *, targets: bool) -> Scaled:
    """Scale a table's columns by what its training part shows, and with ``targets`` its values of y too."""
    inputs = by_largest(train.x) if is_sparse(train.x) else standardising(np.asarray(train.x))
    outputs = None
    if targets and train.y is not None:
        outputs = standardising(train.y.reshape(len(train), -1), "target column")
        outputs = replace(outputs, scale=np.where(np.isinf(outputs.scale), 1.0, outputs.scale))  # it has to be found again
    return Scaled(_through(train, inputs, outputs), _through(validation, inputs, outputs), inputs, outputs)


def _through(examples: Examples, inputs: Scaling, outputs: Scaling | None) -> Examples:
    y = examples.y
    if outputs is not None and y is not None:
        y = np.asarray(outputs.apply(y.reshape(len(examples), -1))).reshape(y.shape)
    return Examples(inputs.apply(examples.x), y, weights=examples.weights)
