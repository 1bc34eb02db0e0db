"""The data that crosses the seam between training and an engine: plain frozen dataclasses.

A ``Plan`` is constant during a training, a ``State`` is all that an engine changes, ``Steps`` holds the rates of the next
mini-batches, and an engine returns a ``BlockResult`` or an ``Evaluation``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import DTYPES
from ._types import Array
from .calculus.activations import Activation, find_activation
from .calculus.costs import COSTS, Cost, find_cost, is_built_in, smooth_targets
from .calculus.optimizers import SGD, Optimizer
from .errors import SettingError, UnknownName
from .examples import Examples, Targets

MAXIMUM_LAYERS = 1000

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
    """The constants of a training; hashable, and a training can go on from the state of another with an equal plan.

    Attributes
    ----------
    layers : tuple of Layer
    cost : str or Cost
    optimizer : Optimizer
    batch_size : int
    l1, l2 : float
        The penalties beside the mean cost. ``l2`` is informative: an engine applies ``Steps.decay`` of each step.
    clip : float or None
        The largest norm of a mini-batch's mean gradient, before penalties.
    dtype : {"float32", "float64"}
    seed : int
        Of the order of the examples and of dropout, 0 <= seed < 2**64.
    label_smoothing : float
        ``s`` of ``smooth_targets``, applied to the targets of ``Session.advance`` and ``Engine.gradient``, not of an evaluation.

    Raises
    ------
    UnknownName
        When the dtype is another.
    SettingError
        When labels are to be smoothed, but the cost has no classes.
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
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UnknownName("dtype", self.dtype, DTYPES)
        if self.label_smoothing and self.cost_function.uniform_target(self.layers[-1].n_out) is None:
            raise SettingError(
                f"label_smoothing needs a cost of classes, log_loss or cross_entropy; this network's cost is "
                f"{self.cost_function.name}: make the network with cost='log_loss', or leave label_smoothing at 0"
            )

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

    def training_targets(self, y: Array) -> Array:
        """Give the targets (m, n_out) that a step is computed from: smoothed where the plan smooths labels."""
        uniform = self.cost_function.uniform_target(y.shape[1])
        return y if not self.label_smoothing or uniform is None else smooth_targets(y, self.label_smoothing, uniform)

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
        """The names of the activations and costs that are the user's own, which only the reference engine can call."""
        names = [layer.activation.name for layer in self.layers if isinstance(layer.activation, Activation)]
        if not is_built_in(self.cost_function):
            names.append(self.cost_function.name)
        return names

    def to_dict(self) -> dict[str, Any]:
        """Give the plan as JSON's types; functions of the user's own by their names."""
        named = asdict(self)
        named["layers"] = [
            {"n_in": layer.n_in, "n_out": layer.n_out, "activation": sigma.name, "dropout": layer.dropout}
            for layer, sigma in zip(self.layers, self.sigmas, strict=True)
        ]
        named["cost"] = cost_to_json(self.cost_function)
        named["optimizer"] = {"name": self.optimizer.name, **asdict(self.optimizer)}
        return named


def cost_to_json(cost: Cost) -> str | dict[str, Any]:
    """Give a cost as JSON's types: its name, or its name with its settings.

    Examples
    --------
    >>> cost_to_json(find_cost("quadratic")), cost_to_json(find_cost("huber"))
    ('quadratic', {'name': 'huber', 'delta': 1.0})
    """
    return {"name": cost.name, **cost.settings} if cost.settings else cost.name


def cost_from_json(described: Any) -> str | Cost:
    """Read a built-in cost that ``cost_to_json`` has written; by name where its settings are the usual ones.

    Raises
    ------
    ValueError
        When it is not a built-in cost, or its settings are not exactly those of the cost.
    """
    name = described.get("name") if isinstance(described, dict) else described
    built_in = COSTS.get(name) if isinstance(name, str) else None
    if built_in is None:
        raise ValueError("the cost is not a built-in one")
    settings = {key: value for key, value in described.items() if key != "name"} if isinstance(described, dict) else {}
    if set(settings) != set(built_in.settings) or any(type(value) is not float for value in settings.values()):
        raise ValueError(f"the settings of the cost {name} must be {sorted(built_in.settings)}, each a float")
    cost = built_in.with_settings(**settings)
    return built_in.name if cost == built_in else cost


