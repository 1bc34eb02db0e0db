"""The pictures of ``train --plot`` and ``evaluate --plot``: which figure is drawn of what, and where it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plotting

if TYPE_CHECKING:
    from .._types import AnyArray, Array, Indices
    from ..history import History
    from .importance import Importance
    from .run_groups import RunGroup


def save_curves(path: Path, histories: Sequence[History]) -> list[Path]:
    """Draw cost and score over the epochs, with each network's best epoch; return the paths of the pictures."""
    plotting.save(plotting.curves(histories), path)
    return [path]


def save_runs(path: Path, groups: Sequence[RunGroup], folder: Path) -> list[Path]:
    """Draw the score of each run over its epochs; return the paths of the pictures."""
    names = [str(group.path.relative_to(folder)) if group.path != folder else group.path.name for group in groups]
    plotting.save(plotting.runs([[run.records for run in group.runs] for group in groups], names), path)
    return [path]


def save_class_plots(path: Path, confusion: Indices, names: Sequence[str], true: Indices, outputs: Array) -> list[Path]:
    """Draw the confusion matrix, and of two classes calibration and ROC of the second beside it; return the pictures' paths.

    ``outputs`` are (n, 2) or (n, 1) for two classes, and are not used for more.
    """
    plotting.save(plotting.confusion(confusion, names), path)
    if len(names) != 2 or len(set(true.tolist())) != 2:
        return [path]
    beside = path.with_name(f"{path.stem}-calibration{path.suffix}")
    plotting.save(plotting.calibration_and_roc(true, outputs[:, -1], names[1]), beside)
    return [path, beside]


def save_value_plot(path: Path, true: AnyArray, predicted: AnyArray, name: str) -> list[Path]:
    """Draw predicted against true values, and the residuals; return the picture's path."""
    plotting.save(plotting.values(true, predicted, name), path)
    return [path]


def save_importance_plot(path: Path, importance: Importance) -> list[Path]:
    """Draw how much the score falls with each column permuted; return the picture's path."""
    figure = plotting.importance(
        importance.names,
        importance.means,
        importance.stds,
        importance.score_name,
        higher_is_better=importance.score_name == "accuracy",
    )
    plotting.save(figure, path)
    return [path]
