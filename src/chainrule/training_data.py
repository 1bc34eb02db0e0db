"""The data of a training: the examples that are trained on, and those that are validated on."""

from __future__ import annotations

from collections.abc import Generator
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from ._types import Array, Indices
from .checkpoints.fingerprint import digest_of, fingerprint
from .distort import Distortion
from .distorted_examples import DistortedExamples
from .engines import Engine, Session, Threads
from .epoch_blocks import epoch_order
from .errors import DataError, SettingError
from .examples import Examples
from .input_spec import InputSpec
from .network import Network
from .plan import Evaluation, Plan, State


class EpochPart(NamedTuple):
    """A part of an epoch: some rows, and the order in which they are trained on; parts are whole mini-batches but for the last.

    Attributes
    ----------
    data : object
        The engine's form of the rows.
    order : int array
    has_classes : bool
        Whether the targets of all the training's rows are classes, or values that stand for classes.
    weights : array, shape (n,), or None
        The rows' weights; None where all count alike.
    """

    data: Any
    order: Indices
    has_classes: bool = True
    weights: Array | None = None


def digest_of_examples(examples: Examples | None) -> str | None:
    """Give a digest of examples, computed once for each of them; None where there are none."""
    return None if examples is None else examples.prepared(fingerprint, fingerprint)


def prepare_once(engine: Engine, examples: Examples) -> Any:
    """Give the engine's form of examples that nobody prepares again: both are freed once the form is."""
    prepared = engine.prepare(examples)
    examples.forget_prepared()
    return prepared


class TrainingData:
    """The examples of a training and of its validation, checked against the network and against each other.

    Parameters
    ----------
    network : Network
    examples, validation, rows, validation_rows, distort
        As ``Run`` has them.

    Attributes
    ----------
    examples : Examples
    validation : Examples or None
    rows, validation_rows : int array or None
        The numbers of the examples' rows that are trained on, where that is not all, and of those that are validated on.
    inputs : InputSpec
        What inputs the network accepts once it has been trained on these.
    distorted : DistortedExamples or None
    n : int
        The rows that are trained on.
    name, target : str
        What a network's provenance calls the data and its target: nothing, where they are in memory.

    Raises
    ------
    DataError
        When the examples do not fit the network or each other.
    SettingError
        When a row is both trained and validated on, or two settings choose the validation.
    """

    name = target = ""

    def __init__(
        self, network: Network, examples: Any, *, validation: Any, rows: Any, validation_rows: Any, distort: Distortion | None
    ) -> None:
        self.examples = network.check_examples(examples, training=True)
        spec = self.examples.measured(InputSpec.of)
        self.inputs = spec if network.inputs is None else network.inputs.joined(spec)
        self.validation = None if validation is None else self._check_validation(network, validation)
        self.rows = None if rows is None else self.examples.row_numbers(rows)
        self.validation_rows = None if validation_rows is None else self._check_validation_rows(validation_rows)
        self.distorted = None if distort is None else DistortedExamples(self.examples, self.rows, distort, self.inputs)
        self.n = len(self.examples) if self.rows is None else len(self.rows)

    def _check_validation(self, network: Network, validation: Any) -> Examples:
        """Check the validation examples against the network, and against the training examples' kind of inputs and columns."""
        trained = copy(network)
        trained.inputs = self.inputs
        examples = trained.check_examples(validation)
        if examples.columns and self.examples.columns and examples.columns != self.examples.columns:
            raise DataError("the validation examples have other columns than the training examples, or in another order")
        return examples

    def _check_validation_rows(self, rows: Any) -> Indices:
        """Check that the validation's rows are not those of the training, and that there is no other validation."""
        if self.validation is not None:
            raise SettingError("validation and validation_rows both choose the validation examples; give one of them")
        numbers = self.examples.row_numbers(rows)
        trained = np.zeros(len(self.examples), bool)
        trained[slice(None) if self.rows is None else self.rows] = True
        shared = numbers[trained[numbers]]
        if shared.size:
            raise SettingError(
                f"validation_rows must be other rows than those of the training; row {shared.min()} is in both: "
                "give the training's by rows=, without these"
            )
        return numbers

    @property
    def has_validation(self) -> bool:
        """Whether each epoch is validated, on examples of its own or on rows of the training's."""
        return self.validation is not None or self.validation_rows is not None

    @property
    def distortion(self) -> dict[str, Any] | None:
        """The name and the settings of the distortion in JSON's types; None without one."""
        return None if self.distorted is None else self.distorted.distortion.to_dict()

    @property
    def total_weight(self) -> float:
        """The summed weight of the rows that are trained on: their number, where the examples are not weighted."""
        return self.examples.total_weight(self.rows)

    @property
    def origin(self) -> Examples:
        """Where the rows come from: the examples."""
        return self.examples

    def describe(self) -> dict[str, Any]:
        """Describe the data in JSON's types, arrays by their digests: a training that goes on compares this."""
        return {
            "distort": self.distortion,
            "examples": self.n,
            "data": digest_of_examples(self.examples),
            "validation": digest_of_examples(self.validation),
            "rows": None if self.rows is None else digest_of(self.rows),
            "validation_rows": None if self.validation_rows is None else digest_of(self.validation_rows),
        }

    def prepare(self, engine: Engine) -> tuple[Any, Any]:
        """Give the engine's form of the examples and of the validation; of examples that are all distorted, None."""
        needed = self.distorted is None or self.validation_rows is not None
        return engine.prepare(self.examples) if needed else None, self.prepare_validation(engine)

    def prepare_validation(self, engine: Engine) -> Any:
        """Give the engine's form of the examples of the validation; None without one."""
        if self.validation_rows is not None:
            return engine.prepare(self.examples)
        return None if self.validation is None else engine.prepare(self.validation)

    def epoch_parts(
        self, engine: Engine, data: Any, plan: Plan, epoch: int, *, shuffle: bool, done: int, threads: Threads
    ) -> Generator[EpochPart]:
        """Give the parts of an epoch of which so many rows are done: one, with its distorted images or the data of every epoch."""
        order = self.rows_at(epoch_order(self.n, plan.seed, epoch) if shuffle else np.arange(self.n))
        if self.distorted is not None:
            data = prepare_once(engine, self.distorted.in_epoch(epoch, seed=plan.seed, threads=threads))
        yield EpochPart(data, order[done:], weights=self.examples.weights)

    def evaluate(self, engine: Engine, session: Session, validation_data: Any) -> Evaluation | None:
        """Evaluate the validation, if there is one."""
        return session.evaluate(validation_data, self.validation_rows) if self.has_validation else None

    def raw(self, state: State) -> State:
        """Give the state of the network that takes x as it is: the one that is trained."""
        return state

    def write(self, network: Network, state: State) -> None:
        """Write a state's parameters into the network."""
        network.take(state)

    def check_reopened(self) -> None:
        """Allow that the user changes the network's parameters between two epochs."""

    def rows_at(self, places: Indices) -> Indices:
        """Give the rows of the engine's data, from places among those that are trained on: distorted examples are these alone."""
        return places if self.rows is None or self.distorted is not None else self.rows[places]
