"""The names in the library's registries, for help texts and completion; each function imports its registry when it is called."""

from __future__ import annotations

from dataclasses import fields


def activation_names() -> list[str]:
    """Name the activations of an output layer."""
    from ..calculus.activations import ACTIVATIONS

    return list(ACTIVATIONS)


def hidden_activation_names() -> list[str]:
    """Name the activations of a hidden layer: all but softmax, which couples the outputs of a row."""
    return [name for name in activation_names() if name != "softmax"]


def cost_names() -> list[str]:
    """Name the costs."""
    from ..calculus.costs import COSTS

    return list(COSTS)


def initializer_names() -> list[str]:
    """Name the initializers of the weights."""
    from ..calculus.initializers import INITIALIZERS

    return list(INITIALIZERS)


def optimizer_names() -> list[str]:
    """Name the optimizers."""
    from ..calculus.optimizers import OPTIMIZERS

    return list(OPTIMIZERS)


def momentum_optimizer_names() -> list[str]:
    """Name the optimizers that have a momentum to set."""
    from ..calculus.optimizers import OPTIMIZERS

    return [name for name, optimizer in OPTIMIZERS.items() if "momentum" in {field.name for field in fields(optimizer)}]


def schedule_names() -> list[str]:
    """Name the schedules of the learning rate."""
    from ..schedules import SCHEDULES

    return list(SCHEDULES)


def engine_names() -> list[str]:
    """Name the engines, and ``auto``, which chooses one."""
    from ..engines import ENGINES

    return ["auto", *ENGINES]


def metric_names() -> list[str]:
    """Name the metrics of a table's training."""
    from ..recipes.table_recipe import CLASS_METRICS, VALUE_METRICS

    return [*CLASS_METRICS, *VALUE_METRICS]
