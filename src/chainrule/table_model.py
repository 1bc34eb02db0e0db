"""A model of a table: the preprocessing of its columns, the networks whose outputs are averaged, and the target.

Its file holds all three: each network as a file of its own would describe it, under tensors ``networks.0.weights.0`` ..., the
preprocessing's vocabularies in the description, and its numbers as tensors ``preprocessing.*``.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from . import model_file
from ._types import AnyArray, Array
from .examples import Examples
from .network import Network, network_as_model, network_from_model
from .plan import MAXIMUM_COLUMNS
from .tables.preprocessing import Preprocessing
from .tables.table import Table
from .tables.target import ClassTarget, Target, parse_target
from .tables.writing import Writing, compare_writings
from .tensor_file import TensorFile, write_tensors

TABLE_VERSION = 2
"""The format version of a file that holds a model of a table."""

MAXIMUM_NETWORKS = 1000

FEW_ROWS = 16
"""Up to this number of rows a network reads an array in place, without the checks that ``Examples`` makes."""

WIDEST_DENSE = 4096
"""The most features that are written densely for a prediction, whatever the training's form: it is the faster form of a few rows.

The form depends on nothing but the model, since a row's outputs have other bits in the other form.
"""


@dataclass(frozen=True)
class TableTraining:
    """How a model of a table was trained.

    Attributes
    ----------
    data : str
        The name of the data; empty where it has none.
    reading : dict
        The options with which the file was read, where they were given.
    written : dict
        How the texts of columns of numbers and dates were written, by the columns' names, as ``Writing`` of JSON's types.
    columns : list of str
        The columns that were given, without the target's, in their order; some may be left out by the preprocessing.
    named : bool
        Whether the columns have names; otherwise they are "0", "1", ... by their position.
    rows : int
        The number of rows trained on.
    target_digest : str
        The SHA-256 of the target of all rows of the file, which recognizes the file; empty where no rows were kept for the test.
    seed : int or None
        Of the initial parameters, the folds and the orders; of the test rows too.
    settings : dict
        The settings of the recipe.
    epochs : list of int
        The epoch of each network whose parameters were kept.
    validation_costs : list of float
        The cost of each network on the rows of its fold, at that epoch.
    stopped : str
        Why it ended: finished, interrupted, time limit, or diverged (one of the networks).
    """

    data: str = ""
    reading: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Any] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    named: bool = True
    rows: int = 0
    target_digest: str = ""
    seed: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)
    validation_costs: list[float] = field(default_factory=list)
    stopped: str = "finished"

    @classmethod
    def parse(cls, described: Any) -> TableTraining:
        """Read a file's entries strictly; any mistake raises ValueError, TypeError or KeyError."""
        names = {entry.name for entry in fields(cls)}
        if set(described) != names:
            raise ValueError(f"training has the entries {sorted(described)}, but must have {sorted(names)}")
        for name, types in _TYPES.items():
            if type(described[name]) not in types:
                raise TypeError(f"training: {name} is {type(described[name]).__name__}")
        training = cls(**described)
        if training.rows < 0 or (training.seed or 0) < 0:
            raise ValueError("training: rows and the seed must be at least 0")
        if len(training.columns) > MAXIMUM_COLUMNS or any(type(name) is not str for name in training.columns):
            raise ValueError("training: columns must be at most a million texts")
        if any(type(epoch) is not int for epoch in training.epochs) or any(type(c) is not float for c in training.validation_costs):
            raise TypeError("training: epochs must be whole numbers, and validation costs floats")
        training.writings  # noqa: B018  # raises where an entry is not valid
        return training

    @cached_property
    def writings(self) -> dict[str, Writing]:
        """How the texts of each column were written."""
        return {name: Writing.parse(entry) for name, entry in self.written.items()}


_TYPES: dict[str, tuple[type, ...]] = {
    "data": (str,),
    "reading": (dict,),
    "written": (dict,),
    "columns": (list,),
    "named": (bool,),
    "target_digest": (str,),
    "rows": (int,),
    "seed": (int, type(None)),
    "settings": (dict,),
    "epochs": (list,),
    "validation_costs": (list,),
    "stopped": (str,),
}


