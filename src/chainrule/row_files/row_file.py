"""A file of rows, which is read a row group at a time: its columns are numbers, and one of them is the target."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .._reading import translate_read_errors
from .._types import AnyArray
from ..errors import ChainruleError, DataError, FileError, MissingExtra


class DamageError(DataError):
    """A file, or a row group of it, cannot be read or holds numbers that are not finite; other rows may be sound."""


_PANDAS_INDEX = re.compile(r"__index_level_\d+__", re.ASCII)

GROUP_BYTES = 4 << 20
"""The bytes of a row group in a file that has none of its own."""


class Place(Protocol):
    """Where rows are that lie in no file of this machine."""

    def status(self) -> tuple[int, str]:
        """Give the size, and what changes with the rows."""
        ...


class RowFile(ABC):
    """One file of rows.

    Parameters
    ----------
    path : Path, or Place
    target : str
        The name of the target's column.
    weights : str or None
        The name of the column of the rows' weights.

    Attributes
    ----------
    names : tuple of str
        Those of the input columns; empty where the file names none.
    others : tuple of str
        Those of the columns that are read after the inputs: the target, and the weights where there are any.
    n_in : int
        The number of input columns.
    types : dict of str to str
        The type of each input column, and of the others, by name.
    group_rows : list of int
        The number of rows of each row group.

    Raises
    ------
    FileError
        When it cannot be read.
    DataError
        When it is not valid, or has no such target.
    """

    names: tuple[str, ...]
    n_in: int
    types: dict[str, str]
    group_rows: list[int]

    def __init__(self, path: Path | Place, target: str, weights: str | None = None) -> None:
        self.path = path
        self.target = target
        self.others = (target,) if weights is None else (target, weights)
        self._status = self._current_status()

    @abstractmethod
    def _columns(self, group: int) -> Iterator[AnyArray]:
        """Read a row group: each input column, then the others; numbers that may be NaN."""

    def columns(self, group: int) -> Iterator[AnyArray]:
        """Read a row group: each input column, then the others, (n,) of finite numbers.

        Raises
        ------
        FileError
            When the file has changed since it was first read.
        DamageError
            When it cannot be read, or a number is missing or not finite.
        DataError
            When a weight is below 0.
        """
        if self._current_status() != self._status:
            raise FileError(f"{self.path} was changed since its rows were counted; make the source again with chainrule.rows")
        for k, values in enumerate(self._columns(group)):
            if len(values) != self.group_rows[group]:
                raise self.fault(group, f"it holds {len(values):,} rows where {self.group_rows[group]:,} were counted")
            if not np.isfinite(values).all():
                row = int(np.flatnonzero(~np.isfinite(values))[0])
                raise self.fault(group, f"{self.column_label(k)} holds {values[row]} in row {row} (from 0) of the group; numbers "
                                        "must be finite: fill the missing ones, or leave the row out")  # fmt: skip
            if k > self.n_in and values.min() < 0:
                raise DataError(
                    f"{self.path}, row group {group} (from 0): {self.column_label(k)} must be at least 0; it holds {values.min()}"
                )
            yield values

    def column_label(self, k: int) -> str:
        """Name a column in a message: the k-th input (from 0), or one of the others."""
        if k >= self.n_in:
            return f"{('target', 'weights')[k - self.n_in]} {self.others[k - self.n_in]!r}"
        return f"column {self.names[k]!r}" if self.names else f"column {k} (from 0) of x"

    def remedy_for_texts(self, name: str) -> str:
        """Say what to do where a column holds texts."""
        if name == self.target:
            return "encode classes as 0, 1, ..., or pass TableClassifier a table that fits into memory, with its texts"
        return (
            "write it as numbers, or leave it out; TableClassifier and TableRegressor take texts, dates and categories, in a table "
            "that fits into memory"
        )

    def check_complete(self, group: int, k: int, missing: int) -> None:
        """Refuse a column of which values are missing."""
        if missing:
            raise self.fault(group, f"{self.column_label(k)} lacks {missing:,} values; fill them, or leave the rows out")

    def fault(self, group: int, message: str) -> DamageError:
        """Make the error of a row group."""
        return DamageError(f"{self.path}, row group {group} (from 0): {message}")

    def _current_status(self) -> tuple[int, object]:
        """Give the file's size, and the time of its last change or what stands for it."""
        if not isinstance(self.path, Path):
            return self.path.status()
        with translate_read_errors(self.path):
            status = self.path.stat()
        if not self.path.is_file():
            raise FileError(f"cannot read {self.path}: it is not a file")
        return status.st_size, status.st_mtime_ns

    def _input_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Give the names of the input columns: all but the others, which must be there; no name may be there twice."""
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DataError(f"{self.path} has several columns {twice[0]!r}; give each its own name")
        for name, role in zip(self.others, ("target", "weights"), strict=False):
            if name not in names:
                raise DataError(f"{self.path} has no column {name!r}, the {role}; it has {shown(names)}")
        if len(names) == len(self.others):
            raise DataError(f"{self.path} has no column but {shown(self.others)}; it needs one of inputs")
        unnamed = [name for name in names if not name.strip() or _PANDAS_INDEX.fullmatch(name)]
        if unnamed:
            raise DataError(
                f"{self.path}: column {unnamed[0]!r} has no name of its own, as the index of a pandas frame, which may tell the "
                "order of the rows; write the file with index=False, or name the column"
            )
        return tuple(name for name in names if name not in self.others)


def shown(names: Sequence[str], most: int = 8) -> str:
    """List some names for a message."""
    return ", ".join(repr(name) for name in names[:most]) + ", ..." * (len(names) > most)


def import_arrow(module: str) -> Any:
    """Import a module of pyarrow, which reads Parquet and CSV."""
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise MissingExtra("rows of Parquet or CSV files need pyarrow; install it with: pip install 'chainrule[rows]'") from None


@contextmanager
def translate_arrow_errors(path: object, group: int | None = None) -> Iterator[None]:
    """Turn pyarrow's errors for a damaged file into a DamageError that names the file, and its row group."""
    arrow = import_arrow("pyarrow")
    place = str(path) if group is None else f"{path}, row group {group} (from 0)"
    try:
        yield
    except ChainruleError:
        raise
    except FileNotFoundError:
        raise FileError(f"no such file: {path}") from None
    except (arrow.ArrowException, OSError, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DamageError(f"{place}: cannot be read ({reason}); write the file again, or leave it out") from None
