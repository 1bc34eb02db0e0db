"""A table: named columns of one length."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, overload

import numpy as np

from .._format import pluralize
from .._types import AnyArray
from ..errors import MOST_NAMES, DataError
from .column import Column, Kind, Rows, checked_rows, first_repeated


class Table:
    """Named columns of one length, each of one kind.

    ``table["name"]`` gives a column. ``table[:3]``, ``table[[0, 2]]`` and ``table[mask]`` give a table of these rows, so that
    scikit-learn's cross-validation divides a table; ``table[["name", "other"]]`` gives one of these columns.

    Parameters
    ----------
    columns : iterable of Column
    name : str
        Where the table comes from, for messages: a path, or empty.

    Raises
    ------
    DataError
        When two columns have the same name, or another length.
    """

    def __init__(self, columns: Iterable[Column], name: str = "") -> None:
        self.columns = tuple(columns)
        self.name = name
        self._by_name = {column.name: column for column in self.columns}
        if len(self._by_name) < len(self.columns):
            names = [column.name for column in self.columns]
            raise DataError(f"the table has two columns named {first_repeated(names)!r}; rename one")
        if len({len(column) for column in self.columns}) > 1:
            raise DataError("the columns of a table must have the same number of rows")

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @overload
    def __getitem__(self, key: str) -> Column: ...

    @overload
    def __getitem__(self, key: Rows | list[str]) -> Table: ...

    def __getitem__(self, key: Any) -> Column | Table:
        if isinstance(key, str):
            return self._find(key)
        if isinstance(key, list) and key and all(isinstance(name, str) for name in key):
            return Table(map(self._find, key), self.name)
        return self.take(key)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        """Give the values, (n, columns): float64 where all columns are numbers, else objects."""
        numeric = all(column.kind == "number" for column in self.columns)
        values = np.empty(self.shape, np.float64 if numeric else object)
        for k, column in enumerate(self.columns):
            values[:, k] = column.data if numeric else column.to_list()
        return values if dtype is None else values.astype(dtype)

    def __repr__(self) -> str:
        shown = self.columns[:MOST_NAMES]
        names = ["".join(letter if letter.isprintable() else "?" for letter in column.name) for column in shown]
        width = max(map(len, names), default=0)
        lines = [f"  {name:{width}}  {column.kind}" for name, column in zip(names, shown, strict=True)]
        more = [f"  and {len(self.columns) - len(shown):,} more"] * (len(self.columns) > len(shown))
        size = f"{pluralize(len(self), 'row')} x {pluralize(len(self.columns), 'column')}"
        return "\n".join([f"Table({size})", *lines, *more])

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows, and that of columns."""
        return len(self), len(self.columns)

    @property
    def names(self) -> list[str]:
        """The columns' names, in their order."""
        return [column.name for column in self.columns]

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each column, by name."""
        return {column.name: column.kind for column in self.columns}

    def column(self, name: str) -> list[Any]:
        """Give a column's values as Python objects; None for a gap."""
        return self._find(name).to_list()

    def take(self, rows: Rows) -> Table:
        """Select rows by a slice, by their positions, or by a mask, as ``table[rows]`` does.

        Raises
        ------
        ArgumentTypeError
            When ``rows`` is something else, such as one number.
        DataError
            When there is no such row, or a mask has another length than the table.
        """
        chosen = checked_rows(rows, len(self))
        return Table((column.take(chosen) for column in self.columns), self.name)

    def pop(self, name: str) -> Column:
        """Take a column out of the table, so that its memory is free once the caller has done with it."""
        column = self._by_name.pop(name)
        self.columns = tuple(self._by_name.values())
        return column

    def without(self, *names: str) -> Table:
        """Leave columns out."""
        return Table((column for column in self.columns if column.name not in names), self.name)

    def _find(self, name: str) -> Column:
        """Find a column by its name, in any form of Unicode."""
        found = name if name in self._by_name else normalized(name)
        if found not in self._by_name:
            raise DataError(f"the table has no column {name!r}; {name_hint(name, self.names)}")
        return self._by_name[found]


def normalized(name: str) -> str:
    """Give a name in Unicode's composed form, so that equal letters are equal names."""
    return unicodedata.normalize("NFC", name)


def name_hint(name: str, names: Sequence[str]) -> str:
    """Tell the column whose name is most similar, or else the first names."""
    similar = get_close_matches(name, names, 1)
    return f"do you mean {similar[0]!r}?" if similar else f"it has {', '.join(names[:20])}{', ...' * (len(names) > 20)}"
