"""Columns out of a delimited file, by DuckDB as a strict tokenizer: every field is text, and nothing about the file is guessed.

DuckDB's own conversion to DOUBLE is used where it is certain to be right: for numbers as computers write them. All other texts of
such a column, the odd ones, come along: they are gaps, or the column has to be read as texts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .._types import AnyArray
from .arrow_stream import StreamError, Texts, read_batches
from .locked_duckdb import connect_locked, literal
from .number_texts import Decimal

if TYPE_CHECKING:
    import duckdb

MAX_LINE = 2 << 20  # a longer line makes DuckDB's buffers larger


class TokenizerError(Exception):
    """DuckDB cannot divide the file into the columns."""


@dataclass(frozen=True)
class DelimitedFile:
    r"""A file of UTF-8 whose lines end in \n and whose fields are quoted as in RFC 4180.

    Attributes
    ----------
    file : Path
    delimiter : str
    n_fields : int
    skip : int
        The number of lines above the first row.
    capacity : int
        At least as many as there are rows.
    longest_line : int
    """

    file: Path
    delimiter: str
    n_fields: int
    skip: int
    capacity: int
    longest_line: int

    def scan(self) -> str:
        """The SQL of the table function that reads the file."""
        columns = ", ".join(f"'c{k}': 'VARCHAR'" for k in range(self.n_fields))
        line = 2 * self.longest_line if self.longest_line > MAX_LINE else MAX_LINE
        return (
            f"read_csv({literal(str(self.file))}, columns={{{columns}}}, delim={literal(self.delimiter)}, skip={self.skip}, "
            "quote='\"', escape='\"', new_line='\\n', header=false, auto_detect=false, strict_mode=true, null_padding=false, "
            f"ignore_errors=false, compression='none', encoding='utf-8', comment='', hive_partitioning=false, "
            f"max_line_size={line}, buffer_size={4 * line})"
        )


@dataclass(frozen=True)
class NumberQuery:
    """How a column is read as numbers.

    Attributes
    ----------
    trimmed : bool
        Whether its texts have blanks around them.
    decimal : {".", ",", ""}
        The decimal mark of its numbers; with none they are integers, and others are odd.
    underscores : bool
        Whether there may be texts such as 1_000, which DuckDB would convert.
    """

    trimmed: bool = False
    decimal: Decimal | Literal[""] = "."
    underscores: bool = False

    def sql(self, k: int) -> tuple[str, str, str]:
        """The SQL of column k: of its text and its number, and above these, of its text where that is odd.

        Odd is a text that is not converted, or that the conversion would change: with leading zeros, a plus, letters (nan, inf), or
        a leading blank.
        """
        text = f"trim(c{k})" if self.trimmed else f"c{k}"
        odd = [f"v{k} IS NULL", f"t{k} > '9~'", f"t{k} < '!'"]
        odd += [f"t{k} BETWEEN '{low}' AND '{high}'" for low, high in (("00", "0:"), ("-00", "-0:"), ("-:", "-~"), ("+", "+~"))]
        odd += [f"contains(t{k}, '_')"] * self.underscores + [f"contains(t{k}, '.')"] * (self.decimal != ".")
        number = f"replace({text}, ',', '.')" if self.decimal == "," else text
        return f"{text} AS t{k}", f"TRY_CAST({number} AS DOUBLE) AS v{k}", f"CASE WHEN {' OR '.join(odd)} THEN t{k} END AS o{k}"


@dataclass
class NumberColumn:
    """The numbers of a column, (n,) of float64, NaN where a field is empty or odd; their decimal mark; and the odd texts."""

    values: AnyArray
    decimal: Decimal | Literal[""]
    odd: set[bytes] = field(default_factory=set)

    def add(self, start: int, numbers: AnyArray, odd: Texts) -> None:
        """Add the rows of a batch."""
        rows = self.values[start : start + len(numbers)]
        rows[:] = numbers
        rows[odd.rows] = np.nan
        self.odd.update(odd.values)

    def cut(self, n_rows: int) -> None:
        """Keep the first rows."""
        self.values = self.values[:n_rows]


@dataclass
class TextColumn:
    """The texts of a column: each row's position among the distinct ones, -1 where a field is empty; and those, as UTF-8."""

    codes: AnyArray
    positions: dict[bytes, int] = field(default_factory=dict)

    def add(self, start: int, size: int, texts: Texts) -> None:
        """Add the rows of a batch."""
        rows = self.codes[start : start + size]
        rows[:] = -1
        positions = self.positions
        rows[texts.rows] = [positions.setdefault(text, len(positions)) for text in texts.values]

    def cut(self, n_rows: int) -> None:
        """Keep the first rows."""
        self.codes = self.codes[:n_rows]

    @property
    def texts(self) -> list[str]:
        """The distinct texts."""
        return [text.decode() for text in self.positions]


Columns = dict[int, NumberColumn | TextColumn]
Plan = dict[int, NumberQuery | None]
"""How each column is read, by its position: as numbers, or as texts."""


def read_columns(source: DelimitedFile, plan: Plan, progress: Callable[[int], None] = lambda rows: None) -> tuple[Columns, int]:
    """Read columns in one pass; return them and the number of rows.

    Raises
    ------
    TokenizerError
        When a record has another number of fields, or a quote is not closed.
    """
    columns: Columns = {
        k: NumberColumn(np.empty(source.capacity), query.decimal) if query else TextColumn(np.empty(source.capacity, np.int32))
        for k, query in plan.items()
    }
    n_rows = 0
    for size, batch in batches_of(source, plan):
        for column in columns.values():
            if isinstance(column, NumberColumn):
                column.add(n_rows, next(batch), next(batch))
            else:
                column.add(n_rows, size, next(batch))
        n_rows += size
        progress(n_rows)
    for column in columns.values():
        column.cut(n_rows)
    return columns, n_rows


def _query(source: DelimitedFile, plan: Plan) -> str:
    """The SQL that reads the columns: of numbers two, the number and the odd text."""
    inner, outer = list[str](), list[str]()
    for k, query in plan.items():
        if query is None:
            inner.append(f"c{k} AS t{k}")
            outer.append(f"t{k}")
        else:
            text, number, odd = query.sql(k)
            inner += [text, number]
            outer += [f"v{k}", odd]
    return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {source.scan()})"  # noqa: S608  # literals, numbers


def batches_of(source: DelimitedFile, plan: Plan) -> Iterator[tuple[int, Iterator[Any]]]:
    """Read columns a batch at a time: its size, and of each column of numbers the numbers and the odd ``Texts``, of others these.

    Raises
    ------
    TokenizerError
        As ``read_columns``.
    """
    import duckdb

    try:
        with _connect(source.file) as connection:
            for size, batch in read_batches(connection.sql(_query(source, plan))):
                yield size, iter(batch)
    except (duckdb.Error, StreamError) as error:
        raise TokenizerError(str(error)) from None


def _connect(file: Path) -> duckdb.DuckDBPyConnection:
    """Open an engine that can read this one file."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wide = "disabled_optimizers = 'common_subexpressions'"  # its time grows with the square of the number of columns
    return connect_locked([str(file)], [f"threads = {threads}", wide])
