"""Explain a table model's answer for one row: what each column adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from ..errors import DataError
from .attribution import integrated_gradients

if TYPE_CHECKING:
    from ..network import Network
    from ..table_model import TableModel
    from ..tables.table import Table


@dataclass(frozen=True)
class Contribution:
    """What a column adds to an answer.

    Attributes
    ----------
    column, kind : str
    value : object
        The column's value in the row; None for a gap.
    adds : float
        In the unit of the answer: a probability, or the target's unit.
    """

    column: str
    kind: str
    value: Any
    adds: float


@dataclass(frozen=True)
class RowExplanation:
    """An answer, and the contributions that lead to it from the answer for a baseline row.

    Attributes
    ----------
    answer : object
        The predicted class or value.
    result, baseline : float
        For the row and for the baseline row: the probability of the predicted class, or the value. The baseline row has the median
        of each number, and no category.
    contributions : tuple of Contribution
        The largest first; they add up to ``result - baseline``, to the error of the numerical integral.
    """

    answer: Any
    result: float
    baseline: float
    contributions: tuple[Contribution, ...]


def explain_row(model: TableModel, row: Table) -> RowExplanation:
    """Explain the answer for a table of one row, whose columns have the kinds of ``model.preprocessing.input_kinds``.

    Raises
    ------
    DataError
        When the table has other than one row, or does not suit the model.
    """
    if len(row) != 1:
        raise DataError(f"explain_row takes one row; the table has {len(row)}")
    x = _dense(model.preprocessing.apply(row))[0]
    baseline = model.preprocessing.baseline().astype(np.float64)
    outputs = model.outputs_of_prepared(np.stack([x, baseline]).astype(np.float32))
    position = int(outputs[0].argmax()) if model.is_classifier else 0
    parts = np.mean([_contributions(network, x, baseline, position) for network in model.networks], axis=0)
    unit = 1.0 if model.is_classifier else float(model.target.scale)  # type: ignore[union-attr]
    contributions = [
        Contribution(name, row[name].kind, row.column(name)[0], unit * float(parts[features].sum()))
        for name, features in model.preprocessing.groups.items()
    ]
    result, base = (_in_unit(model, outputs[k, position]) for k in (0, 1))
    order = sorted(contributions, key=lambda part: -abs(part.adds))
    return RowExplanation(model.decode(outputs[:1])[0], result, base, tuple(order))


def _in_unit(model: TableModel, output: float) -> float:
    """Give an output as a probability, or as a value in the target's unit, without the limits of the training rows."""
    target: Any = model.target
    return float(output) if model.is_classifier else float(output * target.scale + target.mean)


def _contributions(network: Network, x: Array, baseline: Array, output: int) -> Array:
    weights = [w.astype(np.float64) for w in network.weights]
    biases = [b.astype(np.float64) for b in network.biases]
    return integrated_gradients(weights, biases, network.plan.sigmas, x, baseline, output)


def _dense(x: Any) -> Array:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float64)
