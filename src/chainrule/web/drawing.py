"""The Draw tab's network: given by a file, or trained here in a thread; its answers, its explanations, and its JavaScript."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from .. import datasets
from ..calculus.feedforward import decision
from ..distort import Affine
from ..errors import DataError
from ..examples import Examples
from ..explaining.explain_model import explain
from ..explaining.html_renderer import to_article
from ..exporting.javascript import module_text
from ..history import History
from ..input_spec import SIDE, InputSpec
from ..network import Network
from ..training import Run
from .events import Topic
from .messages import Derivation, ModelState, Reading, ReadyModel, TrainingProgress
from .refusal import Refusal, as_line, in_utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._types import Array
    from ..table_model import TableModel

TOPIC = "model"
MINI_BATCHES = 16
"""The mini-batches between two looks at whether the training was cancelled."""

SECONDS_BETWEEN_REPORTS = 0.1

DIGITS = 10
NOT_IMAGES = "drawings are images of 28 x 28 pixels, but this model"


@dataclass(frozen=True)
class Recipe:
    """The settings of a training for drawings."""

    sizes: tuple[int, ...]
    epochs: int
    distort: Affine | None = None
    schedule: str = "constant"
    activation: str = "relu"
    cost: str = "log_loss"
    optimizer: str = "adam"
    learning_rate: float = 0.002
    batch_size: int = 64


PLAIN = Recipe((784, 100, 10), epochs=4)
"""Trains in a second or two."""

DISTORTION = Affine(shift=1.5, scale=0.15, slant=0.2, rotation=12)
DISTORTED = Recipe(
    (784, 256, 10),
    epochs=20,
    distort=DISTORTION,
    schedule="cosine",
    learning_rate=0.004,
    batch_size=128,
)
"""Trains in half a minute at most, with the settings of ``chainrule train mnist --distort``."""


@dataclass(frozen=True)
class Training:
    """A training that was asked for, and the event that cancels it."""

    recipe: Recipe
    cancelled: threading.Event


class Drawing:
    """The network that reads drawings.

    All methods may be called from any thread. A network that is being trained replaces the present one when it is complete, and a
    training that is cancelled leaves everything as it was before. One thread at most trains: a training that is asked for while a
    cancelled one ends is done after it, by the same thread.

    Parameters
    ----------
    topic : Topic
        Where the state is published, as ``GET /api/model`` gives it.
    """

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._lock = threading.Lock()  # guards the state and the network
        self._network: Network | None = None
        self._javascript: str | None = None
        self._state = self._before = ModelState("failed", "there is no network yet; train one")
        self._trained: dict[bool, ReadyModel] = {}  # the newest network on plain digits, and the newest on distorted ones
        self._cancelled = threading.Event()  # ends the newest training
        self._next: Training | None = None  # the newest training, until the thread begins it
        self._thread: threading.Thread | None = None
        self._takes_trainings = False  # whether the thread will look at _next again

    @property
    def state(self) -> ModelState:
        """The state."""
        return self._state

    def give(self, model: Network | TableModel, name: str) -> None:
        """Take a model of a file, or say why it cannot read drawings."""
        name = in_utf8(name)
        try:
            network = drawable(model)
            self._take(network, ready_model(network, name), threading.Event())
        except Exception as error:  # a file that cannot be shown must not end the server
            self._publish(ModelState("refused", f"{name}: {as_line(str(error) or type(error).__name__)}"))

    @property
    def javascript(self) -> str:
        """The present network as an ES module, by ``cr.export``.

        Raises
        ------
        Refusal
            When there is none.
        """
        if self._javascript is None:
            raise self._no_network()
        return self._javascript

    def train(self, recipe: Recipe) -> None:
        """Train a network on MNIST in a thread, after the end of a training that was cancelled just before.

        Raises
        ------
        Refusal
            When one is being trained already.
        """
        with self._lock:
            if self._state.training is not None:
                raise Refusal(409, "a network is being trained already; wait for its end, or cancel it by POST /api/model/cancel")
            progress = TrainingProgress(recipe.distort is not None, 0, recipe.epochs, 0, 0, None)
            self._before, self._cancelled = self._state, threading.Event()
            self._publish(ModelState("training", model=self._state.model, training=progress))
            self._next = Training(recipe, self._cancelled)
            self._start_thread()

    def cancel(self) -> None:
        """End a training, and go back to the state of before; its thread ends after its current mini-batches.

        Raises
        ------
        Refusal
            When no network is being trained.
        """
        with self._lock:
            if self._state.training is None:
                raise Refusal(409, "no network is being trained; POST /api/model trains one")
            self._cancelled.set()
            self._publish(self._before)

    def close(self) -> None:
        """End a training after its current mini-batches; ``join`` waits for that."""
        self._cancelled.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end of a closed training's thread; tell whether it has ended."""
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))
        return self._thread is None or not self._thread.is_alive()

    def read(self, pixels: Sequence[float]) -> Reading:
        """Read a picture in MNIST's form: 784 numbers from 0 to 255.

        Raises
        ------
        Refusal
            When there is no network, or no pixel is above 1.
        DataError
            When an output is not finite.
        """
        network = self.network
        outputs = network.feedforward(inputs_of(network, pixels))
        if not np.isfinite(outputs).all():
            raise DataError("the network's outputs for this picture must be finite, but one overflows; train another network")
        return Reading(int(decision(outputs, network.plan.sigmas[-1])[0]), outputs[0].tolist())

    def explain(self, pixels: Sequence[float], label: int) -> Derivation:
        """Explain how the network reads a picture, and what it would learn from its true label, by ``cr.explain``.

        Raises
        ------
        Refusal
            When there is no network, or no pixel is above 1.
        DataError
            When the network has no such label.
        """
        network = self.network
        outputs = network.sizes[-1]
        if label >= outputs:
            known = f"from 0 to {outputs - 1}, for the network has {outputs} outputs"
            raise DataError(f"label must be {known}, but it is {label}; send one of them")
        return Derivation(to_article(explain(network, inputs_of(network, pixels)[0], label)))

    @property
    def network(self) -> Network:
        """The present network.

        Raises
        ------
        Refusal
            When there is none.
        """
        if self._network is None:
            raise self._no_network()
        return self._network

    def _no_network(self) -> Refusal:
        return Refusal(409, self._state.message or "the network is being trained; try again in a moment")

    # The thread

    def _start_thread(self) -> None:
        """Start the thread, unless it will take the next training anyway; the caller holds the lock."""
        if self._takes_trainings:
            return
        if self._thread is not None:
            self._thread.join()  # it has done its last training, and needs no lock any more
        self._thread = threading.Thread(target=self._train_all, name="chainrule-drawing", daemon=True)
        self._takes_trainings = True
        self._thread.start()

    def _train_all(self) -> None:
        """Do the trainings that are asked for, one after the other, until there is none."""
        while (training := self._take_next()) is not None:
            self._train(training.recipe, training.cancelled)

    def _take_next(self) -> Training | None:
        """Give the training to do now; None where there is none or it was cancelled, and then the thread ends."""
        with self._lock:
            training, self._next = self._next, None
            self._takes_trainings = training is not None and not training.cancelled.is_set()
            return training if self._takes_trainings else None

    def _train(self, recipe: Recipe, cancelled: threading.Event) -> None:
        """Train a network and take it, unless that is cancelled; whatever goes wrong becomes the state's message."""
        try:
            run = self._advance(recipe, cancelled)
            if run is not None and not cancelled.is_set():
                self._take(run.network, figures_of(run, recipe), cancelled)
        except Exception as error:  # an error here must not end the server
            message = f"the training failed: {as_line(str(error) or type(error).__name__)}"
            model = self._before.model
            self._publish_unless(cancelled, ModelState("failed" if model is None else "ready", message, model))

    def _advance(self, recipe: Recipe, cancelled: threading.Event) -> Run | None:
        """Train a network to its end, or until that is cancelled, and publish the progress; None where it was not begun."""
        run = run_of(recipe, cancelled)
        if run is None:
            return None
        next_report = 0.0
        while run.history.stopped is None and not cancelled.is_set():
            run.advance(MINI_BATCHES)
            if time.monotonic() >= next_report:
                next_report = time.monotonic() + SECONDS_BETWEEN_REPORTS
                self._publish_unless(cancelled, ModelState("training", model=self._before.model, training=progress_of(run, recipe)))
        if run.history.stopped == "diverged":
            raise DataError(run.history.message)
        return run

    def _take(self, network: Network, model: ReadyModel, cancelled: threading.Event) -> None:
        """Replace the network, unless that was cancelled in the meantime."""
        javascript = module_text(network)
        with self._lock:
            if not cancelled.is_set():
                self._network, self._javascript = network, javascript
                if model.distort is not None:
                    self._trained[model.distort] = model
                self._publish(ModelState("ready", model=model))

    def _publish_unless(self, cancelled: threading.Event, state: ModelState) -> None:
        """Publish a state of a training that was not cancelled in the meantime."""
        with self._lock:
            if not cancelled.is_set():
                self._publish(state)

    def _publish(self, state: ModelState) -> None:
        """Publish a state, with the networks that were trained so far."""
        self._state = state = msgspec.structs.replace(state, trained=list(self._trained.values()))
        self._topic.publish(TOPIC, msgspec.to_builtins(state))


