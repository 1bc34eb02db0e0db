"""A snapshot of a training between two blocks: all that it has computed, and nothing that follows from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._types import AnyArray
from ..calculus.descent import steps_per_epoch
from ..epoch_table import EpochTable
from ..history import EpochProgress
from ..plan import Plan, Provenance, State


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
    records : EpochTable
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
    records: EpochTable
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

    def check(self, plan: Plan, n: int) -> None:
        """Check that it is one of a training of this plan on n examples.

        Raises
        ------
        ValueError
            When its shapes, slots, mini-batches or steps are those of another training, as in a file that was made by hand.
        """
        state, progress, size = self.state, self.progress, plan.batch_size
        if state.weights[0].shape[1:] + tuple(len(b) for b in state.biases) != plan.sizes or state.weights[0].dtype != plan.dtype:
            raise ValueError("its parameters have other shapes than the network")
        if set(state.slots) not in (set(), set(plan.optimizer.slots)):
            raise ValueError("its optimizer's slots are those of another optimizer")
        if not 0 <= progress.rows <= n or (progress.rows % size and progress.rows != n):
            raise ValueError("the rows that are done must be whole mini-batches")
        batches, epochs = steps_per_epoch(progress.rows, size), len(self.records)
        if len(progress.costs) != batches:
            raise ValueError("it must have a cost for each mini-batch")
        if epochs != progress.epoch - 1 or state.step != epochs * steps_per_epoch(n, size) + batches:
            raise ValueError("its records, epochs and steps must agree")
