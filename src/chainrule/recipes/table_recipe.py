"""The recipe for tables: its settings. ``table_training`` follows it.

``docs/table_recipe.md`` has what each brings, and what was tried in its place; ``docs/log.md`` tells how they came about. The form,
five networks with piecewise-linear features on the schedule coslog4, is that of TabM (arXiv 2410.24210) and RealMLP (arXiv
2407.04491).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from .._checks import check_int
from ..calculus.optimizers import SGD, Adam, Optimizer, find_optimizer
from ..errors import SettingError, UnknownName
from ..tables.target import ClassTarget, Target

Metric = Literal["accuracy", "log_loss", "auc", "rmse", "mae", "r2"]
CLASS_METRICS = ("accuracy", "log_loss", "auc")
VALUE_METRICS = ("rmse", "r2", "mae")

FEW_ROWS = 40
"""Below this number of rows a fold would hold fewer than four; all rows are trained on, and the last epoch is kept."""

MANY_CLASSES = 5
"""Above this number of classes the epochs are multiplied by ``LONGER_FOR_CLASSES``: their cost still falls after 32."""

LONGER_FOR_CLASSES = 3

LONGER_FOR_VALUES = 2
"""The factor of the epochs for values, whose cost still falls after 16."""

LEAST_STEPS = 500
"""A small table is passed over more often, until a network has made this many steps."""

MOST_EPOCHS = 200
"""The most epochs for a small table."""

BATCHES_PER_EPOCH = 32
"""A small table has smaller batches, so that an epoch has about this many steps."""

SMALLEST_BATCH = 32

SMOOTHING = 0.05
"""The label smoothing for accuracy; it harms log loss and AUC."""

SGD_RATE = 0.1
"""The learning rate of optimizers whose rate depends on the network."""

CLASS_COSTS = ("log_loss", "cross_entropy", "quadratic")
VALUE_COSTS = ("mean_squared_error", "quadratic", "huber")


@dataclass(frozen=True)
class TableRecipe:
    """The settings of a table's training.

    Attributes
    ----------
    metric : str
        The score to be good at: it decides the cost and the label smoothing.
    networks : int
        How many networks are trained, each on other rows, and averaged.
    folds : int
        The fewest parts into which the rows are divided. Network k is trained on all parts but part k, which chooses its best
        epoch; with ten each learns from nine tenths of the rows, however few the networks are.
    hidden : tuple of int
    activation : str or tuple of str
        One for all hidden layers, or one for each.
    output, init : str or None
        By default those that suit the cost and the activation.
    cost : str
    epochs, batch_size : int
    learning_rate : float
    optimizer, schedule : str
    beta2 : float
        Of Adam.
    momentum : float or None
        Of the optimizers that have one; None for their own.
    l2, dropout : float
    early_stopping : int
        The epochs without a better validation cost after which a network's training stops; 0 for never. The best epoch is kept in
        any case.
    label_smoothing : float
        The share of each target that is spread over all classes.
    bins : int
        The piecewise-linear features of a number; 0 for none.
    bin_weight : float
        By which the piecewise-linear features are multiplied: the squares of a number's add up to as many as its bins, those of a
        category's features to 1.
    column_weights : bool
        Whether columns are multiplied by weights that a forest gives.
    """

    metric: Metric = "accuracy"
    networks: int = 5
    folds: int = 10
    hidden: tuple[int, ...] = (128, 128, 128)
    activation: str | tuple[str, ...] = "relu"
    output: str | None = None
    cost: str = "log_loss"
    init: str | None = None
    epochs: int = 16
    batch_size: int = 256
    learning_rate: float = 0.004
    optimizer: str = "adam"
    beta2: float = 0.95
    momentum: float | None = None
    schedule: str = "coslog4"
    l2: float = 0.0
    dropout: float = 0.0
    early_stopping: int = 0
    label_smoothing: float = 0.0
    bins: int = 16
    bin_weight: float = 0.5
    column_weights: bool = True

    def make_optimizer(self) -> Optimizer:
        """Give the optimizer, with ``beta2`` or ``momentum``.

        Raises
        ------
        SettingError
            When a momentum is given to an optimizer without one.
        """
        optimizer = find_optimizer(self.optimizer)
        if isinstance(optimizer, Adam):
            optimizer = replace(optimizer, beta2=self.beta2)
        if self.momentum is None:
            return optimizer
        if not isinstance(optimizer, SGD):
            raise SettingError(f"{self.optimizer} has no momentum to set; take the optimizer momentum or nesterov")
        return replace(optimizer, momentum=self.momentum)

    def to_json(self) -> dict[str, Any]:
        """Give the settings as JSON's types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def recipe_for(target: Target, rows: int, chosen: Mapping[str, Any]) -> TableRecipe:
    """Give the recipe for a target and a number of training rows; ``chosen`` settings replace its own.

    Raises
    ------
    UnknownName, SettingError
        When the metric is unknown, or does not go with the target.
    """
    chosen = {name: value for name, value in chosen.items() if value is not None}
    n_classes = len(target.classes) if isinstance(target, ClassTarget) else 0
    is_class = n_classes > 0
    metric = chosen.get("metric", "accuracy" if is_class else "rmse")
    _check_metric(metric, target)
    cost = chosen.get("cost", default_cost(metric))
    if cost not in (CLASS_COSTS if is_class else VALUE_COSTS):
        raise SettingError(
            f"the cost {cost} does not suit a table's target of {'classes' if is_class else 'values'}; take one of "
            f"{', '.join(CLASS_COSTS if is_class else VALUE_COSTS)}"
        )
    batch_size = check_int("batch_size", chosen.get("batch_size", default_batch_size(rows)), least=1)
    longer = LONGER_FOR_VALUES if not is_class else LONGER_FOR_CLASSES if n_classes > MANY_CLASSES else 1
    recipe = TableRecipe(
        metric=metric,
        cost=cost,
        output=None if is_class else "identity",
        batch_size=batch_size,
        epochs=default_epochs(longer * TableRecipe.epochs, rows, batch_size),
        label_smoothing=SMOOTHING if metric == "accuracy" and cost == "log_loss" else 0.0,
    )
    rate = find_optimizer(chosen.get("optimizer", recipe.optimizer)).usual_rate or SGD_RATE
    recipe = replace(recipe, learning_rate=recipe.learning_rate if "optimizer" not in chosen else rate)
    return replace(recipe, **chosen)


