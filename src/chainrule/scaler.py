"""Scale columns to a common size before a training, and fold that scale into the trained network.

A network trains well on columns of mean 0 and standard deviation 1, and users' columns have neither. A layer is linear before its
activation, so a trained network can absorb the scale and take raw columns: it needs no scaler at prediction. In the same way an
identity output can give targets in their own units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ._types import CSR, AnyArray, Inputs, is_sparse
from .calculus.feedforward import for_raw_columns
from .errors import DataError
from .examples import Examples
from .network import Network
from .plan import Floats

SMALLEST_SCALE, LARGEST_SCALE = 1e-290, 1e290  # a weight divided by a scale within these stays finite in float64


@dataclass(frozen=True)
class ColumnScaler:
    """The transformation ``(x - mean) / scale`` of each column.

    Attributes
    ----------
    mean, scale : float64 arrays, shape (n_in,)
        A constant column has the scale inf: the column and its weights become 0, since it carries no information.
    """

    mean: Floats
    scale: Floats

    def transform(self, x: Inputs) -> Inputs:
        """Scale rows; a CSR matrix stays CSR, and its mean is not subtracted."""
        if is_sparse(x):
            scaled = x.astype(np.float64)
            scaled.data = scaled.data / self.scale[scaled.indices]
            return scaled
        rows: AnyArray = (np.asarray(x) - self.mean) / self.scale
        return rows

    def fold_into_inputs(self, network: Network) -> None:
        """Let a network that was trained on scaled columns take raw columns.

        The network's dtype becomes float64: the mean of a column may be far above its spread. Its arrays are replaced, not
        written to, because they may be views of an estimator's ``coefs_``.
        """
        w, b = for_raw_columns(network.weights[0], network.biases[0], self.mean, self.scale)
        network.plan = replace(network.plan, dtype="float64")
        network.weights = [w, *(part.astype(np.float64) for part in network.weights[1:])]
        network.biases = [b, *(part.astype(np.float64) for part in network.biases[1:])]

    def fold_into_outputs(self, network: Network) -> None:
        """Let a network with an identity output, trained on scaled targets, give targets in their own units."""
        w, b = network.weights[-1], network.biases[-1]
        network.weights[-1] = self.scale[:, None] * w
        network.biases[-1] = self.scale * b + self.mean


def fit_standard_scaler(columns: AnyArray, name: str = "column") -> ColumnScaler:
    """Measure the mean and the standard deviation of each column.

    Parameters
    ----------
    columns : array, shape (n, n_in)
    name : str
        The word for a column in an error message.

    Raises
    ------
    DataError
        When a standard deviation is too small or too large to divide by.
    """
    columns = columns.astype(np.float64)
    constant = columns.max(axis=0) == columns.min(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is reported below, with the number of its column
        mean = columns.mean(axis=0)
        reach = np.where(constant, 1.0, np.abs(columns - mean).max(axis=0))
        deviation = ((columns - mean) / reach).std(axis=0) * reach  # the squares of unscaled values may leave float64's range
    return ColumnScaler(mean, check_scale(np.where(constant, np.inf, deviation), ~constant, name))


def fit_max_abs_scaler(columns: CSR) -> ColumnScaler:
    """Measure the largest magnitude of each column of a CSR matrix; the mean is 0, so that zeros stay zeros.

    Raises
    ------
    DataError
        When a magnitude is too small or too large to divide by.
    """
    largest = np.zeros(columns.shape[1])
    np.maximum.at(largest, columns.indices, np.abs(columns.data.astype(np.float64)))
    scale = check_scale(np.where(largest == 0, np.inf, largest), largest != 0, "column")
    return ColumnScaler(np.zeros_like(largest), scale)


def check_scale(scale: Floats, varies: AnyArray, name: str) -> Floats:
    """Return the scales.

    Raises
    ------
    DataError
        When the scale of a column that ``varies`` is too small or too large to divide by.
    """
    wrong = np.flatnonzero(varies & ~((scale >= SMALLEST_SCALE) & (scale <= LARGEST_SCALE)))
    if wrong.size:
        size = "small" if scale[wrong[0]] < SMALLEST_SCALE else "large"
        raise DataError(
            f"{name} {wrong[0]} (from 0) holds numbers too {size} to scale; bring it to other units, within {SMALLEST_SCALE:g} "
            f"and {LARGEST_SCALE:g}"
        )
    return scale


@dataclass(frozen=True)
class ScaledTable:
    """A table's training and validation rows as the network trains on them, with the scalers to fold into it afterwards.

    Attributes
    ----------
    train, validation : Examples
    inputs : ColumnScaler or None
    outputs : ColumnScaler or None
        Of the targets, where the network's output is the identity.
    """

    train: Examples
    validation: Examples
    inputs: ColumnScaler | None = None
    outputs: ColumnScaler | None = None

    def scaled(self, examples: Examples) -> Examples:
        """Scale other rows of the table as these are."""
        return examples if self.inputs is None else _scale_examples(examples, self.inputs, self.outputs)

    def fold(self, network: Network) -> None:
        """Let the trained network take raw columns, and give targets in their own units."""
        if self.inputs is not None:
            self.inputs.fold_into_inputs(network)
        if self.outputs is not None:
            self.outputs.fold_into_outputs(network)


def scale_table(train: Examples, validation: Examples, *, targets: bool) -> ScaledTable:
    """Scale both parts of a table by the columns of its training part; with ``targets``, scale the values of y too."""
    inputs = fit_max_abs_scaler(train.x) if is_sparse(train.x) else fit_standard_scaler(np.asarray(train.x))
    outputs = None
    if targets and train.y is not None:
        outputs = fit_standard_scaler(train.y.reshape(len(train), -1), "target column")
        outputs = replace(outputs, scale=np.where(np.isinf(outputs.scale), 1.0, outputs.scale))  # so that it can be inverted
    return ScaledTable(_scale_examples(train, inputs, outputs), _scale_examples(validation, inputs, outputs), inputs, outputs)


def _scale_examples(examples: Examples, inputs: ColumnScaler, outputs: ColumnScaler | None) -> Examples:
    y = examples.y
    if outputs is not None and y is not None:
        y = np.asarray(outputs.transform(y.reshape(len(examples), -1))).reshape(y.shape)
    return Examples(inputs.transform(examples.x), y, weights=examples.weights)
