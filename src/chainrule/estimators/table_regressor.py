"""``TableRegressor``: values of a table's rows."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from .._types import Array
from ..recipes.table_recipe import TableRecipe
from ..tables.column import Column
from ..tables.column_kinds import read_as
from ..tables.target import Task, ValueTarget
from ..tables.target_inference import infer_target
from .hyperparameters import store_hyperparameters
from .table_base import CONSTRAINTS, TableEstimator


class TableRegressor(RegressorMixin, TableEstimator):
    """A regressor for tables as people have them: numbers, texts, categories, booleans and dates, with gaps.

    It prepares the columns, standardizes the target, trains several networks by a measured recipe (``chainrule.recipes``), and
    averages their values, limited to the range of the target in the training rows.

    Parameters
    ----------
    hidden, epochs, networks, validation, random_state, threads, time_limit, verbose, kinds
        As of ``TableClassifier``.
    checkpoint, checkpoint_every, resume, allow_other_engine
        As of ``TableClassifier``.
    metric : {"rmse", "r2", "mae"}
        The score to be good at: for mae the cost is huber's, for the others the mean squared error.

    Attributes
    ----------
    model_ : TableModel
        The preprocessing, the networks and the target.
    histories_ : list of History
        Of each network's training; a model that was loaded has none.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X has names.
    """

    _task: ClassVar[Task] = "regression"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {**CONSTRAINTS, "metric": [StrOptions({"rmse", "r2", "mae"})]}

    def __init__(
        self,
        *,
        hidden: Any = TableRecipe.hidden,
        epochs: Any = "auto",
        networks: int = TableRecipe.networks,
        metric: str = "rmse",
        validation: Any = None,
        random_state: Any = None,
        threads: Any = "auto",
        time_limit: float | None = None,
        verbose: Any = False,
        kinds: Any = None,
        checkpoint: Any = None,
        checkpoint_every: str | None = None,
        resume: bool = False,
        allow_other_engine: bool = False,
    ) -> None:
        store_hyperparameters(self, locals())

    def _y_checks(self) -> dict[str, Any]:
        return {"y_numeric": True}

    def _read_training_data(self, X: Any, y: Any, name: str | None) -> Any:
        table, column = super()._read_training_data(X, y, name)
        if column.kind == "category":
            column = read_as(column, "number")  # reads texts as a file's are read, in which "NA" is a gap
        return table, column

    def _fit_target(self, column: Column, labels: list[Any]) -> ValueTarget:
        target = infer_target(column, "regression").target
        assert isinstance(target, ValueTarget)  # noqa: S101  # the task was given
        return target

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Give the coefficient of determination, R^2: 1 for the values themselves, 0 for their mean.

        Rows whose target is missing are left out, with a ``MissingTargetWarning``.

        Parameters
        ----------
        X : Table, frame, dict of columns or array, shape (n_samples, n_features)
        y : Series, array, Column or str, shape (n_samples,)
            The values, or the name of their column in X, as ``fit`` takes them.
        sample_weight : array, shape (n_samples,), optional

        Returns
        -------
        float

        Raises
        ------
        DataError
            When X has no such column, or another number of rows than y; when a value is not a number.
        """
        outputs, column, weights = self._outputs_beside_target(X, y, sample_weight)
        target = self.model_.target
        assert isinstance(target, ValueTarget)  # noqa: S101  # it was fitted as one
        return float(r2_score(target.values_of(column), self.model_.decode(outputs), sample_weight=weights))

    def _weights(self, y: Any, sample_weight: Any) -> Array | None:
        return sample_weight
