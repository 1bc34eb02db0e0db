"""The quality of a table's model on some rows, beside a baseline that knows the target's distribution only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._format import format_fraction, percent
from ..plotting.metrics import area_under_roc, roc_points
from ..tables.target import ClassTarget
from .scores import r_squared, root_mean_square

if TYPE_CHECKING:
    from .._types import AnyArray, Array, Indices
    from ..plan import Floats
    from ..table_model import TableModel
    from ..tables.column import Column
    from ..tables.table import Table

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class ClassScore:
    """The score of predicted classes.

    Attributes
    ----------
    accuracy, baseline : float
        Fractions; the baseline always predicts the most frequent class of these rows.
    log_loss : float
        The mean of ``-log`` of the true class's probability.
    auc : float or None
        The area under the ROC curve; None where there are not exactly two classes in these rows.
    calibration_error : float
        The mean distance of the predicted class's probability from its accuracy, over ten bins of equal width.
    """

    accuracy: float
    baseline: float
    log_loss: float
    auc: float | None
    calibration_error: float

    def __str__(self) -> str:
        auc = "" if self.auc is None else f", AUC {format_fraction(self.auc)}"
        return (
            f"accuracy {percent(self.accuracy)} (most frequent class: {percent(self.baseline)}), log loss {self.log_loss:.4g}{auc}"
        )

    def to_json(self) -> dict[str, Any]:
        """Give the entries of a JSON object."""
        return {
            "test_accuracy": self.accuracy,
            "test_baseline": self.baseline,
            "test_log_loss": self.log_loss,
            "test_auc": self.auc,
            "test_calibration_error": self.calibration_error,
        }


@dataclass(frozen=True)
class ValueScore:
    """The score of predicted values.

    Attributes
    ----------
    rmse, mae : float
        In the target's unit.
    r2 : float or None
        None where the target does not vary.
    baseline : float
        The RMSE of a prediction that is always the mean of these rows.
    """

    rmse: float
    mae: float
    r2: float | None
    baseline: float

    def __str__(self) -> str:
        r2 = "" if self.r2 is None else f", R^2 {format_fraction(self.r2)}"
        return f"RMSE {self.rmse:.5g} (the mean: {self.baseline:.5g}), mean absolute error {self.mae:.5g}{r2}"

    def to_json(self) -> dict[str, Any]:
        """Give the entries of a JSON object."""
        return {"test_rmse": self.rmse, "test_mae": self.mae, "test_r2": self.r2, "test_baseline": self.baseline}


def score_of(model: TableModel, table: Table, column: Column) -> ClassScore | ValueScore:
    """Score a model on some rows and their target."""
    outputs, target = model.outputs(table), model.target
    if isinstance(target, ClassTarget):
        return class_score(outputs, target.encode(column))
    return value_score(target.decode(outputs[:, 0]), target.values_of(column))


def class_score(probabilities: Array, y: Indices) -> ClassScore:
    """Score probabilities (n, n_classes) of true classes (n,)."""
    rows = np.arange(len(y))
    counts = np.bincount(y)
    predicted = probabilities.argmax(axis=1)
    true_probability = np.maximum(probabilities[rows, y], np.finfo(np.float64).tiny)
    auc = None
    if probabilities.shape[1] == 2 and counts.size == 2 and counts.min() > 0:
        auc = area_under_roc(roc_points(y, probabilities[:, 1]))
    return ClassScore(
        accuracy=float(np.mean(predicted == y)),
        baseline=float(counts.max() / len(y)),
        log_loss=float(-np.log(true_probability).mean()),
        auc=auc,
        calibration_error=calibration_error(probabilities[rows, predicted], predicted == y),
    )


def calibration_error(confidence: Array, right: AnyArray) -> float:
    """Give the expected calibration error: ``sum_b n_b / n |mean confidence - accuracy|`` over bins (Guo et al. 2017).

    Examples
    --------
    >>> round(calibration_error(np.array([0.9, 0.9, 0.6]), np.array([True, False, True])), 3)
    0.4
    """
    position = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    count = np.bincount(position, minlength=CALIBRATION_BINS)
    excess = np.bincount(position, weights=confidence - right, minlength=CALIBRATION_BINS)
    return float(np.abs(excess).sum() / count.sum())


def value_score(predicted: Floats, true: Floats) -> ValueScore:
    """Score predicted values (n,) of true ones (n,)."""
    error = predicted - true
    return ValueScore(
        rmse=root_mean_square(error),
        mae=float(np.abs(error).mean()),
        r2=r_squared(true[:, None], predicted[:, None]),
        baseline=root_mean_square(true - true.mean()),
    )
