"""A training's settings and their defaults: the notes' values for MNIST, values measured to suit other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import SettingError

if TYPE_CHECKING:
    from ..calculus.optimizers import Optimizer

Kind = Literal["mnist", "digits", "plane", "images", "table"]
Task = Literal["classification", "regression"]

PLANE_DATA = ("circles", "spiral", "xor", "moons")
"""The sets of points in the plane."""

BUILT_IN_DATA = ("mnist", "digits", *PLANE_DATA)
"""The data sets that have a name; all others have a path."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training, without the data and the machine; each is an option of the same name.

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
        None takes the default of the cost, and of the activation.
    optimizer : str
    momentum : float or None
        None takes the optimizer's default.
    l2, dropout : float
    schedule : str
    early_stopping : int
        The patience in epochs; 0 for none.
    distort : str or None
        The amounts by which images are distorted anew in each epoch, as ``normalize_amounts`` writes them; None for none.
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
    distort: str | None = None


MNIST_DEFAULTS = Settings()
"""The network of the notes and the book."""

# Measured on scikit-learn's digits, on MNIST as a folder of IDX files, and on the wine, breast cancer, iris and diabetes tables.
_RELU_AND_ADAM = Settings(activation=("relu",), cost="log_loss", optimizer="adam", batch_size=32)
DIGITS_DEFAULTS = replace(_RELU_AND_ADAM, hidden=(64,), learning_rate=0.003, epochs=100, early_stopping=10)
IMAGES_DEFAULTS = replace(_RELU_AND_ADAM, hidden=(128,), learning_rate=0.001, epochs=50, early_stopping=5)
DISTORTED_MNIST_DEFAULTS = replace(_RELU_AND_ADAM, hidden=(256,), learning_rate=0.004, batch_size=128, epochs=20, schedule="cosine")
TABLE_DEFAULTS = replace(_RELU_AND_ADAM, hidden=(64,), init="scaled", learning_rate=0.003, epochs=200, early_stopping=10)
ROWS_DEFAULTS = replace(TABLE_DEFAULTS, batch_size=128, epochs=20, early_stopping=5)
PLANE_DEFAULTS = Settings(
    (16, 16), activation=("tanh",), cost="log_loss", optimizer="adam", learning_rate=0.01, batch_size=20, epochs=200
)

REGRESSION_OUTPUTS = ("identity", "exp")
CLASSIFICATION_OUTPUTS = ("sigmoid", "softmax")


def defaults_for(kind: Kind, task: Task, *, distorted: bool = False) -> Settings:
    """Give the default settings for a kind of data and a task; distorted digits need a larger network than the notes'.

    Examples
    --------
    >>> defaults_for("mnist", "classification").learning_rate, defaults_for("table", "regression").cost
    (3.0, 'mean_squared_error')
    """
    by_kind = {
        "mnist": DISTORTED_MNIST_DEFAULTS if distorted else MNIST_DEFAULTS,
        "digits": DIGITS_DEFAULTS,
        "plane": PLANE_DEFAULTS,
        "images": IMAGES_DEFAULTS,
        "table": TABLE_DEFAULTS,
    }
    return replace(by_kind[kind], cost="mean_squared_error") if task == "regression" else by_kind[kind]


def resolve_task(inferred: Task, chosen: Mapping[str, Any]) -> Task:
    """Decide between classification and regression: by the chosen cost or output, else as inferred from the labels."""
    from ..calculus.costs import COSTS

    cost, output = COSTS.get(chosen.get("cost", "")), chosen.get("output")
    if output in REGRESSION_OUTPUTS or (cost is not None and cost.output in REGRESSION_OUTPUTS):
        return "regression"
    if output in CLASSIFICATION_OUTPUTS or (cost is not None and cost.most == 1):
        return "classification"
    return inferred


