"""The quality of a network on some data: accuracy, cost, R^2 and RMSE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._format import format_fraction, percent

if TYPE_CHECKING:
    from .._types import Array
    from ..examples import Examples
    from ..network import Network
    from ..plan import Floats


@dataclass(frozen=True)
class Score:
    """The result of an evaluation.

    Attributes
    ----------
    cost : float
    accuracy : float or None
        A fraction, where y holds classes.
    r2 : float or None
        The coefficient of determination, where y holds values that vary.
    rmse : float or None
        The root of the mean squared error, in the target's unit, where y holds values.
    """

    cost: float
    accuracy: float | None
    r2: float | None
    rmse: float | None = None

    def __str__(self) -> str:
        if self.accuracy is not None:
            return f"accuracy {percent(self.accuracy)}"
        r2 = [] if self.r2 is None else [f"R^2 {format_fraction(self.r2)}"]
        rmse = [] if self.rmse is None else [f"RMSE {self.rmse:.5g} in the target's unit"]
        return ", ".join([f"cost {self.cost:.5g}", *r2, *rmse])


def compute_score(network: Network, examples: Examples) -> Score:
    """Evaluate a network.

    Raises
    ------
    DataError
        When the examples do not suit it.
    """
    evaluation = network.evaluate(examples)
    if evaluation.accuracy is not None:
        return Score(evaluation.cost, evaluation.accuracy, None)
    assert examples.y is not None  # noqa: S101  # network.evaluate requires it
    a = outputs_of(network, examples).astype(np.float64)
    y = np.asarray(examples.y, dtype=np.float64).reshape(a.shape)
    return Score(evaluation.cost, None, r_squared(y, a), root_mean_square(y - a))


def r_squared(y: Floats, a: Floats) -> float | None:
    """Give ``R^2 = 1 - sum (y - a)^2 / sum (y - mean y)^2``, over all of (n, n_out); None where y does not vary."""
    deviation = root_mean_square(y - y.mean(axis=0))
    return 1 - (root_mean_square(y - a) / deviation) ** 2 if deviation > 0 else None


def root_mean_square(values: Floats) -> float:
    """Give ``sqrt(mean values^2)`` without forming the squares, which may leave float64's range.

    Examples
    --------
    >>> root_mean_square(np.array([3e200, -3e200]))
    3e+200
    """
    largest = float(np.abs(values).max())
    return largest * float(np.sqrt(np.square(values / largest).mean())) if largest > 0 else 0.0


def outputs_are_probabilities(network: Network) -> bool:
    """Whether the outputs are one distribution over the labels."""
    return network.plan.sigmas[-1].name == "softmax"


def format_confidence(kind: str, value: float) -> str:
    """Format a label's confidence: its probability, or its output where that is not a probability.

    Examples
    --------
    >>> format_confidence("probability", 0.9712), format_confidence("output", 0.9712)
    ('probability 97.12 %', 'output 0.9712')
    """
    return f"probability {percent(value)}" if kind == "probability" else f"output {format_fraction(value)}"


def outputs_of(network: Network, examples: Examples) -> Array:
    """Give the outputs (n, n_out) for examples of any kind."""
    x: Any = examples.x
    return network.feedforward(x)
