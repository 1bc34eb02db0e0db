"""The recipe for tables: its settings, each with its reason. ``table_training`` follows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ..calculus.optimizers import Adam
from ..errors import SettingError, UnknownName
from ..tables.target import ClassTarget, ValueTarget

Metric = Literal["accuracy", "log_loss", "auc", "rmse", "mae", "r2"]
CLASS_METRICS = ("accuracy", "log_loss", "auc")
VALUE_METRICS = ("rmse", "r2", "mae")

FOLDS = 5
"""The fewest folds: with fewer than five networks each still trains on four fifths of the rows."""

FEW_ROWS = 20
"""Below this number of rows a fold would hold fewer than four; all rows are trained on, and the last epoch is kept."""

MANY_CLASSES = 5
"""Above this number of classes, and for values, the epochs are doubled: their cost still falls after 16."""

LEAST_STEPS = 600
"""A small table is passed over more often, until a network has made this many steps."""

MOST_EPOCHS = 200
"""The most epochs for a small table."""

BATCHES_PER_EPOCH = 32
"""A small table has smaller batches, so that an epoch has about this many steps."""

SMALLEST_BATCH = 32


@dataclass(frozen=True)
class TableRecipe:
    """The settings of a table's training.

    Attributes
    ----------
    metric : str
        The score to be good at: it decides the cost and the label smoothing.
    networks : int
        How many networks are trained, each on other rows, and averaged.
    hidden : tuple of int
    activation, cost : str
    epochs, batch_size : int
    learning_rate : float
    optimizer, schedule : str
    beta2 : float
        Of Adam.
    l2, dropout : float
    label_smoothing : float
        The share of each target that is spread over all classes.
    bins : int
        The piecewise-linear features of a number; 0 for none.
    """

    metric: Metric = "accuracy"
    networks: int = 5
    hidden: tuple[int, ...] = (128, 128, 128)
    activation: str = "relu"
    cost: str = "log_loss"
    epochs: int = 16
    batch_size: int = 256
    learning_rate: float = 0.004
    optimizer: str = "adam"
    beta2: float = 0.95
    schedule: str = "cosine"
    l2: float = 0.0
    dropout: float = 0.0
    label_smoothing: float = 0.0
    bins: int = 16

    def make_optimizer(self) -> Any:
        """Give the optimizer, Adam with the recipe's ``beta2``."""
        return Adam(beta2=self.beta2) if self.optimizer == "adam" else self.optimizer

    def to_json(self) -> dict[str, Any]:
        """Give the settings as JSON's types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def recipe_for(target: ClassTarget | ValueTarget, rows: int, chosen: Mapping[str, Any]) -> TableRecipe:
    """Give the recipe for a target and a number of training rows; ``chosen`` settings replace its own.

    Raises
    ------
    UnknownName, SettingError
        When the metric is unknown, or does not go with the target.
    """
    recipe = TableRecipe(metric=chosen.get("metric") or ("accuracy" if isinstance(target, ClassTarget) else "rmse"))
    _check_metric(recipe.metric, target)
    recipe = replace(recipe, batch_size=chosen.get("batch_size") or default_batch_size(rows))
    if isinstance(target, ClassTarget):
        recipe = replace(recipe, label_smoothing=0.1 if recipe.metric == "accuracy" else 0.0)
    else:
        recipe = replace(recipe, cost="huber" if recipe.metric == "mae" else "mean_squared_error")
    longer = 2 if isinstance(target, ValueTarget) or len(target.classes) > MANY_CLASSES else 1
    recipe = replace(recipe, epochs=default_epochs(longer * recipe.epochs, rows, recipe.batch_size))
    return replace(recipe, **{name: value for name, value in chosen.items() if value is not None})


def default_batch_size(rows: int) -> int:
    """Give the batch size for a number of training rows: a power of 2 from 32 to 256.

    Examples
    --------
    >>> default_batch_size(100), default_batch_size(3000), default_batch_size(10**6)
    (32, 64, 256)
    """
    size = SMALLEST_BATCH
    while size < TableRecipe.batch_size and 2 * size * BATCHES_PER_EPOCH <= rows * 2:
        size *= 2
    return min(size, TableRecipe.batch_size)


def default_epochs(epochs: int, rows: int, batch_size: int) -> int:
    """Give the number of epochs: more for a small table, whose epochs have few steps.

    Examples
    --------
    >>> default_epochs(16, 100, 32), default_epochs(16, 10**5, 256)
    (150, 16)
    """
    steps_per_epoch = -(-rows // batch_size)
    return max(epochs, min(MOST_EPOCHS, -(-LEAST_STEPS // steps_per_epoch)))


def _check_metric(metric: str, target: ClassTarget | ValueTarget) -> None:
    if metric not in CLASS_METRICS + VALUE_METRICS:
        raise UnknownName("metric", metric, CLASS_METRICS + VALUE_METRICS)
    allowed = CLASS_METRICS if isinstance(target, ClassTarget) else VALUE_METRICS
    if metric not in allowed:
        kind = "classes" if isinstance(target, ClassTarget) else "values"
        raise SettingError(f"metric={metric!r} does not go with a target of {kind}; take one of {', '.join(allowed)}")
