"""``evaluate --importance``: how much a model's score falls when a column's values are permuted among the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plotting.metrics import permutation_importance, permute_column, permute_feature
from .output import print_line
from .scores import root_mean_square

if TYPE_CHECKING:
    from .._types import AnyArray
    from ..network import Network
    from ..plan import Floats
    from ..table_model import TableModel
    from .evaluation_data import EvaluationData
    from .table_evaluation import TableRows

REPEATS = 5
MAX_LINES = 30


@dataclass(frozen=True)
class Importance:
    """The permutation importance of each column.

    Attributes
    ----------
    names : list of str
    means, stds : array, shape (len(names),)
        By how much the score falls, over the repeats.
    score_name : str
        What falls: accuracy, or of values the negative RMSE.
    """

    names: list[str]
    means: Floats
    stds: Floats
    score_name: str

    @property
    def order(self) -> AnyArray:
        """The positions of the columns, the most important first."""
        return np.argsort(-self.means, kind="stable")


def importance_of_columns(model: TableModel, rows: TableRows) -> Importance:
    """Permute each column that a table's model takes."""
    names = list(model.preprocessing.input_kinds)
    table = type(rows.table)((rows.table[name] for name in names), rows.table.name)

    def score(data: Any) -> float:
        outputs = model.outputs(data)
        if model.is_classifier:
            return float(np.mean(outputs.argmax(axis=1) == rows.y))
        return -root_mean_square(model.decode(outputs) - rows.true)

    return _measure(score, table, permute_column, names, is_classifier=model.is_classifier)


def importance_of_inputs(network: Network, data: EvaluationData) -> Importance:
    """Permute each input of a network; inputs without names are numbered from 0."""
    from ..examples import Examples

    examples = data.examples
    columns = network.provenance.columns if network.provenance else []
    names = list(columns) or [f"input {k}" for k in range(examples.n_in)]
    is_classifier = network.evaluate(examples).accuracy is not None

    def score(x: Any) -> float:
        evaluation = network.evaluate(Examples(x, examples.y, weights=examples.weights, pixels=True))
        return -evaluation.cost if evaluation.accuracy is None else evaluation.accuracy

    measured = _measure(score, examples.x, permute_feature, names, is_classifier=is_classifier)
    return measured if is_classifier else Importance(names, measured.means, measured.stds, "cost")


def _measure(score: Callable[[Any], float], data: Any, permute: Any, names: list[str], *, is_classifier: bool) -> Importance:
    means, stds = permutation_importance(score, data, permute, len(names), REPEATS)
    return Importance(names, means, stds, "accuracy" if is_classifier else "RMSE")


def print_importance(importance: Importance) -> None:
    """Print the columns, the most important first."""
    worse = "falls" if importance.score_name == "accuracy" else "grows"
    unit, factor = (" %", 100) if importance.score_name == "accuracy" else ("", 1)
    print_line("")
    print_line(f"importance: by how much the {importance.score_name} {worse} when a column is permuted ({REPEATS} times)")
    width = max(len(name) for name in importance.names)
    for k in importance.order[:MAX_LINES]:
        mean, std = factor * importance.means[k], factor * importance.stds[k]
        print_line(f"  {importance.names[k]:<{min(width, 32)}}  {mean:8.4g}{unit} +- {std:.2g}")
    left_out = len(importance.names) - MAX_LINES
    if left_out > 0:
        print_line(f"  ... and {left_out:,} more, which matter less")


def importance_as_json(importance: Importance) -> list[dict[str, Any]]:
    """Give the columns as JSON objects, the most important first."""
    return [
        {
            "column": importance.names[k],
            "importance": importance.means[k],
            "std": importance.stds[k],
            "score": importance.score_name,
        }
        for k in importance.order
    ]
