"""Translates an estimator's hyperparameters into the plan, the optimizer and the learning rate that engines and trainers take."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .._warnings import user_stacklevel
from ..calculus.optimizers import SGD, Adam, Optimizer
from ..plan import Layer, Plan
from .learning_rates import LearningRate

HIDDEN_ACTIVATIONS = {"logistic": "sigmoid", "identity": "identity", "tanh": "tanh", "relu": "relu"}
"""The library's name of each activation that ``activation`` may name."""

OUTPUT_COSTS = {"logistic": "cross_entropy", "softmax": "log_loss", "identity": "quadratic", "exp": "poisson"}
"""The cost that each output activation is trained with."""

LEAST_MOMENTUM, MOST_MOMENTUM = float(np.nextafter(0.0, 1.0)), float(np.nextafter(1.0, 0.0))
CLIPPED = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"


def output_activation_name(out_activation: str) -> str:
    """Return the library's name of an ``out_activation_``: logistic is sigmoid, softmax and exp keep their names."""
    return HIDDEN_ACTIVATIONS.get(out_activation, out_activation)


def make_plan(estimator: BaseEstimator, sizes: list[int], out_activation: str, dtype: Any) -> Plan:
    """Make the plan of an estimator's network.

    Parameters
    ----------
    estimator : BaseEstimator
    sizes : list of int
        The number of inputs, then of each layer's units.
    out_activation : str
        A key of ``OUTPUT_COSTS``.
    dtype : dtype

    Raises
    ------
    ValueError
        When the output's activation is another.
    """
    if out_activation not in OUTPUT_COSTS:
        raise ValueError(f"out_activation_ must be one of {', '.join(OUTPUT_COSTS)}; it is {out_activation!r}")
    hidden_layers = len(sizes) - 2
    activations = [HIDDEN_ACTIVATIONS[estimator.activation]] * hidden_layers + [output_activation_name(out_activation)]
    dropout = [float(estimator.dropout)] * hidden_layers + [0.0]
    layers = tuple(Layer(*layer) for layer in zip(sizes[:-1], sizes[1:], activations, dropout, strict=True))
    return Plan(layers, OUTPUT_COSTS[out_activation], make_optimizer(estimator), dtype=np.dtype(dtype).name)


def make_optimizer(estimator: BaseEstimator) -> Optimizer:
    """Make the optimizer: Adam for ``solver="adam"``, otherwise SGD with momentum.

    SGD requires ``momentum < 1``, while scikit-learn allows 1. Momentum 0 becomes the smallest positive number: SGD without a
    velocity applies the penalty on sparse inputs at the end of a call, so that several calls of ``partial_fit`` would differ from
    one fit in the last bit.
    """
    if estimator.solver == "adam":
        return Adam(estimator.beta_1, estimator.beta_2, estimator.epsilon, epsilon_on="raw")
    momentum = min(max(float(estimator.momentum), LEAST_MOMENTUM), MOST_MOMENTUM)
    return SGD(momentum, nesterov=bool(estimator.nesterovs_momentum and estimator.momentum > 0))


def make_learning_rate(estimator: BaseEstimator) -> LearningRate:
    """Make the learning rate at its initial value; Adam's is constant."""
    schedule = estimator.learning_rate if estimator.solver == "sgd" else "constant"
    initial = float(estimator.learning_rate_init)
    return LearningRate(schedule, initial, float(estimator.power_t), initial)


def batch_size_for(batch_size: Any, n: int) -> int:
    """Return the mini-batch size for n examples; warn, as scikit-learn does, where ``batch_size`` is larger than n."""
    if batch_size == "auto":
        return min(200, n)
    if batch_size > n:
        warnings.warn(CLIPPED, stacklevel=user_stacklevel())
    return int(np.clip(batch_size, 1, n))
