"""Pages 3-4: cutting an epoch into mini-batches, counting the steps, and taking one.

A step divides the batch's gradient sums by the number of examples (N12), clips, adds the penalties, and applies the optimizer's
rule to each parameter. Where the rule is linear in the gradient the rate is divided instead, as in the notes: then
``optimizers.SGD.step`` computes ``w - (eta / m) nabla_w``.

The rest of page 3, the shuffle and the loop over epochs, is in ``training``. Page 4's matrices of zeros are not needed: BP3 and BP4
give the sums over a batch at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .._types import Array, Indices
from .backprop import Gradient
from .optimizers import Optimizer, Slots


def steps_per_epoch(n: int, mini_batch_size: int) -> int:
    """Count the mini-batches that n examples make; the last may be short.

    Examples
    --------
    >>> steps_per_epoch(50_000, 100), steps_per_epoch(25, 10)
    (500, 3)
    """
    return -(-n // mini_batch_size)


def number_of_steps(n: int, mini_batch_size: int, epochs: int) -> int:
    """Count how often gradient descent is performed (N11): batches times epochs.

    Examples
    --------
    >>> number_of_steps(50_000, 100, epochs=10)
    5000
    """
    return steps_per_epoch(n, mini_batch_size) * epochs


def mini_batches(order: Indices, mini_batch_size: int) -> Iterator[Indices]:
    """Cut an order of the examples into mini-batches, from its start (page 3)."""
    for first in range(0, len(order), mini_batch_size):
        yield order[first : first + mini_batch_size]


class Parameters(NamedTuple):
    """Everything that a step changes: weights, biases, and the optimizer's slots of each of the weights, then of the biases."""

    weights: list[Array]
    biases: list[Array]
    slots: list[Slots]


def mean_gradient(gradient: Gradient, m: float) -> Gradient:
    """Divide a batch's sums by the number of its examples."""
    factor = 1 / m
    return Gradient([factor * part for part in gradient.nabla_b], [factor * part for part in gradient.nabla_w])


def clip_by_norm(gradient: Gradient, most: float) -> Gradient:
    """Scale a gradient down to the norm ``most``, over all its entries together, where it exceeds it (Pascanu et al. 2013)."""
    wide = [part.astype(np.float64).ravel() for parts in gradient for part in parts]  # squares overflow float32 at 1e38
    norm = float(np.sqrt(sum(part @ part for part in wide)))
    if not norm > most:
        return gradient
    factor = most / norm
    return Gradient([factor * part for part in gradient.nabla_b], [factor * part for part in gradient.nabla_w])


def penalized(nabla_w: Array, w: Array, l1: float, l2: float) -> Array:
    """Add the penalties' gradients: ``l2 w`` of ``(l2/2) sum w^2``, ``l1 sign(w)`` of ``l1 sum |w|`` (book, chapter 3).

    Both are added to the *mean* cost, not divided by the batch; the book's lmbda is ``l2 n``.
    """
    if l2:
        nabla_w = nabla_w + l2 * w
    if l1:
        nabla_w = nabla_w + l1 * np.sign(w)
    return nabla_w


def update_mini_batch(
    parameters: Parameters,
    gradient: Gradient,
    optimizer: Optimizer,
    eta: float,
    m: float,
    *,
    t: int = 1,
    l1: float = 0.0,
    l2: float = 0.0,
    clip: float | None = None,
) -> Parameters:
    """Take one step (N12): subtract the gradient, multiplied by ``eta / m``, or apply another optimizer's rule.

    Parameters
    ----------
    parameters : Parameters
    gradient : Gradient
        The batch's sums.
    optimizer : Optimizer
    eta : float
        The step's learning rate.
    m : float
        The number of examples in the batch (their summed weight, where they are weighted); a batch of weight 0 changes nothing.
    t : int
        The number of this update, from 1.
    l1, l2 : float
        The penalties on the weights, beside the mean cost; biases have none.
    clip : float, optional
        The largest norm of the mean gradient, before penalties.

    Returns
    -------
    updated : Parameters
        New arrays; the arguments are left as they were.
    """
    weights, biases, slots = parameters
    if not m >= np.finfo(weights[0].dtype).tiny:  # subnormal: 1 / m may overflow
        return parameters
    if optimizer.linear and clip is None and not (l1 or l2):
        rate = eta / m  # exactly (N12)
    else:
        rate = eta
        gradient = mean_gradient(gradient, m)
        if clip is not None:
            gradient = clip_by_norm(gradient, clip)
        gradient = gradient._replace(nabla_w=[penalized(g, w, l1, l2) for g, w in zip(gradient.nabla_w, weights, strict=True)])
    if optimizer.shrink:
        weights = [(1 - eta * optimizer.shrink) * w for w in weights]
    arrays, new_slots = [], []
    for parameter, nabla, slot in zip(weights + biases, gradient.nabla_w + gradient.nabla_b, slots, strict=True):
        parameter, slot = optimizer.step(parameter, nabla, slot, rate, t)
        arrays.append(parameter)
        new_slots.append(slot)
    return Parameters(arrays[: len(weights)], arrays[len(weights) :], new_slots)
