"""Training: the order of the examples, the epochs, and what becomes of them.

A ``Run`` is the plain loop of page 3, opened up: each turn of it is an epoch and gives a record. ``train`` drains one.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

import numpy as np

from ._checks import check_float, check_int, check_seed
from ._format import counted
from ._types import Indices, is_sparse
from ._warnings import frames_below_the_user
from .calculus.descent import number_of_steps, steps_per_epoch
from .calculus.optimizers import Optimizer, find_optimizer
from .engines import Threads, choose
from .engines.encoded_targets import EncodedTargets
from .errors import ArgumentTypeError, DataError, EngineError, SettingError, UnknownName
from .examples import Examples
from .history import EpochRecord, History
from .input_spec import InputSpec
from .network import Network, with_training
from .plan import Plan, Provenance, State, Steps, targets_for
from .schedules import Schedule, find_schedule, rates

if TYPE_CHECKING:
    from .engines import Session

P = ParamSpec("P")
_AT_WORK: dict[int, int] = {}  # the thread that computes an epoch of a network, by the network's id
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_AT_WORK.clear)  # whose thread is not there
Callback = Callable[[EpochRecord], Any]


class DivergenceWarning(RuntimeWarning):
    """A training went to NaN or infinity, and was stopped."""


class UnreachableTargetsWarning(UserWarning):
    """Targets lie beyond what the output's activation can give."""


