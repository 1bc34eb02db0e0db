"""Rows of many files, one table of numbers that may be larger than memory."""

from __future__ import annotations

import functools
import glob
import json
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from zlib import crc32

import numpy as np

from .._checks import check_int
from .._format import pluralize
from .._types import AnyArray
from .._warnings import user_stacklevel
from ..errors import ArgumentTypeError, DataError, FileError, SettingError
from ..read_ahead import read_ahead
from .column_statistics import ColumnStatistics, merge
from .csv_row_file import CsvRowFile
from .npz_row_file import NpzRowFile
from .parquet_row_file import ParquetRowFile
from .ray_blocks import RayBlocks, RayPlace, is_ray_dataset
from .remote_path import AnyPath, RemotePath, find_remote, is_url, without_query
from .row_file import DamageError, RowFile, shown

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


SHOWN_PLACES = 20
"""The most places that a warning of rows that are left out names."""


class SkippedRowsWarning(UserWarning):
    """Damaged files or row groups are left out of a source, as ``damaged="skip"`` has it."""


class Measured(NamedTuple):
    """What the pass over all rows measures.

    Attributes
    ----------
    statistics : ColumnStatistics
        Of each input column, and of the target, which is the last.
    largest_weight, total_weight : float
        Of the rows; 1 and their number without weights.
    digest : str
        Of all numbers, of the columns' names and types, and of the row groups.
    """

    statistics: ColumnStatistics
    largest_weight: float
    total_weight: float
    digest: str


