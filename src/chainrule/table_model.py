"""A model of a table: the preprocessing of its columns, the networks whose outputs are averaged, and the target.

Its file holds all three: each network as a file of its own would describe it, under tensors ``networks.0.weights.0`` ..., the
preprocessing's vocabularies in the description, and its numbers as tensors ``preprocessing.*``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from . import model_file
from ._types import AnyArray, Array
from .engines import SMALL_BATCH, Threads, thread_count
from .errors import DataError
from .examples import Examples
from .network import Network, network_as_model, network_from_model
from .plan import MAXIMUM_COLUMNS
from .tables.column_choice import are_positions
from .tables.column_kinds import row_name
from .tables.preprocessing import Preprocessing
from .tables.read import VALUE_OPTIONS, read_by_rules, read_names, rules_of_file
from .tables.table import Table
from .tables.target import ClassTarget, Target, parse_target
from .tables.text_rules import TextRules
from .tables.writing import Learnt, Writing, compare_writings
from .tensor_file import TensorFile, write_tensors

TABLE_VERSION = 2
"""The format version of a file that holds a model of a table."""

MAXIMUM_NETWORKS = 1000

ROWS_OF_A_THREAD = 1 << 13
"""A thread prepares so many rows, and computes the outputs for them, before it takes the next: the cores share both works."""

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

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        delimiter: str | None = None,
        decimal: str | None = None,
        encoding: str | None = None,
        missing: str | Iterable[str] | None = None,
        header: bool | None = None,
        day_first: bool | None = None,
        units: Mapping[str, str] | None = None,
        allow_infinite: bool | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Table:
        """Read the columns of the model from a file, each as the kind that it had in training; other columns may hold anything.

        Parameters
        ----------
        path : str or Path
        delimiter, encoding, header, progress
            As of ``read_table``.
        decimal, missing, day_first, units, allow_infinite
            As of ``read_table``; by default as in the training.

        Raises
        ------
        FileError, DataError, SettingError
            As ``read_table`` raises them.
        """
        source, kinds = Path(path), self.preprocessing.input_kinds
        division: dict[str, Any] = {"delimiter": delimiter, "encoding": encoding, "header": header}
        rules = self._rules(decimal=decimal, missing=missing, day_first=day_first, units=units, allow_infinite=allow_infinite)
        if not self.training.named:
            self.check_positions(source, read_names(source, rules=rules, **division))
        return read_by_rules(source, rules, kinds=kinds, columns=list(kinds), progress=progress, **division)

    def _rules(self, **given: Any) -> TextRules:
        """Give the rules by which a later file is read: the options given, those of the training, and what its values told."""
        learnt = {name: value for name, value in self.training.reading.items() if name in VALUE_OPTIONS and name != "kinds"}
        options = learnt | {name: value for name, value in given.items() if value is not None}
        return rules_of_file(**options).for_model(self.learnt())

    @cached_property
    def frame_rules(self) -> TextRules:
        """The rules by which the texts of a frame are read, as those of a later file are."""
        return replace(self._rules(), from_file=False, place_of=row_name)

    def learnt(self, target: str | None = None) -> Learnt:
        """Give what the training tells of a later file; ``target`` names the target's column in that file."""
        names = tuple(self.preprocessing.input_kinds)
        if not self.training.named:
            names = tuple(str(k) for k in range(len(self.training.columns) + self.target.name.isdigit()))
        written = dict(self.training.writings)
        if target is not None and self.target.name in written:
            written[target] = written[self.target.name]
        return Learnt(names, written, by_position=not self.training.named)

    def check_positions(self, path: Path, names: list[str]) -> None:
        """Refuse columns whose positions are not those of the training: another number of them, or a column's name in their place.

        A target at the end may be left out.

        Parameters
        ----------
        path : Path
        names : list of str
            Of the file's columns.

        Raises
        ------
        DataError
            With the number that is expected.
        """
        has_target = self.target.name.isdigit()  # else an array was learnt from, and the target stood apart
        expected = len(self.training.columns) + has_target
        if not are_positions(names) and not set(self.preprocessing.input_kinds) <= set(names):
            raise DataError(
                f"{path} names its columns, but the model knows them by their position, because it learnt from a file without a "
                "header; write the rows as a text file without one, or train anew on a file with names"
            )
        can_lack_target = self.target.name == str(expected - 1) and len(names) == expected - 1
        if are_positions(names) and len(names) != expected and not can_lack_target:
            included = ", the target's included" if has_target else ""
            remedy = f": column {self.target.name} (from 0) may be empty" if has_target else ""
            raise DataError(
                f"{path} has {len(names)} columns, but the model learnt from a file without a header and with "
                f"{expected} columns{included}; give all of them in their order{remedy}"
            )

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
        starts = range(0, len(table), ROWS_OF_A_THREAD)
        count = min(thread_count("auto"), len(starts))
        if count > 1:
            parts = [table.take(slice(start, start + ROWS_OF_A_THREAD)) for start in starts]
            blocks = _in_threads(lambda part: np.concatenate([*self._outputs_in_blocks(part, 1)]), parts, count)
        else:
            blocks = [*self._outputs_in_blocks(table, "auto")]
        return np.concatenate([np.empty((0, self.networks[0].sizes[-1])), *blocks])

    def _outputs_in_blocks(self, table: Table, threads: Threads) -> Iterator[Array]:
        """Prepare some rows at a time, and give the outputs for them while their features are in the cache."""
        sparse = self.preprocessing.sparse and self.preprocessing.n_features > WIDEST_DENSE
        for x in self.preprocessing.apply_in_blocks(table, sparse=sparse):
            yield self.outputs_of_prepared(x, threads)

    def compare_writings(self, table: Table) -> list[str]:
        """Say where a table's texts are written otherwise than in training; ``compare_writings`` of ``writing`` refuses some."""
        names = {*self.preprocessing.input_kinds, self.target.name}
        return list(compare_writings(self.training.writings, (column for column in table if column.name in names)))

    def outputs_of_prepared(self, x: Any, threads: Threads = "auto") -> Array:
        """Give the outputs for rows that the preprocessing has prepared."""
        if x.shape[0] > SMALL_BATCH:
            x = Examples(x)  # checked once for all networks
        total = self.networks[0].feedforward(x, threads=threads).astype(np.float64)
        for network in self.networks[1:]:
            total += network.feedforward(x, threads=threads)
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


def _in_threads(function: Callable[[Table], Array], parts: list[Table], count: int) -> list[Array]:
    """Call a function of each part in a pool of threads; an error in one of them, or Ctrl-C, leaves out those not begun."""
    with ThreadPoolExecutor(count) as pool:
        try:
            return list(pool.map(function, parts))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _prefix(network: int) -> str:
    return f"networks.{network}."
