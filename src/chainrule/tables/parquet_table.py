"""Tables from parquet files, which DuckDB reads column by column; the types in the file decide the kinds."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .._reading import LIMIT_UNPACKED, check_size, translate_read_errors
from .._types import AnyArray
from ..errors import DataError, DataTypeError
from .arrow_schema import duration_units
from .column import Column, Kind
from .column_choice import make_table
from .column_kinds import RULES, row_name
from .locked_duckdb import connect_locked
from .table import Table, normalized
from .text_rules import TextRules
from .typed_columns import column_from_array, convert_remedy

_READABLE = re.compile(
    r"boolean|u?(tiny|small|big)int|u?integer|float|double|decimal\(.*\)|varchar|uuid|date|\"null\"|"
    r"timestamp( with time zone|tz)?(_(s|ms|ns))?|duration_(s|ms|us|ns)"
)
_LONG_DECIMAL = re.compile(r"decimal\((1[6-9]|[2-9][0-9]),.*\)")  # float64 represents integers of 15 digits exactly


def read_parquet_table(
    path: Path,
    *,
    kinds: Mapping[str, Kind] | None = None,
    columns: Collection[str] | None = None,
    drop: Collection[str] = (),
    rules: TextRules = RULES,
    progress: Callable[[float], None] | None = None,
) -> Table:
    """Read a table from a parquet file.

    The index that pandas stores is left out. Durations are numbers of seconds; their unit is in the Arrow schema that their writers
    store in the file.

    Parameters
    ----------
    path : Path
    kinds, columns, drop
        As ``column_choice.make_table`` takes them.
    rules : TextRules
        How texts are read, and whether infinite numbers are gaps.
    progress : callable, optional
        Called with the fraction of the columns that is read.

    Returns
    -------
    Table

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When it is not a valid parquet file, is too large or has no rows, or a value cannot have the kind required.
    DataTypeError
        When a column holds lists, structures or other types that a table cannot hold.
    UnknownName
        When ``drop`` or ``kinds`` names a column that the file does not have.
    """
    rules = replace(rules, place_of=lambda row: f"{path}, {row_name(row)}")
    with open_parquet(path) as file:
        makers = [(normalized(name), partial(file.column, own_name, type_)) for name, own_name, type_ in file.columns()]
        return make_table(makers, kinds=kinds, columns=columns, drop=drop, rules=rules, name=str(path), progress=progress)


def read_parquet_names(path: Path) -> list[str]:
    """Read the names of a parquet file's columns; the errors are those of ``read_parquet_table``."""
    with open_parquet(path) as file:
        return [normalized(name) for name, *_ in file.columns()]


@contextmanager
def open_parquet(path: Path, *others: Path) -> Iterator[ParquetFile]:
    """Open a parquet file; the connection may touch the others too. The errors are those of ``read_parquet_table``."""
    with translate_read_errors(path):
        path.open("rb").close()
        located = glob.escape(str(path.absolute()))  # else DuckDB reads all files that match a name with * or ?
    with _open(path, *others) as connection:
        yield ParquetFile(path, located, connection)


@contextmanager
def _open(*paths: Path) -> Iterator[Any]:
    """Open a DuckDB of its own, which can touch these files alone; its errors become errors of this package about the first."""
    import duckdb

    absolute = [str(path.absolute()) for path in paths]
    with connect_locked([*absolute, *map(glob.escape, absolute)]) as connection:
        try:
            yield connection
        except RuntimeError as error:
            if "interrupted" not in str(error):
                raise
            raise KeyboardInterrupt from None  # which DuckDB has turned into its own error
        except duckdb.Error as error:
            raise DataError(f"{paths[0]} is not a valid parquet file ({str(error).splitlines()[0]}); save it again") from None


