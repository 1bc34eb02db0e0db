"""The checkpoints of a fit: its snapshots, and the fit that goes on from one.

``Snapshot`` holds what every training has: the state, the epoch under way, the records, from which the curves are read again. An
estimator adds its generator's state, the order of the rows, and the squares of the weights in the epoch's penalty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..calculus.descent import steps_per_epoch
from ..checkpoints.checkpoints import Checkpoints
from ..checkpoints.snapshot import BestSnapshot, Extra, Snapshot
from ..engines import Session
from ..epoch_table import EpochTable
from ..errors import ModelFileError
from ..held_signals import SignalHolder, exit_on_signals
from ..history import EpochProgress, EpochRecord, column_of
from ..plan import BlockResult, Plan
from .fit_position import FitPosition
from .training_state import TrainingState

KEY_WORDS = 624
"""The words of the Mersenne Twister's state."""


class FitCheckpoints:
    """The checkpoints of one fit.

    Parameters
    ----------
    checkpoints : Checkpoints
    plan : Plan
    n : int
        The rows that are trained on.
    resumed : Snapshot or None
        The checkpoint that the fit goes on from.
    blas_threads : int or None
        As ``Snapshot`` has them.
    """

    def __init__(self, checkpoints: Checkpoints, plan: Plan, n: int, resumed: Snapshot | None, blas_threads: int | None) -> None:
        self.checkpoints = checkpoints
        self.plan = plan
        self.n = n
        self.resumed = resumed
        self.blas_threads = blas_threads
        self.records = EpochTable.empty()
        self.signals = SignalHolder()
        self._last: Snapshot | None = None  # with finite parameters

    @contextmanager
    def saving(self, session: Session, training: TrainingState, position: FitPosition) -> Iterator[None]:
        """Write the first checkpoint before the training inside, and the last one after it, however it ends."""
        with exit_on_signals(), self.signals.installed():
            self._last = self.resumed or self._snapshot(session, training, position)
            self.checkpoints.begin(self._last, resumed=self.resumed is not None)
            try:
                yield
            finally:
                self.checkpoints.end(self._final_snapshot(session, training, position))

    def visit(self, session: Session, training: TrainingState, position: FitPosition) -> None:
        """Write a checkpoint between two blocks, if one is due."""

        def take_snapshot() -> Snapshot | None:
            return self._whole_snapshot(session, training, position)

        self.checkpoints.visit(take_snapshot, training.n_iter + 1, at_start=not position.rows)

    def epochs_done(self, records: Sequence[EpochRecord]) -> None:
        """Keep the records of some epochs, and add them to the history's file."""
        self.records.extend(records)
        self.checkpoints.epochs_done(self.records)

    def epochs_until_due(self, n_iter: int) -> float:
        """Count the epochs before the next checkpoint, where they are written every so many epochs."""
        every = self.checkpoints.every.epochs
        return np.inf if every is None else every - n_iter % every

    def _whole_snapshot(self, session: Session, training: TrainingState, position: FitPosition) -> Snapshot | None:
        """Copy out the fit; None where an error came within a step or a draw, or a parameter is NaN or infinite."""
        if position.generator is None:
            return None
        snapshot = self._snapshot(session, training, position)
        size = self.plan.batch_size
        done = training.n_iter * steps_per_epoch(self.n, size) + steps_per_epoch(position.rows, size)
        if snapshot.state.step != done or not snapshot.state.is_finite:
            return None
        self._last = snapshot
        return snapshot

    def _final_snapshot(self, session: Session, training: TrainingState, position: FitPosition) -> Snapshot | None:
        """Copy out the fit at its end; of one that has diverged, give the last snapshot before that, with the reason."""
        if self._last is not None and not session.state().is_finite:
            return replace(self._last, stopped="diverged")
        return self._whole_snapshot(session, training, position)

    def _snapshot(self, session: Session, training: TrainingState, position: FitPosition) -> Snapshot:
        """Copy out all that the fit has computed so far."""
        state, result = session.state(), position.joined()
        rate = float(training.learning_rate.current)
        progress = EpochProgress(
            training.n_iter + 1, position.rows, result.costs, result.right, learning_rate=rate, seconds=position.seconds
        )
        return Snapshot(
            state=state,
            epoch_state=state,
            progress=progress,
            records=self.records.copy(),
            best=self._best(training),
            stopped=training.stopped,
            message="",
            earlier=None,
            blas_threads=self.blas_threads,
            extra=_extra(training, position, result),
        )

    def _best(self, training: TrainingState) -> BestSnapshot | None:
        """Give the best epoch on the validation set; epoch 0 are the initial parameters."""
        best = training.best_network
        if best is None:
            return None
        epoch = best.step // steps_per_epoch(self.n, self.plan.batch_size)
        score = training.best_score
        if score is None:
            score = float(np.nanmin(training.validation_loss_curve))
        return BestSnapshot(epoch, float(score), training.n_iter - epoch, best)

    def restore(self, training: TrainingState, position: FitPosition) -> None:
        """Set a fit that has not begun to the checkpoint that it goes on from, if there is one.

        NumPy's global generator, that of ``random_state=None``, is left as it is: the fit goes on with one of its own.

        Raises
        ------
        ModelFileError
            When the checkpoint's entries are not those of a fit of this plan and these rows.
        """
        if self.resumed is None:
            return
        if position.random_state is check_random_state(None):
            position.random_state = np.random.RandomState()
        try:
            check_snapshot(self.resumed, self.plan, self.n, has_validation=training.validation_scores is not None)
        except (ValueError, TypeError, KeyError) as error:
            raise ModelFileError(f"{self.checkpoints.folder.path} is damaged: {error}") from None
        self.records.extend(self.resumed.records)
        restore_training(training, self.resumed, self.n)
        restore_position(position, self.resumed)


