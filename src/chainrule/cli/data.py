"""Which data a command means: a name or a path on the command line, or what a model remembers of its training."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._arrays import names_to_keep
from .._format import counted
from ..errors import DataError, FileError, SettingError, UnknownName
from .columns import feature_names
from .settings import Kind, Task

if TYPE_CHECKING:
    from .._types import Indices
    from ..examples import Examples
    from ..input_spec import InputSpec
    from ..network import Network
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
        """Give the source of a network's training data; None where the data had no name."""
        return cls.parse(provenance.data) if provenance is not None and provenance.data else None

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
    target : str
        The name of a table's target; empty where it has none.
    first_column : {0, 1} or None
        The number of an svmlight file's first column; None of other data.
    """

    source: Source
    kind: Kind
    train: Examples
    validation: Examples
    test: Examples
    rows: Indices
    note: str
    columns: tuple[str, ...] = ()
    target: str = ""
    first_column: int | None = None

    @property
    def unscaled(self) -> bool:
        """Tell whether the columns may be of any size: they are neither pixels nor of our own data sets."""
        return self.kind not in NAMES and self.train.kind != "pixels"

    def inputs(self) -> InputSpec:
        """Measure what a network learns to read that is trained on this; numbers in a table are no images."""
        from ..input_spec import InputSpec

        spec = InputSpec.of(self.train)
        if self.kind == "table" and spec.kind != "pixels":
            spec = InputSpec(spec.kind, (self.train.n_in,), spec.low, spec.high)
        return replace(spec, first_column=self.first_column)


def load(source: Source, seed: int, *, transposed: bool | None = None) -> Parts:
    """Load data and split it into three; ``seed`` decides a table's split, ``transposed`` how a folder's images are stored.

    Raises
    ------
    DataError, FileError, UnknownName
        When there is none, or it cannot be used.
    """
    from .. import datasets

    kind = source.kind
    if transposed is not None and kind != "images":
        raise SettingError(f"--transpose is for a folder of IDX files; {source.name} is none")
    if kind == "table":
        table, first_column = load_table(source)
        columns, target = feature_names(source.name, source.target)
        known = {"columns": names_to_keep(columns), "target": target, "first_column": first_column}
        return replace(split_table(source, table, seed), **known)  # type: ignore[arg-type]
    if source.target is not None:
        raise SettingError(f"--target names a table's column; {source.name} has its labels")
    found = {"mnist": datasets.mnist, "digits": datasets.digits}.get(
        kind, lambda: datasets.idx(source.name, transposed=transposed)
    )()
    sizes = f"{counted(len(found.train), 'image')} to train on, {len(found.validation):,} to validate, {len(found.test):,} to test"
    rows = np.arange(len(found.test))
    return Parts(source, kind, found.train, found.validation, found.test, rows, f"{found.name}: {sizes}")


SVMLIGHT = (".svmlight", ".libsvm")


def load_table(source: Source, network: Network | None = None) -> tuple[Examples, int | None]:
    """Read a table, whole, for a network where one is given; labels -1 and 1 become 0 and 1 where it has learnt classes.

    Returns
    -------
    examples : Examples
    first_column : {0, 1} or None
        The number of an svmlight file's first column; None of other tables.
    """
    from .. import datasets
    from ..datasets.svmlight_file import read_svmlight

    first_column = None
    if Path(source.name).suffix.lower() not in SVMLIGHT:
        target = {} if source.target is None else {"target": source.target}
        pixels = None if network is None or network.inputs is None else True  # and read as it learnt to read them
        table = datasets.table(source.name, **target, pixels=pixels)  # type: ignore[arg-type]
    elif network is None:
        table, first_column = read_svmlight(Path(source.name))
    else:
        table = svmlight_for(network, Path(source.name))
    if network is not None and learnt_classes(network):
        table = from_0(table)
    return table, first_column


def are_signs(examples: Examples) -> bool:
    """Tell labels -1 and 1, or -1 alone."""
    y = examples.y
    return y is not None and y.ndim == 1 and -1 in y and set(np.unique(y)) <= {-1, 1}


def from_0(examples: Examples) -> Examples:
    """Bring labels -1 and 1 to 0 and 1; leave others as they are."""
    from ..examples import Examples

    if not are_signs(examples):
        return examples
    y = (np.asarray(examples.y) > 0).astype(np.intp)
    return Examples(examples.x, y, weights=examples.weights, pixels=True, layout=examples.layout)


def learnt_classes(network: Network) -> bool:
    """Tell whether a network learnt classes: as its file says it, else as its output has it."""
    if network.provenance is not None and network.provenance.classes is not None:
        return network.provenance.classes
    return network.sizes[-1] > 1 or network.plan.sigmas[-1].name == "sigmoid"


def svmlight_for(network: Network, path: Path) -> Examples:
    """Read an svmlight file for a network: the columns that no row names are 0.

    Raises
    ------
    DataError
        When it names a column that the network does not have.
    """
    from .. import datasets

    first_column = None if network.inputs is None else network.inputs.first_column
    return datasets.table(path, n_features=network.sizes[0], first_column=first_column)  # type: ignore[arg-type]


def said_of(spec: InputSpec) -> str:
    """Say what a network learnt to read.

    Examples
    --------
    >>> from chainrule.input_spec import InputSpec
    >>> said_of(InputSpec("pixels", (28, 28), 0.0, 1.0, mnist_form=True)), said_of(InputSpec("csr", (500,)))
    ("images of 28 x 28 pixels in MNIST's form", 'rows of 500 numbers, most of them 0 (CSR)')
    """
    if spec.is_image:
        what = "pixels" if spec.kind == "pixels" else "numbers"
        form = " in MNIST's form" * spec.mnist_form + ", stored column by column" * spec.transposed
        return f"images of {spec.shape[0]} x {spec.shape[1]} {what}{form}"
    rows = f"rows of {counted(spec.shape[0], 'pixel' if spec.kind == 'pixels' else 'number')}"
    counted_from = "" if spec.first_column is None else f", columns counted from {spec.first_column}"
    return rows + ", most of them 0 (CSR)" * (spec.kind == "csr") + counted_from


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
    if are_signs(examples) and 1 in y:
        return "classes"
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