def targets_for(examples: Examples, plan: Plan) -> Targets:
    """Read the examples' y as targets of this plan's outputs and cost.

    Raises
    ------
    DataError
        When y does not suit them.
    """
    cost = plan.cost_function
    return examples.targets(plan.layers[-1].n_out, least=cost.least, most=cost.most, distribution=cost.distribution, cost=cost.name)


@dataclass(frozen=True)
class State:
    """All that an engine changes, fully updated: no deferred decay or scale is left out.

    Attributes
    ----------
    weights, biases : tuple of arrays
        Each (n_out, n_in) and (n_out,).
    slots : mapping of str to tuple of arrays
        The optimizer's state (``velocity``, ``m``, ``v``): by name, an array for each of the weights, then of the biases.
    step : int
        The number of updates done: Adam's t, and the counter of dropout.
    made_by : str
        The engine and code path that computed it. Results are bit-identical only between equal paths.
    deferred : mapping of str to array
        Updates that the engine has not yet applied to its own copy of the weights, so that a session opened from this state goes on
        with the same bits. ``weights`` are complete. It is ignored where ``weights`` were changed since.
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
    """The learning rate and the L2 decay of each of the next mini-batches, float64; schedules are evaluated above the seam.

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
    """The results of some mini-batches.

    Attributes
    ----------
    costs : float64 array
        The summed cost of each mini-batch, before its update.
    right : float64 array or None
        The number (summed weight) of correctly classified examples of each mini-batch, before its update; None without classes.
    finite : bool
        Whether every cost, and every parameter afterwards, is finite.
    squares : float64 array or None
        The sum of all weights' squares before each mini-batch's update, to add a penalty to the cost; None unless requested.
    """

    costs: Floats
    right: Floats | None
    finite: bool
    squares: Floats | None = None


@dataclass(frozen=True)
class Evaluation:
    """The cost and accuracy of a network on some data, each example counted by its weight.

    Attributes
    ----------
    cost : float
        The mean over examples, without penalty.
    right : float or None
        The number (summed weight) of correctly classified examples; None without classes.
    total : float
        The number (summed weight) of all examples.
    """

    cost: float
    right: float | None
    total: float

    @property
    def accuracy(self) -> float | None:
        """The fraction that is classified correctly, in [0, 1]; None without classes."""
        return None if self.right is None else self.right / self.total


MAXIMUM_COLUMNS = 10**6
"""The most column names that a model file may hold."""


