"""scikit-learn's MLP: an epoch is one ``partial_fit`` over the rows in the given order, unshuffled, without a penalty."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from benchmarks.job import Arrays, Job, Measurement, time_epochs, time_prediction

ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}


class Adam(AdamOptimizer):
    """scikit-learn's Adam with epsilon added to the corrected root, as in the paper's algorithm and in the other peers."""

    def _get_updates(self, grads: list[Any]) -> list[Any]:
        self.epsilon = 1e-8 * (1 - self.beta_2 ** (self.t + 1)) ** 0.5
        return super()._get_updates(grads)


def estimator_of(job: Job) -> Any:
    """Make the estimator with the job's initial parameters; a call of ``partial_fit`` creates its arrays, which are overwritten."""
    s = job.settings
    model = (MLPRegressor if job.y.ndim == 2 else MLPClassifier)(
        hidden_layer_sizes=s.sizes[1:-1],
        activation=ACTIVATIONS[s.hidden],
        solver=s.optimizer,
        alpha=0.0,
        batch_size=s.batch_size,
        learning_rate_init=s.learning_rate,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
    )
    classes = {} if job.y.ndim == 2 else {"classes": np.arange(s.sizes[-1])}
    rows = slice(0, s.batch_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(job.x[rows].astype(np.float32), target_of(job)[rows], **classes)
    for own, given in zip([*model.coefs_, *model.intercepts_], [*(w.T for w in job.weights), *job.biases], strict=True):
        own[...] = given
    parameters = [*model.coefs_, *model.intercepts_]
    if s.optimizer == "adam":
        model._optimizer = Adam(parameters, s.learning_rate)  # a new optimizer, whose step count is 0
    return model


def target_of(job: Job) -> NDArray[Any]:
    """Return y in the shape that an estimator takes."""
    return job.y.ravel() if job.y.ndim == 2 else job.y


class Trainer:
    """An estimator and its data."""

    def __init__(self, job: Job) -> None:
        self.model, self.x, self.y = estimator_of(job), job.inputs, target_of(job)

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train one epoch; gathering the rows is part of it, as in the other peers."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model.partial_fit(self.x[order], self.y[order])

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the parameters."""
        return [w.T for w in self.model.coefs_], self.model.intercepts_


def train(job: Job, threads: int) -> Measurement:
    """Time epochs; the environment sets the number of BLAS threads."""
    return time_epochs(Trainer(job), job)


def predict(job: Job, threads: int) -> Measurement:
    """Time ``predict``."""
    return time_prediction(job, predict=estimator_of(job).predict)
