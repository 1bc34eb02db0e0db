"""A snapshot of a training between two blocks: all that it has computed, and nothing that follows from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._types import AnyArray
from ..history import EpochProgress, EpochRecord
from ..plan import Provenance, State


@dataclass(frozen=True)
class BestSnapshot:
    """Early stopping's best epoch so far: see ``BestEpoch``."""

    epoch: int
    score: float
    epochs_since: int
    state: State


@dataclass(frozen=True)
class Extra:
    """The entries that one kind of training has and others lack, such as an estimator's generator and order of the rows.

    Attributes
    ----------
    values : mapping
        Of JSON's types.
    arrays : mapping of str to array
        Of at most two axes, float32, float64, int32, int64 or uint8. The names are of lowercase letters and underscores.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, AnyArray] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A training at one moment.

    Attributes
    ----------
    state : State
        The parameters and the optimizer's slots.
    epoch_state : State
        The parameters at the start of the epoch, which the network keeps if the epoch diverges.
    progress : EpochProgress
        The current epoch; its blocks are joined.
    records : tuple of EpochRecord
        Those of the epochs before.
    best : BestSnapshot or None
    stopped, message : str
        Why the training ended, as in ``History``; empty while it goes on.
    earlier : Provenance or None
        How the network had been trained before.
    blas_threads : int or None
        The threads of BLAS, on which an engine's bits may depend; None for an engine without BLAS.
    extra : Extra
    """

    state: State
    epoch_state: State
    progress: EpochProgress
    records: tuple[EpochRecord, ...]
    best: BestSnapshot | None
    stopped: str
    message: str
    earlier: Provenance | None
    blas_threads: int | None = None
    extra: Extra = field(default_factory=Extra)

    @property
    def position(self) -> tuple[int, str]:
        """The moment of the training: the number of updates done, and why it ended."""
        return self.state.step, self.stopped