@dataclass(frozen=True)
class TableModel:
    """A fitted model of a table.

    Attributes
    ----------
    preprocessing : Preprocessing
    target : ClassTarget or ValueTarget
    networks : tuple of Network
        Each takes the prepared columns; their outputs are averaged.
    training : TableTraining
    """

    preprocessing: Preprocessing
    target: Target
    networks: tuple[Network, ...]
    training: TableTraining = TableTraining()

    @property
    def is_classifier(self) -> bool:
        """Whether the target is a class."""
        return isinstance(self.target, ClassTarget)

    def outputs(self, table: Table) -> Array:
        """Give the mean of the networks' outputs for each row: float64 (n, n_out).

        Of classes they are probabilities, in the order of ``target.classes``: the outputs are divided by their sum. Of values they
        are standardized values, (n, 1).

        Raises
        ------
        DataError
            When a column of the training is missing, its values are not of its kind, or its numbers have another unit.
        """
        self.compare_writings(table)
        sparse = self.preprocessing.sparse and self.preprocessing.n_features > WIDEST_DENSE
        blocks = [self.outputs_of_prepared(x) for x in self.preprocessing.apply_in_blocks(table, sparse=sparse)]
        return np.concatenate([np.empty((0, self.networks[0].sizes[-1])), *blocks])

    def compare_writings(self, table: Table) -> list[str]:
        """Say where a table's texts are written otherwise than in training; ``compare_writings`` of ``writing`` refuses some."""
        learnt = self.training.writings
        return list(compare_writings(learnt, table)) if learnt else []

    def outputs_of_prepared(self, x: Any) -> Array:
        """Give the outputs for rows that the preprocessing has prepared."""
        if x.shape[0] > FEW_ROWS:
            x = Examples(x)  # checked once for all networks
        total = self.networks[0].feedforward(x).astype(np.float64)
        for network in self.networks[1:]:
            total += network.feedforward(x)
        if self.is_classifier:  # float32's rounding too would leave a sum that is not 1
            return total / total.sum(axis=1, keepdims=True)
        return total / len(self.networks)

    def predict(self, table: Table) -> AnyArray:
        """Give each row's class, or its value in the target's unit: (n,)."""
        return self.decode(self.outputs(table))

    def decode(self, outputs: Array) -> AnyArray:
        """Turn outputs into classes or values."""
        if isinstance(self.target, ClassTarget):
            return self.target.decode(outputs.argmax(axis=1))
        return self.target.decode(outputs[:, 0])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file; a failure leaves no partial file.

        Raises
        ------
        FileError
            When it cannot be written.
        SettingError
            When a network's parameters are not finite.
        """
        models = [network_as_model(network) for network in self.networks]
        tensors: dict[str, AnyArray] = {}
        for k, model in enumerate(models):
            tensors.update(model_file.tensors_of(model, _prefix(k)))
        tensors.update({f"preprocessing.{name}": array for name, array in self.preprocessing.tensors().items()})
        description = {
            "networks": [model_file.describe_model(model) for model in models],
            "preprocessing": self.preprocessing.to_json(),
            "target": self.target.to_json(),
            "training": asdict(self.training),
        }
        write_tensors(path, TABLE_VERSION, description, tensors)


def read_table_model(file: TensorFile) -> TableModel:
    """Read a table's model from an open file; every entry is validated.

    Raises
    ------
    ModelFileError
        When an entry is not valid.
    """
    with file.refuse_damage():
        described: Any = file.description
        if type(described) is not dict or set(described) != {"networks", "preprocessing", "target", "training"}:
            raise ValueError("it must describe networks, preprocessing, target and training")
        networks = described["networks"]
        if type(networks) is not list or not 1 <= len(networks) <= MAXIMUM_NETWORKS:
            raise ValueError(f"it must describe 1 to {MAXIMUM_NETWORKS} networks")
        models = [model_file.parse_model(network) for network in networks]
        shapes: dict[str, tuple[tuple[int, ...], str]] = {}
        for k, model in enumerate(models):
            shapes.update(model_file.shapes_of(model, _prefix(k)))
        own_shapes = Preprocessing.tensor_shapes(described["preprocessing"])
        shapes.update({f"preprocessing.{name}": shape for name, shape in own_shapes.items()})
        target = parse_target(described["target"])
        training = TableTraining.parse(described["training"])
    arrays = file.read(shapes)
    models = [model_file.with_tensors(model, arrays, file, _prefix(k)) for k, model in enumerate(models)]
    with file.refuse_damage():
        preprocessing = Preprocessing.parse(
            described["preprocessing"], {name: arrays[f"preprocessing.{name}"] for name in own_shapes}
        )
        _check_sizes(preprocessing, target, models)
    return TableModel(preprocessing, target, tuple(map(network_from_model, models)), training)


def _check_sizes(preprocessing: Preprocessing, target: Target, models: list[model_file.Model]) -> None:
    """Refuse networks that do not take the prepared columns, or do not give an output for each class."""
    n_in = preprocessing.n_features
    n_out = len(target.classes) if isinstance(target, ClassTarget) else 1
    for model in models:
        if (model.layers[0].n_in, model.layers[-1].n_out) != (n_in, n_out):
            raise ValueError(f"each network must take {n_in} prepared columns and give {n_out} outputs")


def _prefix(network: int) -> str:
    return f"networks.{network}."
