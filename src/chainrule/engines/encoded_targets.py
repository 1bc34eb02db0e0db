"""What the examples' y asks of a network, read once for all engines."""

from __future__ import annotations

import numpy as np

from .._arrays import in_dtype
from .._types import Array, Indices
from ..calculus.activations import ACTIVATIONS, Activation
from ..calculus.feedforward import decision
from ..examples import Examples
from ..plan import Plan, targets_for


class EncodedTargets:
    """Targets as one kind of network sees them.

    Attributes
    ----------
    labels : array of int, shape (n,), or None
        The class of each example, where y says labels.
    values : array, shape (n, n_out), or None
        The targets in the plan's dtype, where y says those.
    classes : array of int, shape (n,), or None
        What counts as right: the labels, or what one-hot or yes-or-no targets stand for; None where there are no classes.
    """

    def __init__(self, examples: Examples, plan: Plan) -> None:
        targets = targets_for(examples, plan)
        self.labels: Indices | None = targets.labels
        self.values: Array | None = None if targets.values is None else in_dtype("y", targets.values, np.dtype(plan.dtype))
        self.classes = targets.labels if self.values is None else _classes(self.values, plan.sigmas[-1])


def _classes(y: Array, output: Activation) -> Indices | None:
    """Give the classes that target rows stand for: one-hot rows, or 0 and 1 for one sigmoid output; None for values."""
    if y.shape[1] == 1:
        return decision(y, output) if output is ACTIVATIONS["sigmoid"] and bool(np.isin(y, (0, 1)).all()) else None
    one_hot = bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())
    return y.argmax(axis=1) if one_hot else None
