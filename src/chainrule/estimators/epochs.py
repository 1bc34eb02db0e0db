"""Training by mini-batches, as scikit-learn's ``fit`` and ``partial_fit`` go about it: epochs, stalls, early stopping.

The arithmetic of some epochs is one ``advance`` of an engine's session; here are the words around it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from .._types import Indices
from .._warnings import frames_below_the_user
from ..calculus.optimizers import Optimizer
from ..engines import Engine, Session, Threads
from ..epoch_blocks import block_length
from ..examples import Examples
from ..plan import Floats, Plan, State, Steps
from . import draws
from .rates import Rate
from .telling import Quiet

STALLED = "%s did not improve more than tol=%f for %d consecutive epochs. %s"
NOT_CONVERGED = "Stochastic Optimizer: Maximum iterations (%d) reached and the optimization hasn't converged yet."


@dataclass
class Record:
    """What an estimator remembers of its epochs, through warm starts and ``partial_fit``.

    Attributes
    ----------
    state : State
        Parameters, slots and the step, after the last epoch.
    rate : Rate
    optimizer : Optimizer
        As the parameters were when it began; ``partial_fit`` goes on with it, whatever they are since.
    t : int
        Samples seen.
    loss_curve : list of float
    validation_scores : list of float or None
    validation_loss_curve : list of float
    best_loss, best_score : float or None
    stalled : int
        Epochs since the loss, or the score, last improved.
    n_iter : int
        Epochs of the last fit.
    best : State or None
        With a validation set: the state that did best on it in this fit.
    """

    state: State
    rate: Rate
    optimizer: Optimizer
    t: int = 0
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] | None = None
    validation_loss_curve: list[float] = field(default_factory=list)
    best_loss: float | None = np.inf
    best_score: float | None = None
    stalled: int = 0
    n_iter: int = 0
    best: State | None = None

    def copy(self) -> Record:
        """Give one that can be written to without touching this; a validation set's losses begin anew."""
        scores = None if self.validation_scores is None else [*self.validation_scores]
        return replace(
            self, rate=replace(self.rate), loss_curve=[*self.loss_curve], validation_scores=scores, validation_loss_curve=[]
        )


@dataclass(frozen=True)
class Settings:
    """What decides the epochs: scikit-learn's parameters, read."""

    alpha: float
    max_iter: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    loss_scale: float  # from the engine's summed cost to scikit-learn's loss