@dataclass(frozen=True, eq=False)
class ParquetFile:
    """A parquet file, opened by a connection of DuckDB."""

    path: Path
    located: str
    connection: Any

    @property
    def n_rows(self) -> int:
        """The number of rows, as the file claims."""
        return sum(rows for (rows,) in self._metadata("num_rows", "parquet_file_metadata"))

    def columns(self, *, index: bool = False) -> list[tuple[str, str, str]]:
        """The columns: the name, DuckDB's own name, which is unique in any case, and the type; pandas' index where asked for.

        Raises
        ------
        DataError
            When the file has no rows, or too many.
        """
        types = [(str(name), str(type_).lower()) for name, type_, *_ in self._select("*", "describe").fetchall()]
        names = _top_level(self._metadata("name, num_children", "parquet_schema"))
        n_rows = self.n_rows
        check_size(self.path, n_rows * len(types) * 8, LIMIT_UNPACKED)
        if n_rows == 0:
            raise DataError(f"{self.path} holds no rows")
        types = self._with_durations(types)
        left_out = set() if index else self._pandas_index()
        if len(names) != len(types):
            raise DataError(f"{self.path} is not a valid parquet file (its schema has {len(names)} columns, not {len(types)})")
        return [(name, *typed) for name, typed in zip(names, types, strict=True) if name not in left_out]

    def _with_durations(self, types: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Name the types of durations, which DuckDB gives as integers, by their unit: duration_us.

        Raises
        ------
        DataError
            When the Arrow schema that tells the unit is damaged, or is that of other columns.
        """
        stored = self._comment(b"ARROW:schema")
        if stored is None:
            return types
        try:
            units = duration_units(stored, len(types))
        except ValueError as error:
            problem = f"the Arrow schema, which tells the units of durations, does not fit ({error})"
            raise DataError(f"{self.path}: {problem}; save the file again") from None
        pairs = zip(types, units, strict=True)
        return [(name, f"duration_{unit}" if unit and type_ == "bigint" else type_) for (name, type_), unit in pairs]

    def column(self, own_name: str, type_: str, name: str, kind: Kind | None, rules: TextRules) -> Column:
        """Make the column that DuckDB knows by a name of its own."""
        if not _READABLE.fullmatch(type_):
            raise DataTypeError(
                f"{self.path}, column {name!r}: values of type {type_.upper()} cannot be used; {convert_remedy(rules)}"
            )
        own = quoted(own_name)
        if type_ == "varchar":
            ((n_bytes,),) = self._select(f"coalesce(sum(strlen({own})), 0)").fetchall()
            check_size(self.path, int(n_bytes), LIMIT_UNPACKED)
        if _LONG_DECIMAL.fullmatch(type_):  # DuckDB's own conversion to float64 rounds twice
            texts = self._values(f"cast({own} as varchar)")
            values = np.array([np.nan if text is None else float(text) for text in texts.tolist()])
        else:
            values = self._values(f"cast({own} as varchar)" if type_ == "uuid" else own)
        if type_.startswith("duration"):
            values = values.astype(f"timedelta64[{type_.removeprefix('duration_')}]")
        return column_from_array(name, values, kind=kind, rules=rules)

    def _values(self, expression: str) -> AnyArray:
        """Read the values of an expression, (n,), masked where they are null."""
        return next(iter(self._select(expression).fetchnumpy().values()))

    def _select(self, expressions: str, command: str = "") -> Any:
        """Begin a query of the file; the folders of its path are no columns."""
        query = f"{command} select {expressions} from read_parquet(?, hive_partitioning=false)"  # noqa: S608 - names are quoted
        return self.connection.execute(query, [self.located])

    def _metadata(self, expressions: str, function: str) -> list[tuple[Any, ...]]:
        """Read from a table of the file's metadata."""
        query = f"select {expressions} from {function}(?)"  # noqa: S608 - both are our own
        return self.connection.execute(query, [self.located]).fetchall()

    def _pandas_index(self) -> set[str]:
        """The names of the columns that hold pandas' index."""
        try:
            described = json.loads(self._comment(b"pandas") or b"{}").get("index_columns", [])
            return {name for name in described if isinstance(name, str)}
        except (ValueError, AttributeError, TypeError, RecursionError):
            return set()  # it is a comment of the writer's, and not needed to read the file

    def _comment(self, key: bytes) -> bytes | None:
        """Read a comment that the file's writer stored by a key; None where there is none."""
        comments = self._metadata("key, value", "parquet_kv_metadata")
        return next((bytes(value) for name, value in comments if bytes(name) == key), None)


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _top_level(schema: list[tuple[str, int | None]]) -> list[str]:
    """Find the names of the columns in a schema: its entries, each with the number of its children, which follow it."""
    names, inside = [], 0
    for name, n_children in schema[1:]:  # the first one is the table
        if inside == 0:
            names.append(name)
        inside = max(inside - 1, 0) + (n_children or 0)
    return names