@dataclass(frozen=True)
class Provenance:
    """How a network was trained, as a model file keeps it; of several trainings the last.

    Attributes
    ----------
    plan : dict
        ``Plan.to_dict()`` of the training.
    data : str
        The name of the data; empty where it has none.
    examples : int
        The number of examples of the last training.
    epochs, steps : int
        Completed epochs and updates, of all trainings together.
    learning_rate : float or None
        The initial learning rate; None of a solver that has none.
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
    n_in : int
        The number of columns of x; 0 in files that do not say.
    kind : str
        ``Examples.kind`` of the data: dense, pixels or csr; empty in files that do not say.
    initializer : str
        Of an estimator's network: how its parameters were drawn. Empty where ``Network.init`` says so.
    seed : int or None
        Of an estimator's network: its ``random_state``, where that was a number.
    alpha : float or None
        Of an estimator's network: its L2 penalty.
    distort : dict or None
        The name and the settings of the distortion of the training's images; None where they were not distorted.
    """

    plan: dict[str, Any]
    data: str
    examples: int
    epochs: int
    steps: int
    learning_rate: float | None
    schedule: str
    engine: str
    stopped: str
    columns: list[str] = field(default_factory=list)
    earlier_epochs: int = 0
    earlier_steps: int = 0
    classes: bool | None = None
    target: str = ""
    n_in: int = 0
    kind: str = ""
    initializer: str = ""
    seed: int | None = None
    alpha: float | None = None
    distort: dict[str, Any] | None = None

    @classmethod
    def parse(cls, described: Any) -> Provenance:
        """Read a file's entries strictly; any mistake raises ValueError, TypeError or KeyError."""
        if not isinstance(described, dict):
            raise TypeError("provenance must be an object")
        names = set(described)
        unexpected = names - set(_TYPES)
        missing = {entry.name for entry in fields(cls)} - _ADDED_LATER - names
        if unexpected or missing:
            raise ValueError(f"provenance has the unknown entries {sorted(unexpected)} and lacks {sorted(missing)}")
        for name, value in described.items():
            if type(value) not in _TYPES[name]:
                raise ValueError(f"provenance: {name} is {type(value).__name__}")
        provenance = cls(**described)
        provenance._check_values()
        if provenance.data.startswith("Examples("):  # the first files held the repr of unnamed data here
            provenance = replace(provenance, data="", **_read_repr(provenance.data))
        return provenance

    def _check_values(self) -> None:
        """Refuse counts below 0, numbers that are not finite, and column names that are not distinct texts."""
        counts = (self.examples, self.epochs, self.steps, self.earlier_epochs, self.earlier_steps, self.n_in, self.seed or 0)
        if min(counts) < 0:
            raise ValueError("provenance: a count is below 0")
        if not np.isfinite([self.learning_rate or 0.0, self.alpha or 0.0]).all():
            raise ValueError("provenance: the learning rate and alpha must be finite")
        if self.distort is not None and not all(_is_setting(value) for value in self.distort.values()):
            raise ValueError("provenance: the settings of distort must be texts, finite numbers or null")
        if len(self.columns) > MAXIMUM_COLUMNS or any(type(name) is not str for name in self.columns):
            raise ValueError("provenance: columns must be at most a million texts")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("provenance: two columns have the same name")


_TYPES: dict[str, tuple[type, ...]] = {
    "plan": (dict,),
    "data": (str,),
    "examples": (int,),
    "epochs": (int,),
    "steps": (int,),
    "learning_rate": (float, type(None)),
    "schedule": (str,),
    "engine": (str,),
    "stopped": (str,),
    "columns": (list,),
    "earlier_epochs": (int,),
    "earlier_steps": (int,),
    "classes": (bool, type(None)),
    "target": (str,),
    "n_in": (int,),
    "kind": (str,),
    "initializer": (str,),
    "seed": (int, type(None)),
    "alpha": (float, type(None)),
    "distort": (dict, type(None)),
}
_ADDED_LATER = {
    *("classes", "earlier_epochs", "earlier_steps", "target"),
    *("n_in", "kind", "initializer", "seed", "alpha", "distort"),
}
"""The entries that older model files lack."""


def _is_setting(value: Any) -> bool:
    """Whether a value of a file is a text, a finite number or None."""
    return value is None or isinstance(value, str) or (type(value) in (int, float) and bool(np.isfinite(value)))


def _read_repr(text: str) -> dict[str, Any]:
    """Read the number of columns and the kind from the repr of an ``Examples``, such as ``"Examples(50 x 784 pixels)"``.

    Examples
    --------
    >>> _read_repr("Examples(150 x 4 float64, labels 0..2)"), _read_repr("Examples(2 x 784 pixels)")
    ({'n_in': 4, 'kind': 'dense'}, {'n_in': 784, 'kind': 'pixels'})
    """
    found = re.match(r"Examples\(\d+ x (\d{1,10})(?: (pixels|CSR))?", text)
    if found is None:
        return {}
    return {"n_in": int(found[1]), "kind": {"pixels": "pixels", "CSR": "csr"}.get(found[2] or "", "dense")}
