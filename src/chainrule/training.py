"""Training by mini-batch gradient descent: ``Run`` trains a network epoch by epoch; ``train`` iterates over a ``Run`` to its end.

How data flows::

    Run(network, examples, ...)                  checks the data (TrainingData; StreamedData of files) and the settings (Plan)
                                                 keeps all that it computes in a RunPosition
      session = executor.open(plan, state)       of the engine on this machine; or of workers on Ray (on="ray")
      for each epoch, and each of its parts:     one of data in memory; a window of rows that are read from files
        for each block of the part's order:      epoch_blocks; Run.advance says where a block ends earlier
          session.advance(data, order, steps)    one step a mini-batch, at the schedule's rates; gives the costs
        session.evaluate(validation)
        EpochRecord -> History                   the sum of the costs, and the evaluation
        session.state() -> network
        early_stopping, then the callbacks       see the record, and may stop the training
      RunCheckpoints                             writes a Snapshot of the RunPosition, from time to time and at the end

Ctrl-C is described in ``interrupts``, the lock that refuses a second thread in ``training_lock``.
"""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from ._checks import check_float, check_int, check_seed
from ._format import pluralize
from ._types import Indices
from .calculus.descent import number_of_steps, steps_per_epoch
from .calculus.optimizers import Optimizer, find_optimizer
from .checkpoints.run_folder import CheckpointWarning
from .distort import Distortion
from .division import check_division
from .early_stopping import BestEpoch, EarlyStopping, check_early_stopping
from .engines import Threads, choose
from .engines.encoded_targets import EncodedTargets
from .errors import ArgumentTypeError, DataError, SettingError, TrainingEnded
from .executor import Executor, LocalExecutor
from .history import EpochProgress, EpochRecord, History
from .interrupts import complete_despite_interrupt, drain
from .network import Network, with_training
from .plan import Provenance, State, Steps
from .progress import live
from .row_files.row_source import RowSource
from .run_checkpoints import open_checkpoints
from .run_position import RunPosition
from .schedules import Schedule, find_schedule, name_of, rates
from .streamed_data import StreamedData
from .training_data import EpochPart, TrainingData
from .training_lock import training_lock
from .training_warnings import (
    BeginsAnewWarning,
    DivergenceWarning,
    UnreachableTargetsWarning,
    divergence_message,
    warn_of_divergence,
    warn_of_training_begun_anew,
    warn_of_unreachable_targets,
)

if TYPE_CHECKING:
    from .engines import Session

__all__ = [
    "BeginsAnewWarning",
    "Callback",
    "CheckpointWarning",
    "DivergenceWarning",
    "EarlyStopping",
    "Run",
    "UnreachableTargetsWarning",
    "train",
]

P = ParamSpec("P")
Callback = Callable[[EpochRecord], Any]