def run_of(recipe: Recipe, cancelled: threading.Event) -> Run | None:
    """Read MNIST and make the training of a recipe; None where it is cancelled in the meantime."""
    examples = datasets.mnist().train
    if cancelled.is_set():
        return None
    network = Network(recipe.sizes, activation=recipe.activation, cost=recipe.cost, seed=0)
    run = Run(
        network,
        examples,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        optimizer=recipe.optimizer,
        schedule=recipe.schedule,
        distort=recipe.distort,
    )
    run.warns_of_divergence = False  # the state's message says it
    return run


def ready_model(network: Network, name: str) -> ReadyModel:
    """Describe a network."""
    provenance = network.provenance
    return ReadyModel(version_of(network), name, network.sizes, None if provenance is None else provenance.epochs)


def figures_of(run: Run, recipe: Recipe) -> ReadyModel:
    """Describe a network that was trained here, with its accuracy on the test digits as they are, and distorted."""
    return msgspec.structs.replace(
        ready_model(run.network, "trained by this page"),
        seconds=sum(record.seconds for record in run.history.records),
        distort=recipe.distort is not None,
        test_accuracy=run.network.accuracy(datasets.mnist().test),
        distorted_accuracy=run.network.accuracy(distorted_test()),
    )


def progress_of(run: Run, recipe: Recipe) -> TrainingProgress:
    """Tell how far a training is."""
    history: History = run.history
    accuracy = history.records[-1].accuracy if history.records else None
    return TrainingProgress(recipe.distort is not None, len(history), run.epochs, run.done, run.steps, accuracy)


