"""The data of a command: named on the command line or remembered by a model; loaded, and split into three."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._format import pluralize
from ..datasets.svmlight_file import read_svmlight
from ..datasets.table import is_svmlight
from ..errors import DataError, FileError, SettingError, UnknownName
from .settings import BUILT_IN_DATA, PLANE_DATA, Kind
from .task import is_classifier, signs_to_classes

if TYPE_CHECKING:
    from .._types import Indices
    from ..datasets.dataset import Dataset
    from ..examples import Examples
    from ..input_spec import InputSpec
    from ..network import Network
    from ..plan import Provenance

SPLIT_FRACTIONS = (0.7, 0.15)
"""Of a table's rows: for training, for validation; the rest is for the test."""

MIN_ROWS = 10
"""The fewest rows that can be split into three."""


@dataclass(frozen=True)
class Source:
    """The name of some data: mnist, digits, a set of points in the plane, or a path; and a table's target column, if named.

    Examples
    --------
    >>> str(Source("wine.csv", "quality")), Source.parse("wine.csv#quality")
    ('wine.csv#quality', Source(name='wine.csv', target='quality'))
    """

    name: str
    target: str | None = None

    def __str__(self) -> str:
        return self.name if self.target is None else f"{self.name}#{self.target}"

    @classmethod
    def parse(cls, text: str) -> Source:
        """Invert ``str``; an existing path that contains a # is a path without a target."""
        if "#" not in text or os.path.exists(text):  # noqa: PTH110  # Path.exists raises for a name that no file can have
            return cls(text)
        name, _, target = text.rpartition("#")
        return cls(name, target)

    @classmethod
    def of(cls, provenance: Provenance | None) -> Source | None:
        """Give the source of a network's training data; None where the data had no name."""
        return cls.parse(provenance.data) if provenance is not None and provenance.data else None

    @property
    def kind(self) -> Kind:
        """The kind of the data, by its name or by the file at its path.

        Raises
        ------
        FileError, UnknownName
            When it is neither a known name nor an existing path.
        """
        if self.name == "mnist":
            return "mnist"
        if self.name == "digits":
            return "digits"
        if self.name in PLANE_DATA:
            return "plane"
        path = Path(self.name)
        if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises for a name that no file can have
            return "images"
        if os.path.exists(path):  # noqa: PTH110
            return "table"
        if "://" in self.name or glob.has_magic(self.name):
            raise FileError(f"{self.name} names rows of files, which train alone reads as a whole; name one of the files")
        if path.suffix or len(path.parts) > 1:
            raise FileError(f"no such file or folder: {self.name}")
        raise UnknownName("data", self.name, (*BUILT_IN_DATA, "a folder of IDX files", "a table"))

    @property
    def model_path(self) -> Path:
        """The default path of a model of this data, in the working folder."""
        stem = self.name if self.name in BUILT_IN_DATA else Path(resolve_path(self.name)).name.split(".")[0]
        return Path(f"{stem or 'model'}.safetensors")


def resolve_path(name: str | Path) -> str:
    """Follow symbolic links; return a circle of links, and a name that no file can have, unchanged."""
    try:
        return os.path.realpath(name)
    except (OSError, ValueError):
        return str(name)


@dataclass(frozen=True)
class SplitData:
    """Some data, loaded and split.

    Attributes
    ----------
    source : Source
    kind : str
    train, validation, test : Examples
    test_rows : array of int, shape (len(test),)
        The positions of the test examples in the data, from 0.
    note : str
        The sizes of the parts, in a line for people.
    first_column : {0, 1} or None
        The number of an svmlight file's first column; None of other data.
    all_rows : bool
        Whether each of the three parts is the whole of a table.
    """

    source: Source
    kind: Kind
    train: Examples
    validation: Examples
    test: Examples
    test_rows: Indices
    note: str
    first_column: int | None = None
    all_rows: bool = False

    @property
    def unscaled(self) -> bool:
        """Whether the columns may be of any size: they are neither pixels nor of a built-in data set, nor taken as they are."""
        return self.kind in ("images", "table") and not self.all_rows and self.train.kind != "pixels"

    def input_spec(self) -> InputSpec:
        """Describe the inputs of a network trained on this; a table of numbers is never described as images."""
        from ..input_spec import InputSpec

        spec = InputSpec.of(self.train)
        if self.kind == "table" and spec.kind != "pixels":
            spec = InputSpec(spec.kind, (self.train.n_in,), spec.low, spec.high)
        return replace(spec, first_column=self.first_column)


