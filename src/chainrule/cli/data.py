"""Which data a command means: a name or a path on the command line, or what a model remembers of its training."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError, FileError, SettingError, UnknownName
from .columns import columns_to_keep, feature_names
from .settings import Kind, Task
from .telling import counted

if TYPE_CHECKING:
    from .._types import Indices
    from ..examples import Examples
    from ..plan import Provenance

NAMES = ("mnist", "digits")
SHARES = (0.7, 0.15)
"""Of a table's rows: to train on, to validate on; what is left tests."""

MOST_CLASSES = 1000


@dataclass(frozen=True)
class Source:
    """What some data is called: mnist, digits, or a path; and a table's target column, where it was named.

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
        """Read what ``str`` wrote; a path that holds a # of its own and exists is one."""
        if "#" not in text or os.path.exists(text):  # noqa: PTH110  # which does not raise for a name that no file can have
            return cls(text)
        name, _, target = text.rpartition("#")
        return cls(name, target)

    @classmethod
    def of(cls, provenance: Provenance | None) -> Source | None:
        """Tell what a network was trained on by this program; None if something else trained it."""
        if provenance is None or provenance.data.startswith("Examples("):
            return None
        return cls.parse(provenance.data)

    @property
    def kind(self) -> Kind:
        """Tell what this is, by its name or by what lies at its path.

        Raises
        ------
        UnknownName
            When it is neither.
        """
        if self.name == "mnist":
            return "mnist"
        if self.name == "digits":
            return "digits"
        path = Path(self.name)
        if os.path.isdir(path):  # noqa: PTH112  # nor does this
            return "images"
        if os.path.exists(path):  # noqa: PTH110
            return "table"
        if path.suffix or len(path.parts) > 1:
            raise FileError(f"no such file or folder: {self.name}")
        raise UnknownName("data", self.name, (*NAMES, "a folder of IDX files", "a table"))

    @property
    def model_path(self) -> Path:
        """Give the path where a model of this data goes by default."""
        stem = self.name if self.name in NAMES else Path(real_path(self.name)).name.split(".")[0]
        return Path(f"{stem or 'model'}.safetensors")


def real_path(name: str | Path) -> str:
    """Follow links as far as they lead; a circle of them, or a name that no file can have, is left as it is."""
    try:
        return os.path.realpath(name)
    except (OSError, ValueError):
        return str(name)


@dataclass(frozen=True)
class Parts:
    """Some data, loaded and split.

    Attributes
    ----------
    source : Source
    kind : str
    train, validation, test : Examples
    rows : array of int, shape (len(test),)
        Where the test examples stand in the data, from 0.
    note : str
        What was done to it, in a line.
    columns : tuple of str
        The names of a table's columns without the target's; empty where it has none.
    """

    source: Source
    kind: Kind
    train: Examples
    validation: Examples
    test: Examples
    rows: Indices
    note: str
    columns: tuple[str, ...] = ()

    @property
    def unscaled(self) -> bool:
        """Tell whether the columns may be of any size: they are neither pixels nor of our own data sets."""
        return self.kind not in NAMES and self.train.kind != "pixels"


def load(source: Source, seed: int) -> Parts:
    """Load data and split it into three; ``seed`` decides a table's split.

    Raises
    ------
    DataError, FileError, UnknownName
        When there is none, or it cannot be used.
    """
    from .. import datasets

    kind = source.kind
    if kind == "table":
        parts = split_table(source, load_table(source), seed)
        return replace(parts, columns=columns_to_keep(feature_names(source.name, source.target)))
    if source.target is not None:
        raise SettingError(f"--target names a table's column; {source.name} has its labels")
    found = {"mnist": datasets.mnist, "digits": datasets.digits}.get(kind, lambda: datasets.idx(source.name))()
    sizes = f"{counted(len(found.train), 'image')} to train on, {len(found.validation):,} to validate, {len(found.test):,} to test"
    rows = np.arange(len(found.test))
    return Parts(source, kind, found.train, found.validation, found.test, rows, f"{found.name}: {sizes}")


def load_table(source: Source) -> Examples:
    """Read a table, whole; labels -1 and 1 become 0 and 1."""
    from .. import datasets
    from ..examples import Examples

    table = datasets.table(source.name) if source.target is None else datasets.table(source.name, target=source.target)
    if table.y is None or table.y.ndim != 1 or set(np.unique(table.y)) != {-1, 1}:
        return table
    return Examples(table.x, (table.y > 0).astype(np.intp), weights=table.weights)


def split_table(source: Source, table: Examples, seed: int) -> Parts:
    """Deal a table's rows out to train, validate and test.

    Raises
    ------
    DataError
        When it has fewer than 10 rows.
    """
    from ..examples import Examples

    if len(table) < 10:
        raise DataError(
            f"{source.name} has {counted(len(table), 'row')}; splitting them to train, validate and test takes 10 or more"
        )
    numbered = Examples(np.arange(len(table), dtype=np.float64)[:, None])
    rows = [np.asarray(part.x)[:, 0].astype(np.intp) for part in numbered.split(*SHARES, seed=seed)]
    train, validation, test = (table[some] for some in rows)
    note = (
        f"{source.name}: {counted(len(train), 'row')} to train on, {len(validation):,} to validate, {len(test):,} to test "
        f"(seed {seed}), {counted(table.n_in, 'column')}"
    )
    return Parts(source, "table", train, validation, test, rows[2], note)


def task_of(examples: Examples) -> Task:
    """Tell whether y holds classes or values.

    Classes are rows of one 1 among 0s, or whole numbers from 0 that come again and again: at most 20 of them, each twice or more on
    average, or more if each comes 20 times.

    Examples
    --------
    >>> from chainrule import Examples
    >>> x = np.ones((100, 1))
    >>> task_of(Examples(x, np.arange(100) % 3)), task_of(Examples(x, np.arange(100.0)))
    ('classes', 'values')
    """
    y = examples.y
    if y is None:
        raise DataError("the data has no y to learn from")
    if y.ndim == 2:
        return "classes" if y.shape[1] > 1 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all() else "values"
    if y.dtype.kind == "f" and (y != np.floor(y)).any():
        return "values"
    distinct = len(np.unique(y))
    often = len(y) >= distinct * (2 if distinct <= 20 else 20)
    return "classes" if often and y.min() >= 0 and y.max() < MOST_CLASSES else "values"


def outputs_for(parts: Parts, task: Task) -> int:
    """Count the outputs that a network for this data needs: one a class, two or more, or one a value.

    Raises
    ------
    DataError
        When the labels go so high that they can hardly number classes.
    """
    ys = [part.y for part in (parts.train, parts.validation, parts.test) if part.y is not None]
    if ys[0].ndim == 2:
        return int(ys[0].shape[1])
    if task == "values":
        return 1
    most = max(float(y.max()) for y in ys)
    if most >= MOST_CLASSES:
        raise DataError(f"labels number the classes 0, 1, 2 ... up to {MOST_CLASSES - 1}; {parts.source.name} holds {most:g}")
    return max(2, 1 + int(most))
