r"""A run that trains in a thread of its own, obeys start, pause, step and reset, and publishes frames of how it learns.

::

              start            pause
    ready  ---------> running <------> paused      reset leads from every state back to ready
       \                 |     start     /
        `- step -> paused|              `- step
                         v
              finished, diverged or failed

The thread trains about ``CALL_SECONDS`` of mini-batches at a time, so that it obeys within that time; the parameters do not depend
on where it stops. Between two such calls it publishes a frame, if one is due and somebody watches. It never waits for a reader.
Runs take turns, as many at a time as there are cores, so that the server's own thread is not one of dozens that want to compute.
A small data set is trained at a pace at which one sees its curves and boundary change, while somebody watches.
A run that trains while nobody watches it is paused after ``UNWATCHED_SECONDS``; it must not take the cores from the others.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec

from ..engines import thread_count
from ..epoch_blocks import BLOCK_SECONDS, block_length
from ..errors import ChainruleError, DataError, SettingError
from ..examples import Examples
from ..history import EpochProgress
from ..network import Network, network_from
from ..training import Run
from .events import Topic
from .fair_turns import FairTurns
from .layer_formulas import cost_formulas, layer_formulas
from .learning_curves import LearningCurves, rounded
from .network_pictures import decision_boundary, delta_histograms, plane_points, weight_pictures
from .run_requests import RunRequest, command_line, examples_of, link_query, make_run, points_csv, python_lines

CALL_SECONDS = 0.015
"""The processor's time that one call of ``Run.advance`` is to take: ten runs on two cores have a turn each within 75 ms."""

MOST_WAITING = 10
"""The most times that time that a call may last on a busy machine before the next ones become shorter."""

FRAME_SECONDS = 1 / 15
"""The least time between two frames."""

FRAME_SHARE = 0.1
"""The largest part of a run's time that computing its frames may take."""

PACED_ROWS = 5000
"""Runs on fewer examples keep a pace while they are watched: an epoch of 700 takes 2 ms, so that one would see only the end."""

EPOCHS_PER_SECOND = 30.0
"""That pace: about two epochs a frame."""

PACED_SECONDS = 60.0
"""The longest time that the pace may make a whole run last; a run of many epochs has a faster one."""

UNWATCHED_SECONDS = 30.0
"""The time without a stream or a request after which a run that trains is paused: its page is closed."""

TURNS = FairTurns(thread_count("auto"))
"""The runs that compute at once; with more of them the server's own thread would seldom get its turn."""

DELTA_ROWS = 64
"""The examples over which delta is counted."""

NO_PICTURES: dict[str, Any] = {"weights": None, "deltas": [], "boundary": None}
"""The pictures of a run without parameters, or with some that are not finite."""

ENDED = ("finished", "diverged", "failed")


class CallLength:
    """The mini-batches of one call, so that it takes about ``CALL_SECONDS``: first as estimated, then as measured.

    Parameters
    ----------
    estimate : int
        The mini-batches of the first call.
    """

    def __init__(self, estimate: int = 1) -> None:
        self.mini_batches = max(1, estimate)
        self.per_second = 0.0

    def measured(self, mini_batches: int, seconds: float, computing: float) -> None:
        """Take the time of a call, and the processor's time of its thread; the length at most doubles from call to call.

        The processor's time counts: a call that only waited for a busy machine must not make the next ones shorter.
        """
        if mini_batches == 0 or seconds <= 0:
            return
        self.per_second = mini_batches / seconds
        lasts = max(computing, seconds / MOST_WAITING)
        self.mini_batches = max(1, min(2 * self.mini_batches, int(mini_batches * CALL_SECONDS / lasts)))


