"""Rows of many files, one table of numbers that may be larger than memory."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import numpy as np

from .._checks import check_int
from .._format import pluralize
from .._types import AnyArray
from ..errors import ArgumentTypeError, DataError, FileError, SettingError
from .column_statistics import ColumnStatistics, merge
from .csv_row_file import CsvRowFile
from .npz_row_file import NpzRowFile
from .parquet_row_file import ParquetRowFile
from .row_file import RowFile, shown

WINDOW_BYTES = 64 << 20

FORMATS: dict[str, type[RowFile]] = {
    ".parquet": ParquetRowFile,
    ".pq": ParquetRowFile,
    ".csv": CsvRowFile,
    ".npz": NpzRowFile,
}
"""The reader of each ending of a file's name."""

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class OwnForm(Protocol):
    """How a source gives its rows where these are not columns of numbers, each an input.

    Attributes
    ----------
    row_bytes : int
        The bytes of a row in a window.
    """

    row_bytes: int

    def extremes(self) -> tuple[Any, AnyArray]:
        """Give inputs and targets of a few rows that stand for all: the least and the greatest numbers."""
        ...

    def gather(self, pieces: Sequence[tuple[int, int, int]], before: Any) -> tuple[Any, AnyArray]:
        """Give the inputs and the targets of pieces, each a row group and the limits of its rows, behind those of ``before``."""
        ...


class RowSource:
    """Rows of files, which a training reads a window at a time; ``chainrule.rows`` makes it.

    Parameters
    ----------
    paths, target, standardize, window_bytes
        As ``chainrule.rows`` has them.

    Attributes
    ----------
    files : list of RowFile
        In the order of their names.
    columns : tuple of str
        The names of the inputs; empty for npz files, which have none.
    n_in : int
    target : str
    standardize : bool
    window_bytes : int
    group_rows : list of int
        The rows of each row group, of all files one after another.
    """

    def __init__(self, paths: Paths, *, target: str, standardize: bool = False, window_bytes: int = WINDOW_BYTES) -> None:
        if not isinstance(target, str):
            raise ArgumentTypeError(f"target must be the name of a column; it is {target!r}")
        if not isinstance(standardize, bool):
            raise ArgumentTypeError(f"standardize must be True or False; it is {standardize!r}")
        self.target = target
        self.standardize = standardize
        self.window_bytes = check_int("window_bytes", window_bytes, least=1)
        self.files = [_open(path, target) for path in find_files(paths)]
        self.columns, self.n_in = self.files[0].names, self.files[0].n_in
        for file in self.files[1:]:
            _check_same_columns(self.files[0], file)
        self._groups = [(file, k) for file in self.files for k, rows in enumerate(file.group_rows) if rows]
        self.group_rows = [file.group_rows[k] for file, k in self._groups]
        if not self._groups:
            raise DataError(f"{self.files[0].path}{' and the others' * (len(self.files) > 1)}: no rows")

    def __len__(self) -> int:
        return sum(self.group_rows)

    @property
    def own_form(self) -> OwnForm | None:
        """How the rows are given where they are not columns of numbers; None where they are."""
        return None

    def read_group(self, group: int) -> Iterator[AnyArray]:
        """Read a row group: each input column, then the target; each (n,), of finite numbers."""
        file, k = self._groups[group]
        return file.columns(k)

    def place(self, group: int) -> str:
        """Name the file of a row group, and its number there."""
        file, k = self._groups[group]
        return f"{file.path}, row group {k} (from 0)"

    @property
    def statistics(self) -> ColumnStatistics:
        """What the pass over all rows measures of each input column, and of the target, which is the last."""
        return self._measured[0]

    @property
    def digest(self) -> str:
        """A digest of all numbers, of the columns' names and types, and of the row groups."""
        return self._measured[1]

    @cached_property
    def _measured(self) -> tuple[ColumnStatistics, str]:
        """Read all rows in one pass, whatever is measured of them."""
        measured: ColumnStatistics | None = None
        checksums = []
        for group in range(len(self._groups)):
            columns = list(self.read_group(group))
            part = ColumnStatistics.of(columns)
            measured = part if measured is None else merge(measured, part)
            checksums.append([crc32(column.view(np.uint8).data) for column in columns])
        assert measured is not None  # noqa: S101  # there is a row group
        return measured, self._digest_of(checksums)

    def _digest_of(self, checksums: list[list[int]]) -> str:
        """Give a digest of the checksums of the row groups' columns, as hexadecimal digits."""
        import hashlib  # imported late: it loads OpenSSL

        described = [self.columns, self.target, list(self.files[0].types.items()), self.group_rows, checksums]
        return hashlib.blake2b(json.dumps(described).encode(), digest_size=16).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Describe in JSON's types what decides, beside the rows, how a training reads them."""
        return {"standardize": self.standardize, "window_bytes": self.window_bytes}

    def __repr__(self) -> str:
        scaled = ", standardized" if self.standardize else ""
        return (
            f"RowSource({len(self):,} rows x {self.n_in} of {pluralize(len(self.files), 'file')}, target {self.target!r}{scaled})"
        )