@dataclass(frozen=True)
class Trainer:
    """One call of ``fit`` or ``partial_fit``: the data, the plan, and the settings."""

    engine: Engine
    plan: Plan
    examples: Examples
    settings: Settings
    random: np.random.RandomState
    threads: Threads
    telling: Quiet
    score: Callable[[State], float] | None = None  # of a validation set, for early stopping
    watched: Examples | None = None  # a validation set whose loss is kept, and decides which weights are the best

    def run(self, record: Record, *, once: bool) -> bool:
        """Train; ``once`` is a call of ``partial_fit``. Whether Ctrl-C ended it: with a warning, and what was learnt is kept."""
        session = self.engine.open(self.plan, record.state, threads=self.threads)
        data = self.engine.prepare(self.examples)
        record.n_iter, interrupted = 0, False
        try:
            self._epochs(session, data, record, once)
        except KeyboardInterrupt:
            interrupted = True
            warnings.warn("Training interrupted by user.", stacklevel=frames_below_the_user())
        record.state = session.state()
        return interrupted

    def _epochs(self, session: Session, data: Any, record: Record, once: bool) -> None:
        settings, n, most = self.settings, len(self.examples), 1 if once else self.settings.max_iter
        order: Indices = np.arange(n)
        while record.n_iter < most:
            orders = self._orders(order, min(self._certain(record), most - record.n_iter))
            order = orders[-1]
            for loss in self._losses(session, data, orders, record.rate.coming(record.t, n, len(orders))):
                record.n_iter += 1
                record.t += n
                record.loss_curve.append(loss)
                self._judge(session, record)
                self._watch(session, record)
                self.telling.epoch(record)
                record.rate.epoch_ended(record.t)
            if record.stalled > settings.n_iter_no_change:
                if self._stall(record):
                    return
                record.stalled = 0
        if record.n_iter == settings.max_iter and not once:
            from sklearn.exceptions import ConvergenceWarning

            message = NOT_CONVERGED % settings.max_iter
            warnings.warn(message, ConvergenceWarning, stacklevel=frames_below_the_user())

    def _certain(self, record: Record) -> int:
        """How many epochs come before anything is looked at that could end or change the training: short ones go at one call."""
        if self.score is not None or self.watched is not None or self.telling.each_epoch:
            return 1
        certain = min(self._block // len(self.examples), self.settings.n_iter_no_change - record.stalled + 1)
        return max(1, int(certain))

    def _orders(self, order: Indices, count: int) -> Indices:
        """The orders of the coming epochs, (count, n), each made from the one before."""
        if not self.settings.shuffle:
            return np.tile(order, (count, 1))
        orders = np.empty((count, len(order)), order.dtype)
        for k in range(count):
            orders[k] = order = draws.shuffled(self.random, order)
        return orders

    @cached_property
    def _sizes(self) -> Floats:
        """How many examples each mini-batch has."""
        n, size = len(self.examples), self.plan.batch_size
        return np.minimum(size, n - np.arange(0, n, size), dtype=np.float64)

    @cached_property
    def _block(self) -> int:
        """How many examples go between two moments at which Ctrl-C is heard."""
        return block_length(self.plan, self.examples)

    @cached_property
    def _even(self) -> Floats:
        """One over the size of each mini-batch, in a row for all epochs."""
        return 1 / self._sizes[None]

    def _shares(self, orders: Indices) -> Floats:
        """One over what each mini-batch weighs, an epoch a row; 0 where it weighs nothing, and moves nothing."""
        if self.examples.weights is None:
            return self._even
        totals = np.add.reduceat(self.examples.weights[orders], np.arange(0, orders.shape[1], self.plan.batch_size), axis=1)
        return np.divide(1.0, totals, where=totals > 0, out=np.zeros_like(totals))

    def _losses(self, session: Session, data: Any, orders: Indices, rates: Floats) -> list[float]:
        """Take one step for each mini-batch of some epochs; give scikit-learn's loss of each, each batch's penalty in it."""
        settings, shares, n, size = self.settings, self._shares(orders), orders.shape[1], self.plan.batch_size
        rate, decay = np.empty((2, len(orders), len(self._sizes)))
        rate[:], decay[:] = rates[:, None], settings.alpha * shares
        steps = Steps(rate.ravel(), decay.ravel(), squares=settings.alpha != 0)
        if self._block >= n:
            blocks = [session.advance(data, orders, steps)]
        else:
            firsts = range(0, n, self._block)
            cut = [steps[first // size : (first + self._block) // size] for first in firsts]
            blocks = [session.advance(data, orders[0, i : i + self._block], part) for i, part in zip(firsts, cut, strict=True)]
        for block in blocks:
            self.telling.block(block)
        losses = settings.loss_scale * np.concatenate([block.costs for block in blocks])
        if settings.alpha != 0:
            losses += 0.5 * settings.alpha * np.concatenate([block.squares for block in blocks if block.squares is not None])
        return list((losses.reshape(rate.shape) * (shares * self._sizes)).sum(axis=1) / n)

    def _judge(self, session: Session, record: Record) -> None:
        """See whether the epoch improved the loss, or with early stopping the score of the validation set."""
        tol, loss = self.settings.tol, record.loss_curve[-1]
        if self.score is None:
            assert record.best_loss is not None  # noqa: S101  # without early stopping
            record.stalled = record.stalled + 1 if loss > record.best_loss - tol else 0
            if loss < record.best_loss:
                record.best_loss = loss
            return
        assert record.best_score is not None  # noqa: S101
        assert record.validation_scores is not None  # noqa: S101
        state = session.state()
        score = self.score(state)
        record.validation_scores.append(score)
        record.stalled = record.stalled + 1 if score < record.best_score + tol else 0
        if score > record.best_score:
            record.best_score, record.best = score, state

    def _watch(self, session: Session, record: Record) -> None:
        """Keep the loss of a watched validation set, and the state in which it was lowest."""
        if self.watched is None:
            return
        curve = record.validation_loss_curve
        curve.append(self.settings.loss_scale * session.evaluate(self.engine.prepare(self.watched)).cost)
        if curve[-1] <= np.nanmin(curve):
            record.best = session.state()

    def _stall(self, record: Record) -> bool:
        """Say what a stall leads to; whether it ends the training."""
        what = "Validation score" if self.score is not None else "Training loss"
        ends = record.rate.stalled()
        then = ends or f"Setting learning rate to {record.rate.now:f}"
        self.telling.stall(STALLED % (what, self.settings.tol, self.settings.n_iter_no_change, then))
        return ends is not None
