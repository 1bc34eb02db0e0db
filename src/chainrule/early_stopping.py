"""Early stopping: when a training ends because its validation no longer improves, and which epoch was the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ._checks import check_float, check_int
from .checkpoints.snapshot import BestSnapshot
from .errors import SettingError, UnknownName
from .history import EpochRecord
from .plan import State


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation no longer improves, and restore the best epoch's parameters.

    Parameters
    ----------
    patience : int or None
        The number of epochs without a new best after which the training stops; None trains all epochs, and restores the best.
    min_delta : float
        The least improvement that counts as a new best.
    monitor : {"validation_accuracy", "validation_cost"}, optional
        The score to watch; by default the accuracy, or the cost where y holds values.
    last : bool
        Whether the last of several epochs with the best score is restored, not the first; it has been trained for longer. An equal
        score is no improvement: the patience is not renewed.
    """

    patience: int | None = 10
    min_delta: float = 0.0
    monitor: Literal["validation_accuracy", "validation_cost"] | None = None
    last: bool = False

    def __post_init__(self) -> None:
        if self.patience is not None:
            check_int("patience", self.patience, least=1)
        check_float("min_delta", self.min_delta, least=0)
        if self.monitor not in (None, "validation_accuracy", "validation_cost"):
            raise UnknownName("monitor", self.monitor, ("validation_accuracy", "validation_cost"))

    def score(self, record: EpochRecord) -> float:
        """Give an epoch's score; higher is better."""
        assert record.validation_cost is not None  # noqa: S101  # a Run with early stopping has validation examples
        if self.monitor == "validation_cost" or record.validation_accuracy is None:
            return -record.validation_cost
        return record.validation_accuracy


def check_early_stopping(early_stopping: int | EarlyStopping, *, has_validation: bool, has_classes: bool) -> EarlyStopping:
    """Read a training's ``early_stopping``: a number is the patience.

    Raises
    ------
    SettingError
        When there are no validation examples, or they have no accuracy to monitor.
    """
    if not has_validation:
        raise SettingError("early_stopping watches the validation examples; pass validation=(x, y) as well")
    settings = early_stopping if isinstance(early_stopping, EarlyStopping) else EarlyStopping(early_stopping)
    if settings.monitor == "validation_accuracy" and not has_classes:
        raise SettingError("early_stopping cannot watch validation_accuracy: y holds values, not classes; watch validation_cost")
    return settings


class BestEpoch:
    """The best epoch so far.

    Attributes
    ----------
    epoch : int or None
        Its number; None before the first epoch.
    state : State or None
        The network and the optimizer after it.
    epochs_since : int
        Epochs since the score improved.
    """

    def __init__(self, settings: EarlyStopping) -> None:
        self.settings = settings
        self.score = -np.inf
        self.epoch: int | None = None
        self.state: State | None = None
        self.epochs_since = 0

    def update(self, record: EpochRecord, state: State) -> None:
        """Compare an epoch with the best so far."""
        score = self.settings.score(record)
        self.epochs_since += 1
        if self.state is None or score > self.score + self.settings.min_delta:
            self.score, self.epoch, self.state, self.epochs_since = score, record.epoch, state, 0
        elif self.settings.last and score == self.score:
            self.epoch, self.state = record.epoch, state

    def snapshot(self) -> BestSnapshot | None:
        """Give it as a checkpoint keeps it; None before the first epoch."""
        if self.epoch is None or self.state is None:
            return None
        return BestSnapshot(self.epoch, self.score, self.epochs_since, self.state)

    def restore(self, best: BestSnapshot) -> None:
        """Take over the best epoch of a training that is resumed."""
        self.epoch, self.score, self.epochs_since, self.state = best.epoch, best.score, best.epochs_since, best.state

    @property
    def patience_exhausted(self) -> bool:
        """Whether the training stops: no new best in as many epochs as the patience allows."""
        return self.settings.patience is not None and self.epochs_since >= self.settings.patience