def rows(paths: Paths, *, target: str, standardize: bool = False, window_bytes: int = WINDOW_BYTES) -> RowSource:
    """Give the rows of Parquet, CSV or npz files to a training, which never holds more than some of them in memory.

    ``chainrule.train(net, rows("rows/*.parquet", target="y"), ...)`` trains on every row once an epoch. All columns must be
    numbers: each but the target is an input.

    Parameters
    ----------
    paths : path, or a list of paths
        Patterns such as ``"rows/*.parquet"``, too. CSV files begin with a header; npz files hold an array ``x`` (n, n_in) and
        one of the target (n,), without compression. Parquet and CSV need pyarrow: ``pip install 'chainrule[rows]'``.
    target : str
        The column of labels or values to learn.
    standardize : bool
        Whether to bring each column to mean 0 and standard deviation 1, over all rows. The network takes the columns as they are in
        the files again at the end of each epoch: it then is of float64.
    window_bytes : int
        The most bytes of the rows that are mixed in memory at a time, 64 MiB by default. Two such windows are held: one trains,
        and the next is read.

    Returns
    -------
    RowSource

    Raises
    ------
    FileError
        When there is no such file, or it cannot be read.
    DataError
        When a file is damaged, has other columns than the first, or holds something other than numbers.
    MissingExtra
        When pyarrow is needed and not installed.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> for k in range(2):
    ...     x = np.random.default_rng(k).normal(size=(100, 3))
    ...     np.savez(os.path.join(folder.name, f"{k}.npz"), x=x, y=x[:, 0])
    >>> rows(os.path.join(folder.name, "*.npz"), target="y")
    RowSource(200 rows x 3 of 2 files, target 'y')
    >>> folder.cleanup()
    """
    return RowSource(paths, target=target, standardize=standardize, window_bytes=window_bytes)


def find_files(paths: Paths) -> list[Path]:
    """Give the files that paths and patterns name, each once, in the order of their names."""
    if not isinstance(paths, str | os.PathLike | Iterable):
        raise ArgumentTypeError(f"paths must be a path, a pattern, or a list of them; it is {paths!r}")
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    found: dict[str, Path] = {}
    for pattern in given:
        if not isinstance(pattern, (str, os.PathLike)):
            raise ArgumentTypeError(f"paths must be a path, a pattern, or a list of them; one entry is {pattern!r}")
        text = os.fspath(pattern)
        matches = [text] if Path(text).exists() else glob.glob(text, recursive=True)  # noqa: PTH207 - a pattern may be absolute
        if not matches:
            raise FileError(f"no such file: {text}")
        for match in matches:
            found.setdefault(os.path.realpath(match), Path(match))  # a file by two names is one file
    if not found:
        raise SettingError("paths must name at least one file; it is empty")
    return sorted(found.values())


def _open(path: Path, target: str) -> RowFile:
    """Open a file by the ending of its name."""
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: rows come from files that end in {', '.join(FORMATS)}; convert it to Parquet")
    return reader(path, target)


def _check_same_columns(first: RowFile, file: RowFile) -> None:
    """Refuse a file whose columns are others than those of the first, or in another order."""
    if file.names and first.names and file.names != first.names:
        missing = [name for name in first.names if name not in file.names]
        added = [name for name in file.names if name not in first.names]
        how = f"it lacks {shown(missing)}" if missing else f"it has {shown(added)} more" if added else "they are in another order"
        raise DataError(f"{file.path} has other columns than {first.path}: {how}; write all files with the same columns")
    if file.n_in != first.n_in:
        raise DataError(f"{file.path} has {file.n_in} input columns, and {first.path} {first.n_in}; write all alike")
    if file.types != first.types:
        name = next(name for name in first.types if file.types.get(name) != first.types[name])
        raise DataError(
            f"{file.path}: column {name!r} holds {file.types.get(name, 'numbers of another file format')}, and in {first.path} "
            f"{first.types[name]}; write all files with the same types"
        )
