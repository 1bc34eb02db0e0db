"""The targets and weights of examples in the form that engines compute with, for all engines."""

from __future__ import annotations

import numpy as np

from .._arrays import cast_floats
from .._types import Array, Indices
from ..calculus.activations import ACTIVATIONS, Activation
from ..calculus.feedforward import decision
from ..examples import Examples
from ..plan import Plan, targets_for


class EncodedTargets:
    """The targets of examples, for networks of one kind.

    Attributes
    ----------
    labels : array of int, shape (n,), or None
        The class of each example, if y holds labels.
    values : array, shape (n, n_out), or None
        The targets in the plan's dtype, if y holds targets.
    classes : array of int, shape (n,), or None
        The correct class of each example: its label, or the class that a one-hot row, or 0 or 1 for one sigmoid output, stands for.
        None without classes.
    """

    def __init__(self, examples: Examples, plan: Plan) -> None:
        targets = targets_for(examples, plan)
        self.labels: Indices | None = targets.labels
        self.values: Array | None = None if targets.values is None else cast_floats("y", targets.values, np.dtype(plan.dtype))
        self.classes = targets.labels if self.values is None else _classes(self.values, plan.sigmas[-1])


def _classes(y: Array, output: Activation) -> Indices | None:
    """Give the classes that target rows stand for: one-hot rows, or 0 and 1 for one sigmoid output; None for values."""
    if y.shape[1] == 1:
        return decision(y, output) if output is ACTIVATIONS["sigmoid"] and bool(np.isin(y, (0, 1)).all()) else None
    one_hot = bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())
    return y.argmax(axis=1) if one_hot else None


def check_evaluated_weight(total: float) -> None:
    """Refuse an evaluation of no rows, or of rows that weigh nothing together."""
    if not total:
        raise ValueError("an evaluation needs rows whose weights are not all 0")


def relative_weights(examples: Examples) -> tuple[Array | None, float]:
    """Give each example's weight divided by the largest, in float64, and the largest; None and 1 where all count alike.

    Only the ratio of weights changes a step. Relative to the largest they fit into any dtype; sums of costs and gradients are
    multiplied by the largest afterwards.
    """
    if examples.weights is None:
        return None, 1.0
    largest = examples.largest_weight
    return examples.weights / largest, largest
