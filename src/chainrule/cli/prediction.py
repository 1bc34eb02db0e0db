"""One prediction: a label and its confidence, or values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._format import format_fraction
from ..errors import DataError
from .scores import format_confidence, outputs_are_probabilities
from .task import is_classifier

if TYPE_CHECKING:
    from .._types import Array, Inputs
    from ..network import Network


@dataclass(frozen=True)
class Prediction:
    """The prediction for one row.

    Attributes
    ----------
    outputs : array, shape (n_out,)
    label : int or None
        None where the network predicts values.
    confidence : float or None
        The label's own output.
    kind : str
        probability, where the outputs are one distribution; else output.
    """

    outputs: Array
    label: int | None
    confidence: float | None
    kind: str

    @classmethod
    def from_outputs(cls, network: Network, outputs: Array) -> Prediction:
        """Read a row of outputs (n_out,)."""
        if not is_classifier(network):
            return cls(outputs, None, None, "value")
        kind = "probability" if outputs_are_probabilities(network) else "output"
        label = int(outputs.argmax()) if len(outputs) > 1 else int(outputs[0] > 0.5)
        return cls(outputs, label, float(outputs[label if len(outputs) > 1 else 0]), kind)

    def to_json(self, with_outputs: bool) -> dict[str, Any]:
        """Give the entries of a JSON object."""
        outputs = {"outputs": self.outputs} if with_outputs else {}
        if self.label is not None:
            return {"label": self.label, self.kind: self.confidence, **outputs}
        if len(self.outputs) == 1:
            return {"value": self.outputs[0], **outputs}
        return {"values": self.outputs, **outputs}

    def to_text(self, with_outputs: bool) -> str:
        """Give a line for people."""
        if self.label is None or self.confidence is None:
            return " ".join(f"{value:.6g}" for value in self.outputs)
        outputs = "  outputs " + " ".join(format_fraction(value) for value in self.outputs) if with_outputs else ""
        return f"{self.label}  {format_confidence(self.kind, self.confidence)}{outputs}"


def compute_outputs(network: Network, x: Inputs, file: str) -> Array:
    """Give the outputs (n, n_out) for rows x (n, n_in); ``file`` names them in an error.

    Raises
    ------
    DataError
        When the outputs of a row are NaN.
    """
    inputs: Any = x
    outputs = network.feedforward(inputs)
    nan_rows = np.flatnonzero(np.isnan(outputs).any(axis=1))
    if len(nan_rows):
        row = file if len(outputs) == 1 else f"{file}[{nan_rows[0]}]"
        raise DataError(f"{row}: the network's outputs are NaN for this row; its numbers are too large")
    return outputs