class RowSource:
    """Rows of files, which a training reads a window at a time; ``chainrule.rows`` makes it.

    Parameters
    ----------
    paths, target, weights, standardize, damaged, window_bytes
        As ``chainrule.rows`` has them.

    Attributes
    ----------
    name : str
        The paths as they were given, and the target, as in ``parts/*.parquet#y``.
    files : list of RowFile
        In the order of their names.
    columns : tuple of str
        The names of the inputs; empty for npz files, which have none.
    n_in : int
    target : str
    weights : str or None
    standardize : bool
    window_bytes : int
    group_rows : list of int
        The rows of each row group, of all files one after another.
    skipped : list of str
        What is wrong with each file or row group that is left out.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        target: str,
        weights: str | None = None,
        standardize: bool = False,
        damaged: str = "refuse",
        window_bytes: int = WINDOW_BYTES,
    ) -> None:
        if not isinstance(target, str):
            raise ArgumentTypeError(f"target must be the name of a column; it is {target!r}")
        if weights is not None and not isinstance(weights, str):
            raise ArgumentTypeError(f"weights must be the name of a column; it is {weights!r}")
        if weights == target:
            raise SettingError(f"target and weights both are {target!r}; name two columns")
        if not isinstance(standardize, bool):
            raise ArgumentTypeError(f"standardize must be True or False; it is {standardize!r}")
        if damaged not in ("refuse", "skip"):
            raise SettingError(f"damaged must be 'refuse' or 'skip'; it is {damaged!r}")
        given: Any = paths if is_ray_dataset(paths) else list_paths(paths)
        self.name = f"{_described(given)}#{target}"
        self.target, self.weights = target, weights
        self.standardize = standardize
        self.window_bytes = check_int("window_bytes", window_bytes, least=1)
        self.skipped: list[str] = []
        self.files = (
            [RayBlocks(given, target, weights)]
            if is_ray_dataset(given)
            else self._open_files(find_files(given), skips=damaged == "skip")
        )
        self.columns, self.n_in = self.files[0].names, self.files[0].n_in
        for file in self.files[1:]:
            _check_same_columns(self.files[0], file)
        self._groups = [(file, k) for file in self.files for k, rows in enumerate(file.group_rows) if rows]
        if not self._groups:
            raise DataError(f"{self.files[0].path}{' and the others' * (len(self.files) > 1)}: no rows")
        if damaged == "skip":
            self.measured = self._measure(skips=True)
        self.group_rows = [file.group_rows[k] for file, k in self._groups]
        if self.skipped:
            _warn_of_skipped(self.skipped, len(self))

    def _open_files(self, paths: list[AnyPath], *, skips: bool) -> list[RowFile]:
        """Open the files; damaged ones are left out where that is allowed, but not all."""
        files: list[RowFile] = []
        for path in paths:
            try:
                files.append(_open(path, self.target, self.weights))
            except DamageError as error:
                if not skips or (path is paths[-1] and not files):
                    raise
                self.skipped.append(str(error))
        return files

    def __len__(self) -> int:
        return sum(self.group_rows)

    @property
    def own_form(self) -> OwnForm | None:
        """How the rows are given where they are not columns of numbers; None where they are."""
        return None

    def read_group(self, group: int) -> Iterator[AnyArray]:
        """Read a row group: each input column, the target, and the weights if any; each (n,), of finite numbers."""
        file, k = self._groups[group]
        return file.columns(k)

    def place(self, group: int) -> str:
        """Name the file of a row group, and its number there."""
        file, k = self._groups[group]
        return f"{file.path}, row group {k} (from 0)"

    @cached_property
    def measured(self) -> Measured:
        """What one pass over all rows measures."""
        return self._measure(skips=False)

    @property
    def statistics(self) -> ColumnStatistics:
        """What the pass over all rows measures of each input column, and of the target, which is the last."""
        return self.measured.statistics

    def _measure(self, *, skips: bool) -> Measured:
        """Read all rows in one pass; damaged row groups are left out where that is allowed, but not all."""
        parts: list[ColumnStatistics] = []
        sound: list[tuple[RowFile, int]] = []
        checksums, weights = [], []
        with closing(read_ahead(map(_read_or_fail, self._groups))) as groups:
            for place, columns in groups:
                if isinstance(columns, DamageError):
                    if not skips or (place is self._groups[-1] and not sound):
                        raise columns
                    self.skipped.append(str(columns))
                    continue
                sound.append(place)
                parts.append(ColumnStatistics.of(columns[: self.n_in + 1]))
                checksums.append([crc32(column.view(np.uint8).data) for column in columns])
                if self.weights is not None:
                    with np.errstate(over="ignore"):  # the sum of all is checked
                        weights.append((float(columns[-1].max()), float(columns[-1].sum(dtype=np.float64))))
        self._groups = sound
        statistics = functools.reduce(merge, parts)
        largest, total = _weights_of_all(self.weights, weights) if weights else (1.0, float(statistics.n))
        return Measured(statistics, largest, total, self._digest_of(checksums))

    def _digest_of(self, checksums: list[list[int]]) -> str:
        """Give a digest of the checksums of the row groups' columns, as hexadecimal digits."""
        import hashlib  # imported late: it loads OpenSSL

        group_rows = [file.group_rows[k] for file, k in self._groups]
        described = [self.columns, self.target, self.weights, list(self.files[0].types.items()), group_rows, checksums]
        return hashlib.blake2b(json.dumps(described).encode(), digest_size=16).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Describe in JSON's types what decides, beside the rows, how a training reads them."""
        return {"standardize": self.standardize, "window_bytes": self.window_bytes}

    def __repr__(self) -> str:
        scaled = ", standardized" if self.standardize else ""
        origin = str(self.files[0].path) if isinstance(self.files[0], RayBlocks) else pluralize(len(self.files), "file")
        return f"RowSource({len(self):,} rows x {self.n_in} of {origin}, target {self.target!r}{scaled})"