@cache
def distorted_test() -> Examples:
    """Distort each of MNIST's test digits once, with the amounts of the page's distortion and a seed that no training here has."""
    test = datasets.mnist().test
    rows = np.arange(len(test))
    images = DISTORTION.apply(np.asarray(test.x).reshape(-1, SIDE, SIDE), rows, seed=1, epoch=1, light=False, threads=1)
    return Examples(images.reshape(len(rows), -1), test.y)


def version_of(network: Network) -> str:
    """Give a digest of a network's parameters, which the address of its JavaScript holds."""
    digest = hashlib.sha256()
    for array in (*network.weights, *network.biases):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def inputs_of(network: Network, pixels: Sequence[float]) -> Array:
    """Give 784 pixels from 0 to 255 as one row of inputs from 0 to 1, (1, 784).

    Raises
    ------
    Refusal
        When they may be from 0 to 1.
    """
    if 0 < max(pixels) <= 1:
        raise Refusal(400, "pixels go from 0 to 255, but here none is above 1; multiply them by 255")
    return (np.array(pixels, dtype=np.float64) / 255).astype(network.plan.dtype)[None]


def drawable(model: Network | TableModel) -> Network:
    """Give a model that can read drawings in MNIST's form.

    Raises
    ------
    DataError
        When it cannot.
    """
    if not isinstance(model, Network):
        raise DataError(f"{NOT_IMAGES} reads rows of a table")
    if model.sizes[0] != SIDE * SIDE:
        raise DataError(f"{NOT_IMAGES} takes {model.sizes[0]:,} numbers")
    if model.sizes[-1] != DIGITS:
        raise DataError(f"the Draw tab shows the outputs of ten digits, but this model has {model.sizes[-1]:,}")
    if model.provenance is not None and model.provenance.classes is False:
        raise DataError("the Draw tab shows the outputs of ten digits, but this model learnt values")
    if model.inputs is None:
        raise DataError(f"{NOT_IMAGES} does not say what inputs it learnt; train it first")
    _check_inputs(model.inputs)
    return model


def _check_inputs(inputs: InputSpec) -> None:
    if inputs.kind == "csr" or not (inputs.kind == "pixels" or inputs.unit):
        raise DataError(f"{NOT_IMAGES} learnt other numbers")
    if inputs.is_image and inputs.shape != (SIDE, SIDE):
        raise DataError(f"{NOT_IMAGES} learnt images of {inputs.shape[0]} x {inputs.shape[1]}")
    if inputs.transposed:
        raise DataError("drawings are stored row by row, but this model learnt images stored column by column")
    if inputs.background == "light":
        raise DataError("drawings are bright on dark, as MNIST's digits are, but this model learnt images on a light background")
