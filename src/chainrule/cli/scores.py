"""How good a network is on some data: one small result for every command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..progress import percent

if TYPE_CHECKING:
    from .._types import Array
    from ..examples import Examples
    from ..network import Network


@dataclass(frozen=True)
class Score:
    """What an evaluation gave.

    Attributes
    ----------
    cost : float
    accuracy : float or None
        A fraction, where y holds classes.
    r2 : float or None
        The coefficient of determination, where y holds values that vary.
    """

    cost: float
    accuracy: float | None
    r2: float | None

    def __str__(self) -> str:
        if self.accuracy is not None:
            return f"accuracy {percent(self.accuracy)}"
        return f"cost {self.cost:.5g}" + ("" if self.r2 is None else f", R^2 {self.r2:.4f}")


def score(network: Network, examples: Examples) -> Score:
    """Evaluate a network.

    Raises
    ------
    DataError
        When the examples do not suit it.
    """
    found = network.evaluate(examples)
    return Score(found.cost, found.accuracy, None if found.accuracy is not None else determination(network, examples))


def determination(network: Network, examples: Examples) -> float | None:
    """Give ``R^2 = 1 - sum (y - a)^2 / sum (y - mean y)^2``, over all outputs; None where y does not vary."""
    assert examples.y is not None  # noqa: S101  # an evaluation has seen it
    a = outputs_of(network, examples).astype(np.float64)
    y = np.asarray(examples.y, dtype=np.float64).reshape(a.shape)
    spread = float(((y - y.mean(axis=0)) ** 2).sum())
    return 1 - float(((y - a) ** 2).sum()) / spread if spread > 0 else None


def outputs_of(network: Network, examples: Examples) -> Array:
    """Give the outputs (n, n_out) for examples of any kind."""
    x: Any = examples.x
    return network.feedforward(x)