class LiveRun:
    """A run of the page.

    Parameters
    ----------
    identifier : str
    request : RunRequest
    topic : Topic
        Where frames are published; it calls ``refresh`` when somebody begins to watch.

    Attributes
    ----------
    state : str
        ready, running, paused, finished, diverged or failed.
    message : str
        Why the run ended, or why it was paused where nobody asked for that; else empty.
    """

    def __init__(self, identifier: str, request: RunRequest, topic: Topic) -> None:
        self.identifier = identifier
        self.request = request
        self.topic = topic
        self.state = "ready"
        self.message = ""
        self._changed = threading.Condition()  # guards the state, the message, and what the thread is to do
        self._steps_wanted = 0
        self._reset_wanted = True
        self._frame_wanted = False
        self._closing = False
        self._busy = False
        self._run: Run | None = None  # these are the thread's alone
        self._delta_rows: Examples | None = None
        self._curves = LearningCurves()
        self._call = CallLength()
        self._seen = EpochProgress(1)  # the part of the epoch that the curves have
        self._next_frame = 0.0
        self._next_epoch = -math.inf  # when the pace lets the next epoch begin
        self._noticed = time.monotonic()  # when somebody last watched the run or asked for it
        self._thread = threading.Thread(target=self._work, name=f"chainrule-run-{identifier}", daemon=True)
        topic.on_watch = self.refresh
        self._thread.start()

    # What the page asks for

    def start(self) -> None:
        """Train until the end, or until ``pause``.

        Raises
        ------
        SettingError
            When the run has ended.
        """
        self.notice()
        with self._changed:
            self._check_not_ended()
            self._set_state("running")

    def pause(self) -> None:
        """Stop after the current mini-batches; a run that does not train stays as it is."""
        with self._changed:
            if self.state == "running":
                self._set_state("paused")

    def step(self) -> None:
        """Train one mini-batch; a run that trains is paused.

        Raises
        ------
        SettingError
            When the run has ended.
        """
        with self._changed:
            self._check_not_ended()
            self._steps_wanted += 1
            self._set_state("paused")

    def reset(self) -> None:
        """Begin anew, with the parameters of the same seed."""
        with self._changed:
            self._reset_wanted, self._steps_wanted = True, 0
            self._set_state("ready")

    def refresh(self) -> None:
        """Publish a frame soon, for somebody who has just begun to watch."""
        with self._changed:
            self._frame_wanted = True
            self._changed.notify_all()

    def notice(self) -> None:
        """Note that somebody uses the run, by a request instead of a stream."""
        self._noticed = time.monotonic()

    @property
    def may_be_dropped(self) -> bool:
        """Whether the run neither trains nor is watched, so that it may make room for another."""
        return self.state != "running" and not self.topic.watched

    def close(self) -> None:
        """End the thread after the current mini-batches; ``join`` waits for that."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Wait for the end of a closed run's thread; tell whether it has ended."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until the thread has nothing to do; tell whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._has_work(), seconds)

    @cached_property
    def description(self) -> dict[str, Any]:
        """Describe what stays the same: the settings, the lines and the link that reproduce the run, formulas and points."""
        request = self.request
        network = Network(request.sizes, activation=request.activation, cost=request.cost, seed=0)
        return {
            "id": self.identifier,
            "settings": msgspec.to_builtins(request),
            "lines": {
                "python": python_lines(request),
                "cli": command_line(request),
                "csv": points_csv(request) if request.points else None,
            },
            "link": link_query(request),
            "sizes": network.sizes,
            "formulas": {"layers": layer_formulas(network), **cost_formulas(network)},
            "points": plane_points(examples_of(request)[0]) if request.sizes[0] == 2 else None,
        }

    def progress(self) -> dict[str, Any]:
        """Tell the state and how far the training is, with its curves, without computing pictures."""
        run, state, message = self._run, self.state, self.message
        return {
            "id": self.identifier,
            "state": state,
            "message": message,
            "epoch": 0 if run is None else len(run.history),
            "epochs": self.request.epochs,
            "step": 0 if run is None else run.done,
            "steps": 0 if run is None else run.steps,
            "examples_per_second": rounded(self._call.per_second * self.request.batch_size),
            "curves": self._curves.columns(),
        }

    # The thread

    def _work(self) -> None:
        """Do what is asked for, until ``close``; an error ends the run, not the thread."""
        while (task := self._next_task()) is not None:
            with TURNS:
                self._do(task)
        self._release_training()
        self.topic.on_watch = _do_nothing

    def _release_training(self) -> None:
        """Free the training's memory at once: its generator, which refers to it, would live until cycles are collected."""
        run, self._run, self._delta_rows = self._run, None, None
        if run is not None:
            run.interrupt()

    def _do(self, task: Callable[[], None]) -> None:
        """Do one task, and publish a frame if one is due."""
        try:
            task()
        except Exception as error:  # whatever a run raises must not reach another run or the server
            self._end("failed", error_line(error))
        self._publish_when_due()

    def _is_asked(self) -> bool:
        """Tell whether there is something to do besides training on."""
        return self._closing or self._reset_wanted or self._frame_wanted or self._steps_wanted > 0

    def _has_work(self) -> bool:
        return self._is_asked() or self.state == "running"

    def _seconds_ahead(self) -> float:
        """Tell how long the training must wait to keep the pace of a small data set; 0 where nobody watches."""
        paced = self.topic.watched and self._run is not None and self._run.n < PACED_ROWS
        return max(0.0, self._next_epoch - time.monotonic()) if paced else 0.0

    def _next_task(self) -> Callable[[], None] | None:
        """Wait for something to do; None after ``close``."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(self._has_work)
            self._changed.wait_for(self._is_asked, self._seconds_ahead())
            if self._closing:
                return None
            self._busy = True
            if self._reset_wanted:
                self._reset_wanted, self._frame_wanted = False, True
                return self._begin
            if self._steps_wanted:
                self._steps_wanted, self._frame_wanted = self._steps_wanted - 1, True
                return self._train_one
            return self._train_call if self.state == "running" and not self._seconds_ahead() else _do_nothing

    def _begin(self) -> None:
        """Make the run anew."""
        self._release_training()
        self._curves, self._call, self._seen = LearningCurves(), CallLength(), EpochProgress(1)
        self._run = run = make_run(self.request)
        block = block_length(run.plan, run.examples) / run.plan.batch_size
        self._next_epoch = -math.inf
        self._call = CallLength(int(block * CALL_SECONDS / BLOCK_SECONDS))
        self._delta_rows = run.examples[: min(DELTA_ROWS, len(run.examples))]

    def _train_one(self) -> None:
        self._advance(1)

    def _train_call(self) -> None:
        """Train for about ``CALL_SECONDS``, or until the pace says to wait; pause where nobody has watched for long."""
        self._pause_unwatched(time.monotonic())
        began, computing, before = time.perf_counter(), time.thread_time(), self.run.done
        end = before + self._call.mini_batches
        while self.run.done < end and self._goes_on():
            self._advance(end - self.run.done)
        self._call.measured(self.run.done - before, time.perf_counter() - began, time.thread_time() - computing)

    def _goes_on(self) -> bool:
        return self.state == "running" and self.run.history.stopped is None and not self._seconds_ahead()

    @property
    def run(self) -> Run:
        """The training."""
        if self._run is None:
            raise DataError("the run could not be made; reset it")
        return self._run

    def _advance(self, mini_batches: int) -> None:
        """Train some mini-batches of the current epoch, and add to the curves."""
        run = self.run
        record = run.advance(mini_batches)
        if record is not None:
            self._curves.add_epoch(record)
            self._seen = EpochProgress(record.epoch + 1)
            self._next_epoch = next_epoch(self._next_epoch, time.monotonic(), self.request.epochs)
        elif run.history.stopped is None:
            self._add_batches(run.epoch_progress)
        if run.history.stopped is not None:
            self._end("diverged" if run.history.stopped == "diverged" else "finished", run.history.message)

    def _add_batches(self, progress: EpochProgress) -> None:
        """Add the mean cost and accuracy of the mini-batches since the last call."""
        seen, self._seen = self._seen, progress
        rows = progress.rows - seen.rows
        if rows <= 0:
            return
        first = len(seen.costs)
        cost = float(progress.costs[first:].sum()) / rows
        accuracy = None if progress.right is None else float(progress.right[first:].sum()) / rows
        self._curves.add_batches(progress.epoch - 1 + progress.rows / self.run.n, cost, accuracy)

    def _publish_when_due(self) -> None:
        """Publish a frame, if somebody watches, and the last one is long enough ago or the state has changed."""
        began, computing = time.perf_counter(), time.thread_time()
        with self._changed:
            wanted, self._frame_wanted = self._frame_wanted, False
        if not self.topic.watched or not (wanted or began >= self._next_frame):
            return
        try:
            frame = self._frame()
        except Exception as error:  # of the pictures, which a failed run does not have
            self._end("failed", error_line(error))
            frame = {**self.progress(), **NO_PICTURES}
        self.topic.publish("frame", frame)
        self._next_frame = began + max(FRAME_SECONDS, (time.thread_time() - computing) / FRAME_SHARE)

    def _frame(self) -> dict[str, Any]:
        """Give the progress, and the pictures of the present parameters; of a failed run without pictures."""
        run = None if self.state == "failed" else self._run
        pictures = NO_PICTURES if run is None else network_frame(current_network(run), self._delta_rows)
        return {**self.progress(), **pictures}

    # The state

    def _pause_unwatched(self, now: float) -> None:
        """Pause the run if nobody has watched it for ``UNWATCHED_SECONDS``; ``now`` is the time of ``time.monotonic``."""
        if self.topic.watched:
            self._noticed = now
            return
        with self._changed:
            if self.state == "running" and now - self._noticed > UNWATCHED_SECONDS:
                why = f"paused, because nobody has watched the run for {UNWATCHED_SECONDS:g} seconds; start goes on with it"
                self._set_state("paused", why)

    def _set_state(self, state: str, message: str = "") -> None:
        """Change the state, with the condition held."""
        self.state, self.message, self._frame_wanted = state, message, True
        self._changed.notify_all()

    def _end(self, state: str, message: str) -> None:
        """End the run, unless it was reset in the meantime."""
        with self._changed:
            if not self._reset_wanted:
                self.state, self.message, self._frame_wanted, self._steps_wanted = state, message, True, 0

    def _check_not_ended(self) -> None:
        if self.state in ENDED:
            raise SettingError(f"the run has ended ({self.message or self.state}); reset it first")


def next_epoch(due: float, now: float, epochs: int) -> float:
    """Give the time at which the next epoch may begin at the pace, when the one that might begin at ``due`` ended at ``now``.

    Time that a slow epoch took is not made up for by fast ones.

    Examples
    --------
    >>> next_epoch(10.0, 10.01, epochs=300), next_epoch(10.0, 12.0, epochs=300), next_epoch(10.0, 10.0, epochs=60_000)
    (10.033333333333333, 12.0, 10.001)
    """
    pace = max(EPOCHS_PER_SECOND, epochs / PACED_SECONDS)
    return max(due + 1 / pace, now)


def current_network(run: Run) -> Network:
    """Give a network with the parameters after the last mini-batch; the run's own has those of the last epoch."""
    state, network = run.current_state(), run.network
    return network_from(network.plan, state.weights, state.biases, init=network.init, seed=network.seed, inputs=run.data.inputs)


def network_frame(network: Network, examples: Examples | None) -> dict[str, Any]:
    """Give a network's pictures; without those of delta where its numbers overflow or there are no examples."""
    if not network.state().is_finite:
        return NO_PICTURES
    try:
        deltas = [] if examples is None else delta_histograms(network, examples)
    except DataError:
        deltas = []
    return {"weights": weight_pictures(network), "deltas": deltas, "boundary": decision_boundary(network)}


def _do_nothing() -> None:
    """Serve a wish for a frame, which is published after every task."""


def error_line(error: Exception) -> str:
    """Describe an error in one line."""
    text = (str(error).strip() or "no reason given").splitlines()[0]
    return text if isinstance(error, ChainruleError) else f"{type(error).__name__}: {text}"