def load_split(source: Source, seed: int, *, transposed: bool | None = None, all_rows: bool = False) -> SplitData:
    """Load data, split into training, validation and test.

    Parameters
    ----------
    source : Source
    seed : int
        Decides the split of a table; other data come split.
    transposed : bool, optional
        Whether a folder's images are stored column by column; inferred from the files' names by default.
    all_rows : bool
        Whether a table is not split: all its rows are trained on, and validated and tested on too.

    Raises
    ------
    DataError, FileError, UnknownName
        When the data cannot be found or used.
    SettingError
        When an option does not apply to this kind of data.
    """
    kind = source.kind
    if transposed is not None and kind != "images":
        raise SettingError(f"--transpose is for a folder of IDX files; {source.name} is not one")
    if all_rows and kind != "table":
        raise SettingError(f"--all-rows is for a table; {source.name} comes split into training, validation and test")
    if kind == "table":
        return _load_all_rows(source) if all_rows else _load_split_table(source, seed)
    if source.target is not None:
        raise SettingError(f"--target names a table's column; {source.name} has its labels")
    dataset = _load_data_set(source, kind, transposed)
    example = "point" if kind == "plane" else "image"
    train, validation, test = dataset.train, dataset.validation, dataset.test
    sizes = f"{pluralize(len(train), example)} to train on, {len(validation):,} to validate, {len(test):,} to test"
    return SplitData(source, kind, train, validation, test, np.arange(len(test)), f"{dataset.name}: {sizes}")


def _load_data_set(source: Source, kind: Kind, transposed: bool | None) -> Dataset:
    """Load data that comes split."""
    from .. import datasets
    from ..datasets.plane_sets import PLANE_SETS

    if kind == "mnist":
        return datasets.mnist()
    if kind == "digits":
        return datasets.digits()
    if kind == "plane":
        return PLANE_SETS[source.name]()
    return datasets.idx(source.name, transposed=transposed)


def _load_split_table(source: Source, seed: int) -> SplitData:
    table, first_column = load_table(source)
    return replace(split_table(source, table, seed), first_column=first_column)


def _load_all_rows(source: Source) -> SplitData:
    """Read a table whose rows are all trained on, in columns as they are: the network's test is on the same rows."""
    table, first_column = load_table(source)
    note = f"{source.name}: {pluralize(len(table), 'row')} to train on, and the same to validate and to test"
    return SplitData(source, "table", table, table, table, np.arange(len(table)), note, first_column, all_rows=True)


def load_table(source: Source, network: Network | None = None) -> tuple[Examples, int | None]:
    """Read a whole table of arrays, .npz or .svmlight.

    Parameters
    ----------
    source : Source
    network : Network, optional
        The network that is to read the table: then pixels, svmlight's columns, and labels -1 and 1 are read as in its training.

    Returns
    -------
    examples : Examples
    first_column : {0, 1} or None
        The number of an svmlight file's first column; None of other tables.
    """
    path = Path(source.name)
    first_column = None
    if network is None and is_svmlight(path):
        table, first_column = read_svmlight(path)
    elif network is not None and is_svmlight(path):
        table = read_svmlight_for(network, path)
    else:
        table = _read_npz(source, network)
    if network is not None and is_classifier(network):
        table = signs_to_classes(table)
    return table, first_column


def _read_npz(source: Source, network: Network | None) -> Examples:
    from .. import datasets

    target = {} if source.target is None else {"target": source.target}
    pixels = None if network is None or network.inputs is None else True
    return datasets.table(source.name, **target, pixels=pixels)  # type: ignore[arg-type]


def read_svmlight_for(network: Network, path: Path) -> Examples:
    """Read an svmlight file for a network: a column of the network that no row names is 0.

    Raises
    ------
    DataError
        When the file names a column that the network does not have.
    """
    from .. import datasets

    first_column = None if network.inputs is None else network.inputs.first_column
    return datasets.table(path, n_features=network.sizes[0], first_column=first_column)  # type: ignore[arg-type]


def split_table(source: Source, table: Examples, seed: int) -> SplitData:
    """Split a table's rows at random into training, validation and test.

    Raises
    ------
    DataError
        When it has fewer than 10 rows.
    """
    from ..examples import Examples

    if len(table) < MIN_ROWS:
        raise DataError(
            f"{source.name} has {pluralize(len(table), 'row')}; splitting them to train, validate and test takes {MIN_ROWS} or more"
        )
    row_numbers = Examples(np.arange(len(table), dtype=np.float64)[:, None])
    split = row_numbers.split(*SPLIT_FRACTIONS, seed=seed)
    rows = [np.asarray(part.x)[:, 0].astype(np.intp) for part in split]
    train, validation, test = (table[part] for part in rows)
    note = (
        f"{source.name}: {pluralize(len(train), 'row')} to train on, {len(validation):,} to validate, {len(test):,} to test "
        f"(seed {seed}), {pluralize(table.n_in, 'column')}"
    )
    return SplitData(source, "table", train, validation, test, rows[2], note)
