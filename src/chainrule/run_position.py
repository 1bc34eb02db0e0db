"""The position of a training: all that a ``Run`` has computed so far, and nothing that follows from its settings or data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .early_stopping import BestEpoch
from .history import EpochProgress, History
from .plan import Provenance, State

if TYPE_CHECKING:
    from .engines import Session


@dataclass
class RunPosition:
    """Where a ``Run`` is; a checkpoint holds a copy of it, a ``Snapshot``.

    Attributes
    ----------
    history : History
        The records of the epochs that have ended, and why the training did.
    best : BestEpoch or None
        The best epoch so far; None without early stopping.
    progress : EpochProgress
        The current epoch.
    done : int
        The updates done.
    earlier : Provenance or None
        How the network had been trained before; set when the training begins.
    session : Session or None
        The engine's, with the parameters and the optimizer's slots after the last step; None before the training and after it.
    epoch_state : State or None
        The parameters and slots after the last epoch that stayed finite, or at the start; None before the training.
    """

    history: History
    best: BestEpoch | None
    progress: EpochProgress = field(default_factory=lambda: EpochProgress(1))
    done: int = 0
    earlier: Provenance | None = None
    session: Session | None = None
    epoch_state: State | None = None