class BeginsAnewWarning(UserWarning):
    """A network from a file is trained on: what the file does not hold begins anew."""


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation no longer improves, and go back to the best epoch.

    Parameters
    ----------
    patience : int
        How many epochs may pass without a new best.
    min_delta : float
        By how much a new best must be better.
    monitor : {"validation_accuracy", "validation_cost"}, optional
        What is watched; by default the accuracy, or the cost where y holds values.
    """

    patience: int = 10
    min_delta: float = 0.0
    monitor: Literal["validation_accuracy", "validation_cost"] | None = None

    def __post_init__(self) -> None:
        check_int("patience", self.patience, least=1)
        check_float("min_delta", self.min_delta, least=0)
        if self.monitor not in (None, "validation_accuracy", "validation_cost"):
            raise UnknownName("monitor", self.monitor, ("validation_accuracy", "validation_cost"))

    def score(self, record: EpochRecord) -> float:
        """Say how good an epoch was; more is better."""
        assert record.validation_cost is not None  # noqa: S101  # a Run with early stopping has validation examples
        if self.monitor == "validation_cost" or record.validation_accuracy is None:
            return -record.validation_cost
        return record.validation_accuracy


class _Best:
    """The best epoch so far, and how long ago it was."""

    def __init__(self, settings: EarlyStopping) -> None:
        self.settings = settings
        self.score = -np.inf
        self.epoch: int | None = None
        self.state: State | None = None
        self.since = 0

    def see(self, record: EpochRecord, state: State) -> bool:
        """Take note of an epoch; true when there was no new best for as many as patience allows."""
        score = self.settings.score(record)
        self.since += 1
        if self.state is None or score > self.score + self.settings.min_delta:
            self.score, self.epoch, self.state, self.since = score, record.epoch, state, 0
        return self.since >= self.settings.patience


class Run:
    """A training, an epoch a turn: iterate over it for its ``EpochRecord`` s, and break when you like.

    After each epoch the network is up to date. Ctrl-C during an epoch ends the iteration, with what was learnt so far in the
    network and ``history.stopped == "interrupted"``. What a Run computes depends on its arguments alone: it draws the order of the
    examples from (seed, epoch), and touches no global random state.

    Parameters
    ----------
    network : Network
        Trained in place.
    examples : Examples or (x, y)
    epochs : int
        At least 0.
    batch_size : int
        The last mini-batch of an epoch may be shorter.
    learning_rate : float
        Eta, above 0.
    optimizer : str or Optimizer
        sgd (the notes), momentum, nesterov, adam, adamw, rmsprop, or one from ``cr.optimizers`` with settings of its own.
    schedule : str or callable, optional
        How the rate changes: constant, inverse_scaling, step, cosine, warm_up, or a function ``(step, total) -> factor``; see
        ``cr.schedules``.
    l1, l2 : float
        Penalties on the weights, ``l1 sum |w|`` and ``(l2/2) sum w^2``, beside the mean cost. The book's lmbda is ``l2 * n``.
    dropout : float
        The probability of dropping a hidden unit, at 0 <= dropout < 1.
    clip : float, optional
        The largest norm of a mini-batch's mean gradient.
    validation : Examples or (x, y), optional
        Evaluated after each epoch.
    early_stopping : int or EarlyStopping, optional
        The patience in epochs; needs ``validation``. The network ends with the best epoch's parameters.
    shuffle : bool
        Whether each epoch has an order of its own.
    seed : int, optional
        Of the order and of dropout; the network's if not given.
    engine : str
        "auto" takes the fastest that does all of this; "reference".
    threads : int or "auto"
    callbacks : sequence of callables
        Each called with every EpochRecord; one that returns True stops the training.
    progress : bool
        Whether to draw a live line, in a terminal or a notebook.

    Attributes
    ----------
    history : History
    plan : Plan
    done, steps : int
        Updates done, and to be done (N11); ``done`` moves within an epoch too.

    Raises
    ------
    SettingError
        When a setting cannot be what it is.
    DataError
        When the examples do not suit the network.
    EngineError
        When the engine refuses.
    """

    def __init__(
        self,
        network: Network,
        examples: Any,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        optimizer: str | Optimizer = "sgd",
        schedule: str | Schedule | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        clip: float | None = None,
        validation: Any = None,
        early_stopping: int | EarlyStopping | None = None,
        shuffle: bool = True,
        seed: int | None = None,
        engine: str = "auto",
        threads: Threads = "auto",
        callbacks: Iterable[Callback] = (),
        progress: bool = False,
    ) -> None:
        if not isinstance(network, Network):
            raise ArgumentTypeError(f"what is trained must be a Network; this is {network!r}")
        network.check_writable()
        self.network = network
        self.examples = network.check_examples(examples, training=True)
        learnt = self.examples.measured(InputSpec.of)
        self.inputs = learnt if network.inputs is None else network.inputs.joined(learnt)
        self.validation = None if validation is None else self._read_validation(validation)
        self.epochs = check_int("epochs", epochs, least=0)
        self.learning_rate = check_float("learning_rate", learning_rate, above=0)
        self.schedule = find_schedule(schedule)
        self.plan = with_training(
            network.plan,
            optimizer=find_optimizer(optimizer),
            batch_size=check_int("batch_size", batch_size, least=1),
            l1=check_float("l1", l1, least=0),
            l2=check_float("l2", l2, least=0),
            dropout=check_float("dropout", dropout, least=0, below=1),
            clip=None if clip is None else check_float("clip", clip, above=0),
            seed=network.seed if seed is None else check_seed("seed", seed),
        )
        self.shuffle = shuffle
        self.threads: Threads = threads if threads == "auto" else check_int("threads", threads, least=1, most=1024)
        self.callbacks = _callables(callbacks)
        self._best = self._watch(early_stopping)
        self.engine = choose(engine, self.plan, self.examples)
        self.history = History(seed=self.plan.seed, engine=self.engine.name)
        self._state: State | None = None  # the last that is whole and finite
        self.done = 0
        self.steps = number_of_steps(len(self.examples), self.plan.batch_size, self.epochs)
        self._records: Generator[EpochRecord] = self._shown() if progress else self._train()
        self._before: Provenance | None = None  # known when the training begins
        self._warn_of_targets()
        self._warn_of_what_begins_anew()

    @cached_property
    def classes(self) -> bool:
        """Whether y holds classes, not values."""
        return EncodedTargets(self.examples, self.plan).classes is not None

    def _read_validation(self, validation: Any) -> Examples:
        """Read the validation examples as the training examples are read."""
        network = copy(self.network)
        network.inputs = self.inputs
        held_out = network.check_examples(validation)
        if held_out.columns and self.examples.columns and held_out.columns != self.examples.columns:
            raise DataError("the validation examples have other columns than the training examples, or in another order")
        return held_out

    def _warn_of_targets(self) -> None:
        """Warn of targets beyond what the output's activation can give."""
        values, output = targets_for(self.examples, self.plan).values, self.plan.sigmas[-1]
        if values is None or (values.min() >= output.least - ROUNDING and values.max() <= output.most + ROUNDING):
            return
        limits = f"from {output.least:g} to {output.most:g}" if np.isfinite(output.most) else f"of at least {output.least:g}"
        warnings.warn(
            f"y holds targets from {values.min():g} to {values.max():g}, but an output of {output.name} gives values {limits}, so "
            "that the network cannot reach them; take cost='mean_squared_error' with output='identity', or scale the targets",
            UnreachableTargetsWarning,
            stacklevel=frames_below_the_user(),
        )

    def _warn_of_what_begins_anew(self) -> None:
        """Warn once that a network from a file goes on from its parameters alone."""
        trained = self.network.provenance
        if not self.network.from_file or trained is None or not self.epochs:
            return
        self.network.from_file = False
        slots = f"{self.plan.optimizer.name}'s {' and '.join(self.plan.optimizer.slots)}" if self.plan.optimizer.slots else ""
        begin = ", ".join(filter(None, (slots, "the schedule"))) + " and the order of the examples"
        before = f"the network was trained for {counted(trained.epochs, 'epoch')} before"
        warnings.warn(
            f"{before}, and goes on from its parameters, which are all that a model file holds; {begin} begin anew (a checkpoint "
            "would keep them)",
            BeginsAnewWarning,
            stacklevel=frames_below_the_user(),
        )

    def __iter__(self) -> Iterator[EpochRecord]:
        return self

    def __next__(self) -> EpochRecord:
        me, key = threading.get_ident(), id(self.network)
        within = _AT_WORK.get(key) == me  # a callback trains the network that is in training: the outer epoch holds it on
        if _AT_WORK.setdefault(key, me) != me:
            raise EngineError("another thread is training this network; train a copy of it, or one after the other")
        try:
            return next(self._records)
        finally:
            if not within:
                _AT_WORK.pop(key, None)

    def _shown(self) -> Generator[EpochRecord]:
        """Train under a live line."""
        from .progress import live

        with live(self):
            yield from self._train()

    def _watch(self, early_stopping: int | EarlyStopping | None) -> _Best | None:
        if early_stopping is None:
            return None
        if self.validation is None:
            raise SettingError("early_stopping watches the validation examples; pass validation=(x, y) as well")
        settings = early_stopping if isinstance(early_stopping, EarlyStopping) else EarlyStopping(early_stopping)
        if settings.monitor == "validation_accuracy" and not self.classes:
            raise SettingError(
                "early_stopping cannot watch validation_accuracy: y holds values, not classes; watch validation_cost"
            )
        return _Best(settings)

    def _train(self) -> Generator[EpochRecord]:
        """Go through the epochs; a generator, so that whoever iterates decides how far."""
        data = self.engine.prepare(self.examples)
        held_out = None if self.validation is None else self.engine.prepare(self.validation)
        self._before = self.network.provenance
        session = self.engine.open(self.plan, self.network.state(), threads=self.threads)
        self._state = session.state()
        for epoch in range(1, self.epochs + 1):
            if epoch > 1 and self._were_written_to(self._state):
                self.network.check_writable()
                changed = self.network.state()
                self._state = replace(self._state, weights=changed.weights, biases=changed.biases)
                session = self.engine.open(self.plan, self._state, threads=self.threads)
            try:
                record = self._epoch(epoch, session, data, held_out)
            except KeyboardInterrupt:
                now = session.state()
                self._state = now if now.is_finite else self._state
                self._end("interrupted", f"interrupted in epoch {epoch}")
                return
            if record is None:
                self._diverged(epoch)
                return
            self._state = session.state()
            self.history.records.append(record)
            self._hand_over(self._state, epoch)
            reason = self._reason_to_stop(record, self._state)
            if reason:
                self._end("early", f"{reason}, after epoch {epoch}")
            elif epoch == self.epochs:
                self._end("finished", f"finished after {counted(epoch, 'epoch')}")
            yield record
            if reason:
                return
        if not self.epochs:
            self._end("finished", "finished: there were no epochs to do")

    def _were_written_to(self, state: State) -> bool:
        """Whether the user has changed the network's arrays, which are live, since the last epoch."""
        now = self.network.state()
        pairs = zip((*now.weights, *now.biases), (*state.weights, *state.biases), strict=True)
        return not all(np.array_equal(own, last) for own, last in pairs)

    def _reason_to_stop(self, record: EpochRecord, state: State) -> str | None:
        """Show an epoch to early stopping and to every callback."""
        exhausted = self._best is not None and self._best.see(record, state)
        answers = [callback(record) for callback in self.callbacks]
        if exhausted and self._best is not None:
            return f"no better for {self._best.since} epochs"
        return "a callback asked to stop" if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers) else None

    def _epoch(self, epoch: int, session: Session, data: Any, held_out: Any) -> EpochRecord | None:
        """Train through one epoch, block by block, and evaluate; None when it diverged."""
        n, size = len(self.examples), self.plan.batch_size
        order = epoch_order(n, self.plan.seed, epoch) if self.shuffle else np.arange(n)
        block = block_length(self.plan, self.examples)
        costs, right, seconds, rate = [], [], 0.0, 0.0
        for first in range(0, n, block):
            began = time.perf_counter()
            rows = order[first : first + block]
            count = steps_per_epoch(len(rows), size)
            rates_now = rates(self.schedule, self.learning_rate, self.done, self.done + count, self.steps)
            progress = session.advance(data, rows, Steps(rates_now, np.full(count, self.plan.l2)))
            seconds += time.perf_counter() - began
            if not progress.finite:
                return None
            self.done += count
            costs.append(progress.costs)
            right.append(progress.right)
            rate = float(rates_now[-1])
        total = float(n if self.examples.weights is None else self.examples.weights.sum())
        found = None if held_out is None else session.evaluate(held_out)
        return EpochRecord(
            epoch=epoch,
            cost=float(np.concatenate(costs).sum()) / total,
            accuracy=None if right[0] is None else float(np.concatenate([r for r in right if r is not None]).sum()) / total,
            validation_cost=None if found is None else found.cost,
            validation_accuracy=None if found is None else found.accuracy,
            learning_rate=rate,
            seconds=seconds,
            examples_per_second=n / seconds,
        )

    def _hand_over(self, state: State, epochs: int) -> None:
        """Bring the network up to date, with how it came to be; an interrupt in the midst of it waits until that is done."""
        try:
            self._write(state, epochs)
        except KeyboardInterrupt:
            self._write(state, epochs)
            raise

    def _write(self, state: State, epochs: int) -> None:
        self.network.take(state)
        self.network.inputs = self.inputs
        earlier = (0, 0) if self._before is None else (self._before.epochs, self._before.steps)
        schedule = getattr(self.schedule, "__name__", "a schedule of its own")
        self.network.provenance = Provenance(
            plan=self.plan.to_dict(),
            data="",
            examples=len(self.examples),
            epochs=earlier[0] + epochs,
            steps=earlier[1] + state.step,
            learning_rate=self.learning_rate,
            schedule=schedule,
            engine=state.made_by,
            stopped=self.history.stopped or "",
            columns=list(self.examples.columns) or ([] if self._before is None else self._before.columns),
            earlier_epochs=earlier[0],
            earlier_steps=earlier[1],
            classes=self.classes,
            n_in=self.examples.n_in,
            kind=self.examples.kind,
        )

    def _end(self, stopped: str, message: str) -> None:
        """Say why the training ended, and leave the network with what it should have: the best epoch, where one was sought."""
        self.history.stopped, self.history.message = stopped, message
        state = self._state
        if self._best is not None and self._best.state is not None:
            state, self.history.best_epoch = self._best.state, self._best.epoch
        if state is not None:
            self._hand_over(state, len(self.history))

    def interrupt(self) -> None:
        """End a training between two epochs, as Ctrl-C does; the network keeps what it has learnt."""
        self._records.close()
        if self.history.stopped is None:
            self._end("interrupted", f"interrupted after epoch {len(self.history)}")
        else:  # it had ended by itself, and the interrupt may have fallen into that
            self._end(self.history.stopped, self.history.message)

    def _diverged(self, epoch: int) -> None:
        kept = self._best.epoch if self._best is not None and self._best.epoch else epoch - 1
        message = (
            f"the training diverged in epoch {epoch}: its cost or a parameter is no longer finite. The likely cause is a "
            f"learning rate that is too high ({self.learning_rate:g}) for these inputs; lower it, scale the inputs to about 1, "
            f"or set clip. The network keeps the parameters it had after epoch {kept}"
        )
        self._end("diverged", message)
        self._warn(message)

    def _warn(self, message: str) -> None:
        """Tell of a divergence where the user is."""
        warnings.warn(message, DivergenceWarning, stacklevel=frames_below_the_user())

    def __repr__(self) -> str:
        stopped = self.history.stopped or f"{self.done:,} of {self.steps:,} steps done"
        return f"Run({self.network.sizes} on {self.examples!r}, {self.epochs} epochs, {self.engine.name} engine: {stopped})"