def rows(
    paths: Paths,
    *,
    target: str,
    weights: str | None = None,
    standardize: bool = False,
    damaged: str = "refuse",
    window_bytes: int = WINDOW_BYTES,
) -> RowSource:
    """Give the rows of Parquet, CSV or npz files, or of a Ray Dataset, to a training, which holds some of them at a time alone.

    ``chainrule.train(net, rows("rows/*.parquet", target="y"), ...)`` trains on every row once an epoch. All columns must be
    numbers: each but the target and the weights is an input.

    Parameters
    ----------
    paths : path, URL, a list of these, or a Ray Dataset
        Patterns such as ``"rows/*.parquet"``, too. CSV files begin with a header; npz files hold an array ``x`` (n, n_in) and
        one of the target (n,), without compression. Parquet, CSV and URLs need ``pip install 'chainrule[rows]'``. A URL, such as
        ``"s3://bucket/rows/*.parquet"``, is one that fsspec knows. A Ray Dataset is computed once, here; its blocks are then read
        where they are needed, on any machine of the cluster.
    target : str
        The column of labels or values to learn.
    weights : str, optional
        The column of the rows' weights, at least 0, as ``Examples`` has them; a row of weight 2 counts as two rows.
    standardize : bool
        Whether to bring each column to mean 0 and standard deviation 1, over all rows, whatever their weights. The network takes
        the columns as they are in the files again at the end of each epoch: it then is of float64.
    damaged : str
        What to do with a file or a row group that cannot be read, or that holds a missing or infinite number: ``"refuse"`` it with
        an error, or ``"skip"`` it with a warning. To skip, all rows are read at once here.
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
    SettingError
        When a setting is not one of these.
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
    return RowSource(paths, target=target, weights=weights, standardize=standardize, damaged=damaged, window_bytes=window_bytes)


def list_paths(paths: Any) -> list[str | os.PathLike[str]]:
    """Check that these are paths, URLs or patterns, and list them."""
    if not isinstance(paths, str | os.PathLike | Iterable):
        raise ArgumentTypeError(f"paths must be a path, a pattern, or a list of them; it is {paths!r}")
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    for pattern in given:
        if not isinstance(pattern, (str, os.PathLike)):
            raise ArgumentTypeError(f"paths must be a path, a pattern, or a list of them; one entry is {pattern!r}")
    return given


def _described(given: Any) -> str:
    """Write what was given, for people and for the model's file: a URL without its query, which may hold a signature."""
    if is_ray_dataset(given):
        return str(RayPlace())
    return ", ".join(without_query(os.fspath(path)) for path in given[:2]) + ", ..." * (len(given) > 2)


def find_files(given: Iterable[str | os.PathLike[str]]) -> list[AnyPath]:
    """Give the files that paths, URLs and patterns name, each once, in the order of their names, those at URLs last."""
    found: dict[str, Path] = {}
    remote: dict[str, RemotePath] = {}
    for pattern in given:
        text = os.fspath(pattern)
        if is_url(text):
            at_url = find_remote(text)
            if not at_url:
                raise FileError(f"no such file: {text}")
            remote.update({str(match): match for match in at_url})
            continue
        matches = [text] if Path(text).exists() else glob.glob(text, recursive=True)  # noqa: PTH207 - a pattern may be absolute
        if not matches:
            raise FileError(f"no such file: {text}")
        for match in matches:
            found.setdefault(os.path.realpath(match), Path(match))  # a file by two names is one file
    if not (found or remote):
        raise SettingError("paths must name at least one file; it is empty")
    return [*sorted(found.values()), *(remote[name] for name in sorted(remote))]


def _read_or_fail(place: tuple[RowFile, int]) -> tuple[tuple[RowFile, int], list[AnyArray] | DamageError]:
    """Read a row group; give the columns, or what is wrong with it."""
    file, k = place
    try:
        return place, list(file.columns(k))
    except DamageError as error:
        return place, error


def _weights_of_all(name: str | None, weights: list[tuple[float, float]]) -> tuple[float, float]:
    """Give the largest of all weights, and their sum, which must be above 0 and finite."""
    largest, total = max(group[0] for group in weights), sum(group[1] for group in weights)
    if not 0 < total < math.inf:
        raise DataError(f"weights must have a finite sum above 0; those in column {name!r} sum to {total:g}")
    return largest, total


def _warn_of_skipped(skipped: list[str], left: int) -> None:
    """Warn of what is left out, place by place."""
    shown = "".join(f"\n  {fault}" for fault in skipped[:SHOWN_PLACES])
    more = f"\n  and {len(skipped) - SHOWN_PLACES:,} more: see the source's skipped" if len(skipped) > SHOWN_PLACES else ""
    message = f"{pluralize(len(skipped), 'damaged place')} left out, {pluralize(left, 'row')} left:{shown}{more}"
    warnings.warn(message, SkippedRowsWarning, stacklevel=user_stacklevel())


def _open(path: AnyPath, target: str, weights: str | None) -> RowFile:
    """Open a file by the ending of its name."""
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: rows come from files that end in {', '.join(FORMATS)}; convert it to Parquet")
    return reader(path, target, weights)


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
