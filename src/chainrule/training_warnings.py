"""The warnings of a training: targets out of reach, training on from a file, divergence."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ._format import pluralize
from ._warnings import user_stacklevel
from .plan import Plan, targets_for

if TYPE_CHECKING:
    from .examples import Examples
    from .network import Network

TARGET_TOLERANCE = 1e-6
"""How far beyond the range of an output's activation a target may lie without a warning."""


class DivergenceWarning(RuntimeWarning):
    """The cost or a parameter of a training became NaN or infinite, and the training was stopped."""


class UnreachableTargetsWarning(UserWarning):
    """Targets lie outside the range of the output's activation."""


class BeginsAnewWarning(UserWarning):
    """A network from a file is trained further: the optimizer's state, which the file does not hold, begins anew."""


def warn_of_unreachable_targets(examples: Examples, plan: Plan) -> None:
    """Warn when targets lie outside the range of the output's activation."""
    values, output = targets_for(examples, plan).values, plan.sigmas[-1]
    if values is None:
        return
    if values.min() >= output.least - TARGET_TOLERANCE and values.max() <= output.most + TARGET_TOLERANCE:
        return
    limits = f"from {output.least:g} to {output.most:g}" if np.isfinite(output.most) else f"of at least {output.least:g}"
    warnings.warn(
        f"y holds targets from {values.min():g} to {values.max():g}, but an output of {output.name} gives values {limits}, so "
        "that the network cannot reach them; take cost='mean_squared_error' with output='identity', or scale the targets",
        UnreachableTargetsWarning,
        stacklevel=user_stacklevel(),
    )


def warn_of_training_begun_anew(network: Network, plan: Plan) -> None:
    """Warn, once for a network from a file, that it is trained further from its parameters alone."""
    if not network.from_file or network.provenance is None:
        return
    network.from_file = False
    slots = f"{plan.optimizer.name}'s {' and '.join(plan.optimizer.slots)}, " if plan.optimizer.slots else ""
    epochs = pluralize(network.provenance.epochs, "epoch")
    warnings.warn(
        f"the network was trained for {epochs} before, and a model file holds its parameters alone; {slots}the schedule and the "
        "order of the examples begin anew",
        BeginsAnewWarning,
        stacklevel=user_stacklevel(),
    )


def divergence_message(epoch: int, learning_rate: float, kept_epoch: int) -> str:
    """Say in which epoch a training diverged, the likely cause, and which parameters the network has."""
    return (
        f"the training diverged in epoch {epoch}: its cost or a parameter is no longer finite. The likely cause is a "
        f"learning rate that is too high ({learning_rate:g}) for these inputs; lower it, scale the inputs to about 1, "
        f"or set clip. The network keeps the parameters it had after epoch {kept_epoch}"
    )


def warn_of_divergence(message: str) -> None:
    """Warn of a divergence at the user's line."""
    warnings.warn(message, DivergenceWarning, stacklevel=user_stacklevel())