ROUNDING = 1e-6
"""How far beyond an activation's range a target may lie."""


def _callables(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """Check the callbacks before there is anything to lose."""
    functions = tuple(callbacks) if isinstance(callbacks, Iterable) else (None,)
    if not all(callable(callback) for callback in functions):
        raise SettingError(f"callbacks must be a list of functions, each taking an EpochRecord; it is {callbacks!r}")
    return functions


def _like(run: Callable[P, Run]) -> Callable[[Callable[..., History]], Callable[P, History]]:
    """Give a function the signature of ``Run``, for people and for type checkers."""

    def decorate(function: Callable[..., History]) -> Callable[P, History]:
        signature = inspect.signature(run).replace(return_annotation="History")

        @functools.wraps(function)
        def bound(*args: P.args, **settings: P.kwargs) -> History:
            try:
                signature.bind(*args, **settings)
            except TypeError as error:
                raise ArgumentTypeError(f"{function.__name__}(): {error}; see help(chainrule.Run)") from None
            return function(*args, **settings)

        bound.__signature__ = signature  # type: ignore[attr-defined]
        return bound

    return decorate


@_like(Run)
def train(*args: Any, **settings: Any) -> History:
    """Train a network in place: drain a ``Run``. Its parameters are these; ``help(chainrule.Run)`` tells of each.

    Returns
    -------
    History
        ``history.stopped`` says why it ended; Ctrl-C gives ``"interrupted"``, with what was learnt so far in the network.

    Raises
    ------
    SettingError, DataError, EngineError
        As ``Run``.

    Examples
    --------
    >>> net = Network([2, 4, 1], cost="mean_squared_error", activation="tanh", seed=0)
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> history = train(net, (x, x[:, 0] - x[:, 1]), epochs=30, batch_size=10, learning_rate=0.2)
    >>> bool(history["cost"][-1] < 0.01)
    True
    """
    run = Run(*args, **settings)
    try:
        for _ in run:
            pass
    except KeyboardInterrupt:  # between two epochs, or in a callback
        run.interrupt()
    return run.history


def epoch_order(n: int, seed: int, epoch: int) -> Indices:
    """Draw the order of n examples in an epoch (from 1): a permutation that (seed, epoch) decides."""
    return np.random.default_rng([seed, epoch]).permutation(n)


BLOCK_SECONDS = 0.05


def block_length(plan: Plan, examples: Examples) -> int:
    """Count the examples of a block: about 50 ms of work on a common core, in whole mini-batches.

    The plan and the data alone decide it, never the clock, so that an epoch is cut at the same places on every machine.
    """
    entries = sum(layer.n_in * layer.n_out for layer in plan.layers)
    touched = entries
    if is_sparse(examples.x):
        stored = examples.x.indptr[-1] / len(examples)
        touched += round((stored - plan.layers[0].n_in) * plan.layers[0].n_out)
    calls = 15e-6 * len(plan.layers)
    arithmetic = 6 * touched * plan.batch_size / 50e9
    update = entries * (1 + len(plan.optimizer.slots)) / 2e9
    return max(1, round(BLOCK_SECONDS / (calls + arithmetic + update))) * plan.batch_size
