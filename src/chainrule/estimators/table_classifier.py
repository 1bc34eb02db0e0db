"""``TableClassifier``: classes of a table's rows."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from .._format import pluralize
from .._types import AnyArray, Array
from .._warnings import user_stacklevel
from ..recipes.table_recipe import TableRecipe
from ..tables.column import Column
from ..tables.target import ClassTarget, LabelKind, Task
from ..tables.target_inference import infer_target
from .hyperparameters import store_hyperparameters
from .table_base import CONSTRAINTS, TableEstimator, UnseenValuesWarning


class TableClassifier(ClassifierMixin, TableEstimator):
    """A classifier for tables as people have them: numbers, texts, categories, booleans and dates, with gaps.

    It prepares the columns, trains several networks by a measured recipe (``chainrule.recipes``), and averages their
    probabilities.

    Parameters
    ----------
    hidden : sequence of int
        The number of units of each hidden layer.
    epochs : int or "auto"
        The passes through the rows; "auto" depends on their number.
    networks : int
        How many networks are trained and averaged, each with another fold of the rows held out to choose its epoch; 1 is the
        fastest.
    metric : {"accuracy", "log_loss", "auc"}
        The score to be good at: for accuracy the targets are smoothed.
    class_weight : "balanced" or dict, optional
        The weight of each class's rows.
    validation : (X, y), optional
        Rows that choose each network's epoch; then every network trains on all rows given to ``fit``.
    random_state : int, RandomState or None
    threads : int or "auto"
        The number of threads that train; it changes no number.
    time_limit : float, optional
        Seconds, after which no further epoch begins.
    verbose : bool
        Whether each epoch is printed.
    kinds : dict, optional
        The kind of a column by its name, where the rules decide otherwise: number, category, boolean, date or text.
    checkpoint : path, optional
        A folder, made when the training begins, that always holds a checkpoint of each network: a killed fit goes on from it.
    checkpoint_every : str, optional
        The interval between two checkpoints: a time such as "30 s", "5 min" or "1 h", or epochs, such as "5 epochs"; by default
        "10 s".
    resume : bool
        Whether ``fit`` goes on from the folder's checkpoints, where it has some; without, a folder that is not empty is refused.
        The model is that of a fit which was never stopped. Settings and data must be those it was begun with.
    allow_other_engine : bool
        Whether to resume a fit of another engine or instruction set, whose numbers differ in the last digits.

    Attributes
    ----------
    classes_ : array
        The classes, in the order of the probabilities; texts are spelled exactly as ``y`` spells them.
    model_ : TableModel
        The preprocessing, the networks and the target.
    histories_ : list of History
        Of each network's training; a model that was loaded has none.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X has names.

    Examples
    --------
    >>> rows = {"size": [1.0, 2.0, 3.0, 4.0] * 10, "colour": ["red", "red", "blue", "blue"] * 10}
    >>> model = TableClassifier(networks=1, random_state=0).fit(rows, ["small", "small", "large", "large"] * 10)
    >>> model.predict({"size": [1.0, 4.0], "colour": ["red", "blue"]}).tolist()
    ['small', 'large']
    """

    _task: ClassVar[Task] = "classification"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "metric": [StrOptions({"accuracy", "log_loss", "auc"})],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        *,
        hidden: Any = TableRecipe.hidden,
        epochs: Any = "auto",
        networks: int = TableRecipe.networks,
        metric: str = "accuracy",
        class_weight: Any = None,
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

    def _read_training_data(self, X: Any, y: Any, name: str | None) -> Any:
        if isinstance(y, np.ndarray) and y.dtype.kind == "f":
            if np.isinf(y).any():
                raise ValueError("Input y contains infinity, which is not a class.")
            check_classification_targets(y[~np.isnan(y)])
        return super()._read_training_data(X, y, name)

    def _fit_target(self, column: Column, labels: list[Any]) -> ClassTarget:
        target = infer_target(column, "classification", _number_kind(labels)).target
        assert isinstance(target, ClassTarget)  # noqa: S101  # the task was given
        self._restore_target(target)
        return target

    def _restore_target(self, target: ClassTarget) -> None:
        self.classes_ = target.decode(np.arange(len(target.classes)))

    def _weights(self, y: Any, sample_weight: Any) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        by_class = self.class_weight
        if isinstance(by_class, dict):
            labels = self.classes_.tolist()
            unknown = [label for label in by_class if label not in labels]
            if unknown:
                raise ValueError(f"class_weight names {unknown[0]!r}, which is not one of the classes {labels}; write it as in y")
            by_class = {position: by_class.get(label, 1.0) for position, label in enumerate(labels)}
        weights = compute_sample_weight(by_class, y)
        return weights if sample_weight is None else weights * sample_weight

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Give the share of rows whose class is predicted, from 0 to 1.

        A class that training did not have counts as a wrong answer, with an ``UnseenValuesWarning``; rows whose target is missing
        are left out, with a ``MissingTargetWarning``.

        Parameters
        ----------
        X : Table, frame, dict of columns or array, shape (n_samples, n_features)
        y : Series, array, Column or str, shape (n_samples,)
            The classes, or the name of their column in X, as ``fit`` takes them.
        sample_weight : array, shape (n_samples,), optional

        Returns
        -------
        float

        Raises
        ------
        DataError
            When X has no such column, or another number of rows than y.
        """
        outputs, column, weights = self._outputs_beside_target(X, y, sample_weight)
        target = self.model_.target
        assert isinstance(target, ClassTarget)  # noqa: S101  # it was fitted as one
        codes = target.codes_of(column)
        _warn_of_unknown_classes(column, codes)
        return float(accuracy_score(codes, outputs.argmax(axis=1), sample_weight=weights))

    def predict_proba(self, X: Any) -> Array:
        """Give the probability of each class for each row of X, shape (n_samples, n_classes)."""
        return self._outputs(X)

    def predict_log_proba(self, X: Any) -> Array:
        """Give the logarithm of each class's probability for each row of X, shape (n_samples, n_classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self._outputs(X))


def _warn_of_unknown_classes(column: Column, codes: AnyArray) -> None:
    """Warn where a target holds classes that training did not have, whose code is -1."""
    unknown = column.take(codes < 0)
    if len(unknown):
        warnings.warn(
            f"the class of {pluralize(len(unknown), 'row')}, such as {unknown.to_list()[0]!r}, is one that training did not have; "
            "each counts as a wrong answer",
            UnseenValuesWarning,
            stacklevel=user_stacklevel(),
        )


def _number_kind(labels: list[Any]) -> LabelKind | None:
    """Tell integers from floats: a column holds both as floats, and integers beyond 2**53 as texts. Gaps may be NaN."""
    types = set(map(type, labels))
    floats = tuple(one for one in types if issubclass(one, Real) and not issubclass(one, Integral))
    if floats and any(isinstance(label, floats) and label == label for label in labels):
        return "number"
    return "integer" if any(issubclass(one, Integral) and not issubclass(one, bool) for one in types) else None