class Run:
    """A training as an iterator: each ``next`` trains one epoch and gives its ``EpochRecord``; break out of the loop at any time.

    After each epoch the network is up to date. Ctrl-C during an epoch ends the iteration: the network has the parameters of the
    last step, and ``history.stopped == "interrupted"``. The result depends on the arguments alone: the order of the examples is
    drawn from (seed, epoch), and no global random state is used.

    An error, such as one in a callback, ends the training: the network keeps the parameters of the last epoch, and a new ``Run``
    goes on, with ``resume`` where there are checkpoints. This ``Run`` then raises ``TrainingEnded``.

    Parameters
    ----------
    network : Network
        Trained in place.
    examples : Examples, (x, y) or RowSource
        Rows of files that may be larger than memory come from ``chainrule.rows``; settings that need all rows in memory, such as
        ``rows`` and ``distort``, are refused with them.
    epochs : int
        At least 0.
    batch_size : int
        The last mini-batch of an epoch may be shorter.
    learning_rate : float
        Eta, above 0.
    optimizer : str or Optimizer
        sgd (the notes), momentum, nesterov, adam, adamw, rmsprop; or one from ``cr.optimizers``, with settings.
    schedule : str or callable, optional
        How the rate changes: constant, inverse_scaling, step, cosine, coslog4, warm_up, or a function
        ``(step, total) -> factor``; see ``cr.schedules``.
    l1, l2 : float
        Penalties on the weights, ``l1 sum |w|`` and ``(l2/2) sum w^2``, beside the mean cost. The book's lmbda is ``l2 * n``.
    dropout : float
        The probability of dropping a hidden unit, at 0 <= dropout < 1, in steps of 2**-16.
    clip : float, optional
        The largest norm of a mini-batch's mean gradient.
    label_smoothing : float
        For classes, with log_loss or cross_entropy: trains towards ``(1 - s) y + s u``, 0 <= s < 1, where ``u`` is 1 / n_out with
        log_loss and 1/2 with cross_entropy (Szegedy et al. 2016). An epoch's ``cost`` is that of the smoothed targets, its
        ``validation_cost`` that of the true ones. Smoothing may raise the accuracy, and makes probabilities less certain.
    validation : Examples, (x, y) or RowSource, optional
        Evaluated after each epoch.
    early_stopping : int or EarlyStopping, optional
        A number is the patience in epochs; needs ``validation``. The network ends with the best epoch's parameters.
    rows, validation_rows : slice, row numbers or mask, optional
        The rows of ``examples`` to train on, and those to validate on in place of ``validation``: folds of one prepared copy of the
        data. A row that is named twice counts twice. The result is that of ``examples[rows]``, to rounding.
    distort : Distortion, optional
        Distorts the images anew in each epoch: ``cr.distort.Affine(shift=2, rotation=15)``. An image is a function of
        (seed, epoch, row). It needs images, uint8 or floats, whose rows and columns are known. An epoch's cost and accuracy are
        those on its distorted images, and so may be worse than the validation's, whose images stay as they are.
    shuffle : bool
        Whether each epoch trains on the examples in a new random order.
    seed : int, optional
        Of the examples' order and of dropout; the network's seed if not given.
    engine : str
        The engine's name, such as "reference"; "auto" takes the fastest that supports these settings.
    threads : int or "auto"
        The number of threads that the engine may use; it changes no bit.
    callbacks : sequence of callables
        Each is called with every EpochRecord; the training stops when one returns True.
    progress : bool
        Whether to print each epoch, and a live line in a terminal or a notebook.
    checkpoint : path, optional
        A folder, made when the training begins, that always holds a checkpoint: a training that was killed goes on from it.
    checkpoint_every : str, optional
        The interval between two checkpoints: a time such as "30 s", "5 min" or "1 h", or epochs, such as "5 epochs"; by default
        "10 s".
    checkpoint_notes : mapping, optional
        Notes of the caller in JSON's types, which each checkpoint holds.
    resume : bool
        Whether to go on from the folder's checkpoint, where it has one; without, a folder that is not empty is refused. The
        training ends with the bits of one that was never stopped. Settings and data must be those it was begun with;
        ``epochs`` may be more, and ``threads`` may differ.
    allow_other_engine : bool
        Whether to resume a training of another engine or instruction set, whose results differ in the last digits.
    on : str, optional
        "ray" divides the rows of each epoch between workers on Ray: ``pip install 'chainrule[ray]'``. On this machine by default.
    workers : int, optional
        The number of workers on Ray, each with ``batch_size`` rows a step: a step is one mini-batch of all workers together. The
        result depends on it, and not on how many machines there are.
    sync_every : int, optional
        The steps from one synchronisation of the workers to the next. With 1, the default, their gradients are summed: the
        training is that of one process with mini-batches of ``workers * batch_size``. With more, each worker takes so many steps
        alone, and their parameters and optimizer states are averaged, weighted by the rows they have seen.
    address : str, optional
        Of a Ray cluster that is there, such as "10.0.0.1:6379" or "auto"; on this machine by default.

    Attributes
    ----------
    history : History
    plan : Plan
    data : TrainingData or StreamedData
        The checked examples, and those of the validation.
    executor : Executor
        Where the steps are computed.
    position : RunPosition
        All that has been computed so far.
    checkpoints : RunCheckpoints or NoCheckpoints
    warns_of_divergence : bool
        Whether a divergence is a ``DivergenceWarning``; it is in the history in any case.
    done, steps : int
        Updates done so far, and updates in all (N11). ``done`` grows within an epoch too.

    Raises
    ------
    SettingError
        When a setting is out of its range.
    DataError
        When the examples do not fit the network.
    EngineError
        When the engine does not support the settings, or is not the one that wrote the checkpoint.
    FileError
        When the checkpoint's folder cannot be used, or belongs to another training.
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
        label_smoothing: float = 0.0,
        validation: Any = None,
        early_stopping: int | EarlyStopping | None = None,
        rows: Any = None,
        validation_rows: Any = None,
        distort: Distortion | None = None,
        shuffle: bool = True,
        seed: int | None = None,
        engine: str = "auto",
        threads: Threads = "auto",
        callbacks: Iterable[Callback] = (),
        progress: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: str | None = None,
        checkpoint_notes: Mapping[str, Any] | None = None,
        resume: bool = False,
        allow_other_engine: bool = False,
        on: str | None = None,
        workers: int | None = None,
        sync_every: int | None = None,
        address: str | None = None,
    ) -> None:
        if not isinstance(network, Network):
            raise ArgumentTypeError(f"network must be a Network; it is {network!r}")
        network.check_writable()
        self.network = network
        self.data = _read_data(
            network,
            examples,
            validation=validation,
            rows=rows,
            validation_rows=validation_rows,
            distort=distort,
        )
        self.division = check_division(on, workers=workers, sync_every=sync_every, address=address)
        self.examples, self.validation, self.n = self.data.examples, self.data.validation, self.data.n
        self.epochs = check_int("epochs", epochs, least=0)
        self.learning_rate = check_float("learning_rate", learning_rate, above=0)
        self.schedule = find_schedule(schedule)
        self.plan = with_training(
            network.plan,
            optimizer=find_optimizer(optimizer),
            batch_size=check_int("batch_size", batch_size, least=1) * (1 if self.division is None else self.division.workers),
            l1=check_float("l1", l1, least=0),
            l2=check_float("l2", l2, least=0),
            dropout=check_float("dropout", dropout, least=0, below=1),
            clip=None if clip is None else check_float("clip", clip, above=0),
            seed=network.seed if seed is None else check_seed("seed", seed),
            label_smoothing=check_float("label_smoothing", label_smoothing, least=0, below=1),
        )
        self.shuffle = shuffle
        self.threads: Threads = threads if threads == "auto" else check_int("threads", threads, least=1, most=1024)
        self.callbacks = _check_callbacks(callbacks)
        self.warns_of_divergence = True
        self.early_stopping: EarlyStopping | None = None
        if early_stopping is not None:
            self.early_stopping = check_early_stopping(
                early_stopping, has_validation=self.data.has_validation, has_classes=self.classes
            )
        self.engine = choose(engine, self.plan, self.examples)
        self.executor = self._make_executor()
        self.history = History(seed=self.plan.seed, engine=self.engine.name)
        self.steps = number_of_steps(self.n, self.plan.batch_size, self.epochs)
        self.position = RunPosition(self.history, None if self.early_stopping is None else BestEpoch(self.early_stopping))
        self._interrupted_state: State | None = None  # of the last step, where Ctrl-C ended the training within an epoch
        self._most_steps: int | None = None  # of the next block, while ``advance`` limits it
        self.checkpoints = open_checkpoints(
            self,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            checkpoint_notes=checkpoint_notes,
            resume=resume,
            allow_other_engine=allow_other_engine,
        )
        self._blocks = self._train_with_live_line() if progress else self._train()
        warn_of_unreachable_targets(self.examples, self.plan)
        if self.epochs and self.checkpoints.resumed is None:
            warn_of_training_begun_anew(network, self.plan)

    def _make_executor(self) -> Executor:
        """Choose where the steps are computed."""
        if self.division is None:
            return LocalExecutor(self.data, self.engine, self.threads)
        from .distributed.ray_executor import RayExecutor

        return RayExecutor(
            self.division, self.data, self.engine, self.plan, shuffle=self.shuffle, has_classes=self.classes, threads=self.threads
        )

    @cached_property
    def classes(self) -> bool:
        """Whether y holds classes, not values."""
        return EncodedTargets(self.examples, self.plan).classes is not None

    @property
    def done(self) -> int:
        """The updates done so far."""
        return self.position.done

    def __iter__(self) -> Iterator[EpochRecord]:
        return self.checkpoints.saving_on_break(self, self._take_user_changes)

    def __next__(self) -> EpochRecord:
        with training_lock(self.network):
            self._check_not_ended_by_error()
            while (record := next(self._blocks)) is None:
                pass
            return record

    def advance(self, mini_batches: int) -> EpochRecord | None:
        """Train so many mini-batches, or those that are left of the epoch; give the epoch's record where it ends.

        However a training is divided, its result has the same bits. ``network`` is updated when an epoch ends;
        ``current_state`` gives the parameters at any time. Once ``history.stopped`` is set, this trains nothing.

        Parameters
        ----------
        mini_batches : int
            At least 1.

        Returns
        -------
        EpochRecord or None
            None within an epoch, and after the end.

        Raises
        ------
        SettingError
            When the number is below 1.
        TrainingEnded
            When an error has ended the training.

        Examples
        --------
        >>> run = Run(Network([2, 1], seed=0), (np.eye(2), np.eye(2)[:, :1]), epochs=1, batch_size=1, learning_rate=0.1)
        >>> run.advance(1), run.done
        (None, 1)
        >>> run.advance(1).epoch, run.history.stopped
        (1, 'finished')
        """
        end = self.done + check_int("mini_batches", mini_batches, least=1)
        record = None
        with training_lock(self.network):
            self._check_not_ended_by_error()
            try:
                while record is None and self.done < end and self.history.stopped is None:
                    self._most_steps = end - self.done
                    record = next(self._blocks, None)
            finally:
                self._most_steps = None
        return record

    def _check_not_ended_by_error(self) -> None:
        """Refuse to train on after an error: it closed the generator of the blocks, and with it the session."""
        if self.history.stopped is None and inspect.getgeneratorstate(self._blocks) == inspect.GEN_CLOSED:
            done = f"{len(self.history)} of {pluralize(self.epochs, 'epoch')}"
            raise TrainingEnded(f"an error ended this training after {done}; to go on, {self.checkpoints.remedy_after_error}")

    def current_state(self) -> State:
        """Copy out the parameters and the optimizer's slots after the last mini-batch, without changing the training."""
        session = self.position.session
        return self.network.state() if session is None else session.state()

    @property
    def epoch_progress(self) -> EpochProgress:
        """The current epoch so far: its examples, costs and right answers, in a copy."""
        return self.position.progress.joined()

    def _train_with_live_line(self) -> Generator[EpochRecord | None]:
        """Train the epochs, and report them."""
        with live(self):
            yield from self._train()

    def _train(self) -> Generator[EpochRecord | None]:
        """Train the epochs, and give after each block None, or the record of the epoch that it ended.

        A generator, so that the caller decides when to stop.
        """
        data, validation_data = self.prepare_data()
        try:
            self._begin()
            with self.checkpoints.saving(self._blocks, self._take_user_changes):
                yield from self._train_epochs(data, validation_data)
        finally:
            self.position.session = None
            self.executor.close()

    def prepare_data(self) -> tuple[Any, Any]:
        """Give the engine's form of the examples and of the validation; of examples that are all distorted, None."""
        return self.executor.prepare()

    def _begin(self) -> None:
        """Open a session from the network's parameters, or from the checkpoint that is resumed."""
        position, resumed = self.position, self.checkpoints.resumed
        if resumed is None:
            position.earlier = self.network.provenance
            position.session = self.executor.open(self.plan, self.network.state())
            position.epoch_state = position.session.state()
            return
        position.session = self.executor.open(self.plan, resumed.state)
        position.epoch_state = resumed.epoch_state
        self._update_network(position.epoch_state, len(self.history))

    def _train_epochs(self, data: Any, validation_data: Any) -> Generator[EpochRecord | None]:
        """Train the epochs that are left."""
        if self._stop_if_ended():
            return
        for epoch in range(len(self.history) + 1, self.epochs + 1):
            self._take_user_changes()
            try:
                record = yield from self._train_epoch(data, validation_data)
            except KeyboardInterrupt:
                self._stop_interrupted(epoch, self.session.state())
                return
            if record is None:
                self._stop_diverged(epoch)
                return
            with self.checkpoints.signals_held:
                self._end_epoch(record)
            reason = self._reason_to_stop(record)
            if reason:
                self._stop("early", f"{reason}, after epoch {epoch}")
            elif epoch == self.epochs:
                self._stop("finished", f"finished after {pluralize(epoch, 'epoch')}")
            yield record
            if reason:
                return

    def _stop_if_ended(self) -> bool:
        """End the training at once where no epoch is left, or where the one that is resumed had stopped for good."""
        resumed = self.checkpoints.resumed
        if resumed is not None and resumed.stopped == "diverged":
            self._stop_diverged(len(self.history) + 1)
        elif reason := self._reason_to_stay_stopped():
            self._stop("early", f"{reason}, after epoch {len(self.history)}")
        elif len(self.history) >= self.epochs:
            done = pluralize(self.epochs, "epoch")
            self._stop("finished", f"finished after {done}" if self.epochs else "finished: the number of epochs is 0")
        return self.history.stopped is not None

    def _reason_to_stay_stopped(self) -> str | None:
        """Give the reason why a training that is resumed had stopped early, if it still holds.

        The patience of early stopping stays exhausted. Where a callback asked to stop, the callbacks of now are asked about the
        last epoch: the target that one waits for is still reached, but a limit of time may have been set anew.
        """
        resumed, best = self.checkpoints.resumed, self.position.best
        if resumed is None or not self.history.records:
            return None
        if best is not None and best.patience_exhausted:
            return f"no better for {best.epochs_since} epochs"
        return self._reason_to_stop(self.history.records[-1]) if resumed.stopped == "early" else None

    @property
    def session(self) -> Session:
        """The engine's session, while the training goes on."""
        session = self.position.session
        assert session is not None  # noqa: S101  # _begin has opened it
        return session

    @property
    def state(self) -> State:
        """The state after the last epoch that stayed finite, or at the start."""
        state = self.position.epoch_state
        assert state is not None  # noqa: S101  # _begin has set it
        return state

    def _end_epoch(self, record: EpochRecord) -> None:
        """Keep the state and the record of an epoch, write the state into the network, and begin the next epoch."""
        position, state = self.position, self.session.state()
        position.epoch_state = state
        self.history.records.append(record)
        position.progress = EpochProgress(record.epoch + 1)
        if position.best is not None:
            position.best.update(record, state)
        self._update_network(state, record.epoch)
        self.checkpoints.epoch_done()

    def _take_user_changes(self) -> None:
        """Open another session where the user wrote to the network between two epochs."""
        if len(self.history) and not self.position.progress.rows and self._user_changed_parameters(self.state):
            self.position.session = self._reopen_session(self.state)
            self.checkpoints.parameters_changed()

    def _user_changed_parameters(self, state: State) -> bool:
        """Whether the user wrote to the network's arrays, which are live, since the last epoch gave this state."""
        current, state = self.network.state(), self.data.raw(state)
        pairs = zip((*current.weights, *current.biases), (*state.weights, *state.biases), strict=True)
        return not all(np.array_equal(array, trained) for array, trained in pairs)

    def _reopen_session(self, state: State) -> Session:
        """Open a session from the network's parameters and the state's optimizer slots."""
        self.data.check_reopened()
        self.network.check_writable()
        current = self.network.state()
        self.position.epoch_state = replace(state, weights=current.weights, biases=current.biases)
        return self.executor.open(self.plan, self.state)

    def _train_epoch(self, data: Any, validation_data: Any) -> Generator[None, None, EpochRecord | None]:
        """Train what is left of an epoch, block by block, and evaluate the validation; return None when it diverged."""
        progress = self.position.progress
        if not (yield from self._train_parts(data)):
            return None
        return progress.record(self.data.total_weight, self.executor.evaluate(self.session, validation_data))

    def _train_parts(self, data: Any) -> Generator[None, None, bool]:
        """Train what is left of an epoch, part by part and block by block; return whether it stayed finite."""
        progress = self.position.progress
        with closing(self._epoch_parts(data)) as parts:
            start = time.perf_counter()
            for part in parts:
                progress.seconds += time.perf_counter() - start  # waiting for rows, or distorting them, is a part of the work
                done = 0
                while done < len(part.order):
                    rows = part.order[done:][: self.executor.block_length(self.plan, self._most_steps)]
                    if not self._train_block(part, rows):
                        return False
                    done += len(rows)
                    if progress.rows < self.n:
                        yield None
                start = time.perf_counter()
        return True

    def _epoch_parts(self, data: Any) -> Generator[EpochPart]:
        """Give what is left of the current epoch, in parts."""
        progress = self.position.progress
        return self.executor.parts(data, self.plan, progress.epoch, shuffle=self.shuffle, done=progress.rows)

    def _train_block(self, part: EpochPart, rows: Indices) -> bool:
        """Take a step for each mini-batch of some rows; False when the training diverged."""
        self.checkpoints.visit()
        with self.checkpoints.signals_held:
            start = time.perf_counter()
            steps = self._next_steps(len(rows))
            result = self.session.advance(part.data, rows, steps)
            if not part.has_classes:
                result = replace(result, right=None)
            if result.finite:
                position = self.position
                position.done += len(steps)
                position.progress.add(len(rows), result, float(steps.rate[-1]), time.perf_counter() - start)
        return result.finite

    def _next_steps(self, rows: int) -> Steps:
        """Give the rate and the decay of the steps over the next rows."""
        count, done = steps_per_epoch(rows, self.plan.batch_size), self.position.done
        rate = rates(self.schedule, self.learning_rate, done, done + count, self.steps)
        return Steps(rate, np.full(count, self.plan.l2))

    def _update_network(self, state: State, epochs: int) -> None:
        """Write the state and its provenance into the network; Ctrl-C waits until both are written."""

        def write() -> None:
            self.data.write(self.network, state)
            self.network.inputs = self.data.inputs
            self.network.provenance = self._provenance(state, epochs)

        complete_despite_interrupt(write)

    def _provenance(self, state: State, epochs: int) -> Provenance:
        """Describe this training after so many epochs, and count those of earlier trainings."""
        earlier = self.position.earlier
        earlier_epochs, earlier_steps = (0, 0) if earlier is None else (earlier.epochs, earlier.steps)
        return Provenance(
            plan=self.plan.to_dict(),
            data=self.data.name,
            examples=self.n,
            epochs=earlier_epochs + epochs,
            steps=earlier_steps + state.step,
            learning_rate=self.learning_rate,
            schedule=name_of(self.schedule),
            engine=state.made_by,
            stopped=self.history.stopped or "",
            columns=list(self.examples.columns) or ([] if earlier is None else earlier.columns),
            earlier_epochs=earlier_epochs,
            earlier_steps=earlier_steps,
            classes=self.classes,
            target=self.data.target,
            n_in=self.examples.n_in,
            kind=self.examples.kind,
            distort=self.data.distortion,
        )

    def _reason_to_stop(self, record: EpochRecord) -> str | None:
        """Pass an epoch to every callback; give the reason to stop, theirs or that of early stopping, if there is one."""
        best = self.position.best
        results = [callback(record) for callback in self.callbacks]
        if best is not None and best.patience_exhausted:
            return f"no better for {best.epochs_since} epochs"
        stops = any(isinstance(result, (bool, np.bool_)) and result for result in results)
        return "a callback asked to stop" if stops else None

    def _stop(self, stopped: str, message: str) -> None:
        """Record why the training ended, and write the final parameters: the best epoch's under early stopping."""
        self.history.stopped, self.history.message = stopped, message
        state, best = self._interrupted_state or self.position.epoch_state, self.position.best
        if best is not None and best.state is not None:
            state, self.history.best_epoch = best.state, best.epoch
        if state is not None:
            self._update_network(state, len(self.history))

    def _stop_interrupted(self, epoch: int, state: State) -> None:
        """End the training on Ctrl-C within an epoch, with the parameters of its last step where they are finite."""
        if state.is_finite:
            self._interrupted_state = state
        self._stop("interrupted", f"interrupted in epoch {epoch}")

    def _stop_diverged(self, epoch: int) -> None:
        """End the training in an epoch that diverged."""
        best = self.position.best
        kept_epoch = best.epoch if best is not None and best.epoch else epoch - 1
        message = divergence_message(epoch, self.learning_rate, kept_epoch)
        self._stop("diverged", message)
        if self.warns_of_divergence:
            warn_of_divergence(message)

    def interrupt(self) -> None:
        """End a training between two epochs, as Ctrl-C does.

        The network keeps the parameters of the last epoch, or those that the user has written to it since.
        """
        if self.position.session is not None and self.history.stopped is None:
            self._take_user_changes()
        self._blocks.close()
        if self.history.stopped is None:
            self._stop("interrupted", f"interrupted after epoch {len(self.history)}")
        else:  # the training had ended; the interrupt may have come before the network was updated
            self._stop(self.history.stopped, self.history.message)

    def __repr__(self) -> str:
        stopped = self.history.stopped or f"{self.done:,} of {self.steps:,} steps done"
        return f"Run({self.network.sizes} on {self.data.origin!r}, {self.epochs} epochs, {self.engine.name} engine: {stopped})"


