"""The evaluation of a model: its score, the confusion matrix, and its errors, the largest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .evaluation_data import EvaluationData
from .scores import Score, compute_score, outputs_are_probabilities, outputs_of

if TYPE_CHECKING:
    from .._types import AnyArray, Array, Indices
    from ..network import Network


@dataclass(frozen=True)
class LabelEvaluation:
    """The evaluation of a model of classes.

    Attributes
    ----------
    data : EvaluationData
    score : Score
    outputs : array, shape (n, n_out)
    true, predicted : int arrays, shape (n,)
        The labels.
    margin : array, shape (n,)
        By how much the predicted label's output exceeds the true label's.
    errors : array of int
        The examples whose label is wrong, the largest margin first.
    output_kind : {"probability", "output"}
        probability where the outputs of an example are one distribution.
    """

    data: EvaluationData
    score: Score
    outputs: Array
    true: Indices
    predicted: Indices
    margin: AnyArray
    errors: Indices
    output_kind: str

    @property
    def confusion(self) -> Indices:
        """The confusion matrix: true label (row), predicted (column)."""
        return confusion_matrix(self.true, self.predicted)

    def confidence(self, k: int) -> float:
        """Give the output of the predicted label of an example, or a network's only output."""
        return float(self.outputs[k, 0] if self.outputs.shape[1] == 1 else self.outputs[k, self.predicted[k]])


@dataclass(frozen=True)
class ValueEvaluation:
    """The evaluation of a model of values.

    Attributes
    ----------
    data : EvaluationData
    score : Score
    outputs : array, shape (n, n_out)
    distance : array, shape (n,)
        Distance of the outputs from the targets, summed over the outputs.
    errors : array of int
        All examples, the largest distance first.
    """

    data: EvaluationData
    score: Score
    outputs: Array
    distance: AnyArray
    errors: Indices


def evaluate_network(network: Network, data: EvaluationData) -> LabelEvaluation | ValueEvaluation:
    """Compare a network's outputs with the labels or targets."""
    score = compute_score(network, data.examples)
    outputs, y = outputs_of(network, data.examples), data.examples.y
    assert y is not None  # noqa: S101  # compute_score requires it
    if score.accuracy is not None:
        return _evaluate_labels(network, data, score, outputs, y)
    distance = np.abs(outputs - y.reshape(outputs.shape)).sum(axis=1)
    return ValueEvaluation(data, score, outputs, distance, np.argsort(-distance, kind="stable"))


def _evaluate_labels(network: Network, data: EvaluationData, score: Score, outputs: Array, y: AnyArray) -> LabelEvaluation:
    kind = "probability" if outputs_are_probabilities(network) else "output"
    if outputs.shape[1] == 1:
        true = y.reshape(-1).astype(np.intp)
        predicted = (outputs[:, 0] > 0.5).astype(np.intp)
        margin = np.abs(outputs[:, 0] - true)
    else:
        true = y.argmax(axis=1) if y.ndim == 2 else y.astype(np.intp)
        predicted = outputs.argmax(axis=1)
        rows = np.arange(len(true))
        margin = outputs[rows, predicted] - outputs[rows, true]
    wrong = np.flatnonzero(true != predicted)
    errors = wrong[np.argsort(-margin[wrong], kind="stable")]
    return LabelEvaluation(data, score, outputs, true, predicted, margin, errors, kind)


def confusion_matrix(true: Indices, predicted: Indices) -> Indices:
    """Count how often each true label (row) was predicted as each label (column).

    Examples
    --------
    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]))
    array([[1, 0],
           [1, 1]])
    """
    classes = 1 + int(max(true.max(), predicted.max()))
    counts: Indices = np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    return counts
