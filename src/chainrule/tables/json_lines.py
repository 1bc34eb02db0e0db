"""Tables from lines of JSON, one object a row (.jsonl, .ndjson), packed with gzip or not; the types decide the kinds."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from .._reading import LIMIT_BYTES, translate_read_errors, unpacked_limit_of
from ..errors import DataError
from .column import Column, Kind, first_repeated
from .column_choice import LIMIT_COLUMNS, Choice, make_table
from .column_kinds import RULES
from .json_cells import JsonCells
from .table import Table, normalized
from .text_rules import TextRules

LIMIT_LINE = 64 << 20  # bytes of one line
LIMIT_CELLS, CELLS_A_BYTE = 1 << 22, 4  # of a table larger than the first, most are gaps where a byte of the file makes more than 4
BLOCK_ROWS, BLOCK_BYTES = 4096, 4 << 20  # the rows that are held as Python objects
PROGRESS_LINES = 4096
GZIP_MAGIC = b"\x1f\x8b"


def read_json_lines(
    path: Path,
    *,
    kinds: Mapping[str, Kind] | None = None,
    columns: Collection[str] | None = None,
    drop: Collection[str] = (),
    rules: TextRules = RULES,
    progress: Callable[[float], None] | None = None,
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
    progress : callable, optional
        Called with the fraction of the file that is read.

    Returns
    -------
    Table

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When a line is not a JSON object in UTF-8, or has a key twice; when the file is too large or has no rows, or most rows lack
        most of many keys; when a value cannot have the kind required. The message names the line.
    DataTypeError
        When a value is a list or an object, or a column holds several types. The message names the line and the column.
    UnknownName
        When ``drop`` or ``kinds`` names a column that the file does not have.
    """
    rows = _Rows(path, Choice.of(columns, drop))
    rows.read(progress)
    makers = [(cells.name, partial(_column, cells, rows)) for cells in rows.cells.values()]
    rules = replace(rules, place_of=rows.place_of)
    return make_table(makers, kinds=kinds, columns=columns, drop=drop, rules=rules, name=str(path))


def read_json_names(path: Path) -> list[str]:
    """Read the keys of all lines; the errors are those of ``read_json_lines``."""
    rows = _Rows(path, Choice.of((), ()))
    rows.read(None)
    return [cells.name for cells in rows.cells.values()]


class _Rows:
    """The rows of a file, read block by block.

    Attributes
    ----------
    cells : dict of str to JsonCells
        The values of each key, in the order of their first lines; no values of a key that is not wanted.
    """

    def __init__(self, path: Path, wanted: Choice) -> None:
        self.path = path
        self.wanted = wanted
        self.cells: dict[str, JsonCells] = {}
        self.lines = array("q")

    def read(self, progress: Callable[[float], None] | None) -> None:
        """Read the whole file."""
        block: list[dict[str, Any]] = []
        size = total = 0
        for line, length, record in _records(self.path, progress):
            self.lines.append(line)
            self._note_keys(record)
            block.append(record)
            size, total = size + length, total + length
            if len(block) >= BLOCK_ROWS or size >= BLOCK_BYTES:
                self._check_cells(total)
                self._add(block)
                block, size = [], 0
        self._check_cells(total)
        self._add(block)
        if not self.lines:
            raise DataError(f"{self.path} holds no rows")

    def place_of(self, row: int) -> str:
        """Name the line of a row."""
        return f"{self.path}, line {self.lines[row]}"

    def _note_keys(self, record: dict[str, Any]) -> None:
        """Note the keys that no earlier line has."""
        new = record.keys() - self.cells.keys()
        if len(self.cells) + len(new) > LIMIT_COLUMNS:
            limit = f"the objects have more than {LIMIT_COLUMNS:,} distinct keys"
            raise DataError(f"{self.path}, line {self.lines[-1]}: {limit}; give all the same keys")
        self.cells.update((key, JsonCells(normalized(key))) for key in record if key in new)

    def _check_cells(self, n_letters: int) -> None:
        """Refuse rows that have few of all keys, since their table would be many times as large as the file."""
        n_columns = sum(cells.name in self.wanted for cells in self.cells.values())
        if n_columns * len(self.lines) > max(LIMIT_CELLS, CELLS_A_BYTE * n_letters):
            size = f"{len(self.lines):,} rows and {n_columns:,} distinct keys"
            raise DataError(
                f"{self.path}, line {self.lines[-1]}: up to here there are {size}, and most rows lack most keys; choose the keys "
                "(columns=, drop=, --drop), or write sparse rows as .svmlight"
            )

    def _add(self, block: list[dict[str, Any]]) -> None:
        """Add the last rows."""
        start = len(self.lines) - len(block)
        for key, cells in self.cells.items():
            if cells.name in self.wanted:
                cells.add(start, [record.get(key) for record in block], self.place_of)


def _column(cells: JsonCells, rows: _Rows, name: str, kind: Kind | None, rules: TextRules) -> Column:
    """Make a column of JSON values."""
    return cells.column(len(rows.lines), kind, rules)


def _records(path: Path, progress: Callable[[float], None] | None) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Read the objects, each with the number of its line, from 1, and the length of that."""
    decoder = json.JSONDecoder(object_pairs_hook=_distinct_keys)
    for line, text in json_lines(path, progress):
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
        yield line, len(text), record


def json_lines(path: Path, progress: Callable[[float], None] | None = None) -> Iterator[tuple[int, str]]:
    """Read the lines that are not blank, each with its number and without blanks around it; errors: ``read_json_lines``."""
    with _open(path) as (file, limit, told):
        line = n_bytes = 0
        while raw := file.readline(LIMIT_LINE + 1):
            line, n_bytes = line + 1, n_bytes + len(raw)
            if progress and line % PROGRESS_LINES == 0:
                progress(told())
            if len(raw) > LIMIT_LINE:
                raise DataError(f"{path}, line {line}: it has more than {LIMIT_LINE:,} bytes, which is the limit")
            if n_bytes > limit:
                raise DataError(f"{path} holds more than {limit:,} bytes, unpacked, which is the limit for its size")
            try:
                text = raw.decode("utf-8-sig" if line == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise DataError(f"{path}, line {line}: it is not UTF-8 ({error.reason}); save the file as UTF-8") from None
            if text:
                yield line, text


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, int, Callable[[], float]]]:
    """Open a file, packed with gzip or not; also give the limit of its unpacked bytes, and a function of the fraction read."""
    with translate_read_errors(path), path.open("rb") as file:
        size = max(os.fstat(file.fileno()).st_size, 1)

        def told() -> float:
            return min(file.tell() / size, 1.0)

        if file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
            file.seek(0)
            yield file, LIMIT_BYTES, told
            return
        file.seek(0)
        try:
            with gzip.open(file) as unpacked:
                yield cast(BinaryIO, unpacked), unpacked_limit_of(file), told
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
        raise ValueError(f"the key {first_repeated(keys)!r} is there twice")
    return record