def default_cost(metric: str) -> str:
    """Give the cost that serves a metric."""
    if metric in CLASS_METRICS:
        return "log_loss"
    return "huber" if metric == "mae" else "mean_squared_error"


def default_batch_size(rows: int) -> int:
    """Give the batch size for a number of training rows: the power of 2 nearest to a 32nd of them, from 32 to 256.

    Examples
    --------
    >>> default_batch_size(100), default_batch_size(3000), default_batch_size(10**6)
    (32, 128, 256)
    """
    nearest = 2 ** round(math.log2(max(1, rows) / BATCHES_PER_EPOCH))
    return int(min(max(nearest, SMALLEST_BATCH), TableRecipe.batch_size))


def default_epochs(epochs: int, rows: int, batch_size: int) -> int:
    """Give the number of epochs: more for a small table, whose epochs have few steps.

    Examples
    --------
    >>> default_epochs(16, 100, 32), default_epochs(16, 10**5, 256)
    (125, 16)
    """
    steps_per_epoch = -(-rows // batch_size)
    return max(epochs, min(MOST_EPOCHS, -(-LEAST_STEPS // steps_per_epoch)))


def _check_metric(metric: str, target: Target) -> None:
    if metric not in CLASS_METRICS + VALUE_METRICS:
        raise UnknownName("metric", metric, CLASS_METRICS + VALUE_METRICS)
    allowed = CLASS_METRICS if isinstance(target, ClassTarget) else VALUE_METRICS
    if metric not in allowed:
        kind = "classes" if isinstance(target, ClassTarget) else "values"
        raise SettingError(f"metric={metric!r} does not go with a target of {kind}; take one of {', '.join(allowed)}")