def _read_data(network: Network, examples: Any, **settings: Any) -> TrainingData | StreamedData:
    """Check the data of a training: examples in memory, or rows that are read from files."""
    if isinstance(examples, RowSource):
        return StreamedData(network, examples, **settings)
    if isinstance(settings["validation"], RowSource):
        raise DataError("rows of files validate a training on rows of files; pass the validation as Examples, or train on cr.rows")
    return TrainingData(network, examples, **settings)


def _check_callbacks(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """Check that the callbacks are functions; an iterator is read once."""
    functions = tuple(callbacks) if isinstance(callbacks, Iterable) else (None,)
    if not all(callable(callback) for callback in functions):
        raise SettingError(f"callbacks must be a list of functions, each taking an EpochRecord; it is {callbacks!r}")
    return functions


def _with_signature_of(run: Callable[P, Run]) -> Callable[[Callable[..., History]], Callable[P, History]]:
    """Give a function the signature of ``Run``, for ``help`` and for type checkers."""

    def decorate(function: Callable[..., History]) -> Callable[P, History]:
        signature = inspect.signature(run).replace(return_annotation="History")

        @functools.wraps(function)
        def checked(*args: P.args, **settings: P.kwargs) -> History:
            try:
                signature.bind(*args, **settings)
            except TypeError as error:
                raise ArgumentTypeError(f"{function.__name__}(): {error}; see help(chainrule.Run)") from None
            return function(*args, **settings)

        checked.__signature__ = signature  # type: ignore[attr-defined]
        return checked

    return decorate


@_with_signature_of(Run)
def train(*args: Any, **settings: Any) -> History:
    """Train a network in place: make a ``Run`` and iterate over it to its end. The parameters are those of ``chainrule.Run``.

    Returns
    -------
    History
        ``history.stopped`` says why the training ended. After Ctrl-C it is ``"interrupted"``, and the network keeps the parameters
        of the last step.

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
    return drain(Run(*args, **settings))
