"""Training by mini-batches, solvers "sgd" and "adam": scikit-learn's epochs, plateaus and early stopping.

An engine's session does the arithmetic of one or several epochs in one ``advance``; this module decides whether and how to
continue after them.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._types import Indices
from .._warnings import user_stacklevel
from ..engines import Engine, Session, Threads
from ..epoch_blocks import block_length
from ..epoch_table import EpochTable
from ..examples import Examples
from ..history import EpochRecord
from ..plan import Floats, Plan, State, Steps
from .fit_checkpoints import FitCheckpoints
from .fit_position import FitPosition
from .random_state import shuffle_order
from .reporters import Reporter
from .training_state import TrainingState

PLATEAU = "%s did not improve more than tol=%f for %d consecutive epochs. %s"
NOT_CONVERGED = "Stochastic Optimizer: Maximum iterations (%d) reached and the optimization hasn't converged yet."


@dataclass(frozen=True)
class Settings:
    """The hyperparameters that decide the epochs.

    ``loss_scale`` is the factor from the engine's summed cost to scikit-learn's loss.
    """

    alpha: float
    max_iter: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    loss_scale: float


@dataclass(frozen=True)
class EpochResults:
    """The results of some epochs that one call trained.

    Attributes
    ----------
    losses : float64 array
        scikit-learn's loss of each epoch, with the penalty.
    correct : float64 array or None
        The weight of the correct examples of each epoch; None where y holds values.
    rates : float64 array
        The learning rate of each epoch.
    seconds : float
        Of each epoch, on average.
    """

    losses: Floats
    correct: Floats | None
    rates: Floats
    seconds: float


@dataclass(frozen=True)
class StochasticTrainer:
    """One call of ``fit`` or ``partial_fit``.

    Attributes
    ----------
    engine, plan, examples, settings, threads
        The engine that computes, the plan, the data, the hyperparameters, and the number of threads.
    position : FitPosition
    reporter : Reporter or None
    score : callable or None
        With early stopping, the score of a state on the validation set.
    validation : Examples or None
        Without early stopping, a validation set whose loss is recorded, and decides which parameters are the best.
    checkpoints : FitCheckpoints or None
    """

    engine: Engine
    plan: Plan
    examples: Examples
    settings: Settings
    threads: Threads
    position: FitPosition
    reporter: Reporter | None
    score: Callable[[State], float] | None = None
    validation: Examples | None = None
    checkpoints: FitCheckpoints | None = None

    def train(self, training: TrainingState, *, single_epoch: bool) -> bool:
        """Train, and update ``training``; ``single_epoch`` is true for ``partial_fit``.

        Returns
        -------
        bool
            Whether Ctrl-C ended it. That is a warning: the epochs and steps before it are kept.
        """
        session = self.engine.open(self.plan, training.network, threads=self.threads)
        data = self.engine.prepare(self.examples)
        interrupted = False
        with nullcontext() if self.checkpoints is None else self.checkpoints.saving(session, training, self.position):
            try:
                self._train_epochs(session, data, training, 1 if single_epoch else self.settings.max_iter)
                if training.stopped == "finished" and not single_epoch:
                    self._warn_not_converged()
            except KeyboardInterrupt:
                interrupted, training.stopped = True, training.stopped or "interrupted"
                warnings.warn("Training interrupted by user.", stacklevel=user_stacklevel())
        training.network = session.state()
        return interrupted

    def _train_epochs(self, session: Session, data: Any, training: TrainingState, max_epochs: int) -> None:
        """Train, until a plateau ends the training or the last epoch is done."""
        while not training.stopped and training.n_iter < max_epochs:
            count = min(self._epochs_per_call(training), max_epochs - training.n_iter)
            self._visit_checkpoints(session, training)
            one_block = self._block_length >= len(self.examples)
            with self._hold_signals() if one_block else nullcontext():
                self.position.begin_draw(keep_state=self.checkpoints is not None and not one_block)
                orders = self._draw_orders(self.position.order, count)
                results = self._advance(session, data, training, orders)
                with self._hold_signals():
                    self._end_epochs(session, training, results)
                    self.position.begin_epoch(orders[-1])
        training.stopped = training.stopped or "finished"

    def _visit_checkpoints(self, session: Session, training: TrainingState) -> None:
        """Let a checkpoint be written between two blocks."""
        if self.checkpoints is not None:
            self.checkpoints.visit(session, training, self.position)

    def _hold_signals(self) -> AbstractContextManager[None]:
        """Hold signals back in a fit with checkpoints, so that its state, curves and position are always of the same step."""
        return nullcontext() if self.checkpoints is None else self.checkpoints.signals

    def _end_epochs(self, session: Session, training: TrainingState, results: EpochResults) -> None:
        """Record the epochs of one call, and decide whether the training goes on."""
        for loss in results.losses.tolist():
            training.n_iter += 1
            training.samples_seen += len(self.examples)
            training.loss_curve.append(loss)
            self._record_improvement(session, training)
            self._record_validation_loss(session, training)
            training.learning_rate.update(training.samples_seen)
        self._report(training, results)
        if training.epochs_without_improvement > self.settings.n_iter_no_change:
            if self._ends_on_plateau(training):
                training.stopped = "early"
            else:
                training.epochs_without_improvement = 0

    def _epochs_per_call(self, training: TrainingState) -> int:
        """Return the number of epochs before the next decision; short epochs are trained in one call of the engine.

        It is limited to one block of about 50 ms, so that Ctrl-C is handled in time.
        """
        if self.score is not None or self.validation is not None:
            return 1
        if self.position.rows or (self.reporter is not None and self.reporter.immediate):
            return 1
        before_plateau = self.settings.n_iter_no_change - training.epochs_without_improvement + 1
        before_checkpoint = np.inf if self.checkpoints is None else self.checkpoints.epochs_until_due(training.n_iter)
        return max(1, int(min(self._block_length // len(self.examples), before_plateau, before_checkpoint)))

    def _draw_orders(self, order: Indices, count: int) -> Indices:
        """Return the orders of the next epochs, (count, n); each is a shuffle of the one before."""
        if not self.settings.shuffle:
            return np.tile(order, (count, 1))
        orders = np.empty((count, len(order)), order.dtype)
        for k in range(count):
            orders[k] = order = shuffle_order(self.position.random_state, order)
        return orders

    @cached_property
    def _block_length(self) -> int:
        """The number of examples of a block, in whole mini-batches; Ctrl-C is handled between blocks."""
        return block_length(self.plan, self.examples)

    @cached_property
    def _batch_sizes(self) -> Floats:
        """The number of examples of each mini-batch of an epoch."""
        n, size = len(self.examples), self.plan.batch_size
        return np.minimum(size, n - np.arange(0, n, size), dtype=np.float64)

    @cached_property
    def _inverse_batch_sizes(self) -> Floats:
        """The inverse of ``_batch_sizes``, shape (1, mini-batches)."""
        return 1 / self._batch_sizes[None]

    def _inverse_batch_weights(self, orders: Indices) -> Floats:
        """Return 1 / (the summed weight of each mini-batch), an epoch a row; 0 where the weight is 0 and nothing is updated."""
        if self.examples.weights is None:
            return self._inverse_batch_sizes
        starts = np.arange(0, orders.shape[1], self.plan.batch_size)
        totals = np.add.reduceat(self.examples.weights[orders], starts, axis=1)
        return np.divide(1.0, totals, where=totals > 0, out=np.zeros_like(totals))

    def _advance(self, session: Session, data: Any, training: TrainingState, orders: Indices) -> EpochResults:
        """Take the steps of the epochs ``orders`` (epochs, n) that are left, and sum up the epochs."""
        alpha, inverse_weights = self.settings.alpha, self._inverse_batch_weights(orders)
        shape = (len(orders), len(self._batch_sizes))
        rate, decay = np.empty((2, *shape))
        rates = training.learning_rate.upcoming(training.samples_seen, orders.shape[1], len(orders))
        rate[:] = rates[:, None]
        decay[:] = alpha * inverse_weights
        self._advance_blocks(session, data, training, orders, Steps(rate.ravel(), decay.ravel(), squares=alpha != 0))
        whole = self.position.joined()
        losses = self.settings.loss_scale * whole.costs
        if whole.squares is not None:
            losses += 0.5 * alpha * whole.squares
        # Like scikit-learn: the mean loss of each mini-batch counts as its number of examples, whatever their weights.
        epoch_losses = (losses.reshape(shape) * (inverse_weights * self._batch_sizes)).sum(axis=1) / orders.shape[1]
        correct = None if whole.right is None else whole.right.reshape(shape).sum(axis=1)
        return EpochResults(epoch_losses, correct, rates, self.position.seconds / len(orders))

    def _advance_blocks(self, session: Session, data: Any, training: TrainingState, orders: Indices, steps: Steps) -> None:
        """Take the steps block by block; several epochs are one block."""
        length, size, first = self._block_length, self.plan.batch_size, self.position.rows
        for start in range(first, orders.shape[1], length):
            if start > first:
                self._visit_checkpoints(session, training)
            block_steps = steps if len(orders) > 1 else steps[start // size : (start + length) // size]
            with self._hold_signals():
                started = time.perf_counter()
                block = orders[:, start : start + length]
                result = session.advance(data, block, block_steps)
                self.position.add(block.size, result, time.perf_counter() - started)
            self._report_steps(len(block_steps))

    def _report_steps(self, count: int) -> None:
        if self.reporter is not None:
            self.reporter.steps_done(count)

    def _record_improvement(self, session: Session, training: TrainingState) -> None:
        """Record whether the epoch improved the loss, or with early stopping the validation score."""
        tol, loss = self.settings.tol, training.loss_curve[-1]
        if self.score is None:
            assert training.best_loss is not None  # noqa: S101  # since there is no early stopping
            improved = not loss > training.best_loss - tol
            if loss < training.best_loss:
                training.best_loss = loss
        else:
            improved = self._record_score(self.score, session, training)
        training.epochs_without_improvement = 0 if improved else training.epochs_without_improvement + 1

    def _record_score(self, score: Callable[[State], float], session: Session, training: TrainingState) -> bool:
        """Record the validation score, and the state with the best one; return whether the score improved."""
        assert training.best_score is not None  # noqa: S101  # since there is early stopping
        assert training.validation_scores is not None  # noqa: S101
        state = session.state()
        value = score(state)
        training.validation_scores.append(value)
        improved = not value < training.best_score + self.settings.tol
        if value > training.best_score:
            training.best_score, training.best_network = value, state
        return improved

    def _record_validation_loss(self, session: Session, training: TrainingState) -> None:
        """Record the loss of the validation set, and the state with the lowest one."""
        if self.validation is None:
            return
        curve = training.validation_loss_curve
        curve.append(self.settings.loss_scale * session.evaluate(self.engine.prepare(self.validation)).cost)
        if curve[-1] <= np.nanmin(curve):
            training.best_network = session.state()

    def _report(self, training: TrainingState, results: EpochResults) -> None:
        """Report the epochs of one call. With a validation set it is one epoch, whose score or loss is the last one."""
        if self.reporter is None and self.checkpoints is None:
            return
        losses, scores = training.validation_loss_curve, training.validation_scores
        after = losses[-1] if losses else None, scores[-1] if scores else None
        records = self._records(results, training.n_iter, *after)
        if self.reporter is not None:
            for record in records:
                self.reporter.epoch_done(record)
        if self.checkpoints is not None:
            self.checkpoints.epochs_done(records)

    def _records(
        self, results: EpochResults, last_epoch: int, validation_loss: float | None, score: float | None
    ) -> Sequence[EpochRecord]:
        """Make the records of the epochs of one call."""
        n, weights = len(self.examples), self.examples.weights
        total = n if weights is None else float(weights.sum())
        seconds, per_second = results.seconds, n / results.seconds
        if len(results.losses) == 1:  # much faster than a table of one row
            accuracy = None if results.correct is None else results.correct.item() / total
            cost, rate = results.losses.item(), results.rates.item()
            return [EpochRecord(last_epoch, cost, accuracy, validation_loss, score, rate, seconds, per_second)]
        return EpochTable.from_columns(
            epoch=np.arange(-len(results.losses), 0) + last_epoch + 1,
            cost=results.losses,
            accuracy=None if results.correct is None else results.correct / total,
            validation_cost=validation_loss,
            validation_accuracy=score,
            learning_rate=results.rates,
            seconds=seconds,
            examples_per_second=per_second,
        )

    def _ends_on_plateau(self, training: TrainingState) -> bool:
        """Report a plateau; return whether it ends the training, rather than reduce the learning rate."""
        end = training.learning_rate.handle_plateau()
        if self.reporter is not None:
            quantity = "Validation score" if self.score is not None else "Training loss"
            consequence = end or f"Setting learning rate to {training.learning_rate.current:f}"
            self.reporter.message(PLATEAU % (quantity, self.settings.tol, self.settings.n_iter_no_change, consequence))
        return end is not None

    def _warn_not_converged(self) -> None:
        warnings.warn(NOT_CONVERGED % self.settings.max_iter, ConvergenceWarning, stacklevel=user_stacklevel())
