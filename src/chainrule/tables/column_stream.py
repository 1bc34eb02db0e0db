"""Columns out of a delimited file, by DuckDB as a strict tokenizer: every field is text, and nothing about the file is guessed.

DuckDB's own conversion to DOUBLE is used where it is certain to be right: for texts as computers write numbers. A text that is
neither such a number nor a gap becomes infinite, and so tells that its column has to be read as texts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import AnyArray
from .arrow_stream import StreamError, read_batches
from .text_rules import MARKS_AMONG_NUMBERS, USUAL_MARKS, TextRules

if TYPE_CHECKING:
    import duckdb

MAX_LINE = 2 << 20  # DuckDB's own limit; longer lines need larger buffers


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
        buffers = (
            f", max_line_size={2 * self.longest_line}, buffer_size={8 * self.longest_line}" if self.longest_line > MAX_LINE else ""
        )
        return (
            f"read_csv({_literal(str(self.file))}, columns={{{columns}}}, delim={_literal(self.delimiter)}, skip={self.skip}, "
            "quote='\"', escape='\"', new_line='\\n', header=false, auto_detect=false, strict_mode=true, null_padding=false, "
            f"ignore_errors=false, compression='none', encoding='utf-8', comment='', hive_partitioning=false{buffers})"
        )


@dataclass
class DistinctColumn:
    """The distinct texts of a column, as UTF-8, with their positions, and the position of each row's text; -1 is an empty field."""

    codes: AnyArray
    positions: dict[bytes, int]

    @property
    def texts(self) -> list[str]:
        """The distinct texts."""
        return [text.decode() for text in self.positions]


def number_expression(k: int, rules: TextRules, *, zeros: bool, underscores: bool, points: bool) -> str:
    """The SQL that converts column k to DOUBLE: NaN is a gap, and infinity a text that this cannot read with certainty.

    Parameters
    ----------
    zeros, points : bool
        Whether integers with leading zeros, and points, are read.
    underscores : bool
        Whether there may be texts such as 1_000, which DuckDB would convert.
    """
    refused = ["{0} BETWEEN '+' AND '+~'", *([] if zeros else ["{0} BETWEEN '00' AND '0:'", "{0} BETWEEN '-00' AND '-0:'"])]
    refused += ["contains({0}, '_')"] * underscores + ["contains({0}, '.')"] * (not points)
    marks = USUAL_MARKS | MARKS_AMONG_NUMBERS if rules.missing is None else rules.missing
    text = "lower(trim({0}))" if rules.missing is None else "trim({0})"
    is_gap = f"{text} IN ({', '.join(map(_literal, sorted(marks)))})" if marks else "false"
    gap = f"CASE WHEN {is_gap} OR trim({{0}}) = '' THEN 'NaN'::DOUBLE ELSE 'Infinity'::DOUBLE END"
    value = f"coalesce(nullif(TRY_CAST({{0}} AS DOUBLE), 'NaN'::DOUBLE), {gap})"
    plain = f"CASE WHEN {' OR '.join(refused)} THEN {gap} ELSE {value} END"
    blank_first = "{0} < '!'"  # then the first character is a blank
    column = f"c{k}"
    return (
        f"CASE WHEN {column} IS NULL THEN 'NaN'::DOUBLE WHEN {blank_first.format(column)} THEN {plain.format(f'trim({column})')} "
        f"ELSE {plain.format(column)} END"
    )


def read_columns(
    source: DelimitedFile, expressions: dict[int, str | None], progress: Callable[[int], None] = lambda rows: None
) -> tuple[dict[int, AnyArray | DistinctColumn], int]:
    """Read columns: as float64 by an SQL expression, or as texts (None).

    Returns
    -------
    columns : dict
        By position: a float64 array, (n,), or a DistinctColumn.
    n_rows : int

    Raises
    ------
    TokenizerError
        When a record has another number of fields, or a quote is not closed.
    """
    columns: dict[int, AnyArray | DistinctColumn] = {
        k: DistinctColumn(np.empty(source.capacity, np.int32), {}) if expression is None else np.empty(source.capacity)
        for k, expression in expressions.items()
    }
    n_rows = 0
    for batch in _batches(source, [expression or f"c{k}" for k, expression in expressions.items()]):
        size = len(batch[0])
        for column, values in zip(columns.values(), batch, strict=True):
            if isinstance(column, DistinctColumn):
                column.codes[n_rows : n_rows + size] = _codes(column.positions, values)
            else:
                column[n_rows : n_rows + size] = values
        n_rows += size
        progress(n_rows)
    for k, column in columns.items():
        if isinstance(column, DistinctColumn):
            column.codes = column.codes[:n_rows]
        else:
            columns[k] = column[:n_rows]
    return columns, n_rows


def _codes(positions: dict[bytes, int], texts: Iterable[bytes | None]) -> AnyArray:
    """Give each text its position, new texts the next ones; None is -1."""
    return np.array([-1 if text is None else positions.setdefault(text, len(positions)) for text in texts], np.int32)


def _batches(source: DelimitedFile, expressions: list[str]) -> Iterator[list[Any]]:
    import duckdb

    try:
        with _connect(source.file) as connection:
            values = ", ".join(f"{sql} AS s{k}" for k, sql in enumerate(expressions))
            relation = connection.sql(f"SELECT {values} FROM {source.scan()}")  # noqa: S608  # of literals and column numbers
            yield from read_batches(relation)
    except (duckdb.Error, StreamError) as error:
        raise TokenizerError(str(error)) from None


def _connect(file: Path) -> duckdb.DuckDBPyConnection:
    """Open an engine that can read this one file, and nothing else: no other file, no network, no extension."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for setting in (
        f"threads = {threads}",
        "temp_directory = ''",
        f"allowed_paths = [{_literal(str(file))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def _literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