def _extra(training: TrainingState, position: FitPosition, result: BlockResult) -> Extra:
    """Give the entries that an estimator's fit has and others lack."""
    generator = position.generator
    assert generator is not None  # noqa: S101  # otherwise no snapshot is taken
    arrays = {"order": position.order, "generator": generator["state"]["key"].astype(np.int64)}
    if result.squares is not None:
        arrays["squares"] = result.squares
    return Extra(
        {
            "learning_rate": float(training.learning_rate.current),
            "epochs_without_improvement": training.epochs_without_improvement,
            "generator": {
                "position": int(generator["state"]["pos"]),
                "has_gauss": int(generator["has_gauss"]),
                "gauss": float(generator["gauss"]),
            },
        },
        arrays,
    )


def check_snapshot(snapshot: Snapshot, plan: Plan, n: int, *, has_validation: bool) -> None:
    """Check that a snapshot is one of a fit of this plan and n rows; a mistake raises ValueError, TypeError or KeyError.

    ``has_validation`` says whether a score is recorded after each epoch.
    """
    snapshot.check(plan, n)
    values, arrays, epochs = snapshot.extra.values, snapshot.extra.arrays, len(snapshot.records)
    if len(arrays.get("squares", snapshot.progress.costs)) != len(snapshot.progress.costs):
        raise ValueError("it must have a sum of squares for each mini-batch")
    if has_validation and snapshot.best is None:
        raise ValueError("it lacks the best epoch")
    if arrays["order"].dtype != np.int64 or not np.array_equal(np.sort(arrays["order"]), np.arange(n)):
        raise ValueError("its order must name each row once")
    if not 0 < values["learning_rate"] < np.inf:
        raise ValueError("its learning rate must be above 0")
    if type(values["epochs_without_improvement"]) is not int or not 0 <= values["epochs_without_improvement"] <= epochs:
        raise ValueError("its epochs without improvement must be some of its epochs")
    check_generator(values["generator"], arrays["generator"])


def check_generator(values: Any, key: Any) -> None:
    """Check the state of a Mersenne Twister: NumPy reads its array at the position, unchecked."""
    if key.shape != (KEY_WORDS,) or key.dtype != np.int64 or key.min() < 0 or key.max() >= 2**32:
        raise ValueError(f"its generator must have {KEY_WORDS} words of 32 bits")
    if type(values["position"]) is not int or not 0 <= values["position"] <= KEY_WORDS:
        raise ValueError(f"its generator's position must be a whole number from 0 to {KEY_WORDS}")
    if values["has_gauss"] not in (0, 1) or not np.isfinite(values["gauss"]):
        raise ValueError("its generator's normal number must be finite")


def restore_training(training: TrainingState, snapshot: Snapshot, n: int) -> None:
    """Set a training to a snapshot of one of n rows."""
    records, best, values = snapshot.records, snapshot.best, snapshot.extra.values
    training.network = snapshot.state
    training.n_iter, training.samples_seen = len(records), len(records) * n
    training.loss_curve = column_of(records, "cost").tolist()
    training.learning_rate.current = values["learning_rate"]
    training.epochs_without_improvement = values["epochs_without_improvement"]
    training.stopped = "early" if snapshot.stopped == "early" else ""  # the others go on where max_iter has grown
    training.best_network = None if best is None else best.state
    if training.validation_scores is None:
        training.best_loss = min((loss for loss in training.loss_curve if not np.isnan(loss)), default=np.inf)
        training.validation_loss_curve = [record.validation_cost for record in records if record.validation_cost is not None]
    else:
        training.validation_scores = column_of(records, "validation_accuracy").tolist()
        training.best_score = None if best is None else best.score


def restore_position(position: FitPosition, snapshot: Snapshot) -> None:
    """Set a position, and its generator, to a snapshot."""
    progress, arrays, values = snapshot.progress, snapshot.extra.arrays, snapshot.extra.values["generator"]
    state = {"key": arrays["generator"].astype(np.uint32), "pos": values["position"]}
    position.random_state.set_state(
        {"bit_generator": "MT19937", "state": state, "has_gauss": values["has_gauss"], "gauss": values["gauss"]}
    )
    position.begin_epoch(arrays["order"])
    if progress.rows:
        result = BlockResult(progress.costs, progress.right, finite=True, squares=arrays.get("squares"))
        position.add(progress.rows, result, progress.seconds)
