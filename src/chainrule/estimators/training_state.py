"""The state of a training by mini-batches, from which warm starts and ``partial_fit`` continue."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..calculus.optimizers import Optimizer
from ..plan import State
from .learning_rates import LearningRate

PUBLIC_ATTRIBUTES = {
    "t_": "samples_seen",
    "loss_curve_": "loss_curve",
    "best_loss_": "best_loss",
    "validation_scores_": "validation_scores",
    "best_validation_score_": "best_score",
}
"""The estimator's public attributes that a training continues from, and the fields that hold them here."""


@dataclass
class TrainingState:
    """Parameters, optimizer, learning rate, counters and curves after the last epoch.

    Attributes
    ----------
    network : State
        Parameters, the optimizer's slots and the number of updates.
    learning_rate : LearningRate
    optimizer : Optimizer
        As the hyperparameters were at the first epoch; ``partial_fit`` keeps it when they change.
    samples_seen : int
    loss_curve : list of float
    validation_scores : list of float or None
        None without early stopping.
    validation_loss_curve : list of float
    best_loss, best_score : float or None
        The best without, and with, early stopping; the other is None.
    epochs_without_improvement : int
    n_iter : int
        Epochs of the last fit.
    best_network : State or None
        With a validation set, the state with the best score or loss on it in this fit.
    stopped : str
        Why the last fit ended: early (on a plateau), finished (after ``max_iter`` epochs) or interrupted; empty while it goes on.
    """

    network: State
    learning_rate: LearningRate
    optimizer: Optimizer
    samples_seen: int = 0
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] | None = None
    validation_loss_curve: list[float] = field(default_factory=list)
    best_loss: float | None = np.inf
    best_score: float | None = None
    epochs_without_improvement: int = 0
    n_iter: int = 0
    best_network: State | None = None
    stopped: str = ""

    def copy(self) -> TrainingState:
        """Return the state of a next fit, whose changes leave this one as it is; its ``validation_loss_curve`` is empty."""
        scores = None if self.validation_scores is None else [*self.validation_scores]
        return replace(
            self,
            learning_rate=replace(self.learning_rate),
            loss_curve=[*self.loss_curve],
            validation_scores=scores,
            validation_loss_curve=[],
            n_iter=0,
            stopped="",
        )

    def read_attributes(self, estimator: Any) -> None:
        """Take over the public attributes of an estimator, which a user may have set."""
        for attribute, name in PUBLIC_ATTRIBUTES.items():
            if hasattr(estimator, attribute):
                value = getattr(estimator, attribute)
                setattr(self, name, [*value] if isinstance(value, (list, np.ndarray)) else value)

    def write_attributes(self, estimator: Any) -> None:
        """Set the public attributes of an estimator."""
        for attribute, name in PUBLIC_ATTRIBUTES.items():
            setattr(estimator, attribute, getattr(self, name))
        estimator.n_iter_ = self.n_iter
        estimator.loss_ = self.loss_curve[-1] if self.loss_curve else np.inf

    def reset_best(self, *, early_stopping: bool) -> None:
        """Forget the best loss and score, as before the first epoch."""
        self.best_loss = None if early_stopping else np.inf
        self.best_score = -np.inf if early_stopping else None
        self.validation_scores = [] if early_stopping else None

    def select_best(self) -> State:
        """Return the state that did best on the validation set; the last one where no epoch had a score."""
        if self.best_network is None or self.best_score == -np.inf:
            return self.network
        return self.best_network
