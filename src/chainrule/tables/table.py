"""A table: named columns of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .._types import AnyArray
from ..errors import DataError
from .column import Column, Kind, first_repeated


class Table:
    """Named columns of one length, each of one kind.

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

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

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
        return self[name].to_list()

    def take(self, rows: AnyArray | slice) -> Table:
        """Select rows, by position or by a mask."""
        return Table((column.take(rows) for column in self.columns), self.name)

    def pop(self, name: str) -> Column:
        """Take a column out of the table, so that its memory is free once the caller has done with it."""
        column = self._by_name.pop(name)
        self.columns = tuple(self._by_name.values())
        return column

    def without(self, *names: str) -> Table:
        """Leave columns out."""
        return Table((column for column in self.columns if column.name not in names), self.name)
