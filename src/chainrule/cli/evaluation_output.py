"""The output of ``chainrule evaluate``: a report or JSON, the importance of the columns, and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .evaluation import LabelEvaluation, evaluate_network
from .evaluation_report import evaluation_as_json, print_evaluation
from .output import print_json, print_line
from .table_evaluation import evaluate_table_model
from .table_evaluation_report import class_names, print_table_evaluation, table_evaluation_as_json

if TYPE_CHECKING:
    from ..network import Network
    from ..table_model import TableModel
    from .evaluation import ValueEvaluation
    from .evaluation_data import EvaluationData
    from .importance import Importance
    from .table_evaluation import TableEvaluation, TableRows


@dataclass(frozen=True)
class EvaluationOutput:
    """What is printed and drawn.

    Attributes
    ----------
    model : Path
        The model's file.
    worst : int
        How many of the largest errors are listed.
    as_json : bool
    importance : bool
        Whether the columns' importance is measured.
    plot : Path or None
        Where a picture is drawn: of the importance if it is measured, else of the evaluation.
    """

    model: Path
    worst: int
    as_json: bool
    importance: bool
    plot: Path | None

    def report_network(self, network: Network, data: EvaluationData) -> None:
        """Report the evaluation of a network."""
        evaluation = evaluate_network(network, data)
        if not self.as_json:
            print_evaluation(evaluation, network.plan.cost_function.name, self.worst)
        importance = None
        if self.importance:
            from .importance import importance_of_inputs

            importance = importance_of_inputs(network, data)
        entries = evaluation_as_json(evaluation, self.worst) if self.as_json else {}
        self._finish(entries, importance, [] if importance else self._draw_network(evaluation))

    def report_table_model(self, model: TableModel, rows: TableRows) -> None:
        """Report the evaluation of a table's model."""
        evaluation = evaluate_table_model(model, rows)
        if not self.as_json:
            print_table_evaluation(model, evaluation, self.worst)
        importance = None
        if self.importance:
            from .importance import importance_of_columns

            importance = importance_of_columns(model, rows)
        entries = table_evaluation_as_json(model, evaluation, self.worst) if self.as_json else {}
        self._finish(entries, importance, [] if importance else self._draw_table(model, evaluation))

    def _finish(self, entries: dict[str, Any], importance: Importance | None, drawn: list[Path]) -> None:
        """Print the importance and the paths of the pictures, or all as JSON."""
        from .importance import importance_as_json, print_importance

        if importance is not None and self.plot is not None:
            from .plots import save_importance_plot

            drawn = save_importance_plot(self.plot, importance)
        if self.as_json:
            measured = {} if importance is None else {"importance": importance_as_json(importance)}
            print_json({"model": str(self.model), **entries, **measured})
            return
        if importance is not None:
            print_importance(importance)
        for path in drawn:
            print_line(f"drew {path}")

    def _draw_network(self, evaluation: LabelEvaluation | ValueEvaluation) -> list[Path]:
        if self.plot is None:
            return []
        from .plots import save_class_plots, save_value_plot

        if isinstance(evaluation, LabelEvaluation):
            names = [str(k) for k in range(len(evaluation.confusion))]
            return save_class_plots(self.plot, evaluation.confusion, names, evaluation.true, evaluation.outputs)
        y = evaluation.data.examples.y
        return save_value_plot(self.plot, y.reshape(-1), evaluation.outputs.reshape(-1), "")  # type: ignore[union-attr]

    def _draw_table(self, model: TableModel, evaluation: TableEvaluation) -> list[Path]:
        if self.plot is None:
            return []
        from .plots import save_class_plots, save_value_plot

        if model.is_classifier:
            return save_class_plots(self.plot, evaluation.confusion, class_names(model), evaluation.true, evaluation.outputs)
        return save_value_plot(self.plot, evaluation.true, evaluation.predicted, model.target.name)