def resolve_settings(defaults: Settings, chosen: Mapping[str, Any]) -> Settings:
    """Replace defaults by the user's choices, and adapt the remaining defaults to them: optimizer, output, cost, learning rate.

    Examples
    --------
    >>> resolve_settings(MNIST_DEFAULTS, {"optimizer": "adam"}).learning_rate
    0.001
    >>> resolve_settings(TABLE_DEFAULTS, {"output": "sigmoid"}).cost
    'cross_entropy'
    """
    settings = replace(defaults, **chosen)
    if "momentum" in chosen and "optimizer" not in chosen:
        settings = replace(settings, optimizer="sgd")
    if settings.output is None and settings.cost == "quadratic" and defaults.cost == "mean_squared_error":
        settings = replace(settings, output="identity")
    if "cost" not in chosen and settings.output is not None and defaults.cost == "log_loss":
        settings = replace(settings, cost=default_cost(settings.output))
    names = ("optimizer", "momentum", "cost", "activation", "output")
    changed = any(getattr(settings, name) != getattr(defaults, name) for name in names)
    if changed and "learning_rate" not in chosen:
        settings = replace(settings, learning_rate=default_learning_rate(settings))
    return settings


def default_cost(output: str) -> str:
    """Give the default cost under an output activation: the one that is restricted to it, else a squared error.

    Examples
    --------
    >>> default_cost("softmax"), default_cost("identity"), default_cost("tanh")
    ('log_loss', 'mean_squared_error', 'quadratic')
    """
    from ..calculus.costs import cost_for

    return "mean_squared_error" if output == "identity" else cost_for(output) or "quadratic"


def default_learning_rate(settings: Settings) -> float:
    """Give a learning rate that suits the optimizer, the activation and the cost.

    The notes' 3.0 belongs to sigmoids under the quadratic cost, whose gradients are small; the book takes 0.5 with cross-entropy.
    A momentum ``mu`` makes the steps add up to ``1 / (1 - mu)`` times as much, so the rate is divided by that.
    """
    from ..calculus.optimizers import OPTIMIZERS, SGD

    optimizer = OPTIMIZERS.get(settings.optimizer, SGD())
    if optimizer.usual_rate is not None:
        return optimizer.usual_rate
    rate = _default_sgd_rate(settings)
    momentum = getattr(optimizer, "momentum", 0.0) if settings.momentum is None else settings.momentum
    return float(f"{rate * (1 - momentum):.6g}") if 0 <= momentum < 1 else rate


def _default_sgd_rate(settings: Settings) -> float:
    """Give a learning rate for gradient descent without momentum."""
    if settings.activation != ("sigmoid",):
        return 0.1
    if settings.cost == "quadratic" and settings.output in (None, "sigmoid"):
        return 3.0
    return 0.5 if settings.cost in ("cross_entropy", "log_loss") else 0.1


def defaults_as_options(settings: Settings, chosen: Mapping[str, Any]) -> str:
    """Write the settings that the user did not choose as options; leave out those that are off.

    Examples
    --------
    >>> defaults_as_options(DIGITS_DEFAULTS, {"activation": ("relu",), "cost": "log_loss"})
    '--hidden 64 --epochs 100 --batch-size 32 --learning-rate 0.003 --optimizer adam --early-stopping 10'
    """
    options = []
    for setting in fields(Settings):
        value = getattr(settings, setting.name)
        if setting.name not in chosen and value not in (None, 0, "constant"):
            options.append(f"--{setting.name.replace('_', '-')} {as_option_value(value)}")
    return " ".join(options)


def as_option_value(value: Any) -> str:
    """Write a value as its option takes it.

    Examples
    --------
    >>> as_option_value((128, 64)), as_option_value(()), as_option_value(0.5)
    ('128,64', 'none', '0.5')
    """
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def make_optimizer(name: str, momentum: float | None) -> str | Optimizer:
    """Give the optimizer of that name, with the momentum set where one is given.

    Raises
    ------
    UnknownName
        When there is no such optimizer.
    SettingError
        When it has no momentum to set, or that is out of range.
    """
    from ..calculus.optimizers import SGD, find_optimizer
    from .registries import momentum_optimizer_names

    optimizer = find_optimizer(name)
    if momentum is None:
        return name
    if not isinstance(optimizer, SGD):
        allowed = ", ".join(momentum_optimizer_names())
        raise SettingError(f"--momentum goes with --optimizer {allowed}; {name} has none to set")
    return replace(optimizer, momentum=momentum)
