"""What crosses the seam between training and an engine: plain frozen data.

``Plan`` never changes in a training, ``State`` is all that an engine changes, ``Steps`` says what the next mini-batches need, and
``BlockResult`` and ``Evaluation`` are what comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import DTYPES
from ._types import Array
from .calculus.activations import Activation, find_activation
from .calculus.costs import Cost, find_cost
from .calculus.optimizers import SGD, Optimizer
from .errors import UnknownName
from .examples import Examples, Targets

LAYERS = 1000  # at the most, so that a file that claims more need not be believed

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """One layer: its inputs and units, its activation (a name, or one of the user's own), and the fraction that dropout drops."""

    n_in: int
    n_out: int
    activation: str | Activation
    dropout: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What never changes in a training; hashable, and equal plans can go on from each other's states.

    Attributes
    ----------
    layers : tuple of Layer
    cost : str or Cost
    optimizer : Optimizer
    batch_size : int
    l1, l2 : float
        The penalties beside the mean cost. ``l2`` is a record: what an engine applies is each step's ``Steps.decay``.
    clip : float or None
        The largest norm of a mini-batch's mean gradient, before penalties.
    dtype : {"float32", "float64"}
    seed : int
        Of the order of the examples and of dropout, 0 <= seed < 2**64.

    Raises
    ------
    UnknownName
        When the dtype is another.
    """

    layers: tuple[Layer, ...]
    cost: str | Cost = "quadratic"
    optimizer: Optimizer = field(default_factory=SGD)
    batch_size: int = 10
    l1: float = 0.0
    l2: float = 0.0
    clip: float | None = None
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UnknownName("dtype", self.dtype, DTYPES)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of inputs, then of each layer's units."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.layers))

    @cached_property
    def sigmas(self) -> tuple[Activation, ...]:
        """Each layer's activation."""
        return tuple(find_activation(layer.activation) for layer in self.layers)

    @property
    def cost_function(self) -> Cost:
        """The cost, looked up."""
        return find_cost(self.cost)

    @cached_property
    def places(self) -> list[tuple[slice, tuple[int, ...]]]:
        """Where each array lies in one vector of all parameters, and its shape: each layer's weights, then each layer's biases."""
        shapes: list[tuple[int, ...]] = [(layer.n_out, layer.n_in) for layer in self.layers]
        shapes += [(layer.n_out,) for layer in self.layers]
        ends = list(accumulate(prod(shape) for shape in shapes))
        return [(slice(end - prod(shape), end), shape) for end, shape in zip(ends, shapes, strict=True)]

    def pack(self, weights: list[Array], biases: list[Array]) -> Array:
        """Put all parameters, or their gradient, into one vector in the plan's dtype."""
        return np.concatenate([part.ravel() for part in (*weights, *biases)], dtype=self.dtype)

    def unpack(self, vector: Array) -> tuple[list[Array], list[Array]]:
        """Take weights and biases out again, as views."""
        parts = [vector[place].reshape(shape) for place, shape in self.places]
        return parts[: len(self.layers)], parts[len(self.layers) :]

    @cached_property
    def own_functions(self) -> list[str]:
        """The names of the activations and costs that are the user's own, known to no engine but the reference."""
        parts = [*(layer.activation for layer in self.layers), self.cost]
        return [part.name for part in parts if not isinstance(part, str)]

    def to_dict(self) -> dict[str, Any]:
        """Give the plan as JSON's types; functions of the user's own by their names."""
        named = asdict(self)
        named["layers"] = [
            {"n_in": la.n_in, "n_out": la.n_out, "activation": _name(la.activation), "dropout": la.dropout} for la in self.layers
        ]
        named["cost"] = _name(self.cost)
        named["optimizer"] = {"name": self.optimizer.name, **asdict(self.optimizer)}
        return named


def _name(part: str | Activation | Cost) -> str:
    return part if isinstance(part, str) else part.name


def targets_for(examples: Examples, plan: Plan) -> Targets:
    """Read the examples' y as this plan's outputs and cost ask for it.

    Raises
    ------
    DataError
        When it does not suit them.
    """
    cost = plan.cost_function
    return examples.targets(plan.layers[-1].n_out, least=cost.least, most=cost.most, distribution=cost.distribution, cost=cost.name)


@dataclass(frozen=True)
class State:
    """All that an engine changes, as true values.

    Attributes
    ----------
    weights, biases : tuple of arrays
        Each (n_out, n_in) and (n_out,).
    slots : mapping of str to tuple of arrays
        What the optimizer remembers (``velocity``, ``m``, ``v``): by name, an array for each of the weights, then of the biases.
    step : int
        Updates done: Adam's t, and the counter of dropout.
    made_by : str
        The path that computed it. Bits are promised between equal paths.
    deferred : mapping of str to array
        Updates that the engine has not yet applied to its own copy, so that a session opened from this state goes on with the same
        bits. ``weights`` are true values; whoever changes these may leave this as it is.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    slots: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)
    step: int = 0
    made_by: str = ""
    deferred: Mapping[str, Array] = field(default_factory=dict)

    @property
    def is_finite(self) -> bool:
        """Whether no weight or bias is NaN or infinite."""
        return all(bool(np.isfinite(part).all()) for part in (*self.weights, *self.biases))


@dataclass(frozen=True)
class Steps:
    """The learning rate and the L2 decay of each of the next mini-batches, float64: schedules are evaluated above the seam.

    ``squares`` asks for ``BlockResult.squares``.
    """

    rate: Floats
    decay: Floats
    squares: bool = False

    def __len__(self) -> int:
        return len(self.rate)

    def __getitem__(self, part: slice) -> Steps:
        return Steps(self.rate[part], self.decay[part], self.squares)


@dataclass(frozen=True)
class BlockResult:
    """What some mini-batches gave.

    Attributes
    ----------
    costs : float64 array
        The summed cost of each mini-batch, before its update.
    right : float64 array or None
        The examples (their weights) that each mini-batch had right, before its update; None where there are no classes.
    finite : bool
        Whether every cost, and every parameter afterwards, is finite.
    squares : float64 array or None
        The sum of all weights' squares before each mini-batch's update, for a penalty in the cost; where it was asked for.
    """

    costs: Floats
    right: Floats | None
    finite: bool
    squares: Floats | None = None


@dataclass(frozen=True)
class Evaluation:
    """How a network does on some data, a weighted example counting as its weight.

    Attributes
    ----------
    cost : float
        The mean over examples, without penalty.
    right : float or None
        How many examples are right; None where there are no classes.
    total : float
        How many examples there are.
    """

    cost: float
    right: float | None
    total: float

    @property
    def accuracy(self) -> float | None:
        """The fraction that is right, in [0, 1]; None where there are no classes."""
        return None if self.right is None else self.right / self.total


COLUMNS = 10**6  # whose names a model file may hold


@dataclass(frozen=True)
class Provenance:
    """How a network was trained: what a model file tells of it, of several trainings the last.

    Attributes
    ----------
    plan : dict
        ``Plan.to_dict()`` of the training.
    data : str
        The name of the data, where it had one, or its description.
    examples : int
        How many the last training had.
    epochs, steps : int
        Epochs gone through whole and updates done, in all trainings together.
    learning_rate : float
    schedule : str
    engine : str
    stopped : str
        Why it ended: finished, early, interrupted, diverged; empty while it goes on.
    columns : list of str
        The names of the data's columns, in their order, without the target's; empty where they have none.
    earlier_epochs, earlier_steps : int
        Those of the trainings before the last.
    classes : bool or None
        Whether y held classes, not values; None in files that do not say.
    target : str
        The name of the target's column in a table; empty where it has none.
    """

    plan: dict[str, Any]
    data: str
    examples: int
    epochs: int
    steps: int
    learning_rate: float
    schedule: str
    engine: str
    stopped: str
    columns: list[str] = field(default_factory=list)
    earlier_epochs: int = 0
    earlier_steps: int = 0
    classes: bool | None = None
    target: str = ""

    @classmethod
    def parse(cls, came: Any) -> Provenance:
        """Read what a file says, each entry of its type; whatever is wrong raises ValueError, TypeError or KeyError."""
        kinds = {"plan": dict, "data": str, "schedule": str, "engine": str, "stopped": str, "learning_rate": float}
        kinds |= {"examples": int, "epochs": int, "steps": int, "columns": list}
        later: dict[str, type] = {"earlier_epochs": int, "earlier_steps": int, "target": str}  # which the first files lack
        known = kinds | later
        entries = set(came) - {"classes"}
        if not set(kinds) <= entries <= set(known) or any(type(came[name]) is not known[name] for name in entries):
            raise ValueError("provenance has other entries")
        if type(came.get("classes")) not in (bool, type(None)):
            raise ValueError("it does not say whether y held classes")
        counts = [came[name] for name in ("examples", "epochs", "steps", "earlier_epochs", "earlier_steps") if name in came]
        if min(counts) < 0 or not np.isfinite(came["learning_rate"]):
            raise ValueError("a count is below 0, or the learning rate is no number")
        if len(came["columns"]) > COLUMNS or any(type(name) is not str for name in came["columns"]):
            raise ValueError("its columns are no names")
        if len(set(came["columns"])) < len(came["columns"]):
            raise ValueError("two of its columns have one name")
        return cls(**came)
