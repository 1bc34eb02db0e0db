"""Tables from lines of JSON, one object a row (.jsonl, .ndjson), packed with gzip or not; the types decide the kinds."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from .._reading import LIMIT_BYTES, LIMIT_UNPACKED, translate_read_errors
from ..errors import DataError
from .column import Column, Kind
from .column_choice import make_table, normalized
from .column_kinds import RULES
from .table import Table
from .text_rules import TextRules
from .typed_columns import column_from_objects

LIMIT_LINE = 64 << 20  # bytes of one line
LIMIT_COLUMNS = 100_000
GZIP_MAGIC = b"\x1f\x8b"


def read_json_lines(
    path: Path,
    *,
    kinds: Mapping[str, Kind] | None = None,
    columns: Collection[str] | None = None,
    drop: Collection[str] = (),
    rules: TextRules = RULES,
) -> Table:
    """Read a table from a file with a JSON object on each line.

    A key that a line lacks is a gap, as is null. Integers are exact. Blank lines are left out.

    Parameters
    ----------
    path : Path
    kinds, columns, drop
        As ``column_choice.make_table`` takes them.
    rules : TextRules
        How texts are read, and whether infinite numbers are gaps.

    Returns
    -------
    Table

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When a line is not a JSON object in UTF-8, or has a key twice; when the file is too large or has no rows; when a value
        cannot have the kind required. The message names the line.
    DataTypeError
        When a value is a list or an object, or a column holds several types. The message names the line and the column.
    UnknownName
        When ``drop`` or ``kinds`` names a column that the file does not have.
    """
    values, lines = _read_values(path)
    makers = [(normalized(name), partial(_column, cells)) for name, cells in values.items()]
    rules = replace(rules, place_of=lambda row: f"{path}, line {lines[row]}")
    return make_table(makers, kinds=kinds, columns=columns, drop=drop, rules=rules, name=str(path))


def read_json_names(path: Path) -> list[str]:
    """Read the keys of all lines; the errors are those of ``read_json_lines``."""
    return [normalized(name) for name in _read_values(path)[0]]


def _read_values(path: Path) -> tuple[dict[str, list[Any]], list[int]]:
    """Read the values of each key, one a row, and the number of each row's line."""
    values: dict[str, list[Any]] = {}
    lines: list[int] = []
    for line, record in _records(path):
        for name, value in record.items():
            cells = values.setdefault(name, [])
            _fill(cells, len(lines))
            cells.append(value)
        lines.append(line)
        if len(values) > LIMIT_COLUMNS:
            raise DataError(
                f"{path}, line {line}: the objects have more than {LIMIT_COLUMNS:,} distinct keys; give all the same keys"
            )
    if not lines:
        raise DataError(f"{path} holds no rows")
    for cells in values.values():
        _fill(cells, len(lines))
    return values, lines


def _fill(values: list[Any], n: int) -> None:
    """Append gaps up to ``n`` values."""
    if len(values) < n:
        values.extend([None] * (n - len(values)))


def _column(values: list[Any], name: str, kind: Kind | None, rules: TextRules) -> Column:
    """Make a column of JSON values."""
    return column_from_objects(name, values, kind=kind, rules=rules)


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the objects, each with the number of its line; the first line is 1."""
    decoder = json.JSONDecoder(object_pairs_hook=_distinct_keys)
    for line, text in json_lines(path):
        try:
            record = decoder.decode(text)
        except RecursionError:
            raise DataError(f"{path}, line {line}: the value is nested too deeply; a row is an object of plain values") from None
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error).splitlines()[0]
            raise DataError(f"{path}, line {line}: it is not valid JSON ({reason}); each line must be an object") from None
        if not isinstance(record, dict):
            raise DataError(
                f'{path}, line {line}: each line must be an object, such as {{"size": 3}}; it is a {type(record).__name__}'
            )
        yield line, record


def json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read the lines that are not blank, each with its number and without blanks around it; errors: ``read_json_lines``."""
    with _open(path) as (file, limit):
        line = n_bytes = 0
        while raw := file.readline(LIMIT_LINE + 1):
            line, n_bytes = line + 1, n_bytes + len(raw)
            if len(raw) > LIMIT_LINE:
                raise DataError(f"{path}, line {line}: it has more than {LIMIT_LINE:,} bytes, which is the limit")
            if n_bytes > limit:
                raise DataError(f"{path} holds more than {limit:,} bytes, uncompressed, which is the limit")
            try:
                text = raw.decode("utf-8-sig" if line == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line {line}: it is not UTF-8 ({error.reason}); save the file as UTF-8") from None
            if text:
                yield line, text


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file, packed with gzip or not; also gives the limit of its unpacked bytes."""
    with translate_read_errors(path), path.open("rb") as file:
        if file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
            file.seek(0)
            yield file, LIMIT_BYTES
            return
        file.seek(0)
        try:
            with gzip.open(file) as unpacked:
                yield cast(BinaryIO, unpacked), LIMIT_UNPACKED
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{path} is not a valid gzip file ({error}); pack it again") from None


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict of the pairs of an object.

    Raises
    ------
    ValueError
        When two have the same key.
    """
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return record
