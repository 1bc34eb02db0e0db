"""The settings of a training, and what they are when the user does not say: the notes' values on MNIST, elsewhere what suits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..calculus.optimizers import Optimizer

Kind = Literal["mnist", "digits", "images", "table"]
Task = Literal["classes", "values"]


@dataclass(frozen=True)
class Settings:
    """What decides a training, the data and the machine apart; each is an option of the same name.

    Attributes
    ----------
    hidden : tuple of int
        Units of each hidden layer; may be empty.
    epochs, batch_size : int
    learning_rate : float
    cost : str
    activation : tuple of str
        One for all hidden layers, or one each.
    output, init : str or None
        None takes what suits the cost, and the activation.
    optimizer : str
    momentum : float or None
        None takes the optimizer's own.
    l2, dropout : float
    schedule : str
    early_stopping : int
        The patience in epochs; 0 for none.
    """

    hidden: tuple[int, ...] = (30,)
    epochs: int = 30
    batch_size: int = 10
    learning_rate: float = 3.0
    cost: str = "quadratic"
    activation: tuple[str, ...] = ("sigmoid",)
    output: str | None = None
    optimizer: str = "sgd"
    momentum: float | None = None
    l2: float = 0.0
    dropout: float = 0.0
    init: str | None = None
    schedule: str = "constant"
    early_stopping: int = 0


NOTES = Settings()
"""The notes' and the book's network for MNIST."""

# Measured on MNIST as a folder of IDX files, on scikit-learn's digits, and on its wine, breast cancer, iris and diabetes tables.
MODERN = Settings(activation=("relu",), cost="log_loss", optimizer="adam", batch_size=32)
DIGITS = replace(MODERN, hidden=(64,), learning_rate=0.003, epochs=100, early_stopping=10)
IMAGES = replace(MODERN, hidden=(128,), learning_rate=0.001, epochs=50, early_stopping=5)
TABLE = replace(MODERN, hidden=(64,), init="scaled", learning_rate=0.003, epochs=200, early_stopping=10)


def defaults_for(kind: Kind, task: Task) -> Settings:
    """Give the settings that suit some data.

    Examples
    --------
    >>> defaults_for("mnist", "classes").learning_rate, defaults_for("table", "values").cost
    (3.0, 'mean_squared_error')
    """
    defaults = {"mnist": NOTES, "digits": DIGITS, "images": IMAGES, "table": TABLE}[kind]
    return replace(defaults, cost="mean_squared_error") if task == "values" else defaults


def chosen_task(found: Task, chosen: Mapping[str, Any]) -> Task:
    """Tell whether a table is learnt as classes or as values: as the chosen cost or output has it, else as found."""
    cost, output = chosen.get("cost"), chosen.get("output")
    if cost in ("mean_squared_error", "poisson") or output in ("identity", "exp"):
        return "values"
    return "classes" if cost in ("cross_entropy", "log_loss") or output in ("sigmoid", "softmax") else found


def settle(defaults: Settings, chosen: Mapping[str, Any]) -> Settings:
    """Put what the user chose above the defaults, and let what they left open follow: optimizer, output, cost, learning rate.

    Examples
    --------
    >>> settle(NOTES, {"optimizer": "adam"}).learning_rate, settle(TABLE, {"output": "sigmoid"}).cost
    (0.001, 'cross_entropy')
    """
    settings = replace(defaults, **chosen)
    if "momentum" in chosen and "optimizer" not in chosen:
        settings = replace(settings, optimizer="sgd")
    if settings.output is None and settings.cost == "quadratic" and defaults.cost == "mean_squared_error":
        settings = replace(settings, output="identity")
    if "cost" not in chosen and settings.output is not None and defaults.cost == "log_loss":
        from ..calculus.costs import cost_for

        suited = "mean_squared_error" if settings.output == "identity" else cost_for(settings.output)
        settings = replace(settings, cost=suited or "quadratic")
    bearing = ("optimizer", "momentum", "cost", "activation", "output")
    if "learning_rate" not in chosen and any(getattr(settings, name) != getattr(defaults, name) for name in bearing):
        settings = replace(settings, learning_rate=suitable_rate(settings))
    return settings


def suitable_rate(settings: Settings) -> float:
    """Give a learning rate that suits the optimizer, the activation and the cost.

    The notes' 3.0 belongs to sigmoids under the quadratic cost, whose gradients are small; the book takes 0.5 with cross-entropy.
    With momentum ``mu`` steps add up to ``1 / (1 - mu)`` as much, so the rate is that much smaller.
    """
    from ..calculus.optimizers import OPTIMIZERS

    optimizer = OPTIMIZERS.get(settings.optimizer)
    if optimizer is not None and optimizer.usual_rate is not None:
        return optimizer.usual_rate
    sigmoid = settings.activation == ("sigmoid",)
    notes = sigmoid and settings.cost == "quadratic" and settings.output in (None, "sigmoid")
    rate = 3.0 if notes else 0.5 if sigmoid and settings.cost in ("cross_entropy", "log_loss") else 0.1
    momentum = settings.momentum if settings.momentum is not None else getattr(optimizer, "momentum", 0.0)
    return float(f"{rate * (1 - momentum):.6g}") if 0 <= momentum < 1 else rate


def taken(settings: Settings, chosen: Mapping[str, Any]) -> str:
    """Name the settings that the user left open, as options that would say the same; what is off is left out.

    Examples
    --------
    >>> taken(DIGITS, {"activation": ("relu",), "cost": "log_loss"})
    '--hidden 64 --epochs 100 --batch-size 32 --learning-rate 0.003 --optimizer adam --early-stopping 10'
    """
    said = []
    for column in fields(Settings):
        value = getattr(settings, column.name)
        if column.name not in chosen and value not in (None, 0, "constant"):
            said.append(f"--{column.name.replace('_', '-')} {_written(value)}")
    return " ".join(said)


def _written(value: Any) -> str:
    """Write a value as its option takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def find_optimizer_with(name: str, momentum: float | None) -> str | Optimizer:
    """Give the optimizer of that name, with a momentum where the user set one.

    Raises
    ------
    UnknownName
        When there is no such optimizer.
    SettingError
        When it has no momentum to set, or that is out of range.
    """
    from ..calculus.optimizers import SGD, find_optimizer
    from ..errors import SettingError

    optimizer = find_optimizer(name)
    if momentum is None:
        return name
    if not isinstance(optimizer, SGD):
        raise SettingError(f"--momentum goes with --optimizer sgd, momentum or nesterov; {name} has none to set")
    return replace(optimizer, momentum=momentum)
